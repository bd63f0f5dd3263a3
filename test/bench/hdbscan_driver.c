/*
 * hdbscan_driver.c
 *		Clusters and scores points from a file, for hdbscan.py.
 *
 * hdbscan_driver cluster POINTS N D OUT THREADS MIN_CLUSTER_SIZE MIN_SAMPLES eom|leaf EPSILON MAX_SIZE SINGLE ALPHA
 * hdbscan_driver grid    POINTS N D OUT THREADS SIZES SAMPLES        (comma-separated lists; eom and leaf)
 * hdbscan_driver dbcv    POINTS N D LABELS THREADS
 * hdbscan_driver edges   POINTS N D OUT THREADS MIN_SAMPLES ALPHA
 * hdbscan_driver fit     POINTS N D OUT THREADS MIN_CLUSTER_SIZE MIN_SAMPLES [eom|leaf EPSILON MAX_SIZE SINGLE ALPHA]
 * hdbscan_driver predict POINTS N D OUT THREADS MODEL
 *
 * POINTS: N x D doubles.  LABELS: N int32.  OUT of cluster: N int32 labels, N
 * double probabilities, N double outlier scores.  OUT of grid: a line of text
 * per setting.  OUT of edges: the spanning tree, N - 1 times three doubles (low,
 * high, weight).  OUT of fit: the model's bytes, and in OUT.clusters the
 * persistence of every cluster (doubles); it is made three times, and the fastest
 * counts.  OUT of predict: N int32 labels, N double probabilities.  Times and values go to standard output as NAME=VALUE.
 */
#include "cluster/cluster_private.h"
#include "cluster/gh_dbcv.h"
#include "cluster/gh_grid.h"
#include "cluster/gh_hdbscan_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
fail(const char *what)
{
	fprintf(stderr, "hdbscan_driver: %s\n", what);
	exit(1);
}

static void *
room(size_t count, size_t size)
{
	void	   *block = calloc(count + 1, size);

	if (block == NULL)
		fail("out of memory");
	return block;
}

static void *
read_all(const char *path, size_t count, size_t size)
{
	void	   *block = room(count, size);
	FILE	   *f = fopen(path, "rb");

	if (f == NULL || fread(block, size, count, f) != count)
		fail("cannot read the input");
	fclose(f);
	return block;
}

static FILE *
open_output(const char *path)
{
	FILE	   *f = fopen(path, "wb");

	if (f == NULL)
		fail("cannot write the output");
	return f;
}

static void
check(gh_ctx *ctx, gh_status status)
{
	if (status != GH_OK)
		fail(gh_ctx_message(ctx));
}

static void
read_setting(gh_hdbscan_params *params, char **arg)
{
	params->selection = strcmp(arg[0], "leaf") == 0 ? GH_SELECT_LEAF : GH_SELECT_EOM;
	params->epsilon = atof(arg[1]);
	params->max_cluster_size = atoi(arg[2]);
	params->allow_single_cluster = atoi(arg[3]) != 0;
	params->alpha = atof(arg[4]);
}

static void
run_cluster(gh_ctx *ctx, const double *points, size_t n, int d, char **arg)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();
	int32_t    *labels = room(n, sizeof(int32_t));
	double	   *probabilities = room(n, sizeof(double)),
			   *scores = room(n, sizeof(double));
	FILE	   *f;
	double		start,
				value;
	bool		defined;
	int			n_clusters;

	params.min_cluster_size = atoi(arg[6]);
	params.min_samples = atoi(arg[7]);
	read_setting(&params, arg + 8);
	start = now();
	check(ctx, gh_hdbscan(ctx, points, n, d, &params, labels, probabilities, scores, &n_clusters));
	printf("seconds=%.6f\nclusters=%d\n", now() - start, n_clusters);
	start = now();
	check(ctx, gh_dbcv(ctx, points, n, d, labels, false, &value, &defined));
	printf("dbcv_seconds=%.6f\ndbcv=%.17g\ndefined=%d\npeak=%zu\n", now() - start, value, defined,
		   gh_memory_peak(ctx));
	f = open_output(arg[4]);
	fwrite(labels, sizeof(int32_t), n, f);
	fwrite(probabilities, sizeof(double), n, f);
	fwrite(scores, sizeof(double), n, f);
	fclose(f);
	free(labels);
	free(probabilities);
	free(scores);
}

static size_t
read_list(char *text, int *values, size_t most)
{
	size_t		n = 0;

	for (char *word = strtok(text, ","); word != NULL && n < most; word = strtok(NULL, ","))
		values[n++] = atoi(word);
	return n;
}

static void
run_grid(gh_ctx *ctx, const double *points, size_t n, int d, char **arg)
{
	int			sizes[64],
				samples[64];
	size_t		n_sizes = read_list(arg[6], sizes, 64),
				n_samples = read_list(arg[7], samples, 64),
				n_cells = n_sizes * n_samples * 2;
	gh_grid_cell *cells = room(n_cells, sizeof(gh_grid_cell));
	double		start;
	FILE	   *f = open_output(arg[4]);

	for (size_t i = 0; i < n_cells; i++)
	{
		cells[i].params = gh_hdbscan_defaults();
		cells[i].params.min_cluster_size = sizes[i / 2 % n_sizes];
		cells[i].params.min_samples = samples[i / 2 / n_sizes];
		cells[i].params.selection = i % 2 == 0 ? GH_SELECT_EOM : GH_SELECT_LEAF;
	}
	start = now();
	check(ctx, gh_grid(ctx, points, n, d, cells, n_cells, NULL));
	printf("seconds=%.6f\npeak=%zu\n", now() - start, gh_memory_peak(ctx));
	for (size_t i = 0; i < n_cells; i++)
		fprintf(f, "%d %d %d %d %.17g %.17g %zu\n", cells[i].params.min_cluster_size, cells[i].params.min_samples,
				(int) cells[i].params.selection, cells[i].clusters, cells[i].dbcv_defined ? cells[i].dbcv : -2,
				cells[i].relative_defined ? cells[i].relative_validity : -2, cells[i].noise);
	fclose(f);
	free(cells);
}

static void
run_dbcv(gh_ctx *ctx, const double *points, size_t n, int d, char **arg)
{
	int32_t    *labels = read_all(arg[4], n, sizeof(int32_t));
	double		start = now(),
				value;
	bool		defined;

	check(ctx, gh_dbcv(ctx, points, n, d, labels, false, &value, &defined));
	printf("dbcv_seconds=%.6f\ndbcv=%.17g\ndefined=%d\n", now() - start, value, defined);
	free(labels);
}

static void
run_edges(gh_ctx *ctx, const double *points, size_t n, int d, char **arg)
{
	gh_kdtree	tree;
	gh_reachability graph;
	gh_seeds	seeds;
	double	   *core = room(n, sizeof(double));
	gh_edge    *edges = room(n, sizeof(gh_edge));
	int			m = atoi(arg[6]);
	FILE	   *f = open_output(arg[4]);

	check(ctx, gh_kdtree_build(ctx, points, n, d, &tree));
	check(ctx, gh_core_distances(ctx, &tree, &m, 1, core, 1, &seeds));
	check(ctx, gh_reachability_open(ctx, &tree, core, atof(arg[7]), &graph));
	graph.seeds = &seeds;
	check(ctx, gh_spanning_tree(ctx, &graph, edges));
	for (size_t e = 0; e + 1 < n; e++)
	{
		double		row[3] = {edges[e].low, edges[e].high, edges[e].weight};

		fwrite(row, sizeof(double), 3, f);
	}
	fclose(f);
	free(core);
	free(edges);
}

/* Labels, probabilities and outlier scores alone, as hdbscan_cluster makes them, and then the model. */
static void
run_fit(gh_ctx *ctx, const double *points, size_t n, int d, char **arg)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();
	int32_t    *labels = room(n, sizeof(int32_t));
	double	   *probabilities = room(n, sizeof(double)),
			   *scores = room(n, sizeof(double)),
				best = 1e300;
	const char **ids = room(n, sizeof(char *));
	char	   *names = room(n, 12),
				path[4096];
	gh_hdbscan_model model;
	gh_cluster *clusters;
	uint8_t    *bytes;
	size_t		length;
	int			n_clusters;
	FILE	   *f;

	params.min_cluster_size = atoi(arg[6]);
	params.min_samples = atoi(arg[7]);
	if (arg[8] != NULL)
		read_setting(&params, arg + 8);
	for (int run = 0; run < 3; run++)
	{
		double		start = now();

		check(ctx, gh_hdbscan(ctx, points, n, d, &params, labels, probabilities, scores, &n_clusters));
		best = now() - start < best ? now() - start : best;
	}
	printf("seconds=%.6f\nclusters=%d\npeak=%zu\nestimate=%zu\n", best, n_clusters, gh_memory_peak(ctx),
		   gh_hdbscan_memory(n, d, &params));
	for (size_t i = 0; i < n; i++)
	{
		snprintf(names + 12 * i, 12, "%zu", i);
		ids[i] = names + 12 * i;
	}
	check(ctx, gh_hdbscan_fit(ctx, points, n, d, ids, &params, &model));
	check(ctx, gh_hdbscan_clusters(ctx, &model, &clusters, &n_clusters));
	check(ctx, gh_hdbscan_model_write(ctx, &model, &bytes, &length));
	f = open_output(arg[4]);
	fwrite(bytes, 1, length, f);
	fclose(f);
	snprintf(path, sizeof(path), "%s.clusters", arg[4]);
	f = open_output(path);
	for (int c = 0; c < n_clusters; c++)
		fwrite(&clusters[c].persistence, sizeof(double), 1, f);
	fclose(f);
	snprintf(path, sizeof(path), "%s.labels", arg[4]);
	f = open_output(path);
	fwrite(labels, sizeof(int32_t), n, f);
	fwrite(probabilities, sizeof(double), n, f);
	fwrite(scores, sizeof(double), n, f);
	fclose(f);
	free(labels);
	free(probabilities);
	free(scores);
	free(ids);
	free(names);
}

static void
run_predict(gh_ctx *ctx, const double *points, size_t n, int d, char **arg)
{
	FILE	   *f = fopen(arg[6], "rb");
	size_t		length;
	uint8_t    *bytes;
	int32_t    *labels = room(n, sizeof(int32_t));
	double	   *probabilities = room(n, sizeof(double)),
				start;
	gh_hdbscan_model model;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
		fail("cannot read the model");
	length = (size_t) ftell(f);
	fclose(f);
	bytes = read_all(arg[6], length, 1);
	start = now();
	check(ctx, gh_hdbscan_model_read(ctx, bytes, length, &model));
	check(ctx, gh_hdbscan_model_prepare(ctx, &model));
	printf("read_seconds=%.6f\nbytes=%zu\n", now() - start, length);
	start = now();
	for (size_t i = 0; i < n; i++)
		check(ctx, gh_hdbscan_predict(ctx, &model, points + i * (size_t) d, &labels[i], &probabilities[i]));
	printf("seconds=%.6f\n", now() - start);
	f = open_output(arg[4]);
	fwrite(labels, sizeof(int32_t), n, f);
	fwrite(probabilities, sizeof(double), n, f);
	fclose(f);
	free(bytes);
	free(labels);
	free(probabilities);
}

int
main(int argc, char **argv)
{
	char	  **arg = argv + 1;
	gh_host		host = {.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx;
	double	   *points;
	size_t		n;
	int			d;

	if (argc < 7)
		fail("see the head of hdbscan_driver.c for the arguments");
	n = strtoull(arg[2], NULL, 10);
	d = atoi(arg[3]);
	host.threads = atoi(arg[5]);
	points = read_all(arg[1], n * (size_t) d, sizeof(double));
	ctx = gh_ctx_open(&host);
	if (ctx == NULL)
		fail("out of memory");
	if (strcmp(arg[0], "cluster") == 0 && argc == 14)
		run_cluster(ctx, points, n, d, arg);
	else if (strcmp(arg[0], "grid") == 0 && argc == 9)
		run_grid(ctx, points, n, d, arg);
	else if (strcmp(arg[0], "edges") == 0 && argc == 9)
		run_edges(ctx, points, n, d, arg);
	else if (strcmp(arg[0], "fit") == 0 && (argc == 9 || argc == 14))
		run_fit(ctx, points, n, d, arg);
	else if (strcmp(arg[0], "predict") == 0 && argc == 8)
		run_predict(ctx, points, n, d, arg);
	else if (strcmp(arg[0], "dbcv") == 0)
		run_dbcv(ctx, points, n, d, arg);
	else
		fail("see the head of hdbscan_driver.c for the arguments");
	gh_ctx_close(ctx);
	free(points);
	return 0;
}
