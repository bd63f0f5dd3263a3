/*
 * test_metrics.c
 *		Average precision, coverage and log-loss against scikit-learn's numbers and a literal walk.
 */
#include "testing.h"

#include "base/gh_random.h"
#include "explain/gh_metrics.h"

#define N 12

/* Hand-made ties; the expected values are scikit-learn 1.9.1's. */
static const uint8_t label[N] = {1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 0, 0};
static const double score[N] = {.9, .9, .8, .5, .5, .5, .5, .3, .2, .2, .1, .0};
static const double weight[N] = {1, 2, .5, 0, 3, 1, 1, .25, 4, 2, 1, 1};

static double
average_precision(const uint8_t *labels, const double *scores, const double *weights, size_t n)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	double		value;
	bool		defined;

	assert_int_equal(gh_average_precision(ctx, labels, scores, weights, n, &value, &defined), GH_OK);
	assert_true(defined);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return value;
}

static void
average_precision_is_scikit_learns(void **state)
{
	double		constant[N] = {0},
				reversed[N],
				late[N];

	(void) state;
	for (int i = 0; i < N; i++)
	{
		reversed[i] = -score[i];
		late[i] = i < 2 ? 0 : weight[i];
	}
	assert_close(average_precision(label, score, NULL, N), 0.5619047619047618, 1e-15);
	assert_close(average_precision(label, score, weight, N), 0.32264581915628776, 1e-15);
	assert_close(average_precision(label, constant, NULL, N), 5.0 / 12, 1e-15);
	assert_close(average_precision(label, reversed, NULL, N), 0.3466666666666666, 1e-15);
	assert_close(average_precision(label, score, late, N), 0.3909919867366676, 1e-15);
}

/* For every distinct score, recall and precision counted from scratch. */
static double
literal_average_precision(const uint8_t *labels, const double *scores, const double *weights, size_t n)
{
	double		value = 0,
				recall_before = 0,
				above = INFINITY;

	for (;;)
	{
		double		threshold = -INFINITY,
					taken = 0,
					right = 0,
					all = 0;

		for (size_t i = 0; i < n; i++)
			if (scores[i] < above && scores[i] > threshold)
				threshold = scores[i];
		if (threshold == -INFINITY)
			return value;
		for (size_t i = 0; i < n; i++)
		{
			all += labels[i] ? weights[i] : 0;
			if (scores[i] >= threshold)
			{
				taken += weights[i];
				right += labels[i] ? weights[i] : 0;
			}
		}
		if (taken > 0)
			value += (right / all - recall_before) * (right / taken);
		recall_before = right / all;
		above = threshold;
	}
}

static void
average_precision_equals_the_literal_sum(void **state)
{
	enum
	{
		n = 300
	};

	(void) state;
	for (uint64_t seed = 0; seed < 20; seed++)
	{
		uint8_t		labels[n];
		double		scores[n],
					weights[n];

		for (int i = 0; i < n; i++)
		{
			labels[i] = gh_random_u64(seed, GH_STREAM_TEST, i) % 3 == 0;
			/* coarse, so that most scores are tied */
			scores[i] = (double) (gh_random_u64(seed, GH_STREAM_TEST + 1, i) % (seed < 10 ? 20 : 1000)) / 16 - 3;
			weights[i] = (double) (gh_random_u64(seed, GH_STREAM_TEST + 2, i) % 4);
		}
		labels[0] = 1;
		weights[0] = 1;
		assert_close(average_precision(labels, scores, weights, n),
					 literal_average_precision(labels, scores, weights, n), 1e-13);
	}
}

static void
average_precision_needs_a_positive(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	const uint8_t none[3] = {0, 0, 0},
				one[3] = {0, 1, 0};
	const double scores[3] = {1, INFINITY, -INFINITY},
				weightless[3] = {1, 0, 1};
	double		value = 7;
	bool		defined = true;

	(void) state;
	assert_int_equal(gh_average_precision(ctx, none, scores, NULL, 3, &value, &defined), GH_OK);
	assert_false(defined);
	assert_true(value == 0);
	assert_int_equal(gh_average_precision(ctx, one, scores, weightless, 3, &value, &defined), GH_OK);
	assert_false(defined);
	assert_int_equal(gh_average_precision(ctx, one, scores, NULL, 0, &value, &defined), GH_OK);
	assert_false(defined);
	assert_int_equal(gh_average_precision(ctx, one, scores, NULL, 3, &value, &defined), GH_OK);
	assert_true(defined);
	assert_true(value == 1);
	gh_ctx_close(ctx);
}

static void
bad_scores_and_weights_are_refused(void **state)
{
	const double nan_score[2] = {1, NAN},
				good[2] = {1, 2},
				bad_weight[3][2] = {{1, -1}, {NAN, 1}, {1, INFINITY}};
	const uint8_t labels[2] = {1, 0};
	double		value;
	bool		defined;

	(void) state;
	for (int k = 0; k < 4; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);

		assert_int_equal(gh_average_precision(ctx, labels, k == 0 ? nan_score : good, k == 0 ? NULL : bad_weight[k - 1],
											  2, &value, &defined), GH_EDATA);
		assert_false(defined);
		assert_non_null(gh_ctx_message(ctx));
		gh_ctx_close(ctx);
	}
}

static bool
stop_always(void *arg)
{
	(void) arg;
	return true;
}

static void
average_precision_stops_and_fails_cleanly(void **state)
{
	gh_host		host = {.should_stop = stop_always, .threads = 1, .memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	double		value;
	bool		defined;
	gh_status	status = GH_ENOMEM;

	(void) state;
	assert_int_equal(gh_average_precision(ctx, label, score, NULL, N, &value, &defined), GH_ECANCELED);
	gh_ctx_close(ctx);
	for (uint64_t k = 1; status != GH_OK; k++)
	{
		assert_true(k < 20);
		ctx = gh_ctx_open(NULL);
		gh_ctx_fail_allocation(ctx, k, false);
		status = gh_average_precision(ctx, label, score, NULL, N, &value, &defined);
		assert_true(status == GH_OK || status == GH_ENOMEM);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
}

static void
coverage_counts_ties_against(void **state)
{
	const uint8_t labels[5][4] = {{1, 0, 0, 1}, {0, 0, 1, 0}, {0, 0, 0, 0}, {1, 1, 1, 1}, {0, 1, 0, 0}};
	const double scores[5][4] = {{.9, .2, .2, .2}, {.5, .5, .5, .5}, {.1, .2, .3, .4}, {.4, .3, .2, .1},
	{.7, .6, .6, .9}};
	const uint32_t expected[5] = {4, 4, 0, 4, 4};
	const uint8_t one[3] = {0, 1, 0};
	const double clear[3] = {.1, .9, .2},
				lowest[3] = {0, -INFINITY, 1};

	(void) state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(gh_coverage(labels[i], scores[i], 4), expected[i]);
	assert_int_equal(gh_coverage(one, clear, 3), 1);
	assert_int_equal(gh_coverage(one, lowest, 3), 3);
	assert_int_equal(gh_coverage(one, clear, 0), 0);
}

static void
log_loss_is_scikit_learns(void **state)
{
	const double p[N] = {.9, .1, .8, .5, .25, .125, .99, .3, .2, .6, .1, .01};
	const uint8_t labels[2] = {1, 0};
	const double wrong[2] = {0, 1};

	(void) state;
	assert_close(gh_log_loss(label, p, NULL, N), 0.2303608778874894, 1e-15);
	assert_close(gh_log_loss(label, p, weight, N), 0.21212455574619593, 1e-15);
	assert_close(gh_log_loss(labels, wrong, NULL, 2), -log(1e-15), 1e-3);
	assert_true(isfinite(gh_log_loss(labels, wrong, NULL, 2)));
	assert_true(gh_log_loss(labels, wrong, NULL, 0) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(average_precision_is_scikit_learns),
		cmocka_unit_test(average_precision_equals_the_literal_sum),
		cmocka_unit_test(average_precision_needs_a_positive),
		cmocka_unit_test(bad_scores_and_weights_are_refused),
		cmocka_unit_test(average_precision_stops_and_fails_cleanly),
		cmocka_unit_test(coverage_counts_ties_against),
		cmocka_unit_test(log_loss_is_scikit_learns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
