/*
 * dbcv_private.h
 *		The parts of DBCV that the grid search shares and caches.
 */
#ifndef GH_DBCV_PRIVATE_H
#define GH_DBCV_PRIVATE_H

#include "cluster/gh_dbcv.h"
#include "cluster_private.h"

/*
 * What DBCV needs to know of one cluster.  It depends on the cluster's points
 * alone, not on the clusters around it.
 */
typedef struct gh_density
{
	uint32_t	n;
	const uint32_t *members;	/* n point indices, ascending; the caller's */
	double		sparseness;		/* heaviest inner edge of its spanning tree; 0 for one point */
	uint32_t	n_inner;		/* inner nodes: those with more than one edge, or the first point */
	uint32_t   *inner;			/* n_inner point indices, ascending */
	double	   *core;			/* n_inner: their all-points core distances */
} gh_density;

/*
 * members and n are set, the rest is written.  Parallel inside, or serial when
 * called from a task; then quiet, since progress is the caller's.  Free with
 * gh_density_free.
 */
extern gh_status gh_density_measure(gh_ctx *ctx, const double *points, int d, bool quiet, gh_density *cluster);
extern void gh_density_free(gh_ctx *ctx, gh_density *cluster);

/* All-points core distances of one cluster: core[n], by member. */
extern gh_status gh_all_points_core(gh_ctx *ctx, const double *points, int d, bool quiet, const uint32_t *members,
									uint32_t n, double *core);

/* Clusters of a labelling: members[begin[c] .. begin[c + 1]) are those of the c-th label >= 0. */
typedef struct gh_partition
{
	uint32_t	n_clusters;
	uint32_t   *begin;			/* n_clusters + 1 */
	uint32_t   *members;		/* point indices, ascending inside a cluster */
} gh_partition;

extern gh_status gh_partition_build(gh_ctx *ctx, const int32_t *labels, size_t n, gh_partition *partition);
extern void gh_partition_free(gh_ctx *ctx, gh_partition *partition);

/* Measures those clusters for which wanted[c] (NULL: all), small ones side by side. */
extern gh_status gh_density_measure_all(gh_ctx *ctx, const double *points, int d, gh_density *clusters,
										const bool *wanted, uint32_t n_clusters);

/* The value for measured clusters, n_clusters >= 2; n: all points, noise included. */
extern gh_status gh_dbcv_combine(gh_ctx *ctx, const double *points, size_t n, int d, const gh_density *clusters,
								 uint32_t n_clusters, double *value);

#endif							/* GH_DBCV_PRIVATE_H */
