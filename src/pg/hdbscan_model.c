/*
 * hdbscan_model.c
 *		hdbscan_fit, hdbscan_predict, hdbscan_tree and hdbscan_clusters: a clustering that is kept.
 */
#include "gh_pg_hdbscan.h"
#include "gh_pg_model.h"

#include <math.h>

#include "access/htup_details.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define FIT "hdbscan_fit"
#define PREDICT "hdbscan_predict"

PG_FUNCTION_INFO_V1(genre_hier_hdbscan_fit);
PG_FUNCTION_INFO_V1(genre_hier_hdbscan_predict);
PG_FUNCTION_INFO_V1(genre_hier_hdbscan_tree);
PG_FUNCTION_INFO_V1(genre_hier_hdbscan_clusters);

/* ---- hdbscan_fit -------------------------------------------------------- */

/* Before the work: a model that no bytea can hold is not worth making. */
static void
check_model_fits(const gh_points *points, char **ids, const gh_hdbscan_params *params)
{
	size_t		id_bytes = 0,
				length;

	if (points->n == 0)
		ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
				errmsg(FIT ": the query returned no rows"),
				errhint("A model needs at least one point."));
	for (size_t i = 0; i < points->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		id_bytes += strlen(ids[i]);
	}
	length = gh_hdbscan_model_length(points->n, points->d, id_bytes, params->min_cluster_size);
	if (length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg(FIT ": the model would have up to %zu bytes; a bytea holds at most %zu", length,
					   (size_t) (MaxAllocSize - VARHDRSZ)),
				errhint("Fit fewer rows: the others can be predicted."));
}

/* The ids as models keep them; those of a UTF-8 database as they are. */
static char **
utf8_ids(const gh_points *points)
{
	char	  **ids = MemoryContextAllocHuge(CurrentMemoryContext, Max(points->n, 1) * sizeof(char *));

	for (size_t i = 0; i < points->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ids[i] = gh_pg_to_utf8(points->id[i]);
	}
	return ids;
}

Datum
genre_hier_hdbscan_fit(PG_FUNCTION_ARGS)
{
	gh_args		args = {FIT, fcinfo, NULL};
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier hdbscan", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	char	   *query = gh_arg_text(&args, 0, "query");
	gh_hdbscan_params params = gh_pg_hdbscan_options(&args);
	gh_points	points;
	char	  **ids;
	gh_hdbscan_model model;
	uint8_t    *bytes;
	size_t		length;
	bytea	   *out;

	gh_pg_check(ctx, gh_hdbscan_check(ctx, &params));
	gh_pg_points(FIT, query, "features", true, &points);
	ids = utf8_ids(&points);
	check_model_fits(&points, ids, &params);
	gh_pg_check(ctx, gh_hdbscan_fit(ctx, points.values, points.n, points.d, (const char *const *) ids, &params, &model));
	gh_pg_check(ctx, gh_hdbscan_model_write(ctx, &model, &bytes, &length));
	MemoryContextSwitchTo(old);
	out = gh_bytes_bytea(ctx, bytes, length);
	gh_pg_close(ctx);
	MemoryContextDelete(work);
	PG_RETURN_BYTEA_P(out);
}

/* ---- hdbscan_predict ----------------------------------------------------- */

/* What a call site keeps; the cache first, where gh_function_model looks for it. */
typedef struct prediction_site
{
	gh_cache	cache;
	TupleDesc	described;
} prediction_site;

static TupleDesc
describe_prediction(FunctionCallInfo fcinfo)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;
	prediction_site *site = flinfo->fn_extra;

	if (site == NULL)
		flinfo->fn_extra = site = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(prediction_site));
	if (site->described == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(flinfo->fn_mcxt);
		TupleDesc	described;

		if (get_call_result_type(fcinfo, NULL, &described) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		site->described = BlessTupleDesc(CreateTupleDescCopy(described));
		MemoryContextSwitchTo(old);
	}
	return site->described;
}

/* A new point, of the model's dimension and finite; palloc'd. */
static double *
read_point(const gh_hdbscan_model *model, ArrayType *array)
{
	int			n;
	double	   *point = gh_pg_doubles(PREDICT, array, &n);

	if (n != model->d)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg(PREDICT ": the point has %d coordinates, the model was fitted to %d", n, model->d),
				errhint("Give the coordinates that hdbscan_fit was given, in the same order."));
	for (int i = 0; i < n; i++)
	{
		if (!isfinite(point[i]))
			ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
					errmsg(PREDICT ": element %d of point is %s", i + 1, isnan(point[i]) ? "NaN" : "infinite"),
					errhint("Leave such rows out of the query, or give them values."));
	}
	return point;
}

Datum
genre_hier_hdbscan_predict(PG_FUNCTION_ARGS)
{
	TupleDesc	described = describe_prediction(fcinfo);
	gh_parsed  *parsed = gh_function_model(fcinfo, 0, GH_MODEL_HDBSCAN);
	double	   *point = read_point(&parsed->hdbscan, PG_GETARG_ARRAYTYPE_P(1));
	int32_t		label;
	double		probability;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	gh_pg_check(parsed->ctx, gh_hdbscan_predict(parsed->ctx, &parsed->hdbscan, point, &label, &probability));
	pfree(point);
	values[0] = Int32GetDatum(label);
	nulls[0] = label == GH_NOISE;
	values[1] = Float8GetDatum(probability);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(described, values, nulls)));
}

/* ---- hdbscan_tree, hdbscan_clusters ---------------------------------------- */

Datum
genre_hier_hdbscan_tree(PG_FUNCTION_ARGS)
{
	TupleDesc	described;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &described);
	const gh_hdbscan_model *model;

	if (PG_ARGISNULL(0))
		return (Datum) 0;
	model = &gh_function_model(fcinfo, 0, GH_MODEL_HDBSCAN)->hdbscan;
	for (size_t i = 0; i < gh_hdbscan_tree_rows(model); i++)
	{
		gh_tree_row row = gh_hdbscan_tree_row(model, i);
		Datum		values[5];
		bool		nulls[5] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = Int64GetDatum((int64) row.parent);
		values[1] = Int64GetDatum((int64) row.child);
		values[2] = Float8GetDatum(row.lambda);
		values[3] = Int64GetDatum((int64) row.size);
		nulls[4] = row.child >= model->n;
		values[4] = nulls[4] ? (Datum) 0 : gh_name_datum(model->ids + model->id_begin[row.child]);
		tuplestore_putvalues(store, described, values, nulls);
		if (!nulls[4])
			pfree(DatumGetPointer(values[4]));
	}
	return (Datum) 0;
}

Datum
genre_hier_hdbscan_clusters(PG_FUNCTION_ARGS)
{
	TupleDesc	described;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &described);
	gh_parsed  *parsed;
	gh_cluster *clusters;
	int			n;

	if (PG_ARGISNULL(0))
		return (Datum) 0;
	parsed = gh_function_model(fcinfo, 0, GH_MODEL_HDBSCAN);
	gh_pg_check(parsed->ctx, gh_hdbscan_clusters(parsed->ctx, &parsed->hdbscan, &clusters, &n));
	for (int i = 0; i < n; i++)
	{
		const gh_cluster *c = &clusters[i];
		Datum		values[7];
		bool		nulls[7] = {false};

		values[0] = Int32GetDatum(i);
		values[1] = Int64GetDatum((int64) c->node);
		values[2] = Int64GetDatum((int64) c->size);
		values[3] = Float8GetDatum(c->persistence);
		values[4] = Float8GetDatum(c->stability);
		values[5] = Float8GetDatum(c->birth);
		values[6] = Float8GetDatum(c->death);
		tuplestore_putvalues(store, described, values, nulls);
	}
	gh_free(parsed->ctx, clusters);
	return (Datum) 0;
}

/* ---- model_info -------------------------------------------------------------- */

void
gh_hdbscan_info(StringInfo json, const gh_hdbscan_model *model)
{
	const gh_hdbscan_params *p = &model->params;

	appendStringInfo(json, ", \"points\": %zu, \"clusters\": %d", model->n, gh_hdbscan_count(model));
	appendStringInfo(json, ", \"training\": {\"min_cluster_size\": %d, \"min_samples\": %d", p->min_cluster_size,
					 p->min_samples);
	appendStringInfo(json, ", \"cluster_selection_method\": \"%s\", \"cluster_selection_epsilon\": ",
					 p->selection == GH_SELECT_EOM ? "eom" : "leaf");
	gh_json_number(json, p->epsilon);
	appendStringInfo(json, ", \"max_cluster_size\": %d, \"allow_single_cluster\": %s, \"alpha\": ", p->max_cluster_size,
					 p->allow_single_cluster ? "true" : "false");
	gh_json_number(json, p->alpha);
	appendStringInfoChar(json, '}');
}
