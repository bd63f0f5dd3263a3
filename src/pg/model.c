/*
 * model.c
 *		Models as values: predictions and descriptions out of the bytes alone.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "catalog/pg_type.h"

PG_FUNCTION_INFO_V1(genre_hier_predict_genres);
PG_FUNCTION_INFO_V1(genre_hier_genre_probabilities);
PG_FUNCTION_INFO_V1(genre_hier_model_info);
PG_FUNCTION_INFO_V1(genre_hier_model_genres);
PG_FUNCTION_INFO_V1(genre_hier_model_features);
PG_FUNCTION_INFO_V1(genre_hier_model_nodes);

/* ---- predictions ------------------------------------------------------- */

int64
gh_top_k_argument(FunctionCallInfo fcinfo, int argument, bool *all)
{
	int32		top_k;

	*all = PG_ARGISNULL(argument);
	if (*all)
		return 0;
	top_k = PG_GETARG_INT32(argument);
	if (top_k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("predict_genres: top_k is out of range"),
				 errdetail("The value is %d; it must be at least 1.", top_k),
				 errhint("NULL returns every genre.")));
	return top_k;
}

static void
put_genre(const gh_parsed *parsed, uint32 rank, uint32 node, Tuplestorestate *store, TupleDesc tupdesc)
{
	const gh_node *genre = &parsed->hierarchy.node[node];
	Datum		values[6];
	bool		nulls[6] = {false};

	values[0] = Int32GetDatum((int32) rank);
	values[1] = gh_name_datum(genre->name);
	nulls[2] = nulls[4] = genre->parent < 0;
	values[2] = nulls[2] ? (Datum) 0 : gh_name_datum(parsed->hierarchy.node[genre->parent].name);
	values[3] = Float8GetDatum(parsed->joint[node]);
	values[4] = nulls[4] ? (Datum) 0 : Float8GetDatum(parsed->joint[genre->parent]);
	values[5] = Float8GetDatum(parsed->conditional[node]);
	tuplestore_putvalues(store, tupdesc, values, nulls);
}

void
gh_predict_rows(gh_parsed *parsed, bool all, int64 top_k, Tuplestorestate *store, TupleDesc tupdesc)
{
	const gh_model *model = &parsed->hierarchy;
	uint32_t   *order = palloc(Max(model->n_genres, 1) * sizeof(uint32_t));
	uint32		n = all ? model->n_genres : (uint32) Min((int64) model->n_genres, top_k);

	gh_model_predict(model, parsed->x, parsed->conditional, parsed->joint);
	gh_pg_check(parsed->ctx, gh_model_rank(parsed->ctx, model, parsed->joint, order));
	for (uint32 i = 0; i < n; i++)
		put_genre(parsed, i + 1, model->genre[order[i]], store, tupdesc);
	pfree(order);
}

Datum
genre_hier_predict_genres(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	bool		all;
	int64		top_k = gh_top_k_argument(fcinfo, 2, &all);
	gh_parsed  *parsed;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return (Datum) 0;
	parsed = gh_function_model(fcinfo, 0, GH_MODEL_HIERARCHY);
	gh_parsed_row(parsed, "predict_genres", PG_GETARG_ARRAYTYPE_P(1));
	gh_predict_rows(parsed, all, top_k, store, tupdesc);
	return (Datum) 0;
}

Datum
genre_hier_genre_probabilities(PG_FUNCTION_ARGS)
{
	gh_parsed  *parsed = gh_function_model(fcinfo, 0, GH_MODEL_HIERARCHY);
	const gh_model *model = &parsed->hierarchy;
	double	   *probability = palloc(Max(model->n_genres, 1) * sizeof(double));

	gh_parsed_row(parsed, "genre_probabilities", PG_GETARG_ARRAYTYPE_P(1));
	gh_model_predict(model, parsed->x, parsed->conditional, parsed->joint);
	for (uint32 g = 0; g < model->n_genres; g++)
		probability[g] = parsed->joint[model->genre[g]];
	PG_RETURN_ARRAYTYPE_P(gh_pg_float_array(probability, (int) model->n_genres));
}

/* ---- descriptions ------------------------------------------------------ */

static uint64
count_trees(const gh_model *model)
{
	uint64		trees = 0;

	for (uint32 i = 0; i < model->n_nodes; i++)
		trees += model->node[i].booster.n_trees;
	return trees;
}

static int
count_levels(const gh_model *model)
{
	int			levels = 0;

	for (uint32 i = 0; i < model->n_nodes; i++)
		levels = Max(levels, model->node[i].level);
	return levels;
}

static void
boost_info(StringInfo json, const gh_boost_model *model)
{
	appendStringInfo(json, ", \"trees\": %u, \"base_score\": ", model->booster.n_trees);
	gh_json_number(json, model->booster.base_score);
	appendStringInfo(json, ", \"training\": %s", model->info);
}

static void
hierarchy_info(StringInfo json, const gh_model *model)
{
	appendStringInfo(json, ", \"nodes\": %u, \"genres\": %u, \"supergenres\": %u, \"levels\": %d, \"trees\": "
					 UINT64_FORMAT ", \"training\": %s",
					 model->n_nodes, model->n_genres, model->n_nodes - model->n_genres, count_levels(model),
					 count_trees(model), model->info);
}

static const char *
kind_word(int kind)
{
	switch (kind)
	{
		case GH_MODEL_BOOST:
			return "boost";
		case GH_MODEL_UMAP:
			return "umap";
		case GH_MODEL_HDBSCAN:
			return "hdbscan";
		default:
			return "hierarchy";
	}
}

Datum
genre_hier_model_info(PG_FUNCTION_ARGS)
{
	gh_parsed  *parsed = gh_function_model(fcinfo, 0, 0);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"kind\": \"%s\", \"format\": %d, \"bytes\": %zu, \"features\": %d", kind_word(parsed->kind),
					 GH_FORMAT_VERSION, parsed->length, parsed->n_features);
	if (parsed->kind == GH_MODEL_BOOST)
		boost_info(&json, &parsed->boost);
	else if (parsed->kind == GH_MODEL_UMAP)
		gh_umap_info(&json, &parsed->umap);
	else if (parsed->kind == GH_MODEL_HDBSCAN)
		gh_hdbscan_info(&json, &parsed->hdbscan);
	else
		hierarchy_info(&json, &parsed->hierarchy);
	appendStringInfoChar(&json, '}');
	PG_RETURN_DATUM(gh_json_datum(json.data));
}

static ArrayType *
text_array(Datum *values, int n)
{
	return construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT);
}

Datum
genre_hier_model_genres(PG_FUNCTION_ARGS)
{
	const gh_model *model = &gh_function_model(fcinfo, 0, GH_MODEL_HIERARCHY)->hierarchy;
	Datum	   *name = palloc(Max(model->n_genres, 1) * sizeof(Datum));

	for (uint32 g = 0; g < model->n_genres; g++)
		name[g] = gh_name_datum(model->node[model->genre[g]].name);
	PG_RETURN_ARRAYTYPE_P(text_array(name, (int) model->n_genres));
}

Datum
genre_hier_model_features(PG_FUNCTION_ARGS)
{
	const gh_parsed *parsed = gh_function_model(fcinfo, 0, 0);
	Datum	   *name = palloc(parsed->n_features * sizeof(Datum));

	for (int i = 0; i < parsed->n_features; i++)
		name[i] = gh_name_datum(parsed->feature[i]);
	PG_RETURN_ARRAYTYPE_P(text_array(name, parsed->n_features));
}

static Datum
params_datum(const char *params, bool *null)
{
	*null = params == NULL || params[0] == '\0';
	return *null ? (Datum) 0 : gh_json_datum(params);
}

/* Two columns: the score of cross-validation and its deviation between the folds; NULL without a search. */
static void
put_score(const gh_search *search, Datum *values, bool *nulls)
{
	nulls[0] = nulls[1] = search->trials == 0;
	values[0] = Float8GetDatum(search->score);
	values[1] = Float8GetDatum(search->score_sd);
}

static void
put_node(const gh_model *model, uint32 i, Tuplestorestate *store, TupleDesc tupdesc)
{
	const gh_node *node = &model->node[i];
	Datum		values[16];
	bool		nulls[16] = {false};

	values[0] = gh_name_datum(node->name);
	nulls[1] = node->parent < 0;
	values[1] = nulls[1] ? (Datum) 0 : gh_name_datum(model->node[node->parent].name);
	values[2] = Int32GetDatum(node->level);
	values[3] = BoolGetDatum(node->is_genre);
	values[4] = Int64GetDatum((int64) node->positives);
	values[5] = Int64GetDatum((int64) node->negatives);
	values[6] = Int32GetDatum((int32) node->booster.n_trees);
	nulls[7] = !node->ap_defined;
	values[7] = Float8GetDatum(node->average_precision);
	values[8] = params_datum(node->params, &nulls[8]);
	put_score(&node->search, values + 9, nulls + 9);
	values[11] = Int32GetDatum((int32) node->search.folds);
	values[12] = Int32GetDatum((int32) node->search.trials);
	nulls[11] = nulls[12] = nulls[9];
	values[13] = params_datum(node->vanilla_params, &nulls[13]);
	put_score(&node->vanilla_search, values + 14, nulls + 14);
	tuplestore_putvalues(store, tupdesc, values, nulls);
}

Datum
genre_hier_model_nodes(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	const gh_model *model;

	if (PG_ARGISNULL(0))
		return (Datum) 0;
	model = &gh_function_model(fcinfo, 0, GH_MODEL_HIERARCHY)->hierarchy;
	for (uint32 i = 0; i < model->n_nodes; i++)
		put_node(model, i, store, tupdesc);
	return (Datum) 0;
}
