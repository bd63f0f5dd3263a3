/*
 * density.c
 *		Density sparseness of one cluster: the spanning tree under all-points core distances.
 *
 * Moulavi et al., https://doi.org/10.1137/1.9781611973440.96, definitions 2 to 5.
 * Most weights in that tree are the core distance of one of the two points, so
 * whole groups of edges weigh the same and the inner nodes depend on which are
 * taken: here the first in the order (weight, lower index, higher index).
 */
#include "dbcv_private.h"

#include "base/gh_sort.h"
#include "base/gh_threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Clusters of at most so many points are measured side by side, larger ones with all threads each. */
static uint32_t
small_cluster(const gh_ctx *ctx, size_t n)
{
	size_t		share = n / (4 * (size_t) gh_ctx_threads(ctx));

	return share < GH_SMALL_CLUSTER ? GH_SMALL_CLUSTER : (uint32_t) share;
}

/* The cluster's points one after another. */
static gh_status
gather_points(gh_ctx *ctx, const double *points, int d, const uint32_t *members, uint32_t n, double *own)
{
	for (uint32_t i = 0; i < n; i++)
	{
		GH_POLL(ctx, i);
		memcpy(own + (size_t) i * d, points + (size_t) members[i] * d, (size_t) d * sizeof(double));
	}
	return GH_OK;
}

/* Edges of the spanning tree of a cluster's points. */
static gh_status
span_cluster(gh_ctx *ctx, const gh_kdtree *tree, bool quiet, const double *core, gh_edge *edges)
{
	uint32_t   *visit = GH_NEW(ctx, tree->n, uint32_t);
	gh_reachability graph;
	gh_status	status;

	memset(&graph, 0, sizeof(graph));
	if (visit == NULL)
		return gh_ctx_status(ctx);
	GH_GOTO(done, gh_reachability_open(ctx, tree, core, 1.0, &graph));
	/* dense points first: the first of a component already finds nearly its lightest edge */
	GH_GOTO(done, gh_argsort(ctx, graph.core, tree->n, visit));
	graph.visit = visit;
	graph.stage = quiet ? NULL : "dbcv: spanning trees";
	status = gh_spanning_tree(ctx, &graph, edges);

done:
	gh_reachability_close(ctx, &graph);
	gh_free(ctx, visit);
	return status;
}

/*
 * The heaviest edge between inner nodes, or of all when none is; edges are
 * ascending, so it is the last of its kind.
 */
static double
heaviest_inner(const gh_edge *edges, uint32_t n_edges, const uint32_t *degree)
{
	for (uint32_t e = n_edges; e-- > 0;)
	{
		if (degree[edges[e].low] > 1 && degree[edges[e].high] > 1)
			return edges[e].weight;
	}
	return n_edges > 0 ? edges[n_edges - 1].weight : 0;
}

/* Which of the points are inner nodes, in place of all: their coordinates, core distances and number. */
static uint32_t
keep_inner(const uint32_t *degree, uint32_t n, int d, double *own, double *core)
{
	uint32_t	at = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		if (degree[i] <= 1)
			continue;
		memmove(own + (size_t) at * d, own + (size_t) i * d, (size_t) d * sizeof(double));
		core[at++] = core[i];
	}
	/* in a tree of one or two points the first stands for it, and is in its place */
	return at == 0 ? 1 : at;
}

/* Sparseness and inner nodes from the tree. */
static gh_status
read_tree(gh_ctx *ctx, gh_density *c, int d, const gh_edge *edges, double *own, double *core)
{
	uint32_t   *degree = GH_NEW_ZERO(ctx, c->n, uint32_t);
	uint32_t	n_inner;

	if (degree == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t e = 0; e + 1 < c->n; e++)
	{
		degree[edges[e].low]++;
		degree[edges[e].high]++;
	}
	c->sparseness = heaviest_inner(edges, c->n - 1, degree);
	n_inner = keep_inner(degree, c->n, d, own, core);
	gh_free(ctx, degree);
	GH_CHECK_STOP(ctx);
	return gh_inner_build(ctx, own, core, n_inner, d, &c->inner);
}

gh_status
gh_density_measure(gh_ctx *ctx, const double *points, int d, bool exact, bool quiet, gh_density *cluster)
{
	double	   *own = gh_alloc(ctx, cluster->n, (size_t) d * sizeof(double));
	double	   *core = GH_NEW(ctx, cluster->n, double);
	gh_edge    *edges = GH_NEW(ctx, cluster->n - 1, gh_edge);
	gh_kdtree	tree;
	gh_status	status = GH_OK;

	memset(&tree, 0, sizeof(tree));
	memset(&cluster->inner, 0, sizeof(cluster->inner));
	if (own == NULL || core == NULL || edges == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	GH_GOTO(done, gather_points(ctx, points, d, cluster->members, cluster->n, own));
	GH_GOTO(done, gh_kdtree_build(ctx, own, cluster->n, d, &tree));
	GH_GOTO(done, gh_all_points_core(ctx, &tree, exact, quiet, core));
	if (cluster->n > 1)
		GH_GOTO(done, span_cluster(ctx, &tree, quiet, core, edges));
	gh_kdtree_free(ctx, &tree);
	status = read_tree(ctx, cluster, d, edges, own, core);

done:
	gh_kdtree_free(ctx, &tree);
	gh_free(ctx, own);
	gh_free(ctx, core);
	gh_free(ctx, edges);
	if (status != GH_OK)
		gh_density_free(ctx, cluster);
	return status;
}

void
gh_density_free(gh_ctx *ctx, gh_density *cluster)
{
	gh_inner_free(ctx, &cluster->inner);
}

size_t
gh_density_memory(size_t n, int d)
{
	size_t		spanning = n * sizeof(uint32_t) + gh_reachability_memory(n) + gh_spanning_tree_memory(n);
	size_t		cores = gh_all_points_core_memory(n, d);

	return n * ((size_t) d + 1) * sizeof(double) + n * sizeof(gh_edge) + gh_kdtree_memory(n, d) +
		(spanning > cores ? spanning : cores);
}

typedef struct measure_job
{
	const double *points;
	int			d;
	bool		exact;
	gh_density **clusters;
} measure_job;

static gh_status
measure_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	measure_job *job = arg;

	(void) worker;
	return gh_density_measure(ctx, job->points, job->d, job->exact, true, job->clusters[task]);
}

/* Large ones first, so that the last task is a short one. */
static int
compare_sizes(const void *a, const void *b)
{
	const gh_density *x = *(gh_density *const *) a,
			   *y = *(gh_density *const *) b;

	return x->n != y->n ? (x->n > y->n ? -1 : 1) : 0;
}

gh_status
gh_density_measure_all(gh_ctx *ctx, const double *points, size_t n, int d, bool exact, gh_density **clusters,
					   size_t n_clusters)
{
	measure_job job = {points, d, exact, clusters};
	size_t		large = 0;

	qsort(clusters, n_clusters, sizeof(gh_density *), compare_sizes);
	for (; large < n_clusters && clusters[large]->n > small_cluster(ctx, n); large++)
		GH_TRY(gh_density_measure(ctx, points, d, exact, false, clusters[large]));
	job.clusters = clusters + large;
	return gh_parallel_stage(ctx, "dbcv: clusters", n_clusters - large, measure_task, &job);
}
