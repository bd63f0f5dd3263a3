/*
 * gh_hdbscan.h
 *		HDBSCAN*: Campello, Moulavi, Zimek and Sander,
 *		https://doi.org/10.1145/2733381, with the conventions of the hdbscan package.
 */
#ifndef GH_HDBSCAN_H
#define GH_HDBSCAN_H

#include "base/gh_context.h"

typedef enum gh_selection
{
	GH_SELECT_EOM = 0,
	GH_SELECT_LEAF
} gh_selection;

typedef struct gh_hdbscan_params
{
	int			min_cluster_size;	/* 2.. */
	int			min_samples;		/* neighbours, the point itself NOT counted; 0: min_cluster_size */
	gh_selection selection;
	double		epsilon;			/* cluster_selection_epsilon */
	int			max_cluster_size;	/* 0: no limit */
	bool		allow_single_cluster;
	double		alpha;				/* distances are divided by it */
} gh_hdbscan_params;

extern gh_hdbscan_params gh_hdbscan_defaults(void);
extern gh_status gh_hdbscan_check(gh_ctx *ctx, const gh_hdbscan_params *params);
/*
 * Bytes it takes.  Beyond three dimensions a list of all neighbours may come on
 * top where there is room for it, and core distances are found faster.
 */
extern size_t gh_hdbscan_memory(size_t n, int d, const gh_hdbscan_params *params);

#define GH_NOISE (-1)

/*
 * points: n x d row-major, finite.  labels[n]: GH_NOISE or 0..*n_clusters-1 in
 * the order of hdbscan's condensed ids.  probabilities[n] and
 * outlier_scores[n] (GLOSH) may be NULL.  Ties in the spanning tree follow the
 * total order (weight, lower index, higher index).  n < 2 is all noise;
 * min_samples is clamped to n-1.
 */
extern gh_status gh_hdbscan(gh_ctx *ctx, const double *points, size_t n, int d, const gh_hdbscan_params *params,
							int32_t *labels, double *probabilities, double *outlier_scores, int *n_clusters);

#endif							/* GH_HDBSCAN_H */
