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
#include <string.h>

/* Clusters below this size are measured side by side, larger ones with all threads each. */
#define SMALL_CLUSTER 2048

/* Edges of the spanning tree of the cluster's points, numbered by member. */
static gh_status
span_cluster(gh_ctx *ctx, const double *points, int d, bool quiet, const gh_density *c, const double *core,
			 gh_edge *edges)
{
	double	   *own = gh_alloc(ctx, c->n, (size_t) d * sizeof(double));
	uint32_t   *visit = GH_NEW(ctx, c->n, uint32_t);
	gh_kdtree	tree;
	gh_reachability graph;
	gh_status	status = GH_OK;

	memset(&tree, 0, sizeof(tree));
	memset(&graph, 0, sizeof(graph));
	if (own == NULL || visit == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	for (uint32_t i = 0; i < c->n; i++)
	{
		if ((i & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
		{
			status = gh_canceled(ctx);
			goto done;
		}
		memcpy(own + (size_t) i * d, points + (size_t) c->members[i] * d, (size_t) d * sizeof(double));
	}
	GH_GOTO(done, gh_kdtree_build(ctx, own, c->n, d, &tree));
	GH_GOTO(done, gh_reachability_open(ctx, &tree, core, 1.0, &graph));
	/* dense points first: the first of a component already finds nearly its lightest edge */
	GH_GOTO(done, gh_argsort(ctx, graph.core, c->n, visit));
	graph.visit = visit;
	graph.stage = quiet ? NULL : "dbcv: spanning trees";
	status = gh_spanning_tree(ctx, &graph, edges);

done:
	gh_reachability_close(ctx, &graph);
	gh_kdtree_free(ctx, &tree);
	gh_free(ctx, visit);
	gh_free(ctx, own);
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

/* Inner nodes and sparseness from the tree. */
static gh_status
read_tree(gh_ctx *ctx, gh_density *c, const double *core, const gh_edge *edges)
{
	uint32_t   *degree = GH_NEW_ZERO(ctx, c->n, uint32_t);
	uint32_t	n_inner = 0,
				at = 0;

	if (degree == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t e = 0; e + 1 < c->n; e++)
	{
		degree[edges[e].low]++;
		degree[edges[e].high]++;
	}
	for (uint32_t i = 0; i < c->n; i++)
		n_inner += degree[i] > 1;
	c->sparseness = heaviest_inner(edges, c->n - 1, degree);
	if (n_inner == 0)
	{
		degree[0] = 2;			/* a tree of one or two points: the first stands for it */
		n_inner = 1;
	}
	c->n_inner = n_inner;
	c->inner = GH_NEW(ctx, n_inner, uint32_t);
	c->core = GH_NEW(ctx, n_inner, double);
	for (uint32_t i = 0; c->inner != NULL && c->core != NULL && i < c->n; i++)
	{
		if (degree[i] > 1)
		{
			c->inner[at] = c->members[i];
			c->core[at++] = core[i];
		}
	}
	gh_free(ctx, degree);
	return c->inner == NULL || c->core == NULL ? gh_ctx_status(ctx) : GH_OK;
}

gh_status
gh_density_measure(gh_ctx *ctx, const double *points, int d, bool quiet, gh_density *cluster)
{
	double	   *core = GH_NEW(ctx, cluster->n, double);
	gh_edge    *edges = GH_NEW(ctx, cluster->n - 1, gh_edge);
	gh_status	status = GH_OK;

	cluster->inner = NULL;
	cluster->core = NULL;
	if (core == NULL || edges == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	GH_GOTO(done, gh_all_points_core(ctx, points, d, quiet, cluster->members, cluster->n, core));
	if (cluster->n > 1)
		GH_GOTO(done, span_cluster(ctx, points, d, quiet, cluster, core, edges));
	status = read_tree(ctx, cluster, core, edges);

done:
	gh_free(ctx, core);
	gh_free(ctx, edges);
	if (status != GH_OK)
		gh_density_free(ctx, cluster);
	return status;
}

void
gh_density_free(gh_ctx *ctx, gh_density *cluster)
{
	gh_free(ctx, cluster->inner);
	gh_free(ctx, cluster->core);
	cluster->inner = NULL;
	cluster->core = NULL;
}

typedef struct measure_job
{
	const double *points;
	int			d;
	gh_density *clusters;
	const uint32_t *small;
} measure_job;

static gh_status
measure_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	measure_job *job = arg;

	(void) worker;
	return gh_density_measure(ctx, job->points, job->d, true, &job->clusters[job->small[task]]);
}

gh_status
gh_density_measure_all(gh_ctx *ctx, const double *points, int d, gh_density *clusters, const bool *wanted,
					   uint32_t n_clusters)
{
	uint32_t   *small = GH_NEW(ctx, n_clusters, uint32_t);
	measure_job job = {points, d, clusters, small};
	size_t		n_small = 0;
	gh_status	status = GH_OK;

	if (small == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t c = 0; c < n_clusters && status == GH_OK; c++)
	{
		if (wanted != NULL && !wanted[c])
			continue;
		if (clusters[c].n < SMALL_CLUSTER)
			small[n_small++] = c;
		else
			status = gh_density_measure(ctx, points, d, false, &clusters[c]);
	}
	if (status == GH_OK)
		status = gh_parallel_stage(ctx, "dbcv: clusters", n_small, measure_task, &job);
	gh_free(ctx, small);
	return status;
}
