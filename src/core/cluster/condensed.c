/*
 * condensed.c
 *		The condensed tree: a dendrogram seen through min_cluster_size.
 *
 * Campello, Moulavi, Zimek and Sander, https://doi.org/10.1145/2733381, section
 * 4.  A merge of two parts of at least min_cluster_size points is a true split;
 * a smaller part is points falling out of the cluster.
 *
 * Merges are walked by levels from the root, so that cluster ids and the order
 * in which a cluster's stability is summed are those of the hdbscan package.
 */
#include "cluster_private.h"

#include <math.h>
#include <string.h>

/* The walk: merges that are still part of a cluster, first in, first out. */
typedef struct walk
{
	const gh_dendrogram *tree;
	gh_condensed *out;
	uint32_t	min_size;
	uint32_t   *merge;			/* queue; no merge enters twice */
	uint32_t   *cluster;		/* to which a queued merge belongs */
	size_t		first,
				end;
} walk;

static inline uint32_t
node_size(const gh_dendrogram *tree, uint32_t node)
{
	return node < tree->n ? 1 : tree->size[node - tree->n];
}

/* A row of the condensed tree: `size` points leave `cluster` at lambda. */
static inline void
add_row(gh_condensed *out, uint32_t cluster, double lambda, uint32_t size)
{
	out->stability[cluster] += (lambda - out->birth[cluster]) * size;
	if (lambda > out->death[cluster])
		out->death[cluster] = lambda;
}

static void
enqueue(walk *w, uint32_t node, uint32_t cluster)
{
	w->merge[w->end] = node - (uint32_t) w->tree->n;
	w->cluster[w->end++] = cluster;
}

/* A child of at least min_cluster_size points becomes a cluster of its own. */
static void
split_off(walk *w, uint32_t node, uint32_t parent, double lambda)
{
	gh_condensed *out = w->out;
	uint32_t	cluster = out->n_clusters++;
	uint32_t	size = node_size(w->tree, node);

	out->parent[cluster] = parent;
	out->child[cluster] = 0;
	out->size[cluster] = size;
	out->birth[cluster] = lambda;
	out->death[cluster] = 0;
	out->stability[cluster] = 0;
	add_row(out, parent, lambda, size);
	enqueue(w, node, cluster);
}

/* All points of a child that is too small leave the cluster. */
static void
drop_points(walk *w, uint32_t node, uint32_t cluster, double lambda)
{
	const gh_dendrogram *tree = w->tree;
	uint32_t	size = node_size(tree, node);
	const uint32_t *points = node < tree->n ? &node : tree->leaves + tree->begin[node - tree->n];

	for (uint32_t i = 0; i < size; i++)
	{
		w->out->point_cluster[points[i]] = cluster;
		w->out->point_lambda[points[i]] = lambda;
		add_row(w->out, cluster, lambda, 1);
	}
}

static void
visit_merge(walk *w, uint32_t merge, uint32_t cluster)
{
	const gh_dendrogram *tree = w->tree;
	uint32_t	left = tree->left[merge],
				right = tree->right[merge];
	bool		keep_left = node_size(tree, left) >= w->min_size,
				keep_right = node_size(tree, right) >= w->min_size;
	double		lambda = tree->height[merge] > 0 ? 1.0 / tree->height[merge] : INFINITY;

	if (keep_left && keep_right)
	{
		w->out->child[cluster] = w->out->n_clusters;
		split_off(w, left, cluster, lambda);
		split_off(w, right, cluster, lambda);
		return;
	}
	if (keep_left)
		enqueue(w, left, cluster);
	else
		drop_points(w, left, cluster, lambda);
	if (keep_right)
		enqueue(w, right, cluster);
	else
		drop_points(w, right, cluster, lambda);
}

static gh_status
run_walk(gh_ctx *ctx, walk *w)
{
	gh_condensed *out = w->out;

	out->n_clusters = 1;
	out->parent[0] = out->child[0] = 0;
	out->size[0] = (uint32_t) w->tree->n;
	out->birth[0] = out->death[0] = out->stability[0] = 0;
	if (w->tree->n == 1)
	{
		out->point_cluster[0] = 0;
		out->point_lambda[0] = 0;
		return GH_OK;
	}
	enqueue(w, (uint32_t) (2 * w->tree->n - 2), 0);
	for (; w->first < w->end; w->first++)
	{
		GH_POLL(ctx, w->first);
		visit_merge(w, w->merge[w->first], w->cluster[w->first]);
	}
	return GH_OK;
}

/* Every split needs two parts of min_cluster_size points. */
static size_t
most_clusters(size_t n, int min_cluster_size)
{
	return 2 * (n / (size_t) min_cluster_size) + 1;
}

gh_status
gh_condensed_build(gh_ctx *ctx, const gh_dendrogram *tree, int min_cluster_size, gh_condensed *out)
{
	size_t		n = tree->n,
				most = most_clusters(n, min_cluster_size);
	walk		w = {tree, out, (uint32_t) min_cluster_size, NULL, NULL, 0, 0};
	gh_status	status;

	memset(out, 0, sizeof(*out));
	out->n_points = n;
	if ((out->parent = GH_NEW(ctx, most, uint32_t)) == NULL ||
		(out->child = GH_NEW(ctx, most, uint32_t)) == NULL ||
		(out->size = GH_NEW(ctx, most, uint32_t)) == NULL ||
		(out->birth = GH_NEW(ctx, most, double)) == NULL ||
		(out->death = GH_NEW(ctx, most, double)) == NULL ||
		(out->stability = GH_NEW(ctx, most, double)) == NULL ||
		(out->point_cluster = GH_NEW(ctx, n, uint32_t)) == NULL ||
		(out->point_lambda = GH_NEW(ctx, n, double)) == NULL ||
		(w.merge = GH_NEW(ctx, n, uint32_t)) == NULL ||
		(w.cluster = GH_NEW(ctx, n, uint32_t)) == NULL)
		status = gh_ctx_status(ctx);
	else
		status = run_walk(ctx, &w);
	gh_free(ctx, w.merge);
	gh_free(ctx, w.cluster);
	if (status != GH_OK)
		gh_condensed_free(ctx, out);
	return status;
}

void
gh_condensed_free(gh_ctx *ctx, gh_condensed *tree)
{
	gh_free(ctx, tree->parent);
	gh_free(ctx, tree->child);
	gh_free(ctx, tree->size);
	gh_free(ctx, tree->birth);
	gh_free(ctx, tree->death);
	gh_free(ctx, tree->stability);
	gh_free(ctx, tree->point_cluster);
	gh_free(ctx, tree->point_lambda);
	memset(tree, 0, sizeof(*tree));
}

size_t
gh_condensed_memory(size_t n, int min_cluster_size)
{
	return most_clusters(n, min_cluster_size) * (3 * sizeof(uint32_t) + 3 * sizeof(double)) +
		n * (3 * sizeof(uint32_t) + sizeof(double));
}
