/*
 * test_tune.c
 *		The search: what is tried, and what comes of it.
 */
#include "learn_testing.h"

#include "explain/gh_metrics.h"
#include "learn/tune_private.h"

#define OPTIONS(m, n, s) (&(gh_tune_options) {.metric = (m),.iterations = (n),.seed = (s)})

/* ---- the search -------------------------------------------------------- */

/* A smooth function of the cube; its maximum is -.0165 where max_depth can stand nearest to .65. */
static double
hill(const double *x, int d)
{
	double		sum = 0;

	for (int j = 0; j < d; j++)
		sum -= (j + 1) * pow(x[j] - .2 - .15 * j, 2);
	return sum;
}

/* Suggestions climb to where random points do not get; nothing is tried twice. */
static void
suggestions_find_the_top(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_space	space = {0};
	gh_boost_params base = gh_boost_defaults();
	double		best[3] = {-INFINITY, -INFINITY, -INFINITY};

	(void) state;
	test_ok(ctx, gh_space_set(ctx, &space, "eta", .01, .3));
	test_ok(ctx, gh_space_set(ctx, &space, "lambda", 1e-3, 100));
	test_ok(ctx, gh_space_set(ctx, &space, "subsample", .5, 1));
	test_ok(ctx, gh_space_set(ctx, &space, "max_depth", 3, 10));
	for (int run = 0; run < 3; run++)
	{
		double		tried[30 * 4],
					score[30],
					variance[30] = {0},
					hyper[5];
		bool		warm = false,
					found;
		gh_sobol	sobol;

		gh_sobol_init(&sobol, 4, (uint64_t) run);
		for (int n = 0; n < 30; n++)
		{
			double	   *x = tried + 4 * n;
			gh_boost_params params;

			gh_sobol_point(&sobol, (uint32_t) n, x);
			found = true;
			if (n >= 8)
				test_ok(ctx, gh_suggest(ctx, &space, tried, score, variance, n, gh_random_seed(7, (uint64_t) run, (uint64_t) n),
										hyper, &warm, x, &found));
			assert_true(found);
			test_ok(ctx, gh_space_params(ctx, &space, &base, x, &params));
			assert_false(gh_was_tried(tried, n, 4, x));
			score[n] = hill(x, 4);
			best[run] = fmax(best[run], score[n]);
		}
	}
	for (int run = 0; run < 3; run++)
	{
		double		lottery = -INFINITY;

		for (uint64_t i = 0; i < 30; i++)
		{
			double		x[4];

			for (uint64_t j = 0; j < 4; j++)
				x[j] = test_uniform(36 + (uint64_t) run, i * 4 + j);
			lottery = fmax(lottery, hill(x, 4));
		}
		assert_true(best[run] > -.025);
		assert_true(lottery < -.07);
	}
	test_close(ctx);
}

/* What 25 suggestions reach in the default space, or (process false) 50 random points. */
static double
best_of_default_space(gh_ctx *ctx, bool process, uint64_t seed)
{
	enum
	{
		D = 8,
		RANDOM = 50,
		TRIALS = 25,
		SPREAD = 8
	};
	gh_space	space = gh_space_default();
	gh_boost_params base = gh_boost_defaults();
	double		tried[RANDOM * D],
				score[RANDOM],
				variance[RANDOM] = {0},
				hyper[D + 1],
				best = -INFINITY;
	bool		warm = false,
				found = true;
	gh_sobol	sobol;

	gh_sobol_init(&sobol, D, seed);
	for (int n = 0; n < (process ? TRIALS : RANDOM); n++)
	{
		double	   *x = tried + D * n;
		gh_boost_params params;

		for (uint64_t j = 0; !process && j < D; j++)
			x[j] = test_uniform(60 + seed, (uint64_t) n * D + j);
		if (process && n < SPREAD)
			gh_sobol_point(&sobol, (uint32_t) n, x);
		else if (process)
			test_ok(ctx, gh_suggest(ctx, &space, tried, score, variance, n, gh_random_seed(8, seed, (uint64_t) n), hyper,
									&warm, x, &found));
		assert_true(found);
		test_ok(ctx, gh_space_params(ctx, &space, &base, x, &params));
		score[n] = 0;
		for (int j = 0; j < D; j++)
			score[n] -= pow(x[j] - .25 - .07 * j, 2);
		best = fmax(best, score[n]);
	}
	return best;
}

/* Eight parameters: half as many trials as the lottery draws end, on average, at less than half of its distance. */
static void
suggestions_beat_twice_as_many_random_points(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		suggested = 0,
				lottery = 0;

	(void) state;
	for (uint64_t seed = 0; seed < 5; seed++)
	{
		suggested += best_of_default_space(ctx, true, seed);
		lottery += best_of_default_space(ctx, false, seed);
	}
	if (!(suggested > lottery / 2))
		fail_msg("%g suggested, %g drawn", suggested / 5, lottery / 5);
	test_close(ctx);
}

typedef struct tuning
{
	test_data	data;
	gh_bins		bins;
	gh_fit		fit;
	uint8_t    *fold;
} tuning;

static tuning
make_tuning(gh_ctx *ctx, size_t n, int k)
{
	tuning		t = {.data = test_make(n, 5, 0, .05, 41),.fold = malloc(n)};

	for (size_t i = 0; i < n; i++)
		t.fold[i] = (uint8_t) (i * 7 % (size_t) k);
	test_ok(ctx, gh_bins_build(ctx, t.data.rows, n, 5, 256, NULL, 0, &t.bins));
	return t;
}

static void
discard(gh_ctx *ctx, tuning *t)
{
	gh_bins_free(ctx, &t->bins);
	test_discard(&t->data);
	free(t->fold);
}

/* The first trial by hand: curves of every fold from prefixes of a full run. */
static void
first_trial_is_cross_validation(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	tuning		t = make_tuning(ctx, 600, 3);
	gh_fit		fit = test_fit(&t.data, &t.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_trial	trial[2];
	gh_booster	booster[3];
	double		curve[60] = {0},
				scores[3],
				mean = 0,
				sd = 0;
	int			best,
				top = 0,
				last = -1,
				different = 0;

	(void) state;
	base.n_estimators = 60;
	base.eta = .15;
	base.max_depth = 3;
	for (int patience = 1; patience <= 12; patience++)
	{
		int			metric = patience % 2;

		base.early_stopping_rounds = patience;
		memset(curve, 0, sizeof(curve));
		top = 0;
		test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS((gh_metric) metric, 1, 1), trial, &best));
		for (int f = 0; f < 3; f++)
		{
			uint32_t	rows[600];
			size_t		n = 0;
			gh_fit		part = fit;
			gh_boost_params params = base;

			for (uint32_t i = 0; i < 600; i++)
				if (t.fold[i] != f)
					rows[n++] = i;
			part.rows = rows;
			part.n_rows = n;
			params.early_stopping_rounds = 0;
			test_ok(ctx, gh_boost_train(ctx, &part, &params, &booster[f], NULL));
			for (uint32_t m = 1; m <= 60; m++)
			{
				gh_booster	prefix = booster[f];

				prefix.n_trees = m;
				for (size_t i = 0; i < 600; i++)
					if (t.fold[i] == f)
					{
						double		p = gh_booster_probability(&prefix, t.data.rows + 5 * i);

						curve[m - 1] -= log(t.data.labels[i] ? p : 1 - p) / (double) (600 - n) / 3;
					}
			}
		}
		for (int m = 1; m < 60 && m - top <= patience; m++)
			if (curve[m] < curve[top])
				top = m;
		assert_true(top > 3 && top < 58);
		different += top != last;
		last = top;
		assert_int_equal(trial[0].params.n_estimators, top + 1);
		assert_int_equal(trial[0].params.early_stopping_rounds, 0);
		mean = sd = 0;
		for (int f = 0; f < 3; f++)
		{
			uint8_t		labels[600];
			double		margins[600];
			size_t		n = 0;
			bool		defined;

			booster[f].n_trees = (uint32_t) top + 1;
			for (size_t i = 0; i < 600; i++)
				if (t.fold[i] == f)
				{
					labels[n] = t.data.labels[i];
					margins[n++] = gh_booster_margin(&booster[f], t.data.rows + 5 * i);
				}
			if (metric == GH_METRIC_AVERAGE_PRECISION)
				test_ok(ctx, gh_average_precision(ctx, labels, margins, NULL, n, &scores[f], &defined));
			else
			{
				scores[f] = 0;
				for (size_t i = 0; i < n; i++)
					scores[f] -= log1p(exp(labels[i] ? -margins[i] : margins[i])) / (double) n;
			}
			mean += scores[f] / 3;
			booster[f].n_trees = 60;
			gh_booster_free(ctx, &booster[f]);
		}
		for (int f = 0; f < 3; f++)
			sd += (scores[f] - mean) * (scores[f] - mean) / 2;
		assert_relative(trial[0].score, mean, 1e-12);
		assert_relative(trial[0].score_sd, sqrt(sd), 1e-9);
		assert_true(trial[0].best && best == 0);
	}
	assert_true(different > 2);	/* the curve has dips, so patience matters */
	discard(ctx, &t);
	test_close(ctx);
}

static void
tuning_beats_the_default(void **state)
{
	enum
	{
		ITERATIONS = 20
	};
	gh_trial   *first = malloc(ITERATIONS * sizeof(gh_trial)),
			   *trials = malloc(ITERATIONS * sizeof(gh_trial));

	(void) state;
	for (int threads = 1; threads <= 8; threads += threads == 1 ? 1 : 6)
	{
		gh_ctx	   *ctx = open_threads(threads);
		tuning		t = make_tuning(ctx, 500, 4);
		gh_fit		fit = test_fit(&t.data, &t.bins);
		gh_boost_params base = gh_boost_defaults();
		gh_space	space = gh_space_default();
		int			best;

		base.n_estimators = 80;
		test_ok(ctx, gh_tune(ctx, &fit, t.fold, 4, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, ITERATIONS, 3), trials, &best));
		if (threads == 1)
			memcpy(first, trials, ITERATIONS * sizeof(gh_trial));
		assert_memory_equal(first, trials, ITERATIONS * sizeof(gh_trial));

		/* the first is the base; the best is better, and at the end, not only among the spread ones */
		assert_true(trials[0].params.eta == base.eta && trials[0].params.gamma == base.gamma);
		assert_true(trials[best].best);
		assert_true(trials[best].score > trials[0].score + .01);
		assert_true(best >= 6);
		for (int i = 0; i < ITERATIONS; i++)
		{
			assert_true(trials[i].best == (i == best));
			assert_true(trials[i].score <= trials[best].score);
			assert_true(trials[i].params.n_estimators >= 1 && trials[i].params.n_estimators <= 80);
			assert_false(trials[i].repeated);
			for (int j = 0; j < i; j++)
			{
				gh_boost_params a = trials[i].params,
							b = trials[j].params;

				a.n_estimators = b.n_estimators = 0;
				assert_true(memcmp(&a, &b, sizeof(a)) != 0);
			}
		}
		discard(ctx, &t);
		test_close(ctx);
	}
	free(first);
	free(trials);
}

static void
used_up_spaces_repeat_the_best(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	tuning		t = make_tuning(ctx, 300, 3);
	gh_fit		fit = test_fit(&t.data, &t.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = {0};
	gh_trial	trials[8];
	int			best,
				seen[8] = {0};

	(void) state;
	base.n_estimators = 15;
	test_ok(ctx, gh_space_set(ctx, &space, "max_depth", 3, 6));
	test_ok(ctx, gh_space_set(ctx, &space, "eta", .125, .125));
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 8, 3), trials, &best));
	for (int i = 0; i < 8; i++)
	{
		assert_true(trials[i].params.eta == .125);
		assert_true(trials[i].repeated == (i >= 4));
		if (i < 4)
			assert_int_equal(seen[trials[i].params.max_depth]++, 0);
		else
		{
			assert_true(trials[i].score == trials[best].score);
			assert_false(trials[i].best);
		}
	}
	assert_int_equal(trials[0].params.max_depth, 6);

	/* nothing to search at all */
	test_ok(ctx, gh_space_set(ctx, &space, "max_depth", 4, 4));
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 3, 3), trials, &best));
	assert_int_equal(best, 0);
	assert_int_equal(trials[0].params.max_depth, 4);
	assert_true(trials[2].repeated);
	discard(ctx, &t);
	test_close(ctx);
}

static void
folds_of_one_class_are_left_out(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	tuning		t = make_tuning(ctx, 300, 3);
	gh_fit		fit = test_fit(&t.data, &t.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_trial	with[2],
				without[2];
	int			best;

	(void) state;
	base.n_estimators = 15;
	/* a fourth fold without positives: its rows train the others, but it is not scored */
	for (size_t i = 0; i < 300; i++)
		if (!t.data.labels[i] && i % 2 == 0)
			t.fold[i] = 3;
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 4, &base, &space, OPTIONS(GH_METRIC_AVERAGE_PRECISION, 1, 3), with, &best));
	assert_true(with[0].score > 0 && with[0].score < 1);

	/* positives in one fold only: no fold can be used */
	for (size_t i = 0; i < 300; i++)
		t.fold[i] = t.data.labels[i] ? 0 : (uint8_t) (i % 3);
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_AVERAGE_PRECISION, 2, 3), without, &best));
	assert_int_equal(best, 0);
	assert_true(isnan(without[0].score) && isnan(without[1].score) && without[0].best && !without[1].best);
	assert_true(without[0].params.eta == base.eta && without[0].params.n_estimators == 15);

	memset(t.data.labels, 1, 300);
	test_ok(ctx, gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_AVERAGE_PRECISION, 2, 3), without, &best));
	assert_true(isnan(without[0].score));
	discard(ctx, &t);
	test_close(ctx);
}

static void
bad_requests_are_refused(void **state)
{
	static const struct
	{
		int			k,
					iterations;
		double		eta;
		const char *message;
	}			cases[] = {
		{1, 5, .3, "number of folds is out of range"},
		{300, 5, .3, "number of folds is out of range"},
		{3, 0, .3, "number of iterations is out of range"},
		{3, 20000, .3, "number of iterations is out of range"},
		{3, 5, 7, "boosting parameter \"eta\" is out of range"},
		{2, 5, .3, "fold 2 of row 2 is not below 2"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		tuning		t = make_tuning(ctx, 60, 3);
		gh_fit		fit = test_fit(&t.data, &t.bins);
		gh_boost_params base = gh_boost_defaults();
		gh_space	space = gh_space_default();
		gh_trial	trial[5];
		int			best;

		base.eta = cases[i].eta;
		assert_true(gh_tune(ctx, &fit, t.fold, cases[i].k, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, cases[i].iterations, 1),
							trial, &best) != GH_OK);
		assert_string_equal(gh_ctx_message(ctx), cases[i].message);
		discard(ctx, &t);
		test_close(ctx);
	}
	{
		/* parameters that cannot be trained are found before any trial */
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		tuning		t = make_tuning(ctx, 60, 3);
		gh_fit		fit = test_fit(&t.data, &t.bins);
		gh_boost_params base = gh_boost_defaults();
		gh_space	space = gh_space_default();
		gh_trial	trial[5];
		int			best;

		base.n_monotone = t.data.d + 1;
		assert_int_equal(gh_tune(ctx, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 5, 1), trial, &best), GH_EINVAL);
		assert_string_equal(gh_ctx_message(ctx), "monotone_constraints do not fit the features");
		discard(ctx, &t);
		test_close(ctx);
	}
}

static void
memory_estimate_holds(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL),
			   *own = gh_ctx_open(NULL);
	tuning		t = make_tuning(ctx, 3000, 3);
	gh_fit		fit = test_fit(&t.data, &t.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_trial	trials[4];
	size_t		announced;
	int			best;

	(void) state;
	base.n_estimators = 8;
	announced = gh_tune_memory(3000, 3000, 5, 3, 1, 1, &base, &space);
	test_ok(own, gh_tune(own, &fit, t.fold, 3, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 4, 1), trials, &best));
	assert_true(gh_memory_peak(own) < announced);
	assert_true(gh_memory_peak(own) > announced / 4);
	discard(ctx, &t);
	test_close(own);
	test_close(ctx);
}

static void
cancel_and_no_memory_leave_nothing(void **state)
{
	int			canceled = 0,
				failed = 0;

	(void) state;
	for (int run = 0; run < 120; run++)
	{
		gh_host		host = {.should_stop = stop_after_polls,.threads = 1,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		tuning		t;
		gh_fit		fit;
		gh_boost_params base = gh_boost_defaults();
		gh_space	space = gh_space_default();
		gh_trial	trials[7];
		int			best;
		gh_status	status;

		polls_left = 1 << 30;
		t = make_tuning(ctx, 80, 2);
		fit = test_fit(&t.data, &t.bins);
		base.n_estimators = 3;
		if (run < 60)
			polls_left = run * run;
		else
			gh_ctx_fail_allocation(ctx, (uint64_t) ((run - 60) * (run - 60) / 4 + 1), false);
		status = gh_tune(ctx, &fit, t.fold, 2, &base, &space, OPTIONS(GH_METRIC_LOGLOSS, 7, 1), trials, &best);
		assert_true(status == GH_OK || status == (run < 60 ? GH_ECANCELED : GH_ENOMEM));
		canceled += status == GH_ECANCELED;
		failed += status == GH_ENOMEM;
		discard(ctx, &t);
		test_close(ctx);
	}
	assert_true(canceled > 20 && failed > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suggestions_find_the_top),
		cmocka_unit_test(suggestions_beat_twice_as_many_random_points),
		cmocka_unit_test(first_trial_is_cross_validation),
		cmocka_unit_test(tuning_beats_the_default),
		cmocka_unit_test(used_up_spaces_repeat_the_best),
		cmocka_unit_test(folds_of_one_class_are_left_out),
		cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(memory_estimate_holds),
		cmocka_unit_test(cancel_and_no_memory_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
