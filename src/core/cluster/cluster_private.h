/*
 * cluster_private.h
 *		What the files of this room share: spanning tree, dendrogram, condensed tree.
 */
#ifndef GH_CLUSTER_PRIVATE_H
#define GH_CLUSTER_PRIVATE_H

#include "cluster/gh_hdbscan.h"
#include "project/gh_kdtree.h"

#include <math.h>

/* Points are numbered in 31 bits, so that the nodes of a dendrogram fit 32. */
#define GH_CLUSTER_MAX_POINTS ((size_t) INT32_MAX)

/* Simple loops look for a cancel whenever (i & GH_POLL_MASK) == GH_POLL_MASK: a millisecond or less. */
#define GH_POLL_MASK ((size_t) 0x7fff)
#define GH_POLL(ctx, i) \
	do { \
		if (((i) & GH_POLL_MASK) == GH_POLL_MASK) \
			GH_CHECK_STOP(ctx); \
	} while (0)

/*
 * GH_EDATA for a coordinate that is NaN or infinite, or for coordinates so far
 * apart that a squared distance overflows; GH_ELIMIT for too many points.
 */
extern gh_status gh_cluster_check_points(gh_ctx *ctx, const double *points, size_t n, int d);

/*
 * Squared distance of two boxes; dimensions are added in ascending order, as in
 * the distance of two points, so that rounding never lifts it above theirs.
 */
static inline double
gh_box_distance2(const double *low_a, const double *high_a, const double *low_b, const double *high_b, int d)
{
	double		sum = 0;

	for (int j = 0; j < d; j++)
	{
		double		below = low_a[j] - high_b[j],
					above = low_b[j] - high_a[j];
		double		gap = below > above ? below : above;

		gap = gap > 0 ? gap : 0;
		sum += gap * gap;
	}
	return sum;
}

/* ---- core_distances.c -------------------------------------------------- */

/*
 * The nearest other points of every point: they settle most of the first rounds
 * of Boruvka.  Points are their positions in the tree.
 */
typedef struct gh_seeds
{
	int			k;				/* per point; 0: none */
	uint32_t   *position;		/* n x k, by ascending distance */
	double	   *distance;		/* n x k */
} gh_seeds;

#define GH_MAX_SEEDS 16

/*
 * Distances to the m[c]-th nearest other point, 1 <= m[c] <= n - 1:
 * core[c * n + i].  Also the first k neighbours, k <= n - 1, into seeds; its
 * arrays are gh memory: free with gh_seeds_free.
 */
extern gh_status gh_core_distances(gh_ctx *ctx, const gh_kdtree *tree, const int *m, int n_columns, double *core,
								   int k, gh_seeds *seeds);
/*
 * Bytes it takes besides core and seeds when there is room, for up to `most`
 * neighbours; with less it takes next to nothing, and more time.
 */
extern size_t gh_core_distances_memory(size_t n, int d, int most);
extern void gh_seeds_free(gh_ctx *ctx, gh_seeds *seeds);

/* An undirected edge; low < high are point indices.  Edges are ordered by (weight, low, high). */
typedef struct gh_edge
{
	double		weight;
	uint32_t	low,
				high;
} gh_edge;

/*
 * The graph that spanning trees are taken of: all pairs of points with the
 * weight max(core_u, core_v, |u - v| / alpha), and the search for the lightest
 * edges between components.  Arrays by "position" follow the kd-tree's order.
 */
typedef struct gh_reachability
{
	const gh_kdtree *tree;
	double		alpha;
	const gh_seeds *seeds;		/* or NULL */
	const uint32_t *visit;		/* positions in the order of searching; NULL: by the tree */
	const char *stage;			/* for progress; NULL: none */
	double	   *core;			/* by position */
	double	   *node_core;		/* lowest core distance below a node */
	double	   *node_known;		/* every point below a node knows its neighbours up to here */
	bool		known;			/* node_known is filled in */
	uint32_t   *component;		/* by position; any numbers below n */
	uint32_t   *node_component; /* of all points below a node, or GH_MIXED */
	uint32_t   *partner;		/* by position: where its last search ended, or GH_MIXED */
	gh_edge    *best;			/* by component: its lightest edge to another one */
	struct gh_spinlock *locks;	/* guard best, striped */
} gh_reachability;

#define GH_MIXED UINT32_MAX

/* ---- reachability.c ---------------------------------------------------- */

/* core: by point index.  The tree must stay.  Close also after a failure. */
extern gh_status gh_reachability_open(gh_ctx *ctx, const gh_kdtree *tree, const double *core, double alpha,
									  gh_reachability *graph);
extern void gh_reachability_close(gh_ctx *ctx, gh_reachability *graph);
extern size_t gh_reachability_memory(size_t n);
/* Brings best and what is kept by node up to date with component, before a round. */
extern gh_status gh_reachability_renew(gh_ctx *ctx, gh_reachability *graph);
/* Reads best[component]; lowers it where the edge comes first.  From any thread. */
extern gh_edge gh_reachability_best(gh_reachability *graph, uint32_t component);
extern void gh_reachability_offer(gh_reachability *graph, uint32_t component, const gh_edge *edge);

/* Up to which distance a point's list of neighbours is complete. */
static inline double
gh_reachability_known(const gh_reachability *g, size_t position)
{
	const gh_seeds *seeds = g->seeds;

	if (seeds == NULL || seeds->k == 0)
		return 0;
	if ((size_t) seeds->k + 1 >= g->tree->n)
		return INFINITY;
	return seeds->distance[(position + 1) * seeds->k - 1] / g->alpha;
}

/* The order of edges. */
static inline bool
gh_edge_before(const gh_edge *a, const gh_edge *b)
{
	if (a->weight != b->weight)
		return a->weight < b->weight;
	return a->low != b->low ? a->low < b->low : a->high < b->high;
}

static inline gh_edge
gh_edge_make(double weight, uint32_t a, uint32_t b)
{
	gh_edge		edge = {weight, a < b ? a : b, a < b ? b : a};

	return edge;
}

/* ---- boruvka.c --------------------------------------------------------- */

/*
 * One round: best[c] for every component c that has a point; weight INFINITY
 * when there is no other component.  Exact under the order of edges, whatever
 * the number of threads.
 */
extern gh_status gh_reachability_round(gh_ctx *ctx, gh_reachability *graph);

/* ---- spanning_tree.c --------------------------------------------------- */

/* The minimum spanning tree under the order of edges: n - 1 edges, ascending. */
extern gh_status gh_spanning_tree(gh_ctx *ctx, gh_reachability *graph, gh_edge *edges);
extern size_t gh_spanning_tree_memory(size_t n);

/* ---- dendrogram.c ------------------------------------------------------ */

/*
 * Single linkage.  Node ids: points 0..n-1, then merge t is n + t; the root is
 * 2n - 2.  The left child holds the edge's lower point.
 */
typedef struct gh_dendrogram
{
	size_t		n;
	uint32_t   *left;			/* n - 1, by merge */
	uint32_t   *right;
	uint32_t   *size;			/* points below */
	double	   *height;			/* weight of the merging edge */
	uint32_t   *begin;			/* points below merge t: leaves[begin[t] .. begin[t] + size[t]) */
	uint32_t   *leaves;			/* n, points in the order of the tree */
} gh_dendrogram;

/* edges: n - 1 of a spanning tree, ascending; n >= 1. */
extern gh_status gh_dendrogram_build(gh_ctx *ctx, const gh_edge *edges, size_t n, gh_dendrogram *tree);
extern void gh_dendrogram_free(gh_ctx *ctx, gh_dendrogram *tree);
extern size_t gh_dendrogram_memory(size_t n);

/* ---- condensed.c ------------------------------------------------------- */

/*
 * The condensed tree: clusters of at least min_cluster_size points.  Cluster 0
 * is the root; ids follow a walk by levels, so children have higher ids than
 * their parent, and the two children of a cluster have neighbouring ids.
 * lambda is 1 / height, infinite for height 0.
 */
typedef struct gh_condensed
{
	size_t		n_points;
	uint32_t	n_clusters;
	uint32_t   *parent;			/* of the root: 0 */
	uint32_t   *child;			/* its first child, the second is the next id; 0: none */
	uint32_t   *size;
	double	   *birth;			/* lambda at which it splits off; 0 for the root */
	double	   *death;			/* highest lambda at which anything leaves it */
	double	   *stability;
	uint32_t   *point_cluster;	/* the last cluster that a point belongs to */
	double	   *point_lambda;	/* and the lambda at which it leaves it */
} gh_condensed;

extern gh_status gh_condensed_build(gh_ctx *ctx, const gh_dendrogram *tree, int min_cluster_size, gh_condensed *out);
extern void gh_condensed_free(gh_ctx *ctx, gh_condensed *tree);
extern size_t gh_condensed_memory(size_t n, int min_cluster_size);

/* ---- selection.c ------------------------------------------------------- */

/*
 * selected[n_clusters]: 1 for the clusters of the flat clustering.
 * mass[n_clusters]: the stability that speaks for a cluster in the end; of one
 * that its children beat, theirs.
 */
extern gh_status gh_select_clusters(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params,
									uint8_t *selected, double *mass);

/* ---- labels.c ---------------------------------------------------------- */

/* The flat clustering, as numbers for the clusters of the condensed tree. */
typedef struct gh_flat
{
	int			n_clusters;
	uint32_t   *home;			/* of a cluster: the nearest selected one at or above it, or GH_NO_CLUSTER */
	int32_t    *number;			/* of a selected cluster: its label, else GH_NOISE */
	double		threshold;		/* points that leave the root before this lambda are noise */
} gh_flat;

#define GH_NO_CLUSTER UINT32_MAX

/* Free with gh_flat_free, also after a failure. */
extern gh_status gh_flat_number(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params,
								const uint8_t *selected, gh_flat *flat);
extern void gh_flat_free(gh_ctx *ctx, gh_flat *flat);
/* Label of a point that belongs to a cluster of the condensed tree until lambda. */
extern int32_t gh_flat_label(const gh_flat *flat, uint32_t cluster, double lambda);
/* Membership: how long a point stays in its cluster, as a share of the longest stay. */
extern double gh_membership(double lambda, double death);

/* labels[n]; probabilities[n] may be NULL. */
extern gh_status gh_label_points(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params,
								 const uint8_t *selected, int32_t *labels, double *probabilities, int *n_clusters);
/* GLOSH, in [0, 1]. */
extern gh_status gh_outlier_scores(gh_ctx *ctx, const gh_condensed *tree, double *scores);

/* Selection and labels of one setting on one condensed tree. */
extern gh_status gh_extract_clusters(gh_ctx *ctx, const gh_condensed *tree, const gh_hdbscan_params *params,
									 int32_t *labels, double *probabilities, int *n_clusters);

/* ---- hdbscan.c --------------------------------------------------------- */

/*
 * The condensed tree of n >= 1 points.  near_core[n], may be NULL: distances to
 * the (min_samples - 1)-th nearest other point, 0 for the 0th, which the hdbscan
 * package predicts new points with.
 */
extern gh_status gh_hdbscan_condense(gh_ctx *ctx, const double *points, size_t n, int d,
									 const gh_hdbscan_params *params, double *near_core, gh_condensed *condensed);

/* min_samples as it is used: the default filled in, at most n - 1, at least 1 */
extern int gh_hdbscan_min_samples(const gh_hdbscan_params *params, size_t n);

#endif							/* GH_CLUSTER_PRIVATE_H */
