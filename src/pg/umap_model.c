/*
 * umap_model.c
 *		umap_transform and trustworthiness: a projection used, and judged.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "project/gh_trustworthiness.h"

#define TRANSFORM "umap_transform"
#define TRUST "trustworthiness"

PG_FUNCTION_INFO_V1(genre_hier_umap_transform);
PG_FUNCTION_INFO_V1(genre_hier_trustworthiness);

/* ---- umap_transform ---------------------------------------------------- */

/* One row's features, as many as the model's and finite; palloc'd. */
static double *
transform_features(const gh_umap_model *model, ArrayType *array)
{
	int			n;
	double	   *features = gh_pg_doubles(TRANSFORM, array, &n);

	if (n != model->d)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg(TRANSFORM ": %d features given, the model was fitted to %d", n, model->d),
				errhint("Give the features that umap_fit was given, in the same order."));
	for (int i = 0; i < n; i++)
	{
		if (!isfinite(features[i]))
			ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
					errmsg(TRANSFORM ": element %d of features is %s", i + 1, isnan(features[i]) ? "NaN" : "infinite"),
					errhint("Leave such rows out of the query, or give them values."));
	}
	return features;
}

Datum
genre_hier_umap_transform(PG_FUNCTION_ARGS)
{
	gh_parsed  *parsed = gh_function_model(fcinfo, 0, GH_MODEL_UMAP);
	const gh_umap_model *model = &parsed->umap;
	double	   *features = transform_features(model, PG_GETARG_ARRAYTYPE_P(1));
	double		place[GH_UMAP_MOST_COMPONENTS];

	gh_pg_check(parsed->ctx, gh_umap_transform(parsed->ctx, model, features, place));
	PG_RETURN_ARRAYTYPE_P(gh_pg_float_array(place, model->params.n_components));
}

void
gh_umap_info(StringInfo json, const gh_umap_model *model)
{
	static const char *const init[] = {"spectral", "pca", "random"};
	const gh_umap_params *p = &model->params;

	appendStringInfo(json, ", \"points\": %zu, \"components\": %d", model->n, p->n_components);
	appendStringInfo(json, ", \"training\": {\"n_neighbors\": %d", p->n_neighbors);
	appendStringInfo(json, ", \"n_components\": %d", p->n_components);
	appendStringInfoString(json, ", \"min_dist\": ");
	gh_json_number(json, p->min_dist);
	appendStringInfoString(json, ", \"spread\": ");
	gh_json_number(json, p->spread);
	appendStringInfo(json, ", \"n_epochs\": %d, \"learning_rate\": ", p->n_epochs);
	gh_json_number(json, p->learning_rate);
	appendStringInfo(json, ", \"negative_sample_rate\": %d, \"init\": \"%s\"", p->negative_sample_rate, init[p->init]);
	appendStringInfo(json, ", \"standardize\": %s, \"seed\": " INT64_FORMAT "}", p->standardize ? "true" : "false",
					 (int64) p->seed);
}

/* ---- trustworthiness --------------------------------------------------- */

/* The two arrays of each row, collected side by side. */
typedef struct pairs
{
	gh_collector features;
	gh_collector embedding;
} pairs;

static void
add_pair(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	pairs	   *p = arg;
	char	   *id = TextDatumGetCString(values[0]);

	(void) row;
	(void) nulls;
	gh_pg_collect(&p->features, DatumGetArrayTypeP(values[1]), id);
	gh_pg_collect(&p->embedding, DatumGetArrayTypeP(values[2]), id);
}

static int
compare_ids(const void *a, const void *b, void *arg)
{
	char	  **id = arg;

	CHECK_FOR_INTERRUPTS();
	return strcmp(id[*(const uint32 *) a], id[*(const uint32 *) b]);
}

/* order[n], palloc'd: the rows by id, since ties go by place and the rows' order must not matter. */
static uint32 *
order_by_id(const gh_points *points)
{
	uint32	   *order = MemoryContextAllocHuge(CurrentMemoryContext, Max(points->n, 1) * sizeof(uint32));

	for (size_t i = 0; i < points->n; i++)
		order[i] = (uint32) i;
	qsort_arg(order, points->n, sizeof(uint32), compare_ids, points->id);
	for (size_t i = 1; i < points->n; i++)
	{
		if (strcmp(points->id[order[i - 1]], points->id[order[i]]) == 0)
			ereport(ERROR, errcode(ERRCODE_UNIQUE_VIOLATION),
					errmsg(TRUST ": more than one row has the id \"%s\"", points->id[order[i]]),
					errhint("Every row needs an id of its own: use DISTINCT ON or GROUP BY in the query."));
	}
	return order;
}

/* Puts the values in order; their old array is freed. */
static void
reorder(gh_points *points, const uint32 *order)
{
	size_t		stride = (size_t) points->d * sizeof(double);
	double	   *values = MemoryContextAllocHuge(CurrentMemoryContext, points->n * stride);

	for (size_t i = 0; i < points->n; i++)
		memcpy(values + i * points->d, points->values + (size_t) order[i] * points->d, stride);
	pfree(points->values);
	points->values = values;
}

static void
read_pairs(const char *query, gh_points *features, gh_points *embedding)
{
	gh_column	columns[] = {
		{.name = "id",.type = GH_COLUMN_ANY_AS_TEXT},
		{.name = "features",.type = GH_COLUMN_FLOATS},
		{.name = "embedding",.type = GH_COLUMN_FLOATS}
	};
	pairs		p = {
		.features = {.what = TRUST,.column = "features",.context = CurrentMemoryContext},
		.embedding = {.what = TRUST,.column = "embedding",.context = CurrentMemoryContext}
	};

	gh_pg_query(TRUST, query, true, columns, lengthof(columns), add_pair, &p);
	if (p.features.points.n > 0)
	{
		uint32	   *order = order_by_id(&p.features.points);

		reorder(&p.features.points, order);
		reorder(&p.embedding.points, order);
		pfree(order);
	}
	*features = p.features.points;
	*embedding = p.embedding.points;
}

/* 0: all rows. */
static size_t
sample_size(const gh_args *args)
{
	int			sample;

	if (gh_arg_is_null(args, 2))
		return 0;
	sample = gh_arg_int(args, 2, "sample");
	if (sample < 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg(TRUST ": sample is %d", sample),
				errhint("It must be at least 1, or NULL for all rows."));
	return (size_t) sample;
}

Datum
genre_hier_trustworthiness(PG_FUNCTION_ARGS)
{
	gh_args		args = {TRUST, fcinfo, NULL};
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier " TRUST, ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	char	   *query = gh_arg_text(&args, 0, "query");
	int			n_neighbors = gh_arg_int(&args, 1, "n_neighbors");
	size_t		sample = sample_size(&args);
	gh_points	features,
				embedding;
	double		result;

	read_pairs(query, &features, &embedding);
	gh_pg_check(ctx, gh_trustworthiness(ctx, features.values, features.n, features.d, embedding.values, embedding.d,
										n_neighbors, sample, &result));
	gh_pg_close(ctx);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	PG_RETURN_FLOAT8(result);
}
