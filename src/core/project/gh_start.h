/*
 * gh_start.h
 *		Where the layout starts from.
 */
#ifndef GH_START_H
#define GH_START_H

#include "project/gh_graph.h"
#include "project/gh_umap.h"

/*
 * y (n x n_components, by vertex) gets starting positions, every axis from 0 to
 * 10.  points: n x d by point index; order: vertex -> point.  Which start was
 * used is noted to the host.
 */
extern gh_status gh_start_positions(gh_ctx *ctx, const gh_graph *graph, const double *points, int d,
									const uint32_t *order, gh_umap_init init, int n_components, uint64_t seed,
									double *y);

/* Bytes of scratch; n_edges as stored, in both directions. */
extern size_t gh_start_memory(size_t n, size_t n_edges, int d, gh_umap_init init, int n_components);

#endif							/* GH_START_H */
