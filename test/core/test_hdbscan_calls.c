/*
 * test_hdbscan_calls.c
 *		How a call of HDBSCAN* behaves: the same bytes for any threads, cancelled
 *		anywhere, within its memory, told what is wrong, and reporting its progress.
 */
#include "cluster_testing.h"

#include "base/gh_isa.h"

typedef struct call
{
	const double *x;
	size_t		n;
	int			d;
	gh_hdbscan_params params;
	int32_t    *labels;
	double	   *probabilities,
			   *scores;
	int			n_clusters;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;

	return gh_hdbscan(ctx, c->x, c->n, c->d, &c->params, c->labels, c->probabilities, c->scores, &c->n_clusters);
}

static call
open_call(point_kind kind, size_t n, int d)
{
	call		c = {make_points(kind, n, d, 11), n, d, gh_hdbscan_defaults(), malloc(n * sizeof(int32_t)),
	malloc(n * sizeof(double)), malloc(n * sizeof(double)), 0};

	c.params.epsilon = 0.1;
	c.params.min_samples = 4;
	return c;
}

static void
close_call(call *c)
{
	free((double *) c->x);
	free(c->labels);
	free(c->probabilities);
	free(c->scores);
}

static void
same_bytes_for_any_threads(void **state)
{
	(void) state;
	for (int i = 0; i < 2 * N_KINDS; i++)
	{
		call		one = open_call((point_kind) (i / 2), 3000, 2 + i % 2),
					many = open_call((point_kind) (i / 2), 3000, 2 + i % 2);
		gh_ctx	   *ctx = open_threads(1);
		static const int threads[] = {2, 8, 3};

		assert_int_equal(run_call(ctx, &one), GH_OK);
		gh_ctx_close(ctx);
		for (int t = 0; t < 3; t++)
		{
			ctx = open_threads(threads[t]);
			if (threads[t] == 3)
				gh_isa_limit(GH_ISA_SCALAR);
			memset(many.labels, 9, many.n * sizeof(int32_t));
			assert_int_equal(run_call(ctx, &many), GH_OK);
			assert_memory_equal(one.labels, many.labels, one.n * sizeof(int32_t));
			assert_memory_equal(one.probabilities, many.probabilities, one.n * sizeof(double));
			assert_memory_equal(one.scores, many.scores, one.n * sizeof(double));
			gh_isa_limit(GH_ISA_AVX512);
			gh_ctx_close(ctx);
		}
		close_call(&one);
		close_call(&many);
	}
}

static void
cancel_anywhere(void **state)
{
	(void) state;
	for (int d = 2; d <= 4; d++)
	{
		call		c = open_call(BLOBS, 1500, d);

		assert_true(check_cancel(run_call, &c, 1) > 10);
		assert_true(check_cancel(run_call, &c, 2) > 10);
		close_call(&c);
	}
}

static void
allocation_failures(void **state)
{
	call		c = open_call(BLOBS, 120, 2);

	(void) state;
	assert_true(check_allocations(run_call, &c) > 5);
	close_call(&c);
}

static void
memory_is_estimated(void **state)
{
	(void) state;
	for (int d = 1; d <= 3; d++)
	{
		call		c = open_call(BLOBS, 20000, d);

		c.params.min_cluster_size = d == 1 ? 2 : 20;
		check_memory(run_call, &c, gh_hdbscan_memory(c.n, c.d, &c.params));
		close_call(&c);
	}
}

/* In many dimensions it takes more where there is room, and gives the same. */
static void
little_memory_will_do(void **state)
{
	call		c = open_call(BLOBS, 5000, 14);
	call		lean = open_call(BLOBS, 5000, 14);
	size_t		least,
				lists = gh_core_distances_memory(c.n, c.d, 40);
	gh_host		host = {.threads = 2,.memory_setting = "test_memory"};
	gh_ctx	   *ctx = open_threads(2);

	(void) state;
	c.params.min_samples = lean.params.min_samples = 40;
	least = gh_hdbscan_memory(c.n, c.d, &c.params);
	assert_int_equal(run_call(ctx, &c), GH_OK);
	assert_true(gh_memory_peak(ctx) > least && gh_memory_peak(ctx) < least + lists);
	gh_ctx_close(ctx);

	host.memory_limit = least + (1 << 16);
	ctx = gh_ctx_open(&host);
	assert_int_equal(run_call(ctx, &lean), GH_OK);
	gh_ctx_close(ctx);
	assert_memory_equal(c.labels, lean.labels, c.n * sizeof(int32_t));
	assert_memory_equal(c.probabilities, lean.probabilities, c.n * sizeof(double));
	assert_memory_equal(c.scores, lean.scores, c.n * sizeof(double));
	close_call(&c);
	close_call(&lean);
}

static void
check_refused(const gh_hdbscan_params *params, const char *name)
{
	gh_ctx	   *ctx = open_threads(1);

	assert_int_equal(gh_hdbscan_check(ctx, params), GH_EINVAL);
	assert_non_null(strstr(gh_ctx_message(ctx), name));
	assert_non_null(gh_ctx_detail(ctx));
	assert_non_null(gh_ctx_hint(ctx));
	gh_ctx_close(ctx);
}

static void
bad_parameters(void **state)
{
	gh_hdbscan_params params;

	(void) state;
#define REFUSED(field, value, name) \
	params = gh_hdbscan_defaults(); \
	params.field = (value); \
	check_refused(&params, name)
	REFUSED(min_cluster_size, 1, "min_cluster_size");
	REFUSED(min_samples, -1, "min_samples");
	REFUSED(max_cluster_size, -1, "max_cluster_size");
	REFUSED(selection, (gh_selection) 5, "cluster_selection_method");
	REFUSED(epsilon, -0.5, "cluster_selection_epsilon");
	REFUSED(epsilon, NAN, "cluster_selection_epsilon");
	REFUSED(epsilon, INFINITY, "cluster_selection_epsilon");
	REFUSED(alpha, 0, "alpha");
	REFUSED(alpha, NAN, "alpha");
#undef REFUSED
}

static void
bad_points(void **state)
{
	static const double bad[] = {NAN, INFINITY, -INFINITY, 1e200};

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		call		c = open_call(UNIFORM, 30, 2);
		gh_ctx	   *ctx = open_threads(1);

		((double *) c.x)[41] = bad[i];
		assert_int_equal(run_call(ctx, &c), GH_EDATA);
		assert_true(i == 3 || strstr(gh_ctx_detail(ctx), "Coordinate 2 of point 21") != NULL);
		assert_non_null(gh_ctx_hint(ctx));
		gh_ctx_close(ctx);
		close_call(&c);
	}
}

static void
count_progress(void *arg, const gh_progress *progress)
{
	assert_true(progress->total == 0 || progress->done <= progress->total);
	if (strcmp(progress->stage, "hdbscan: spanning tree") == 0)
		++*(int *) arg;
}

static void
progress_is_reported(void **state)
{
	int			ticks = 0;
	gh_host		host = {.arg = &ticks,.progress = count_progress,.threads = 1,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	call		c = open_call(BLOBS, 2000, 2);

	(void) state;
	assert_int_equal(run_call(ctx, &c), GH_OK);
	assert_true(ticks > 3);
	gh_ctx_close(ctx);
	close_call(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_bytes_for_any_threads),
		cmocka_unit_test(cancel_anywhere),
		cmocka_unit_test(allocation_failures),
		cmocka_unit_test(memory_is_estimated),
		cmocka_unit_test(little_memory_will_do),
		cmocka_unit_test(bad_parameters),
		cmocka_unit_test(bad_points),
		cmocka_unit_test(progress_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
