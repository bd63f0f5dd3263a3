/*
 * cluster_testing.h
 *		What the tests of the cluster room share: points, literal distances, the bound on memory.
 */
#ifndef CLUSTER_TESTING_H
#define CLUSTER_TESTING_H

#include "testing.h"

#include "base/gh_random.h"
#include "cluster/cluster_private.h"

typedef enum point_kind
{
	UNIFORM,					/* no structure */
	BLOBS,						/* five dense spots and a thin background */
	GRID,						/* integers: many equal distances and points */
	TWINS,						/* every point of BLOBS three times */
	EQUAL						/* one spot */
} point_kind;

#define N_KINDS 5

static inline double *
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
static inline double
literal_distance(const double *x, int d, size_t a, size_t b)
{
	double		sum = 0;

	for (int j = 0; j < d; j++)
		sum += (x[a * d + j] - x[b * d + j]) * (x[a * d + j] - x[b * d + j]);
	return sqrt(sum);
}

/* The peak stays below the estimate, and a limit below it is refused at once. */
static inline void
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
