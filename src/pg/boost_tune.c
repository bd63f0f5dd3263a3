/*
 * boost_tune.c
 *		boost_tune: parameters of one classifier by cross-validation.
 */
#include "gh_pg_model.h"

#include <math.h>

PG_FUNCTION_INFO_V1(genre_hier_boost_tune);

typedef struct tune_arguments
{
	int			folds;
	gh_tune_options options;
	gh_space	space;
	gh_boost_params base;
} tune_arguments;

static void
read_tune_arguments(gh_ctx *ctx, const gh_args *args, tune_arguments *out)
{
	memset(&out->options, 0, sizeof(out->options));
	out->options.iterations = gh_arg_int(args, 1, "iterations");
	out->folds = gh_arg_int(args, 2, "folds");
	out->options.metric = gh_metric_parse(gh_arg_text(args, 3, "metric"));
	out->options.seed = (uint64) gh_arg_bigint(args, 5, "seed");
	out->options.exhaustive = gh_arg_bool(args, 6, "exhaustive");
	out->base = gh_boost_defaults();
	out->space = gh_space_default();
	gh_check_between(args->what, "iterations", out->options.iterations, 1, GH_MAX_ITERATIONS);
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
	Datum		values[6];
	bool		nulls[6] = {false};
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
	values[5] = Int32GetDatum(trial->folds);
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
	fold = tune_folds(&rows, arguments.folds, arguments.options.seed);
	gh_rows_fit(&rows, arguments.base.max_bin, &bins, &fit);
	trials = gh_pg_alloc(ctx, arguments.options.iterations, sizeof(gh_trial));
	gh_pg_check(ctx, gh_tune(ctx, &fit, fold, arguments.folds, &arguments.base, &arguments.space,
							 &arguments.options, trials, &best));
	if (isnan(trials[best].score))
		gh_note(ctx, "boost: tuning", "no fold has both classes inside and outside: nothing was compared, and every row is the parameters given");
	for (int i = 0; i < arguments.options.iterations; i++)
		put_trial(ctx, store, tupdesc, i, &trials[i]);
	gh_pg_close(ctx);
	return (Datum) 0;
}
