/*
 * test_bins.c
 *		Bins: exact quantiles, odd columns, values that cannot be cut.
 */
#include "learn_testing.h"

#include <float.h>

static void
cuts_are_exact_quantiles(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(1500, 3, 0, 0, 9);
	uint32_t	cut_rows[1000];
	double		sorted[1000];
	gh_bins		bins;

	(void) state;
	for (size_t i = 0; i < data.n; i++)
	{
		data.rows[3 * i + 1] = (float) (i % 100);
		data.rows[3 * i + 2] = i % 4 != 0 ? 2 : data.rows[3 * i + 2];	/* one value holds three quarters */
	}
	for (uint32_t i = 0; i < 1000; i++)
		cut_rows[i] = i + 250;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, 3, 128, cut_rows, 1000, &bins));
	for (int f = 0; f < 3; f++)
	{
		const float *cuts = bins.cuts + bins.cut_begin[f];
		uint32_t	n = bins.cut_begin[f + 1] - bins.cut_begin[f],
					k = 0;

		for (int i = 0; i < 1000; i++)
			sorted[i] = data.rows[3 * cut_rows[i] + (uint32_t) f];
		qsort(sorted, 1000, sizeof(double), test_compare_doubles);
		if (f == 1)
		{
			assert_int_equal(n, 100);
			for (; k < 99; k++)
				assert_true(cuts[k] == (float) (k + 1));
		}
		else
		{
			for (int q = 1; q < 128; q++)
			{
				float		v = (float) sorted[q * 1000 / 128];

				if (v > (float) sorted[(q - 1) * 1000 / 128])
					assert_true(cuts[k++] == v);
			}
		}
		assert_int_equal(k, n - 1);
		assert_true(cuts[k] > sorted[999]);
		assert_true(bins.below[f] < sorted[0]);
		assert_int_equal(bins.has_missing[f], 0);
		for (size_t i = 0; i < data.n; i++)
		{
			float		v = data.rows[3 * i + (size_t) f];
			uint32_t	bin = 0;

			while (bin + 1 < n && cuts[bin] <= v)
				bin++;
			assert_int_equal(bins.codes[i * (size_t) bins.stride + (size_t) f], bin);
		}
	}
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

static void
bins_refuse_what_they_cannot_cut(void **state)
{
	float		rows[] = {1, INFINITY, 2, 3};
	gh_bins		bins;
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	(void) state;
	assert_int_equal(gh_bins_build(ctx, rows, 2, 2, 256, NULL, 0, &bins), GH_EDATA);
	assert_string_equal(gh_ctx_message(ctx), "feature 2 of row 1 is infinite");
	test_close(ctx);
	ctx = gh_ctx_open(NULL);
	assert_int_equal(gh_bins_build(ctx, rows, 0, 2, 256, NULL, 0, &bins), GH_EDATA);
	test_close(ctx);
	ctx = gh_ctx_open(NULL);
	assert_int_equal(gh_bins_build(ctx, rows, 2, 2, 300, NULL, 0, &bins), GH_EINVAL);
	test_close(ctx);
}

/* Constant, empty and extreme columns train and predict. */
static void
odd_columns(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	test_data	data = test_make(400, 6, 0, 0, 10);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_booster	booster;
	gh_fit		fit = test_fit(&data, &bins);

	(void) state;
	for (size_t i = 0; i < data.n; i++)
	{
		float	   *row = data.rows + 6 * i;

		row[1] = 4;
		row[2] = NAN;
		row[3] = data.labels[i] ? NAN : 7;	/* only being there says anything */
		row[4] = i % 2 ? FLT_MAX : -FLT_MAX;
		row[5] = i % 5 == 0 ? NAN : data.labels[i] ? FLT_MAX : -0.0f;
	}
	params.n_estimators = 10;
	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, data.d, 256, NULL, 0, &bins));
	test_ok(ctx, gh_boost_train(ctx, &fit, &params, &booster, NULL));
	for (size_t i = 0; i < data.n; i++)
		assert_int_equal(gh_booster_margin(&booster, data.rows + 6 * i) > 0, data.labels[i]);
	gh_booster_free(ctx, &booster);
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	test_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts_are_exact_quantiles),
		cmocka_unit_test(bins_refuse_what_they_cannot_cut),
		cmocka_unit_test(odd_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
