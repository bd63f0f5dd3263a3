/*
 * core_distances.c
 *		Core distances: how far the m-th nearest other point is.
 */
#include "cluster_private.h"

#include "base/gh_threads.h"
#include "project/gh_neighbours.h"

#include <string.h>

/* Points one task asks for: fixed, whatever the number of threads. */
#define POINTS_PER_TASK 256

typedef struct core_scratch
{
	double	   *q;				/* d */
	uint32_t   *index;			/* k */
	double	   *distance;		/* k */
} core_scratch;

typedef struct core_job
{
	const gh_kdtree *tree;
	const int  *m;
	int			n_columns;
	double	   *core;
	gh_seeds   *seeds;
	int			k;				/* neighbours asked for, the point itself included */
	core_scratch *scratch;		/* one per worker */
} core_job;

static void
read_point(const gh_kdtree *tree, size_t position, double *q)
{
	const gh_kdnode *leaf = &tree->nodes[tree->leaf_of[position]];
	size_t		width = leaf->end - leaf->begin;
	const double *column = tree->columns + (size_t) leaf->begin * tree->d + (position - leaf->begin);

	for (int j = 0; j < tree->d; j++)
		q[j] = column[(size_t) j * width];
}

/*
 * The list of a query at a tree point holds the point itself at distance 0
 * (or, among more than k equal points, another one of them), so entry m is the
 * m-th nearest other point.
 */
static gh_status
core_point(gh_ctx *ctx, core_job *job, size_t position, core_scratch *s)
{
	const gh_kdtree *t = job->tree;
	uint32_t	point = t->order[position];
	size_t		row = (size_t) point * job->seeds->k;
	int			kept = 0;

	read_point(t, position, s->q);
	GH_TRY(gh_neighbours_query(ctx, t, s->q, job->k, s->index, s->distance));
	for (int c = 0; c < job->n_columns; c++)
		job->core[(size_t) c * t->n + point] = s->distance[job->m[c]];
	for (int r = 0; r < job->k && kept < job->seeds->k; r++)
	{
		if (s->index[r] == point)
			continue;
		job->seeds->index[row + kept] = s->index[r];
		job->seeds->distance[row + kept] = s->distance[r];
		kept++;
	}
	return GH_OK;
}

static gh_status
core_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	core_job   *job = arg;
	size_t		begin = task * POINTS_PER_TASK,
				end = begin + POINTS_PER_TASK;

	if (end > job->tree->n)
		end = job->tree->n;
	for (size_t p = begin; p < end; p++)
	{
		GH_CHECK_STOP(ctx);
		GH_TRY(core_point(ctx, job, p, &job->scratch[worker]));
	}
	return GH_OK;
}

static gh_status
open_scratch(gh_ctx *ctx, core_job *job, int n_workers)
{
	if ((job->scratch = GH_NEW_ZERO(ctx, n_workers, core_scratch)) == NULL)
		return gh_ctx_status(ctx);
	for (int w = 0; w < n_workers; w++)
	{
		core_scratch *s = &job->scratch[w];

		if ((s->q = GH_NEW(ctx, job->tree->d, double)) == NULL ||
			(s->index = GH_NEW(ctx, job->k, uint32_t)) == NULL ||
			(s->distance = GH_NEW(ctx, job->k, double)) == NULL)
			return gh_ctx_status(ctx);
	}
	return GH_OK;
}

static void
close_scratch(gh_ctx *ctx, core_job *job, int n_workers)
{
	if (job->scratch == NULL)
		return;
	for (int w = 0; w < n_workers; w++)
	{
		gh_free(ctx, job->scratch[w].q);
		gh_free(ctx, job->scratch[w].index);
		gh_free(ctx, job->scratch[w].distance);
	}
	gh_free(ctx, job->scratch);
}

gh_status
gh_core_distances(gh_ctx *ctx, const gh_kdtree *tree, const int *m, int n_columns, double *core, int k,
				  gh_seeds *seeds)
{
	core_job	job = {tree, m, n_columns, core, seeds, k, NULL};
	int			n_workers = gh_ctx_threads(ctx);
	size_t		n_tasks = (tree->n + POINTS_PER_TASK - 1) / POINTS_PER_TASK;
	size_t		n_seeds;
	gh_status	status;

	memset(seeds, 0, sizeof(*seeds));
	for (int c = 0; c < n_columns; c++)
		job.k = m[c] > job.k ? m[c] : job.k;
	job.k++;
	if (gh_mul_overflow(tree->n, (size_t) k, &n_seeds))
		return gh_fail(ctx, GH_ELIMIT, "too many neighbours: %zu points times %d", tree->n, k);
	if ((seeds->index = GH_NEW(ctx, n_seeds, uint32_t)) == NULL ||
		(seeds->distance = GH_NEW(ctx, n_seeds, double)) == NULL)
	{
		gh_seeds_free(ctx, seeds);
		return gh_ctx_status(ctx);
	}
	seeds->k = k;
	status = open_scratch(ctx, &job, n_workers);
	if (status == GH_OK)
		status = gh_parallel_stage(ctx, "hdbscan: core distances", n_tasks, core_task, &job);
	close_scratch(ctx, &job, n_workers);
	if (status != GH_OK)
		gh_seeds_free(ctx, seeds);
	return status;
}

void
gh_seeds_free(gh_ctx *ctx, gh_seeds *seeds)
{
	gh_free(ctx, seeds->index);
	gh_free(ctx, seeds->distance);
	memset(seeds, 0, sizeof(*seeds));
}
