/*
 * dendrogram.c
 *		Single linkage: from the sorted edges of a spanning tree to nested merges.
 */
#include "cluster_private.h"

#include <string.h>

/* Union by index of the merge: a component is known by the node made last. */
typedef struct components
{
	uint32_t   *parent;			/* n, union-find over points */
	uint32_t   *size;			/* n, of a root */
	uint32_t   *node;			/* n, of a root: its node in the dendrogram */
} components;

static uint32_t
find_root(components *c, uint32_t p)
{
	while (c->parent[p] != p)
	{
		c->parent[p] = c->parent[c->parent[p]];
		p = c->parent[p];
	}
	return p;
}

static gh_status
merge_edges(gh_ctx *ctx, const gh_edge *edges, components *c, gh_dendrogram *tree)
{
	size_t		n = tree->n;

	for (size_t i = 0; i < n; i++)
	{
		c->parent[i] = c->node[i] = (uint32_t) i;
		c->size[i] = 1;
	}
	for (size_t t = 0; t + 1 < n; t++)
	{
		uint32_t	a = find_root(c, edges[t].low),
					b = find_root(c, edges[t].high);
		uint32_t	size = c->size[a] + c->size[b];
		uint32_t	large = c->size[a] >= c->size[b] ? a : b;

		GH_POLL(ctx, t);
		if (a == b)
			return gh_fail(ctx, GH_EINTERNAL, "the spanning tree has a circle");
		tree->left[t] = c->node[a];
		tree->right[t] = c->node[b];
		tree->height[t] = edges[t].weight;
		tree->size[t] = size;
		c->parent[a] = c->parent[b] = large;
		c->size[large] = size;
		c->node[large] = (uint32_t) (n + t);
	}
	return GH_OK;
}

/* Gives a node's points their place: those of the left child come first. */
static inline void
place_child(gh_dendrogram *tree, uint32_t child, uint32_t begin)
{
	if (child < tree->n)
		tree->leaves[begin] = child;
	else
		tree->begin[child - tree->n] = begin;
}

static gh_status
place_leaves(gh_ctx *ctx, gh_dendrogram *tree)
{
	size_t		n = tree->n;

	if (n == 1)
		tree->leaves[0] = 0;
	else
		tree->begin[n - 2] = 0;
	for (size_t t = n - 1; t-- > 0;)
	{
		uint32_t	left = tree->left[t];
		uint32_t	left_size = left < n ? 1 : tree->size[left - n];

		GH_POLL(ctx, t);
		place_child(tree, left, tree->begin[t]);
		place_child(tree, tree->right[t], tree->begin[t] + left_size);
	}
	return GH_OK;
}

gh_status
gh_dendrogram_build(gh_ctx *ctx, const gh_edge *edges, size_t n, gh_dendrogram *tree)
{
	components	c = {NULL, NULL, NULL};
	gh_status	status;

	memset(tree, 0, sizeof(*tree));
	tree->n = n;
	if ((tree->left = GH_NEW(ctx, n - 1, uint32_t)) == NULL ||
		(tree->right = GH_NEW(ctx, n - 1, uint32_t)) == NULL ||
		(tree->size = GH_NEW(ctx, n - 1, uint32_t)) == NULL ||
		(tree->height = GH_NEW(ctx, n - 1, double)) == NULL ||
		(tree->begin = GH_NEW(ctx, n - 1, uint32_t)) == NULL ||
		(tree->leaves = GH_NEW(ctx, n, uint32_t)) == NULL ||
		(c.parent = GH_NEW(ctx, n, uint32_t)) == NULL ||
		(c.size = GH_NEW(ctx, n, uint32_t)) == NULL ||
		(c.node = GH_NEW(ctx, n, uint32_t)) == NULL)
		status = gh_ctx_status(ctx);
	else
		status = merge_edges(ctx, edges, &c, tree);
	if (status == GH_OK)
		status = place_leaves(ctx, tree);
	gh_free(ctx, c.parent);
	gh_free(ctx, c.size);
	gh_free(ctx, c.node);
	if (status != GH_OK)
		gh_dendrogram_free(ctx, tree);
	return status;
}

void
gh_dendrogram_free(gh_ctx *ctx, gh_dendrogram *tree)
{
	gh_free(ctx, tree->left);
	gh_free(ctx, tree->right);
	gh_free(ctx, tree->size);
	gh_free(ctx, tree->height);
	gh_free(ctx, tree->begin);
	gh_free(ctx, tree->leaves);
	memset(tree, 0, sizeof(*tree));
}

size_t
gh_dendrogram_memory(size_t n)
{
	return n * (5 * sizeof(uint32_t) + sizeof(double) + 3 * sizeof(uint32_t));
}
