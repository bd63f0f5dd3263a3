/*
 * gh_layout.h
 *		UMAP's layout: attraction along edges, repulsion from random points.
 */
#ifndef GH_LAYOUT_H
#define GH_LAYOUT_H

#include "project/gh_graph.h"

typedef struct gh_layout
{
	int			dim;			/* 1 .. GH_LAYOUT_MOST_DIM */
	int			epochs;
	double		a,				/* of the curve 1 / (1 + a x^(2b)) */
				b;
	double		learning_rate;
	int			negative_sample_rate;
	uint64_t	seed;
} gh_layout;

#define GH_LAYOUT_MOST_DIM 16

/*
 * Stochastic gradient descent on the cross entropy, McInnes, Healy and Melville,
 * section 3.2, with umap-learn's step sizes and clipping.
 *
 * An edge of weight w acts in w of all epochs: it pulls its two ends together,
 * then negative_sample_rate random vertices push its head away.
 *
 * Parallel without races, as Gemulla, Nijkamp, Haas and Sismanis did for
 * matrices (KDD 2011, https://doi.org/10.1145/2020408.2020426): the vertices are
 * cut into chunks, the same for any number of threads.  First every chunk by
 * itself goes through its vertices in order, as umap-learn does through all;
 * then chunks meet in pairs, no chunk in two pairs at once, and each pair
 * handles the edges between the two.  Random vertices of other chunks are seen
 * as they stood when the epoch began.  So the result is the same bytes for any
 * number of threads and any instruction set.
 *
 * y: n x dim by vertex, in and out.
 */
extern gh_status gh_layout_run(gh_ctx *ctx, const gh_graph *graph, const gh_layout *layout, double *y);

/* Bytes of scratch, at most; n_edges as stored, in both directions. */
extern size_t gh_layout_memory(size_t n, size_t n_edges, int dim);

/* ---- what the builds for each instruction set share --------------------- */

/* The vertices of a chunk: [begin, end). */
typedef struct gh_layout_range
{
	size_t		begin,
				end;
} gh_layout_range;

/* An edge between two chunks, stored once. */
typedef struct gh_layout_bridge
{
	uint32_t	head,
				tail;
	float		weight;
} gh_layout_bridge;

typedef struct gh_layout_epoch
{
	const gh_graph *graph;
	const float *before;		/* n x dim, as the epoch began */
	float	   *now;			/* n x dim */
	int			dim;
	float		time,			/* the epoch's number, and the one before */
				time_before;
	float		alpha;
	float		a,
				b;
	int			negative_sample_rate;
	uint64_t	key;			/* of the epoch's random numbers */
} gh_layout_epoch;

typedef struct gh_layout_build
{
	/* Attraction inside a chunk, and repulsion of its vertices. */
	gh_status	(*chunk) (gh_ctx *ctx, const gh_layout_epoch *epoch, const gh_layout_range *range);
	/* Attraction along the edges between two chunks. */
	gh_status	(*bridges) (gh_ctx *ctx, const gh_layout_epoch *epoch, const gh_layout_bridge *bridges, size_t n);
} gh_layout_build;

extern const gh_layout_build gh_layout_baseline;
#if defined(__x86_64__)
extern const gh_layout_build gh_layout_avx2;
extern const gh_layout_build gh_layout_avx512;
#endif

#endif							/* GH_LAYOUT_H */
