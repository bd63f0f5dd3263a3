/*
 * scale.c
 *		Coordinates made fit for distances.
 */
#include "project/gh_scale.h"

#include "base/gh_threads.h"

#include <math.h>

/* Values between two polls. */
#define POLL_EVERY 65536
/* Coordinates within 2^-20 .. 2^20 are left alone. */
#define MOST_EXPONENT 20

typedef struct scaling
{
	const double *points;
	size_t		n;
	int			d;
	gh_scale_column *columns;	/* d */
	double	   *out;
} scaling;

gh_status
gh_scale_check(gh_ctx *ctx, const double *points, size_t n, int d, double *largest)
{
	*largest = 0;
	for (size_t i = 0; i < n * d; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		if (!isfinite(points[i]))
		{
			gh_fail(ctx, GH_EDATA, "a coordinate is not a finite number");
			gh_fail_detail(ctx, "Coordinate %zu of point %zu is %f.", i % d + 1, i / d + 1, points[i]);
			return gh_fail_hint(ctx, "Leave such points out, or replace the value.");
		}
		*largest = fabs(points[i]) > *largest ? fabs(points[i]) : *largest;
	}
	return GH_OK;
}

/* The power of two that brings `largest` into [1/2, 1): exact, and sums cannot overflow. */
static double
binary_scale(double largest)
{
	int			exponent;

	if (largest == 0)
		return 1;
	frexp(largest, &exponent);
	return ldexp(1, -exponent < 1000 ? -exponent : 1000);
}

/* One column: sums in the order of the rows, two passes. */
static gh_status
measure_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const scaling *s = arg;
	const double *in = s->points + task;
	size_t		d = s->d;
	double		largest = 0,
				mean = 0,
				variance = 0,
				scale;
	bool		constant = true;

	(void) worker;
	for (size_t i = 0; i < s->n; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		largest = fabs(in[i * d]) > largest ? fabs(in[i * d]) : largest;
		constant = constant && in[i * d] == in[0];
	}
	scale = binary_scale(largest);
	for (size_t i = 0; i < s->n; i++)
		mean += in[i * d] * scale;
	mean /= (double) s->n;
	GH_CHECK_STOP(ctx);
	for (size_t i = 0; i < s->n; i++)
		variance += (in[i * d] * scale - mean) * (in[i * d] * scale - mean);
	variance /= (double) s->n;
	GH_CHECK_STOP(ctx);
	s->columns[task] = (gh_scale_column) {scale, mean, constant || !(variance > 0) ? 0 : sqrt(variance)};
	return GH_OK;
}

gh_status
gh_scale_measure(gh_ctx *ctx, const double *points, size_t n, int d, bool standardize, gh_scale_column *columns)
{
	scaling		s = {.points = points,.n = n,.d = d,.columns = columns};
	double		largest,
				scale = 1;
	int			exponent;

	GH_TRY(gh_scale_check(ctx, points, n, d, &largest));
	if (standardize)
		return gh_parallel(ctx, d, measure_task, &s);
	frexp(largest, &exponent);
	if (exponent < -MOST_EXPONENT || exponent > MOST_EXPONENT)
		scale = binary_scale(largest);
	for (int j = 0; j < d; j++)
		columns[j] = (gh_scale_column) {scale, 0, 1};
	return GH_OK;
}

static gh_status
apply_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const scaling *s = arg;
	size_t		d = s->d;

	(void) worker;
	for (size_t i = 0; i < s->n; i++)
	{
		if (i % POLL_EVERY == 0)
			GH_CHECK_STOP(ctx);
		s->out[i * d + task] = gh_scale_value(&s->columns[task], s->points[i * d + task]);
	}
	return GH_OK;
}

gh_status
gh_scale_points(gh_ctx *ctx, const double *points, size_t n, int d, bool standardize, double *out)
{
	scaling		s = {.points = points,.n = n,.d = d,.out = out};
	gh_status	status;

	if ((s.columns = GH_NEW(ctx, d, gh_scale_column)) == NULL)
		return gh_ctx_status(ctx);
	status = gh_scale_measure(ctx, points, n, d, standardize, s.columns);
	if (status == GH_OK)
		status = gh_parallel(ctx, d, apply_task, &s);
	gh_free(ctx, s.columns);
	return status;
}
