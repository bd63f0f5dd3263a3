/*
 * separation.c
 *		The density separation of clusters, by two trees at a time.
 *
 * Every cluster has a kd-tree of its inner nodes, and a kd-tree of the
 * clusters' centres holds the boxes of all of them.  A cluster looks for its
 * neighbours from the top; two clusters that come near enough are searched
 * together, box against box.  Only the least value counts, so the order of the
 * search cannot change the result.
 */
#include "separation.h"

#include "base/gh_kernels.h"

#include <math.h>
#include <string.h>

/* A leaf of each of two trees is this much of a depth away from their roots at most. */
#define STACK_SIZE 128

/* The clusters as boxes in a tree. */
typedef struct cluster_tree
{
	const gh_inner *const *inner;
	gh_kdtree	tree;			/* of their centres */
	double	   *box;			/* by node: around all boxes below */
	double	   *least_core;		/* by node */
	double	   *separation;
} cluster_tree;

/* ---- inner nodes -------------------------------------------------------- */

static void
fill_least_core(const gh_kdtree *t, const double *core, double *least_core)
{
	for (uint32_t v = t->n_nodes; v-- > 0;)
	{
		const gh_kdnode *node = &t->nodes[v];

		if (node->right != 0)
			least_core[v] = fmin(least_core[v + 1], least_core[node->right]);
		else
		{
			least_core[v] = INFINITY;
			for (uint32_t p = node->begin; p < node->end; p++)
				least_core[v] = fmin(least_core[v], core[p]);
		}
	}
}

/*
 * Everything that is kept of a tree in one block: there may be many thousands
 * of small clusters.
 */
static gh_status
pack_tree(gh_ctx *ctx, const gh_kdtree *t, const double *core, gh_inner *inner)
{
	size_t		d = (size_t) t->d,
				values = t->n * (d + 1) + t->n_nodes * (2 * d + 1);
	double	   *at;

	inner->block = at = gh_alloc(ctx, values * sizeof(double) + t->n_nodes * sizeof(gh_kdnode), 1);
	if (at == NULL)
		return gh_ctx_status(ctx);
	inner->tree = (gh_kdtree) {.n = t->n,.d = t->d,.n_nodes = t->n_nodes};
	inner->tree.columns = memcpy(at, t->columns, t->n * d * sizeof(double));
	inner->tree.box = memcpy(at + t->n * d, t->box, t->n_nodes * 2 * d * sizeof(double));
	inner->core = at + t->n * d + t->n_nodes * 2 * d;
	inner->least_core = inner->core + t->n;
	inner->tree.nodes = memcpy(inner->least_core + t->n_nodes, t->nodes, t->n_nodes * sizeof(gh_kdnode));
	for (size_t p = 0; p < t->n; p++)
		inner->core[p] = core[t->order[p]];
	fill_least_core(t, inner->core, inner->least_core);
	return GH_OK;
}

gh_status
gh_inner_build(gh_ctx *ctx, const double *points, const double *core, size_t n, int d, gh_inner *inner)
{
	gh_kdtree	tree;
	gh_status	status;

	memset(inner, 0, sizeof(*inner));
	GH_TRY(gh_kdtree_build(ctx, points, n, d, &tree));
	status = pack_tree(ctx, &tree, core, inner);
	gh_kdtree_free(ctx, &tree);
	return status;
}

void
gh_inner_free(gh_ctx *ctx, gh_inner *inner)
{
	gh_free(ctx, inner->block);
	memset(inner, 0, sizeof(*inner));
}

size_t
gh_inner_memory(size_t n, int d)
{
	size_t		leaves = (n + GH_KDTREE_LEAF - 1) / GH_KDTREE_LEAF,
				n_nodes = 2 * leaves;

	n_nodes -= n_nodes > 0;
	return n * ((size_t) d + 1) * sizeof(double) +
		n_nodes * ((2 * (size_t) d + 1) * sizeof(double) + sizeof(gh_kdnode));
}

/* ---- two clusters ------------------------------------------------------- */

/* No two points of the boxes are nearer.  Summed as distances are, so rounding never lifts it above one. */
static double
box_gap2(const double *a, const double *b, int d)
{
	double		sum = 0;

	for (int j = 0; j < d; j++)
	{
		double		below = a[j] - b[d + j],
					above = b[j] - a[d + j];
		double		gap = below > above ? below : above;

		gap = gap > 0 ? gap : 0;
		sum += gap * gap;
	}
	return sum;
}

static inline double
reach(double distance2, double core, double other_core)
{
	double		larger = core > other_core ? core : other_core;
	double		distance = sqrt(distance2);

	return distance > larger ? distance : larger;
}

typedef struct node_pair
{
	double		bound;
	uint32_t	a,
				b;
} node_pair;

static inline node_pair
make_pair(const gh_inner *x, const gh_inner *y, uint32_t a, uint32_t b)
{
	size_t		box = 2 * (size_t) x->tree.d;
	node_pair	pair = {0, a, b};

	pair.bound = reach(box_gap2(x->tree.box + a * box, y->tree.box + b * box, x->tree.d), x->least_core[a],
					   y->least_core[b]);
	return pair;
}

/* The least of two leaves, or `best`. */
static double
join_leaves(const gh_kernels *kernels, const gh_inner *x, const gh_inner *y, uint32_t a, uint32_t b, double *q,
			double best)
{
	const gh_kdnode *from = &x->tree.nodes[a],
			   *to = &y->tree.nodes[b];
	size_t		d = (size_t) x->tree.d,
				width = from->end - from->begin,
				n = to->end - to->begin;
	const double *column = x->tree.columns + (size_t) from->begin * d;
	const double *box = y->tree.box + 2 * d * b;
	double		distance2[GH_KDTREE_LEAF];

	for (size_t i = 0; i < width; i++)
	{
		double		core = x->core[from->begin + i];

		if (core >= best)
			continue;
		for (size_t j = 0; j < d; j++)
			q[j] = q[d + j] = column[j * width + i];
		if (sqrt(box_gap2(q, box, (int) d)) >= best)
			continue;
		kernels->distances2(y->tree.columns + (size_t) to->begin * d, n, n, (int) d, q, distance2);
		for (size_t k = 0; k < n; k++)
		{
			double		value = reach(distance2[k], core, y->core[to->begin + k]);

			best = value < best ? value : best;
		}
	}
	return best;
}

/* Puts the halves of the larger node on the stack, the nearer on top. */
static int
push_halves(const gh_inner *x, const gh_inner *y, node_pair pair, node_pair *stack, int depth)
{
	const gh_kdnode *a = &x->tree.nodes[pair.a],
			   *b = &y->tree.nodes[pair.b];
	bool		cut_a = b->right == 0 || (a->right != 0 && a->end - a->begin >= b->end - b->begin);
	node_pair	one = cut_a ? make_pair(x, y, pair.a + 1, pair.b) : make_pair(x, y, pair.a, pair.b + 1);
	node_pair	two = cut_a ? make_pair(x, y, a->right, pair.b) : make_pair(x, y, pair.a, b->right);
	bool		one_first = one.bound <= two.bound;

	stack[depth++] = one_first ? two : one;
	stack[depth++] = one_first ? one : two;
	return depth;
}

/* The least reachability between two clusters when it is below *best, which it then becomes. */
static gh_status
separate_pair(gh_ctx *ctx, const gh_inner *x, const gh_inner *y, double *q, double *best)
{
	const gh_kernels *kernels = gh_kernels_get();
	node_pair	stack[STACK_SIZE];
	int			depth = 0;

	stack[depth++] = make_pair(x, y, 0, 0);
	while (depth > 0)
	{
		node_pair	pair = stack[--depth];

		if (pair.bound >= *best)
			continue;
		if (x->tree.nodes[pair.a].right != 0 || y->tree.nodes[pair.b].right != 0)
		{
			depth = push_halves(x, y, pair, stack, depth);
			continue;
		}
		GH_CHECK_STOP(ctx);
		*best = join_leaves(kernels, x, y, pair.a, pair.b, q, *best);
	}
	return GH_OK;
}

/* ---- all clusters ------------------------------------------------------- */

/* Boxes and lowest core distances of the nodes, bottom-up. */
static void
fill_boxes(cluster_tree *c)
{
	const gh_kdtree *t = &c->tree;
	int			d = t->d;

	for (uint32_t v = t->n_nodes; v-- > 0;)
	{
		const gh_kdnode *node = &t->nodes[v];
		bool		leaf = node->right == 0;
		double	   *box = c->box + (size_t) v * 2 * d;

		c->least_core[v] = INFINITY;
		for (int j = 0; j < d; j++)
		{
			box[j] = INFINITY;
			box[d + j] = -INFINITY;
		}
		for (uint32_t k = 0; k < (leaf ? node->end - node->begin : 2); k++)
		{
			uint32_t	child = k == 0 ? v + 1 : node->right;
			const gh_inner *member = leaf ? c->inner[t->order[node->begin + k]] : NULL;
			const double *part = leaf ? member->tree.box : c->box + (size_t) child * 2 * d;

			for (int j = 0; j < d; j++)
			{
				box[j] = fmin(box[j], part[j]);
				box[d + j] = fmax(box[d + j], part[d + j]);
			}
			c->least_core[v] = fmin(c->least_core[v], leaf ? member->least_core[0] : c->least_core[child]);
		}
	}
}

static gh_status
build_cluster_tree(gh_ctx *ctx, uint32_t n_clusters, int d, cluster_tree *c)
{
	double	   *centres = gh_alloc(ctx, n_clusters, (size_t) d * sizeof(double));
	gh_status	status;

	if (centres == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t i = 0; i < n_clusters; i++)
	{
		const double *box = c->inner[i]->tree.box;

		for (int j = 0; j < d; j++)
			centres[(size_t) i * d + j] = box[j] + (box[d + j] - box[j]) / 2;
	}
	status = gh_kdtree_build(ctx, centres, n_clusters, d, &c->tree);
	gh_free(ctx, centres);
	GH_TRY(status);
	c->box = gh_alloc(ctx, c->tree.n_nodes, 2 * (size_t) d * sizeof(double));
	c->least_core = GH_NEW(ctx, c->tree.n_nodes, double);
	if (c->box == NULL || c->least_core == NULL)
		return gh_ctx_status(ctx);
	fill_boxes(c);
	return GH_OK;
}

static double
node_bound(const cluster_tree *c, const gh_inner *from, uint32_t node)
{
	int			d = c->tree.d;

	return reach(box_gap2(from->tree.box, c->box + (size_t) node * 2 * d, d), from->least_core[0],
				 c->least_core[node]);
}

static gh_status
separate_from_leaf(gh_ctx *ctx, cluster_tree *c, uint32_t cluster, uint32_t node, double *q)
{
	const gh_kdnode *leaf = &c->tree.nodes[node];
	double	   *best = &c->separation[cluster];

	for (uint32_t p = leaf->begin; p < leaf->end; p++)
	{
		uint32_t	other = c->tree.order[p];
		double		before = *best;

		if (other == cluster)
			continue;
		GH_TRY(separate_pair(ctx, c->inner[cluster], c->inner[other], q, best));
		/* what a pair has in common holds for the other one, too */
		if (*best < before && *best < c->separation[other])
			c->separation[other] = *best;
	}
	return GH_OK;
}

static gh_status
separate_cluster(gh_ctx *ctx, cluster_tree *c, uint32_t cluster, double *q)
{
	const gh_inner *from = c->inner[cluster];
	struct
	{
		double		bound;
		uint32_t	node;
	}			stack[STACK_SIZE];
	int			depth = 0;

	stack[depth].bound = 0;
	stack[depth++].node = 0;
	while (depth > 0)
	{
		uint32_t	node = stack[--depth].node,
					right = c->tree.nodes[node].right;
		double		left_bound,
					right_bound;
		bool		left_first;

		if (stack[depth].bound >= c->separation[cluster])
			continue;
		if (right == 0)
		{
			GH_TRY(separate_from_leaf(ctx, c, cluster, node, q));
			continue;
		}
		left_bound = node_bound(c, from, node + 1);
		right_bound = node_bound(c, from, right);
		left_first = left_bound <= right_bound;
		stack[depth].bound = left_first ? right_bound : left_bound;
		stack[depth++].node = left_first ? right : node + 1;
		stack[depth].bound = left_first ? left_bound : right_bound;
		stack[depth++].node = left_first ? node + 1 : right;
	}
	return GH_OK;
}

gh_status
gh_separate(gh_ctx *ctx, const gh_inner *const *inner, uint32_t n_clusters, double *separation)
{
	int			d = inner[0]->tree.d;
	cluster_tree c = {.inner = inner,.separation = separation};
	double	   *q = gh_alloc(ctx, 2, (size_t) d * sizeof(double));	/* a point as a box */
	gh_status	status;

	if (q == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t i = 0; i < n_clusters; i++)
		separation[i] = INFINITY;
	status = build_cluster_tree(ctx, n_clusters, d, &c);
	for (uint32_t i = 0; i < n_clusters && status == GH_OK; i++)
	{
		status = (i & 0xff) == 0xff && gh_should_stop(ctx) ? gh_canceled(ctx) : separate_cluster(ctx, &c, i, q);
	}
	gh_free(ctx, q);
	gh_free(ctx, c.box);
	gh_free(ctx, c.least_core);
	gh_kdtree_free(ctx, &c.tree);
	return status;
}
