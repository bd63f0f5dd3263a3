/*
 * neighbours_rows.c
 *		The float copy of a tree's points, turned to their principal axes.
 *
 * Turning only decides which boxes there are and what is worth an exact look,
 * never a result, so it may come from LAPACK, and from a sample.
 */
#include "project/nearest_private.h"

#include "base/gh_lapack.h"
#include "base/gh_threads.h"

#include <string.h>

/* Fewer points, one dimension, or very many are not turned. */
#define LEAST_POINTS 1024
#define MOST_TURNED 128
/* Points that the axes come from. */
#define SAMPLE 8192
/* How far from orthonormal the axes may be; neighbours_batch.c counts on less than 1e-9. */
#define ORTHONORMAL 1e-10
/* Leaves copied by one task. */
#define LEAVES_PER_TASK 64

#define POLL_EVERY 256

typedef struct rows_job
{
	const gh_kdtree *tree;
	const double *axes;			/* d x d: axis r, coordinate j at [j * d + r]; NULL: as they are */
	double		scale;
	double	   *points;			/* n x d, by index; NULL: not wanted */
	float	   *rows;			/* n x d, by index */
} rows_job;

bool
gh_batch_turning_pays(size_t n, int d)
{
	return n >= LEAST_POINTS && d >= 2 && d <= MOST_TURNED;
}

/* The point at a tree position, as it is and scaled. */
static void
read_point(const gh_kdtree *t, size_t position, double scale, double *exact, double *scaled)
{
	const gh_kdnode *leaf = &t->nodes[t->leaf_of[position]];
	uint32_t	n = leaf->end - leaf->begin;
	const double *column = t->columns + (size_t) leaf->begin * t->d + (position - leaf->begin);

	for (int j = 0; j < t->d; j++)
	{
		double		x = column[(size_t) j * n];

		exact[j] = x;
		scaled[j] = (x - (t->box[j] / 2 + t->box[t->d + j] / 2)) * scale;
	}
}

static gh_status
rows_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	rows_job   *job = arg;
	const gh_kdtree *t = job->tree;
	size_t		d = t->d,
				begin = task * LEAVES_PER_TASK * GH_KDTREE_LEAF,
				end = begin + LEAVES_PER_TASK * GH_KDTREE_LEAF;
	double	   *exact = GH_NEW(ctx, 3 * d, double),
			   *scaled = exact + d,
			   *turned = scaled + d;

	(void) worker;
	if (exact == NULL)
		return gh_ctx_status(ctx);
	for (size_t p = begin; p < (end < t->n ? end : t->n); p++)
	{
		size_t		at = t->order[p] * d;

		if (p % POLL_EVERY == 0 && gh_should_stop(ctx))
			break;
		read_point(t, p, job->scale, exact, job->axes != NULL ? scaled : turned);
		if (job->axes != NULL)
		{
			memset(turned, 0, d * sizeof(double));
			for (size_t j = 0; j < d; j++)
				for (size_t r = 0; r < d; r++)
					turned[r] += job->axes[j * d + r] * scaled[j];
		}
		for (size_t j = 0; j < d; j++)
			job->rows[at + j] = (float) turned[j];
		if (job->points != NULL)
			memcpy(job->points + at, exact, d * sizeof(double));
	}
	gh_free(ctx, exact);
	GH_CHECK_STOP(ctx);
	return GH_OK;
}

/* Covariance (times the number of points) of a sample that is spread evenly over the tree. */
static gh_status
measure_covariance(gh_ctx *ctx, const gh_kdtree *t, double scale, double *covariance)
{
	size_t		d = t->d,
				m = t->n < SAMPLE ? t->n : SAMPLE;
	double	   *mean = GH_NEW(ctx, 3 * d, double),
			   *x = mean + d,
			   *exact = x + d;

	if (mean == NULL)
		return gh_ctx_status(ctx);
	memset(mean, 0, d * sizeof(double));
	memset(covariance, 0, d * d * sizeof(double));
	for (size_t i = 0; i < m; i++)
	{
		read_point(t, i * t->n / m, scale, exact, x);
		for (size_t j = 0; j < d; j++)
			mean[j] += x[j] / m;
	}
	for (size_t i = 0; i < m; i++)
	{
		if (i % POLL_EVERY == 0 && gh_should_stop(ctx))
			break;
		read_point(t, i * t->n / m, scale, exact, x);
		for (size_t j = 0; j < d; j++)
			x[j] -= mean[j];
		for (size_t j = 0; j < d; j++)
			for (size_t l = 0; l < d; l++)
				covariance[j * d + l] += x[j] * x[l];
	}
	gh_free(ctx, mean);
	GH_CHECK_STOP(ctx);
	return GH_OK;
}

/* Whether the columns of a are orthonormal enough; the sum over a row bounds the norm of the error. */
static bool
is_orthonormal(const double *a, size_t d)
{
	for (size_t r = 0; r < d; r++)
	{
		double		error = 0;

		for (size_t s = 0; s < d; s++)
		{
			double		dot = 0;

			for (size_t j = 0; j < d; j++)
				dot += a[r * d + j] * a[s * d + j];
			error += fabs(dot - (r == s ? 1 : 0));
		}
		if (!(error <= ORTHONORMAL))
			return false;
	}
	return true;
}

/* axes as rows_job wants them, those of largest variance first; *found is false when they cannot be had. */
static gh_status
find_axes(gh_ctx *ctx, const gh_kdtree *t, double scale, double *axes, bool *found)
{
	size_t		d = t->d;
	double	   *vectors = GH_NEW(ctx, d * (d + 1), double);
	gh_status	status;

	if (vectors == NULL)
		return gh_ctx_status(ctx);
	status = measure_covariance(ctx, t, scale, vectors);
	if (status == GH_OK)
		status = gh_lapack_eigen(ctx, (int) d, vectors, vectors + d * d);
	*found = status == GH_OK && is_orthonormal(vectors, d);
	if (*found)
	{
		for (size_t r = 0; r < d; r++)
			for (size_t j = 0; j < d; j++)
				axes[j * d + r] = vectors[(d - 1 - r) * d + j];
	}
	gh_free(ctx, vectors);
	return status;
}

gh_status
gh_batch_rows(gh_ctx *ctx, const gh_kdtree *tree, bool turn, gh_batch_index *index)
{
	size_t		d = tree->d;
	rows_job	job = {.tree = tree,.scale = index->scale};
	double	   *axes = NULL;
	gh_status	status = GH_OK;

	if ((job.rows = index->rows = gh_alloc(ctx, tree->n, d * sizeof(float))) == NULL)
		return gh_ctx_status(ctx);
	if (turn)
	{
		if ((axes = GH_NEW(ctx, d * d, double)) == NULL ||
			(job.points = gh_alloc(ctx, tree->n, d * sizeof(double))) == NULL)
			status = gh_ctx_status(ctx);
		else
			status = find_axes(ctx, tree, index->scale, axes, &turn);
	}
	job.axes = turn ? axes : NULL;
	if (status == GH_OK)
		status = gh_parallel(ctx, (tree->n_nodes / 2 + LEAVES_PER_TASK) / LEAVES_PER_TASK, rows_task, &job);
	if (status == GH_OK && turn)
		status = gh_kdtree_build_cut(ctx, job.points, job.rows, tree->n, tree->d, &index->turned);
	gh_free(ctx, axes);
	gh_free(ctx, job.points);
	return status;
}
