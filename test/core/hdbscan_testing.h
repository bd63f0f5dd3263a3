/*
 * hdbscan_testing.h
 *		The spanning tree by its definition: core distances from sorted rows of the
 *		full matrix, then Prim.
 */
#ifndef HDBSCAN_TESTING_H
#define HDBSCAN_TESTING_H

#include "cluster_testing.h"

static inline int
compare_edges(const void *a, const void *b)
{
	const gh_edge *x = a,
			   *y = b;

	if (x->weight != y->weight)
		return x->weight < y->weight ? -1 : 1;
	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return (x->high > y->high) - (x->high < y->high);
}

static inline void
literal_cores(const double *x, size_t n, int d, int m, double *core)
{
	double	   *row = malloc(n * sizeof(double));

	for (size_t i = 0; i < n; i++)
	{
		for (size_t j = 0; j < n; j++)
			row[j] = j == i ? -1 : literal_distance(x, d, i, j);
		qsort(row, n, sizeof(double), compare_doubles);
		core[i] = row[m];
	}
	free(row);
}

static inline gh_edge
literal_edge(const double *x, int d, const double *core, double alpha, uint32_t a, uint32_t b)
{
	gh_edge		edge = {literal_distance(x, d, a, b) / alpha, a < b ? a : b, a < b ? b : a};

	edge.weight = core[a] > edge.weight ? core[a] : edge.weight;
	edge.weight = core[b] > edge.weight ? core[b] : edge.weight;
	return edge;
}

/* Prim; edges compared as (weight, low, high), so that there is only one minimal tree. */
static inline void
literal_spanning_tree(const double *x, size_t n, int d, const double *core, double alpha, gh_edge *edges)
{
	gh_edge    *best = malloc(n * sizeof(gh_edge));
	bool	   *inside = calloc(n, sizeof(bool));
	uint32_t	added = 0;

	for (size_t i = 0; i < n; i++)
		best[i] = (gh_edge) {INFINITY, UINT32_MAX, UINT32_MAX};
	for (size_t e = 0; e + 1 < n; e++)
	{
		uint32_t	next = UINT32_MAX;

		inside[added] = true;
		for (uint32_t j = 0; j < n; j++)
		{
			gh_edge		edge;

			if (inside[j])
				continue;
			edge = literal_edge(x, d, core, alpha, added, j);
			if (compare_edges(&edge, &best[j]) < 0)
				best[j] = edge;
			if (next == UINT32_MAX || compare_edges(&best[j], &best[next]) < 0)
				next = j;
		}
		edges[e] = best[next];
		added = next;
	}
	qsort(edges, n - 1, sizeof(gh_edge), compare_edges);
	free(best);
	free(inside);
}

#endif							/* HDBSCAN_TESTING_H */
