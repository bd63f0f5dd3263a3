/*
 * tune_driver.c
 *		Searches parameters on arrays in files, for tune.py and protocol.py.
 *
 *	tune_driver folds DIR N K SEED		deals folds.u8 from labels.u8 and groups.u32
 *	tune_driver tune DIR N FEATURES K ITERATIONS SEED exhaustive|race [key=value ...]
 *	tune_driver score|fixed DIR N FEATURES K
 *
 * DIR holds rows.f32 (N x FEATURES), labels.u8 and folds.u8.  tune prints a line
 * a trial: seconds since the start, score, folds run, number of trees and the
 * parameters as JSON.  score reads lines "key=value ..." from the standard input
 * and answers each with the score of that trial in all folds; fixed does the same
 * for exactly n_estimators trees, where score stops early.  METRIC=logloss in the
 * environment: scores are minus log-losses.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explain/gh_metrics.h"
#include "learn/gh_folds.h"
#include "learn/gh_tune.h"

#define MAX_ITERATIONS 1000

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
	fprintf(stderr, "tune_driver: %s\n", message);
	exit(1);
}

static void
check(gh_ctx *ctx, gh_status status)
{
	if (status != GH_OK)
		die(gh_ctx_message(ctx));
}

static void *
read_file(const char *dir, const char *name, size_t bytes)
{
	char		path[4096];
	FILE	   *file;
	void	   *block = malloc(bytes);

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "rb");
	if (file == NULL || block == NULL || fread(block, 1, bytes, file) != bytes)
		die(path);
	fclose(file);
	return block;
}

static void
deal(gh_ctx *ctx, const char *dir, size_t n, int k, uint64_t seed)
{
	uint8_t    *label = read_file(dir, "labels.u8", n),
			   *fold = malloc(n);
	uint32_t   *group = read_file(dir, "groups.u32", n * sizeof(uint32_t)),
			   *class = malloc(n * sizeof(uint32_t));
	uint64_t   *begin = malloc((n + 1) * sizeof(uint64_t));
	gh_labels	labels = {n, 2, begin, class};
	char		path[4096];
	FILE	   *file;

	for (size_t i = 0; i <= n; i++)
	{
		begin[i] = i;
		if (i < n)
			class[i] = label[i];
	}
	check(ctx, gh_folds(ctx, &labels, group, k, NULL, seed, fold));
	snprintf(path, sizeof(path), "%s/folds.u8", dir);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(fold, 1, n, file) != n || fclose(file) != 0)
		die(path);
}

/* "key=value" into the parameters. */
static void
set_param(gh_ctx *ctx, gh_boost_params *params, char *text)
{
	char	   *value = strchr(text, '=');

	if (value == NULL)
		die(text);
	*value++ = '\0';
	check(ctx, gh_boost_set_number(ctx, params, text, atof(value)));
}

static void
print_trial(gh_ctx *ctx, double seconds, const gh_trial *trial)
{
	char	   *json = gh_boost_params_json(ctx, &trial->params);

	printf("%.3f %.9f %d %d %s\n", seconds, trial->score, trial->folds, trial->params.n_estimators, json);
	fflush(stdout);
	gh_free(ctx, json);
}

static double
log_loss(const uint8_t *labels, const double *margins, size_t n)
{
	double		sum = 0.0;

	for (size_t i = 0; i < n; i++)
	{
		double		m = labels[i] ? -margins[i] : margins[i];

		sum += m > 0.0 ? m + log1p(exp(-m)) : log1p(exp(m));
	}
	return sum / (double) n;
}

/* Mean score over the folds of exactly so many trees. */
static double
fixed_score(gh_ctx *ctx, const gh_fit *whole, const uint8_t *fold, int k, gh_metric metric, const gh_boost_params *params)
{
	size_t		n = whole->n_rows;
	uint32_t   *train = malloc(n * sizeof(uint32_t)),
			   *valid = malloc(n * sizeof(uint32_t));
	uint8_t    *labels = malloc(n);
	double	   *margins = malloc(n * sizeof(double)),
				sum = 0.0;

	for (int f = 0; f < k; f++)
	{
		gh_fit		fit = *whole;
		gh_booster	booster;
		double		precision;
		bool		defined;

		fit.rows = train;
		fit.valid_rows = valid;
		fit.n_rows = fit.n_valid = 0;
		for (size_t i = 0; i < n; i++)
			if (fold[i] != f)
				train[fit.n_rows++] = (uint32_t) i;
			else
			{
				labels[fit.n_valid] = whole->labels[i];
				valid[fit.n_valid++] = (uint32_t) i;
			}
		check(ctx, gh_boost_train(ctx, &fit, params, &booster, margins));
		check(ctx, gh_average_precision(ctx, labels, margins, NULL, fit.n_valid, &precision, &defined));
		gh_booster_free(ctx, &booster);
		sum += metric == GH_METRIC_LOGLOSS ? -log_loss(labels, margins, fit.n_valid) : precision;
	}
	free(train);
	free(valid);
	free(labels);
	free(margins);
	return sum / k;
}

int
main(int argc, char **argv)
{
	const char *threads = getenv("THREADS"),
			   *metric = getenv("METRIC");
	gh_host		host = {.threads = threads != NULL ? atoi(threads) : 1,.memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);
	gh_boost_params base = gh_boost_defaults();
	gh_space	space = gh_space_default(),
				fixed = {0};
	gh_tune_options options = {.iterations = 1,.exhaustive = true};
	gh_bins		bins;
	gh_fit		fit = {.bins = &bins};
	gh_trial   *trials = malloc(MAX_ITERATIONS * sizeof(gh_trial));
	uint32_t   *all;
	uint8_t    *fold;
	size_t		n;
	int			d,
				k,
				best;
	char		line[4096];

	if (metric != NULL && strcmp(metric, "logloss") == 0)
		options.metric = GH_METRIC_LOGLOSS;
	if (argc == 6 && strcmp(argv[1], "folds") == 0)
	{
		deal(ctx, argv[2], strtoull(argv[3], NULL, 10), atoi(argv[4]), strtoull(argv[5], NULL, 10));
		return 0;
	}
	if (argc < 6 || (argc < 9 && strcmp(argv[1], "tune") == 0))
		die("see the head of tune_driver.c");
	n = strtoull(argv[3], NULL, 10);
	d = atoi(argv[4]);
	k = atoi(argv[5]);
	all = malloc(n * sizeof(uint32_t));
	for (size_t i = 0; i < n; i++)
		all[i] = (uint32_t) i;
	fold = read_file(argv[2], "folds.u8", n);
	check(ctx, gh_bins_build(ctx, read_file(argv[2], "rows.f32", n * (size_t) d * sizeof(float)), n, d, 256, NULL, 0,
							 &bins));
	fit.rows = all;
	fit.n_rows = n;
	fit.labels = read_file(argv[2], "labels.u8", n);
	if (strcmp(argv[1], "tune") == 0)
	{
		double		start = now();

		options.iterations = atoi(argv[6]) < MAX_ITERATIONS ? atoi(argv[6]) : MAX_ITERATIONS;
		options.seed = strtoull(argv[7], NULL, 10);
		options.exhaustive = strcmp(argv[8], "exhaustive") == 0;
		for (int i = 9; i < argc; i++)
			set_param(ctx, &base, argv[i]);
		check(ctx, gh_tune(ctx, &fit, fold, k, &base, &space, &options, trials, &best));
		for (int i = 0; i < options.iterations; i++)
			print_trial(ctx, now() - start, &trials[i]);
		return 0;
	}
	while (fgets(line, sizeof(line), stdin) != NULL)
	{
		gh_boost_params params = base;

		for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n"))
			set_param(ctx, &params, word);
		if (strcmp(argv[1], "fixed") == 0)
		{
			trials[0] = (gh_trial) {.params = params,.score = fixed_score(ctx, &fit, fold, k, options.metric, &params),.folds = k};
		}
		else
			check(ctx, gh_tune(ctx, &fit, fold, k, &params, &fixed, &options, trials, &best));
		print_trial(ctx, 0, &trials[0]);
	}
	return 0;
}
