/*
 * pca.c
 *		Principal components, as starting positions.
 */
#include "project/gh_pca.h"

#include "base/gh_lapack.h"
#include "base/gh_threads.h"
#include "project/gh_subspace.h"

#include <math.h>
#include <string.h>

/* Up to here the covariance matrix is decomposed whole. */
#define MOST_DENSE 128
#define ROWS_PER_TASK 4096
/* Coordinates between two polls. */
#define POLL_EVERY 65536
/* Variances this small against the largest are rounding. */
#define RANK_TOLERANCE 1e-12

typedef struct pca
{
	const double *points;
	size_t		n;
	int			d;
	const uint32_t *order;
	int			n_components;
	double	   *mean;			/* d */
	double	   *covariance;		/* d x d */
	double	   *axes;			/* n_components x d; unused ones 0 */
	double	   *out;
} pca;

static size_t
rows_between_polls(int d)
{
	return d < POLL_EVERY ? POLL_EVERY / (size_t) d : 1;
}

/* One coordinate's mean: a task of its own, summed in the order of the rows. */
static gh_status
mean_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	pca		   *p = arg;
	double		sum = 0;

	(void) worker;
	for (size_t i = 0; i < p->n; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		sum += p->points[(size_t) p->order[i] * p->d + task];
	}
	p->mean[task] = sum / (double) p->n;
	return GH_OK;
}

/* One row of the covariance matrix, from the diagonal on. */
static gh_status
covariance_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	pca		   *p = arg;
	double	   *row = p->covariance + task * p->d;
	size_t		poll = rows_between_polls(p->d);

	(void) worker;
	memset(row, 0, sizeof(double) * p->d);
	for (size_t i = 0; i < p->n; i++)
	{
		const double *x = p->points + (size_t) p->order[i] * p->d;
		double		own = x[task] - p->mean[task];

		if (i % poll == 0)
			GH_CHECK_STOP(ctx);
		for (int j = (int) task; j < p->d; j++)
			row[j] += own * (x[j] - p->mean[j]);
	}
	return GH_OK;
}

static gh_status
project_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	pca		   *p = arg;
	size_t		begin = task * ROWS_PER_TASK,
				end = begin + ROWS_PER_TASK < p->n ? begin + ROWS_PER_TASK : p->n;
	size_t		poll = rows_between_polls(p->d * p->n_components);

	(void) worker;
	for (size_t i = begin; i < end; i++)
	{
		const double *x = p->points + (size_t) p->order[i] * p->d;

		if (i % poll == 0)
			GH_CHECK_STOP(ctx);
		for (int c = 0; c < p->n_components; c++)
		{
			const double *axis = p->axes + (size_t) c * p->d;
			double		sum = 0;

			for (int j = 0; j < p->d; j++)
				sum += axis[j] * (x[j] - p->mean[j]);
			p->out[i * p->n_components + c] = sum;
		}
	}
	return GH_OK;
}

static void
set_axis(pca *p, int c, const double *vector, size_t stride)
{
	double	   *axis = p->axes + (size_t) c * p->d;
	double		largest = 0;

	for (int j = 0; j < p->d; j++)
	{
		double		v = vector[j * stride];

		largest = fabs(v) > fabs(largest) ? v : largest;
	}
	for (int j = 0; j < p->d; j++)
		axis[j] = largest < 0 ? -vector[j * stride] : vector[j * stride];
}

static gh_status
dense_axes(gh_ctx *ctx, pca *p)
{
	double		values[MOST_DENSE];
	int			d = p->d;

	GH_TRY(gh_lapack_eigen(ctx, d, p->covariance, values));
	for (int c = 0; c < p->n_components && c < d; c++)
	{
		if (values[d - 1 - c] > RANK_TOLERANCE * values[d - 1] && values[d - 1] > 0)
			set_axis(p, c, p->covariance + (size_t) (d - 1 - c) * d, 1);
	}
	return GH_OK;
}

static void
covariance_row(const void *arg, size_t row, int m, const double *x, double *out)
{
	const pca  *p = arg;
	const double *a = p->covariance + row * p->d;

	for (int i = 0; i < m; i++)
		out[i] = 0;
	for (int j = 0; j < p->d; j++)
	{
		for (int i = 0; i < m; i++)
			out[i] += a[j] * x[(size_t) j * m + i];
	}
}

/* For many coordinates only the leading axes, so that no library call takes long. */
static gh_status
leading_axes(gh_ctx *ctx, pca *p, uint64_t seed)
{
	gh_subspace s = {.op = {p, covariance_row},.n_rows = p->d,.wanted = p->n_components,
	.m = gh_subspace_block(p->n_components),.seed = seed,.tolerance = 1e-3,.most_applications = 500};
	size_t		n_values = (size_t) p->d * s.m;
	double		bound = 0;
	gh_status	status;

	/* no eigenvalue is above the greatest sum of a row: scaled by it, all are in [0, 1] */
	for (int j = 0; j < p->d; j++)
	{
		double		sum = 0;

		for (int l = 0; l < p->d; l++)
			sum += fabs(p->covariance[(size_t) j * p->d + l]);
		bound = sum > bound ? sum : bound;
	}
	if (bound == 0)
		return GH_OK;
	for (size_t e = 0; e < (size_t) p->d * p->d; e++)
		p->covariance[e] /= bound;
	s.x = GH_NEW(ctx, n_values, double);
	s.y = GH_NEW(ctx, n_values, double);
	status = s.x != NULL && s.y != NULL ? gh_subspace_solve(ctx, &s) : gh_ctx_status(ctx);
	for (int c = 0; c < p->n_components && status == GH_OK; c++)
	{
		if (s.values[c] > RANK_TOLERANCE * s.values[0])
			set_axis(p, c, s.x + c, s.m);
	}
	gh_free(ctx, s.x);
	gh_free(ctx, s.y);
	return status;
}

gh_status
gh_pca_project(gh_ctx *ctx, const double *points, size_t n, int d, const uint32_t *order, int n_components,
			   uint64_t seed, double *out)
{
	pca			p = {points, n, d, order, n_components, NULL, NULL, NULL, out};
	gh_status	status = GH_OK;

	if ((p.mean = GH_NEW(ctx, d, double)) == NULL ||
		(p.covariance = gh_alloc(ctx, d, (size_t) d * sizeof(double))) == NULL ||
		(p.axes = gh_alloc_zero(ctx, n_components, (size_t) d * sizeof(double))) == NULL)
		status = gh_ctx_status(ctx);
	if (status == GH_OK)
		status = gh_parallel(ctx, d, mean_task, &p);
	if (status == GH_OK)
		status = gh_parallel(ctx, d, covariance_task, &p);
	for (int j = 0; j < d && status == GH_OK; j++)
	{
		for (int l = 0; l < j; l++)
			p.covariance[(size_t) j * d + l] = p.covariance[(size_t) l * d + j];
	}
	if (status == GH_OK)
		status = d <= MOST_DENSE ? dense_axes(ctx, &p) : leading_axes(ctx, &p, seed);
	if (status == GH_OK)
		status = gh_parallel(ctx, (n + ROWS_PER_TASK - 1) / ROWS_PER_TASK, project_task, &p);
	gh_free(ctx, p.mean);
	gh_free(ctx, p.covariance);
	gh_free(ctx, p.axes);
	return status;
}

size_t
gh_pca_memory(int d, int n_components)
{
	size_t		block = d <= MOST_DENSE ? 0 : 2 * (size_t) d * gh_subspace_block(n_components);

	return ((size_t) d + (size_t) d * d + (size_t) n_components * d + block) * sizeof(double);
}
