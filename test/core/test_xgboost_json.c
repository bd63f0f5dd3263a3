/*
 * test_xgboost_json.c
 *		XGBoost's JSON: there and back, other orders and spellings, and everything hostile.
 */
#include "xgboost_testing.h"

static void
refused(const char *from, const char *to, const char *why)
{
	char	   *text = with(MODEL, from, to);
	char		detail[512];

	assert_int_equal(try_text(text, strlen(text), detail, sizeof(detail)), GH_EDATA);
	if (strstr(detail, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", detail, why);
	free(text);
}

static void
accepted(const char *from, const char *to)
{
	char	   *text = with(MODEL, from, to);
	char		detail[512];

	if (try_text(text, strlen(text), detail, sizeof(detail)) != GH_OK)
		fail_msg("%s", detail);
	free(text);
}

static void
any_order_and_spelling(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_model model;
	const double base = (double) (float) log(.25 / .75) + (double) .1f;
	const struct
	{
		float		x[2];
		double		margin;
	}			rows[] = {
		{{0, .4f}, -3},
		{{1.5f, .4f}, -1},
		{{NAN, NAN}, -1},
		{{0, .5f}, .25},
	};

	(void) state;
	test_ok(ctx, gh_xgboost_read(ctx, MODEL, strlen(MODEL), false, &model));
	assert_int_equal(model.n_features, 2);
	assert_string_equal(model.feature[0], "tempo");
	assert_string_equal(model.feature[1], "caf\xc3\xa9 \xf0\x9f\x8e\xb5\n");
	assert_string_equal(model.info, "{\"source\": \"xgboost\", \"version\": [3, 1, 0], \"attributes\": {\"best_iteration\": \"1\"}}");
	assert_int_equal(model.booster.n_trees, 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(fabs(gh_booster_margin(&model.booster, rows[i].x) - base - rows[i].margin) < 1e-15);
	assert_true(model.booster.trees[0].cover[1] == 5.5f && model.booster.trees[0].cover[2] == 4.5f);
	assert_true(model.booster.trees[0].value[0] == .5f && model.booster.trees[0].gain[1] == 1.25f);
	gh_boost_model_free(ctx, &model);
	test_close(ctx);

	accepted("\"[2.5E-1]\"", "\"2.5E-1\"");
	accepted("\"[2.5E-1]\"", "0.25");
	accepted("\"[2.5E-1]\"", "\"1\"");	/* one class: XGBoost clips it too */
	accepted("\"num_target\":\"1\"", "\"num_target\":1");
	accepted("\"te\\u006dpo\",\"caf\\u00e9 \\ud83c\\udfb5\\n\"", "");
	accepted("\"version\":[3,1,0],", "\"config\":{},");
	accepted("\"version\":[3,1,0],", "\"config\":[NaN,{\"x\":-Infinity},Infinity],");
}

/* From 3.2 on XGBoost clips a base score when it predicts, and before it does not; nobody knows of a file that does not say. */
static void
base_scores_mean_what_their_release_takes_them_for(void **state)
{
	static const struct
	{
		const char *version,
				   *base;
		double		margin;
	}			seen[] = {
		{"\"version\":[1,7,6],", "\"1E-8\"", -18.42068099975586},
		{"\"version\":[3,1,3],", "\"[1E-8]\"", -18.42068099975586},
		{"\"version\":[3,2,0],", "\"[1E-8]\"", -13.815509796142578},
		{"\"version\":[4,0,0],", "\"[1E-8]\"", -13.815509796142578},
		{"", "\"1E-8\"", -13.815509796142578},
		{"\"version\":[3,1,3],", "\"[9.999999E-1]\"", 15.942384719848633},
		{"\"version\":[3,2,0],", "\"[9.999999E-1]\"", 13.745160102844238},
		{"\"version\":[3,2,0],", "\"[1E0]\"", 13.745160102844238},
		{"\"version\":[3,2,0],", "\"[0E0]\"", -13.815509796142578},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		char	   *released = with(MODEL, "\"version\":[3,1,0],", seen[i].version),
				   *text = with(released, "\"[2.5E-1]\"", seen[i].base);
		gh_boost_model model;

		test_ok(ctx, gh_xgboost_read(ctx, text, strlen(text), false, &model));
		assert_true(gh_booster_start(model.booster.base_score) == seen[i].margin);
		gh_boost_model_free(ctx, &model);
		free(text);
		free(released);
		test_close(ctx);
	}
}

static void
names_are_counted_when_there_are_none(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char	   *text = with(MODEL, "\"te\\u006dpo\",\"caf\\u00e9 \\ud83c\\udfb5\\n\"", "");
	gh_boost_model model;

	(void) state;
	test_ok(ctx, gh_xgboost_read(ctx, text, strlen(text), false, &model));
	assert_string_equal(model.feature[0], "feature_1");
	assert_string_equal(model.feature[1], "feature_2");
	gh_boost_model_free(ctx, &model);
	free(text);
	test_close(ctx);
}

static void
other_models_are_refused(void **state)
{
	char		detail[512];

	(void) state;
	refused("\"name\":\"gbtree\"", "\"name\":\"dart\"", "\"dart\"");
	refused("binary:logistic", "multi:softprob", "\"multi:softprob\"");
	refused("binary:logistic", "binary:logitraw", "\"binary:logitraw\"");
	refused("\"num_class\":\"0\"", "\"num_class\":\"3\"", "classes");
	refused("\"num_target\":\"1\"", "\"num_target\":\"2\"", "targets");
	refused("\"size_leaf_vector\":\"0\"", "\"size_leaf_vector\":\"2\"", "vectors in its leaves");
	refused("\"tree_info\":[0,0]", "\"tree_info\":[0,1]", "classes");
	refused("\"split_type\":[0", "\"split_type\":[1", "categor");
	refused("\"int\"", "\"c\"", "categor");
	refused("\"[2.5E-1]\"", "\"[2.5E-1,1E-1]\"", "base scores");
	refused("\"trees\":[", "\"shrubs\":[", "no \"trees\"");	/* save_config() has none */
	refused("\"[2.5E-1]\"", "\"-3\"", "probability");
	refused("\"[2.5E-1]\"", "\"nan\"", "probability");
	refused("\"[2.5E-1]\"", "\"\"", "probability");
	refused("\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"3\",\"num_target\"", "feature_names");
	refused("\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"0\",\"num_target\"", "num_feature");
	refused("\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"1000000\",\"num_target\"", "num_feature");
	refused("\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"-2\",\"num_target\"", "whole number");
	refused("\"caf\\u00e9 \\ud83c\\udfb5\\n\"", "\"tempo\"", "same name");
	refused("\"learner\"", "\"learned\"", "learner");
	assert_int_equal(try_text("[{\"nodeid\": 0}]", 15, detail, sizeof(detail)), GH_EDATA);
	assert_non_null(strstr(detail, "array"));
}

static void
arrays_that_are_no_tree_are_refused(void **state)
{
	(void) state;
	/* a cycle to the root, a child of two, itself, the same twice, out of range, half a leaf */
	refused("\"left_children\":[3,-1,-1,4", "\"left_children\":[3,-1,-1,0", "not a tree");
	refused("\"left_children\":[3,-1,-1,4", "\"left_children\":[3,-1,-1,2", "not a tree");
	refused("\"left_children\":[3", "\"left_children\":[0", "not a tree");
	refused("\"left_children\":[3", "\"left_children\":[2", "not a tree");
	refused("\"left_children\":[3", "\"left_children\":[5", "not a tree");
	refused("\"left_children\":[3", "\"left_children\":[1e300", "not a tree");
	refused("\"left_children\":[3", "\"left_children\":[-2", "not a tree");
	refused("\"left_children\":[3", "\"left_children\":[2.5", "not a tree");
	refused("\"left_children\":[3", "\"left_children\":[-1", "not a tree");
	refused("\"split_indices\":[1", "\"split_indices\":[2", "num_feature");
	refused("\"split_indices\":[1", "\"split_indices\":[70000", "not a tree");
	refused("\"split_indices\":[1", "\"split_indices\":[-1", "not a tree");
	refused("\"split_conditions\":[5E-1", "\"split_conditions\":[5E999", "not a tree");
	refused("\"split_conditions\":[5E-1", "\"split_conditions\":[NaN", "not a tree");
	refused("\"split_conditions\":[5E-1", "\"split_conditions\":[-Infinity", "not a tree");
	refused("\"split_conditions\":[5E-1", "\"split_conditions\":[nan", "Byte");
	refused("\"sum_hessian\":[1E1", "\"sum_hessian\":[-1E1", "not a tree");
	refused("\"default_left\":[true", "\"default_left\":[2", "not a tree");
	refused("\"default_left\":[true", "\"default_left\":[\"1\"", "Byte");
	refused("\"base_weights\":[0.5,", "\"base_weights\":[", "\"base_weights\"");
	refused("\"base_weights\":[0.5,", "\"other\":[", "0 values");
	refused("\"left_children\":[3,-1,-1,4,-1]", "\"left_children\":[]", "no nodes");
}

/* Deleted nodes stand in the arrays, but no path leads to them. */
static void
unreachable_nodes_are_left_out(void **state)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char	   *first = with(MODEL, "\"left_children\":[3,-1,-1,4,-1]", "\"left_children\":[3,-1,-1,-1,99]"),
			   *text = with(first, "\"right_children\":[2,-1,-1,1,-1]", "\"right_children\":[2,3,-1,-1,99]");
	gh_boost_model model;

	(void) state;
	test_ok(ctx, gh_xgboost_read(ctx, text, strlen(text), false, &model));
	assert_int_equal(model.booster.trees[0].n_nodes, 3);
	assert_true(model.booster.trees[0].value[1] == 1.5f && model.booster.trees[0].value[2] == .25f);
	gh_boost_model_free(ctx, &model);
	free(first);
	free(text);
	test_close(ctx);
}

static void
too_deep_is_refused(void **state)
{
	char	   *text = malloc(200000),
				lefts[2000] = "",
				rights[2000] = "",
				zeros[2000] = "",
				detail[512];

	(void) state;
	for (int levels = GH_MAX_TREE_DEPTH - 1; levels <= GH_MAX_TREE_DEPTH; levels++)
	{
		lefts[0] = rights[0] = zeros[0] = '\0';
		for (int i = 0; i <= 2 * levels; i++)
		{
			bool		inner = i % 2 == 0 && i < 2 * levels;
			const char *comma = i > 0 ? "," : "";

			sprintf(lefts + strlen(lefts), "%s%d", comma, inner ? i + 1 : -1);
			sprintf(rights + strlen(rights), "%s%d", comma, inner ? i + 2 : -1);
			sprintf(zeros + strlen(zeros), "%s0", comma);
		}
		sprintf(text, "{\"learner\":{\"objective\":{\"name\":\"binary:logistic\"},\"learner_model_param\":"
				"{\"num_feature\":\"1\",\"base_score\":\"5E-1\"},\"gradient_booster\":{\"name\":\"gbtree\",\"model\":"
				"{\"trees\":[{\"left_children\":[%s],\"right_children\":[%s],\"base_weights\":[%s],\"default_left\":[%s],"
				"\"loss_changes\":[%s],\"split_conditions\":[%s],\"split_indices\":[%s],\"sum_hessian\":[%s]}]}}}}",
				lefts, rights, zeros, zeros, zeros, zeros, zeros, zeros);
		assert_int_equal(try_text(text, strlen(text), detail, sizeof(detail)),
						 levels < GH_MAX_TREE_DEPTH ? GH_OK : GH_EDATA);
	}
	memset(text, '[', 100000);
	assert_int_equal(try_text(text, 100000, detail, sizeof(detail)), GH_EDATA);
	memcpy(text, "{\"x\":", 5);
	assert_int_equal(try_text(text, 100000, detail, sizeof(detail)), GH_EDATA);
	assert_non_null(strstr(detail, "brackets"));
	free(text);
}

static void
every_truncation_is_refused(void **state)
{
	(void) state;
	for (size_t n = 0; n < strlen(MODEL); n++)
	{
		char	   *cut = malloc(n + 1);

		memcpy(cut, MODEL, n);
		assert_int_equal(try_text(cut, n, NULL, 0), GH_EDATA);
		free(cut);
	}
	assert_int_equal(try_text(MODEL "x", strlen(MODEL) + 1, NULL, 0), GH_EDATA);
	assert_int_equal(try_text(MODEL " \n", strlen(MODEL) + 2, NULL, 0), GH_OK);
}

static void
every_changed_byte_is_refused_or_harmless(void **state)
{
	static const char instead[] = "\"\\{}[],:0-9eEu. tn\x01\xff";
	char	   *text = malloc(strlen(MODEL) + 1);
	size_t		ok = 0,
				tried = 0;

	(void) state;
	strcpy(text, MODEL);
	for (size_t i = 0; i < strlen(MODEL); i++)
	{
		for (size_t k = 0; k < sizeof(instead); k++)
		{
			gh_status	status;

			text[i] = instead[k];
			status = try_text(text, strlen(MODEL), NULL, 0);
			assert_true(status == GH_OK || status == GH_EDATA);
			ok += status == GH_OK;
			tried++;
		}
		text[i] = MODEL[i];
	}
	assert_true(ok > tried / 20 && ok < tried);
	free(text);
}

/* A trained model in place of the one of the caller's. */
static gh_boost_model
trained(gh_ctx *ctx, const gh_boost_params *params, char **names, int d)
{
	test_data	data = test_make(3000, d, 0, .1, 5);
	gh_bins		bins;
	gh_fit		fit;
	gh_boost_model model = {.n_features = d,.feature = names,.info = "{}"};

	test_ok(ctx, gh_bins_build(ctx, data.rows, data.n, d, 256, NULL, 0, &bins));
	fit = test_fit(&data, &bins);
	test_ok(ctx, gh_boost_train(ctx, &fit, params, &model.booster, NULL));
	gh_bins_free(ctx, &bins);
	test_discard(&data);
	return model;
}

static void
there_and_back_is_the_same(void **state)
{
	char	   *plain[] = {"feature_1", "feature_2", "feature_3"},
			   *odd[] = {"\"quoted\" \\", "tab\tand\x01", "caf\xc3\xa9"};

	(void) state;
	for (int k = 0; k < 4; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_params params = gh_boost_defaults();
		gh_boost_model model,
					back;
		char	   *text;
		size_t		length;

		params.n_estimators = 20;
		params.max_depth = k == 1 ? 0 : 6;
		params.max_leaves = k == 1 ? 50 : 0;
		params.grow_policy = k == 1 ? GH_GROW_LOSSGUIDE : GH_GROW_DEPTHWISE;
		params.base_score = k == 2 ? .03 : 0;
		params.eta = k == 3 ? 1e-7 : .3;
		model = trained(ctx, &params, k == 2 ? odd : plain, 3);
		test_ok(ctx, gh_xgboost_write(ctx, &model, &text, &length));
		assert_int_equal(strlen(text), length);
		assert_true((strstr(text, "\"feature_names\":[]") != NULL) == (k != 2));
		/* else XGBoost takes the base score of a model without trees for a margin, from 3.1 on */
		assert_non_null(strstr(text, "\"boost_from_average\":\"0\""));
		/* an escape that XGBoost reads */
		assert_true((strstr(text, "\"tab\\tand\\u0001\"") != NULL) == (k == 2));
		test_ok(ctx, gh_xgboost_read(ctx, text, length, false, &back));
		for (int j = 0; j < 3; j++)
			assert_string_equal(back.feature[j], model.feature[j]);
		if (k == 0 || k == 3)
			test_same_booster(ctx, &model.booster, &back.booster);
		for (uint64_t i = 0; i < 200; i++)
		{
			float		x[3];

			for (uint64_t j = 0; j < 3; j++)
				x[j] = test_uniform(8, 6 * i + j) < .2 ? NAN : (float) (4 * test_uniform(8, 6 * i + j + 3) - 1.5);
			assert_true(fabs(gh_booster_margin(&model.booster, x) - gh_booster_margin(&back.booster, x)) <=
						(k == 2 ? 1e-7 : 0));
		}
		gh_boost_model_free(ctx, &back);
		gh_booster_free(ctx, &model.booster);
		gh_free(ctx, text);
		test_close(ctx);
	}
}

/* ---- attributes -------------------------------------------------------- */

/* The model with another piece, cut or not: how many trees, and what is kept of attributes. */
static void
assert_attributes(const char *from, const char *to, bool cut, uint32_t trees, const char *info)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char	   *text = with(MODEL, from, to);
	char		expected[512];
	gh_boost_model model;

	test_ok(ctx, gh_xgboost_read(ctx, text, strlen(text), cut, &model));
	snprintf(expected, sizeof(expected), "{\"source\": \"xgboost\", \"version\": [3, 1, 0]%s}", info);
	assert_string_equal(model.info, expected);
	assert_int_equal(model.booster.n_trees, trees);
	gh_boost_model_free(ctx, &model);
	free(text);
	test_close(ctx);
}

static void
trees_after_the_best_iteration_go_when_asked(void **state)
{
	static const char best[] = "\"best_iteration\":\"1\"",
				indptr[] = "\"iteration_indptr\":[0,1,2]";
	char	   *beyond = with(MODEL, best, "\"best_iteration\":\"2\""),
			   *forest = with(MODEL, best, "\"best_iteration\":\"0\"");
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_model model;

	(void) state;
	assert_attributes(best, "\"best_iteration\":\"0\"", true, 1, ", \"attributes\": {\"best_iteration\": \"0\"}");
	assert_attributes(best, "\"best_iteration\":\"0\"", false, 2, ", \"attributes\": {\"best_iteration\": \"0\"}");
	assert_attributes(best, best, true, 2, ", \"attributes\": {\"best_iteration\": \"1\"}");
	assert_attributes(best, "\"y\":\"1\"", true, 2, ", \"attributes\": {\"y\": \"1\"}");
	assert_attributes(best, "\"best_iteration\":\"none\"", true, 2, "");
	assert_attributes(best, "\"best_iteration\":\"-1\"", true, 2, "");
	assert_attributes(best, "\"best_iteration\":1", true, 2, "");
	assert_attributes(best, "\"best_iteration\":\"2\"", false, 2, "");
	assert_int_equal(gh_xgboost_read(ctx, beyond, strlen(beyond), true, &model), GH_EDATA);
	assert_non_null(strstr(gh_ctx_detail(ctx), "best_iteration"));
	free(beyond);
	gh_ctx_close(ctx);

	/* an iteration of two trees, said in both ways: its place is that of its last tree */
	for (int way = 0; way < 2; way++)
	{
		char	   *text = way == 0 ? with(forest, indptr, "\"iteration_indptr\":[0,2]") : with(forest, indptr, "\"x\":0"),
				   *two = with(text, "\"num_parallel_tree\":\"1\"", "\"num_parallel_tree\":\"2\"");

		ctx = gh_ctx_open(NULL);
		test_ok(ctx, gh_xgboost_read(ctx, two, strlen(two), true, &model));
		assert_int_equal(model.booster.n_trees, 2);
		assert_non_null(strstr(model.info, "\"best_iteration\": \"1\""));
		gh_boost_model_free(ctx, &model);
		free(text);
		free(two);
		test_close(ctx);
	}
	free(forest);
}

static void
attributes_go_round(void **state)
{
	static const char odd[] = "\"best_iteration\":\"0\",\"a \\\"b\\\"\":\"caf\\u00e9\\n\\\\\",\"scikit_learn\":\"{\\\"n\\\": 2}\",\"n\":3";
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	char	   *text = with(MODEL, "\"best_iteration\":\"1\"", odd),
			   *written;
	size_t		length;
	gh_boost_model model,
				back;

	(void) state;
	test_ok(ctx, gh_xgboost_read(ctx, text, strlen(text), false, &model));
	assert_non_null(strstr(model.info, "\"attributes\": {\"a \\\"b\\\"\": \"caf\xc3\xa9\\n\\\\\", \"scikit_learn\": "
						   "\"{\\\"n\\\": 2}\", \"best_iteration\": \"0\"}"));
	test_ok(ctx, gh_xgboost_write(ctx, &model, &written, &length));
	test_ok(ctx, gh_xgboost_read(ctx, written, length, false, &back));
	assert_string_equal(strstr(back.info, "\"attributes\""), strstr(model.info, "\"attributes\""));
	gh_boost_model_free(ctx, &back);
	gh_free(ctx, written);
	gh_boost_model_free(ctx, &model);
	free(text);
	test_close(ctx);
}

static void
attributes_are_kept_within_bounds(void **state)
{
	size_t		size = 20 * 70000;
	char	   *many = malloc(size),
			   *text;
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_model model;

	(void) state;
	/* one too long for itself, then so many that the last are too many */
	strcpy(many, "\"long\":\"");
	memset(many + strlen(many), 'x', 65537);
	many[8 + 65537] = '\0';
	strcat(many, "\"");
	for (int i = 0; i < 16; i++)
	{
		sprintf(many + strlen(many), ",\"k%d\":\"", i);
		memset(many + strlen(many) + 1, '\0', 60001);
		memset(many + strlen(many), 'y', 60000);
		strcat(many, "\"");
	}
	text = with(MODEL, "\"best_iteration\":\"1\"", many);
	test_ok(ctx, gh_xgboost_read(ctx, text, strlen(text), false, &model));
	assert_null(strstr(model.info, "\"long\""));
	assert_non_null(strstr(model.info, "\"k0\""));
	assert_non_null(strstr(model.info, "\"k7\""));
	assert_null(strstr(model.info, "\"k8\""));
	gh_boost_model_free(ctx, &model);
	free(text);
	free(many);
	test_close(ctx);
}

static void
stops_and_fails_cleanly(void **state)
{
	gh_host		host = {.should_stop = stop_after_polls,.threads = 1,.memory_limit = SIZE_MAX};
	gh_status	status = GH_ECANCELED;

	(void) state;
	for (int polls = 0; status != GH_OK; polls++)
	{
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_boost_model model;

		polls_left = polls;
		status = gh_xgboost_read(ctx, MODEL, strlen(MODEL), false, &model);
		if (status == GH_OK)
			gh_boost_model_free(ctx, &model);
		else
			assert_int_equal(status, GH_ECANCELED);
		assert_true(polls < 1000);
		test_close(ctx);
	}
	status = GH_ENOMEM;
	for (uint64_t k = 1; status != GH_OK; k++)
	{
		gh_ctx	   *ctx = gh_ctx_open(NULL);
		gh_boost_model model = {0};
		char	   *text = NULL;
		size_t		length;

		gh_ctx_fail_allocation(ctx, k, true);
		status = gh_xgboost_read(ctx, MODEL, strlen(MODEL), false, &model);
		if (status == GH_OK)
			status = gh_xgboost_write(ctx, &model, &text, &length);
		if (status != GH_OK)
			assert_int_equal(status, GH_ENOMEM);
		gh_free(ctx, text);
		gh_boost_model_free(ctx, &model);
		assert_true(k < 1000);
		test_close(ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_and_spelling),
		cmocka_unit_test(base_scores_mean_what_their_release_takes_them_for),
		cmocka_unit_test(names_are_counted_when_there_are_none),
		cmocka_unit_test(other_models_are_refused),
		cmocka_unit_test(arrays_that_are_no_tree_are_refused),
		cmocka_unit_test(unreachable_nodes_are_left_out),
		cmocka_unit_test(too_deep_is_refused),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_changed_byte_is_refused_or_harmless),
		cmocka_unit_test(there_and_back_is_the_same),
		cmocka_unit_test(trees_after_the_best_iteration_go_when_asked),
		cmocka_unit_test(attributes_go_round),
		cmocka_unit_test(attributes_are_kept_within_bounds),
		cmocka_unit_test(stops_and_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
