/*
 * shap.c
 *		Why a classifier of a hierarchy answered as it did.
 */
#include "gh_pg_model.h"

#include <math.h>

/* From this row on tables pay. */
#define ROWS_FOR_TABLES 4

PG_FUNCTION_INFO_V1(genre_hier_shap_values);

const gh_explainer *
gh_parsed_explainer(gh_parsed *parsed, const gh_booster *booster)
{
	if (parsed->explained != booster)
	{
		if (parsed->explained != NULL)
			gh_explainer_free(parsed->ctx, &parsed->explainer);
		parsed->explained = NULL;
		parsed->n_explained = 0;
		gh_pg_check(parsed->ctx, gh_explainer_open(parsed->ctx, booster, &parsed->explainer));
		parsed->explained = booster;
	}
	if (parsed->n_explained < ROWS_FOR_TABLES && ++parsed->n_explained == ROWS_FOR_TABLES)
		gh_pg_check(parsed->ctx, gh_explainer_tabulate(parsed->ctx, &parsed->explainer));
	return &parsed->explainer;
}

void
gh_shap_values_rows(gh_parsed *parsed, const char *node, Tuplestorestate *store, TupleDesc tupdesc)
{
	const gh_model *model = &parsed->hierarchy;
	int			n = parsed->n_features;
	double	   *shap = palloc((n + 1) * sizeof(double));
	uint32_t	number;
	const gh_explainer *explainer;

	gh_pg_check(parsed->ctx, gh_model_find(parsed->ctx, model, gh_pg_to_utf8(node), &number));
	explainer = gh_parsed_explainer(parsed, &model->node[number].booster);
	gh_pg_check(parsed->ctx, gh_explainer_values(parsed->ctx, explainer, parsed->x, shap));
	for (int i = 0; i < n; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {false};

		values[0] = gh_name_datum(parsed->feature[i]);
		nulls[1] = isnan(parsed->given[i]);
		values[1] = Float8GetDatum(parsed->given[i]);
		values[2] = Float8GetDatum(shap[i]);
		values[3] = Float8GetDatum(shap[n]);
		tuplestore_putvalues(store, tupdesc, values, nulls);
	}
	pfree(shap);
}

Datum
genre_hier_shap_values(PG_FUNCTION_ARGS)
{
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	gh_parsed  *parsed;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return (Datum) 0;
	parsed = gh_function_model(fcinfo, 0, GH_MODEL_HIERARCHY);
	gh_parsed_row(parsed, "shap_values", PG_GETARG_ARRAYTYPE_P(1));
	gh_shap_values_rows(parsed, text_to_cstring(PG_GETARG_TEXT_PP(2)), store, tupdesc);
	return (Datum) 0;
}
