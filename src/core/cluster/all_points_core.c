/*
 * all_points_core.c
 *		All-points core distances of DBCV, in linear memory.
 *
 * Moulavi et al., https://doi.org/10.1137/1.9781611973440.96, definition 1:
 * core(u) = (sum over v of (1 / |u - v|)^d / (n - 1))^(-1/d).  As the hdbscan
 * package does, a pair at distance 0 adds nothing but counts in n - 1.
 */
#include "dbcv_private.h"

#include "base/gh_kernels.h"
#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

/* Points whose sums one task makes, and points whose columns are read at a time. */
#define POINTS_PER_TASK 64
#define TILE 1024

/* Sums outside have lost digits to underflow, or all of them to overflow. */
#define SMALLEST_SUM 1e-280
#define LARGEST_SUM 1e300

typedef struct core_job
{
	const double *columns;		/* n x d by column */
	size_t		n;
	int			d;
	double	   *core;
	double	   *q;				/* POINTS_PER_TASK x d per worker */
} core_job;

/*
 * The same with distances relative to the smallest one, so that the sum is
 * between 1 and n whatever the scale and the dimension.
 */
static double
scaled_core(const core_job *job, const double *q)
{
	double		nearest2 = INFINITY,
				sum = 0;

	for (int pass = 0; pass < 2; pass++)
	{
		for (size_t i = 0; i < job->n; i++)
		{
			double		d2 = 0;

			for (int j = 0; j < job->d; j++)
			{
				double		delta = job->columns[(size_t) j * job->n + i] - q[j];

				d2 += delta * delta;
			}
			if (d2 == 0)
				continue;
			if (pass == 0)
				nearest2 = d2 < nearest2 ? d2 : nearest2;
			else
				sum += pow(nearest2 / d2, 0.5 * job->d);
		}
		if (isinf(nearest2))
			return 0;			/* all others stand on the same spot */
	}
	return sqrt(nearest2) * pow(sum / (double) (job->n - 1), -1.0 / job->d);
}

static gh_status
core_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	core_job   *job = arg;
	const gh_kernels *kernels = gh_kernels_get();
	size_t		begin = task * POINTS_PER_TASK;
	size_t		n = job->n - begin < POINTS_PER_TASK ? job->n - begin : POINTS_PER_TASK;
	double	   *q = job->q + (size_t) worker * POINTS_PER_TASK * job->d;
	double		sum[POINTS_PER_TASK] = {0};

	for (size_t i = 0; i < n; i++)
		for (int j = 0; j < job->d; j++)
			q[i * job->d + j] = job->columns[(size_t) j * job->n + begin + i];
	for (size_t tile = 0; tile < job->n; tile += TILE)
	{
		size_t		width = job->n - tile < TILE ? job->n - tile : TILE;

		GH_CHECK_STOP(ctx);
		for (size_t i = 0; i < n; i++)
			sum[i] += kernels->inverse_power_sum(job->columns + tile, job->n, width, job->d, q + i * job->d, job->d);
	}
	for (size_t i = 0; i < n; i++)
	{
		if (sum[i] > SMALLEST_SUM && sum[i] < LARGEST_SUM)
			job->core[begin + i] = pow(sum[i] / (double) (job->n - 1), -1.0 / job->d);
		else
		{
			GH_CHECK_STOP(ctx);
			job->core[begin + i] = scaled_core(job, q + i * job->d);
		}
	}
	return GH_OK;
}

gh_status
gh_all_points_core(gh_ctx *ctx, const double *points, int d, bool quiet, const uint32_t *members, uint32_t n,
				   double *core)
{
	core_job	job = {NULL, n, d, core, NULL};
	size_t		n_tasks = (n + POINTS_PER_TASK - 1) / POINTS_PER_TASK;
	size_t		row = (size_t) d * sizeof(double);
	double	   *columns;
	gh_status	status = GH_OK;

	if (n == 1)
	{
		core[0] = 0;
		return GH_OK;
	}
	columns = gh_alloc(ctx, n, row);
	job.columns = columns;
	job.q = gh_alloc(ctx, (size_t) gh_ctx_threads(ctx) * POINTS_PER_TASK, row);
	if (columns == NULL || job.q == NULL)
		status = gh_ctx_status(ctx);
	for (size_t i = 0; status == GH_OK && i < n; i++)
	{
		if ((i & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		for (int j = 0; j < d; j++)
			columns[(size_t) j * n + i] = points[(size_t) members[i] * d + j];
	}
	if (status == GH_OK && quiet)
		status = gh_parallel(ctx, n_tasks, core_task, &job);
	else if (status == GH_OK)
		status = gh_parallel_stage(ctx, "dbcv: core distances", n_tasks, core_task, &job);
	gh_free(ctx, columns);
	gh_free(ctx, job.q);
	return status;
}
