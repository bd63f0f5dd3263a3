/*
 * layout_cells.h
 *		The vertices of the layout in chunks, its edges in cells.
 */
#ifndef GH_LAYOUT_CELLS_H
#define GH_LAYOUT_CELLS_H

#include "project/gh_graph.h"

#define GH_LAYOUT_MOST_CHUNKS 16
#define GH_LAYOUT_MOST_CELLS (GH_LAYOUT_MOST_CHUNKS * (GH_LAYOUT_MOST_CHUNKS + 1) / 2)

typedef struct gh_layout_cells
{
	int			n_chunks;		/* 1, or even */
	size_t		chunk_ends[GH_LAYOUT_MOST_CHUNKS];
	size_t		offsets[GH_LAYOUT_MOST_CELLS + 1];
	/* by cell, each edge once */
	uint32_t   *heads;
	uint32_t   *tails;
	float	   *weights;
} gh_layout_cells;

/* The cell of the edges between two chunks, or inside one when they are the same. */
static inline int
gh_layout_cell(int one, int two)
{
	return one < two ? two * (two + 1) / 2 + one : one * (one + 1) / 2 + two;
}

/*
 * Cuts the vertices into chunks of about equally many edges, a number that the
 * size of the graph alone decides, and sorts the edges by cell, in random order
 * inside a cell.  The caller frees with gh_layout_cells_free, also after a failure.
 */
extern gh_status gh_layout_cells_build(gh_ctx *ctx, const gh_graph *graph, uint64_t seed, gh_layout_cells *cells);

extern void gh_layout_cells_free(gh_ctx *ctx, gh_layout_cells *cells);

/* Bytes of finished cells, at most; n_edges as a graph stores them, in both directions. */
extern size_t gh_layout_cells_memory(size_t n_edges);

#endif							/* GH_LAYOUT_CELLS_H */
