/*
 * xgboost_testing.h
 *		A model as XGBoost writes it, for the tests of its formats.
 */
#ifndef XGBOOST_TESTING_H
#define XGBOOST_TESTING_H

#include "learn_testing.h"

#include <stdio.h>

#include "learn/gh_xgboost.h"

/* Two features, one tree of five nodes whose order in the arrays is not ours, one of a single leaf. */
#define TREE_A \
	"{\"base_weights\":[0.5,-1,0.25,2,-3],\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[]," \
	"\"categories_sizes\":[],\"default_left\":[true,0,false,0,0],\"id\":0,\"left_children\":[3,-1,-1,4,-1]," \
	"\"loss_changes\":[7.5E0,0,0,1.25,0],\"parents\":[2147483647,3,0,0,3],\"right_children\":[2,-1,-1,1,-1]," \
	"\"split_conditions\":[5E-1,-1E0,0.25,1.5,-3],\"split_indices\":[1,0,0,0,0],\"split_type\":[0,0,0,0,0]," \
	"\"sum_hessian\":[1E1,3,4.5,5.5,2.5],\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"2\"," \
	"\"num_nodes\":\"5\",\"size_leaf_vector\":\"0\"}}"
#define TREE_B \
	"{\"tree_param\":{\"size_leaf_vector\":\"1\"},\"base_weights\":[0],\"default_left\":[0],\"left_children\":[-1]," \
	"\"loss_changes\":[0],\"right_children\":[-1],\"split_conditions\":[1e-1],\"split_indices\":[0],\"sum_hessian\":[9]}"
#define MODEL \
	"{\"version\":[3,1,0],\"learner\":{\"objective\":{\"name\":\"binary:logistic\",\"reg_loss_param\":" \
	"{\"scale_pos_weight\":\"1\"}},\"attributes\":{\"best_iteration\":\"1\",\"x\":[{},[],null,[[1],{\"y\":\"z\"}]]}," \
	"\"feature_names\":[\"te\\u006dpo\",\"caf\\u00e9 \\ud83c\\udfb5\\n\"],\"feature_types\":[\"float\",\"int\"]," \
	"\"gradient_booster\":{\"model\":{\"cats\":{\"enc\":[]},\"gbtree_model_param\":{\"num_parallel_tree\":\"1\"," \
	"\"num_trees\":\"2\"},\"iteration_indptr\":[0,1,2],\"tree_info\":[0,0],\"trees\":[" TREE_A " , " TREE_B "]}," \
	"\"name\":\"gbtree\"},\"learner_model_param\":{\"base_score\":\"[2.5E-1]\",\"boost_from_average\":\"1\"," \
	"\"num_class\":\"0\",\"num_feature\":\"2\",\"num_target\":\"1\"}}}"

/* The text with the first `from` replaced; malloc'ed. */
static inline char *
with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char	   *out = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(at);
	memcpy(out, text, (size_t) (at - text));
	strcpy(out + (at - text), to);
	strcat(out, at + strlen(from));
	return out;
}

/* Reads and, when that works, predicts and writes, which must read again.  Nothing may stay allocated. */
static inline gh_status
try_text(const char *text, size_t length, char *detail, size_t size)
{
	gh_ctx	   *ctx = gh_ctx_open(NULL);
	gh_boost_model model;
	gh_status	status = gh_xgboost_read(ctx, text, length, false, &model);

	if (status == GH_OK)
	{
		float	   *x = calloc((size_t) model.n_features, sizeof(float));
		double		p = gh_booster_probability(&model.booster, x);
		gh_boost_model back;
		uint8_t    *bytes;
		size_t		n;

		assert_true(p >= 0 && p <= 1);
		free(x);
		test_ok(ctx, gh_boost_model_write(ctx, &model, &bytes, &n));
		test_ok(ctx, gh_boost_model_read(ctx, bytes, n, &back));
		gh_boost_model_free(ctx, &back);
		gh_free(ctx, bytes);
		gh_boost_model_free(ctx, &model);
	}
	else if (detail != NULL)
		snprintf(detail, size, "%s", gh_ctx_detail(ctx) != NULL ? gh_ctx_detail(ctx) : "");
	assert_int_equal(gh_memory_used(ctx), 0);
	gh_ctx_close(ctx);
	return status;
}

#endif							/* XGBOOST_TESTING_H */
