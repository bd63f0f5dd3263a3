/*
 * core_distances.c
 *		Core distances: how far the m-th nearest other point is.
 *
 * In few dimensions the leaves of the tree are asked one by one.  In many, the
 * neighbours of UMAP's room are quicker, but they want memory for all of them
 * at once; without it the leaves do there too.
 */
#include "leaf_neighbours.h"

#include "base/gh_threads.h"
#include "project/gh_neighbours.h"

#include <string.h>

/* Leaves one task asks for: fixed, whatever the number of threads. */
#define LEAVES_PER_TASK 16
/* Up to so many dimensions the leaves are quicker. */
#define FEW_DIMENSIONS 3

typedef struct core_job
{
	const gh_kdtree *tree;
	const int  *m;
	int			n_columns;
	double	   *core;
	gh_seeds   *seeds;
	int			k;				/* neighbours asked for */
	const uint32_t *leaves;
	size_t		n_leaves;
	gh_leaf_search *searches;	/* one per worker */
} core_job;

/* ---- by leaf ------------------------------------------------------------- */

static void
write_leaf(const core_job *job, const gh_leaf_search *s)
{
	const gh_kdtree *t = job->tree;
	gh_seeds   *seeds = job->seeds;
	uint32_t	begin = t->nodes[s->leaf].begin;

	for (int i = 0; i < s->n; i++)
	{
		const double *distance2 = s->distance2 + (size_t) i * s->k;
		const uint32_t *position = s->position + (size_t) i * s->k;
		size_t		row = (begin + (size_t) i) * (size_t) seeds->k;

		for (int c = 0; c < job->n_columns; c++)
			job->core[(size_t) c * t->n + t->order[begin + i]] = sqrt(distance2[job->m[c] - 1]);
		for (int r = 0; r < seeds->k; r++)
		{
			seeds->position[row + r] = position[r];
			seeds->distance[row + r] = sqrt(distance2[r]);
		}
	}
}

static gh_status
leaf_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	core_job   *job = arg;
	size_t		begin = task * LEAVES_PER_TASK,
				end = begin + LEAVES_PER_TASK < job->n_leaves ? begin + LEAVES_PER_TASK : job->n_leaves;

	for (size_t l = begin; l < end; l++)
	{
		GH_CHECK_STOP(ctx);
		GH_TRY(gh_leaf_search_run(ctx, &job->searches[worker], job->leaves[l]));
		write_leaf(job, &job->searches[worker]);
	}
	return GH_OK;
}

static gh_status
search_leaves(gh_ctx *ctx, core_job *job)
{
	const gh_kdtree *t = job->tree;
	int			n_workers = gh_ctx_threads(ctx),
				n_open = 0;
	uint32_t   *leaves = GH_NEW(ctx, t->n_nodes, uint32_t);
	gh_status	status = GH_OK;

	job->searches = GH_NEW(ctx, n_workers, gh_leaf_search);
	if (leaves == NULL || job->searches == NULL)
		status = gh_ctx_status(ctx);
	while (status == GH_OK && n_open < n_workers)
		status = gh_leaf_search_open(ctx, t, job->k, &job->searches[n_open++]);
	if (status == GH_OK)
	{
		for (uint32_t v = 0; v < t->n_nodes; v++)
		{
			if (t->nodes[v].right == 0)
				leaves[job->n_leaves++] = v;
		}
		job->leaves = leaves;
		status = gh_parallel_stage(ctx, "hdbscan: core distances",
								   (job->n_leaves + LEAVES_PER_TASK - 1) / LEAVES_PER_TASK, leaf_task, job);
	}
	while (n_open > 0)
		gh_leaf_search_close(ctx, &job->searches[--n_open]);
	gh_free(ctx, job->searches);
	gh_free(ctx, leaves);
	return status;
}

/* ---- all at once ---------------------------------------------------------- */

static size_t
lists_memory(const gh_kdtree *t, int k)
{
	return t->n * (size_t) k * (sizeof(uint32_t) + sizeof(double)) + gh_neighbours_memory(t->n, t->d, k);
}

static gh_status
search_lists(gh_ctx *ctx, core_job *job)
{
	const gh_kdtree *t = job->tree;
	gh_seeds   *seeds = job->seeds;
	uint32_t   *index = gh_alloc(ctx, t->n, (size_t) job->k * sizeof(uint32_t));
	double	   *distance = gh_alloc(ctx, t->n, (size_t) job->k * sizeof(double));
	gh_status	status = GH_OK;

	if (index == NULL || distance == NULL)
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
		status = gh_neighbours(ctx, t, job->k, index, distance);
	for (size_t p = 0; status == GH_OK && p < t->n; p++)
	{
		size_t		point = t->order[p],
					row = point * (size_t) job->k;

		if ((p & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		for (int c = 0; c < job->n_columns; c++)
			job->core[(size_t) c * t->n + point] = distance[row + job->m[c] - 1];
		for (int r = 0; r < seeds->k; r++)
		{
			seeds->position[p * seeds->k + r] = t->position[index[row + r]];
			seeds->distance[p * seeds->k + r] = distance[row + r];
		}
	}
	gh_free(ctx, index);
	gh_free(ctx, distance);
	return status;
}

gh_status
gh_core_distances(gh_ctx *ctx, const gh_kdtree *tree, const int *m, int n_columns, double *core, int k,
				  gh_seeds *seeds)
{
	core_job	job = {.tree = tree,.m = m,.n_columns = n_columns,.core = core,.seeds = seeds,.k = k};
	size_t		n_seeds;
	gh_status	status;

	memset(seeds, 0, sizeof(*seeds));
	for (int c = 0; c < n_columns; c++)
		job.k = m[c] > job.k ? m[c] : job.k;
	if (gh_mul_overflow(tree->n, (size_t) k, &n_seeds))
		return gh_fail(ctx, GH_ELIMIT, "too many neighbours: %zu points times %d", tree->n, k);
	if ((seeds->position = GH_NEW(ctx, n_seeds, uint32_t)) == NULL ||
		(seeds->distance = GH_NEW(ctx, n_seeds, double)) == NULL)
	{
		gh_seeds_free(ctx, seeds);
		return gh_ctx_status(ctx);
	}
	seeds->k = k;
	if (tree->d > FEW_DIMENSIONS && gh_memory_fits(ctx, lists_memory(tree, job.k)))
		status = search_lists(ctx, &job);
	else
		status = search_leaves(ctx, &job);
	if (status != GH_OK)
		gh_seeds_free(ctx, seeds);
	return status;
}

size_t
gh_core_distances_memory(size_t n, int d, int most)
{
	size_t		lists;

	if (d <= FEW_DIMENSIONS)
		return 0;
	if (gh_mul_overflow(n, (size_t) most * (sizeof(uint32_t) + sizeof(double)), &lists))
		return SIZE_MAX;
	return lists + gh_neighbours_memory(n, d, most);
}

void
gh_seeds_free(gh_ctx *ctx, gh_seeds *seeds)
{
	gh_free(ctx, seeds->position);
	gh_free(ctx, seeds->distance);
	memset(seeds, 0, sizeof(*seeds));
}
