/*
 * gh_spectral.h
 *		Starting positions from the eigenvectors of the graph's Laplacian.
 */
#ifndef GH_SPECTRAL_H
#define GH_SPECTRAL_H

#include "project/gh_graph.h"

/* What came of it. */
typedef struct gh_spectral_report
{
	uint32_t	components;		/* connected components of the graph */
	int			applications;	/* products with the graph that were spent, over all components */
	double		value;			/* largest eigenvalue of I - L that was used, of the largest component */
	double		residual;		/* largest residual there */
	uint32_t	fallbacks;		/* components placed by principal components, not smooth within the bound */
} gh_spectral_report;

/*
 * Row p of out (n x n_components): eigenvectors 2 .. n_components + 1 of
 * L = I - D^-1/2 W D^-1/2, each signed so that its largest entry is positive.
 * Components of the graph get places of their own, as far apart as their
 * centroids in `points` (n x d, by point index; order: vertex -> point), and
 * each its own eigenvectors there, scaled into half the way to the nearest
 * other (umap-learn's multi-component start).
 *
 * The cost is bounded.  A component whose vectors are not smooth within the
 * bound is laid out by the principal components of its points.  Threaded; the
 * same for any thread count.
 */
extern gh_status gh_spectral_start(gh_ctx *ctx, const gh_graph *graph, const double *points, int d,
								   const uint32_t *order, int n_components, uint64_t seed, double *out,
								   gh_spectral_report *report);

/* Bytes of scratch, for a graph of one component; n_edges in both directions. */
extern size_t gh_spectral_memory(size_t n, size_t n_edges, int n_components);

#endif							/* GH_SPECTRAL_H */
