/*
 * dbcv.c
 *		The validity of a clustering: separation against sparseness.
 *
 * Moulavi et al., https://doi.org/10.1137/1.9781611973440.96, definitions 6 to 8.
 */
#include "dbcv_private.h"

#include "base/gh_sort.h"

#include <math.h>
#include <string.h>

/* Labels >= 0 in ascending order of label, then of point. */
static gh_status
sort_members(gh_ctx *ctx, const int32_t *labels, size_t n, uint32_t *order, size_t *n_noise)
{
	uint64_t   *keys = GH_NEW(ctx, n, uint64_t);
	gh_status	status;

	if (keys == NULL)
		return gh_ctx_status(ctx);
	*n_noise = 0;
	for (size_t i = 0; i < n; i++)
	{
		*n_noise += labels[i] < 0;
		keys[i] = labels[i] < 0 ? 0 : (uint64_t) labels[i] + 1;
	}
	status = gh_argsort_u64(ctx, keys, n, order);
	gh_free(ctx, keys);
	return status;
}

gh_status
gh_partition_build(gh_ctx *ctx, const int32_t *labels, size_t n, gh_partition *partition)
{
	size_t		first = 0;
	uint32_t	c = 0;
	gh_status	status;

	memset(partition, 0, sizeof(*partition));
	partition->members = GH_NEW(ctx, n, uint32_t);
	if (partition->members == NULL)
		return gh_ctx_status(ctx);
	status = sort_members(ctx, labels, n, partition->members, &first);
	if (status == GH_OK)
	{
		for (size_t i = first; i < n; i++)
		{
			if (i == first || labels[partition->members[i]] != labels[partition->members[i - 1]])
				partition->n_clusters++;
		}
		partition->begin = GH_NEW(ctx, (size_t) partition->n_clusters + 1, uint32_t);
		if (partition->begin == NULL)
			status = gh_ctx_status(ctx);
	}
	if (status != GH_OK)
	{
		gh_partition_free(ctx, partition);
		return status;
	}
	for (size_t i = first; i < n; i++)
	{
		if (i == first || labels[partition->members[i]] != labels[partition->members[i - 1]])
			partition->begin[c++] = (uint32_t) i;
	}
	partition->begin[c] = (uint32_t) n;
	return GH_OK;
}

void
gh_partition_free(gh_ctx *ctx, gh_partition *partition)
{
	gh_free(ctx, partition->begin);
	gh_free(ctx, partition->members);
	memset(partition, 0, sizeof(*partition));
}

/* The inner nodes of all clusters as one set of points. */
typedef struct inner_points
{
	size_t		n;
	double	   *points;			/* n x d */
	double	   *core;
	uint32_t   *cluster;
} inner_points;

static void
free_inner(gh_ctx *ctx, inner_points *inner)
{
	gh_free(ctx, inner->points);
	gh_free(ctx, inner->core);
	gh_free(ctx, inner->cluster);
}

static gh_status
gather_inner(gh_ctx *ctx, const double *points, int d, const gh_density *clusters, uint32_t n_clusters,
			 inner_points *inner)
{
	size_t		at = 0;

	memset(inner, 0, sizeof(*inner));
	for (uint32_t c = 0; c < n_clusters; c++)
		inner->n += clusters[c].n_inner;
	inner->points = gh_alloc(ctx, inner->n, (size_t) d * sizeof(double));
	inner->core = GH_NEW(ctx, inner->n, double);
	inner->cluster = GH_NEW(ctx, inner->n, uint32_t);
	if (inner->points == NULL || inner->core == NULL || inner->cluster == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t c = 0; c < n_clusters; c++)
	{
		for (uint32_t i = 0; i < clusters[c].n_inner; i++, at++)
		{
			GH_POLL(ctx, at);
			memcpy(inner->points + at * d, points + (size_t) clusters[c].inner[i] * d, (size_t) d * sizeof(double));
			inner->core[at] = clusters[c].core[i];
			inner->cluster[at] = c;
		}
	}
	return GH_OK;
}

/*
 * separation[c]: the smallest reachability from an inner node of c to one of
 * any other cluster.  That is one round of Boruvka whose components are the
 * clusters, for all pairs of clusters at once.
 */
static gh_status
separate_clusters(gh_ctx *ctx, const double *points, int d, const gh_density *clusters, uint32_t n_clusters,
				  double *separation)
{
	inner_points inner;
	gh_kdtree	tree;
	gh_reachability graph;
	gh_status	status;

	memset(&tree, 0, sizeof(tree));
	memset(&graph, 0, sizeof(graph));
	GH_GOTO(done, gather_inner(ctx, points, d, clusters, n_clusters, &inner));
	GH_GOTO(done, gh_kdtree_build(ctx, inner.points, inner.n, d, &tree));
	GH_GOTO(done, gh_reachability_open(ctx, &tree, inner.core, 1.0, &graph));
	for (size_t p = 0; p < inner.n; p++)
		graph.component[p] = inner.cluster[tree.order[p]];
	graph.stage = "dbcv: separation";
	GH_GOTO(done, gh_reachability_round(ctx, &graph));
	for (uint32_t c = 0; c < n_clusters; c++)
		separation[c] = graph.best[c].weight;

done:
	gh_reachability_close(ctx, &graph);
	gh_kdtree_free(ctx, &tree);
	free_inner(ctx, &inner);
	return status;
}

/*
 * (separation - sparseness) / the larger.  Both 0: two clusters on the same
 * spot, neither separated nor spread, 0.  One point has no sparseness and is no
 * cluster in the sense of density: the lowest value.
 */
static double
cluster_validity(const gh_density *c, double separation)
{
	double		larger = separation > c->sparseness ? separation : c->sparseness;

	if (c->n == 1)
		return -1;
	return larger > 0 ? (separation - c->sparseness) / larger : 0;
}

gh_status
gh_dbcv_combine(gh_ctx *ctx, const double *points, size_t n, int d, const gh_density *clusters, uint32_t n_clusters,
				double *value)
{
	double	   *separation = GH_NEW(ctx, n_clusters, double);
	gh_status	status;
	double		sum = 0;

	if (separation == NULL)
		return gh_ctx_status(ctx);
	status = separate_clusters(ctx, points, d, clusters, n_clusters, separation);
	for (uint32_t c = 0; status == GH_OK && c < n_clusters; c++)
		sum += (double) clusters[c].n / (double) n * cluster_validity(&clusters[c], separation[c]);
	gh_free(ctx, separation);
	*value = sum;
	return status;
}

size_t
gh_dbcv_memory(size_t n, int d)
{
	size_t		rows = n * (size_t) (d > 0 ? d : 0) * sizeof(double);

	/*
	 * The worst case is one cluster of all points: members and sort keys, core
	 * distances, edges, a copy of the points with its tree, the search; then
	 * the inner nodes with theirs.
	 */
	return n * (sizeof(uint32_t) + sizeof(double) + sizeof(gh_edge) + sizeof(uint32_t) + sizeof(double)) +
		2 * rows + gh_kdtree_memory(n, d) + gh_reachability_memory(n) + gh_spanning_tree_memory(n) +
		2 * n * sizeof(uint32_t);
}

/* Measures every cluster of the partition and combines them. */
static gh_status
score_partition(gh_ctx *ctx, const double *points, size_t n, int d, const gh_partition *partition, double *value)
{
	gh_density *clusters = GH_NEW_ZERO(ctx, partition->n_clusters, gh_density);
	gh_status	status;

	if (clusters == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t c = 0; c < partition->n_clusters; c++)
	{
		clusters[c].n = partition->begin[c + 1] - partition->begin[c];
		clusters[c].members = partition->members + partition->begin[c];
	}
	status = gh_density_measure_all(ctx, points, d, clusters, NULL, partition->n_clusters);
	if (status == GH_OK)
		status = gh_dbcv_combine(ctx, points, n, d, clusters, partition->n_clusters, value);
	for (uint32_t c = 0; c < partition->n_clusters; c++)
		gh_density_free(ctx, &clusters[c]);
	gh_free(ctx, clusters);
	return status;
}

gh_status
gh_dbcv(gh_ctx *ctx, const double *points, size_t n, int d, const int32_t *labels, double *value, bool *defined)
{
	gh_partition partition;
	gh_status	status = GH_OK;

	*value = 0;
	*defined = false;
	if (n == 0)
		return GH_OK;
	GH_TRY(gh_cluster_check_points(ctx, points, n, d));
	GH_TRY(gh_memory_check(ctx, gh_dbcv_memory(n, d), "scoring a clustering"));
	GH_TRY(gh_partition_build(ctx, labels, n, &partition));
	if (partition.n_clusters >= 2)
	{
		status = score_partition(ctx, points, n, d, &partition, value);
		*defined = status == GH_OK;
	}
	gh_partition_free(ctx, &partition);
	return status;
}
