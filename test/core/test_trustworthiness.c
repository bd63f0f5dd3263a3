/*
 * test_trustworthiness.c
 *		Trustworthiness against its definition, written down word by word.
 */
#include "testing.h"

#include "base/gh_isa.h"
#include "base/gh_random.h"
#include "project/gh_trustworthiness.h"

static double *
noise(size_t n, int d, uint64_t seed)
{
	double	   *x = malloc(sizeof(double) * n * d);

	for (size_t i = 0; i < n * d; i++)
		x[i] = gh_random_normal(seed, GH_STREAM_TEST, i);
	return x;
}

/* A projection that keeps the first axes and shakes them. */
static double *
shaken(const double *x, size_t n, int d, int dim, double shake)
{
	double	   *y = malloc(sizeof(double) * n * dim);

	for (size_t i = 0; i < n * dim; i++)
		y[i] = x[i / dim * d + i % dim] + shake * gh_random_normal(77, GH_STREAM_TEST, i);
	return y;
}

static double
square(const double *x, int d, size_t i, size_t j)
{
	double		sum = 0;

	for (int c = 0; c < d; c++)
		sum += (x[i * d + c] - x[j * d + c]) * (x[i * d + c] - x[j * d + c]);
	return sum;
}

/* 1-based place of j among the other points of i. */
static size_t
rank_of(const double *x, size_t n, int d, size_t i, size_t j)
{
	double		own = square(x, d, i, j);
	size_t		rank = 1;

	for (size_t o = 0; o < n; o++)
	{
		double		other = square(x, d, i, o);

		rank += o != i && o != j && (other < own || (other == own && o < j));
	}
	return rank;
}

/* The sum over one point, literally. */
static double
penalty(const double *x, int d, const double *y, int dim, size_t n, size_t k, size_t i)
{
	double		sum = 0;

	for (size_t j = 0; j < n; j++)
	{
		size_t		rank;

		if (j == i || rank_of(y, n, dim, i, j) > k)
			continue;
		rank = rank_of(x, n, d, i, j);
		sum += rank > k ? (double) (rank - k) : 0;
	}
	return sum;
}

static double
oracle(const double *x, int d, const double *y, int dim, size_t n, size_t k)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += penalty(x, d, y, dim, n, k, i);
	return 1 - 2 * sum / ((double) n * k * (2.0 * n - 3.0 * k - 1));
}

static double
ours(const double *x, int d, const double *y, int dim, size_t n, int k, size_t sample, int threads)
{
	gh_ctx	   *ctx = open_threads(threads);
	double		result = NAN;

	assert_int_equal(gh_trustworthiness(ctx, x, n, d, y, dim, k, sample, &result), GH_OK);
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return result;
}

static void
check(const double *x, int d, const double *y, int dim, size_t n, int k)
{
	assert_true(fabs(ours(x, d, y, dim, n, k, 0, 2) - oracle(x, d, y, dim, n, (size_t) k)) < 1e-14);
}

static void
equals_the_definition(void **state)
{
	double	   *x = noise(220, 5, 1),
			   *y = shaken(x, 220, 5, 2, 0.5),
			   *z = shaken(x, 220, 5, 3, 0.1);
	const int	k[] = {1, 2, 15, 33, 60, 109};

	(void) state;
	for (size_t i = 0; i < sizeof(k) / sizeof(k[0]); i++)
	{
		check(x, 5, y, 2, 220, k[i]);
		check(x, 5, z, 3, 220, k[i]);
		check(y, 2, x, 5, 220, k[i]);
	}
	check(x, 5, y, 2, 3, 1);
	check(x, 5, y, 2, 4, 1);
	check(x, 5, y, 2, 5, 2);
	free(x);
	free(y);
	free(z);
}

/* Whole coordinates: distances are exact, many are equal, and so are many points. */
static void
ties_go_by_index(void **state)
{
	size_t		n = 160;
	double	   *x = malloc(sizeof(double) * n * 3),
			   *y = malloc(sizeof(double) * n * 2);

	(void) state;
	for (size_t i = 0; i < n * 3; i++)
		x[i] = (double) (gh_random_u64(5, GH_STREAM_TEST, i) % 3);
	for (size_t i = 0; i < n * 2; i++)
		y[i] = (double) (gh_random_u64(6, GH_STREAM_TEST, i) % 4);
	check(x, 3, y, 2, n, 1);
	check(x, 3, y, 2, n, 7);
	check(x, 3, y, 2, n, 40);
	check(x, 3, y, 2, n, 79);
	/* more equal points than neighbours: the one that asks may be the last of them */
	memset(y, 0, sizeof(double) * n * 2);
	check(x, 3, y, 2, n, 7);
	free(x);
	free(y);
}

static void
one_for_a_faithful_picture(void **state)
{
	double	   *x = noise(300, 4, 2),
			   *y = noise(300, 4, 3);

	(void) state;
	assert_true(ours(x, 4, x, 4, 300, 15, 0, 1) == 1);
	/* unrelated pictures: about a half */
	assert_true(fabs(ours(x, 4, y, 4, 300, 15, 0, 1) - 0.5) < 0.05);
	free(x);
	free(y);
}

static void
huge_and_tiny_values(void **state)
{
	double	   *x = noise(150, 4, 4),
			   *y = shaken(x, 150, 4, 2, 0.3);
	double		expected = ours(x, 4, y, 2, 150, 10, 0, 1);

	(void) state;
	for (size_t i = 0; i < 600; i++)
		x[i] = ldexp(x[i], 900);
	for (size_t i = 0; i < 300; i++)
		y[i] = ldexp(y[i], -900);
	assert_true(ours(x, 4, y, 2, 150, 10, 0, 1) == expected);
	free(x);
	free(y);
}

static void
same_for_threads_and_instructions(void **state)
{
	size_t		n = 1500;
	double	   *x = noise(n, 6, 8),
			   *y = shaken(x, n, 6, 2, 0.4);
	double		expected = ours(x, 6, y, 2, n, 15, 0, 1);

	(void) state;
	assert_true(expected > 0.5 && expected < 1);
	assert_true(ours(x, 6, y, 2, n, 15, 0, 2) == expected);
	assert_true(ours(x, 6, y, 2, n, 15, 0, 8) == expected);
	assert_true(ours(x, 6, y, 2, n, 15, 200, 8) == ours(x, 6, y, 2, n, 15, 200, 1));
	gh_isa_limit(GH_ISA_SCALAR);
	assert_true(ours(x, 6, y, 2, n, 15, 0, 2) == expected);
	gh_isa_limit(GH_ISA_AVX512);
	free(x);
	free(y);
}

/* The points asked are those with the lowest hashes; with their own sums the sample's value follows. */
static void
samples(void **state)
{
	size_t		n = 200,
				m = 30;
	double	   *x = noise(n, 5, 11),
			   *y = shaken(x, n, 5, 2, 0.5),
				sum = 0,
				all = ours(x, 5, y, 2, n, 9, 0, 1);

	(void) state;
	for (size_t i = 0; i < n; i++)
	{
		size_t		lower = 0;

		for (size_t j = 0; j < n; j++)
			lower += gh_random_u64(0, GH_STREAM_TRUSTWORTHINESS, j) < gh_random_u64(0, GH_STREAM_TRUSTWORTHINESS, i);
		if (lower < m)
			sum += penalty(x, 5, y, 2, n, 9, i);
	}
	assert_true(fabs(ours(x, 5, y, 2, n, 9, m, 2) - (1 - 2 * sum / (m * 9.0 * (2.0 * n - 28)))) < 1e-14);
	assert_true(ours(x, 5, y, 2, n, 9, n, 2) == all);
	assert_true(ours(x, 5, y, 2, n, 9, n + 1, 2) == all);
	assert_true(ours(x, 5, y, 2, n, 9, n - 1, 2) != all);
	free(x);
	free(y);
}

static gh_status
status_of(const double *x, size_t n, int k)
{
	gh_ctx	   *ctx = open_threads(1);
	double		result;
	gh_status	status = gh_trustworthiness(ctx, x, n, 2, x, 2, k, 0, &result);

	if (status != GH_OK)
		assert_non_null(gh_ctx_hint(ctx));
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return status;
}

static void
refusals(void **state)
{
	double	   *x = noise(20, 2, 12);

	(void) state;
	assert_int_equal(status_of(x, 20, 0), GH_EINVAL);
	assert_int_equal(status_of(x, 20, -1), GH_EINVAL);
	assert_int_equal(status_of(x, 20, 10), GH_EINVAL);
	assert_int_equal(status_of(x, 20, INT32_MAX), GH_EINVAL);
	assert_int_equal(status_of(x, 20, 9), GH_OK);
	assert_int_equal(status_of(x, 2, 1), GH_EINVAL);
	assert_int_equal(status_of(x, 0, 1), GH_EINVAL);
	x[7] = NAN;
	assert_int_equal(status_of(x, 20, 9), GH_EDATA);
	x[7] = INFINITY;
	assert_int_equal(status_of(x, 20, 9), GH_EDATA);
	free(x);
}

typedef struct call
{
	double	   *x;
	size_t		n,
				sample;
	int			k;
} call;

static gh_status
run_call(gh_ctx *ctx, void *arg)
{
	call	   *c = arg;
	double		result;

	return gh_trustworthiness(ctx, c->x, c->n, 4, c->x, 4, c->k, c->sample, &result);
}

static void
failing_memory_leaves_nothing(void **state)
{
	call		c = {noise(100, 4, 13), 100, 50, 5};

	(void) state;
	assert_true(check_allocations(run_call, &c) > 8);
	free(c.x);
}

/* What was estimated is what is used, and a smaller budget is refused beforehand. */
static void
memory_is_estimated(void **state)
{
	size_t		n = 20000;
	double	   *x = noise(n, 8, 14);

	(void) state;
	for (size_t sample = 0; sample <= 40; sample += 40)
	{
		size_t		limit,
					peak = 0;
		double		result;

		for (limit = (size_t) 1 << 16; peak == 0; limit += limit / 64)
		{
			gh_host		host = {.threads = 2,.memory_limit = limit};
			gh_ctx	   *ctx = gh_ctx_open(&host);
			gh_status	status = gh_trustworthiness(ctx, x, sample == 0 ? 2000 : n, 8, x, 8, 5, sample, &result);

			/* refused as a whole, or done: never stopped half way */
			assert_true(status == GH_OK || (status == GH_ELIMIT && gh_memory_peak(ctx) == 0));
			peak = status == GH_OK ? gh_memory_peak(ctx) : 0;
			gh_ctx_close(ctx);
		}
		assert_true((double) peak > 0.8 * (double) limit * 64 / 65);
	}
	free(x);
}

static void
can_be_cancelled(void **state)
{
	call		c = {noise(3000, 4, 15), 3000, 2000, 15};

	(void) state;
	assert_true(check_cancel(run_call, &c, 1) > 400);
	free(c.x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equals_the_definition),
		cmocka_unit_test(ties_go_by_index),
		cmocka_unit_test(one_for_a_faithful_picture),
		cmocka_unit_test(huge_and_tiny_values),
		cmocka_unit_test(same_for_threads_and_instructions),
		cmocka_unit_test(samples),
		cmocka_unit_test(refusals),
		cmocka_unit_test(failing_memory_leaves_nothing),
		cmocka_unit_test(memory_is_estimated),
		cmocka_unit_test(can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
