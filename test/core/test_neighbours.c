/*
 * test_neighbours.c
 *		Exact neighbours against brute force, ties and duplicates included.
 */
#include "project_testing.h"

#include "base/gh_isa.h"
#include "project/gh_neighbours.h"

typedef struct pair
{
	double		distance;
	uint32_t	index;
} pair;

static int
compare_pairs(const void *a, const void *b)
{
	const pair *x = a,
			   *y = b;

	if (x->distance != y->distance)
		return x->distance < y->distance ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* All distances, sorted by (distance, index). */
static size_t
brute_force(const double *x, size_t n, int d, const double *q, size_t left_out, pair *out)
{
	size_t		m = 0;

	for (size_t i = 0; i < n; i++)
	{
		double		sum = 0;

		if (i == left_out)
			continue;
		for (int j = 0; j < d; j++)
		{
			double		gap = x[i * d + j] - q[j];

			sum += gap * gap;
		}
		out[m].distance = sqrt(sum);
		out[m++].index = (uint32_t) i;
	}
	qsort(out, m, sizeof(pair), compare_pairs);
	return m;
}

static void
check_case(size_t n, int d, int k, int levels)
{
	gh_ctx	   *ctx = open_threads(2);
	double	   *x = random_points(n, d, n + d + k, levels);
	uint32_t   *indices = malloc(sizeof(uint32_t) * n * k);
	double	   *distances = malloc(sizeof(double) * n * k);
	pair	   *expected = malloc(sizeof(pair) * n);
	gh_kdtree	t;

	assert_int_equal(gh_kdtree_build(ctx, x, n, d, &t), GH_OK);
	assert_int_equal(gh_neighbours(ctx, &t, k, indices, distances), GH_OK);
	for (size_t i = 0; i < n; i++)
	{
		assert_int_equal(brute_force(x, n, d, x + i * d, i, expected), n - 1);
		for (int r = 0; r < k; r++)
		{
			assert_int_equal(indices[i * k + r], expected[r].index);
			assert_true(distances[i * k + r] == expected[r].distance);
		}
	}
	gh_kdtree_free(ctx, &t);
	assert_int_equal(gh_memory_used(ctx), 0);
	free(x);
	free(indices);
	free(distances);
	free(expected);
	gh_ctx_close(ctx);
}

static void
against_brute_force(void **state)
{
	(void) state;
	check_case(2, 1, 1, 0);
	check_case(3, 2, 2, 0);
	check_case(33, 2, 32, 0);
	check_case(500, 1, 5, 0);
	check_case(500, 1, 499, 0);
	check_case(700, 2, 15, 0);
	check_case(700, 2, 33, 0);
	check_case(900, 14, 14, 0);
	check_case(900, 14, 100, 0);
	check_case(300, 100, 7, 0);
	check_case(300, 100, 299, 0);
}

static bool
count_polls(void *arg)
{
	(*(long *) arg)++;
	return false;
}

/* Every `step`-th point of x against brute force; threads and instruction set as they are. */
static void
check_points(const double *x, size_t n, int d, int k, size_t step)
{
	gh_ctx	   *ctx = open_threads(2);
	uint32_t   *indices = malloc(sizeof(uint32_t) * n * k);
	double	   *distances = malloc(sizeof(double) * n * k);
	pair	   *expected = malloc(sizeof(pair) * n);
	gh_kdtree	t;
	size_t		used;

	assert_int_equal(gh_kdtree_build(ctx, x, n, d, &t), GH_OK);
	used = gh_memory_used(ctx);
	assert_int_equal(gh_neighbours(ctx, &t, k, indices, distances), GH_OK);
	assert_int_equal(gh_memory_used(ctx), used);
	for (size_t i = 0; i < n; i += step)
	{
		brute_force(x, n, d, x + i * d, i, expected);
		for (int r = 0; r < k; r++)
		{
			assert_int_equal(indices[i * k + r], expected[r].index);
			assert_true(distances[i * k + r] == expected[r].distance);
		}
	}
	gh_kdtree_free(ctx, &t);
	gh_ctx_close(ctx);
	free(indices);
	free(distances);
	free(expected);
}

/* Enough points for the principal axes; every instruction set. */
static void
many_points(void **state)
{
	static const struct
	{
		int			d,
					k,
					levels;
	}			cases[] = {{1, 5, 0}, {2, 15, 0}, {3, 40, 4}, {14, 14, 0}, {14, 200, 0}, {14, 12, 2}, {30, 15, 0},
	{30, 33, 3}, {100, 20, 0}, {100, 40, 0}, {100, 100, 0}};

	(void) state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
	{
		size_t		n = 2000 + c;
		double	   *x = random_points(n, cases[c].d, c, cases[c].levels);

		for (int isa = GH_ISA_SCALAR; isa <= GH_ISA_AVX512; isa++)
		{
			gh_isa_limit((gh_isa) isa);
			check_points(x, n, cases[c].d, cases[c].k, 17);
		}
		gh_isa_limit(GH_ISA_AVX512);
		free(x);
	}
}

/*
 * Enough points of so many dimensions that boxes leave nothing out and all
 * leaves are scanned, ties included; and far from the origin, where products
 * are too coarse.
 */
static void
scanned_points(void **state)
{
	static const int dims[] = {14, 30};
	size_t		n = 8500;

	(void) state;
	for (int t = 0; t < 4; t++)
	{
		int			d = dims[t / 2];
		double	   *x = random_points(n, d, 30 + (uint64_t) t, t % 2 ? 2 : 0);

		for (int isa = t == 0 ? GH_ISA_SCALAR : GH_ISA_AVX512; isa <= GH_ISA_AVX512; isa++)
		{
			gh_isa_limit((gh_isa) isa);
			check_points(x, n, d, 10 + t, 1711);
		}
		gh_isa_limit(GH_ISA_AVX512);
		for (size_t i = 0; i < n / 2; i++)
			x[i * d] += 1e4;
		check_points(x, n, d, 40, 2111);
		free(x);
	}
}

/*
 * Points that single precision cannot tell apart: clumps of `clump` points that
 * differ by `difference`, around centres of size 1 times scale; with far > 0
 * the first point is that far away.
 */
static void
check_clumps(size_t clump, double difference, double scale, double far)
{
	size_t		n = 2000;
	int			d = 5;
	double	   *x = random_points(n, d, 21, 0);

	for (size_t i = 0; i < n; i++)
	{
		for (int j = 0; j < d; j++)
		{
			double		u = gh_random_double(22, GH_STREAM_TEST, i / clump * d + j);

			x[i * d + j] = (u + x[i * d + j] * difference) * scale;
		}
	}
	if (far > 0)
		x[0] = far;
	check_points(x, n, d, 12, 13);
	free(x);
}

static void
below_single_precision(void **state)
{
	(void) state;
	check_clumps(2, 1e-9, 1, 0);
	check_clumps(30, 1e-7, 1, 0);
	check_clumps(30, 1e-12, 1, 0);
	check_clumps(200, 0, 1, 0);
	check_clumps(1000, 1e-8, 1, 0);
	check_clumps(2000, 1e-13, 1, 0);
	check_clumps(1, 1, 1, 1e4);
	check_clumps(1, 1, 1, 1e7);
	check_clumps(1, 1, 1, 1e12);
}

static void
extreme_scales(void **state)
{
	static const double scales[] = {1e-310, 1e-300, 1e-160, 1e-150, 1e-135, 1e-30, 1e30, 1e139, 1e150, 1e160, 1e300};

	(void) state;
	for (size_t s = 0; s < sizeof(scales) / sizeof(scales[0]); s++)
		check_clumps(1, 1, scales[s], 0);
	check_clumps(1, 1, 1e-300, 1e300);
	check_clumps(1, 1, 1e-100, 1e100);
	check_clumps(1, 1, 1, 1e300);
}

/* A far point makes all others look the same in single precision: the time must not become quadratic. */
static void
far_point_is_fast(void **state)
{
	size_t		n = 20000;
	long		polls = 0;
	gh_host		host = {.arg = &polls,.should_stop = count_polls,.threads = 1,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	double	   *x = random_points(n, 3, 1, 0);
	uint32_t   *indices = malloc(sizeof(uint32_t) * n * 15);
	gh_kdtree	t;

	(void) state;
	x[0] = 1e12;
	assert_int_equal(gh_kdtree_build(ctx, x, n, 3, &t), GH_OK);
	polls = 0;
	assert_int_equal(gh_neighbours(ctx, &t, 15, indices, NULL), GH_OK);
	/* quadratic: a poll for every 64 of n * n / 32 visits, 195,000 */
	assert_true(polls > 0 && polls < 20000);
	gh_kdtree_free(ctx, &t);
	free(x);
	free(indices);
	gh_ctx_close(ctx);
}

/* Too little memory for the float copy: the same results without it; and the estimate holds. */
static void
short_of_memory(void **state)
{
	size_t		n = 20000,
				least = 0;
	int			k = 10;
	double	   *x = random_points(n, 6, 8, 0);
	uint32_t   *indices[2] = {malloc(sizeof(uint32_t) * n * k), malloc(sizeof(uint32_t) * n * k)};

	(void) state;
	for (int round = 0; round < 2; round++)
	{
		gh_host		host = {.threads = 1,.memory_limit = round == 0 ? SIZE_MAX : least};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_kdtree	t;
		size_t		used;

		assert_int_equal(gh_kdtree_build(ctx, x, n, 6, &t), GH_OK);
		used = gh_memory_used(ctx);
		assert_int_equal(gh_neighbours(ctx, &t, k, indices[round], NULL), GH_OK);
		if (round == 0)
		{
			assert_true(gh_memory_peak(ctx) - used < gh_neighbours_memory(n, 6, k) + 200000);
			assert_true(gh_memory_peak(ctx) - used > gh_neighbours_memory(n, 6, k) * 0.6);
			least = used + gh_neighbours_memory(n, 6, k) / 2;
		}
		gh_kdtree_free(ctx, &t);
		gh_ctx_close(ctx);
	}
	assert_memory_equal(indices[0], indices[1], sizeof(uint32_t) * n * k);
	free(x);
	free(indices[0]);
	free(indices[1]);
}

static void
ties_and_duplicates(void **state)
{
	(void) state;
	check_case(600, 1, 10, 3);
	check_case(600, 2, 10, 2);
	check_case(600, 2, 50, 5);
	check_case(600, 14, 40, 2);
	check_case(400, 3, 399, 3);
	check_case(1000, 2, 5, 1);
	check_case(1000, 2, 64, 1);
	check_case(33, 4, 32, 1);
}

/*
 * Points of a circle around the query: their squared distances differ by units
 * in the last place, and many have the same root.  The order is that of the
 * roots, so the lower index comes first, in whichever leaf it stands.
 */
static void
equal_after_rounding(void **state)
{
	gh_ctx	   *ctx = open_threads(1);
	size_t		n = 1000;
	double	   *x = malloc(sizeof(double) * n * 2);
	double		centre[2] = {0, 0};
	pair	   *expected = malloc(sizeof(pair) * n);
	gh_kdtree	t;

	(void) state;
	for (size_t i = 0; i < n; i++)
	{
		double		angle = 6.283185307179586 * gh_random_double(9, GH_STREAM_TEST, i);

		x[2 * i] = 1.3 * cos(angle);
		x[2 * i + 1] = 1.3 * sin(angle);
	}
	assert_int_equal(gh_kdtree_build(ctx, x, n, 2, &t), GH_OK);
	brute_force(x, n, 2, centre, SIZE_MAX, expected);
	for (int k = 1; k <= 100; k++)
	{
		uint32_t	indices[100];

		assert_int_equal(gh_neighbours_query(ctx, &t, centre, k, indices, NULL), GH_OK);
		for (int r = 0; r < k; r++)
			assert_int_equal(indices[r], expected[r].index);
	}
	gh_kdtree_free(ctx, &t);
	gh_ctx_close(ctx);
	free(x);
	free(expected);
}

static void
query_points(void **state)
{
	gh_ctx	   *ctx = open_threads(1);

	(void) state;
	for (int levels = 0; levels < 4; levels += 3)
	{
		double	   *x = random_points(777, 3, 5, levels);
		double	   *q = random_points(100, 3, 6, levels);
		gh_kdtree	t;

		assert_int_equal(gh_kdtree_build(ctx, x, 777, 3, &t), GH_OK);
		for (int i = 0; i < 100; i++)
		{
			pair		expected[777];
			uint32_t	indices[777];
			double		distances[777];
			int			k = i % 10 == 9 ? 777 : 1 + i;

			assert_int_equal(brute_force(x, 777, 3, q + i * 3, SIZE_MAX, expected), 777);
			assert_int_equal(gh_neighbours_query(ctx, &t, q + i * 3, k, indices, distances), GH_OK);
			for (int r = 0; r < k; r++)
			{
				assert_int_equal(indices[r], expected[r].index);
				assert_true(distances[r] == expected[r].distance);
			}
		}
		gh_kdtree_free(ctx, &t);
		free(x);
		free(q);
	}
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
}

/*
 * Tens of thousands of equal points: each must find its neighbours in a few
 * leaves.  Visits are counted by the polls, one for every 64 leaves; without
 * the cut by index there would be 195,000.
 */
static void
all_equal_is_fast(void **state)
{
	size_t		n = 20000;
	long		polls = 0;
	gh_host		host = {.arg = &polls,.should_stop = count_polls,.threads = 1,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	double	   *x = random_points(n, 14, 1, 1);
	uint32_t   *indices = malloc(sizeof(uint32_t) * n * 15);
	gh_kdtree	t;

	(void) state;
	assert_int_equal(gh_kdtree_build(ctx, x, n, 14, &t), GH_OK);
	polls = 0;
	assert_int_equal(gh_neighbours(ctx, &t, 15, indices, NULL), GH_OK);
	assert_true(polls > 0 && polls < 10000);
	for (size_t i = 0; i < n; i++)
	{
		for (uint32_t r = 0; r < 15; r++)
			assert_int_equal(indices[i * 15 + r], r < i ? r : r + 1);
	}
	gh_kdtree_free(ctx, &t);
	free(x);
	free(indices);
	gh_ctx_close(ctx);
}

/* The same bytes for any number of threads and any instruction set. */
static void
deterministic(void **state)
{
	size_t		n = 3000;
	int			k = 20;
	double	   *x = random_points(n, 14, 2, 0);
	size_t		size = sizeof(double) * n * k;
	double	   *first = malloc(size),
			   *other = malloc(size);
	uint32_t   *first_index = malloc(size),
			   *other_index = malloc(size);

	(void) state;
	for (int isa = GH_ISA_SCALAR; isa <= GH_ISA_AVX512; isa++)
	{
		for (int threads = 1; threads <= 8; threads *= 2)
		{
			gh_ctx	   *ctx = open_threads(threads);
			gh_kdtree	t;
			bool		is_first = isa == GH_ISA_SCALAR && threads == 1;

			gh_isa_limit((gh_isa) isa);
			assert_int_equal(gh_kdtree_build(ctx, x, n, 14, &t), GH_OK);
			assert_int_equal(gh_neighbours(ctx, &t, k, is_first ? first_index : other_index,
										   is_first ? first : other), GH_OK);
			if (!is_first)
			{
				assert_memory_equal(first, other, size);
				assert_memory_equal(first_index, other_index, size / 2);
			}
			gh_kdtree_free(ctx, &t);
			gh_ctx_close(ctx);
		}
	}
	gh_isa_limit(GH_ISA_AVX512);
	free(x);
	free(first);
	free(other);
	free(first_index);
	free(other_index);
}

static void
bad_k(void **state)
{
	static const int bad[] = {-1, 0, 10, 11};
	double	   *x = random_points(10, 2, 2, 0);

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		gh_ctx	   *ctx = open_threads(1);
		gh_kdtree	t;
		uint32_t	indices[200];

		assert_int_equal(gh_kdtree_build(ctx, x, 10, 2, &t), GH_OK);
		assert_int_equal(gh_neighbours(ctx, &t, bad[i], indices, NULL), GH_EINVAL);
		assert_non_null(gh_ctx_hint(ctx));
		assert_int_equal(gh_neighbours_query(ctx, &t, x, bad[i], indices, NULL),
						 bad[i] == 10 ? GH_OK : GH_EINVAL);
		gh_kdtree_free(ctx, &t);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
	}
	free(x);
}

static void
cancel(void **state)
{
	double	   *x = random_points(3000, 8, 3, 0);
	uint32_t   *indices = malloc(sizeof(uint32_t) * 3000 * 10);
	bool		finished = false;

	(void) state;
	for (long k = 0; !finished; k += 1 + k / 2)
	{
		gh_host		host = {.should_stop = stop_after_polls,.threads = 2,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_kdtree	t;
		gh_status	status;
		size_t		used;

		polls_left = LONG_MAX;
		assert_int_equal(gh_kdtree_build(ctx, x, 3000, 8, &t), GH_OK);
		used = gh_memory_used(ctx);
		polls_left = k;
		status = gh_neighbours(ctx, &t, 10, indices, NULL);
		finished = status == GH_OK;
		assert_true(finished || status == GH_ECANCELED);
		assert_true(k > 0 || !finished);
		assert_int_equal(gh_memory_used(ctx), used);
		gh_kdtree_free(ctx, &t);
		gh_ctx_close(ctx);
	}
	free(x);
	free(indices);
}

static void
allocation_failure(void **state)
{
	double	   *x = random_points(1100, 3, 4, 0);
	static uint32_t indices[1100 * 40];
	bool		finished = false;
	uint64_t	k;

	(void) state;
	for (k = 1; !finished; k++)
	{
		gh_ctx	   *ctx = open_threads(2);
		gh_kdtree	t;
		gh_status	status;
		size_t		used;

		assert_int_equal(gh_kdtree_build(ctx, x, 1100, 3, &t), GH_OK);
		used = gh_memory_used(ctx);
		gh_ctx_fail_allocation(ctx, k, false);
		status = gh_neighbours(ctx, &t, 40, indices, NULL);
		finished = status == GH_OK;
		assert_true(finished || status == GH_ENOMEM);
		assert_int_equal(gh_memory_used(ctx), used);
		gh_kdtree_free(ctx, &t);
		gh_ctx_close(ctx);
	}
	assert_true(k > 4);
	free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_brute_force),
		cmocka_unit_test(many_points),
		cmocka_unit_test(scanned_points),
		cmocka_unit_test(below_single_precision),
		cmocka_unit_test(extreme_scales),
		cmocka_unit_test(far_point_is_fast),
		cmocka_unit_test(short_of_memory),
		cmocka_unit_test(ties_and_duplicates),
		cmocka_unit_test(equal_after_rounding),
		cmocka_unit_test(query_points),
		cmocka_unit_test(all_equal_is_fast),
		cmocka_unit_test(deterministic),
		cmocka_unit_test(bad_k),
		cmocka_unit_test(cancel),
		cmocka_unit_test(allocation_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
