/*
 * shap.c
 *		Exact Shapley values of boosted trees by quadrature.
 *
 * A leaf of value v whose path tests the distinct features F plays, in the
 * path-dependent game, v * prod_{j in S} o_j * prod_{j not in S} z_j: z_j is
 * the share of the training cover that goes the path's way at the splits on
 * j, and o_j is 1 when the row goes that way at all of them, else 0.  With
 * |S|! (m-1-|S|)! / m! = integral over [0,1] of t^|S| (1-t)^(m-1-|S|), the
 * Shapley value of feature i is
 *
 *		v (o_i - z_i) integral prod_{j in F, j != i} (z_j (1-t) + o_j t) dt
 *
 * a polynomial of degree |F| - 1, for which ceil(|F|/2) Gauss-Legendre points
 * are exact.  The product over F is carried down the tree, one number per
 * point; on the way back every edge takes its feature's share out of the sum
 * over the leaves below it.  A feature that is tested again has its factor
 * replaced, and the differences between its edges telescope.
 *
 * A child that no training row reached and this row misses has z = o = 0: its
 * factor vanishes, for its own feature and for all others, and the branch is
 * left out.  Everywhere else the factors are positive, so the divisions are
 * safe.
 */
#include "explain/gh_shap.h"

#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

/* Tree nodes visited between two looks at the host. */
#define NODES_BETWEEN_POLLS 4096

/* A share of the cover this small counts as none, before a factor of it underflows. */
#define NO_COVER 1e-280

/* Rows of one task: fixed, so that chunks do not depend on the threads. */
#define ROWS_PER_TASK 64

/* One row on its way through one tree. */
typedef struct walk
{
	gh_ctx	   *ctx;
	const gh_tree *tree;
	const gh_quadrature *rule;
	const float *x;
	double	   *phi;
	double	   *z;				/* per feature: share of the cover along the path; 1 while not tested */
	uint8_t    *o;				/* per feature: 1 while the row goes the path's way */
	double	   *product;		/* per level: n_points products over the features */
	double	   *below;			/* per level: n_points sums over the leaves */
	uint32_t	visited;
	bool		stopped;
} walk;

/* ---- before any row ---------------------------------------------------- */

/*
 * Share of a node's cover that its child got.  Foreign models may hold any
 * finite covers: a share stays in [0,1], and a node without cover says nothing,
 * so its children share alike.
 */
static double
cover_share(const gh_tree *tree, uint32_t node, uint32_t child)
{
	double		all = tree->cover[node],
				share;

	if (!(all > 0))
		return 0.5;
	share = tree->cover[child] / all;
	return share > 1 ? 1 : share > 0 ? share : 0;
}

/* Mean of the leaves, weighted by cover; mean: scratch of n_nodes. */
static double
tree_mean(const gh_tree *tree, double *mean)
{
	for (uint32_t node = tree->n_nodes; node-- > 0;)
	{
		uint32_t	left = tree->left[node];

		if (left == 0)
			mean[node] = tree->value[node];
		else
			mean[node] = cover_share(tree, node, left) * mean[left]
				+ cover_share(tree, node, left + 1) * mean[left + 1];
	}
	return mean[0];
}

/* Longest path in edges; depth: scratch of n_nodes. */
static uint32_t
tree_depth(const gh_tree *tree, uint32_t *depth)
{
	uint32_t	deepest = 0;

	depth[0] = 0;
	for (uint32_t node = 0; node < tree->n_nodes; node++)
	{
		uint32_t	left = tree->left[node];

		if (depth[node] > deepest)
			deepest = depth[node];
		if (left != 0)
			depth[left] = depth[left + 1] = depth[node] + 1;
	}
	return deepest;
}

/* Most distinct features on a path below node; seen: times tested above, per feature. */
static int
distinct_features(const gh_tree *tree, uint32_t node, uint32_t *seen)
{
	uint32_t	left = tree->left[node];
	uint16_t	feature;
	int			a,
				b,
				one;

	if (left == 0)
		return 0;
	feature = tree->feature[node];
	one = seen[feature]++ == 0;
	a = distinct_features(tree, left, seen);
	b = distinct_features(tree, left + 1, seen);
	seen[feature]--;
	return one + (a > b ? a : b);
}

/* Fills base value, depth and points per tree. */
static gh_status
measure_trees(gh_ctx *ctx, const gh_booster *booster, gh_explainer *e, double *mean, uint32_t *depth, uint32_t *seen)
{
	e->base_value = gh_logit(booster->base_score);
	for (uint32_t k = 0; k < booster->n_trees; k++)
	{
		const gh_tree *tree = &booster->trees[k];
		uint32_t	deepest = tree_depth(tree, depth);
		int			points;

		GH_CHECK_STOP(ctx);
		if (deepest > GH_MAX_TREE_DEPTH)
			return gh_fail(ctx, GH_EINTERNAL, "tree %u is %u levels deep, more than %d", k, deepest, GH_MAX_TREE_DEPTH);
		e->base_value += tree_mean(tree, mean);
		points = (distinct_features(tree, 0, seen) + 1) / 2;
		e->n_points[k] = (uint8_t) (points > 0 ? points : 1);
		if ((int) deepest > e->depth)
			e->depth = (int) deepest;
		if (e->n_points[k] > e->max_points)
			e->max_points = e->n_points[k];
	}
	return GH_OK;
}

gh_status
gh_explainer_open(gh_ctx *ctx, const gh_booster *booster, gh_explainer *explainer)
{
	uint32_t	largest = 1;
	double	   *mean;
	uint32_t   *depth,
			   *seen;
	gh_status	status = GH_ENOMEM;

	memset(explainer, 0, sizeof(*explainer));
	explainer->booster = booster;
	explainer->max_points = 1;
	for (uint32_t k = 0; k < booster->n_trees; k++)
		if (booster->trees[k].n_nodes > largest)
			largest = booster->trees[k].n_nodes;
	mean = GH_NEW(ctx, largest, double);
	depth = GH_NEW(ctx, largest, uint32_t);
	seen = GH_NEW_ZERO(ctx, booster->n_features, uint32_t);
	explainer->n_points = GH_NEW(ctx, booster->n_trees, uint8_t);
	if (mean != NULL && depth != NULL && seen != NULL && explainer->n_points != NULL)
		status = measure_trees(ctx, booster, explainer, mean, depth, seen);
	if (status == GH_OK)
	{
		explainer->rule = GH_NEW(ctx, explainer->max_points, gh_quadrature);
		if (explainer->rule == NULL)
			status = GH_ENOMEM;
	}
	for (int k = 0; status == GH_OK && k < explainer->max_points; k++)
		gh_quadrature_rule(k + 1, &explainer->rule[k]);
	gh_free(ctx, seen);
	gh_free(ctx, depth);
	gh_free(ctx, mean);
	if (status == GH_OK)
		return GH_OK;
	gh_explainer_free(ctx, explainer);
	return gh_ctx_status(ctx);
}

void
gh_explainer_free(gh_ctx *ctx, gh_explainer *explainer)
{
	gh_free(ctx, explainer->rule);
	gh_free(ctx, explainer->n_points);
	explainer->rule = NULL;
	explainer->n_points = NULL;
}

/* ---- one row ----------------------------------------------------------- */

static void walk_node(walk *w, uint32_t node, int level);

static bool
goes_left(const gh_tree *tree, uint32_t node, const float *x)
{
	float		value = x[tree->feature[node]];

	return isnan(value) ? tree->default_left[node] != 0 : value < tree->threshold[node];
}

/*
 * What an edge gives its feature: with the factor a = z u + o t, the leaves'
 * products times (o - z) / a.  Nothing where z = o = 1: not tested yet.
 */
static double
edge_share(const walk *w, const double *below, double z, bool o)
{
	const gh_quadrature *rule = w->rule;
	double		sum = 0;

	for (int q = 0; q < rule->n_points; q++)
		sum += o ? below[q] * (1 - z) / (z * rule->u[q] + rule->t[q]) : -below[q] / rule->u[q];
	return sum;
}

/* Into a child: replace its feature's factor, walk on, take the feature's share, restore. */
static void
walk_edge(walk *w, uint32_t node, uint32_t child, bool taken, int level)
{
	int			points = w->rule->n_points;
	uint16_t	feature = w->tree->feature[node];
	double		z_above = w->z[feature],
				z = z_above * cover_share(w->tree, node, child);
	bool		o_above = w->o[feature],
				o = o_above && taken;
	const double *above = w->product + (size_t) level * points;
	double	   *product = w->product + (size_t) (level + 1) * points;
	const double *below = w->below + (size_t) (level + 1) * points;

	if (z < NO_COVER && !o)
	{
		memset(w->below + (size_t) (level + 1) * points, 0, points * sizeof(double));
		return;
	}
	for (int q = 0; q < points; q++)
	{
		double		t = w->rule->t[q],
					u = w->rule->u[q];

		product[q] = above[q] * ((z * u + (o ? t : 0)) / (z_above * u + (o_above ? t : 0)));
	}
	w->z[feature] = z;
	w->o[feature] = o;
	walk_node(w, child, level + 1);
	w->z[feature] = z_above;
	w->o[feature] = o_above;
	w->phi[feature] += edge_share(w, below, z, o) - edge_share(w, below, z_above, o_above);
}

/* Leaves in below[level] the sum over the leaves under node of product * value * weight. */
static void
walk_node(walk *w, uint32_t node, int level)
{
	const gh_tree *tree = w->tree;
	int			points = w->rule->n_points;
	uint32_t	left = tree->left[node];
	double	   *below = w->below + (size_t) level * points;
	const double *child = w->below + (size_t) (level + 1) * points;
	bool		goes;

	if (++w->visited % NODES_BETWEEN_POLLS == 0 && gh_should_stop(w->ctx))
		w->stopped = true;
	if (w->stopped)
		return;
	if (left == 0)
	{
		const double *product = w->product + (size_t) level * points;

		for (int q = 0; q < points; q++)
			below[q] = product[q] * tree->value[node] * w->rule->weight[q];
		return;
	}
	goes = goes_left(tree, node, w->x);
	walk_edge(w, node, left, goes, level);
	memcpy(below, child, points * sizeof(double));
	walk_edge(w, node, left + 1, !goes, level);
	for (int q = 0; q < points; q++)
		below[q] += child[q];
}

/* Scratch of one walker, in one block. */
static gh_status
walk_open(gh_ctx *ctx, const gh_explainer *e, walk *w, double **block)
{
	size_t		levels = (size_t) e->depth + 2,
				points = (size_t) e->max_points,
				features = (size_t) e->booster->n_features;

	*block = GH_NEW(ctx, 2 * levels * points + features + features / sizeof(double) + 1, double);
	if (*block == NULL)
		return gh_ctx_status(ctx);
	memset(w, 0, sizeof(*w));
	w->ctx = ctx;
	w->product = *block;
	w->below = w->product + levels * points;
	w->z = w->below + levels * points;
	w->o = (uint8_t *) (w->z + features);
	for (size_t j = 0; j < features; j++)
	{
		w->z[j] = 1;
		w->o[j] = 1;
	}
	return GH_OK;
}

static gh_status
walk_row(walk *w, const gh_explainer *e, const float *x, double *values)
{
	const gh_booster *booster = e->booster;

	memset(values, 0, booster->n_features * sizeof(double));
	values[booster->n_features] = e->base_value;
	w->x = x;
	w->phi = values;
	for (uint32_t k = 0; k < booster->n_trees && !w->stopped; k++)
	{
		w->tree = &booster->trees[k];
		w->rule = &e->rule[e->n_points[k] - 1];
		for (int q = 0; q < w->rule->n_points; q++)
			w->product[q] = 1;
		walk_node(w, 0, 0);
	}
	return w->stopped ? gh_canceled(w->ctx) : GH_OK;
}

gh_status
gh_explainer_values(gh_ctx *ctx, const gh_explainer *explainer, const float *x, double *values)
{
	walk		w;
	double	   *block;
	gh_status	status;

	GH_TRY(walk_open(ctx, explainer, &w, &block));
	status = walk_row(&w, explainer, x, values);
	gh_free(ctx, block);
	return status;
}

gh_status
gh_shap(gh_ctx *ctx, const gh_booster *booster, const float *x, double *values)
{
	gh_explainer explainer;
	gh_status	status;

	GH_TRY(gh_explainer_open(ctx, booster, &explainer));
	status = gh_explainer_values(ctx, &explainer, x, values);
	gh_explainer_free(ctx, &explainer);
	return status;
}

/* ---- many rows --------------------------------------------------------- */

typedef struct rows_job
{
	const gh_explainer *explainer;
	const float *rows;
	size_t		n,
				stride;
	double	   *values;
} rows_job;

static gh_status
rows_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	rows_job   *job = arg;
	size_t		begin = task * ROWS_PER_TASK,
				end = begin + ROWS_PER_TASK < job->n ? begin + ROWS_PER_TASK : job->n,
				width = (size_t) job->explainer->booster->n_features + 1;
	walk		w;
	double	   *block;
	gh_status	status = GH_OK;

	(void) worker;
	GH_TRY(walk_open(ctx, job->explainer, &w, &block));
	for (size_t i = begin; i < end && status == GH_OK; i++)
		status = walk_row(&w, job->explainer, job->rows + i * job->stride, job->values + i * width);
	gh_free(ctx, block);
	return status;
}

gh_status
gh_shap_rows(gh_ctx *ctx, const gh_booster *booster, const float *rows, size_t n, size_t stride, double *values)
{
	gh_explainer explainer;
	rows_job	job = {&explainer, rows, n, stride, values};
	gh_status	status;

	GH_TRY(gh_explainer_open(ctx, booster, &explainer));
	status = gh_parallel_stage(ctx, "shap: rows", (n + ROWS_PER_TASK - 1) / ROWS_PER_TASK, rows_task, &job);
	gh_explainer_free(ctx, &explainer);
	return status;
}
