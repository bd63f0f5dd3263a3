/*
 * gh_pca.h
 *		Principal components, as starting positions.
 */
#ifndef GH_PCA_H
#define GH_PCA_H

#include "base/gh_context.h"

/*
 * Row p of out (n x n_components) becomes the leading principal coordinates,
 * among points order[0..n), of point order[p] (points: rows of d, row-major).  Columns beyond the rank of the
 * data are 0.  Each axis points so that its largest loading is positive.
 */
extern gh_status gh_pca_project(gh_ctx *ctx, const double *points, size_t n, int d, const uint32_t *order,
								int n_components, uint64_t seed, double *out);

/* Bytes of scratch. */
extern size_t gh_pca_memory(int d, int n_components);

#endif							/* GH_PCA_H */
