/*
 * umap_driver.c
 *		Projects points from a file, for umap.py.
 *
 * umap_driver POINTS N D OUT THREADS N_NEIGHBORS N_COMPONENTS MIN_DIST N_EPOCHS spectral|pca|random SEED [ISA]
 *
 * POINTS: N x D doubles, row-major, taken as they are (no z-scores).  OUT: N x
 * N_COMPONENTS doubles.  Notes, the seconds of each stage and the memory go to
 * standard output as NAME=VALUE lines.  ISA: 0 baseline, 1 AVX2, 2 AVX-512.
 */
#include "base/gh_isa.h"
#include "project/gh_umap.h"

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
	fprintf(stderr, "umap_driver: %s\n", what);
	exit(1);
}

static double *
read_doubles(const char *path, size_t count)
{
	double	   *values = malloc(sizeof(double) * (count + 1));
	FILE	   *f = fopen(path, "rb");

	if (values == NULL || f == NULL || fread(values, sizeof(double), count, f) != count)
		fail("cannot read the points");
	fclose(f);
	return values;
}

/* The stages in their order; a tick with nothing done begins one. */
typedef struct stages
{
	const char *name;
	double		begun;
} stages;

static void
end_stage(stages *s)
{
	if (s->name != NULL)
		printf("stage=%s %.3f\n", s->name, now() - s->begun);
	s->name = NULL;
}

static void
report(void *arg, const gh_progress *progress)
{
	stages	   *s = arg;

	if (progress->note)
	{
		printf("note=%s: %s\n", progress->stage, progress->text);
		return;
	}
	if (s->name != NULL && strcmp(s->name, progress->stage) == 0)
		return;
	end_stage(s);
	s->name = progress->stage;
	s->begun = now();
}

/* Most bytes the process ever had in memory; getrusage() would count those of the one that started it. */
static double
resident(void)
{
	FILE	   *f = fopen("/proc/self/status", "r");
	char		line[256];
	double		kilobytes = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmHWM: %lf", &kilobytes);
	if (f != NULL)
		fclose(f);
	return 1024 * kilobytes;
}

static gh_umap_init
parse_init(const char *name)
{
	if (strcmp(name, "pca") == 0)
		return GH_UMAP_PCA;
	return strcmp(name, "random") == 0 ? GH_UMAP_RANDOM : GH_UMAP_SPECTRAL;
}

int
main(int argc, char **argv)
{
	gh_umap_params params = gh_umap_defaults();
	stages		seen = {0};
	double		start;
	gh_host		host = {.arg = &seen,.progress = report,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx;
	size_t		n;
	int			d;
	double	   *points,
			   *embedding;
	FILE	   *out;

	if (argc < 12)
		fail("usage: POINTS N D OUT THREADS N_NEIGHBORS N_COMPONENTS MIN_DIST N_EPOCHS INIT SEED [ISA]");
	n = strtoull(argv[2], NULL, 10);
	d = atoi(argv[3]);
	host.threads = atoi(argv[5]);
	params.n_neighbors = atoi(argv[6]);
	params.n_components = atoi(argv[7]);
	params.min_dist = atof(argv[8]);
	params.n_epochs = atoi(argv[9]);
	params.init = parse_init(argv[10]);
	params.seed = strtoull(argv[11], NULL, 10);
	params.standardize = false;
	if (argc > 12)
		gh_isa_limit((gh_isa) atoi(argv[12]));
	points = read_doubles(argv[1], n * d);
	embedding = malloc(sizeof(double) * n * params.n_components + 1);
	ctx = gh_ctx_open(&host);
	if (ctx == NULL || embedding == NULL)
		fail("out of memory");
	start = now();
	if (gh_umap_project(ctx, points, n, d, &params, embedding) != GH_OK)
		fail(gh_ctx_message(ctx));
	end_stage(&seen);
	printf("seconds=%.3f\nestimate=%zu\npeak=%zu\nrss=%.0f\n", now() - start, gh_umap_memory(n, d, &params),
		   gh_memory_peak(ctx), resident());
	gh_ctx_close(ctx);
	out = fopen(argv[4], "wb");
	if (out == NULL || fwrite(embedding, sizeof(double), n * params.n_components, out) != n * params.n_components ||
		fclose(out) != 0)
		fail("cannot write the embedding");
	free(points);
	free(embedding);
	return 0;
}
