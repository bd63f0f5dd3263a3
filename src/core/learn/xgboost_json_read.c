/*
 * xgboost_json_read.c
 *		XGBoost's JSON as a model.
 *
 * The members of an object may stand in any order, so everything is collected
 * first and judged when its object ends.
 */
#include "learn/gh_xgboost_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/json_scan.h"

#define KEY 64
#define MAX_NAME 10000			/* bytes of a feature's name, as boost_bytes.c reads it */
#define MAX_VERSION 4
/* XGBoost's clip of a base score. */
#define SMALLEST_BASE 1e-6

typedef enum node_array
{
	BASE_WEIGHTS,
	DEFAULT_LEFT,
	LEFT_CHILDREN,
	LOSS_CHANGES,
	RIGHT_CHILDREN,
	SPLIT_CONDITIONS,
	SPLIT_INDICES,
	SUM_HESSIAN,
	N_NEEDED,
	SPLIT_TYPE = N_NEEDED,
	N_ARRAYS
} node_array;

static const char *const array_names[N_ARRAYS] = {
	"base_weights", "default_left", "left_children", "loss_changes", "right_children", "split_conditions",
	"split_indices", "sum_hessian", "split_type"
};

/* A model on its way in. */
typedef struct reading
{
	gh_ctx	   *ctx;
	gh_json		json;
	gh_json_numbers array[N_ARRAYS];
	gh_json_numbers numbers;	/* version, tree_info */
	char		objective[KEY],
				booster[KEY],
				base_score[KEY];
	double		num_feature,	/* -1: not said */
				num_class,
				num_target,
				size_leaf_vector;
	uint32_t	max_trees;
	int			max_names;
	char		version[48];	/* "2, 1, 0" */
	gh_boost_model model;
} reading;

static gh_status
refuse(gh_ctx *ctx, const char *what)
{
	gh_fail(ctx, GH_EDATA, "the JSON is not a model that can be imported");
	return gh_fail_detail(ctx, "%s", what);
}

/* ---- one tree ---------------------------------------------------------- */

static bool
is_index(double v, size_t n)
{
	return v >= 0 && v < (double) n && v == floor(v);
}

static bool
fits_float(double v)
{
	return isfinite((float) v);
}

/* Every array as long as the others, nothing but plain numerical splits. */
static gh_status
check_arrays(reading *r)
{
	size_t		n = r->array[LEFT_CHILDREN].n;

	if (r->size_leaf_vector > 1)
		return refuse(r->ctx, "A tree has vectors in its leaves: models of several targets are not supported.");
	for (size_t i = 0; i < r->array[SPLIT_TYPE].n; i++)
		if (r->array[SPLIT_TYPE].value[i] != 0)
			return refuse(r->ctx, "A tree splits on categories: categorical features are not supported.");
	if (n == 0 || n > GH_MAX_TREE_NODES)
		return refuse(r->ctx, "A tree has no nodes or too many.");
	for (int a = 0; a < N_NEEDED; a++)
		if (r->array[a].n != n)
		{
			gh_fail(r->ctx, GH_EDATA, "the JSON is not a model that can be imported");
			return gh_fail_detail(r->ctx, "Tree %u has %zu nodes and %zu values in \"%s\".",
								  r->model.booster.n_trees + 1, n, r->array[a].n, array_names[a]);
		}
	return GH_OK;
}

static bool
node_is_sound(const reading *r, size_t i)
{
	return (r->array[DEFAULT_LEFT].value[i] == 0 || r->array[DEFAULT_LEFT].value[i] == 1) &&
		is_index(r->array[SPLIT_INDICES].value[i], GH_MAX_FEATURES) &&
		fits_float(r->array[SPLIT_CONDITIONS].value[i]) && fits_float(r->array[BASE_WEIGHTS].value[i]) &&
		fits_float(r->array[LOSS_CHANGES].value[i]) && fits_float(r->array[SUM_HESSIAN].value[i]) &&
		r->array[SUM_HESSIAN].value[i] >= 0;
}

/*
 * Nodes from the root down, level by level: old[i] is the number in the JSON
 * of node i, left[i] the place of its left child (0: leaf).  seen and depth
 * are zero at the start.  Nodes that no path reaches (deleted ones) are left
 * out.  Returns the number of nodes; 0 when this is not a tree.
 */
static uint32_t
order_nodes(const reading *r, uint32_t *old, uint32_t *left, uint8_t *seen, uint8_t *depth)
{
	const double *lefts = r->array[LEFT_CHILDREN].value,
			   *rights = r->array[RIGHT_CHILDREN].value;
	size_t		n = r->array[LEFT_CHILDREN].n;
	uint32_t	m = 1;

	old[0] = 0;
	seen[0] = 1;
	depth[0] = 1;
	for (uint32_t i = 0; i < m; i++)
	{
		double		a = lefts[old[i]],
					b = rights[old[i]];

		if (!node_is_sound(r, old[i]))
			return 0;
		left[i] = 0;
		if (a == -1 && b == -1)
			continue;
		if (!is_index(a, n) || !is_index(b, n) || a == b || seen[(size_t) a] || seen[(size_t) b] ||
			depth[i] >= GH_MAX_TREE_DEPTH)
			return 0;
		seen[(size_t) a] = seen[(size_t) b] = 1;
		depth[m] = depth[m + 1] = (uint8_t) (depth[i] + 1);
		left[i] = m;
		old[m] = (uint32_t) a;
		old[m + 1] = (uint32_t) b;
		m += 2;
	}
	return m;
}

static void
fill_tree(const reading *r, const uint32_t *old, const uint32_t *left, gh_tree *tree)
{
	for (uint32_t i = 0; i < tree->n_nodes; i++)
	{
		uint32_t	k = old[i];
		bool		inner = left[i] != 0;

		tree->left[i] = left[i];
		tree->feature[i] = (uint16_t) (inner ? r->array[SPLIT_INDICES].value[k] : 0);
		tree->default_left[i] = inner && r->array[DEFAULT_LEFT].value[k] == 1;
		tree->threshold[i] = inner ? (float) r->array[SPLIT_CONDITIONS].value[k] : 0;
		tree->value[i] = (float) r->array[inner ? BASE_WEIGHTS : SPLIT_CONDITIONS].value[k];
		tree->cover[i] = (float) r->array[SUM_HESSIAN].value[k];
		tree->gain[i] = inner ? (float) r->array[LOSS_CHANGES].value[k] : 0;
	}
}

static gh_status
build_tree(reading *r, gh_tree *tree)
{
	size_t		n = r->array[LEFT_CHILDREN].n;
	uint32_t   *old = GH_NEW(r->ctx, n, uint32_t),
			   *left = GH_NEW(r->ctx, n, uint32_t);
	uint8_t    *seen = GH_NEW_ZERO(r->ctx, n, uint8_t),
			   *depth = GH_NEW_ZERO(r->ctx, n, uint8_t);
	gh_status	status = GH_OK;

	if (old == NULL || left == NULL || seen == NULL || depth == NULL)
		status = gh_ctx_status(r->ctx);
	else
	{
		uint32_t	m = order_nodes(r, old, left, seen, depth);

		if (m == 0)
		{
			gh_fail(r->ctx, GH_EDATA, "the JSON is not a model that can be imported");
			status = gh_fail_detail(r->ctx, "The nodes of tree %u are not a tree of at most %d levels with finite numbers.",
									r->model.booster.n_trees, GH_MAX_TREE_DEPTH);
		}
		else
		{
			status = gh_tree_allocate(r->ctx, m, tree);
			if (status == GH_OK)
				fill_tree(r, old, left, tree);
		}
	}
	gh_free(r->ctx, old);
	gh_free(r->ctx, left);
	gh_free(r->ctx, seen);
	gh_free(r->ctx, depth);
	return status;
}

/* ---- members ----------------------------------------------------------- */

/* A number, as a string or not. */
static gh_status
read_count(reading *r, double *out)
{
	char		text[KEY],
			   *end;

	GH_TRY(gh_json_scalar(&r->json, text, sizeof(text)));
	*out = strtod(text, &end);
	if (end == text || *end != '\0' || !(*out >= 0 && *out <= 1e9) || *out != floor(*out))
		return refuse(r->ctx, "A count in learner_model_param or tree_param is not a whole number.");
	return GH_OK;
}

static gh_status
read_tree_param(reading *r)
{
	char		key[KEY];
	bool		more;

	GH_TRY(gh_json_open(&r->json, '{', &more));
	while (more)
	{
		GH_TRY(gh_json_key(&r->json, key, sizeof(key)));
		if (strcmp(key, "size_leaf_vector") == 0)
			GH_TRY(read_count(r, &r->size_leaf_vector));
		else
			GH_TRY(gh_json_skip(&r->json));
		GH_TRY(gh_json_next(&r->json, '}', &more));
	}
	return GH_OK;
}

static gh_status
read_tree_member(reading *r, const char *key)
{
	if (strcmp(key, "tree_param") == 0)
		return read_tree_param(r);
	for (int a = 0; a < N_ARRAYS; a++)
		if (strcmp(key, array_names[a]) == 0)
			return gh_json_numbers_read(&r->json, &r->array[a]);
	return gh_json_skip(&r->json);
}

static gh_status
read_tree(reading *r)
{
	gh_booster *booster = &r->model.booster;
	char		key[KEY];
	bool		more;

	if (booster->n_trees == GH_MAX_TREES)
		return refuse(r->ctx, "It has too many trees.");
	if (booster->n_trees == r->max_trees)
	{
		uint32_t	max = r->max_trees < 16 ? 16 : 2 * r->max_trees;
		gh_tree    *trees = gh_realloc(r->ctx, booster->trees, max, sizeof(gh_tree));

		if (trees == NULL)
			return gh_ctx_status(r->ctx);
		booster->trees = trees;
		r->max_trees = max;
	}
	for (int a = 0; a < N_ARRAYS; a++)
		r->array[a].n = 0;
	r->size_leaf_vector = 1;
	GH_TRY(gh_json_open(&r->json, '{', &more));
	while (more)
	{
		GH_TRY(gh_json_key(&r->json, key, sizeof(key)));
		GH_TRY(read_tree_member(r, key));
		GH_TRY(gh_json_next(&r->json, '}', &more));
	}
	GH_TRY(check_arrays(r));
	booster->trees[booster->n_trees] = (gh_tree) {0};
	booster->n_trees++;
	return build_tree(r, &booster->trees[booster->n_trees - 1]);
}

static gh_status
read_trees(reading *r)
{
	bool		more;

	if (r->model.booster.trees != NULL)
		return refuse(r->ctx, "It has \"trees\" twice.");
	GH_TRY(gh_json_open(&r->json, '[', &more));
	while (more)
	{
		GH_CHECK_STOP(r->ctx);
		GH_TRY(read_tree(r));
		GH_TRY(gh_json_next(&r->json, ']', &more));
	}
	return GH_OK;
}

static gh_status
read_booster_model(reading *r)
{
	char		key[KEY];
	bool		more;

	GH_TRY(gh_json_open(&r->json, '{', &more));
	while (more)
	{
		GH_TRY(gh_json_key(&r->json, key, sizeof(key)));
		if (strcmp(key, "trees") == 0)
			GH_TRY(read_trees(r));
		else if (strcmp(key, "tree_info") == 0)
		{
			GH_TRY(gh_json_numbers_read(&r->json, &r->numbers));
			for (size_t i = 0; i < r->numbers.n; i++)
				if (r->numbers.value[i] != 0)
					return refuse(r->ctx, "Its trees belong to several classes or targets.");
		}
		else
			GH_TRY(gh_json_skip(&r->json));
		GH_TRY(gh_json_next(&r->json, '}', &more));
	}
	return GH_OK;
}

static gh_status
read_gradient_booster(reading *r)
{
	char		key[KEY];
	bool		more;

	GH_TRY(gh_json_open(&r->json, '{', &more));
	while (more)
	{
		GH_TRY(gh_json_key(&r->json, key, sizeof(key)));
		if (strcmp(key, "name") == 0)
			GH_TRY(gh_json_scalar(&r->json, r->booster, sizeof(r->booster)));
		else if (strcmp(key, "model") == 0)
			GH_TRY(read_booster_model(r));
		else
			GH_TRY(gh_json_skip(&r->json));
		GH_TRY(gh_json_next(&r->json, '}', &more));
	}
	return GH_OK;
}

static gh_status
read_objective(reading *r)
{
	char		key[KEY];
	bool		more;

	GH_TRY(gh_json_open(&r->json, '{', &more));
	while (more)
	{
		GH_TRY(gh_json_key(&r->json, key, sizeof(key)));
		if (strcmp(key, "name") == 0)
			GH_TRY(gh_json_scalar(&r->json, r->objective, sizeof(r->objective)));
		else
			GH_TRY(gh_json_skip(&r->json));
		GH_TRY(gh_json_next(&r->json, '}', &more));
	}
	return GH_OK;
}

static gh_status
read_model_param(reading *r)
{
	char		key[KEY];
	bool		more;

	GH_TRY(gh_json_open(&r->json, '{', &more));
	while (more)
	{
		GH_TRY(gh_json_key(&r->json, key, sizeof(key)));
		if (strcmp(key, "base_score") == 0)
			GH_TRY(gh_json_scalar(&r->json, r->base_score, sizeof(r->base_score)));
		else if (strcmp(key, "num_class") == 0)
			GH_TRY(read_count(r, &r->num_class));
		else if (strcmp(key, "num_feature") == 0)
			GH_TRY(read_count(r, &r->num_feature));
		else if (strcmp(key, "num_target") == 0)
			GH_TRY(read_count(r, &r->num_target));
		else
			GH_TRY(gh_json_skip(&r->json));
		GH_TRY(gh_json_next(&r->json, '}', &more));
	}
	return GH_OK;
}

static gh_status
read_feature_names(reading *r)
{
	gh_boost_model *model = &r->model;
	bool		more;

	if (model->feature != NULL)
		return refuse(r->ctx, "It has \"feature_names\" twice.");
	GH_TRY(gh_json_open(&r->json, '[', &more));
	while (more)
	{
		if (model->n_features == GH_MAX_FEATURES)
			return refuse(r->ctx, "It has too many features.");
		if (model->n_features == r->max_names)
		{
			int			max = r->max_names < 16 ? 16 : 2 * r->max_names;
			char	  **names = gh_realloc(r->ctx, model->feature, (size_t) max, sizeof(char *));

			if (names == NULL)
				return gh_ctx_status(r->ctx);
			model->feature = names;
			r->max_names = max;
		}
		model->feature[model->n_features++] = NULL;
		GH_TRY(gh_json_text(&r->json, MAX_NAME, &model->feature[model->n_features - 1]));
		GH_TRY(gh_json_next(&r->json, ']', &more));
	}
	return GH_OK;
}

static gh_status
read_feature_types(reading *r)
{
	char		type[KEY];
	bool		more;

	GH_TRY(gh_json_open(&r->json, '[', &more));
	while (more)
	{
		GH_TRY(gh_json_scalar(&r->json, type, sizeof(type)));
		if (strcmp(type, "c") == 0 || strcmp(type, "categorical") == 0)
			return refuse(r->ctx, "A feature is a category: categorical features are not supported.");
		GH_TRY(gh_json_next(&r->json, ']', &more));
	}
	return GH_OK;
}

static gh_status
read_learner(reading *r)
{
	char		key[KEY];
	bool		more;

	GH_TRY(gh_json_open(&r->json, '{', &more));
	while (more)
	{
		GH_TRY(gh_json_key(&r->json, key, sizeof(key)));
		if (strcmp(key, "feature_names") == 0)
			GH_TRY(read_feature_names(r));
		else if (strcmp(key, "feature_types") == 0)
			GH_TRY(read_feature_types(r));
		else if (strcmp(key, "gradient_booster") == 0)
			GH_TRY(read_gradient_booster(r));
		else if (strcmp(key, "learner_model_param") == 0)
			GH_TRY(read_model_param(r));
		else if (strcmp(key, "objective") == 0)
			GH_TRY(read_objective(r));
		else
			GH_TRY(gh_json_skip(&r->json));
		GH_TRY(gh_json_next(&r->json, '}', &more));
	}
	return GH_OK;
}

static gh_status
read_version(reading *r)
{
	int			length = 0;

	GH_TRY(gh_json_numbers_read(&r->json, &r->numbers));
	r->version[0] = '\0';
	for (size_t i = 0; i < r->numbers.n && i < MAX_VERSION; i++)
		if (is_index(r->numbers.value[i], 1000000))
			length += snprintf(r->version + length, sizeof(r->version) - (size_t) length, "%s%d", length > 0 ? ", " : "",
							   (int) r->numbers.value[i]);
	return GH_OK;
}

static gh_status
read_root(reading *r)
{
	char		key[KEY];
	bool		more,
				learner = false;

	if (gh_json_peek(&r->json) == '[')
	{
		refuse(r->ctx, "It is an array.");
		return gh_fail_hint(r->ctx, "Write the model with save_model(\"model.json\"), not with dump_model.");
	}
	GH_TRY(gh_json_open(&r->json, '{', &more));
	while (more)
	{
		GH_TRY(gh_json_key(&r->json, key, sizeof(key)));
		if (strcmp(key, "learner") == 0 && !learner)
		{
			learner = true;
			GH_TRY(read_learner(r));
		}
		else if (strcmp(key, "version") == 0)
			GH_TRY(read_version(r));
		else
			GH_TRY(gh_json_skip(&r->json));
		GH_TRY(gh_json_next(&r->json, '}', &more));
	}
	GH_TRY(gh_json_end(&r->json));
	if (learner)
		return GH_OK;
	refuse(r->ctx, "It has no \"learner\".");
	return gh_fail_hint(r->ctx, "Write the model with save_model(\"model.json\") or save_raw(\"json\").");
}

/* ---- the whole --------------------------------------------------------- */

/* "5E-1" or, as XGBoost 3.1 and later write it, "[5E-1]". */
static gh_status
set_base_score(reading *r)
{
	char	   *text = r->base_score,
			   *end;
	double		base;

	if (text[0] == '[' && strchr(text, ',') != NULL)
		return refuse(r->ctx, "It has several base scores: models of several targets are not supported.");
	if (*text == '[')
		text++;
	base = strtod(text, &end);
	if (end == text || (*end != '\0' && strcmp(end, "]") != 0) || !(base >= 0 && base <= 1))
		return refuse(r->ctx, "Its base_score is not a probability.");
	/* XGBoost reads a float */
	base = (float) base;
	r->model.booster.base_score = fmin(fmax(base, SMALLEST_BASE), 1.0 - SMALLEST_BASE);
	return GH_OK;
}

/* What kind of model it is, before what is in it. */
static gh_status
check_kind(reading *r)
{
	if (strcmp(r->booster, "gbtree") != 0)
	{
		gh_fail(r->ctx, GH_EDATA, "the JSON is not a model that can be imported");
		return gh_fail_detail(r->ctx, "Its booster is \"%s\"; only \"gbtree\" is supported.", r->booster);
	}
	if (strcmp(r->objective, "binary:logistic") != 0)
	{
		gh_fail(r->ctx, GH_EDATA, "the JSON is not a model that can be imported");
		return gh_fail_detail(r->ctx, "Its objective is \"%s\"; only \"binary:logistic\" is supported.", r->objective);
	}
	if (r->num_class > 1)
		return refuse(r->ctx, "It has several classes; only two, as binary:logistic knows them, are supported.");
	if (r->num_target > 1)
		return refuse(r->ctx, "It has several targets; only one is supported.");
	if (!(r->num_feature >= 1 && r->num_feature <= GH_MAX_FEATURES))
	{
		gh_fail(r->ctx, GH_EDATA, "the JSON is not a model that can be imported");
		return gh_fail_detail(r->ctx, "Its num_feature is not between 1 and %d.", GH_MAX_FEATURES);
	}
	return GH_OK;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static gh_status
check_names(reading *r)
{
	gh_boost_model *model = &r->model;
	char	  **sorted = GH_NEW(r->ctx, model->n_features, char *);
	bool		twice = false;

	if (sorted == NULL)
		return gh_ctx_status(r->ctx);
	memcpy(sorted, model->feature, (size_t) model->n_features * sizeof(char *));
	qsort(sorted, (size_t) model->n_features, sizeof(char *), compare_names);
	for (int i = 1; i < model->n_features; i++)
		twice = twice || strcmp(sorted[i - 1], sorted[i]) == 0;
	gh_free(r->ctx, sorted);
	return twice ? refuse(r->ctx, "Two features have the same name.") : GH_OK;
}

/* As many names as features: those given, or feature_1, feature_2, ... */
static gh_status
set_names(reading *r)
{
	gh_boost_model *model = &r->model;
	int			n = (int) r->num_feature;

	model->booster.n_features = n;
	if (model->n_features == n)
		return check_names(r);
	if (model->n_features != 0)
		return refuse(r->ctx, "It does not have as many feature_names as num_feature says.");
	gh_free(r->ctx, model->feature);
	model->feature = GH_NEW_ZERO(r->ctx, n, char *);
	if (model->feature == NULL)
		return gh_ctx_status(r->ctx);
	model->n_features = n;
	for (int i = 0; i < n; i++)
	{
		model->feature[i] = GH_NEW(r->ctx, 32, char);
		if (model->feature[i] == NULL)
			return gh_ctx_status(r->ctx);
		snprintf(model->feature[i], 32, "feature_%d", i + 1);
	}
	return GH_OK;
}

static gh_status
check_features(reading *r)
{
	const gh_booster *booster = &r->model.booster;

	for (uint32_t t = 0; t < booster->n_trees; t++)
	{
		const gh_tree *tree = &booster->trees[t];

		GH_CHECK_STOP(r->ctx);
		for (uint32_t i = 0; i < tree->n_nodes; i++)
			if (tree->feature[i] >= booster->n_features)
				return refuse(r->ctx, "A tree splits on a feature beyond num_feature.");
	}
	return GH_OK;
}

static gh_status
set_info(reading *r)
{
	size_t		size = sizeof(r->version) + 64;

	r->model.info = GH_NEW(r->ctx, size, char);
	if (r->model.info == NULL)
		return gh_ctx_status(r->ctx);
	snprintf(r->model.info, size, "{\"source\": \"xgboost\", \"version\": [%s]}", r->version);
	return GH_OK;
}

static gh_status
read_all(reading *r)
{
	GH_TRY(read_root(r));
	GH_TRY(check_kind(r));
	GH_TRY(set_base_score(r));
	GH_TRY(set_names(r));
	GH_TRY(check_features(r));
	return set_info(r);
}

gh_status
gh_xgboost_read(gh_ctx *ctx, const char *text, size_t length, gh_boost_model *model)
{
	reading		r;
	gh_status	status;

	memset(&r, 0, sizeof(r));
	r.ctx = ctx;
	r.num_feature = -1;
	gh_json_init(&r.json, ctx, text, length);
	status = read_all(&r);
	for (int a = 0; a < N_ARRAYS; a++)
		gh_free(ctx, r.array[a].value);
	gh_free(ctx, r.numbers.value);
	if (status == GH_OK)
		*model = r.model;
	else
	{
		gh_boost_model_free(ctx, &r.model);
		memset(model, 0, sizeof(*model));
	}
	return status;
}
