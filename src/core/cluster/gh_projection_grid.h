/*
 * gh_projection_grid.h
 *		Exhaustive search over the parameters of a projection and of the clusters in it.
 *
 * Every projection of the points is clustered with every setting of a grid.
 * Neighbours are searched once for all projections.
 */
#ifndef GH_PROJECTION_GRID_H
#define GH_PROJECTION_GRID_H

#include "cluster/gh_grid.h"
#include "project/gh_umap.h"

typedef struct gh_projection
{
	gh_umap_params params;
	bool		trustworthiness_defined;
	double		trustworthiness;	/* at 15 neighbours, over at most 1,000 points */
} gh_projection;

/*
 * points: n x d, finite.  The projections may differ in n_neighbors,
 * min_dist and spread only (GH_EINVAL).  cells: n_projections x n_cells, their params read
 * and the rest written as gh_grid does.  Trustworthiness is of the scaled points
 * and not defined for 30 points or fewer.  Checks all parameters and the memory
 * budget first.  Notes the best DBCV of each projection.
 */
extern gh_status gh_projection_grid(gh_ctx *ctx, const double *points, size_t n, int d, gh_projection *projections,
									size_t n_projections, gh_grid_cell *cells, size_t n_cells);
/* All parameters alone, so that they can be refused before the points are read. */
extern gh_status gh_projection_grid_check(gh_ctx *ctx, const gh_projection *projections, size_t n_projections,
										  const gh_grid_cell *cells, size_t n_cells);
extern size_t gh_projection_grid_memory(size_t n, int d, const gh_projection *projections, size_t n_projections,
										const gh_grid_cell *cells, size_t n_cells);

#endif							/* GH_PROJECTION_GRID_H */
