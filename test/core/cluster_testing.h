/*
 * cluster_testing.h
 *		What the tests of the cluster room share: points, contexts, literal distances.
 */
#ifndef CLUSTER_TESTING_H
#define CLUSTER_TESTING_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/gh_random.h"
#include "cluster/cluster_private.h"

#define UNUSED __attribute__((unused))

typedef enum point_kind
{
	UNIFORM,					/* no structure */
	BLOBS,						/* five dense spots and a thin background */
	GRID,						/* integers: many equal distances and points */
	TWINS,						/* every point of BLOBS three times */
	EQUAL						/* one spot */
} point_kind;

#define N_KINDS 5

static UNUSED double *
make_points(point_kind kind, size_t n, int d, uint64_t seed)
{
	double	   *x = calloc(n * d + 1, sizeof(double));

	for (size_t i = 0; i < n; i++)
	{
		size_t		source = kind == TWINS ? i / 3 : i;

		for (int j = 0; j < d; j++)
		{
			uint64_t	at = source * d + j;
			double		u = gh_random_double(seed, GH_STREAM_TEST, at);

			if (kind == UNIFORM)
				x[i * d + j] = u;
			else if (kind == GRID)
				x[i * d + j] = floor(u * (d == 1 ? 40 : 7));
			else if (kind == EQUAL)
				x[i * d + j] = 0.25 * j;
			else if (source % 7 == 6)
				x[i * d + j] = 12 * u - 6;
			else
				x[i * d + j] = (double) ((source % 5) * (j + 1) % 7) +
					0.15 * (1 + source % 3) * gh_random_normal(seed + 1, GH_STREAM_TEST, at);
		}
	}
	return x;
}

/* The library's expression: dimensions ascending, then the root. */
static UNUSED double
literal_distance(const double *x, int d, size_t a, size_t b)
{
	double		sum = 0;

	for (int j = 0; j < d; j++)
		sum += (x[a * d + j] - x[b * d + j]) * (x[a * d + j] - x[b * d + j]);
	return sqrt(sum);
}

static UNUSED gh_ctx *
open_threads(int threads)
{
	gh_host		host = {.threads = threads,.memory_limit = SIZE_MAX};

	return gh_ctx_open(&host);
}

/* A host that asks to stop at its n-th poll. */
static UNUSED bool
stop_at_poll(void *arg)
{
	long	   *left = arg;

	return --*left < 0;
}

typedef gh_status (*test_call) (gh_ctx *ctx, void *arg);

/*
 * The call must end with GH_ECANCELED wherever the cancel comes, and give all
 * memory back; *total polls are needed to the end.
 */
static UNUSED void
check_cancel(test_call call, void *arg, int threads)
{
	long		total = 0;
	gh_status	status = GH_ECANCELED;

	for (long at = 0; status != GH_OK; at = at < 40 ? at + 1 : at + at / 3)
	{
		long		left = at;
		gh_host		host = {.arg = &left,.should_stop = stop_at_poll,.threads = threads,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);

		status = call(ctx, arg);
		assert_int_equal(gh_memory_used(ctx), 0);
		if (status != GH_OK)
			assert_int_equal(status, GH_ECANCELED);
		total = at;
		gh_ctx_close(ctx);
	}
	assert_true(total > 10);
}

/* Every allocation fails once, alone and with all after it; no block is left behind. */
static UNUSED void
check_allocations(test_call call, void *arg)
{
	for (int forever = 0; forever < 2; forever++)
	{
		gh_status	status = GH_ENOMEM;
		uint64_t	k;

		for (k = 1; status != GH_OK; k++)
		{
			gh_ctx	   *ctx = open_threads(1);

			gh_ctx_fail_allocation(ctx, k, forever != 0);
			status = call(ctx, arg);
			assert_int_equal(gh_memory_used(ctx), 0);
			if (status != GH_OK)
				assert_int_equal(status, GH_ENOMEM);
			gh_ctx_close(ctx);
		}
		assert_true(k > 5);
	}
}

/* The peak stays below the estimate, and a limit below it is refused at once. */
static UNUSED void
check_memory(test_call call, void *arg, size_t estimate)
{
	gh_ctx	   *ctx = open_threads(1);
	gh_host		host = {.threads = 1,.memory_limit = estimate - 1,.memory_setting = "test_memory"};

	assert_int_equal(call(ctx, arg), GH_OK);
	assert_true(gh_memory_peak(ctx) <= estimate);
	assert_true(estimate < 4 * gh_memory_peak(ctx));
	gh_ctx_close(ctx);

	ctx = gh_ctx_open(&host);
	assert_int_equal(call(ctx, arg), GH_ELIMIT);
	assert_int_equal(gh_memory_peak(ctx), 0);
	gh_ctx_close(ctx);
}

#endif							/* CLUSTER_TESTING_H */
