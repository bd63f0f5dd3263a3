/*
 * gh_graph.h
 *		UMAP's fuzzy neighbourhood graph.
 *
 * Vertices are tree positions, not point indices: neighbours in space stand
 * near each other in memory, which the spectral start and the layout live on.
 */
#ifndef GH_GRAPH_H
#define GH_GRAPH_H

#include "project/gh_kdtree.h"

/* Symmetric, both directions stored, columns ascending in a row, weights in (0, 1]. */
typedef struct gh_graph
{
	size_t		n;
	size_t	   *offsets;		/* n + 1 */
	uint32_t   *columns;		/* offsets[n] */
	float	   *weights;		/* offsets[n] */
} gh_graph;

/*
 * The widths of one point's neighbourhood: rho is the smallest distance that
 * is not 0 and sigma solves  sum_j exp(-max(0, d_j - rho) / sigma) = target,
 * by bisection, with umap-learn's floor: sigma is at least 0.001 of the point's
 * mean distance (`mean_all`, that over all points, when rho is 0).
 * distances: k, ascending, the point itself not among them.
 */
extern void gh_graph_widths(const double *distances, int k, double target, double mean_all, double *rho,
							double *sigma);

/*
 * From the k nearest other points of each point (rows by point index, as
 * gh_neighbours gives them): memberships exp(-(d - rho) / sigma), joined by
 * the fuzzy union p + q - pq.  McInnes, Healy and Melville, section 3.1.
 * The caller frees with gh_graph_free, also after a failure.
 */
extern gh_status gh_graph_build(gh_ctx *ctx, const gh_kdtree *tree, int k, const uint32_t *indices,
								const double *distances, gh_graph *graph);

/*
 * Drops edges that would never be drawn in so many epochs: those below
 * (greatest weight) / epochs.  No vertex loses its last edge: its nearest
 * neighbour has membership 1, the greatest weight there is.
 */
extern gh_status gh_graph_prune(gh_ctx *ctx, gh_graph *graph, int epochs);

extern void gh_graph_free(gh_ctx *ctx, gh_graph *graph);

/* Bytes of a finished graph at most, and of the scratch that building it takes beside it. */
extern size_t gh_graph_memory(size_t n, int k);
extern size_t gh_graph_scratch(size_t n, int k);

#endif							/* GH_GRAPH_H */
