/*
 * test_cuts.c
 *		Where features are cut, against literal searches over all ways to cut.
 */
#include "learn/cuts.h"
#include "learn_testing.h"

#define MOST_DISTINCT 80

static int
compare_floats(const void *a, const void *b)
{
	float		x = *(const float *) a,
				y = *(const float *) b;

	return (x > y) - (x < y);
}

/* The rows of each distinct value, in ascending order. */
static int
count_values(const float *sorted, size_t n, size_t *count)
{
	int			distinct = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (i == 0 || sorted[i] != sorted[i - 1])
			count[distinct++] = 0;
		count[distinct - 1]++;
	}
	return distinct;
}

/* Of all ways to make at most `most` bins of the values: the least possible number of rows of the largest shared bin. */
static size_t
least_shared(const size_t *count, int distinct, int most)
{
	static size_t best[MOST_DISTINCT + 1][MOST_DISTINCT + 1];	/* by bins used and values covered */

	for (int bins = 0; bins <= most; bins++)
		for (int end = 0; end <= distinct; end++)
		{
			best[bins][end] = bins == 0 && end == 0 ? 0 : SIZE_MAX;
			for (int begin = end - 1; bins > 0 && begin >= 0; begin--)
			{
				size_t		rows = 0,
							worse;

				for (int v = begin; v < end; v++)
					rows += count[v];
				worse = end - begin > 1 && rows > best[bins - 1][begin] ? rows : best[bins - 1][begin];
				if (worse < best[bins][end])
					best[bins][end] = worse;
			}
			if (bins > 0 && best[bins - 1][end] < best[bins][end])
				best[bins][end] = best[bins - 1][end];
		}
	return best[most][distinct];
}

/* Checks cuts and codes of a feature, and returns the rows of the largest bin of several values. */
static size_t
largest_shared(const gh_bins *bins, int f, const float *rows, size_t n, const float *sorted)
{
	const float *cuts = bins->cuts + bins->cut_begin[f];
	int			n_bins = (int) (bins->cut_begin[f + 1] - bins->cut_begin[f]);
	size_t		largest = 0;
	float		low[256],
				high[256];
	size_t		size[256] = {0};

	for (int k = 0; k < n_bins - 1; k++)
	{
		assert_true(cuts[k] < cuts[k + 1]);
		assert_non_null(bsearch(&cuts[k], sorted, n, sizeof(float), compare_floats));
	}
	assert_true(cuts[n_bins - 1] > sorted[n - 1]);
	assert_true(bins->below[f] < sorted[0]);
	for (size_t i = 0; i < n; i++)
	{
		float		v = rows[i * (size_t) bins->n_features + (size_t) f];
		int			bin = 0;

		while (cuts[bin] <= v)
			bin++;
		assert_int_equal(bins->codes[i * (size_t) bins->stride + (size_t) f], bin);
		low[bin] = size[bin] == 0 || v < low[bin] ? v : low[bin];
		high[bin] = size[bin] == 0 || v > high[bin] ? v : high[bin];
		size[bin]++;
	}
	for (int bin = 0; bin < n_bins; bin++)
	{
		assert_true(size[bin] > 0);
		if (low[bin] < high[bin] && size[bin] > largest)
			largest = size[bin];
	}
	return largest;
}

/* A value of one of several shapes: even, skewed, with a few common values, with one that holds most rows. */
static float
draw(int shape, uint64_t seed, uint64_t i)
{
	double		u = test_uniform(seed, 2 * i),
				v = test_uniform(seed, 2 * i + 1);

	switch (shape)
	{
		case 0:
			return (float) floor(60 * u);
		case 1:
			return (float) floor(70 * u * u * u * u);
		case 2:
			return (float) (v < .5 ? 10 * floor(5 * u) : floor(60 * u));
		default:
			return (float) (v < .9 ? 7 : floor(75 * u) - 20);
	}
}

static void
the_largest_shared_bin_is_as_small_as_can_be(void **state)
{
	static const int max_bins[] = {2, 3, 5, 16, 31, 40};
	float		rows[700],
				sorted[700];
	size_t		count[MOST_DISTINCT];

	(void) state;
	for (int trial = 0; trial < 240; trial++)
	{
		int			shape = trial % 4,
					max_bin = max_bins[trial / 4 % 6];
		size_t		n = 90 + (size_t) trial * 5 / 2;
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_bins		bins;
		int			distinct,
					n_bins;
		size_t		largest;

		for (size_t i = 0; i < n; i++)
			sorted[i] = rows[i] = draw(shape, 100 + (uint64_t) trial, i);
		qsort(sorted, n, sizeof(float), compare_floats);
		distinct = count_values(sorted, n, count);
		test_ok(ctx, gh_bins_build(ctx, rows, n, 1, max_bin, NULL, 0, &bins));
		n_bins = (int) bins.cut_begin[1];
		largest = largest_shared(&bins, 0, rows, n, sorted);
		assert_int_equal(n_bins, distinct < max_bin ? distinct : max_bin);
		assert_int_equal(largest, least_shared(count, distinct, max_bin));
		gh_bins_free(ctx, &bins);
		test_close(ctx);
	}
}

/* A value that holds most rows takes one bin of 256; the rest of the rows have all the others. */
static void
a_common_value_takes_one_bin(void **state)
{
	static const double share[] = {.2, .41, .8, .95};
	size_t		n = 20000;
	float	   *rows = malloc(n * sizeof(float)),
			   *sorted = malloc(n * sizeof(float));

	(void) state;
	for (int s = 0; s < 4; s++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_bins		bins;
		size_t		others = 0;

		for (size_t i = 0; i < n; i++)
		{
			rows[i] = test_uniform(31, 2 * i) < share[s] ? 0 : (float) test_uniform(31, 2 * i + 1) - .3f;
			sorted[i] = rows[i];
			others += rows[i] != 0;
		}
		qsort(sorted, n, sizeof(float), compare_floats);
		test_ok(ctx, gh_bins_build(ctx, rows, n, 1, 256, NULL, 0, &bins));
		assert_int_equal(bins.cut_begin[1], 256);
		/* 255 bins on the two sides of zero, of which one may be cut short on each side */
		assert_true(largest_shared(&bins, 0, rows, n, sorted) <= others / 253 + 1);
		gh_bins_free(ctx, &bins);
		test_close(ctx);
	}
	free(sorted);
	free(rows);
}

/* Values that occur once: bins of equal size but for the last, and what is left over halves the first ones. */
static void
rare_values_fill_even_bins(void **state)
{
	uint32_t	keys[1000];
	size_t		begin[256];
	int			n;
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	for (uint32_t i = 0; i < 1000; i++)
		keys[i] = 5 * i;
	test_ok(ctx, gh_cuts_place(ctx, keys, 1000, 128, 128, begin, &n));
	assert_int_equal(n, 128);
	for (int b = 0; b < 3; b++)
	{
		assert_int_equal(begin[2 * b], 8 * b);
		assert_int_equal(begin[2 * b + 1], 8 * b + 4);
	}
	for (int b = 6; b < 128; b++)
		assert_int_equal(begin[b], 8 * (b - 3));
	test_ok(ctx, gh_cuts_place(ctx, keys, 1000, 256, 250, begin, &n));
	assert_int_equal(n, 250);
	for (int b = 0; b < 250; b++)
		assert_int_equal(begin[b], 4 * b);
	test_ok(ctx, gh_cuts_place(ctx, keys, 250, 250, 10, begin, &n));
	assert_int_equal(n, 250);
	test_close(ctx);
}

/* More than 256 values and missing ones: 255 bins, and 255 is the code of what is missing. */
static void
missing_values_take_a_code(void **state)
{
	float		rows[3000];
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_bins		bins;

	(void) state;
	for (size_t i = 0; i < 3000; i++)
		rows[i] = i % 7 == 0 ? NAN : i % 2 == 0 ? 0 : (float) test_uniform(5, i);
	test_ok(ctx, gh_bins_build(ctx, rows, 3000, 1, 256, NULL, 0, &bins));
	assert_int_equal(bins.cut_begin[1], 255);
	assert_int_equal(bins.n_columns, 1);
	for (size_t i = 0; i < 3000; i++)
		assert_true((bins.codes[i * (size_t) bins.stride] == 255) == (i % 7 == 0));
	gh_bins_free(ctx, &bins);
	test_close(ctx);
}

/* Cuts are those of the rows that decide, in whatever order they stand, for any number of threads. */
static void
cuts_know_neither_order_nor_threads(void **state)
{
	size_t		n = 3000;
	float	   *rows = malloc(3 * n * sizeof(float)),
			   *turned = malloc(3 * n * sizeof(float));
	uint32_t	decide[2000],
				decide_turned[2000];
	gh_ctx	   *one = open_threads(1),
			   *four = open_threads(4);
	gh_bins		a,
				b;

	(void) state;
	for (size_t i = 0; i < n; i++)
		for (size_t f = 0; f < 3; f++)
			rows[3 * i + f] = f == 0 ? (float) test_uniform(8, i) : draw((int) f + 1, 9 + f, i) + (i % 3 == 0 ? .5f : 0);
	for (size_t i = 0; i < n; i++)
		memcpy(turned + 3 * (n - 1 - i), rows + 3 * i, 3 * sizeof(float));
	for (uint32_t i = 0; i < 2000; i++)
	{
		decide[i] = i + 500;
		decide_turned[1999 - i] = (uint32_t) n - 1 - decide[i];
	}
	test_ok(one, gh_bins_build(one, rows, n, 3, 64, decide, 2000, &a));
	test_ok(four, gh_bins_build(four, turned, n, 3, 64, decide_turned, 2000, &b));
	assert_int_equal(a.cut_begin[3], b.cut_begin[3]);
	assert_memory_equal(a.cut_begin, b.cut_begin, 4 * sizeof(uint32_t));
	assert_memory_equal(a.cuts, b.cuts, a.cut_begin[3] * sizeof(float));
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(a.codes + i * (size_t) a.stride, b.codes + (n - 1 - i) * (size_t) b.stride, 3);
	gh_bins_free(one, &a);
	gh_bins_free(four, &b);
	test_close(one);
	test_close(four);
	free(turned);
	free(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_shared_bin_is_as_small_as_can_be),
		cmocka_unit_test(a_common_value_takes_one_bin),
		cmocka_unit_test(rare_values_fill_even_bins),
		cmocka_unit_test(missing_values_take_a_code),
		cmocka_unit_test(cuts_know_neither_order_nor_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
