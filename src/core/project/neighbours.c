/*
 * neighbours.c
 *		Exact nearest neighbours from a kd-tree.
 */
#include "project/gh_neighbours.h"

#include "base/gh_kernels.h"
#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

/* Leaves whose points one task asks for: fixed, whatever the number of threads. */
#define LEAVES_PER_TASK 8
/* Up to here the candidates are kept sorted, above in a heap. */
#define SORTED_MAX 32
/* Leaves visited between two polls. */
#define POLL_EVERY 64
/* Deeper than any tree of 2^32 points. */
#define STACK_SIZE 64

/* Nothing is left out. */
#define NO_POINT UINT32_MAX

typedef struct candidate
{
	double		distance;
	uint32_t	index;
} candidate;

typedef struct pending
{
	double		bound2;			/* squared distance to the node's box */
	uint32_t	node;
} pending;

/* One worker's search. */
typedef struct search
{
	const gh_kdtree *tree;
	const gh_kernels *kernels;
	const double *q;
	uint32_t	left_out;		/* the point that asks, or NO_POINT */
	int			k;
	int			n;				/* candidates found, <= k */
	candidate  *found;			/* k; sorted, or a heap with the worst on top */
	double		reach2;			/* no point beyond can be among the k */
	uint32_t	visits;			/* leaves, for the polls */
	double	   *query;			/* d, room for a query point */
	double		distance2[GH_KDTREE_LEAF];
	pending		stack[STACK_SIZE];
} search;

static inline bool
before(double distance_a, uint32_t index_a, const candidate *b)
{
	return distance_a < b->distance || (distance_a == b->distance && index_a < b->index);
}

static void
sink(candidate *heap, int n, candidate moved)
{
	int			at = 0;

	for (;;)
	{
		int			child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n && before(heap[child].distance, heap[child].index, &heap[child + 1]))
			child++;
		if (!before(moved.distance, moved.index, &heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = moved;
}

static void
rise(candidate *heap, int at, candidate moved)
{
	while (at > 0 && before(heap[(at - 1) / 2].distance, heap[(at - 1) / 2].index, &moved))
	{
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = moved;
}

static const candidate *
worst(const search *s)
{
	return s->k <= SORTED_MAX ? &s->found[s->k - 1] : &s->found[0];
}

/*
 * Takes a candidate that is better than the worst, or finds room.  The order
 * is that of the rounded distances, and rounding the root can make unequal
 * squares equal: so the reach is lifted by a few units in the last place, and
 * what lies within is compared exactly.
 */
static void
keep(search *s, double distance, uint32_t index)
{
	candidate	taken = {distance, index};

	if (s->k <= SORTED_MAX)
	{
		int			at = s->n < s->k ? s->n++ : s->k - 1;

		for (; at > 0 && before(distance, index, &s->found[at - 1]); at--)
			s->found[at] = s->found[at - 1];
		s->found[at] = taken;
	}
	else if (s->n < s->k)
		rise(s->found, s->n++, taken);
	else
		sink(s->found, s->k, taken);
	if (s->n == s->k)
	{
		double		w = worst(s)->distance;

		s->reach2 = w * w * (1 + 1e-15) + 1e-300;
	}
}

static void
visit_leaf(search *s, const gh_kdnode *leaf)
{
	const gh_kdtree *t = s->tree;
	uint32_t	n = leaf->end - leaf->begin;
	const uint32_t *order = t->order + leaf->begin;

	s->kernels->distances2(t->columns + (size_t) leaf->begin * t->d, n, n, t->d, s->q, s->distance2);
	for (uint32_t i = 0; i < n; i++)
	{
		double		distance;

		if (!(s->distance2[i] <= s->reach2) || order[i] == s->left_out)
			continue;
		distance = sqrt(s->distance2[i]);
		if (s->n < s->k || before(distance, order[i], worst(s)))
			keep(s, distance, order[i]);
	}
}

/*
 * True when a node cannot hold one of the k: too far, or as far as the worst
 * with later indices only.  Without the second half thousands of equal points
 * would all be visited by each of them.
 */
static inline bool
hopeless(const search *s, const pending *p)
{
	if (p->bound2 > s->reach2)
		return true;
	return s->n == s->k && s->tree->nodes[p->node].lowest > worst(s)->index &&
		sqrt(p->bound2) >= worst(s)->distance;
}

/* The nearer child is on top of the stack; of equally near ones that with the lower indices. */
static int
push_children(search *s, uint32_t node, int depth)
{
	const gh_kdnode *nodes = s->tree->nodes;
	pending		left = {gh_kdtree_box_distance2(s->tree, node + 1, s->q), node + 1};
	pending		right = {gh_kdtree_box_distance2(s->tree, nodes[node].right, s->q), nodes[node].right};
	bool		left_first = left.bound2 < right.bound2 ||
		(left.bound2 == right.bound2 && nodes[left.node].lowest < nodes[right.node].lowest);

	s->stack[depth++] = left_first ? right : left;
	s->stack[depth++] = left_first ? left : right;
	return depth;
}

/* Fills s->found, unsorted when k is large. */
static gh_status
run_search(gh_ctx *ctx, search *s, const double *q, uint32_t left_out)
{
	int			depth = 0;

	s->q = q;
	s->left_out = left_out;
	s->n = 0;
	s->reach2 = INFINITY;
	s->stack[depth++] = (pending) {gh_kdtree_box_distance2(s->tree, 0, q), 0};
	while (depth > 0)
	{
		pending		next = s->stack[--depth];

		if (hopeless(s, &next))
			continue;
		if (s->tree->nodes[next.node].right != 0)
		{
			depth = push_children(s, next.node, depth);
			continue;
		}
		if (++s->visits % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		visit_leaf(s, &s->tree->nodes[next.node]);
	}
	return GH_OK;
}

/* Writes the k found in order; either output may be NULL. */
static void
write_found(search *s, uint32_t *indices, double *distances)
{
	if (s->k > SORTED_MAX)
	{
		for (int n = s->k - 1; n > 0; n--)
		{
			candidate	last = s->found[n];

			s->found[n] = s->found[0];
			sink(s->found, n, last);
		}
	}
	for (int r = 0; r < s->k; r++)
	{
		if (indices != NULL)
			indices[r] = s->found[r].index;
		if (distances != NULL)
			distances[r] = s->found[r].distance;
	}
}

static gh_status
open_search(gh_ctx *ctx, const gh_kdtree *tree, int k, search *s)
{
	memset(s, 0, sizeof(*s));
	s->tree = tree;
	s->kernels = gh_kernels_get();
	s->k = k;
	if ((s->found = GH_NEW(ctx, k, candidate)) == NULL ||
		(s->query = GH_NEW(ctx, tree->d, double)) == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

static void
close_search(gh_ctx *ctx, search *s)
{
	gh_free(ctx, s->found);
	gh_free(ctx, s->query);
}

typedef struct neighbours_job
{
	const gh_kdtree *tree;
	search	   *searches;		/* one per worker */
	const uint32_t *leaves;		/* the leaf nodes, in order */
	size_t		n_leaves;
	uint32_t   *indices;
	double	   *distances;
} neighbours_job;

static gh_status
neighbours_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	neighbours_job *job = arg;
	const gh_kdtree *t = job->tree;
	search	   *s = &job->searches[worker];
	size_t		end = (task + 1) * LEAVES_PER_TASK;

	if (end > job->n_leaves)
		end = job->n_leaves;
	for (size_t l = task * LEAVES_PER_TASK; l < end; l++)
	{
		const gh_kdnode *leaf = &t->nodes[job->leaves[l]];
		uint32_t	n = leaf->end - leaf->begin;
		const double *columns = t->columns + (size_t) leaf->begin * t->d;

		for (uint32_t i = 0; i < n; i++)
		{
			uint32_t	point = t->order[leaf->begin + i];
			size_t		row = (size_t) point * s->k;

			for (int j = 0; j < t->d; j++)
				s->query[j] = columns[(size_t) j * n + i];
			GH_TRY(run_search(ctx, s, s->query, point));
			write_found(s, job->indices ? job->indices + row : NULL, job->distances ? job->distances + row : NULL);
		}
	}
	return GH_OK;
}

static gh_status
check_k(gh_ctx *ctx, int k, size_t most)
{
	if (k >= 1 && (size_t) k <= most)
		return GH_OK;
	gh_fail(ctx, GH_EINVAL, "%d nearest neighbours were asked for among %zu points", k, most);
	return gh_fail_hint(ctx, "Ask for at least 1 and for no more than there are points.");
}

gh_status
gh_neighbours(gh_ctx *ctx, const gh_kdtree *tree, int k, uint32_t *indices, double *distances)
{
	neighbours_job job = {tree, NULL, NULL, (tree->n_nodes + 1) / 2, indices, distances};
	int			n_workers = gh_ctx_threads(ctx);
	size_t		n_tasks = (job.n_leaves + LEAVES_PER_TASK - 1) / LEAVES_PER_TASK;
	uint32_t   *leaves = NULL;
	gh_status	status;
	size_t		l = 0;

	GH_TRY(check_k(ctx, k, tree->n == 0 ? 0 : tree->n - 1));
	if ((leaves = GH_NEW(ctx, job.n_leaves, uint32_t)) == NULL ||
		(job.searches = GH_NEW_ZERO(ctx, n_workers, search)) == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	for (uint32_t node = 0; node < tree->n_nodes; node++)
	{
		if (tree->nodes[node].right == 0)
			leaves[l++] = node;
	}
	job.leaves = leaves;
	for (int w = 0; w < n_workers; w++)
		GH_GOTO(done, open_search(ctx, tree, k, &job.searches[w]));
	status = gh_parallel_stage(ctx, "nearest neighbours", n_tasks, neighbours_task, &job);

done:
	if (job.searches != NULL)
	{
		for (int w = 0; w < n_workers; w++)
			close_search(ctx, &job.searches[w]);
	}
	gh_free(ctx, job.searches);
	gh_free(ctx, leaves);
	return status;
}

gh_status
gh_neighbours_query(gh_ctx *ctx, const gh_kdtree *tree, const double *q, int k, uint32_t *indices, double *distances)
{
	search		s;
	gh_status	status;

	GH_TRY(check_k(ctx, k, tree->n));
	status = open_search(ctx, tree, k, &s);
	if (status == GH_OK)
		status = run_search(ctx, &s, q, NO_POINT);
	if (status == GH_OK)
		write_found(&s, indices, distances);
	close_search(ctx, &s);
	return status;
}
