/*
 * gh_components.h
 *		The connected components of a graph, and a place for each.
 */
#ifndef GH_COMPONENTS_H
#define GH_COMPONENTS_H

#include "project/gh_graph.h"

typedef struct gh_components
{
	uint32_t	count;
	uint32_t   *rows;			/* n vertices, by component, ascending inside one */
	size_t	   *offsets;		/* count + 1 */
	uint32_t   *place;			/* vertex -> its place in its component */
	double	   *centres;		/* count x n_components */
	double	   *radii;			/* count: half the way to the nearest other centre; 1 for a single component */
} gh_components;

/* Fills all but centres and radii.  Numbered in the order of the lowest vertex.  Free also after a failure. */
extern gh_status gh_components_find(gh_ctx *ctx, const gh_graph *graph, gh_components *parts);

/*
 * Centres and radii.  A single component: 0 and 1.  Up to 2 x n_components:
 * on the axes at +1 and -1.  More: the Laplacian eigenmap of the components'
 * centroids with affinity exp(-distance^2), as umap-learn has it; the principal
 * components of the centroids when there are too many for that or the
 * affinities vanish.  Both divided by the largest coordinate.
 */
extern gh_status gh_components_arrange(gh_ctx *ctx, gh_components *parts, const double *points, int d,
									   const uint32_t *order, int n_components, uint64_t seed);

extern void gh_components_free(gh_ctx *ctx, gh_components *parts);

/* Bytes, for few components. */
extern size_t gh_components_memory(size_t n);

#endif							/* GH_COMPONENTS_H */
