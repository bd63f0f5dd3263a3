/*
 * grid.c
 *		Grid search over HDBSCAN's parameters.
 *
 * Settings are worked off in the order (min_samples, alpha, min_cluster_size),
 * so that everything they share is made once: the neighbours for all, a
 * spanning tree and a dendrogram per min_samples and alpha, a condensed tree per
 * min_cluster_size.  Several settings go through the last steps together, so
 * that all threads have something to do: as many as memory allows.
 */
#include "grid_private.h"

#include "base/gh_threads.h"

#include <stdlib.h>
#include <string.h>

/* Settings that are scored together, at most. */
#define MOST_TOGETHER 16

/* Clusters are kept for later until they hold this many times all points. */
#define KEPT_CLUSTERS 16

/* A setting with its place among the caller's. */
typedef struct setting
{
	int			min_samples;	/* as used */
	int			min_cluster_size;
	double		alpha;
	size_t		cell;
} setting;

typedef struct grid
{
	const double *points;
	size_t		n;
	int			d;
	gh_grid_cell *cells;
	int32_t    *labels;			/* of all cells, or NULL */
	setting    *settings;		/* sorted */
	size_t		n_settings;
	size_t		n_done;
	int		   *min_samples;	/* distinct, ascending */
	int			n_min_samples;
	gh_kdtree	tree;
	gh_seeds	seeds;
	double	   *core;			/* n_min_samples x n */
	gh_edge    *edges;			/* n - 1, of the present spanning tree */
	gh_score_cache cache;
} grid;

static int
compare_settings(const void *a, const void *b)
{
	const setting *x = a,
			   *y = b;

	if (x->min_samples != y->min_samples)
		return x->min_samples < y->min_samples ? -1 : 1;
	if (x->alpha != y->alpha)
		return x->alpha < y->alpha ? -1 : 1;
	if (x->min_cluster_size != y->min_cluster_size)
		return x->min_cluster_size < y->min_cluster_size ? -1 : 1;
	return x->cell < y->cell ? -1 : 1;
}

static void
sort_settings(grid *g)
{
	for (size_t i = 0; i < g->n_settings; i++)
	{
		const gh_hdbscan_params *params = &g->cells[i].params;

		g->settings[i].min_samples = gh_hdbscan_min_samples(params, g->n);
		g->settings[i].min_cluster_size = params->min_cluster_size;
		g->settings[i].alpha = params->alpha;
		g->settings[i].cell = i;
	}
	qsort(g->settings, g->n_settings, sizeof(setting), compare_settings);
	g->n_min_samples = 0;
	for (size_t i = 0; i < g->n_settings; i++)
	{
		int			m = g->settings[i].min_samples;

		if (g->n_min_samples == 0 || g->min_samples[g->n_min_samples - 1] != m)
			g->min_samples[g->n_min_samples++] = m;
	}
}

static int
count_seeds(size_t n)
{
	return n - 1 < GH_MAX_SEEDS ? (int) (n - 1) : GH_MAX_SEEDS;
}

static size_t
count_min_samples(size_t n, const gh_grid_cell *cells, size_t n_cells)
{
	size_t		distinct = 0;

	for (size_t i = 0; i < n_cells; i++)
	{
		int			m = gh_hdbscan_min_samples(&cells[i].params, n);
		size_t		j = 0;

		while (j < i && gh_hdbscan_min_samples(&cells[j].params, n) != m)
			j++;
		distinct += j == i;
	}
	return distinct;
}

/* Bytes to extract and score `together` settings, and to hold what does not outlive them. */
static size_t
batch_memory(const gh_ctx *ctx, size_t n, int d, int least_size, size_t together)
{
	size_t		threads = ctx == NULL ? 1 : (size_t) gh_ctx_threads(ctx);
	size_t		at_once = together < threads ? together : threads;
	/* clusters of one setting are disjoint, those of several may all be of the size that is measured side by side */
	size_t		side_by_side = together > 1 ? threads * gh_density_memory(n < GH_SMALL_CLUSTER ? n : GH_SMALL_CLUSTER, d) : 0;

	least_size = least_size < 2 ? 2 : least_size;
	return at_once * (n * sizeof(int32_t) + gh_condensed_memory(n, least_size)) + together * sizeof(gh_scoring) +
		side_by_side + gh_score_memory(n, d, together, n / (size_t) least_size);
}

static int
least_cluster_size(const gh_grid_cell *cells, size_t n_cells)
{
	int			least = INT32_MAX;

	for (size_t i = 0; i < n_cells; i++)
		least = cells[i].params.min_cluster_size < least ? cells[i].params.min_cluster_size : least;
	return least;
}

size_t
gh_grid_memory(size_t n, int d, const gh_grid_cell *cells, size_t n_cells)
{
	size_t		kept,
				spanning,
				scoring;

	if (n < 2 || d < 1)
		return 0;
	kept = gh_kdtree_memory(n, d) + n * sizeof(double) * count_min_samples(n, cells, n_cells) +
		n * (size_t) count_seeds(n) * (sizeof(uint32_t) + sizeof(double)) + n * sizeof(gh_edge) +
		n_cells * (sizeof(setting) + sizeof(int) + 4 * sizeof(double));
	spanning = gh_reachability_memory(n) + gh_spanning_tree_memory(n);
	scoring = gh_dendrogram_memory(n) + batch_memory(NULL, n, d, least_cluster_size(cells, n_cells), 1);
	return kept + (spanning > scoring ? spanning : scoring);
}

/* ---- settings on one dendrogram ---------------------------------------- */

/* The settings [begin, end) of a batch, cut where min_cluster_size changes. */
typedef struct batch
{
	grid	   *grid;
	const gh_dendrogram *dendrogram;
	size_t		begin,
				end;
	size_t		cut[MOST_TOGETHER + 1]; /* settings with the same size: cut[i] .. cut[i + 1] */
	size_t		n_cuts;
	gh_scoring	scorings[MOST_TOGETHER];
} batch;

/* One setting: its labels, counts and relative validity. */
static gh_status
extract_setting(gh_ctx *ctx, batch *b, const gh_condensed *condensed, size_t i, int32_t *scratch)
{
	grid	   *g = b->grid;
	size_t		index = g->settings[i].cell;
	gh_grid_cell *cell = &g->cells[index];
	int32_t    *labels = g->labels != NULL ? g->labels + index * g->n : scratch;
	int			n_clusters;

	GH_CHECK_STOP(ctx);
	GH_TRY(gh_extract_clusters(ctx, condensed, &cell->params, labels, NULL, &n_clusters));
	GH_TRY(gh_relative_validity(ctx, g->edges, g->n, labels, n_clusters, &cell->relative_validity,
								&cell->relative_defined));
	return gh_scoring_open(ctx, labels, g->n, cell, &b->scorings[i - b->begin]);
}

/* All settings of a batch with one min_cluster_size. */
static gh_status
extract_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	batch	   *b = arg;
	grid	   *g = b->grid;
	int32_t    *scratch = GH_NEW(ctx, g->labels != NULL ? 0 : g->n, int32_t);
	gh_condensed condensed;
	gh_status	status;

	(void) worker;
	if (scratch == NULL)
		return gh_ctx_status(ctx);
	status = gh_condensed_build(ctx, b->dendrogram, g->settings[b->cut[task]].min_cluster_size, &condensed);
	if (status == GH_OK)
	{
		for (size_t i = b->cut[task]; i < b->cut[task + 1] && status == GH_OK; i++)
			status = extract_setting(ctx, b, &condensed, i, scratch);
		gh_condensed_free(ctx, &condensed);
	}
	gh_free(ctx, scratch);
	return status;
}

static gh_status
run_batch(gh_ctx *ctx, batch *b)
{
	grid	   *g = b->grid;
	gh_status	status;

	memset(b->scorings, 0, sizeof(b->scorings));
	b->n_cuts = 0;
	for (size_t i = b->begin; i < b->end; i++)
	{
		if (i == b->begin || g->settings[i].min_cluster_size != g->settings[i - 1].min_cluster_size)
			b->cut[b->n_cuts++] = i;
	}
	b->cut[b->n_cuts] = b->end;
	status = gh_parallel(ctx, b->n_cuts, extract_task, b);
	if (status == GH_OK)
		status = gh_score_all(ctx, &g->cache, b->scorings, b->end - b->begin);
	for (size_t i = 0; i < b->end - b->begin; i++)
		gh_scoring_close(ctx, &b->scorings[i]);
	GH_TRY(status);
	g->n_done += b->end - b->begin;
	gh_tick(ctx, "grid: settings", g->n_done, g->n_settings);
	return GH_OK;
}

/*
 * How many settings from `begin` on go together.  What the cache holds is given
 * up before that number falls.
 */
static size_t
plan_batch(gh_ctx *ctx, grid *g, size_t begin, size_t end)
{
	int			least = g->settings[begin].min_cluster_size;
	size_t		together = end - begin < MOST_TOGETHER ? end - begin : MOST_TOGETHER;

	if (g->cache.n_points > KEPT_CLUSTERS * g->n || !gh_memory_fits(ctx, batch_memory(ctx, g->n, g->d, least, together)))
		gh_score_cache_forget(ctx, &g->cache);
	while (together > 1 && !gh_memory_fits(ctx, batch_memory(ctx, g->n, g->d, least, together)))
		together /= 2;
	return together;
}

/* The settings [begin, end) share min_samples and alpha. */
static gh_status
run_sizes(gh_ctx *ctx, grid *g, const gh_dendrogram *dendrogram, size_t begin, size_t end)
{
	batch	   *b = GH_NEW(ctx, 1, batch);
	gh_status	status = GH_OK;

	if (b == NULL)
		return gh_ctx_status(ctx);
	b->grid = g;
	b->dendrogram = dendrogram;
	while (begin < end && status == GH_OK)
	{
		b->begin = begin;
		b->end = begin + plan_batch(ctx, g, begin, end);
		begin = b->end;
		status = run_batch(ctx, b);
	}
	gh_free(ctx, b);
	return status;
}

/* ---- one dendrogram ----------------------------------------------------- */

static gh_status
span_points(gh_ctx *ctx, grid *g, const double *core, double alpha)
{
	gh_reachability graph;
	gh_status	status = gh_reachability_open(ctx, &g->tree, core, alpha, &graph);

	if (status == GH_OK)
	{
		graph.seeds = &g->seeds;
		graph.stage = "hdbscan: spanning tree";
		status = gh_spanning_tree(ctx, &graph, g->edges);
	}
	gh_reachability_close(ctx, &graph);
	return status;
}

static gh_status
run_group(gh_ctx *ctx, grid *g, const double *core, size_t begin, size_t end)
{
	gh_dendrogram dendrogram;
	gh_status	status;

	GH_TRY(span_points(ctx, g, core, g->settings[begin].alpha));
	GH_TRY(gh_dendrogram_build(ctx, g->edges, g->n, &dendrogram));
	status = run_sizes(ctx, g, &dendrogram, begin, end);
	gh_dendrogram_free(ctx, &dendrogram);
	return status;
}

static gh_status
run_settings(gh_ctx *ctx, grid *g)
{
	size_t		begin = 0;
	int			column = 0;

	while (begin < g->n_settings)
	{
		const setting *first = &g->settings[begin];
		size_t		end = begin;

		while (end < g->n_settings && g->settings[end].min_samples == first->min_samples &&
			   g->settings[end].alpha == first->alpha)
			end++;
		while (g->min_samples[column] != first->min_samples)
			column++;
		GH_TRY(run_group(ctx, g, g->core + (size_t) column * g->n, begin, end));
		begin = end;
	}
	return GH_OK;
}

static gh_status
open_grid(gh_ctx *ctx, grid *g)
{
	g->settings = GH_NEW(ctx, g->n_settings, setting);
	g->min_samples = GH_NEW(ctx, g->n_settings, int);
	if (g->settings == NULL || g->min_samples == NULL)
		return gh_ctx_status(ctx);
	sort_settings(g);
	g->core = gh_alloc(ctx, g->n, (size_t) g->n_min_samples * sizeof(double));
	g->edges = GH_NEW(ctx, g->n - 1, gh_edge);
	if (g->core == NULL || g->edges == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(gh_score_cache_open(ctx, g->points, g->n, g->d, g->n_settings, &g->cache));
	GH_TRY(gh_kdtree_build(ctx, g->points, g->n, g->d, &g->tree));
	return gh_core_distances(ctx, &g->tree, g->min_samples, g->n_min_samples, g->core, count_seeds(g->n), &g->seeds);
}

static void
close_grid(gh_ctx *ctx, grid *g)
{
	gh_score_cache_close(ctx, &g->cache);
	gh_seeds_free(ctx, &g->seeds);
	gh_kdtree_free(ctx, &g->tree);
	gh_free(ctx, g->settings);
	gh_free(ctx, g->min_samples);
	gh_free(ctx, g->core);
	gh_free(ctx, g->edges);
}

/* Fewer than two points are noise under every setting. */
static void
fill_noise(grid *g)
{
	for (size_t i = 0; i < g->n_settings; i++)
	{
		gh_hdbscan_params params = g->cells[i].params;

		memset(&g->cells[i], 0, sizeof(gh_grid_cell));
		g->cells[i].params = params;
		g->cells[i].noise = g->n;
		if (g->labels != NULL && g->n == 1)
			g->labels[i] = GH_NOISE;
	}
}

gh_status
gh_grid(gh_ctx *ctx, const double *points, size_t n, int d, gh_grid_cell *cells, size_t n_cells, int32_t *labels)
{
	grid		g;
	gh_status	status;

	for (size_t i = 0; i < n_cells; i++)
		GH_TRY(gh_hdbscan_check(ctx, &cells[i].params));
	memset(&g, 0, sizeof(g));
	g.points = points;
	g.n = n;
	g.d = d;
	g.cells = cells;
	g.labels = labels;
	g.n_settings = n_cells;
	if (n > 0)
		GH_TRY(gh_cluster_check_points(ctx, points, n, d));
	if (n < 2 || n_cells == 0)
	{
		fill_noise(&g);
		return GH_OK;
	}
	GH_TRY(gh_memory_check(ctx, gh_grid_memory(n, d, cells, n_cells), "the grid search"));
	status = open_grid(ctx, &g);
	if (status == GH_OK)
		status = run_settings(ctx, &g);
	close_grid(ctx, &g);
	return status;
}
