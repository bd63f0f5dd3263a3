/*
 * test_race.c
 *		Trials that are given up, scores of folds, and where a search starts.
 */
#include "learn_testing.h"

#include "explain/gh_metrics.h"
#include "learn/tune_private.h"

#define ROWS 600
#define FOLDS 5

typedef struct problem
{
	test_data	data;
	gh_bins		bins;
	uint8_t		fold[ROWS];
} problem;

static problem
open_problem(gh_ctx *ctx)
{
	problem		p = {.data = test_make(ROWS, 5, 0, .1, 17)};

	test_ok(ctx, gh_bins_build(ctx, p.data.rows, ROWS, 5, 64, NULL, 0, &p.bins));
	for (int i = 0; i < ROWS; i++)
		p.fold[i] = (uint8_t) (test_uniform(18, (uint64_t) i) * FOLDS);
	return p;
}

static void
close_problem(gh_ctx *ctx, problem *p)
{
	gh_bins_free(ctx, &p->bins);
	test_discard(&p->data);
	test_close(ctx);
}

/* ---- the rule ---------------------------------------------------------- */

/* Differences of +-1 about the best: the pooled variance is known, and so is where a trial is given up. */
static void
race_is_lost_where_student_says(void **state)
{
	/* the 85 % quantiles of Student's distribution for 5, 9, 17 and 49 degrees of freedom, by scipy */
	static const struct
	{
		int			trials;
		double		quantile;
	}			cases[] = {{1, 1.155767}, {2, 1.099716}, {4, 1.069033}, {12, 1.047519}};

	(void) state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
	{
		gh_race		race = {.n_folds = FOLDS};
		double		best[FOLDS] = {10, 20, 30, 40, 50},
					estimate,
					variance,
					bound;

		assert_false(gh_race_has_begun(&race));
		gh_race_add(&race, best, FOLDS);
		assert_false(gh_race_has_begun(&race));
		for (int t = 0; t < cases[c].trials; t++)
		{
			/* worse by 3 on average, squares about it: 4 */
			double		other[FOLDS] = {8, 16, 28, 36, 47};

			gh_race_add(&race, other, FOLDS);
			assert_true(gh_race_has_begun(&race));
		}
		assert_int_equal(race.df, 4 * cases[c].trials);
		assert_close(race.squares, 4.0 * cases[c].trials, 1e-12);
		/* two folds with equal differences add a degree of freedom and no squares */
		bound = cases[c].quantile * sqrt(4.0 * cases[c].trials / (4 * cases[c].trials + 1) * (.5 - .2));
		for (double off = -.0015; off < .002; off += .003)
		{
			double		scores[] = {10 - bound * (1 + off), 20 - bound * (1 + off)};

			assert_int_equal(gh_race_is_lost(&race, scores, 2, &estimate, &variance), off > 0);
			if (off > 0)
			{
				assert_close(estimate, 30 - bound * (1 + off), 1e-12);
				assert_close(variance, 4.0 * cases[c].trials / (4 * cases[c].trials + 1) * .3, 1e-12);
			}
		}
	}
}

static void
the_best_has_run_in_all_folds(void **state)
{
	/* quarters, so that means are exact and equal ones are equal */
	gh_race		race = {.n_folds = 4};
	double		first[] = {1, 2, 3, 6},
				better_so_far[] = {5, 5},
				equal[] = {6, 3, 2, 1},
				better[] = {1, 3, 3, 6};

	(void) state;
	gh_race_add(&race, first, 4);
	gh_race_add(&race, better_so_far, 2);
	assert_true(race.mean == 3);
	assert_int_equal(race.df, 1);
	gh_race_add(&race, equal, 4);
	assert_memory_equal(race.best, first, sizeof(first));
	gh_race_add(&race, better, 4);
	assert_memory_equal(race.best, better, sizeof(better));
	assert_true(race.mean == 3.25);
}

/* The spread of differences needs 4 degrees of freedom, and one less than there are folds where that is more. */
static void
races_wait_until_the_spread_is_known(void **state)
{
	static const int folds[] = {2, 3, 4, 5, 8};

	(void) state;
	for (size_t c = 0; c < sizeof(folds) / sizeof(folds[0]); c++)
	{
		gh_race		race = {.n_folds = folds[c]};
		double		scores[8] = {1, 2, 3, 4, 5, 6, 7, 8};
		int			least = folds[c] - 1 < 4 ? 4 : folds[c] - 1;

		gh_race_add(&race, scores, folds[c]);
		for (int df = 1; df < 10; df++)
		{
			/* two folds of a trial: one degree more */
			gh_race_add(&race, scores, 2);
			assert_int_equal(race.df, df);
			assert_int_equal(gh_race_has_begun(&race), folds[c] > 2 && df >= least);
		}
	}
}

/* ---- scores of folds --------------------------------------------------- */

/* Margins of fold f's rows after n trees, the slow way, and their average precision. */
static double
literal_precision(gh_ctx *ctx, const problem *p, const gh_fit *fit, const gh_boost_params *params, int f)
{
	uint32_t	rows[ROWS];
	uint8_t		labels[ROWS];
	double		margins[ROWS],
				weights[ROWS],
				value;
	size_t		n = 0,
				valid = 0;
	gh_fit		part = *fit;
	gh_booster	booster;
	bool		defined;

	for (uint32_t i = 0; i < ROWS; i++)
		if (p->fold[i] != f)
			rows[n++] = i;
	part.rows = rows;
	part.n_rows = n;
	test_ok(ctx, gh_boost_train(ctx, &part, params, &booster, NULL));
	for (size_t i = 0; i < ROWS; i++)
		if (p->fold[i] == f)
		{
			labels[valid] = p->data.labels[i];
			weights[valid] = fit->weights[i];
			margins[valid++] = gh_booster_margin(&booster, p->data.rows + 5 * i);
		}
	test_ok(ctx, gh_average_precision(ctx, labels, margins, weights, valid, &value, &defined));
	gh_booster_free(ctx, &booster);
	return value;
}

/* Few leaves make ties; some weights are zero; every other time folds take turns. */
static void
precision_of_folds_is_the_definition(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	problem		p = open_problem(ctx);
	gh_fit		fit = test_fit(&p.data, &p.bins);
	float		weights[ROWS];

	(void) state;
	for (int i = 0; i < ROWS; i++)
		weights[i] = i % 7 == 0 ? 0 : (float) test_uniform(19, (uint64_t) i) * 3;
	fit.weights = weights;
	for (int depth = 1; depth < 5; depth++)
	{
		gh_trial	trial = {.params = gh_boost_defaults()};
		double		scores[FOLDS],
					variance;
		gh_cv	   *cv;

		trial.params.max_depth = depth;
		trial.params.n_estimators = 12;
		test_ok(ctx, gh_cv_open(ctx, &fit, p.fold, FOLDS, GH_METRIC_AVERAGE_PRECISION, depth % 2 == 0, &cv));
		assert_int_equal(gh_cv_folds(cv), FOLDS);
		test_ok(ctx, gh_cv_run(cv, NULL, &trial, scores, &variance));
		for (int f = 0; f < FOLDS; f++)
			assert_close(scores[f], literal_precision(ctx, &p, &fit, &trial.params, f), 1e-12);
		assert_int_equal(trial.folds, FOLDS);
		assert_true(variance == 0);
		gh_cv_close(cv);
	}
	close_problem(ctx, &p);
}

/* ---- the search -------------------------------------------------------- */

static gh_trial *
search(int threads, bool exhaustive, gh_metric metric, int iterations, int *best)
{
	gh_ctx	   *ctx = open_threads(threads);
	problem		p = open_problem(ctx);
	gh_fit		fit = test_fit(&p.data, &p.bins);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default();
	gh_tune_options options = {.metric = metric,.iterations = iterations,.seed = 5,.exhaustive = exhaustive};
	gh_trial   *trials = malloc((size_t) iterations * sizeof(gh_trial));

	base.n_estimators = 40;
	test_ok(ctx, gh_tune(ctx, &fit, p.fold, FOLDS, &base, &space, &options, trials, best));
	close_problem(ctx, &p);
	return trials;
}

/* A trial's scores in its first n folds, by a cross-validation of its own. */
static void
scores_of(const gh_trial *trial, int n, gh_metric metric, double *scores)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	problem		p = open_problem(ctx);
	gh_fit		fit = test_fit(&p.data, &p.bins);
	gh_trial	again = {.params = trial->params};
	double		variance;
	gh_cv	   *cv;

	again.params.n_estimators = 40;
	test_ok(ctx, gh_cv_open(ctx, &fit, p.fold, n, metric, false, &cv));
	test_ok(ctx, gh_cv_run(cv, NULL, &again, scores, &variance));
	gh_cv_close(cv);
	close_problem(ctx, &p);
}

static void
races_save_folds_and_change_no_score(void **state)
{
	enum
	{
		ITERATIONS = 24
	};
	int			best,
				best_of_all;
	gh_trial   *raced = search(1, false, GH_METRIC_AVERAGE_PRECISION, ITERATIONS, &best),
			   *threaded = search(3, false, GH_METRIC_AVERAGE_PRECISION, ITERATIONS, &best),
			   *all = search(1, true, GH_METRIC_AVERAGE_PRECISION, ITERATIONS, &best_of_all);
	bool		same = true;
	int			given_up = 0,
				top = 0;

	(void) state;
	assert_memory_equal(raced, threaded, ITERATIONS * sizeof(gh_trial));
	for (int i = 0; i < ITERATIONS; i++)
	{
		double		own[FOLDS],
					leader[FOLDS],
					estimate = raced[top].score;
		int			n = raced[i].folds;

		assert_int_equal(all[i].folds, FOLDS);
		assert_true(raced[i].folds == 2 || raced[i].folds == 3 || raced[i].folds == FOLDS);
		/* up to the first trial that was given up the searches are one */
		if (same && raced[i].folds == FOLDS)
			assert_memory_equal(&raced[i], &all[i], offsetof(gh_trial, best));
		if (raced[i].folds == FOLDS)
		{
			top = raced[i].score > raced[top].score ? i : top;
			continue;
		}
		same = false;
		given_up++;
		scores_of(&raced[i], n, GH_METRIC_AVERAGE_PRECISION, own);
		scores_of(&raced[top], FOLDS, GH_METRIC_AVERAGE_PRECISION, leader);
		for (int f = 0; f < n; f++)
			estimate += (own[f] - leader[f]) / n;
		assert_close(raced[i].score, estimate, 1e-12);
		assert_true(raced[i].score < raced[top].score);
		assert_false(raced[i].best);
	}
	assert_true(given_up >= 3 && given_up < ITERATIONS - 4);
	assert_int_equal(top, best);
	assert_true(raced[best].best && raced[best].folds == FOLDS);
	free(raced);
	free(threaded);
	free(all);
}

static void
starts_come_after_the_base(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	problem		p = open_problem(ctx);
	gh_fit		fit = test_fit(&p.data, &p.bins);
	gh_boost_params base = gh_boost_defaults(),
				starts[4] = {base, base, base, base};
	gh_space	space = gh_space_default();
	gh_tune_options options = {.iterations = 6,.seed = 5,.starts = starts,.n_starts = 4};
	gh_trial	trials[6];
	int			best;

	(void) state;
	base.n_estimators = 10;
	/* the first is the base again but for gamma, which the space clamps; the second lies outside of it */
	starts[1].eta = .05;
	starts[1].max_depth = 20;
	starts[1].n_estimators = 99;
	starts[2] = starts[1];
	starts[3].lambda = 7.5;
	test_ok(ctx, gh_tune(ctx, &fit, p.fold, FOLDS, &base, &space, &options, trials, &best));
	assert_true(trials[0].params.eta == base.eta && trials[0].params.lambda == 1);
	assert_true(trials[1].params.eta == .05 && trials[1].params.max_depth == 10);
	assert_true(trials[1].params.n_estimators <= 10);
	assert_true(trials[2].params.lambda == 7.5 && trials[2].params.eta == base.eta);
	assert_true(trials[3].params.lambda != 7.5 && trials[3].params.eta != base.eta);
	close_problem(ctx, &p);
}

/* Two values, one with noise of its own: the posterior by hand. */
static void
noisy_values_count_less(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		x[] = {0, 1},
				y[] = {3, 5},
				variance[] = {0, 4},
				log_length[] = {.5},
				r = sqrt(5) / exp(.5),
				k = (1 + r + r * r / 3) * exp(-r),
				a = 1 + exp(-3),
				b = 1 + exp(-3) + 4 / 2.0,	/* the values' own variance is 2 */
				z = 1 / sqrt(2),
				mean,
				sd;
	gh_gp		gp;

	(void) state;
	test_ok(ctx, gh_gp_fix(ctx, x, y, variance, 2, 1, log_length, -3, &gp));
	gh_gp_predict(&gp, &x[1], &mean, &sd, NULL, NULL);
	/* (k, 1) [a k; k b]^-1 (-z, z) */
	assert_close(mean, (k * (b * -z - k * z) + (k * z + a * z)) / (a * b - k * k), 1e-12);
	assert_close(sd * sd, 1 - (k * (b * k - k) + (a - k * k)) / (a * b - k * k), 1e-12);
	gh_gp_free(ctx, &gp);
	test_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(race_is_lost_where_student_says),
		cmocka_unit_test(the_best_has_run_in_all_folds),
		cmocka_unit_test(races_wait_until_the_spread_is_known),
		cmocka_unit_test(precision_of_folds_is_the_definition),
		cmocka_unit_test(races_save_folds_and_change_no_score),
		cmocka_unit_test(starts_come_after_the_base),
		cmocka_unit_test(noisy_values_count_less),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
