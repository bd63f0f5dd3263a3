/*
 * boost.c
 *		One classifier: boost_fit, boost_tune, boost_predict, boost_shap.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "explain/gh_shap.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(genre_hier_boost_fit);
PG_FUNCTION_INFO_V1(genre_hier_boost_tune);
PG_FUNCTION_INFO_V1(genre_hier_boost_predict);
PG_FUNCTION_INFO_V1(genre_hier_boost_shap);

/* ---- boost_fit --------------------------------------------------------- */

static void
count_classes(const gh_rows *rows, uint64 *positives)
{
	*positives = 0;
	for (size_t i = 0; i < rows->n; i++)
		*positives += rows->label[i];
}

/* All rows, in their order, as what one fit trains on. */
static void
prepare_fit(gh_rows *rows, int max_bin, gh_bins *bins, gh_fit *fit)
{
	uint32_t   *all = gh_pg_alloc(rows->ctx, rows->n, sizeof(uint32_t));

	for (size_t i = 0; i < rows->n; i++)
		all[i] = (uint32_t) i;
	gh_pg_check(rows->ctx, gh_bins_build(rows->ctx, rows->x, rows->n, rows->n_features, max_bin, NULL, 0, bins));
	memset(fit, 0, sizeof(*fit));
	fit->bins = bins;
	fit->rows = all;
	fit->n_rows = rows->n;
	fit->labels = rows->label;
	fit->weights = rows->weight;
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
	prepare_fit(&rows, params.boost.max_bin, &bins, &fit);
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

/* ---- boost_tune -------------------------------------------------------- */

typedef struct tune_arguments
{
	int			iterations,
				folds;
	gh_metric	metric;
	uint64		seed;
	gh_space	space;
	gh_boost_params base;
} tune_arguments;

static void
read_tune_arguments(gh_ctx *ctx, const gh_args *args, tune_arguments *out)
{
	out->iterations = gh_arg_int(args, 1, "iterations");
	out->folds = gh_arg_int(args, 2, "folds");
	out->metric = gh_metric_parse(gh_arg_text(args, 3, "metric"));
	out->seed = (uint64) gh_arg_bigint(args, 5, "seed");
	out->base = gh_boost_defaults();
	out->space = gh_space_default();
	gh_check_between(args->what, "iterations", out->iterations, 1, GH_MAX_ITERATIONS);
	gh_check_between(args->what, "folds", out->folds, 2, GH_MAX_FOLDS);
	if (!gh_arg_is_null(args, 4))
		gh_space_parse(ctx, DatumGetJsonbP(args->fcinfo->args[4].value), &out->space, &out->base);
}

/* Folds that keep groups together and both classes balanced. */
static uint8_t *
tune_folds(gh_rows *rows, int k, uint64 seed)
{
	gh_ctx	   *ctx = rows->ctx;
	uint64_t   *begin = gh_pg_alloc(ctx, rows->n + 1, sizeof(uint64_t));
	uint32_t   *label = gh_pg_alloc(ctx, rows->n, sizeof(uint32_t));
	uint8_t    *fold = gh_pg_alloc(ctx, rows->n, sizeof(uint8_t));
	gh_labels	labels = {rows->n, 2, begin, label};

	for (size_t i = 0; i < rows->n; i++)
	{
		begin[i] = i;
		label[i] = rows->label[i];
	}
	begin[rows->n] = rows->n;
	gh_pg_check(ctx, gh_folds(ctx, &labels, rows->group, k, NULL, seed, fold));
	gh_free(ctx, begin);
	gh_free(ctx, label);
	return fold;
}

static void
put_trial(gh_ctx *ctx, Tuplestorestate *store, TupleDesc tupdesc, int iteration, const gh_trial *trial)
{
	Datum		values[5];
	bool		nulls[5] = {false};
	gh_boost_params params = trial->params;
	char	   *json;

	/* n_estimators is what early stopping found: boost_fit takes the object as it is */
	params.early_stopping_rounds = 0;
	json = gh_boost_params_json(ctx, &params);
	if (json == NULL)
		gh_pg_check(ctx, gh_ctx_status(ctx));
	values[0] = Int32GetDatum(iteration + 1);
	values[1] = gh_json_datum(json);
	values[2] = Float8GetDatum(trial->score);
	values[3] = Float8GetDatum(trial->score_sd);
	values[4] = BoolGetDatum(trial->best);
	nulls[2] = isnan(trial->score);
	nulls[3] = isnan(trial->score_sd);
	tuplestore_putvalues(store, tupdesc, values, nulls);
	gh_free(ctx, json);
}

Datum
genre_hier_boost_tune(PG_FUNCTION_ARGS)
{
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	gh_args		args = {"boost_tune", fcinfo, NULL};
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	char	   *query = gh_arg_text(&args, 0, "query");
	tune_arguments arguments;
	gh_rows		rows;
	gh_bins		bins;
	gh_fit		fit;
	uint8_t    *fold;
	gh_trial   *trials;
	int			best;

	read_tune_arguments(ctx, &args, &arguments);
	gh_rows_init(&rows, ctx, "boost_tune");
	gh_rows_query(&rows, query, true);
	gh_pg_check(ctx, gh_boost_check(ctx, &arguments.base, rows.n_features));
	fold = tune_folds(&rows, arguments.folds, arguments.seed);
	prepare_fit(&rows, arguments.base.max_bin, &bins, &fit);
	trials = gh_pg_alloc(ctx, arguments.iterations, sizeof(gh_trial));
	gh_pg_check(ctx, gh_tune(ctx, &fit, fold, arguments.folds, &arguments.base, &arguments.space, arguments.metric,
							 arguments.iterations, arguments.seed, trials, &best));
	for (int i = 0; i < arguments.iterations; i++)
		put_trial(ctx, store, tupdesc, i, &trials[i]);
	gh_pg_close(ctx);
	return (Datum) 0;
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
	gh_pg_check(parsed->ctx, gh_shap(parsed->ctx, &parsed->boost.booster, parsed->x, values));
	PG_RETURN_ARRAYTYPE_P(gh_pg_float_array(values, parsed->n_features + 1));
}
