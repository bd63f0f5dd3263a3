/*
 * test_memory.c
 *		Training in little memory: parked fits, folds in turns, estimates.
 */
#include "learn_testing.h"

#include "learn/boost_private.h"
#include "learn/gh_tune.h"

#define ROWS 12000
#define FOLDS 3

/* ---- parked fits ------------------------------------------------------- */

static gh_booster
train_parked(gh_ctx *ctx, const gh_fit *fit, const gh_boost_params *params, int rounds, int parked_every,
			 double *margins)
{
	gh_trainer *trainer;
	gh_booster	booster;

	test_ok(ctx, gh_trainer_open(ctx, fit, params, GH_KEEP_TREES, &trainer));
	for (int round = 0; round < rounds; round++)
	{
		if (parked_every > 0 && round % parked_every == 0)
		{
			size_t		before = gh_memory_used(ctx);

			gh_trainer_park(trainer);
			gh_trainer_park(trainer);
			/* records of 32 bytes, 5 columns, order and spare, label and weight */
			assert_true(gh_memory_used(ctx) + fit->n_rows * (32 + 5 + 8 + 5) <= before);
		}
		test_ok(ctx, gh_trainer_round(trainer));
	}
	test_ok(ctx, gh_trainer_valid_margins_at(trainer, gh_trainer_rounds(trainer), margins));
	gh_trainer_take(trainer, gh_trainer_rounds(trainer), &booster);
	gh_trainer_close(trainer);
	return booster;
}

/* Rows and features are drawn, rows weigh differently: nothing of it may depend on how often a fit waited. */
static void
a_parked_fit_goes_on_where_it_was(void **state)
{
	gh_ctx	   *ctx = test_threads(2);
	test_data	data = test_make(ROWS, 5, 0, .1, 3);
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);
	gh_boost_params params = gh_boost_defaults();
	static float weights[ROWS];
	static double margins[2][1000];

	(void) state;
	test_ok(ctx, gh_bins_build(ctx, data.rows, ROWS, 5, 256, NULL, 0, &bins));
	for (int i = 0; i < ROWS; i++)
		weights[i] = (float) test_uniform(4, (uint64_t) i);
	fit.weights = weights;
	fit.n_rows = 2000;
	fit.valid_rows = data.all + 2000;
	fit.n_valid = 1000;
	params.subsample = .7;
	params.colsample_bytree = .6;
	params.colsample_bynode = .7;
	params.scale_pos_weight = 3;
	for (int every = 1; every < 4; every++)
	{
		gh_booster	one = train_parked(ctx, &fit, &params, 9, 0, margins[0]),
					other = train_parked(ctx, &fit, &params, 9, every, margins[1]);

		test_same_booster(ctx, &one, &other);
		assert_memory_equal(margins[0], margins[1], sizeof(margins[0]));
		gh_booster_free(ctx, &one);
		gh_booster_free(ctx, &other);
	}
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

/* A trainer that keeps paths only knows what an earlier, shorter training would say. */
static void
paths_lead_back_to_any_round(void **state)
{
	gh_ctx	   *ctx = test_threads(2);
	test_data	data = test_make(ROWS, 5, 0, .1, 3);
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);
	gh_boost_params params = gh_boost_defaults();
	gh_trainer *trainer;
	static double expected[1000],
				found[1000];

	(void) state;
	test_ok(ctx, gh_bins_build(ctx, data.rows, ROWS, 5, 256, NULL, 0, &bins));
	fit.n_rows = 2000;
	fit.valid_rows = data.all + 2000;
	fit.n_valid = 1000;
	params.subsample = .7;
	params.max_depth = 9;
	test_ok(ctx, gh_trainer_open(ctx, &fit, &params, GH_KEEP_PATHS, &trainer));
	for (int round = 0; round < 40; round++)
		test_ok(ctx, gh_trainer_round(trainer));
	for (int rounds = 0; rounds <= 40; rounds += 8)
	{
		gh_booster	booster = train_parked(ctx, &fit, &params, rounds, 0, expected);

		test_ok(ctx, gh_trainer_valid_margins_at(trainer, (uint32_t) rounds, found));
		assert_memory_equal(expected, found, sizeof(expected));
		for (int i = 0; i < 1000; i += 111)
			assert_true(gh_booster_margin(&booster, data.rows + (size_t) (2000 + i) * 5) == found[i]);
		gh_booster_free(ctx, &booster);
	}
	gh_trainer_close(trainer);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

/* ---- folds in turns ---------------------------------------------------- */

/* A search of four trials; the peak of memory it had. */
static size_t
search(int threads, size_t limit, bool lean, gh_trial *trials)
{
	gh_host		host = {.threads = threads,.memory_limit = limit,.memory_setting = "test_memory"};
	gh_ctx	   *made = gh_ctx_open(NULL),
			   *ctx = gh_ctx_open(&host);
	test_data	data = test_make(ROWS, 5, 0, .1, 3);
	gh_bins		bins;
	gh_fit		fit = test_fit(&data, &bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_tune_options options = {.metric = GH_METRIC_AVERAGE_PRECISION,.iterations = 4,.seed = 5,.lean = lean};
	static uint8_t fold[ROWS];
	size_t		peak;
	int			best;

	test_ok(made, gh_bins_build(made, data.rows, ROWS, 5, 256, NULL, 0, &bins));
	for (int i = 0; i < ROWS; i++)
		fold[i] = (uint8_t) (test_uniform(18, (uint64_t) i) * FOLDS);
	/* small trees, so that rows and not histograms decide */
	test_ok(made, gh_space_set(made, &space, "max_depth", 2, 4));
	base.max_depth = 3;
	base.n_estimators = 20;
	test_ok(ctx, gh_tune(ctx, &fit, fold, FOLDS, &base, &space, &options, trials, &best));
	peak = gh_memory_peak(ctx);
	test_close(ctx);
	gh_bins_free(made, &bins);
	test_discard(&data);
	test_close(made);
	return peak;
}

static void
folds_in_turns_give_the_same_trials(void **state)
{
	static gh_trial all[4],
				lean[4];
	size_t		peak = search(1, SIZE_MAX, false, all);

	(void) state;
	for (int threads = 1; threads <= 2; threads++)
	{
		assert_true(search(threads, SIZE_MAX, true, lean) < peak * 6 / 10);
		assert_memory_equal(all, lean, sizeof(all));
		/* nobody asked for it, but memory is short */
		assert_true(search(threads, peak - 1, false, lean) < peak * 6 / 10);
		assert_memory_equal(all, lean, sizeof(all));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parked_fit_goes_on_where_it_was),
		cmocka_unit_test(paths_lead_back_to_any_round),
		cmocka_unit_test(folds_in_turns_give_the_same_trials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
