/*
 * hdbscan.c
 *		HDBSCAN* from points to labels, and the checks of its parameters.
 */
#include "cluster_private.h"

#include <math.h>
#include <string.h>

gh_hdbscan_params
gh_hdbscan_defaults(void)
{
	gh_hdbscan_params params = {
		.min_cluster_size = 5,
		.min_samples = 0,
		.selection = GH_SELECT_EOM,
		.epsilon = 0,
		.max_cluster_size = 0,
		.allow_single_cluster = false,
		.alpha = 1
	};

	return params;
}

static gh_status
bad_integer(gh_ctx *ctx, const char *name, int value, const char *range, const char *hint)
{
	gh_fail(ctx, GH_EINVAL, "%s is out of range", name);
	gh_fail_detail(ctx, "%s is %d; it must be %s.", name, value, range);
	return gh_fail_hint(ctx, "%s", hint);
}

static gh_status
bad_number(gh_ctx *ctx, const char *name, double value, const char *range, const char *hint)
{
	gh_fail(ctx, GH_EINVAL, "%s is out of range", name);
	gh_fail_detail(ctx, "%s is %g; it must be %s.", name, value, range);
	return gh_fail_hint(ctx, "%s", hint);
}

gh_status
gh_hdbscan_check(gh_ctx *ctx, const gh_hdbscan_params *params)
{
	if (params->min_cluster_size < 2)
		return bad_integer(ctx, "min_cluster_size", params->min_cluster_size, "2 or more",
						   "It is the smallest number of points that counts as a cluster.");
	if (params->min_samples < 0)
		return bad_integer(ctx, "min_samples", params->min_samples, "1 or more, or 0 for min_cluster_size",
						   "It is the number of neighbours that a dense point has.");
	if (params->max_cluster_size < 0)
		return bad_integer(ctx, "max_cluster_size", params->max_cluster_size, "0 or more",
						   "Use 0 for clusters of any size.");
	if (params->selection != GH_SELECT_EOM && params->selection != GH_SELECT_LEAF)
		return bad_integer(ctx, "cluster_selection_method", (int) params->selection, "eom or leaf",
						   "Use eom for few large clusters or leaf for many small ones.");
	if (!(params->epsilon >= 0) || isinf(params->epsilon))
		return bad_number(ctx, "cluster_selection_epsilon", params->epsilon, "0 or more and finite",
						  "It is a distance; use 0 to switch it off.");
	if (!(params->alpha > 0) || isinf(params->alpha))
		return bad_number(ctx, "alpha", params->alpha, "more than 0 and finite",
						  "Distances are divided by it; use 1 to leave them as they are.");
	return GH_OK;
}

/* The row and the coordinate are counted from 1, as a person would. */
static gh_status
bad_coordinate(gh_ctx *ctx, size_t row, int column, double value)
{
	gh_fail(ctx, GH_EDATA, "a point has a coordinate that is not a finite number");
	gh_fail_detail(ctx, "Coordinate %d of point %zu is %g.", column + 1, row + 1, value);
	return gh_fail_hint(ctx, "Leave such points out, or fill the gap before clustering.");
}

gh_status
gh_cluster_check_points(gh_ctx *ctx, const double *points, size_t n, int d)
{
	double		diagonal2 = 0;

	if (d < 1)
		return gh_fail(ctx, GH_EDATA, "points have no coordinates");
	if (n > GH_CLUSTER_MAX_POINTS)
	{
		gh_fail(ctx, GH_ELIMIT, "too many points to cluster");
		return gh_fail_detail(ctx, "There are %zu points; the limit is %zu.", n, GH_CLUSTER_MAX_POINTS);
	}
	for (int j = 0; j < d; j++)
	{
		double		low = INFINITY,
					high = -INFINITY;

		for (size_t i = 0; i < n; i++)
		{
			double		x = points[i * (size_t) d + (size_t) j];

			GH_POLL(ctx, i);
			if (!isfinite(x))
				return bad_coordinate(ctx, i, j, x);
			low = x < low ? x : low;
			high = x > high ? x : high;
		}
		if (n > 0)
			diagonal2 += (high - low) * (high - low);
	}
	if (isfinite(diagonal2))
		return GH_OK;
	gh_fail(ctx, GH_EDATA, "points are too far apart to measure their distances");
	return gh_fail_hint(ctx, "Bring the coordinates to a common scale, for example to z-scores.");
}

int
gh_hdbscan_min_samples(const gh_hdbscan_params *params, size_t n)
{
	int			m = params->min_samples > 0 ? params->min_samples : params->min_cluster_size;

	if (n < 2)
		return 1;
	return (size_t) m > n - 1 ? (int) (n - 1) : m;
}

/* Neighbours kept to seed the spanning tree: one more than make the core distance, so that ties show. */
static int
count_seeds(int min_samples, size_t n)
{
	size_t		k = (size_t) min_samples + 1;

	k = k > GH_MAX_SEEDS ? GH_MAX_SEEDS : k;
	return (int) (k > n - 1 ? n - 1 : k);
}

size_t
gh_hdbscan_memory(size_t n, int d, const gh_hdbscan_params *params)
{
	size_t		seeds,
				tree,
				condensed;

	if (n < 2 || d < 1)
		return 0;
	seeds = n * sizeof(double) +
		n * (size_t) count_seeds(gh_hdbscan_min_samples(params, n), n) * (sizeof(uint32_t) + sizeof(double));
	tree = gh_kdtree_memory(n, d) + seeds + gh_reachability_memory(n) + gh_spanning_tree_memory(n);
	/* the edges outlive the search only until the dendrogram is there */
	condensed = n * sizeof(gh_edge) + gh_dendrogram_memory(n) + gh_condensed_memory(n, params->min_cluster_size);
	return tree > condensed ? tree : condensed;
}

/*
 * Core distances for the tree into core[n], and into near_core[n], where that is
 * not NULL, those of one neighbour less.
 */
static gh_status
measure_cores(gh_ctx *ctx, const gh_kdtree *tree, int m, double *core, double *near_core, gh_seeds *seeds)
{
	size_t		n = tree->n;
	int			columns[2] = {m, m - 1};
	int			n_columns = near_core != NULL && m > 1 ? 2 : 1;
	double	   *both = core;
	gh_status	status;

	if (n_columns == 2 && (both = GH_NEW(ctx, 2 * n, double)) == NULL)
		return gh_ctx_status(ctx);
	status = gh_core_distances(ctx, tree, columns, n_columns, both, count_seeds(m, n), seeds);
	for (size_t i = 0; status == GH_OK && near_core != NULL && i < n; i++)
	{
		if ((i & GH_POLL_MASK) == GH_POLL_MASK && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		core[i] = both[i];
		near_core[i] = n_columns == 2 ? both[n + i] : 0;
	}
	if (both != core)
		gh_free(ctx, both);
	return status;
}

/* edges: n - 1, ascending. */
static gh_status
span_points(gh_ctx *ctx, const double *points, size_t n, int d, const gh_hdbscan_params *params, double *near_core,
			gh_edge *edges)
{
	gh_kdtree	tree;
	gh_reachability graph;
	gh_seeds	seeds;
	double	   *core;
	gh_status	status;

	memset(&graph, 0, sizeof(graph));
	memset(&seeds, 0, sizeof(seeds));
	GH_TRY(gh_kdtree_build(ctx, points, n, d, &tree));
	core = GH_NEW(ctx, n, double);
	if (core == NULL)
		status = gh_ctx_status(ctx);
	else
		status = measure_cores(ctx, &tree, gh_hdbscan_min_samples(params, n), core, near_core, &seeds);
	if (status == GH_OK)
		status = gh_reachability_open(ctx, &tree, core, params->alpha, &graph);
	if (status == GH_OK)
	{
		graph.seeds = &seeds;
		graph.stage = "hdbscan: spanning tree";
		status = gh_spanning_tree(ctx, &graph, edges);
	}
	gh_reachability_close(ctx, &graph);
	gh_seeds_free(ctx, &seeds);
	gh_free(ctx, core);
	gh_kdtree_free(ctx, &tree);
	return status;
}

gh_status
gh_hdbscan_condense(gh_ctx *ctx, const double *points, size_t n, int d, const gh_hdbscan_params *params,
					double *near_core, gh_condensed *condensed)
{
	gh_edge    *edges = GH_NEW(ctx, n - 1, gh_edge);
	gh_dendrogram dendrogram;
	gh_status	status = GH_OK;

	if (edges == NULL)
		return gh_ctx_status(ctx);
	if (n > 1)
		status = span_points(ctx, points, n, d, params, near_core, edges);
	else if (near_core != NULL)
		near_core[0] = 0;
	if (status == GH_OK)
		status = gh_dendrogram_build(ctx, edges, n, &dendrogram);
	gh_free(ctx, edges);
	GH_TRY(status);
	status = gh_condensed_build(ctx, &dendrogram, params->min_cluster_size, condensed);
	gh_dendrogram_free(ctx, &dendrogram);
	return status;
}

gh_status
gh_hdbscan(gh_ctx *ctx, const double *points, size_t n, int d, const gh_hdbscan_params *params, int32_t *labels,
		   double *probabilities, double *outlier_scores, int *n_clusters)
{
	gh_condensed condensed;
	gh_status	status;

	*n_clusters = 0;
	GH_TRY(gh_hdbscan_check(ctx, params));
	if (n == 0)
		return GH_OK;
	GH_TRY(gh_cluster_check_points(ctx, points, n, d));
	if (n == 1)
	{
		labels[0] = GH_NOISE;
		if (probabilities != NULL)
			probabilities[0] = 0;
		if (outlier_scores != NULL)
			outlier_scores[0] = 0;
		return GH_OK;
	}
	GH_TRY(gh_memory_check(ctx, gh_hdbscan_memory(n, d, params), "clustering"));
	GH_TRY(gh_hdbscan_condense(ctx, points, n, d, params, NULL, &condensed));
	status = gh_extract_clusters(ctx, &condensed, params, labels, probabilities, n_clusters);
	if (status == GH_OK && outlier_scores != NULL)
		status = gh_outlier_scores(ctx, &condensed, outlier_scores);
	gh_condensed_free(ctx, &condensed);
	return status;
}
