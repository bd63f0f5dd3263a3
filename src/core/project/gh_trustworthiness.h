/*
 * gh_trustworthiness.h
 *		How far the neighbours in a projection were neighbours before.
 */
#ifndef GH_TRUSTWORTHINESS_H
#define GH_TRUSTWORTHINESS_H

#include "base/gh_context.h"

/*
 * Venna and Kaski, "Local multidimensional scaling", Neural Networks 19 (2006),
 * https://doi.org/10.1016/j.neunet.2006.05.014:
 *
 *	1 - 2 / (n k (2n - 3k - 1)) sum_i sum_j max(0, r(i, j) - k)
 *
 * over the k nearest other points j of i in the projection, r(i, j) the rank of
 * j among the other points by their distance from i before it, 1 the nearest.
 * Equally far points by index.  Nothing is scaled.
 *
 * points: n x d, embedding: n x dim, finite (GH_EDATA otherwise).  k must be
 * below n / 2 (GH_EINVAL).  sample 0: all points are asked; else that many
 * (all of them if there are no more), chosen by a hash of their index, stand
 * for all, and n in the formula's first factor is their number.
 *
 * Time n x (points asked), scratch a copy of the points, checked against the
 * memory budget first; threaded, and the same for any number of threads: the
 * sums are integers.
 */
extern gh_status gh_trustworthiness(gh_ctx *ctx, const double *points, size_t n, int d, const double *embedding,
									int dim, int k, size_t sample, double *result);

#endif							/* GH_TRUSTWORTHINESS_H */
