/*
 * boost_driver.c
 *		Trains on arrays in files, for boost.py.
 *
 *	boost_driver DIR N FEATURES VALID [key=value ...]
 *
 * DIR holds rows.f32 (N x FEATURES), labels.u8 (N), weights.f32 (N, optional)
 * and, when VALID > 0, the last VALID rows do not train (with early stopping
 * they decide when to end).  Writes
 * model.bin (gh_booster_write) and margins.f64 (N), and prints seconds for
 * bins and for the fit, and the number of trees.  The key "threads" (1) is ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "learn/gh_boost.h"

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void
die(const char *message)
{
	fprintf(stderr, "boost_driver: %s\n", message);
	exit(1);
}

static void *
read_file(const char *dir, const char *name, size_t bytes, bool required)
{
	char		path[4096];
	FILE	   *file;
	void	   *block = malloc(bytes);

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "rb");
	if (file == NULL && !required)
	{
		free(block);
		return NULL;
	}
	if (file == NULL || block == NULL || fread(block, 1, bytes, file) != bytes)
		die(path);
	fclose(file);
	return block;
}

static void
write_file(const char *dir, const char *name, const void *bytes, size_t n)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
		die(path);
}

static void
set_param(gh_ctx *ctx, gh_boost_params *params, char *text)
{
	char	   *value = strchr(text, '='),
			   *end;
	double		number;

	if (value == NULL)
		die("parameters look like key=value");
	*value++ = '\0';
	number = strtod(value, &end);
	if ((*end == '\0' ? gh_boost_set_number(ctx, params, text, number) :
		 gh_boost_set_string(ctx, params, text, value)) != GH_OK)
		die(gh_ctx_message(ctx));
}

/* A context with as many threads as the arguments say. */
static gh_ctx *
open_context(int argc, char **argv)
{
	gh_host		host = {.threads = 1,.memory_limit = SIZE_MAX};

	for (int i = 5; i < argc; i++)
		if (strncmp(argv[i], "threads=", 8) == 0)
			host.threads = atoi(argv[i] + 8);
	return gh_ctx_open(&host);
}

int
main(int argc, char **argv)
{
	gh_ctx	   *ctx = open_context(argc, argv);
	gh_boost_params params = gh_boost_defaults();
	gh_bins		bins;
	gh_fit		fit = {0};
	gh_booster	booster;
	gh_writer	w;
	size_t		n,
				valid;
	int			d;
	uint32_t   *rows;
	float	   *values;
	double	   *margins;
	double		start,
				binned,
				trained;
	size_t		memory;

	if (argc < 5)
		die("usage: boost_driver DIR N FEATURES VALID [key=value ...]");
	n = strtoul(argv[2], NULL, 10);
	d = atoi(argv[3]);
	valid = strtoul(argv[4], NULL, 10);
	for (int i = 5; i < argc; i++)
		if (strncmp(argv[i], "threads=", 8) != 0)
			set_param(ctx, &params, argv[i]);
	values = read_file(argv[1], "rows.f32", n * (size_t) d * sizeof(float), true);
	fit.labels = read_file(argv[1], "labels.u8", n, true);
	fit.weights = read_file(argv[1], "weights.f32", n * sizeof(float), false);
	rows = malloc(n * sizeof(uint32_t));
	margins = malloc(n * sizeof(double));
	if (rows == NULL || margins == NULL)
		die("out of memory");
	for (size_t i = 0; i < n; i++)
		rows[i] = (uint32_t) i;

	start = now();
	if (gh_bins_build(ctx, values, n, d, params.max_bin, rows, n - valid, &bins) != GH_OK)
		die(gh_ctx_message(ctx));
	binned = now();
	fit.bins = &bins;
	fit.rows = rows;
	fit.n_rows = n - valid;
	fit.valid_rows = valid > 0 && params.early_stopping_rounds > 0 ? rows + (n - valid) : NULL;
	fit.n_valid = valid;
	if (gh_boost_train(ctx, &fit, &params, &booster, NULL) != GH_OK)
		die(gh_ctx_message(ctx));
	trained = now();
	memory = gh_memory_peak(ctx);
	if (gh_booster_margins(ctx, &booster, values, n, (size_t) d, margins) != GH_OK)
		die(gh_ctx_message(ctx));

	gh_writer_init(&w, ctx);
	gh_booster_write(&w, &booster);
	write_file(argv[1], "model.bin", w.bytes, w.length);
	write_file(argv[1], "margins.f64", margins, n * sizeof(double));
	printf("%.6f %.6f %u %zu\n", binned - start, trained - binned, booster.n_trees, memory);
	gh_ctx_close(ctx);
	return 0;
}
