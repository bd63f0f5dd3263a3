/*
 * grid_private.h
 *		What the grid search remembers between its settings.
 */
#ifndef GH_GRID_PRIVATE_H
#define GH_GRID_PRIVATE_H

#include "cluster/gh_grid.h"
#include "dbcv_private.h"

/* Names a set of points, or a partition: equal sets have equal keys, others differ but for a chance of 2^-128. */
typedef struct gh_set_key
{
	uint64_t	a,
				b;
} gh_set_key;

/* DBCV of partitions and densities of clusters that were met before. */
typedef struct gh_score_cache
{
	const double *points;
	size_t		n;
	int			d;
	struct gh_partition_entry *partitions;	/* room for all settings */
	size_t		n_partitions;
	struct gh_density_entry *slots; /* hash table, linear probing; n == 0: free */
	size_t		n_slots;		/* a power of two, or 0 */
	size_t		n_used;
	size_t		n_inner;		/* inner nodes kept, at most n * GH_CACHED_INNER + n */
} gh_score_cache;

/* Inner nodes the cache keeps, as a multiple of the number of points. */
#define GH_CACHED_INNER 4

extern gh_status gh_score_cache_open(gh_ctx *ctx, const double *points, size_t n, int d, size_t n_settings,
									 gh_score_cache *cache);
extern void gh_score_cache_close(gh_ctx *ctx, gh_score_cache *cache);
extern size_t gh_score_cache_memory(size_t n, size_t n_settings);

/* DBCV as gh_dbcv() gives it, from memory where possible.  The cell's counts are filled, too. */
extern gh_status gh_score_cell(gh_ctx *ctx, gh_score_cache *cache, const int32_t *labels, gh_grid_cell *cell);

/*
 * relative_validity_ of the hdbscan package: DBCV's formula on the edges of the
 * clustering's own spanning tree.  labels 0 .. n_clusters - 1, or GH_NOISE.
 * *defined is false without clusters.
 */
extern gh_status gh_relative_validity(gh_ctx *ctx, const gh_edge *edges, size_t n, const int32_t *labels,
									  int n_clusters, double *value, bool *defined);

#endif							/* GH_GRID_PRIVATE_H */
