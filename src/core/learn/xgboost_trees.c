/*
 * xgboost_trees.c
 *		The trees of XGBoost's formats.
 */
#include "learn/xgboost_private.h"

#include <math.h>
#include <string.h>

static const char *const array_names[GH_N_ARRAYS] = {
	"base_weights", "default_left", "left_children", "loss_changes", "right_children", "split_conditions",
	"split_indices", "sum_hessian", "split_type"
};

/* ---- one tree ---------------------------------------------------------- */

static bool
fits_float(double v)
{
	return isfinite((float) v);
}

/* Every array as long as the others, nothing but plain numerical splits. */
static gh_status
check_arrays(gh_xgboost_reading *r)
{
	size_t		n = r->array[GH_LEFT_CHILDREN].n;

	if (r->size_leaf_vector > 1)
		return gh_xgboost_refuse(r, "A tree has vectors in its leaves: models of several targets are not supported.");
	for (size_t i = 0; i < r->array[GH_SPLIT_TYPE].n; i++)
		if (r->array[GH_SPLIT_TYPE].value[i] != 0)
			return gh_xgboost_refuse(r, "A tree splits on categories: categorical features are not supported.");
	if (n == 0 || n > GH_MAX_TREE_NODES)
		return gh_xgboost_refuse(r, "A tree has no nodes or too many.");
	for (int a = 0; a < GH_N_NEEDED; a++)
		if (r->array[a].n != n)
		{
			gh_xgboost_fail(r);
			return gh_fail_detail(r->ctx, "Tree %u has %zu nodes and %zu values in \"%s\".",
								  r->model.booster.n_trees + 1, n, r->array[a].n, array_names[a]);
		}
	return GH_OK;
}

static bool
node_is_sound(const gh_xgboost_reading *r, size_t i)
{
	return (r->array[GH_DEFAULT_LEFT].value[i] == 0 || r->array[GH_DEFAULT_LEFT].value[i] == 1) &&
		gh_is_index(r->array[GH_SPLIT_INDICES].value[i], GH_MAX_FEATURES) &&
		fits_float(r->array[GH_SPLIT_CONDITIONS].value[i]) && fits_float(r->array[GH_BASE_WEIGHTS].value[i]) &&
		fits_float(r->array[GH_LOSS_CHANGES].value[i]) && fits_float(r->array[GH_SUM_HESSIAN].value[i]) &&
		r->array[GH_SUM_HESSIAN].value[i] >= 0;
}

/*
 * Nodes from the root down, level by level: old[i] is the number in the JSON
 * of node i, left[i] the place of its left child (0: leaf).  seen and depth
 * are zero at the start.  Nodes that no path reaches (deleted ones) are left
 * out.  Returns the number of nodes; 0 when this is not a tree.
 */
static uint32_t
order_nodes(const gh_xgboost_reading *r, uint32_t *old, uint32_t *left, uint8_t *seen, uint8_t *depth)
{
	const double *lefts = r->array[GH_LEFT_CHILDREN].value,
			   *rights = r->array[GH_RIGHT_CHILDREN].value;
	size_t		n = r->array[GH_LEFT_CHILDREN].n;
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
		if (!gh_is_index(a, n) || !gh_is_index(b, n) || a == b || seen[(size_t) a] || seen[(size_t) b] ||
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
fill_tree(const gh_xgboost_reading *r, const uint32_t *old, const uint32_t *left, gh_tree *tree)
{
	for (uint32_t i = 0; i < tree->n_nodes; i++)
	{
		uint32_t	k = old[i];
		bool		inner = left[i] != 0;

		tree->left[i] = left[i];
		tree->feature[i] = (uint16_t) (inner ? r->array[GH_SPLIT_INDICES].value[k] : 0);
		tree->default_left[i] = inner && r->array[GH_DEFAULT_LEFT].value[k] == 1;
		tree->threshold[i] = inner ? (float) r->array[GH_SPLIT_CONDITIONS].value[k] : 0;
		tree->value[i] = (float) r->array[inner ? GH_BASE_WEIGHTS : GH_SPLIT_CONDITIONS].value[k];
		tree->cover[i] = (float) r->array[GH_SUM_HESSIAN].value[k];
		tree->gain[i] = inner ? (float) r->array[GH_LOSS_CHANGES].value[k] : 0;
	}
}

static gh_status
build_tree(gh_xgboost_reading *r, gh_tree *tree)
{
	size_t		n = r->array[GH_LEFT_CHILDREN].n;
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
			gh_xgboost_fail(r);
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

static gh_status
tree_param_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "size_leaf_vector") == 0)
		return gh_xgboost_count(r, &r->size_leaf_vector);
	return gh_document_skip(&r->document);
}

static gh_status
tree_member(gh_xgboost_reading *r, const char *key)
{
	if (strcmp(key, "tree_param") == 0)
		return gh_xgboost_members(r, tree_param_member);
	for (int a = 0; a < GH_N_ARRAYS; a++)
		if (strcmp(key, array_names[a]) == 0)
			return gh_document_numbers_read(&r->document, &r->array[a]);
	return gh_document_skip(&r->document);
}

static gh_status
read_tree(gh_xgboost_reading *r)
{
	gh_booster *booster = &r->model.booster;

	if (booster->n_trees == GH_MAX_TREES)
		return gh_xgboost_refuse(r, "It has too many trees.");
	if (booster->n_trees == r->max_trees)
	{
		uint32_t	max = r->max_trees < 16 ? 16 : 2 * r->max_trees;
		gh_tree    *trees = gh_realloc(r->ctx, booster->trees, max, sizeof(gh_tree));

		if (trees == NULL)
			return gh_ctx_status(r->ctx);
		booster->trees = trees;
		r->max_trees = max;
	}
	for (int a = 0; a < GH_N_ARRAYS; a++)
		r->array[a].n = 0;
	r->size_leaf_vector = 1;
	GH_TRY(gh_xgboost_members(r, tree_member));
	GH_TRY(check_arrays(r));
	booster->trees[booster->n_trees] = (gh_tree) {0};
	booster->n_trees++;
	return build_tree(r, &booster->trees[booster->n_trees - 1]);
}

gh_status
gh_xgboost_read_trees(gh_xgboost_reading *r)
{
	bool		more;

	if (r->has_trees)
		return gh_xgboost_refuse(r, "It has \"trees\" twice.");
	r->has_trees = true;
	GH_TRY(gh_document_open(&r->document, GH_VALUE_ARRAY, &more));
	while (more)
	{
		GH_CHECK_STOP(r->ctx);
		GH_TRY(read_tree(r));
		GH_TRY(gh_document_next(&r->document, &more));
	}
	return GH_OK;
}

/* ---- early stopping ---------------------------------------------------- */

double
gh_xgboost_best_trees(const gh_xgboost_reading *r)
{
	size_t		iterations = (size_t) r->best_iteration + 1;
	double		end;

	if (r->iteration_begin.n == 0)
		end = (double) iterations * r->num_parallel_tree;
	else
		end = iterations < r->iteration_begin.n ? r->iteration_begin.value[iterations] : -1;
	return gh_is_index(end, (size_t) r->model.booster.n_trees + 1) ? end : -1;
}

gh_status
gh_xgboost_cut_trees(gh_xgboost_reading *r)
{
	gh_booster *booster = &r->model.booster;
	double		end = gh_xgboost_best_trees(r);

	if (end < 1)
		return gh_xgboost_refuse(r, "Its attribute best_iteration is beyond its trees.");
	while (booster->n_trees > (uint32_t) end)
		gh_tree_free(r->ctx, &booster->trees[--booster->n_trees]);
	return GH_OK;
}
