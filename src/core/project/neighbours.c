/*
 * neighbours.c
 *		Exact nearest neighbours from a kd-tree.
 */
#include "project/nearest_private.h"

#include "base/gh_kernels.h"
#include "base/gh_threads.h"

#include <string.h>

/* Leaves whose points one task asks for: fixed, whatever the number of threads. */
#define LEAVES_PER_TASK GH_BATCH_GROUP
/* Leaves visited between two polls. */
#define POLL_EVERY 64
/* Deeper than any tree of 2^32 points. */
#define STACK_SIZE 64

/* Nothing is left out. */
#define NO_POINT UINT32_MAX

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
	nearest		list;			/* with room for k */
	uint32_t	visits;			/* leaves, for the polls */
	double	   *query;			/* d, room for a query point */
	double		distance2[GH_KDTREE_LEAF];
	pending		stack[STACK_SIZE];
} search;

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

/*
 * Takes a candidate that is better than the worst, or finds room.  The order
 * is that of the rounded distances, and rounding the root can make unequal
 * squares equal: so the reach is lifted by a few units in the last place, and
 * what lies within is compared exactly.
 */
static void
keep(nearest *l, double distance, uint32_t index)
{
	candidate	taken = {distance, index};

	if (l->k <= SORTED_MAX)
	{
		int			at = l->n < l->k ? l->n++ : l->k - 1;

		for (; at > 0 && before(distance, index, &l->found[at - 1]); at--)
			l->found[at] = l->found[at - 1];
		l->found[at] = taken;
	}
	else if (l->n < l->k)
		rise(l->found, l->n++, taken);
	else
		sink(l->found, l->k, taken);
	if (l->n == l->k)
	{
		double		w = worst(l)->distance;

		l->reach2 = w * w * (1 + 1e-15) + 1e-300;
	}
}

void
gh_nearest_offer(nearest *l, double distance2, uint32_t index)
{
	double		distance;

	if (!(distance2 <= l->reach2))
		return;
	distance = sqrt(distance2);
	if (l->n < l->k || before(distance, index, worst(l)))
		keep(l, distance, index);
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
		if (order[i] != s->left_out)
			gh_nearest_offer(&s->list, s->distance2[i], order[i]);
	}
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

/* Fills s->list. */
static gh_status
run_search(gh_ctx *ctx, search *s, const double *q, uint32_t left_out)
{
	int			depth = 0;

	s->q = q;
	s->left_out = left_out;
	s->list.n = 0;
	s->list.reach2 = INFINITY;
	s->stack[depth++] = (pending) {gh_kdtree_box_distance2(s->tree, 0, q), 0};
	while (depth > 0)
	{
		pending		next = s->stack[--depth];

		if (nearest_rules_out(&s->list, next.bound2, s->tree->nodes[next.node].lowest))
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

void
gh_nearest_write(nearest *l, uint32_t *indices, double *distances)
{
	if (l->k > SORTED_MAX)
	{
		for (int n = l->k - 1; n > 0; n--)
		{
			candidate	last = l->found[n];

			l->found[n] = l->found[0];
			sink(l->found, n, last);
		}
	}
	for (int r = 0; r < l->k; r++)
	{
		if (indices != NULL)
			indices[r] = l->found[r].index;
		if (distances != NULL)
			distances[r] = l->found[r].distance;
	}
}

static gh_status
open_search(gh_ctx *ctx, const gh_kdtree *tree, int k, search *s)
{
	memset(s, 0, sizeof(*s));
	s->tree = tree;
	s->kernels = gh_kernels_get();
	s->list.k = k;
	if ((s->list.found = GH_NEW(ctx, k, candidate)) == NULL ||
		(s->query = GH_NEW(ctx, tree->d, double)) == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

static void
close_search(gh_ctx *ctx, search *s)
{
	gh_free(ctx, s->list.found);
	gh_free(ctx, s->query);
}

typedef struct neighbours_job
{
	const gh_kdtree *tree;
	int			k;
	uint32_t   *leaves;			/* the leaf nodes, in order */
	size_t		n_leaves;
	gh_batch_index index;
	gh_batch  **batches;		/* GH_BATCH_GROUP per worker, only the first in use unless all leaves are scanned;
								 * NULL: one point at a time */
	bool		scans;
	search	   *searches;		/* one per worker, or NULL */
	uint32_t   *indices;
	double	   *distances;
} neighbours_job;

/* The points of a leaf, one at a time. */
static gh_status
search_leaf(gh_ctx *ctx, const neighbours_job *job, search *s, uint32_t node)
{
	const gh_kdtree *t = job->tree;
	const gh_kdnode *leaf = &t->nodes[node];
	uint32_t	n = leaf->end - leaf->begin;
	const double *columns = t->columns + (size_t) leaf->begin * t->d;

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	point = t->order[leaf->begin + i];
		size_t		row = (size_t) point * job->k;

		for (int j = 0; j < t->d; j++)
			s->query[j] = columns[(size_t) j * n + i];
		GH_TRY(run_search(ctx, s, s->query, point));
		gh_nearest_write(&s->list, job->indices ? job->indices + row : NULL,
						 job->distances ? job->distances + row : NULL);
	}
	return GH_OK;
}

static gh_status
neighbours_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	neighbours_job *job = arg;
	gh_batch  **batches = job->batches + (job->batches != NULL ? worker * GH_BATCH_GROUP : 0);
	size_t		end = (task + 1) * LEAVES_PER_TASK;

	if (end > job->n_leaves)
		end = job->n_leaves;
	if (job->scans)
		return gh_batch_scan(ctx, batches, end - task * LEAVES_PER_TASK, job->leaves, job->n_leaves,
							 task * LEAVES_PER_TASK, job->indices, job->distances);
	for (size_t l = task * LEAVES_PER_TASK; l < end; l++)
	{
		if (job->batches != NULL)
			GH_TRY(gh_batch_search(ctx, batches[0], job->leaves[l], job->indices, job->distances));
		else
			GH_TRY(search_leaf(ctx, job, &job->searches[worker], job->leaves[l]));
	}
	return GH_OK;
}

/* The searches from `first` to `last` of every worker's group. */
static gh_status
open_batches(gh_ctx *ctx, neighbours_job *job, int first, int last)
{
	for (int w = 0; w < gh_ctx_threads(ctx); w++)
	{
		for (int g = first; g <= last; g++)
		{
			if ((job->batches[w * GH_BATCH_GROUP + g] = gh_batch_open(ctx, &job->index, job->k)) == NULL)
				return gh_ctx_status(ctx);
		}
	}
	return GH_OK;
}

static gh_status
list_leaves(gh_ctx *ctx, const gh_kdtree *tree, neighbours_job *job)
{
	size_t		n = 0;

	if ((job->leaves = GH_NEW(ctx, job->n_leaves, uint32_t)) == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t node = 0; node < tree->n_nodes; node++)
	{
		if (tree->nodes[node].right == 0)
			job->leaves[n++] = node;
	}
	return GH_OK;
}

static gh_status
open_workers(gh_ctx *ctx, neighbours_job *job)
{
	int			n_workers = gh_ctx_threads(ctx);
	gh_batch_plan plan = gh_batch_choose(ctx, job->tree, job->k);

	if (plan != GH_BATCH_NONE)
	{
		GH_TRY(gh_batch_index_build(ctx, job->tree, plan, &job->index));
		if ((job->batches = gh_alloc_zero(ctx, n_workers, GH_BATCH_GROUP * sizeof(gh_batch *))) == NULL)
			return gh_ctx_status(ctx);
		GH_TRY(open_batches(ctx, job, 0, 0));
		GH_TRY(list_leaves(ctx, job->index.tree, job));
		GH_TRY(gh_batch_scanning_pays(ctx, job->batches[0], job->leaves, job->n_leaves, &job->scans));
		return job->scans ? open_batches(ctx, job, 1, GH_BATCH_GROUP - 1) : GH_OK;
	}
	if ((job->searches = GH_NEW_ZERO(ctx, n_workers, search)) == NULL)
		return gh_ctx_status(ctx);
	for (int w = 0; w < n_workers; w++)
		GH_TRY(open_search(ctx, job->tree, job->k, &job->searches[w]));
	return list_leaves(ctx, job->tree, job);
}

static void
close_workers(gh_ctx *ctx, neighbours_job *job)
{
	int			n_workers = gh_ctx_threads(ctx);

	for (int w = 0; w < n_workers * GH_BATCH_GROUP && job->batches != NULL; w++)
		gh_batch_close(ctx, job->batches[w]);
	for (int w = 0; w < n_workers && job->searches != NULL; w++)
		close_search(ctx, &job->searches[w]);
	gh_free(ctx, job->batches);
	gh_free(ctx, job->searches);
	gh_free(ctx, job->leaves);
	gh_batch_index_free(ctx, &job->index);
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
	neighbours_job job = {.tree = tree,.k = k,.n_leaves = (tree->n_nodes + 1) / 2,.indices = indices,
	.distances = distances};
	size_t		n_tasks = (job.n_leaves + LEAVES_PER_TASK - 1) / LEAVES_PER_TASK;
	gh_status	status;

	GH_TRY(check_k(ctx, k, tree->n == 0 ? 0 : tree->n - 1));
	status = open_workers(ctx, &job);
	if (status == GH_OK)
		status = gh_parallel_stage(ctx, "nearest neighbours", n_tasks, neighbours_task, &job);
	close_workers(ctx, &job);
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
		gh_nearest_write(&s.list, indices, distances);
	close_search(ctx, &s);
	return status;
}
