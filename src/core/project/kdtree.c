/*
 * kdtree.c
 *		Exact kd-tree over points of any dimension.
 */
#include "project/kdtree_private.h"

#include "base/gh_random.h"

#include <string.h>

/* How many items a loop handles between two polls. */
#define POLL_EVERY 65536

/* A coordinate and whose it is: the total order that cuts go by. */
typedef struct ranked
{
	double		value;
	uint32_t	index;
} ranked;

typedef struct builder
{
	gh_ctx	   *ctx;
	const double *points;
	const float *cuts;			/* other coordinates to cut by, or NULL */
	gh_kdtree  *tree;
	ranked	   *ranks;			/* n, scratch for the cuts */
} builder;

static inline bool
ranked_before(const ranked *a, const ranked *b)
{
	return a->value < b->value || (a->value == b->value && a->index < b->index);
}

/*
 * Puts the `rank` first of n entries to the front, in any order.  The pivots
 * are drawn by counter, so no arrangement of the input is a bad one for long.
 */
static gh_status
select_front(gh_ctx *ctx, ranked *a, size_t n, size_t rank)
{
	size_t		low = 0,
				high = n;
	uint64_t	pass = 0;

	while (high - low > 1 && rank > low && rank < high)
	{
		size_t		left = low,
					right = high - 1;
		ranked		pivot = a[low + gh_random_seed(n, high - low, pass++) % (high - low)];

		GH_CHECK_STOP(ctx);
		/* Hoare's partition; entries are distinct, so both scans end at the pivot at the latest */
		for (;;)
		{
			ranked		swap;

			while (ranked_before(&a[left], &pivot))
				left++;
			while (ranked_before(&pivot, &a[right]))
				right--;
			if (left >= right)
				break;
			swap = a[left];
			a[left] = a[right];
			a[right] = swap;
		}
		/* the pivot stands at `left`; everything before it is smaller */
		if (rank <= left)
			high = left;
		else
			low = left + 1;
	}
	return GH_OK;
}

/* Fills the box of a node; *widest is the dimension to cut. */
static gh_status
measure_box(builder *b, uint32_t node, int *widest)
{
	const gh_kdnode *v = &b->tree->nodes[node];
	int			d = b->tree->d;
	double	   *low = b->tree->box + (size_t) node * 2 * d;
	double	   *high = low + d;
	double		width = -1;

	memcpy(low, b->points + (size_t) b->tree->order[v->begin] * d, sizeof(double) * d);
	memcpy(high, low, sizeof(double) * d);
	for (uint32_t p = v->begin + 1; p < v->end; p++)
	{
		const double *x = b->points + (size_t) b->tree->order[p] * d;

		if ((p - v->begin) % POLL_EVERY == 0)
			GH_CHECK_STOP(b->ctx);
		for (int j = 0; j < d; j++)
		{
			low[j] = x[j] < low[j] ? x[j] : low[j];
			high[j] = x[j] > high[j] ? x[j] : high[j];
		}
	}
	*widest = 0;
	for (int j = 0; j < d; j++)
	{
		if (high[j] - low[j] > width)
		{
			width = high[j] - low[j];
			*widest = j;
		}
	}
	return GH_OK;
}

/* Points of a node that its spread is estimated from, at most twice as many. */
#define SPREAD_SAMPLE 2048

/* The dimension of b->cuts with the largest variance in a node; ties: the first. */
static gh_status
widest_spread(const builder *b, uint32_t node, int *widest)
{
	const gh_kdnode *v = &b->tree->nodes[node];
	size_t		d = b->tree->d,
				step = 1 + (v->end - v->begin) / (SPREAD_SAMPLE * 2);
	const float *origin = b->cuts + b->tree->order[v->begin] * d;
	double	   *sum = gh_alloc_zero(b->ctx, 2 * d, sizeof(double)),
			   *square = sum + d,
				most = -1;
	size_t		m = 0;

	if (sum == NULL)
		return gh_ctx_status(b->ctx);
	for (size_t p = v->begin; p < v->end; p += step, m++)
	{
		const float *x = b->cuts + b->tree->order[p] * d;

		for (size_t j = 0; j < d; j++)
		{
			double		delta = x[j] - origin[j];

			sum[j] += delta;
			square[j] += delta * delta;
		}
	}
	*widest = 0;
	for (size_t j = 0; j < d; j++)
	{
		double		spread = square[j] - sum[j] * (sum[j] / m);

		if (spread > most)
		{
			most = spread;
			*widest = (int) j;
		}
	}
	gh_free(b->ctx, sum);
	return GH_OK;
}

/* The box of an inner node from those of its children. */
static void
join_boxes(gh_kdtree *t, uint32_t node)
{
	int			d = t->d;
	double	   *box = t->box + (size_t) node * 2 * d;
	const double *left = t->box + (size_t) (node + 1) * 2 * d,
			   *right = t->box + (size_t) t->nodes[node].right * 2 * d;

	for (int j = 0; j < d; j++)
	{
		box[j] = left[j] < right[j] ? left[j] : right[j];
		box[d + j] = left[d + j] > right[d + j] ? left[d + j] : right[d + j];
	}
}

/* Reorders a node's points so that its left child's come first. */
static gh_status
cut_node(builder *b, uint32_t begin, uint32_t end, int dimension)
{
	uint32_t   *order = b->tree->order + begin;
	size_t		n = end - begin;

	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_EVERY == POLL_EVERY - 1)
			GH_CHECK_STOP(b->ctx);
		b->ranks[i].value = b->cuts != NULL ? b->cuts[(size_t) order[i] * b->tree->d + dimension] :
			b->points[(size_t) order[i] * b->tree->d + dimension];
		b->ranks[i].index = order[i];
	}
	GH_TRY(select_front(b->ctx, b->ranks, n, gh_kdtree_cut_size(n)));
	for (size_t i = 0; i < n; i++)
		order[i] = b->ranks[i].index;
	return GH_OK;
}

/* Ascending indices, then the coordinates by column. */
static void
fill_leaf(builder *b, uint32_t node)
{
	gh_kdtree  *t = b->tree;
	uint32_t	begin = t->nodes[node].begin,
				n = t->nodes[node].end - begin;
	uint32_t   *order = t->order + begin;
	double	   *columns = t->columns + (size_t) begin * t->d;

	for (uint32_t i = 1; i < n; i++)
	{
		uint32_t	moved = order[i],
					at = i;

		for (; at > 0 && order[at - 1] > moved; at--)
			order[at] = order[at - 1];
		order[at] = moved;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		t->position[order[i]] = begin + i;
		t->leaf_of[begin + i] = node;
		for (int j = 0; j < t->d; j++)
			columns[(size_t) j * n + i] = b->points[(size_t) order[i] * t->d + j];
	}
	t->nodes[node].right = 0;
	t->nodes[node].lowest = order[0];
}

/* Depth is at most log2 of the number of leaves, rounded up: recursion is safe. */
static gh_status
build_node(builder *b, uint32_t begin, uint32_t end)
{
	gh_kdtree  *t = b->tree;
	uint32_t	node = t->n_nodes++;
	uint32_t	middle,
				right;
	int			widest = 0;

	t->nodes[node].begin = begin;
	t->nodes[node].end = end;
	GH_CHECK_STOP(b->ctx);
	if (b->cuts == NULL || end - begin <= GH_KDTREE_LEAF)
		GH_TRY(measure_box(b, node, &widest));
	else
		GH_TRY(widest_spread(b, node, &widest));
	if (end - begin <= GH_KDTREE_LEAF)
	{
		fill_leaf(b, node);
		return GH_OK;
	}
	GH_TRY(cut_node(b, begin, end, widest));
	middle = begin + (uint32_t) gh_kdtree_cut_size(end - begin);
	GH_TRY(build_node(b, begin, middle));
	right = t->n_nodes;
	GH_TRY(build_node(b, middle, end));
	t->nodes[node].right = right;
	t->nodes[node].lowest = t->nodes[node + 1].lowest < t->nodes[right].lowest ?
		t->nodes[node + 1].lowest : t->nodes[right].lowest;
	if (b->cuts != NULL)
		join_boxes(t, node);
	return GH_OK;
}

gh_status
gh_kdtree_build(gh_ctx *ctx, const double *points, size_t n, int d, gh_kdtree *tree)
{
	return gh_kdtree_build_cut(ctx, points, NULL, n, d, tree);
}

gh_status
gh_kdtree_build_cut(gh_ctx *ctx, const double *points, const float *cuts, size_t n, int d, gh_kdtree *tree)
{
	builder		b = {ctx, points, cuts, tree, NULL};
	size_t		n_nodes = gh_kdtree_count_nodes(n);
	size_t		n_values;
	gh_status	status = GH_OK;

	memset(tree, 0, sizeof(*tree));
	if (n >= UINT32_MAX || d < 1 || gh_mul_overflow(n, (size_t) d, &n_values))
		return gh_fail(ctx, GH_ELIMIT, "a tree of %zu points of %d coordinates is not possible", n, d);
	tree->n = n;
	tree->d = d;
	if ((tree->nodes = GH_NEW(ctx, n_nodes, gh_kdnode)) == NULL ||
		(tree->box = gh_alloc(ctx, n_nodes, 2 * (size_t) d * sizeof(double))) == NULL ||
		(tree->order = GH_NEW(ctx, n, uint32_t)) == NULL ||
		(tree->position = GH_NEW(ctx, n, uint32_t)) == NULL ||
		(tree->columns = GH_NEW(ctx, n_values, double)) == NULL ||
		(tree->leaf_of = GH_NEW(ctx, n, uint32_t)) == NULL)
		status = gh_ctx_status(ctx);
	if (status == GH_OK && d == 2 && cuts == NULL && n > 0)
		status = gh_kdtree_fill_plane(ctx, points, tree);
	else if (status == GH_OK && (b.ranks = GH_NEW(ctx, n, ranked)) == NULL)
		status = gh_ctx_status(ctx);
	else if (status == GH_OK)
	{
		for (size_t i = 0; i < n; i++)
			tree->order[i] = (uint32_t) i;
		if (n > 0)
			status = build_node(&b, 0, (uint32_t) n);
	}
	gh_free(ctx, b.ranks);
	if (status != GH_OK)
		gh_kdtree_free(ctx, tree);
	return status;
}

void
gh_kdtree_free(gh_ctx *ctx, gh_kdtree *tree)
{
	gh_free(ctx, tree->nodes);
	gh_free(ctx, tree->box);
	gh_free(ctx, tree->order);
	gh_free(ctx, tree->position);
	gh_free(ctx, tree->columns);
	gh_free(ctx, tree->leaf_of);
	memset(tree, 0, sizeof(*tree));
}

size_t
gh_kdtree_memory(size_t n, int d)
{
	return gh_kdtree_count_nodes(n) * (sizeof(gh_kdnode) + 2 * (size_t) d * sizeof(double)) +
		n * (3 * sizeof(uint32_t) + (size_t) d * sizeof(double));
}

double
gh_kdtree_box_distance2(const gh_kdtree *tree, uint32_t node, const double *q)
{
	const double *low = tree->box + (size_t) node * 2 * tree->d;
	const double *high = low + tree->d;
	double		sum = 0;

	for (int j = 0; j < tree->d; j++)
	{
		double		below = low[j] - q[j],
					above = q[j] - high[j];
		double		gap = below > above ? below : above;

		gap = gap > 0 ? gap : 0;
		sum += gap * gap;
	}
	return sum;
}
