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
 * An edge of weight w acts in w of all epochs.  It moves its head only, by twice
 * the step, because the graph holds its reverse as well; then
 * negative_sample_rate random vertices push the head away.  The vertices are cut
 * into chunks, the same for any number of threads.  A chunk goes through its
 * vertices in order and sees its own movements at once and those of the other
 * chunks as they stood when the epoch began, so the result is the same bytes for
 * any number of threads and any instruction set.
 *
 * y: n x dim by vertex, in and out.
 */
extern gh_status gh_layout_run(gh_ctx *ctx, const gh_graph *graph, const gh_layout *layout, double *y);

/* Bytes of scratch. */
extern size_t gh_layout_memory(size_t n, int dim);

/* One epoch of one chunk: what the builds for each instruction set share. */
typedef struct gh_layout_epoch
{
	const gh_graph *graph;
	const float *before;		/* n x dim, as the epoch began */
	float	   *now;			/* n x dim, the chunk's own rows are moved */
	int			dim;
	float		time,			/* the epoch's number, and the one before */
				time_before;
	float		alpha;
	float		a,
				b;
	int			negative_sample_rate;
	uint64_t	key;			/* of the epoch's random numbers */
} gh_layout_epoch;

/* Moves vertices [begin, end). */
typedef gh_status (*gh_layout_chunk) (gh_ctx *ctx, const gh_layout_epoch *epoch, size_t begin, size_t end);

extern gh_status gh_layout_chunk_baseline(gh_ctx *ctx, const gh_layout_epoch *epoch, size_t begin, size_t end);
#if defined(__x86_64__)
extern gh_status gh_layout_chunk_avx2(gh_ctx *ctx, const gh_layout_epoch *epoch, size_t begin, size_t end);
extern gh_status gh_layout_chunk_avx512(gh_ctx *ctx, const gh_layout_epoch *epoch, size_t begin, size_t end);
#endif

#endif							/* GH_LAYOUT_H */
