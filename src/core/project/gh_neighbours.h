/*
 * gh_neighbours.h
 *		Exact nearest neighbours, the point itself left out.
 */
#ifndef GH_NEIGHBOURS_H
#define GH_NEIGHBOURS_H

#include "project/gh_kdtree.h"

/*
 * For every point the k nearest OTHER points (k <= n - 1), in the total order
 * (distance, index): indices[i*k + r], distances[i*k + r] (Euclidean, not
 * squared; sqrt of the sum of squared differences, dimensions ascending).
 * Either output may be NULL.  Threaded; the same bytes for any thread count.
 */
extern gh_status gh_neighbours(gh_ctx *ctx, const gh_kdtree *tree, int k, uint32_t *indices, double *distances);

/*
 * Bytes that gh_neighbours takes besides the tree and the results when there
 * is room; with less it takes next to nothing, and more time.
 */
extern size_t gh_neighbours_memory(size_t n, int d, int k);

/* The k nearest tree points of a query point that is not in the tree (k <= n). */
extern gh_status gh_neighbours_query(gh_ctx *ctx, const gh_kdtree *tree, const double *q, int k, uint32_t *indices, double *distances);

#endif							/* GH_NEIGHBOURS_H */
