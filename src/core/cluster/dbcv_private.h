/*
 * dbcv_private.h
 *		The parts of DBCV that the grid search shares and caches.
 */
#ifndef GH_DBCV_PRIVATE_H
#define GH_DBCV_PRIVATE_H

#include "cluster/gh_dbcv.h"
#include "cluster_private.h"
#include "separation.h"

/*
 * What DBCV needs to know of one cluster.  It depends on the cluster's points
 * alone, not on the clusters around it.
 */
typedef struct gh_density
{
	uint32_t	n;
	const uint32_t *members;	/* n point indices, ascending; the caller's */
	double		sparseness;		/* heaviest inner edge of its spanning tree; 0 for one point */
	gh_inner	inner;			/* nodes with more than one edge, or the first point */
} gh_density;

/*
 * members and n are set, the rest is written.  Parallel inside, or serial when
 * called from a task; then quiet, since progress is the caller's.  Free with
 * gh_density_free.  exact: no interpolation of core distances.
 */
extern gh_status gh_density_measure(gh_ctx *ctx, const double *points, int d, bool exact, bool quiet,
									gh_density *cluster);
extern void gh_density_free(gh_ctx *ctx, gh_density *cluster);
/* Bytes while a cluster of n points is measured, and more than is kept of it. */
extern size_t gh_density_memory(size_t n, int d);

/*
 * All-points core distances of the points of a tree: core[n], by point.  In the
 * plane, unless exact, those of many points are only within 1e-9 of the sums.
 */
extern gh_status gh_all_points_core(gh_ctx *ctx, const gh_kdtree *tree, bool exact, bool quiet, double *core);
extern size_t gh_all_points_core_memory(size_t n, int d);

/* Clusters of a labelling: members[begin[c] .. begin[c + 1]) are those of the c-th label >= 0. */
typedef struct gh_partition
{
	uint32_t	n_clusters;
	uint32_t   *begin;			/* n_clusters + 1 */
	uint32_t   *members;		/* point indices, ascending inside a cluster */
} gh_partition;

extern gh_status gh_partition_build(gh_ctx *ctx, const int32_t *labels, size_t n, gh_partition *partition);
extern void gh_partition_free(gh_ctx *ctx, gh_partition *partition);

/* Clusters up to this size, or up to a quarter of a thread's share of the points, are measured side by side. */
#define GH_SMALL_CLUSTER 2048

/*
 * Measures the clusters, small ones side by side, and brings them into another
 * order.  n: all points, of which clusters with a large share go one by one.
 */
extern gh_status gh_density_measure_all(gh_ctx *ctx, const double *points, size_t n, int d, bool exact,
										gh_density **clusters, size_t n_clusters);

/* The value for measured clusters, n_clusters >= 2; n: all points, noise included.  Serial. */
extern gh_status gh_dbcv_combine(gh_ctx *ctx, size_t n, gh_density *const *clusters, uint32_t n_clusters,
								 double *value);

#endif							/* GH_DBCV_PRIVATE_H */
