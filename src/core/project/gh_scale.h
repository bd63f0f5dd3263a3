/*
 * gh_scale.h
 *		Coordinates made fit for distances.
 */
#ifndef GH_SCALE_H
#define GH_SCALE_H

#include "base/gh_context.h"

/* GH_EDATA naming the first value that is not finite; *largest gets the greatest magnitude. */
extern gh_status gh_scale_check(gh_ctx *ctx, const double *points, size_t n, int d, double *largest);

/* How a column is scaled; sd 0: a constant one, which becomes 0. */
typedef struct gh_scale_column
{
	double		factor;			/* a power of two */
	double		mean;			/* of the values times factor */
	double		sd;
} gh_scale_column;

static inline double
gh_scale_value(const gh_scale_column *column, double value)
{
	return column->sd > 0 ? (value * column->factor - column->mean) / column->sd : 0;
}

/* columns[d]: what gh_scale_points does to each; n >= 1.  Fails as gh_scale_check does. */
extern gh_status gh_scale_measure(gh_ctx *ctx, const double *points, size_t n, int d, bool standardize,
								  gh_scale_column *columns);

/*
 * out (n x d, row-major) becomes the z-scores of the columns, a constant one 0;
 * or, without `standardize`, the points themselves, multiplied by a power of two
 * when they are so large or small that squares of distances would overflow or
 * vanish.  Fails as gh_scale_check does.
 */
extern gh_status gh_scale_points(gh_ctx *ctx, const double *points, size_t n, int d, bool standardize, double *out);

#endif							/* GH_SCALE_H */
