/*
 * gh_coarsen.h
 *		A graph of groups of vertices in place of a graph of vertices.
 *
 * Koren, Carmel and Harel, "ACE: A fast multiscale eigenvectors computation for
 * drawing huge graphs", InfoVis 2002, https://doi.org/10.1109/INFVIS.2002.1173159:
 * the Laplacian's eigenvectors vary little inside a group of vertices that hold
 * on to each other, so those of the coarse graph, its edges the sums of edges,
 * are a start for those of the fine one.
 */
#ifndef GH_COARSEN_H
#define GH_COARSEN_H

#include "project/gh_graph.h"

/* A connected graph, or one component of a larger graph. */
typedef struct gh_level
{
	size_t		n;				/* vertices that take part */
	const uint32_t *rows;		/* which; NULL: 0 .. n - 1 */
	const uint32_t *place;		/* vertex -> its index in rows; NULL with rows */
	const size_t *offsets;		/* by vertex: edges offsets[v] .. offsets[v + 1] */
	const uint32_t *columns;
	const float *weights;
	const double *inner;		/* by vertex: weight inside the group, both directions; NULL: 0 */
	const double *root;			/* by vertex: degree^1/2, inner weight included */
	const double *inverse;		/* by vertex: 1 / root */
} gh_level;

/* Owns its arrays. */
typedef struct gh_coarse
{
	size_t		n;
	uint32_t   *group;			/* index in the fine level -> group */
	size_t	   *offsets;		/* n + 1 */
	uint32_t   *columns;
	float	   *weights;
	double	   *inner;
	double	   *root;
	double	   *inverse;
} gh_coarse;

/*
 * Groups a vertex with the free neighbours it holds on to most; what has none
 * left joins its strongest neighbour.  In the order of the rows, so always the
 * same.  Free with gh_coarse_free, also after a failure.
 */
extern gh_status gh_coarsen(gh_ctx *ctx, const gh_level *fine, gh_coarse *coarse);
extern gh_level gh_coarse_level(const gh_coarse *coarse);
extern void gh_coarse_free(gh_ctx *ctx, gh_coarse *coarse);

#endif							/* GH_COARSEN_H */
