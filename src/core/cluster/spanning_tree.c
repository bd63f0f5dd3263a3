/*
 * spanning_tree.c
 *		Minimum spanning trees: Boruvka's rounds until one component is left.
 */
#include "cluster_private.h"

#include "base/gh_sort.h"

static uint32_t
find_root(uint32_t *parent, uint32_t p)
{
	while (parent[p] != p)
	{
		parent[p] = parent[parent[p]];
		p = parent[p];
	}
	return p;
}

/*
 * Joins components along their best edges and appends those to the tree; the
 * order of edges rules out circles, so an edge is dropped only when both of its
 * components chose it.
 */
static gh_status
join_components(gh_ctx *ctx, gh_reachability *g, uint32_t *parent, uint32_t *roots, size_t *n_roots, gh_edge *edges,
				size_t *n_edges)
{
	size_t		left = 0;

	for (size_t i = 0; i < *n_roots; i++)
	{
		const gh_edge *edge = &g->best[roots[i]];
		uint32_t	a,
					b;

		GH_POLL(ctx, i);
		if (edge->low == UINT32_MAX)
			return gh_fail(ctx, GH_EINTERNAL, "a component of the spanning tree has no edge to the others");
		a = find_root(parent, g->tree->position[edge->low]);
		b = find_root(parent, g->tree->position[edge->high]);
		if (a == b)
			continue;
		parent[a < b ? b : a] = a < b ? a : b;
		edges[(*n_edges)++] = *edge;
	}
	for (size_t i = 0; i < *n_roots; i++)
	{
		GH_POLL(ctx, i);
		if (parent[roots[i]] == roots[i])
			roots[left++] = roots[i];
	}
	*n_roots = left;
	for (size_t p = 0; p < g->tree->n; p++)
	{
		GH_POLL(ctx, p);
		g->component[p] = find_root(parent, (uint32_t) p);
	}
	return GH_OK;
}

/* to[i] = from[index[i]] */
static gh_status
gather_edges(gh_ctx *ctx, const gh_edge *from, const uint32_t *index, size_t n, gh_edge *to)
{
	for (size_t i = 0; i < n; i++)
	{
		GH_POLL(ctx, i);
		to[i] = from[index[i]];
	}
	return GH_OK;
}

/* Ascending by (weight, low, high): by the pair first, then stably by weight. */
static gh_status
sort_edges(gh_ctx *ctx, gh_edge *edges, size_t n)
{
	gh_edge    *sorted = GH_NEW(ctx, n, gh_edge);
	uint64_t   *keys = GH_NEW(ctx, n, uint64_t);
	uint32_t   *index = GH_NEW(ctx, n, uint32_t);
	gh_status	status = GH_OK;

	if (sorted == NULL || keys == NULL || index == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	for (size_t i = 0; i < n; i++)
	{
		if ((i & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
			GH_GOTO(done, gh_canceled(ctx));
		keys[i] = (uint64_t) edges[i].low << 32 | edges[i].high;
	}
	GH_GOTO(done, gh_argsort_u64(ctx, keys, n, index));
	GH_GOTO(done, gather_edges(ctx, edges, index, n, sorted));
	for (size_t i = 0; i < n; i++)
	{
		if ((i & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
			GH_GOTO(done, gh_canceled(ctx));
		keys[i] = gh_double_key(sorted[i].weight);
	}
	GH_GOTO(done, gh_argsort_u64(ctx, keys, n, index));
	GH_GOTO(done, gather_edges(ctx, sorted, index, n, edges));

done:
	gh_free(ctx, sorted);
	gh_free(ctx, keys);
	gh_free(ctx, index);
	return status;
}

/* Every point is a component of its own. */
static gh_status
start_components(gh_ctx *ctx, gh_reachability *graph, uint32_t *parent, uint32_t *roots)
{
	for (size_t p = 0; p < graph->tree->n; p++)
	{
		GH_POLL(ctx, p);
		parent[p] = roots[p] = graph->component[p] = (uint32_t) p;
	}
	return GH_OK;
}

gh_status
gh_spanning_tree(gh_ctx *ctx, gh_reachability *graph, gh_edge *edges)
{
	size_t		n = graph->tree->n,
				n_edges = 0,
				n_roots = n;
	uint32_t   *parent = GH_NEW(ctx, n, uint32_t);
	uint32_t   *roots = GH_NEW(ctx, n, uint32_t);
	gh_status	status = GH_OK;

	if (parent == NULL || roots == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	GH_GOTO(done, start_components(ctx, graph, parent, roots));
	while (n_roots > 1)
	{
		GH_GOTO(done, gh_reachability_round(ctx, graph));
		GH_GOTO(done, join_components(ctx, graph, parent, roots, &n_roots, edges, &n_edges));
	}
	GH_GOTO(done, sort_edges(ctx, edges, n_edges));

done:
	gh_free(ctx, parent);
	gh_free(ctx, roots);
	return status;
}

size_t
gh_spanning_tree_memory(size_t n)
{
	size_t		sorting = sizeof(gh_edge) + sizeof(uint64_t) + sizeof(uint32_t) + 2 * 2 * sizeof(uint64_t);

	/* parent and roots, the edges themselves, what sorting them takes, and the workers' searches */
	return n * (2 * sizeof(uint32_t) + sizeof(gh_edge) + sorting) + ((size_t) 1 << 17);
}
