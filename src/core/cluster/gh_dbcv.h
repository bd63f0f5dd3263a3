/*
 * gh_dbcv.h
 *		Density-based clustering validation in O(n) memory.
 *
 * Moulavi, Jaskowiak, Campello, Zimek and Sander,
 * https://doi.org/10.1137/1.9781611973440.96, with the conventions of
 * hdbscan.validity.validity_index.  Equal weights in a cluster's spanning
 * tree are ordered by (weight, lower index, higher index), so the value
 * depends on the order of the points: give them in a stable one.
 */
#ifndef GH_DBCV_H
#define GH_DBCV_H

#include "base/gh_context.h"

/*
 * points: n x d row-major, finite.  labels[n]: negative is noise; others any
 * numbers.  *defined is false and *value 0 with fewer than two clusters; else
 * *value is in [-1, 1].  A cluster of one point counts as -1 (it has no density
 * to validate), clusters that lie on one and the same spot as 0.  Noise lowers
 * the value by its share of the points.
 *
 * In the plane the sums behind the core distances of a cluster of more than
 * 10,000 points are interpolated, with a relative error below 1e-9, in near-linear
 * time; exact: all pairs, as in any other dimension and for smaller clusters.
 */
extern gh_status gh_dbcv(gh_ctx *ctx, const double *points, size_t n, int d, const int32_t *labels, bool exact,
						 double *value, bool *defined);

extern size_t gh_dbcv_memory(size_t n, int d);

#endif							/* GH_DBCV_H */
