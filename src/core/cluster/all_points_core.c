/*
 * all_points_core.c
 *		All-points core distances of DBCV, in linear memory.
 *
 * Moulavi et al., https://doi.org/10.1137/1.9781611973440.96, definition 1:
 * core(u) = (sum over v of (1 / |u - v|)^d / (n - 1))^(-1/d).  As the hdbscan
 * package does, a pair at distance 0 adds nothing but counts in n - 1.
 *
 * The sums are over all pairs.  In the plane their loop is one of its own, and
 * many points are summed by far_field.c.
 */
#include "dbcv_private.h"

#include "base/gh_kernels.h"
#include "base/gh_threads.h"
#include "far_field.h"
#include "inverse_squares.h"

#include <math.h>
#include <string.h>

/* Points whose sums one task makes, and points whose columns are read at a time. */
#define POINTS_PER_TASK 64
#define TILE 1024

/* In the plane, more points than this are summed by interpolation unless it is to be exact. */
#define FAR_FIELD_POINTS 10000

/* Sums outside have lost digits to underflow, or all of them to overflow. */
#define SMALLEST_SUM 1e-280
#define LARGEST_SUM 1e300

/* Coordinates are scaled by a power of two of at most this exponent, either way. */
#define MOST_EXPONENT 1000

typedef struct core_job
{
	const gh_kdtree *tree;
	size_t		n;
	int			d;
	double	   *columns;		/* n x d by column, points by position; in the plane scaled */
	double		scale;			/* 1 unless in the plane */
	double	   *sum;			/* by position */
	double	   *core;			/* by point */
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
	return sqrt(nearest2) * pow(sum / (double) (job->n - 1), -1.0 / job->d) / job->scale;
}

/* Sums of one task's points over all points. */
static gh_status
sum_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	core_job   *job = arg;
	const gh_kernels *kernels = gh_kernels_get();
	const gh_inverse_squares *plane = gh_inverse_squares_get();
	size_t		begin = task * POINTS_PER_TASK;
	size_t		n = job->n - begin < POINTS_PER_TASK ? job->n - begin : POINTS_PER_TASK;
	const double *x = job->columns,
			   *y = job->columns + job->n;
	double	   *q = job->q + (size_t) worker * POINTS_PER_TASK * job->d;
	double	   *sum = job->sum + begin;

	for (size_t i = 0; i < n; i++)
	{
		sum[i] = 0;
		for (int j = 0; j < job->d; j++)
			q[i * job->d + j] = job->columns[(size_t) j * job->n + begin + i];
	}
	for (size_t tile = 0; tile < job->n; tile += TILE)
	{
		size_t		width = job->n - tile < TILE ? job->n - tile : TILE;

		GH_CHECK_STOP(ctx);
		if (job->d == 2)
			for (size_t i = 0; i < n; i++)
				sum[i] += plane->sum(x + tile, y + tile, width, q[2 * i], q[2 * i + 1]);
		else
			for (size_t i = 0; i < n; i++)
				sum[i] += kernels->inverse_power_sum(x + tile, job->n, width, job->d, q + i * job->d, job->d);
	}
	return GH_OK;
}

/* The core distance of a sum, or NaN when the sum has lost its digits. */
static double
core_of_sum(const core_job *job, double sum)
{
	if (job->d == 2)
		return sum > GH_INVERSE_SQUARES_LEAST && sum < GH_INVERSE_SQUARES_MOST ?
			sqrt((double) (job->n - 1) / sum) / job->scale : NAN;
	return sum > SMALLEST_SUM && sum < LARGEST_SUM ? pow(sum / (double) (job->n - 1), -1.0 / job->d) : NAN;
}

static gh_status
core_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	core_job   *job = arg;
	size_t		begin = task * POINTS_PER_TASK;
	size_t		end = job->n - begin < POINTS_PER_TASK ? job->n : begin + POINTS_PER_TASK;
	double	   *q = job->q + (size_t) worker * POINTS_PER_TASK * job->d;

	for (size_t p = begin; p < end; p++)
	{
		double		core = core_of_sum(job, job->sum[p]);

		if (isnan(core))
		{
			GH_CHECK_STOP(ctx);
			for (int j = 0; j < job->d; j++)
				q[j] = job->columns[(size_t) j * job->n + p];
			core = scaled_core(job, q);
		}
		job->core[job->tree->order[p]] = core;
	}
	return GH_OK;
}

/* A power of two that brings the box of the points to sides of at most 1. */
static double
unit_scale(const gh_kdtree *tree)
{
	double		side = fmax(tree->box[2] - tree->box[0], tree->box[3] - tree->box[1]);
	int			exponent;

	frexp(side, &exponent);
	exponent = exponent > MOST_EXPONENT ? MOST_EXPONENT : exponent < -MOST_EXPONENT ? -MOST_EXPONENT : exponent;
	return ldexp(1, -exponent);
}

/* The tree's coordinates, which stand leaf by leaf, as whole columns. */
static gh_status
fill_columns(gh_ctx *ctx, core_job *job)
{
	const gh_kdtree *t = job->tree;

	for (uint32_t v = 0; v < t->n_nodes; v++)
	{
		const gh_kdnode *leaf = &t->nodes[v];
		size_t		width = leaf->end - leaf->begin;
		const double *from = t->columns + (size_t) leaf->begin * t->d;

		GH_POLL(ctx, v);
		if (leaf->right != 0)
			continue;
		for (int j = 0; j < t->d; j++)
			for (size_t i = 0; i < width; i++)
				job->columns[(size_t) j * t->n + leaf->begin + i] = from[(size_t) j * width + i] * job->scale;
	}
	return GH_OK;
}

static gh_status
sum_all(gh_ctx *ctx, core_job *job, bool exact, bool quiet)
{
	size_t		n_tasks = (job->n + POINTS_PER_TASK - 1) / POINTS_PER_TASK;

	if (job->d == 2 && !exact && job->n > FAR_FIELD_POINTS)
		GH_TRY(gh_far_field_sums(ctx, job->tree, job->columns, job->columns + job->n, job->scale, quiet, job->sum));
	else if (quiet)
		GH_TRY(gh_parallel(ctx, n_tasks, sum_task, job));
	else
		GH_TRY(gh_parallel_stage(ctx, "dbcv: core distances", n_tasks, sum_task, job));
	return gh_parallel(ctx, n_tasks, core_task, job);
}

gh_status
gh_all_points_core(gh_ctx *ctx, const gh_kdtree *tree, bool exact, bool quiet, double *core)
{
	core_job	job = {.tree = tree,.n = tree->n,.d = tree->d,.scale = 1,.core = core};
	size_t		row = (size_t) tree->d * sizeof(double);
	gh_status	status;

	if (tree->n == 1)
	{
		core[0] = 0;
		return GH_OK;
	}
	if (tree->d == 2)
		job.scale = unit_scale(tree);
	job.columns = gh_alloc(ctx, tree->n, row);
	job.sum = GH_NEW(ctx, tree->n, double);
	job.q = gh_alloc(ctx, (size_t) gh_ctx_threads(ctx) * POINTS_PER_TASK, row);
	if (job.columns == NULL || job.sum == NULL || job.q == NULL)
		status = gh_ctx_status(ctx);
	else
		status = fill_columns(ctx, &job);
	if (status == GH_OK)
		status = sum_all(ctx, &job, exact, quiet);
	gh_free(ctx, job.columns);
	gh_free(ctx, job.sum);
	gh_free(ctx, job.q);
	return status;
}

size_t
gh_all_points_core_memory(size_t n, int d)
{
	return n * ((size_t) d + 1) * sizeof(double) + (d == 2 && n > FAR_FIELD_POINTS ? gh_far_field_memory(n) : 0) +
		POINTS_PER_TASK * (size_t) d * sizeof(double) * 64;
}
