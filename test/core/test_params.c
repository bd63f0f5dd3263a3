/*
 * test_params.c
 *		Boosting parameters: names, ranges, messages, JSON text.
 */
#include "learn_testing.h"

#include "learn/gh_params.h"

static void
expect_number(const char *key, double value, gh_status wanted, const char *message, const char *detail)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_params params = gh_boost_defaults(),
				before = params;

	assert_int_equal(gh_boost_set_number(ctx, &params, key, value), wanted);
	if (wanted != GH_OK)
	{
		assert_string_equal(gh_ctx_message(ctx), message);
		assert_memory_equal(&params, &before, sizeof(params));
	}
	if (detail != NULL)
		assert_string_equal(gh_ctx_detail(ctx), detail);
	test_close(ctx);
}

static void
defaults_are_xgboosts(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_params params = gh_boost_defaults();
	char	   *json = gh_boost_params_json(ctx, &params);

	(void) state;
	assert_string_equal(json,
						"{\"alpha\": 0, \"base_score\": 0, \"colsample_bylevel\": 1, \"colsample_bynode\": 1, "
						"\"colsample_bytree\": 1, \"early_stopping_rounds\": 0, \"eta\": 0.3, \"gamma\": 0, "
						"\"grow_policy\": \"depthwise\", \"lambda\": 1, \"max_bin\": 256, \"max_delta_step\": 0, "
						"\"max_depth\": 6, \"max_leaves\": 0, \"min_child_weight\": 1, \"n_estimators\": 100, "
						"\"scale_pos_weight\": 1, \"seed\": 0, \"subsample\": 1}");
	gh_free(ctx, json);
	test_ok(ctx, gh_boost_check(ctx, &params, 14));
	test_close(ctx);
}

static void
every_key_and_alias_is_set(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_params params = gh_boost_defaults();
	double		signs[] = {1, 0, -1};
	char	   *json;

	(void) state;
	test_ok(ctx, gh_boost_set_number(ctx, &params, "max_depth", 4));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "max_leaves", 12));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "learning_rate", 0.1));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "min_child_weight", 2.5));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "min_split_loss", 0.25));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "reg_lambda", 3));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "reg_alpha", 0.5));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "max_delta_step", 1));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "subsample", 0.8));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "colsample_bytree", 0.7));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "colsample_bylevel", 0.6));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "colsample_bynode", 0.5));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "scale_pos_weight", 1.0 / 3));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "base_score", 0.125));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "max_bin", 64));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "num_boost_round", 7));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "early_stopping_rounds", 3));
	test_ok(ctx, gh_boost_set_number(ctx, &params, "random_state", 9007199254740991.0));
	assert_int_equal(gh_boost_set_number(ctx, &params, "seed", 9007199254740993.0), GH_EINVAL);
	test_ok(ctx, gh_boost_set_string(ctx, &params, "grow_policy", "lossguide"));
	test_ok(ctx, gh_boost_set_array(ctx, &params, "monotone_constraints", signs, 3));
	json = gh_boost_params_json(ctx, &params);
	assert_string_equal(json,
						"{\"alpha\": 0.5, \"base_score\": 0.125, \"colsample_bylevel\": 0.6, "
						"\"colsample_bynode\": 0.5, \"colsample_bytree\": 0.7, \"early_stopping_rounds\": 3, "
						"\"eta\": 0.1, \"gamma\": 0.25, \"grow_policy\": \"lossguide\", \"lambda\": 3, "
						"\"max_bin\": 64, \"max_delta_step\": 1, \"max_depth\": 4, \"max_leaves\": 12, "
						"\"min_child_weight\": 2.5, \"monotone_constraints\": [1, 0, -1], \"n_estimators\": 7, "
						"\"scale_pos_weight\": 0.3333333333333333, \"seed\": 9007199254740991, \"subsample\": 0.8}");
	gh_free(ctx, json);
	test_ok(ctx, gh_boost_check(ctx, &params, 3));
	assert_string_equal(gh_boost_canonical_key("learning_rate"), "eta");
	assert_string_equal(gh_boost_canonical_key("eta"), "eta");
	assert_null(gh_boost_canonical_key("Eta"));
	test_close(ctx);
}

static void
unknown_keys_name_the_known(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_params params = gh_boost_defaults();

	(void) state;
	assert_int_equal(gh_boost_set_number(ctx, &params, "max_dept", 3), GH_EINVAL);
	assert_string_equal(gh_ctx_message(ctx), "unknown boosting parameter \"max_dept\"");
	assert_non_null(strstr(gh_ctx_hint(ctx), "max_delta_step, max_depth, max_leaves"));
	assert_non_null(strstr(gh_ctx_hint(ctx), gh_boost_known_keys()));
	test_close(ctx);
}

static void
values_out_of_range_are_named(void **state)
{
	(void) state;
	expect_number("eta", 0, GH_EINVAL, "boosting parameter \"eta\" is out of range",
				  "The value is 0; it must be above 0, at most 1.");
	expect_number("learning_rate", 1.5, GH_EINVAL, "boosting parameter \"eta\" is out of range",
				  "The value is 1.5; it must be above 0, at most 1.");
	expect_number("eta", NAN, GH_EINVAL, "boosting parameter \"eta\" is out of range", NULL);
	expect_number("lambda", INFINITY, GH_EINVAL, "boosting parameter \"lambda\" is out of range", NULL);
	expect_number("lambda", -1, GH_EINVAL, "boosting parameter \"lambda\" is out of range", NULL);
	expect_number("max_depth", 2.5, GH_EINVAL, "boosting parameter \"max_depth\" must be an integer", NULL);
	expect_number("max_depth", 33, GH_EINVAL, "boosting parameter \"max_depth\" is out of range", NULL);
	expect_number("max_bin", 257, GH_EINVAL, "boosting parameter \"max_bin\" is out of range", NULL);
	expect_number("max_bin", 1, GH_EINVAL, "boosting parameter \"max_bin\" is out of range", NULL);
	expect_number("n_estimators", 0, GH_EINVAL, "boosting parameter \"n_estimators\" is out of range", NULL);
	expect_number("base_score", 1, GH_EINVAL, "boosting parameter \"base_score\" is out of range", NULL);
	expect_number("subsample", 0, GH_EINVAL, "boosting parameter \"subsample\" is out of range", NULL);
	expect_number("scale_pos_weight", 0, GH_EINVAL, "boosting parameter \"scale_pos_weight\" is out of range", NULL);
	expect_number("seed", -1, GH_EINVAL, "boosting parameter \"seed\" is out of range", NULL);
	expect_number("grow_policy", 1, GH_EINVAL, "boosting parameter \"grow_policy\" cannot be a number",
				  "It must be \"depthwise\" or \"lossguide\".");
	expect_number("monotone_constraints", 1, GH_EINVAL, "boosting parameter \"monotone_constraints\" cannot be a number",
				  "It must be an array of -1, 0 and 1.");
	expect_number("max_depth", 0, GH_OK, NULL, NULL);
	expect_number("subsample", 1, GH_OK, NULL, NULL);
}

static void
strings_and_arrays(void **state)
{
	static const char *const good[] = {"(1,0,-1)", "[1, 0, -1]", "1,0,-1", " ( 1 , 0 ,-1 ) "};
	static const char *const bad[] = {"(1,2)", "(1;0)", "(1,0) 1", "one", "(1 0)", "(1.5)"};
	double		half = 0.5;

	(void) state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_params params = gh_boost_defaults();

		test_ok(ctx, gh_boost_set_string(ctx, &params, "monotone_constraints", good[i]));
		assert_int_equal(params.n_monotone, 3);
		assert_int_equal(params.monotone[0], 1);
		assert_int_equal(params.monotone[1], 0);
		assert_int_equal(params.monotone[2], -1);
		test_close(ctx);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_params params = gh_boost_defaults();

		assert_int_equal(gh_boost_set_string(ctx, &params, "monotone_constraints", bad[i]), GH_EINVAL);
		assert_int_equal(params.n_monotone, 0);
		test_close(ctx);
	}
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_params params = gh_boost_defaults();

		assert_int_equal(gh_boost_set_string(ctx, &params, "eta", "0.1"), GH_EINVAL);
		assert_string_equal(gh_ctx_message(ctx), "boosting parameter \"eta\" cannot be a string");
		test_close(ctx);
	}
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_params params = gh_boost_defaults();

		assert_int_equal(gh_boost_set_string(ctx, &params, "grow_policy", "leafwise"), GH_EINVAL);
		assert_string_equal(gh_ctx_message(ctx), "unknown grow_policy \"leafwise\"");
		test_close(ctx);
	}
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_params params = gh_boost_defaults();

		assert_int_equal(gh_boost_set_array(ctx, &params, "monotone_constraints", &half, 1), GH_EINVAL);
		assert_int_equal(params.n_monotone, 0);
		test_close(ctx);
	}
}

static void
check_gives(gh_boost_params params, int n_features, gh_status wanted)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);

	assert_int_equal(gh_boost_check(ctx, &params, n_features), wanted);
	test_close(ctx);
}

static void
cross_checks(void **state)
{
	gh_boost_params params = gh_boost_defaults();

	(void) state;
	check_gives(params, 14, GH_OK);
	check_gives(params, 0, GH_EDATA);
	check_gives(params, GH_MAX_FEATURES + 1, GH_EDATA);
	params.max_depth = 0;
	check_gives(params, 14, GH_OK);
	params.n_monotone = 13;
	check_gives(params, 14, GH_EINVAL);
	params.n_monotone = 14;
	check_gives(params, 14, GH_OK);
	params.monotone[5] = 2;
	check_gives(params, 14, GH_EINVAL);
	params = gh_boost_defaults();
	params.eta = -1;
	check_gives(params, 14, GH_EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_xgboosts),
		cmocka_unit_test(every_key_and_alias_is_set),
		cmocka_unit_test(unknown_keys_name_the_known),
		cmocka_unit_test(values_out_of_range_are_named),
		cmocka_unit_test(strings_and_arrays),
		cmocka_unit_test(cross_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
