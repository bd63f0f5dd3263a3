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
 * What an edge multiplies and takes out depends on the row only through three
 * states, so for many rows it stands in tables and no row divides; the few
 * rows that are not worth tables compute the same numbers as they go.
 *
 * A child that no training row reached and this row misses has z = o = 0: its
 * factor vanishes, for its own feature and for all others, and the branch adds
 * nothing.  Everywhere else the factors are positive, so the divisions are
 * safe.
 */
#include "explain/shap_private.h"

#include <string.h>

#include "base/gh_threads.h"

/* Rows of one task: fixed, so that chunks do not depend on the threads. */
#define ROWS_PER_TASK 64
/* Fewer rows than these are explained without tables. */
#define ROWS_FOR_TABLES 4
/* Nodes whose table is made between two looks at the host. */
#define NODES_BETWEEN_POLLS 1024

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

/* Split nodes, and for each the nearest edge above it on the same feature; shares of all edges. */
typedef struct path
{
	const gh_tree *tree;
	gh_shap_tree *t;
	uint32_t   *edge;			/* per feature: the node that the last edge on it leads to; 0: none */
} path;

static void
follow(const path *p, uint32_t node)
{
	uint32_t	left = p->tree->left[node];
	uint16_t	feature = p->tree->feature[node];
	uint32_t	above;

	if (left == 0)
		return;
	above = p->t->above[node] = p->edge[feature];
	for (uint32_t child = left; child <= left + 1; child++)
	{
		p->t->share[child] = p->t->share[above] * cover_share(p->tree, node, child);
		p->edge[feature] = child;
		follow(p, child);
	}
	p->edge[feature] = above;
}

/* The splits in order, and the features they test in the order of first use; place: scratch, 0 per feature. */
static void
list_splits(const gh_tree *tree, gh_shap_tree *t, uint32_t *place)
{
	t->n_splits = t->n_features = 0;
	for (uint32_t node = 0; node < tree->n_nodes; node++)
	{
		uint16_t	f = tree->feature[node];

		if (tree->left[node] == 0)
			continue;
		t->split[t->n_splits++] = node;
		if (place[f] == 0)
		{
			t->feature[t->n_features++] = f;
			place[f] = t->n_features;
		}
		t->place[node] = place[f] - 1;
	}
	for (uint32_t j = 0; j < t->n_features; j++)
		place[t->feature[j]] = 0;
}

typedef struct scratch
{
	double	   *mean;			/* largest tree's nodes */
	uint32_t   *depth;
	uint32_t   *per_feature;	/* zero between uses */
} scratch;

static gh_status
measure_tree(gh_ctx *ctx, const gh_tree *tree, uint32_t number, gh_explainer *e, const scratch *s)
{
	gh_shap_tree *t = &e->tree[number];
	uint32_t	splits = tree->n_nodes / 2;
	int			points;

	if (tree_depth(tree, s->depth) > GH_MAX_TREE_DEPTH)
		return gh_fail(ctx, GH_EINTERNAL, "tree %u has more than %d levels", number, GH_MAX_TREE_DEPTH);
	t->split = GH_NEW(ctx, splits, uint32_t);
	t->above = GH_NEW(ctx, tree->n_nodes, uint32_t);
	t->place = GH_NEW(ctx, tree->n_nodes, uint32_t);
	t->feature = GH_NEW(ctx, splits, uint32_t);
	t->share = GH_NEW(ctx, tree->n_nodes, double);
	if (t->split == NULL || t->above == NULL || t->place == NULL || t->feature == NULL || t->share == NULL)
		return gh_ctx_status(ctx);
	e->base_value += tree_mean(tree, s->mean);
	points = (distinct_features(tree, 0, s->per_feature) + 1) / 2;
	t->n_vectors = points > 0 ? (points + GH_LANES - 1) / GH_LANES : 1;
	t->share[0] = 1;
	follow(&(path) {tree, t, s->per_feature}, 0);
	list_splits(tree, t, s->per_feature);
	if (t->n_vectors > e->max_vectors)
		e->max_vectors = t->n_vectors;
	if (t->n_features > e->max_features)
		e->max_features = t->n_features;
	if (tree->n_nodes > e->max_nodes)
		e->max_nodes = tree->n_nodes;
	return GH_OK;
}

static gh_status
measure_trees(gh_ctx *ctx, gh_explainer *e, const scratch *s)
{
	e->base_value = gh_booster_start(e->booster->base_score);
	for (uint32_t k = 0; k < e->booster->n_trees; k++)
	{
		GH_CHECK_STOP(ctx);
		GH_TRY(measure_tree(ctx, &e->booster->trees[k], k, e, s));
	}
	e->rule = GH_NEW(ctx, e->max_vectors, gh_quadrature);
	if (e->rule == NULL)
		return gh_ctx_status(ctx);
	for (int k = 0; k < e->max_vectors; k++)
		gh_quadrature_rule(GH_LANES * (k + 1), &e->rule[k]);
	return GH_OK;
}

gh_status
gh_explainer_open(gh_ctx *ctx, const gh_booster *booster, gh_explainer *explainer)
{
	uint32_t	largest = 1;
	scratch		s;
	gh_status	status;

	memset(explainer, 0, sizeof(*explainer));
	explainer->booster = booster;
	explainer->max_vectors = 1;
	for (uint32_t k = 0; k < booster->n_trees; k++)
		if (booster->trees[k].n_nodes > largest)
			largest = booster->trees[k].n_nodes;
	s.mean = GH_NEW(ctx, largest, double);
	s.depth = GH_NEW(ctx, largest, uint32_t);
	s.per_feature = GH_NEW_ZERO(ctx, booster->n_features, uint32_t);
	explainer->tree = GH_NEW_ZERO(ctx, booster->n_trees, gh_shap_tree);
	if (s.mean == NULL || s.depth == NULL || s.per_feature == NULL || explainer->tree == NULL)
		status = gh_ctx_status(ctx);
	else
		status = measure_trees(ctx, explainer, &s);
	gh_free(ctx, s.per_feature);
	gh_free(ctx, s.depth);
	gh_free(ctx, s.mean);
	if (status != GH_OK)
		gh_explainer_free(ctx, explainer);
	return status;
}

static void
drop_tables(gh_ctx *ctx, gh_explainer *explainer)
{
	for (uint32_t k = 0; k < explainer->booster->n_trees; k++)
	{
		gh_free(ctx, explainer->tree[k].table);
		explainer->tree[k].table = NULL;
	}
}

void
gh_explainer_free(gh_ctx *ctx, gh_explainer *explainer)
{
	if (explainer->tree != NULL)
	{
		drop_tables(ctx, explainer);
		for (uint32_t k = 0; k < explainer->booster->n_trees; k++)
		{
			gh_shap_tree *t = &explainer->tree[k];

			gh_free(ctx, t->split);
			gh_free(ctx, t->above);
			gh_free(ctx, t->place);
			gh_free(ctx, t->feature);
			gh_free(ctx, t->share);
		}
	}
	gh_free(ctx, explainer->tree);
	gh_free(ctx, explainer->rule);
	memset(explainer, 0, sizeof(*explainer));
}

/* ---- edges ------------------------------------------------------------- */

/*
 * With factors a = z u + o t: the product changes by a / a_above, and the
 * feature takes (o - z) / a - (o_above - z_above) / a_above of what is below.
 */
void
gh_shap_edge(const gh_tree *tree, const gh_shap_tree *t, const gh_quadrature *rule, uint32_t parent, uint32_t child,
			 int state, double *out)
{
	double		z_above = t->share[t->above[parent]],
				z = t->share[child];
	bool		leaf = tree->left[child] == 0;
	int			n = GH_LANES * t->n_vectors;

	for (int q = 0; q < n; q++)
	{
		double		above = z_above * rule->u[q] + rule->t[q],
					here = z * rule->u[q] + rule->t[q],
					multiply,
					take;

		if (state == GH_EDGE_TAKEN)
		{
			multiply = here / above;
			take = (1 - z) / here - (1 - z_above) / above;
		}
		else
		{
			multiply = z < GH_NO_COVER ? 0 : state == GH_EDGE_LOST ? z / z_above : z * rule->u[q] / above;
			take = state == GH_EDGE_LOST ? 0 : -1 / rule->u[q] - (1 - z_above) / above;
		}
		if (leaf)
		{
			multiply *= tree->value[child] * rule->weight[q];
			take *= multiply;
		}
		out[q] = multiply;
		out[n + q] = take;
	}
}

static gh_status
tabulate_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_explainer *e = arg;
	const gh_tree *tree = &e->booster->trees[task];
	gh_shap_tree *t = &e->tree[task];
	size_t		size = gh_shap_edge_size(t);
	double	   *table = gh_alloc(ctx, (size_t) (tree->n_nodes - 1) * GH_EDGE_STATES, size * sizeof(double));

	(void) worker;
	if (table == NULL)
		return gh_ctx_status(ctx);
	t->table = table;
	for (uint32_t k = 0; k < t->n_splits; k++)
	{
		uint32_t	node = t->split[k];

		if (k % NODES_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		for (uint32_t child = tree->left[node]; child <= tree->left[node] + 1; child++)
			for (int state = 0; state < GH_EDGE_STATES; state++)
				gh_shap_edge(tree, t, &e->rule[t->n_vectors - 1], node, child, state,
							 table + ((size_t) (child - 1) * GH_EDGE_STATES + (size_t) state) * size);
	}
	return GH_OK;
}

gh_status
gh_explainer_tabulate(gh_ctx *ctx, gh_explainer *explainer)
{
	size_t		bytes = 0;

	for (uint32_t k = 0; k < explainer->booster->n_trees; k++)
	{
		/* a tree has at most 2^20 nodes and 64 levels: no overflow */
		size_t		tree = (size_t) explainer->booster->trees[k].n_nodes * GH_EDGE_STATES *
			gh_shap_edge_size(&explainer->tree[k]) * sizeof(double) + 256;

		if (explainer->tree[k].table != NULL)
			return GH_OK;
		if (gh_add_overflow(bytes, tree, &bytes))
			return GH_OK;
	}
	if (!gh_memory_fits(ctx, bytes))
		return GH_OK;
	return gh_parallel(ctx, explainer->booster->n_trees, tabulate_task, explainer);
}

/* ---- rows -------------------------------------------------------------- */

static gh_status
scratch_open(gh_ctx *ctx, const gh_explainer *e, gh_shap_scratch *s)
{
	size_t		vector = GH_LANES * (size_t) e->max_vectors,
				nodes = e->max_nodes > 0 ? e->max_nodes : 1,
				doubles = (2 * nodes + e->max_features + 2) * vector;

	s->block = gh_alloc(ctx, doubles * sizeof(double) + nodes, 1);
	if (s->block == NULL)
		return gh_ctx_status(ctx);
	s->product = s->block;
	s->below = s->product + nodes * vector;
	s->phi = s->below + nodes * vector;
	s->edge = s->phi + e->max_features * vector;
	s->state = (uint8_t *) (s->edge + 2 * vector);
	return GH_OK;
}

/* Rows into their values, one tree after the other so that its table stays near. */
static gh_status
explain_rows(gh_ctx *ctx, const gh_explainer *e, const float *rows, size_t n, size_t stride, double *values)
{
	const gh_booster *booster = e->booster;
	gh_shap_kernel kernel = gh_shap_kernel_get();
	size_t		width = (size_t) booster->n_features + 1;
	gh_shap_scratch s;
	gh_status	status = GH_OK;

	GH_TRY(scratch_open(ctx, e, &s));
	for (size_t i = 0; i < n; i++)
	{
		memset(values + i * width, 0, (width - 1) * sizeof(double));
		values[i * width + width - 1] = e->base_value;
	}
	for (uint32_t k = 0; k < booster->n_trees && status == GH_OK; k++)
	{
		const gh_shap_tree *t = &e->tree[k];

		if (gh_should_stop(ctx))
			status = gh_canceled(ctx);
		for (size_t i = 0; i < n && status == GH_OK; i++)
			if (!kernel(ctx, &booster->trees[k], t, &e->rule[t->n_vectors - 1], rows + i * stride, &s,
						values + i * width))
				status = gh_canceled(ctx);
	}
	gh_free(ctx, s.block);
	return status;
}

gh_status
gh_explainer_values(gh_ctx *ctx, const gh_explainer *explainer, const float *x, double *values)
{
	return explain_rows(ctx, explainer, x, 1, 0, values);
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
				n = job->n - begin < ROWS_PER_TASK ? job->n - begin : ROWS_PER_TASK,
				width = (size_t) job->explainer->booster->n_features + 1;

	(void) worker;
	return explain_rows(ctx, job->explainer, job->rows + begin * job->stride, n, job->stride,
						job->values + begin * width);
}

gh_status
gh_shap_rows(gh_ctx *ctx, const gh_booster *booster, const float *rows, size_t n, size_t stride, double *values)
{
	gh_explainer explainer;
	rows_job	job = {&explainer, rows, n, stride, values};
	gh_status	status;

	GH_TRY(gh_explainer_open(ctx, booster, &explainer));
	status = n < ROWS_FOR_TABLES ? GH_OK : gh_explainer_tabulate(ctx, &explainer);
	if (status == GH_OK)
		status = gh_parallel_stage(ctx, "shap: rows", (n + ROWS_PER_TASK - 1) / ROWS_PER_TASK, rows_task, &job);
	gh_explainer_free(ctx, &explainer);
	return status;
}
