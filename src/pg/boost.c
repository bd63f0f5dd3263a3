/*
 * boost.c
 *		One classifier: boost_fit, boost_predict, boost_shap.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "catalog/pg_type_d.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(genre_hier_boost_fit);
PG_FUNCTION_INFO_V1(genre_hier_boost_predict);
PG_FUNCTION_INFO_V1(genre_hier_boost_shap);
PG_FUNCTION_INFO_V1(genre_hier_boost_shap_interactions);

/* ---- boost_fit --------------------------------------------------------- */

static void
count_classes(const gh_rows *rows, uint64 *positives)
{
	*positives = 0;
	for (size_t i = 0; i < rows->n; i++)
		*positives += rows->label[i];
}

/* {"params": ..., "rows": ..., "positives": ...}: what model_info() shows. */
static char *
boost_info(gh_ctx *ctx, const gh_boost_params *params, const gh_rows *rows)
{
	char	   *json = gh_boost_params_json(ctx, params);
	uint64		positives;
	char	   *info;

	if (json == NULL)
		gh_pg_check(ctx, gh_ctx_status(ctx));
	count_classes(rows, &positives);
	info = psprintf("{\"rows\": %zu, \"positives\": " UINT64_FORMAT ", \"weighted\": %s, \"params\": %s}",
					rows->n, positives, rows->weight != NULL ? "true" : "false", json);
	gh_free(ctx, json);
	return info;
}

Datum
genre_hier_boost_fit(PG_FUNCTION_ARGS)
{
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	gh_args		args = {"boost_fit", fcinfo, NULL};
	char	   *query = gh_arg_text(&args, 0, "query");
	ArrayType  *given = PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2);
	int			n_given;
	char	  **feature = gh_feature_names_given(given, &n_given);
	gh_json_params params;
	gh_rows		rows;
	gh_bins		bins;
	gh_fit		fit;
	gh_boost_model model;
	uint8_t    *bytes;
	size_t		length;
	bytea	   *result;

	gh_params_parse(ctx, PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1), 0, (const char *const *) feature, n_given,
					&params);
	gh_rows_init(&rows, ctx, "boost_fit");
	gh_rows_query(&rows, query, false);
	feature = gh_feature_names(given, rows.n_features);
	gh_pg_check(ctx, gh_boost_check(ctx, &params.boost, rows.n_features));
	if (params.boost.early_stopping_rounds > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("boost_fit: early_stopping_rounds needs rows held out, and boost_fit trains on all"),
				 errhint("Let boost_tune find n_estimators, and give that.")));
	gh_rows_fit(&rows, params.boost.max_bin, &bins, &fit);
	memset(&model, 0, sizeof(model));
	gh_pg_check(ctx, gh_boost_train(ctx, &fit, &params.boost, &model.booster, NULL));
	model.n_features = rows.n_features;
	model.feature = feature;
	model.info = boost_info(ctx, &params.boost, &rows);
	gh_pg_check(ctx, gh_boost_model_write(ctx, &model, &bytes, &length));
	result = gh_bytes_bytea(ctx, bytes, length);
	gh_pg_close(ctx);
	PG_RETURN_BYTEA_P(result);
}

/* ---- one row ----------------------------------------------------------- */

Datum
genre_hier_boost_predict(PG_FUNCTION_ARGS)
{
	gh_parsed  *parsed = gh_function_model(fcinfo, 0, GH_MODEL_BOOST);

	gh_parsed_row(parsed, "boost_predict", PG_GETARG_ARRAYTYPE_P(1));
	PG_RETURN_FLOAT8(gh_booster_probability(&parsed->boost.booster, parsed->x));
}

Datum
genre_hier_boost_shap(PG_FUNCTION_ARGS)
{
	gh_parsed  *parsed = gh_function_model(fcinfo, 0, GH_MODEL_BOOST);
	double	   *values = palloc((parsed->n_features + 1) * sizeof(double));

	gh_parsed_row(parsed, "boost_shap", PG_GETARG_ARRAYTYPE_P(1));
	gh_pg_check(parsed->ctx, gh_explainer_values(parsed->ctx, gh_parsed_explainer(parsed, &parsed->boost.booster),
												 parsed->x, values));
	PG_RETURN_ARRAYTYPE_P(gh_pg_float_array(values, parsed->n_features + 1));
}

Datum
genre_hier_boost_shap_interactions(PG_FUNCTION_ARGS)
{
	gh_parsed  *parsed = gh_function_model(fcinfo, 0, GH_MODEL_BOOST);
	int			width = parsed->n_features + 1;
	Size		n = (Size) width * width;
	double	   *values = palloc_extended(n * sizeof(double), MCXT_ALLOC_HUGE);
	Datum	   *elements = palloc_extended(n * sizeof(Datum), MCXT_ALLOC_HUGE);
	int			dimensions[2] = {width, width},
				lower[2] = {1, 1};

	gh_parsed_row(parsed, "boost_shap_interactions", PG_GETARG_ARRAYTYPE_P(1));
	gh_pg_check(parsed->ctx,
				gh_explainer_interactions(parsed->ctx, gh_parsed_explainer(parsed, &parsed->boost.booster), parsed->x,
										  values));
	for (Size i = 0; i < n; i++)
		elements[i] = Float8GetDatum(values[i]);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(elements, NULL, 2, dimensions, lower, FLOAT8OID, sizeof(float8),
											 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
