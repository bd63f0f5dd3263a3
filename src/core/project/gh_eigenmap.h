/*
 * gh_eigenmap.h
 *		Leading eigenvectors of one component of a graph.
 *
 * Of D^-1/2 W D^-1/2, the known one (degree^1/2) left out.  Large components
 * are solved from coarse to fine: on a graph of a few hundred groups from
 * nothing, then on every finer graph from the coarser one's vectors, with few
 * products each.  What is smooth over a whole component, and that is what these
 * vectors are, the coarse graphs already know; so the cost is bounded by a few
 * dozen products with the graph whatever its eigenvalues are like.
 */
#ifndef GH_EIGENMAP_H
#define GH_EIGENMAP_H

#include "project/gh_coarsen.h"

typedef struct gh_eigenmap
{
	int			wanted;			/* vectors, at most 16 */
	uint64_t	seed;
	double	   *x;				/* by vertex x gh_subspace_block(wanted): gets the vectors, largest eigenvalue first */
	double	   *y;				/* scratch of the same size */
	/* results */
	int			applications;	/* products with the graph itself, coarser ones not counted */
	double		value;			/* the largest eigenvalue */
	double		residual;		/* the largest residual of the wanted */
	bool		usable;			/* all of them are smooth over the graph */
} gh_eigenmap;

/*
 * Not being usable is no failure.  Rows of x and y outside the component are
 * not touched.  The same for any thread count.
 */
extern gh_status gh_eigenmap_solve(gh_ctx *ctx, const gh_level *graph, gh_eigenmap *map);

/* Bytes of scratch, about, for n vertices and so many edges, both directions counted. */
extern size_t gh_eigenmap_memory(size_t n, size_t n_edges, int wanted);

#endif							/* GH_EIGENMAP_H */
