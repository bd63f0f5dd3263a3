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
 * cut into chunks, the same for any number of threads, and the edges into cells,
 * one for each chunk and each pair of chunks.  First every chunk handles the
 * cell of its own edges; then chunks meet in pairs, no chunk in two pairs at
 * once, and each pair handles the cell between the two.  The edges of a cell
 * come in random order, so that several next to each other seldom touch and can
 * be handled at once with the result of one by one.  (Forces summed over the
 * edges of a vertex before it moves would tear the picture apart.)  An edge and
 * its reverse are due in the same epochs; all edges go before all reverses, as
 * two pulls at the same edge one soon after the other cost trustworthiness:
 * 0.006 within a block of edges, 0.003 within a cell.  Random vertices are seen
 * as they stood when the epoch began.  So the result is the same bytes for any
 * number of threads and any instruction set.
 *
 * y: n x dim by vertex, in and out.
 */
extern gh_status gh_layout_run(gh_ctx *ctx, const gh_graph *graph, const gh_layout *layout, double *y);

/* Bytes of scratch, at most; n_edges as stored, in both directions. */
extern size_t gh_layout_memory(size_t n, size_t n_edges, int dim);

/* ---- what the builds for each instruction set share --------------------- */

#define GH_LAYOUT_LANES 8

/*
 * Random vertices are drawn by blocks, one for each of GH_LAYOUT_LANES edges at
 * a time: lane l of block b holds vertex (b + l ceil(n / GH_LAYOUT_LANES)) mod n.
 * So a draw is one place in memory, and no two lanes get neighbours.
 */
typedef struct gh_layout_epoch
{
	uint32_t	n;				/* vertices */
	/* edges by cell, each once */
	const uint32_t *heads;
	const uint32_t *tails;
	const float *weights;
	float	   *now;			/* n x dim */
	/* as the epoch began: n_blocks x dim x GH_LAYOUT_LANES */
	const float *before;
	uint32_t	n_blocks;
	int			dim;
	float		time,			/* the epoch's number, and the one before */
				time_before;
	float		alpha;
	float		a,
				b;
	int			negative_sample_rate;
	bool		reverse;		/* heads and tails change places */
	/* for each set of lanes, as bits, its members in ascending order, then anything */
	const uint8_t (*chosen)[GH_LAYOUT_LANES];
} gh_layout_epoch;

typedef struct gh_layout_build
{
	/* The edges [begin, end) that act in this epoch; `seed` for their random vertices. */
	gh_status	(*cell) (gh_ctx *ctx, const gh_layout_epoch *epoch, size_t begin, size_t end, uint64_t seed);
} gh_layout_build;

extern const gh_layout_build gh_layout_baseline;
#if defined(__x86_64__)
extern const gh_layout_build gh_layout_avx2;
extern const gh_layout_build gh_layout_avx512;
#endif

#endif							/* GH_LAYOUT_H */
