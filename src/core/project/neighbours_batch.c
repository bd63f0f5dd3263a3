/*
 * neighbours_batch.c
 *		The neighbours of all points of a leaf at once.
 *
 * 32 points that lie together go down the tree together, so that a node's box
 * and a leaf's points are read once for all of them.  Boxes and points are
 * compared in single precision first, with thresholds so high that no rounding
 * can lose a neighbour; what passes is measured in double precision, in the
 * same way as for one point alone.  Results are therefore the same bytes.  When
 * no box can be left out this is brute force in blocks, at the same cost.
 *
 * The thresholds.  A point's float coordinates, turned or not, differ from the
 * exact ones by at most 2^-24 of their size each, so the point by at most 2^-24
 * of its distance from the middle, which |half widths| bounds, and a distance
 * by slack = 2 * 2^-24 * |half widths|, plus a tenth for what happens in double
 * precision before.  Squares and sums of d terms, all positive, are off by a
 * factor of (1 + 2^-24)^(d+2), below growth.  Where points do not stand too far
 * from the middle for their distances from each other, |q - p|^2 is had from
 * q . p: with d + 3 roundings of numbers that add up to at most |q|^2 + |p|^2 it
 * is off by blur times that, and both |q|^2 and |p|^2 are lowered by it.  Turning leaves distances alone to
 * 1e-10, which is checked, and the double distances are good to 1e-12.
 */
#include "project/nearest_private.h"

#include "base/gh_kernels.h"
#include "project/gh_leaf.h"

#include <string.h>

#define LEAF GH_KDTREE_LEAF

/* Beyond these, points are asked for one at a time. */
#define MOST_DIMENSIONS 1000
#define MOST_K 512
#define LEAST_WIDTH 1e-140
#define MOST_WIDTH 1e140

/*
 * Leaves whose diagonal is below so many slacks are too small for single
 * precision; no more than one in so many leaves may be.
 */
#define LEAST_SLACKS 64
#define SMALL_LEAVES 64

/* Products are used for queries whose blur is below this part of their threshold. */
#define MOST_BLUR (1.0 / 32)

/* Nodes visited between two polls. */
#define POLL_EVERY 64
/*
 * Trees of at least so many leaves are tried with the points of a few: when
 * these are measured against more than this part of all, boxes only cost.
 */
#define LEAST_SCANNED 256
#define SCAN_SAMPLE 16
#define MOST_SEARCHED 0.25
/* Points of a leaf from which on measuring all of it is quicker than one at a time. */
#define MANY_HITS 10
/* Deeper than any tree of 2^32 points. */
#define STACK_SIZE 64

typedef struct pending
{
	uint32_t	node;
	float		bound[LEAF];	/* squared scaled distance of every query to its box */
} pending;

struct gh_batch
{
	const gh_batch_index *index;
	const gh_kernels *kernels;
	const gh_leaf_kernels *filter;
	int			n;				/* queries */
	uint32_t	own;			/* their leaf */
	const float *columns;		/* its float copy */
	double	   *rows;			/* LEAF x d, the queries */
	candidate  *room;			/* LEAF x k */
	nearest		lists[LEAF];
	float		near[LEAF];		/* squares below: surely nearer than the k-th so far */
	float		far[LEAF];		/* squares above: surely farther; -1: no query */
	double		length2[LEAF];	/* of the float queries */
	float		least[LEAF];	/* products below: surely farther */
	uint32_t	sharp;			/* queries for which products will do */
	uint32_t	visits;
	uint64_t	measured;		/* queries that leaves were measured for */
	double		distance2[LEAF];
	pending		stack[STACK_SIZE];
};

/* ---- the float copy ----------------------------------------------------- */

/* Half the widest side of the root's box. */
static double
half_width(const gh_kdtree *tree)
{
	double		most = 0;

	for (int j = 0; j < tree->d; j++)
	{
		double		half = tree->box[tree->d + j] / 2 - tree->box[j] / 2;

		most = half > most ? half : most;
	}
	return most;
}

static size_t
n_leaves(const gh_kdtree *tree)
{
	return (tree->n + LEAF - 1) / LEAF;
}

/* scale, slack and growth. */
static void
set_precision(const gh_kdtree *tree, gh_batch_index *index)
{
	int			exponent;
	double		sum = 0;

	frexp(half_width(tree), &exponent);
	index->scale = ldexp(1.0, -exponent);
	for (int j = 0; j < tree->d; j++)
	{
		double		half = (tree->box[tree->d + j] / 2 - tree->box[j] / 2) * index->scale;

		sum += half * half;
	}
	index->slack = 1.1 * 0x1p-23 * sqrt(sum);
	index->growth = 1 + 2 * (tree->d + 4) * 0x1p-24;
	index->blur = 3 * (tree->d + 4) * 0x1p-24;
}

/*
 * Whether single precision tells points apart where most of them are, or one
 * far point has made all others look the same.  Equal points are no harm: the
 * exact boxes rule them out by their indices.
 */
static bool
precise_enough(const gh_kdtree *tree)
{
	gh_batch_index index;
	size_t		small = 0;

	set_precision(tree, &index);
	for (uint32_t node = 0; node < tree->n_nodes; node++)
	{
		const double *box = tree->box + (size_t) node * 2 * tree->d;
		double		sum = 0;

		if (tree->nodes[node].right != 0)
			continue;
		for (int j = 0; j < tree->d; j++)
		{
			double		side = (box[tree->d + j] - box[j]) * index.scale;

			sum += side * side;
		}
		small += sum > 0 && sqrt(sum) < LEAST_SLACKS * index.slack;
	}
	return small <= n_leaves(tree) / SMALL_LEAVES;
}

/* Bytes of the float copy while it is made, which is when it takes most. */
static size_t
plan_memory(size_t n, int d, gh_batch_plan plan)
{
	size_t		rows = n * d * sizeof(float),
				columns = (n + LEAF - 1) / LEAF * ((LEAF + 4) * d + LEAF) * sizeof(float),
				building = n * (d * sizeof(double) + 16);

	if (plan == GH_BATCH_NONE)
		return 0;
	if (plan == GH_BATCH_PLAIN)
		return rows + columns;
	return rows + gh_kdtree_memory(n, d) + (building > columns ? building : columns);
}

static gh_batch_plan
best_plan(size_t n, int d, int k)
{
	if (d > MOST_DIMENSIONS || k > MOST_K)
		return GH_BATCH_NONE;
	return gh_batch_turning_pays(n, d) ? GH_BATCH_TURNED : GH_BATCH_PLAIN;
}

size_t
gh_neighbours_memory(size_t n, int d, int k)
{
	return plan_memory(n, d, best_plan(n, d, k));
}

gh_batch_plan
gh_batch_choose(const gh_ctx *ctx, const gh_kdtree *tree, int k)
{
	double		half = half_width(tree);
	gh_batch_plan plan;
	size_t		worker;

	if (!(half >= LEAST_WIDTH && half <= MOST_WIDTH) ||
		!precise_enough(tree))
		return GH_BATCH_NONE;
	plan = best_plan(tree->n, tree->d, k);
	worker = sizeof(gh_batch) + LEAF * (tree->d * sizeof(double) + k * sizeof(candidate));
	while (plan != GH_BATCH_NONE &&
		   !gh_memory_fits(ctx, plan_memory(tree->n, tree->d, plan) + gh_ctx_threads(ctx) * worker))
		plan--;
	return plan;
}

/* Of point i of a leaf. */
static double
length2(const float *columns, uint32_t i, int d)
{
	double		sum = 0;

	for (int j = 0; j < d; j++)
		sum += (double) columns[(size_t) j * LEAF + i] * columns[(size_t) j * LEAF + i];
	return sum;
}

/* A leaf's columns, box and half squares from the rows. */
static void
fill_leaf(gh_batch_index *index, uint32_t node)
{
	const gh_kdtree *t = index->tree;
	const gh_kdnode *v = &t->nodes[node];
	uint32_t	n = v->end - v->begin;
	int			d = t->d;
	float	   *box = index->box + (size_t) node * 2 * d,
			   *half = index->half + v->begin;

	memset(half, 0, LEAF * sizeof(float));
	for (int j = 0; j < d; j++)
	{
		float	   *to = index->columns + (size_t) v->begin * d + (size_t) j * LEAF;

		for (uint32_t i = 0; i < LEAF; i++)
			to[i] = i < n ? index->rows[(size_t) t->order[v->begin + i] * d + j] : 0;
		box[j] = box[d + j] = to[0];
		for (uint32_t i = 1; i < n; i++)
		{
			box[j] = to[i] < box[j] ? to[i] : box[j];
			box[d + j] = to[i] > box[d + j] ? to[i] : box[d + j];
		}
	}
	for (uint32_t i = 0; i < n; i++)
		half[i] = (float) (length2(index->columns + (size_t) v->begin * d, i, d) * (1 - index->blur) / 2);
}

static void
join_boxes(gh_batch_index *index, uint32_t node)
{
	int			d = index->tree->d;
	float	   *box = index->box + (size_t) node * 2 * d;
	const float *left = index->box + (size_t) (node + 1) * 2 * d,
			   *right = index->box + (size_t) index->tree->nodes[node].right * 2 * d;

	for (int j = 0; j < d; j++)
	{
		box[j] = left[j] < right[j] ? left[j] : right[j];
		box[d + j] = left[d + j] > right[d + j] ? left[d + j] : right[d + j];
	}
}

gh_status
gh_batch_index_build(gh_ctx *ctx, const gh_kdtree *tree, gh_batch_plan plan, gh_batch_index *index)
{
	memset(index, 0, sizeof(*index));
	set_precision(tree, index);
	GH_TRY(gh_batch_rows(ctx, tree, plan == GH_BATCH_TURNED, index));
	index->tree = index->turned.n > 0 ? &index->turned : tree;
	if ((index->columns = gh_alloc(ctx, n_leaves(tree) * LEAF, tree->d * sizeof(float))) == NULL ||
		(index->half = GH_NEW(ctx, n_leaves(tree) * LEAF, float)) == NULL ||
		(index->box = gh_alloc(ctx, tree->n_nodes, 2 * tree->d * sizeof(float))) == NULL)
		return gh_ctx_status(ctx);
	/* children stand behind their parent */
	for (uint32_t node = tree->n_nodes; node-- > 0;)
	{
		if (node % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		if (index->tree->nodes[node].right == 0)
			fill_leaf(index, node);
		else
			join_boxes(index, node);
	}
	gh_free(ctx, index->rows);
	index->rows = NULL;
	return GH_OK;
}

void
gh_batch_index_free(gh_ctx *ctx, gh_batch_index *index)
{
	gh_kdtree_free(ctx, &index->turned);
	gh_free(ctx, index->rows);
	gh_free(ctx, index->columns);
	gh_free(ctx, index->half);
	gh_free(ctx, index->box);
	memset(index, 0, sizeof(*index));
}

/* ---- the search --------------------------------------------------------- */

gh_batch *
gh_batch_open(gh_ctx *ctx, const gh_batch_index *index, int k)
{
	gh_batch   *b = gh_alloc_zero(ctx, 1, sizeof(gh_batch));

	if (b == NULL)
		return NULL;
	b->index = index;
	b->kernels = gh_kernels_get();
	b->filter = gh_leaf_kernels_get();
	if ((b->rows = gh_alloc(ctx, LEAF, index->tree->d * sizeof(double))) == NULL ||
		(b->room = gh_alloc(ctx, LEAF, k * sizeof(candidate))) == NULL)
	{
		gh_batch_close(ctx, b);
		return NULL;
	}
	for (int i = 0; i < LEAF; i++)
		b->lists[i] = (nearest) {b->room + (size_t) i * k, k, 0, INFINITY};
	return b;
}

void
gh_batch_close(gh_ctx *ctx, gh_batch *b)
{
	if (b == NULL)
		return;
	gh_free(ctx, b->rows);
	gh_free(ctx, b->room);
	gh_free(ctx, b);
}

/* The thresholds of query i follow from the k-th candidate. */
static inline void
set_thresholds(gh_batch *b, int i)
{
	const gh_batch_index *x = b->index;
	const nearest *l = &b->lists[i];
	double		reach,
				least,
				most,
				product;

	if (l->n < l->k)
		return;
	reach = worst(l)->distance * x->scale;
	most = reach * (1 + 1e-9) + x->slack;
	least = reach * (1 - 1e-9) - x->slack;
	/* the last factors are for the rounding to float */
	b->far[i] = (float) (most * most * x->growth * (1 + 0x1p-22));
	b->near[i] = least > 0 ? (float) (least * least / x->growth * (1 - 0x1p-22)) : 0;
	product = (b->length2[i] * (1 - x->blur) - b->far[i]) / 2;
	b->least[i] = (float) (product - fabs(product) * 0x1p-22);
	b->sharp = (b->sharp & ~(UINT32_C(1) << i)) |
		(uint32_t) (b->length2[i] * x->blur < MOST_BLUR * b->far[i]) << i;
}

static void
offer_point(gh_batch *b, int i, const gh_kdnode *leaf, uint32_t p)
{
	const gh_kdtree *t = b->index->tree;
	uint32_t	n = leaf->end - leaf->begin;
	const double *column = t->columns + (size_t) leaf->begin * t->d + p;
	const double *q = b->rows + (size_t) i * t->d;
	double		sum = 0;

	for (int j = 0; j < t->d; j++)
	{
		double		delta = column[(size_t) j * n] - q[j];

		sum += delta * delta;
	}
	gh_nearest_offer(&b->lists[i], sum, t->order[leaf->begin + p]);
}

/* Offers the points of a leaf whose bits are set to query i. */
static void
offer_hits(gh_batch *b, int i, const gh_kdnode *leaf, uint32_t hits)
{
	const gh_kdtree *t = b->index->tree;
	uint32_t	n = leaf->end - leaf->begin;
	bool		many = __builtin_popcount(hits) >= MANY_HITS;

	if (many)
		b->kernels->distances2(t->columns + (size_t) leaf->begin * t->d, n, n, t->d,
							   b->rows + (size_t) i * t->d, b->distance2);
	for (; hits != 0; hits &= hits - 1)
	{
		int			p = __builtin_ctz(hits);

		if (many)
			gh_nearest_offer(&b->lists[i], b->distance2[p], t->order[leaf->begin + p]);
		else
			offer_point(b, i, leaf, p);
	}
	set_thresholds(b, i);
}

/* As many low bits as there are points in the leaf. */
static inline uint32_t
all_of(const gh_kdnode *leaf)
{
	return UINT32_MAX >> (LEAF - (leaf->end - leaf->begin));
}

static void
visit_leaf(gh_batch *b, uint32_t node, uint32_t active)
{
	const gh_kdtree *t = b->index->tree;
	const gh_kdnode *leaf = &t->nodes[node];
	const float *columns = b->index->columns + (size_t) leaf->begin * t->d;
	uint32_t	hits[LEAF];

	b->measured += (uint64_t) __builtin_popcount(active);
	if ((active & b->sharp) != 0)
		b->filter->products(b->columns, columns, b->index->half + leaf->begin, t->d, active & b->sharp, b->least, hits);
	if ((active & ~b->sharp) != 0)
		b->filter->hits(b->columns, columns, t->d, active & ~b->sharp, b->far, hits);
	for (; active != 0; active &= active - 1)
	{
		int			i = __builtin_ctz(active);

		hits[i] &= all_of(leaf);
		if (hits[i] != 0)
			offer_hits(b, i, leaf, hits[i]);
	}
}

/* Measures every query's distance to a node; true when one may have neighbours in it. */
static inline uint32_t
reach_node(const gh_batch *b, uint32_t node, pending *out)
{
	const gh_batch_index *x = b->index;
	const float *low = x->box + (size_t) node * 2 * x->tree->d;

	out->node = node;
	return b->filter->bounds(b->columns, x->tree->d, low, low + x->tree->d, b->far, out->bound);
}

/*
 * The queries for which a node is still worth a visit.  Where single precision
 * cannot tell, the exact box decides, ties included.
 */
static uint32_t
still_active(const gh_batch *b, const pending *p)
{
	const gh_kdtree *t = b->index->tree;
	uint32_t	active = b->filter->not_above(p->bound, b->far);
	uint32_t	doubtful = active & b->filter->not_above(b->near, p->bound);

	for (; doubtful != 0; doubtful &= doubtful - 1)
	{
		int			i = __builtin_ctz(doubtful);
		double		bound2 = gh_kdtree_box_distance2(t, p->node, b->rows + (size_t) i * t->d);

		if (nearest_rules_out(&b->lists[i], bound2, t->nodes[p->node].lowest))
			active &= ~(UINT32_C(1) << i);
	}
	return active;
}

/* The child that is nearer to most is on top of the stack; else that with the lower indices. */
static int
push_children(gh_batch *b, uint32_t node, uint32_t active, int depth)
{
	const gh_kdnode *nodes = b->index->tree->nodes;
	pending    *first = &b->stack[depth],
			   *second = &b->stack[depth + 1];
	uint32_t	left = node + 1,
				right = nodes[node].right;
	bool		goes_left = reach_node(b, left, second) != 0,
				goes_right = reach_node(b, right, first) != 0;
	int			lefts,
				rights;

	if (!goes_left)
		return depth + goes_right;
	if (!goes_right)
	{
		*first = *second;
		return depth + 1;
	}
	lefts = __builtin_popcount(active & ~b->filter->not_above(first->bound, second->bound));
	rights = __builtin_popcount(active & ~b->filter->not_above(second->bound, first->bound));
	if (lefts < rights || (lefts == rights && nodes[right].lowest < nodes[left].lowest))
	{
		pending		swap = *first;

		*first = *second;
		*second = swap;
	}
	return depth + 2;
}

static gh_status
search_tree(gh_ctx *ctx, gh_batch *b)
{
	int			depth = 0;

	if (reach_node(b, 0, &b->stack[0]) != 0)
		depth = 1;
	while (depth > 0)
	{
		uint32_t	node = b->stack[--depth].node;
		uint32_t	active;

		if (++b->visits % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		if (node == b->own)
			continue;
		active = still_active(b, &b->stack[depth]);
		if (active == 0)
			continue;
		if (b->index->tree->nodes[node].right != 0)
			depth = push_children(b, node, active, depth);
		else
			visit_leaf(b, node, active);
	}
	return GH_OK;
}

/* Takes the points of a leaf as the queries, each with the others of the leaf as first candidates. */
static void
start(gh_batch *b, uint32_t node)
{
	const gh_kdtree *t = b->index->tree;
	const gh_kdnode *leaf = &t->nodes[node];
	const double *columns = t->columns + (size_t) leaf->begin * t->d;

	b->own = node;
	b->n = (int) (leaf->end - leaf->begin);
	b->columns = b->index->columns + (size_t) leaf->begin * t->d;
	b->sharp = 0;
	for (int i = 0; i < LEAF; i++)
	{
		b->length2[i] = length2(b->columns, (uint32_t) i, t->d);
		b->near[i] = INFINITY;
		b->far[i] = i < b->n ? INFINITY : -1;
	}
	for (int i = 0; i < b->n; i++)
	{
		for (int j = 0; j < t->d; j++)
			b->rows[(size_t) i * t->d + j] = columns[(size_t) j * b->n + i];
		b->lists[i].n = 0;
		b->lists[i].reach2 = INFINITY;
	}
	for (int i = 0; i < b->n; i++)
		offer_hits(b, i, leaf, all_of(leaf) & ~(UINT32_C(1) << i));
}

static void
write_leaf(gh_batch *b, uint32_t *indices, double *distances)
{
	const gh_kdtree *t = b->index->tree;

	for (int i = 0; i < b->n; i++)
	{
		size_t		row = (size_t) t->order[t->nodes[b->own].begin + i] * b->lists[i].k;

		gh_nearest_write(&b->lists[i], indices ? indices + row : NULL, distances ? distances + row : NULL);
	}
}

gh_status
gh_batch_search(gh_ctx *ctx, gh_batch *b, uint32_t leaf, uint32_t *indices, double *distances)
{
	start(b, leaf);
	GH_TRY(search_tree(ctx, b));
	write_leaf(b, indices, distances);
	return GH_OK;
}

/* A leaf's points, for every group of queries but its own. */
static void
scan_leaf(gh_batch **group, size_t n_group, uint32_t leaf)
{
	for (size_t g = 0; g < n_group; g++)
	{
		if (group[g]->own != leaf)
			visit_leaf(group[g], leaf, all_of(&group[g]->index->tree->nodes[group[g]->own]));
	}
}

gh_status
gh_batch_scan(gh_ctx *ctx, gh_batch **group, size_t n_group, const uint32_t *leaves, size_t n, size_t first,
			  uint32_t *indices, double *distances)
{
	for (size_t g = 0; g < n_group; g++)
		start(group[g], leaves[first + g]);
	for (size_t g = 0; g < n_group; g++)
		scan_leaf(group, n_group, leaves[first + g]);
	/* those next to the queries first: the sooner the near ones are found, the fewer need an exact look */
	for (size_t away = 1; away < n; away++)
	{
		if (away % (POLL_EVERY / GH_BATCH_GROUP) == 0)
			GH_CHECK_STOP(ctx);
		if (away <= first)
			scan_leaf(group, n_group, leaves[first - away]);
		if (first + n_group - 1 + away < n)
			scan_leaf(group, n_group, leaves[first + n_group - 1 + away]);
	}
	for (size_t g = 0; g < n_group; g++)
		write_leaf(group[g], indices, distances);
	return GH_OK;
}

gh_status
gh_batch_scanning_pays(gh_ctx *ctx, gh_batch *b, const uint32_t *leaves, size_t n, bool *pays)
{
	*pays = false;
	if (n < LEAST_SCANNED)
		return GH_OK;
	b->measured = 0;
	for (size_t i = 0; i < SCAN_SAMPLE; i++)
	{
		start(b, leaves[(2 * i + 1) * n / (2 * SCAN_SAMPLE)]);
		GH_TRY(search_tree(ctx, b));
	}
	*pays = (double) b->measured > MOST_SEARCHED * SCAN_SAMPLE * (double) n * LEAF;
	return GH_OK;
}
