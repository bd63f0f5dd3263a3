/*
 * far_field.h
 *		Sums of 1 / |x_i - x_j|^2 over all pairs of points in the plane in near-linear time.
 */
#ifndef GH_FAR_FIELD_H
#define GH_FAR_FIELD_H

#include "project/gh_kdtree.h"

/*
 * sum[i] (by tree position) of the n points of a tree of dimension 2, whose
 * coordinates are taken from x and y (by position too, scaled as
 * inverse_squares.h asks).  Within 1e-9 of the exact sums, relatively; see
 * far_field.c.  The same bytes for any number of threads.
 */
extern gh_status gh_far_field_sums(gh_ctx *ctx, const gh_kdtree *tree, const double *x, const double *y, double scale,
								   bool quiet, double *sum);
extern size_t gh_far_field_memory(size_t n);

#endif							/* GH_FAR_FIELD_H */
