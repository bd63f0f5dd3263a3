/*
 * gh_grid.h
 *		Exhaustive grid search over HDBSCAN's parameters, scored by DBCV.
 *
 * One neighbour search for all, one tree per min_samples, one condensed tree
 * per min_cluster_size; equal partitions are scored once.
 */
#ifndef GH_GRID_H
#define GH_GRID_H

#include "cluster/gh_hdbscan.h"

typedef struct gh_grid_cell
{
	gh_hdbscan_params params;
	bool		dbcv_defined;
	double		dbcv;
	bool		relative_defined;
	double		relative_validity;	/* hdbscan's relative_validity_ */
	int			clusters;
	size_t		smallest,
				largest;
	double		mean_size;
	size_t		noise;
} gh_grid_cell;

/*
 * The cells' params are read (any mix of min_cluster_size, min_samples,
 * selection; epsilon, max_cluster_size, allow_single_cluster, alpha honoured
 * too), the rest is written.
 * labels: NULL, or n_cells x n: every cell's labels.
 */
extern gh_status gh_grid(gh_ctx *ctx, const double *points, size_t n, int d, gh_grid_cell *cells, size_t n_cells,
						 int32_t *labels);
extern size_t gh_grid_memory(size_t n, int d, const gh_grid_cell *cells, size_t n_cells);

#endif							/* GH_GRID_H */
