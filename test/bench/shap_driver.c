/*
 * shap_driver.c
 *		Shapley values of a file of trees for a file of rows, for shap.py.
 *
 *	shap_driver TREES ROWS N FEATURES THREADS VALUES
 *
 * TREES: bytes of gh_booster_write(); ROWS: N x FEATURES float32; VALUES gets
 * N x (FEATURES + 1) float64 and then N margins.  Prints the processor seconds spent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "explain/gh_shap.h"

static void *
read_file(const char *path, size_t *length)
{
	FILE	   *f = fopen(path, "rb");
	void	   *bytes;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0)
	{
		perror(path);
		exit(1);
	}
	*length = (size_t) ftell(f);
	rewind(f);
	bytes = malloc(*length + 1);
	if (bytes == NULL || fread(bytes, 1, *length, f) != *length)
	{
		perror(path);
		exit(1);
	}
	fclose(f);
	return bytes;
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double) now.tv_sec + 1e-9 * (double) now.tv_nsec;
}

static void
check(gh_ctx *ctx, gh_status status)
{
	if (status == GH_OK)
		return;
	fprintf(stderr, "%s\n", gh_ctx_message(ctx));
	exit(1);
}

int
main(int argc, char **argv)
{
	gh_host		host = {.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx;
	gh_reader	r;
	gh_booster	booster;
	size_t		length,
				n,
				d;
	void	   *bytes;
	float	   *rows;
	double	   *values,
			   *margins,
				start;
	FILE	   *out;

	if (argc != 7)
	{
		fprintf(stderr, "usage: shap_driver TREES ROWS N FEATURES THREADS VALUES\n");
		return 2;
	}
	host.threads = atoi(argv[5]);
	ctx = gh_ctx_open(&host);
	bytes = read_file(argv[1], &length);
	gh_reader_init(&r, bytes, length);
	check(ctx, gh_booster_read(ctx, &r, &booster));
	n = strtoul(argv[3], NULL, 10);
	d = strtoul(argv[4], NULL, 10);
	rows = read_file(argv[2], &length);
	if (!r.ok || booster.n_features != (int) d || length != n * d * sizeof(float))
	{
		fprintf(stderr, "the trees or the rows are not what was said\n");
		return 1;
	}
	values = malloc(n * (d + 1) * sizeof(double));
	margins = malloc(n * sizeof(double));
	if (values == NULL || margins == NULL)
		return 1;
	start = seconds();
	check(ctx, gh_shap_rows(ctx, &booster, rows, n, d, values));
	printf("%.6f\n", seconds() - start);
	check(ctx, gh_booster_margins(ctx, &booster, rows, n, d, margins));
	out = fopen(argv[6], "wb");
	if (out == NULL || fwrite(values, sizeof(double), n * (d + 1), out) != n * (d + 1)
		|| fwrite(margins, sizeof(double), n, out) != n || fclose(out) != 0)
	{
		perror(argv[6]);
		return 1;
	}
	gh_ctx_close(ctx);
	return 0;
}
