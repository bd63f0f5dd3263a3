/*
 * test_bins.c
 *		Bins: odd columns, values that cannot be cut.
 */
#include "learn_testing.h"

#include <float.h>

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
		cmocka_unit_test(bins_refuse_what_they_cannot_cut),
		cmocka_unit_test(odd_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
