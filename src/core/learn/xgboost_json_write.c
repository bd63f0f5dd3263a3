/*
 * xgboost_json_write.c
 *		A model as XGBoost's JSON.
 *
 * What the loaders of all versions insist on: the values of *_param are
 * strings; an array of floats has a point or an exponent in every number, an
 * array of integers in none; the right child stands after the left one.  A
 * model without trees keeps its base score in all of them only as one that was
 * given (boost_from_average 0); from 3.1 on another one is taken for a margin.
 */
#include "learn/xgboost_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parent of the root. */
#define NO_PARENT 2147483647
/* Nodes between two polls. */
#define POLL_NODES 4096

static void
put(gh_writer *w, const char *text)
{
	gh_write_bytes(w, text, strlen(text));
}

static void
put_integer(gh_writer *w, long value)
{
	char		text[32];

	snprintf(text, sizeof(text), "%ld", value);
	put(w, text);
}

/* The fewest digits that read back as the same float. */
static void
put_float(gh_writer *w, float value)
{
	char		text[40];

	for (int digits = 6; digits <= 9; digits++)
	{
		snprintf(text, sizeof(text), "%.*g", digits, (double) value);
		if (strtof(text, NULL) == value)
			break;
	}
	put(w, text);
	if (strpbrk(text, ".e") == NULL)
		put(w, ".0");
}

/* ---- one tree ---------------------------------------------------------- */

typedef enum node_array
{
	BASE_WEIGHTS,
	DEFAULT_LEFT,
	LEFT_CHILDREN,
	LOSS_CHANGES,
	PARENTS,
	RIGHT_CHILDREN,
	SPLIT_CONDITIONS,
	SPLIT_INDICES,
	SPLIT_TYPE,
	SUM_HESSIAN,
	N_ARRAYS
} node_array;

static const char *const array_names[N_ARRAYS] = {
	"base_weights", "default_left", "left_children", "loss_changes", "parents", "right_children", "split_conditions",
	"split_indices", "split_type", "sum_hessian"
};

static void
put_element(gh_writer *w, node_array which, const gh_tree *tree, uint32_t i, const uint32_t *parent)
{
	uint32_t	left = tree->left[i];

	switch (which)
	{
		case BASE_WEIGHTS:
			put_float(w, tree->value[i]);
			break;
		case DEFAULT_LEFT:
			put_integer(w, tree->default_left[i]);
			break;
		case LEFT_CHILDREN:
			put_integer(w, left != 0 ? (long) left : -1);
			break;
		case LOSS_CHANGES:
			put_float(w, tree->gain[i]);
			break;
		case PARENTS:
			put_integer(w, i == 0 ? NO_PARENT : (long) parent[i]);
			break;
		case RIGHT_CHILDREN:
			put_integer(w, left != 0 ? (long) left + 1 : -1);
			break;
		case SPLIT_CONDITIONS:
			put_float(w, left != 0 ? tree->threshold[i] : tree->value[i]);
			break;
		case SPLIT_INDICES:
			put_integer(w, left != 0 ? tree->feature[i] : 0);
			break;
		case SUM_HESSIAN:
			put_float(w, tree->cover[i]);
			break;
		case SPLIT_TYPE:
		case N_ARRAYS:
			put(w, "0");
			break;
	}
}

static gh_status
put_arrays(gh_writer *w, const gh_tree *tree, const uint32_t *parent)
{
	for (node_array which = 0; which < N_ARRAYS; which++)
	{
		put(w, ",\"");
		put(w, array_names[which]);
		put(w, "\":[");
		for (uint32_t i = 0; i < tree->n_nodes; i++)
		{
			if (i % POLL_NODES == 0)
				GH_CHECK_STOP(w->ctx);
			if (i > 0)
				put(w, ",");
			put_element(w, which, tree, i, parent);
		}
		put(w, "]");
	}
	return GH_OK;
}

static gh_status
put_tree(gh_writer *w, uint32_t id, const gh_tree *tree, int n_features)
{
	uint32_t   *parent = GH_NEW_ZERO(w->ctx, tree->n_nodes, uint32_t);
	gh_status	status;

	if (parent == NULL)
		return gh_ctx_status(w->ctx);
	for (uint32_t i = 0; i < tree->n_nodes; i++)
		if (tree->left[i] != 0)
			parent[tree->left[i]] = parent[tree->left[i] + 1] = i;
	put(w, id > 0 ? ",{\"id\":" : "{\"id\":");
	put_integer(w, id);
	put(w, ",\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],\"categories_sizes\":[]");
	put(w, ",\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"");
	put_integer(w, n_features);
	put(w, "\",\"num_nodes\":\"");
	put_integer(w, tree->n_nodes);
	put(w, "\",\"size_leaf_vector\":\"1\"}");
	status = put_arrays(w, tree, parent);
	put(w, "}");
	gh_free(w->ctx, parent);
	return status;
}

/* ---- the model --------------------------------------------------------- */

/* Names that nobody gave. */
static bool
names_are_numbers(const gh_boost_model *model)
{
	for (int i = 0; i < model->n_features; i++)
	{
		char		name[32];

		snprintf(name, sizeof(name), "feature_%d", i + 1);
		if (strcmp(model->feature[i], name) != 0)
			return false;
	}
	return true;
}

static void
put_features(gh_writer *w, const gh_boost_model *model)
{
	int			n = names_are_numbers(model) ? 0 : model->n_features;

	put(w, "\"feature_names\":[");
	for (int i = 0; i < n; i++)
	{
		put(w, i > 0 ? "," : "");
		gh_xgboost_put_string(w, model->feature[i]);
	}
	put(w, "],\"feature_types\":[");
	for (int i = 0; i < n; i++)
		put(w, i > 0 ? ",\"float\"" : "\"float\"");
	put(w, "]");
}

static gh_status
put_trees(gh_writer *w, const gh_booster *booster)
{
	put(w, "\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"");
	put_integer(w, booster->n_trees);
	put(w, "\"},\"iteration_indptr\":[0");
	for (uint32_t t = 0; t < booster->n_trees; t++)
	{
		put(w, ",");
		put_integer(w, (long) t + 1);
	}
	put(w, "],\"tree_info\":[");
	for (uint32_t t = 0; t < booster->n_trees; t++)
		put(w, t > 0 ? ",0" : "0");
	put(w, "],\"trees\":[");
	for (uint32_t t = 0; t < booster->n_trees; t++)
		GH_TRY(put_tree(w, t, &booster->trees[t], booster->n_features));
	put(w, "]}}");
	return GH_OK;
}

static gh_status
put_model(gh_writer *w, const gh_boost_model *model)
{
	put(w, "{\"learner\":{\"attributes\":{");
	GH_TRY(gh_xgboost_put_attributes(w, model->info));
	put(w, "},");
	put_features(w, model);
	put(w, ",\"learner_model_param\":{\"base_score\":\"");
	put_float(w, (float) model->booster.base_score);
	put(w, "\",\"boost_from_average\":\"0\",\"num_class\":\"0\",\"num_feature\":\"");
	put_integer(w, model->n_features);
	put(w, "\",\"num_target\":\"1\"},");
	GH_TRY(put_trees(w, &model->booster));
	put(w, ",\"objective\":{\"name\":\"binary:logistic\",\"reg_loss_param\":{\"scale_pos_weight\":\"1\"}}},\"version\":[2,1,0]}");
	return w->status;
}

gh_status
gh_xgboost_write(gh_ctx *ctx, const gh_boost_model *model, char **text, size_t *length)
{
	gh_writer	w;
	gh_status	status;

	*text = NULL;
	gh_writer_init(&w, ctx);
	status = put_model(&w, model);
	if (status == GH_OK)
	{
		gh_write_u8(&w, 0);
		status = w.status;
	}
	if (status != GH_OK)
	{
		gh_free(ctx, w.bytes);
		return status;
	}
	*text = (char *) w.bytes;
	*length = w.length - 1;
	return GH_OK;
}
