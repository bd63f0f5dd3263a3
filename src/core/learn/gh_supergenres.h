/*
 * gh_supergenres.h
 *		From clusters of artists to supergenres: assignment, names, popularity, discovery.
 */
#ifndef GH_SUPERGENRES_H
#define GH_SUPERGENRES_H

#include "cluster/gh_grid.h"
#include "learn/gh_folds.h"
#include "project/gh_umap.h"

/* The cluster of every genre. */
typedef struct gh_assignment
{
	int32_t    *cluster;		/* per genre; GH_NOISE when it occurs nowhere */
	uint64_t   *count;			/* its artists in that cluster (in noise when it has no other) */
	uint64_t   *total;			/* its artists, noise included */
} gh_assignment;					/* arrays of n_labels, the caller's */

/*
 * Each genre belongs to the cluster where most of its artists are; noise only
 * when there is no other.  Ties: the larger share of the cluster, then the
 * lower cluster.
 */
extern gh_status gh_assign_genres(gh_ctx *ctx, const gh_labels *genres, const int32_t *cluster, int n_clusters,
								  gh_assignment *out);

typedef struct gh_discovery_params
{
	gh_umap_params umap;		/* n_neighbors 30, min_dist 0 by default here */
	int			min_clusters,	/* 5 */
				max_clusters;	/* 15 */
	double		max_noise;		/* 0.5 */
	double		min_cluster_fraction;	/* smallest cluster / artists; 0.005 */
	int			n_min_cluster_size; /* 0: scaled to the number of artists */
	int			min_cluster_size[32];
	int			n_min_samples;
	int			min_samples[32];
	int			genres_per_supergenre;	/* 5 */
} gh_discovery_params;

extern gh_discovery_params gh_discovery_defaults(void);

typedef struct gh_discovery
{
	int			n_clusters;
	size_t		n_artists;
	int32_t    *labels;			/* per artist */
	double	   *embedding;		/* n_artists x 2 */
	gh_grid_cell *cells;		/* the whole grid */
	size_t		n_cells;
	size_t		chosen;			/* index into cells */
	bool		relaxed;		/* no setting met all limits: the nearest was taken, and noted */
	int32_t    *genre_cluster;	/* per genre: kept supergenre, or GH_NOISE (not kept) */
	char	  **name;			/* per cluster, UTF-8, unique */
} gh_discovery;

/*
 * features: n_artists x d artist means, artists in the order of their ids.
 * genre_name[n_labels]: UTF-8, for names of supergenres (and their order).
 * Notes every choice.  Free with gh_discovery_free.
 */
extern gh_status gh_discover(gh_ctx *ctx, const double *features, size_t n_artists, int d, const gh_labels *genres,
							 const char *const *genre_name, const gh_discovery_params *params, gh_discovery *out);
extern void gh_discovery_free(gh_ctx *ctx, gh_discovery *discovery);
extern size_t gh_discovery_memory(size_t n_artists, int d, const gh_discovery_params *params);

#endif							/* GH_SUPERGENRES_H */
