/*
 * layout_cells.c
 *		The vertices of the layout in chunks, its edges in cells.
 */
#include "project/layout_cells.h"

#include "base/gh_random.h"
#include "base/gh_threads.h"

#include <string.h>

/* Vertices per chunk at least: smaller ones are done before the other threads wake. */
#define VERTICES_PER_CHUNK 2048
#define VERTICES_PER_POLL 1024
#define EDGES_PER_POLL 16384

typedef struct job
{
	gh_layout_cells *cells;
	uint64_t	seed;
} job;

/* Powers of two, so that 2, 4 and 8 threads have equally much to do in every round. */
static void
cut_chunks(gh_layout_cells *cells, const gh_graph *g)
{
	size_t		v = 0;

	cells->n_chunks = 1;
	while (cells->n_chunks < GH_LAYOUT_MOST_CHUNKS && g->n / VERTICES_PER_CHUNK / 2 >= (size_t) cells->n_chunks)
		cells->n_chunks *= 2;
	for (int c = 0; c < cells->n_chunks; c++)
	{
		size_t		goal = g->offsets[g->n] / cells->n_chunks * (c + 1);

		while (v < g->n && (c == cells->n_chunks - 1 || g->offsets[v] < goal))
			v++;
		cells->chunk_ends[c] = v;
	}
}

/* Counts the edges of each cell, or puts them where the counts say. */
static gh_status
sort_edges(gh_ctx *ctx, gh_layout_cells *cells, const gh_graph *g, size_t *counts)
{
	int			low = 0;

	for (size_t v = 0; v < g->n; v++)
	{
		int			high;

		if (v % VERTICES_PER_POLL == 0)
			GH_CHECK_STOP(ctx);
		while (v >= cells->chunk_ends[low])
			low++;
		high = low;
		/* columns ascend, so the chunk only moves up */
		for (size_t e = g->offsets[v]; e < g->offsets[v + 1]; e++)
		{
			size_t		at;

			if (g->columns[e] <= v)
				continue;
			while (g->columns[e] >= cells->chunk_ends[high])
				high++;
			at = counts[gh_layout_cell(low, high)]++;
			if (cells->heads == NULL)
				continue;
			cells->heads[at] = (uint32_t) v;
			cells->tails[at] = g->columns[e];
			cells->weights[at] = g->weights[e];
		}
	}
	return GH_OK;
}

static void
swap_edges(gh_layout_cells *cells, size_t i, size_t k)
{
	uint32_t	head = cells->heads[i],
				tail = cells->tails[i];
	float		weight = cells->weights[i];

	cells->heads[i] = cells->heads[k];
	cells->tails[i] = cells->tails[k];
	cells->weights[i] = cells->weights[k];
	cells->heads[k] = head;
	cells->tails[k] = tail;
	cells->weights[k] = weight;
}

/* Fisher and Yates, with numbers that belong to the place of the edge. */
static gh_status
shuffle_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const job  *j = arg;
	size_t		begin = j->cells->offsets[task];

	(void) worker;
	for (size_t i = j->cells->offsets[task + 1]; i > begin + 1; i--)
	{
		uint64_t	bits = gh_random_u64(j->seed, GH_STREAM_UMAP_NEGATIVE, i);

		if (i % EDGES_PER_POLL == 0)
			GH_CHECK_STOP(ctx);
		swap_edges(j->cells, i - 1, begin + (size_t) ((bits >> 32) * (i - begin) >> 32));
	}
	return GH_OK;
}

gh_status
gh_layout_cells_build(gh_ctx *ctx, const gh_graph *graph, uint64_t seed, gh_layout_cells *cells)
{
	job			j = {cells, seed};
	size_t		counts[GH_LAYOUT_MOST_CELLS] = {0};
	size_t		n_edges;
	int			n_cells;

	memset(cells, 0, sizeof(*cells));
	cut_chunks(cells, graph);
	n_cells = cells->n_chunks * (cells->n_chunks + 1) / 2;
	GH_TRY(sort_edges(ctx, cells, graph, counts));
	for (int c = 0; c < n_cells; c++)
	{
		cells->offsets[c + 1] = cells->offsets[c] + counts[c];
		counts[c] = cells->offsets[c];
	}
	n_edges = cells->offsets[n_cells];
	if ((cells->heads = GH_NEW(ctx, n_edges, uint32_t)) == NULL ||
		(cells->tails = GH_NEW(ctx, n_edges, uint32_t)) == NULL ||
		(cells->weights = GH_NEW(ctx, n_edges, float)) == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(sort_edges(ctx, cells, graph, counts));
	return gh_parallel(ctx, n_cells, shuffle_task, &j);
}

void
gh_layout_cells_free(gh_ctx *ctx, gh_layout_cells *cells)
{
	gh_free(ctx, cells->heads);
	gh_free(ctx, cells->tails);
	gh_free(ctx, cells->weights);
	memset(cells, 0, sizeof(*cells));
}

size_t
gh_layout_cells_memory(size_t n_edges)
{
	return n_edges / 2 * (2 * sizeof(uint32_t) + sizeof(float));
}
