/*
 * kdtree_plane.c
 *		The kd-tree of points of the plane: the same tree, built faster.
 *
 * Coordinates move along with their indices, so that every pass is over
 * neighbouring memory, and since the number of points decides how many nodes a
 * subtree has, subtrees are built side by side.
 */
#include "project/kdtree_private.h"

#include "base/gh_random.h"
#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

/* Items between two polls. */
#define POLL_EVERY 65536
/* A subtree of at most so many points is one task: fixed, whatever the number of threads. */
#define POINTS_PER_TASK 8192
/* Entries that a pivot is chosen from. */
#define SAMPLE 33

typedef struct entry
{
	double		x[2];
	uint32_t	index;
} entry;

typedef struct subtree
{
	uint32_t	node,
				begin,
				end;
} subtree;

typedef struct plane
{
	gh_kdtree  *tree;
	entry	   *entries;		/* n, in the order of the tree as it grows */
	subtree    *tasks;			/* subtrees that are left to build */
	size_t		n_tasks;
} plane;

/* Without a branch: which way it goes is a toss. */
static inline bool
entry_before(const entry *a, const entry *b, int axis)
{
	return (a->x[axis] < b->x[axis]) | ((a->x[axis] == b->x[axis]) & (a->index < b->index));
}

/* Where among n entries one stands whose rank is about `rank`: the corresponding one of a sorted sample. */
static size_t
choose_pivot(const entry *a, size_t n, size_t rank, uint64_t pass, int axis)
{
	size_t		sample[SAMPLE],
				size = n < 1024 ? 5 : SAMPLE;
	uint64_t	key = gh_random_seed(n, rank, pass);

	for (size_t m = 0; m < size; m++)
	{
		size_t		drawn = (size_t) (key % n),
					at = m;

		key = key * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		key ^= key >> 29;
		for (; at > 0 && entry_before(&a[drawn], &a[sample[at - 1]], axis); at--)
			sample[at] = sample[at - 1];
		sample[at] = drawn;
	}
	return sample[rank * size / n];
}

/* Entries before the pivot to the front; *front is how many. */
static gh_status
partition(gh_ctx *ctx, entry *a, size_t n, const entry *pivot, int axis, size_t *front)
{
	size_t		at = 0;

	for (size_t begin = 0; begin < n; begin += POLL_EVERY)
	{
		size_t		end = begin + POLL_EVERY < n ? begin + POLL_EVERY : n;

		GH_CHECK_STOP(ctx);
		for (size_t i = begin; i < end; i++)
		{
			entry		moved = a[i];

			a[i] = a[at];
			a[at] = moved;
			at += entry_before(&moved, pivot, axis);
		}
	}
	*front = at;
	return GH_OK;
}

/* Puts the `rank` first of n entries to the front, in any order. */
static gh_status
select_front(gh_ctx *ctx, entry *a, size_t n, size_t rank, int axis)
{
	for (uint64_t pass = 0; n > 1 && rank > 0 && rank < n; pass++)
	{
		size_t		chosen = choose_pivot(a, n, rank, pass, axis),
					front = 0;
		entry		pivot = a[chosen];

		a[chosen] = a[0];
		GH_TRY(partition(ctx, a + 1, n - 1, &pivot, axis, &front));
		a[0] = a[front];
		a[front] = pivot;
		if (rank <= front)
			n = front;
		else
		{
			a += front + 1;
			n -= front + 1;
			rank -= front + 1;
		}
	}
	return GH_OK;
}

/* Fills the box of a node; *axis is the dimension to cut: the wider one, of equal ones the first. */
static gh_status
measure_box(gh_ctx *ctx, const plane *p, const subtree *s, int *axis)
{
	double	   *box = p->tree->box + (size_t) s->node * 4;
	double		low[2] = {INFINITY, INFINITY},
				high[2] = {-INFINITY, -INFINITY};

	for (size_t begin = s->begin; begin < s->end; begin += POLL_EVERY)
	{
		size_t		end = begin + POLL_EVERY < s->end ? begin + POLL_EVERY : s->end;

		GH_CHECK_STOP(ctx);
		for (size_t i = begin; i < end; i++)
		{
			const double *x = p->entries[i].x;

			for (int j = 0; j < 2; j++)
			{
				low[j] = x[j] < low[j] ? x[j] : low[j];
				high[j] = x[j] > high[j] ? x[j] : high[j];
			}
		}
	}
	memcpy(box, low, sizeof(low));
	memcpy(box + 2, high, sizeof(high));
	*axis = high[1] - low[1] > high[0] - low[0];
	return GH_OK;
}

/* Ascending indices, then the coordinates by column. */
static void
fill_leaf(plane *p, const subtree *s)
{
	gh_kdtree  *t = p->tree;
	entry	   *e = p->entries + s->begin;
	uint32_t	n = s->end - s->begin;
	double	   *columns = t->columns + (size_t) s->begin * 2;

	for (uint32_t i = 1; i < n; i++)
	{
		entry		moved = e[i];
		uint32_t	at = i;

		for (; at > 0 && e[at - 1].index > moved.index; at--)
			e[at] = e[at - 1];
		e[at] = moved;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		t->order[s->begin + i] = e[i].index;
		t->position[e[i].index] = s->begin + i;
		t->leaf_of[s->begin + i] = s->node;
		columns[i] = e[i].x[0];
		columns[n + i] = e[i].x[1];
	}
}

/* A node's place and box, and its points cut in two; a leaf is filled. */
static gh_status
make_node(gh_ctx *ctx, plane *p, const subtree *s, subtree *left, subtree *right)
{
	gh_kdnode  *node = &p->tree->nodes[s->node];
	size_t		n = s->end - s->begin,
				cut = gh_kdtree_cut_size(n);
	int			axis = 0;

	GH_TRY(measure_box(ctx, p, s, &axis));
	*node = (gh_kdnode) {.begin = s->begin,.end = s->end};
	if (n <= GH_KDTREE_LEAF)
	{
		fill_leaf(p, s);
		node->lowest = p->entries[s->begin].index;
		return GH_OK;
	}
	GH_TRY(select_front(ctx, p->entries + s->begin, n, cut, axis));
	*left = (subtree) {s->node + 1, s->begin, s->begin + (uint32_t) cut};
	*right = (subtree) {s->node + 1 + (uint32_t) gh_kdtree_count_nodes(cut), left->end, s->end};
	node->right = right->node;
	return GH_OK;
}

/* Down to the subtrees that are tasks. */
static gh_status
build_top(gh_ctx *ctx, plane *p, const subtree *s)
{
	subtree		left,
				right;

	if (s->end - s->begin <= POINTS_PER_TASK)
	{
		p->tasks[p->n_tasks++] = *s;
		return GH_OK;
	}
	GH_TRY(make_node(ctx, p, s, &left, &right));
	GH_TRY(build_top(ctx, p, &left));
	return build_top(ctx, p, &right);
}

static gh_status
build_subtree(gh_ctx *ctx, plane *p, const subtree *s)
{
	gh_kdnode  *nodes = p->tree->nodes;
	subtree		left,
				right;

	GH_TRY(make_node(ctx, p, s, &left, &right));
	if (nodes[s->node].right == 0)
		return GH_OK;
	GH_TRY(build_subtree(ctx, p, &left));
	GH_TRY(build_subtree(ctx, p, &right));
	nodes[s->node].lowest = nodes[left.node].lowest < nodes[right.node].lowest ?
		nodes[left.node].lowest : nodes[right.node].lowest;
	return GH_OK;
}

static gh_status
subtree_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	plane	   *p = arg;

	(void) worker;
	return build_subtree(ctx, p, &p->tasks[task]);
}

/* The lowest indices of the nodes above the tasks: a parent has a lower number than its children. */
static void
finish_top(gh_kdtree *t)
{
	for (uint32_t v = t->n_nodes; v-- > 0;)
	{
		gh_kdnode  *node = &t->nodes[v];

		if (node->end - node->begin > POINTS_PER_TASK)
			node->lowest = t->nodes[v + 1].lowest < t->nodes[node->right].lowest ?
				t->nodes[v + 1].lowest : t->nodes[node->right].lowest;
	}
}

gh_status
gh_kdtree_fill_plane(gh_ctx *ctx, const double *points, gh_kdtree *tree)
{
	plane		p = {tree, GH_NEW(ctx, tree->n, entry), GH_NEW(ctx, 4 * (tree->n / POINTS_PER_TASK + 1), subtree), 0};
	subtree		all = {0, 0, (uint32_t) tree->n};
	gh_status	status = GH_OK;

	if (p.entries == NULL || p.tasks == NULL)
		status = gh_ctx_status(ctx);
	for (size_t i = 0; status == GH_OK && i < tree->n; i++)
	{
		if (i % POLL_EVERY == POLL_EVERY - 1 && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		p.entries[i] = (entry) {{points[2 * i], points[2 * i + 1]}, (uint32_t) i};
	}
	tree->n_nodes = (uint32_t) gh_kdtree_count_nodes(tree->n);
	if (status == GH_OK)
		status = build_top(ctx, &p, &all);
	if (status == GH_OK)
		status = gh_parallel(ctx, p.n_tasks, subtree_task, &p);
	if (status == GH_OK)
		finish_top(tree);
	gh_free(ctx, p.entries);
	gh_free(ctx, p.tasks);
	return status;
}
