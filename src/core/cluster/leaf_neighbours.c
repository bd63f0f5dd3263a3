/*
 * leaf_neighbours.c
 *		The nearest other points of all points of a leaf at once.
 *
 * The points of a leaf lie together, so they go down the tree together: a
 * subtree is left out when it is farther from the leaf's box than the farthest
 * neighbour that any of them still needs.  In the leaves that remain each point
 * asks for itself.
 */
#include "leaf_neighbours.h"

#include <string.h>

/* Nodes looked at between two polls. */
#define POLL_EVERY 64
/* Up to here a list is kept sorted, above in a heap with the farthest on top. */
#define SORTED_MAX 48
/* Deeper than any tree of 2^31 points. */
#define STACK_SIZE 64

typedef struct pending
{
	double		bound2;			/* squared distance of the boxes */
	uint32_t	node;
} pending;

static void
sink(double *distance2, uint32_t *position, int n, double moved2, uint32_t moved)
{
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n && distance2[child + 1] > distance2[child])
			child++;
		if (distance2[child] <= moved2)
			break;
		distance2[at] = distance2[child];
		position[at] = position[child];
		at = child;
	}
	distance2[at] = moved2;
	position[at] = moved;
}

static void
rise(double *distance2, uint32_t *position, int at, double moved2, uint32_t moved)
{
	for (int parent; at > 0; at = parent)
	{
		parent = (at - 1) / 2;
		if (distance2[parent] >= moved2)
			break;
		distance2[at] = distance2[parent];
		position[at] = position[parent];
	}
	distance2[at] = moved2;
	position[at] = moved;
}

static void
insert(double *distance2, uint32_t *position, int at, double moved2, uint32_t moved)
{
	for (; at > 0 && distance2[at - 1] > moved2; at--)
	{
		distance2[at] = distance2[at - 1];
		position[at] = position[at - 1];
	}
	distance2[at] = moved2;
	position[at] = moved;
}

/* A point becomes one of the k nearest of query i, whose farthest it may push out. */
static inline void
keep(gh_leaf_search *s, int i, double distance2, uint32_t position)
{
	double	   *list2 = s->distance2 + (size_t) i * s->k;
	uint32_t   *list = s->position + (size_t) i * s->k;
	int			n = s->found[i];

	if (n == s->k && !(distance2 < s->reach2[i]))
		return;
	if (s->k <= SORTED_MAX)
		insert(list2, list, n < s->k ? n : s->k - 1, distance2, position);
	else if (n < s->k)
		rise(list2, list, n, distance2, position);
	else
		sink(list2, list, s->k, distance2, position);
	if (n < s->k)
		s->found[i] = ++n;
	if (n == s->k)
		s->reach2[i] = s->k <= SORTED_MAX ? list2[s->k - 1] : list2[0];
}

/* Every query against the points of one leaf. */
static void
visit_leaf(gh_leaf_search *s, uint32_t node)
{
	const gh_kdtree *t = s->tree;
	const gh_kdnode *leaf = &t->nodes[node];
	const double *box = t->box + (size_t) node * 2 * t->d;
	const double *columns = t->columns + (size_t) leaf->begin * t->d;
	double		found2[GH_KDTREE_LEAF];

	for (int i = 0; i < s->n; i++)
	{
		const double *q = s->rows + (size_t) i * t->d;
		uint32_t	hits;

		if (gh_box_distance2(q, q, box, box + t->d, t->d) > s->reach2[i])
			continue;
		hits = s->kernels->within(columns, leaf->end - leaf->begin, t->d, q, s->reach2[i], found2);
		if (node == s->leaf)
			hits &= ~((uint32_t) 1 << i);
		for (; hits != 0; hits &= hits - 1)
		{
			int			hit = __builtin_ctz(hits);

			keep(s, i, found2[hit], leaf->begin + (uint32_t) hit);
		}
	}
	s->most2 = 0;
	for (int i = 0; i < s->n; i++)
		s->most2 = s->reach2[i] > s->most2 ? s->reach2[i] : s->most2;
}

static inline pending
make_pending(const gh_leaf_search *s, uint32_t node)
{
	int			d = s->tree->d;
	const double *box = s->tree->box + (size_t) node * 2 * d;

	return (pending) {gh_box_distance2(s->low, s->high, box, box + d, d), node};
}

static gh_status
search_tree(gh_ctx *ctx, gh_leaf_search *s)
{
	const gh_kdnode *nodes = s->tree->nodes;
	pending		stack[STACK_SIZE];
	int			depth = 0;

	if (s->leaf != GH_MIXED)
		visit_leaf(s, s->leaf);
	stack[depth++] = make_pending(s, 0);
	while (depth > 0)
	{
		pending		next = stack[--depth],
					left,
					right;

		if (++s->visits % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		if (next.bound2 > s->most2 || next.node == s->leaf)
			continue;
		if (nodes[next.node].right == 0)
		{
			visit_leaf(s, next.node);
			continue;
		}
		left = make_pending(s, next.node + 1);
		right = make_pending(s, nodes[next.node].right);
		stack[depth++] = left.bound2 <= right.bound2 ? right : left;
		stack[depth++] = left.bound2 <= right.bound2 ? left : right;
	}
	return GH_OK;
}

/* A heap becomes a list by ascending distance. */
static void
sort_list(gh_leaf_search *s, int i)
{
	double	   *list2 = s->distance2 + (size_t) i * s->k;
	uint32_t   *list = s->position + (size_t) i * s->k;

	for (int n = s->k - 1; s->k > SORTED_MAX && n > 0; n--)
	{
		double		last2 = list2[n];
		uint32_t	last = list[n];

		list2[n] = list2[0];
		list[n] = list[0];
		sink(list2, list, n, last2, last);
	}
}

gh_status
gh_leaf_search_run(gh_ctx *ctx, gh_leaf_search *s, uint32_t leaf)
{
	const gh_kdtree *t = s->tree;
	const gh_kdnode *v = &t->nodes[leaf];
	const double *columns = t->columns + (size_t) v->begin * t->d;

	s->leaf = leaf;
	s->n = (int) (v->end - v->begin);
	s->low = t->box + (size_t) leaf * 2 * t->d;
	s->high = s->low + t->d;
	for (int i = 0; i < s->n; i++)
	{
		for (int j = 0; j < t->d; j++)
			s->rows[(size_t) i * t->d + j] = columns[(size_t) j * s->n + i];
		s->found[i] = 0;
		s->reach2[i] = INFINITY;
	}
	GH_TRY(search_tree(ctx, s));
	for (int i = 0; i < s->n; i++)
	{
		GH_CHECK_STOP(ctx);
		sort_list(s, i);
	}
	return GH_OK;
}

gh_status
gh_leaf_search_point(gh_ctx *ctx, gh_leaf_search *s, const double *q)
{
	s->leaf = GH_MIXED;
	s->n = 1;
	s->low = s->high = s->rows;
	memcpy(s->rows, q, (size_t) s->tree->d * sizeof(double));
	s->found[0] = 0;
	s->reach2[0] = s->most2 = INFINITY;
	GH_TRY(search_tree(ctx, s));
	sort_list(s, 0);
	return GH_OK;
}

gh_status
gh_leaf_search_open(gh_ctx *ctx, const gh_kdtree *tree, int k, gh_leaf_search *s)
{
	memset(s, 0, sizeof(*s));
	s->tree = tree;
	s->kernels = gh_near_kernels_get();
	s->k = k;
	if ((s->rows = gh_alloc(ctx, GH_KDTREE_LEAF, (size_t) tree->d * sizeof(double))) == NULL ||
		(s->distance2 = gh_alloc(ctx, GH_KDTREE_LEAF, (size_t) k * sizeof(double))) == NULL ||
		(s->position = gh_alloc(ctx, GH_KDTREE_LEAF, (size_t) k * sizeof(uint32_t))) == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

void
gh_leaf_search_close(gh_ctx *ctx, gh_leaf_search *s)
{
	gh_free(ctx, s->rows);
	gh_free(ctx, s->distance2);
	gh_free(ctx, s->position);
}
