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

/* A cluster that was measured, or is about to be. */
typedef struct gh_cached_cluster
{
	gh_set_key	key;
	gh_density	density;		/* members only while it is measured */
} gh_cached_cluster;

/* DBCV of partitions and densities of clusters that were met before. */
typedef struct gh_score_cache
{
	const double *points;
	size_t		n;
	int			d;
	struct gh_partition_entry *partitions;	/* room for all settings */
	size_t		n_partitions;
	gh_cached_cluster **slots;	/* hash table, linear probing; NULL: free */
	size_t		n_slots;		/* a power of two, or 0 */
	size_t		n_used;
	size_t		n_points;		/* in the clusters that are kept */
} gh_score_cache;

/* One labelling on its way to its score. */
typedef struct gh_scoring
{
	gh_grid_cell *cell;			/* takes the counts and the score */
	gh_partition partition;
	gh_set_key *keys;			/* of the clusters */
	gh_density **clusters;		/* the cache's; NULL unless they have to be combined */
	size_t		entry;			/* among the cache's partitions */
} gh_scoring;

extern gh_status gh_score_cache_open(gh_ctx *ctx, const double *points, size_t n, int d, size_t n_settings,
									 gh_score_cache *cache);
extern void gh_score_cache_close(gh_ctx *ctx, gh_score_cache *cache);
/* Gives back the clusters, not the scores. */
extern void gh_score_cache_forget(gh_ctx *ctx, gh_score_cache *cache);

/* Counts a labelling and names its clusters; serial, so many can be done at once.  Close also after a failure. */
extern gh_status gh_scoring_open(gh_ctx *ctx, const int32_t *labels, size_t n, gh_grid_cell *cell, gh_scoring *scoring);
extern void gh_scoring_close(gh_ctx *ctx, gh_scoring *scoring);

/* DBCV as gh_dbcv() gives it, for several labellings at once, from memory where possible. */
extern gh_status gh_score_all(gh_ctx *ctx, gh_score_cache *cache, gh_scoring *scorings, size_t n_scorings);

/*
 * Bytes for n_scorings of them at once, each with at most n_clusters clusters,
 * measuring included, if all the clusters of all are new.
 */
extern size_t gh_score_memory(size_t n, int d, size_t n_scorings, size_t n_clusters);

/*
 * relative_validity_ of the hdbscan package: DBCV's formula on the edges of the
 * clustering's own spanning tree.  labels 0 .. n_clusters - 1, or GH_NOISE.
 * *defined is false without clusters.
 */
extern gh_status gh_relative_validity(gh_ctx *ctx, const gh_edge *edges, size_t n, const int32_t *labels,
									  int n_clusters, double *value, bool *defined);

#endif							/* GH_GRID_PRIVATE_H */
