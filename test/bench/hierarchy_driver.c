/*
 * hierarchy_driver.c
 *		Trains a hierarchy, or searches one node's parameters, on arrays in files, for hierarchy.py.
 *
 *	hierarchy_driver train DIR N FEATURES [key=value ...]
 *	hierarchy_driver tune DIR N FEATURES FOLDS ITERATIONS SEED key=value,... [key=value,... ...]
 *
 * DIR holds rows.f32 (N x FEATURES).  train: hierarchy.txt, a line "genre<tab>supergenre"
 * per genre, no genre twice; begin.u64 and labels.u32, the genres of a row by number of
 * line; valid.u8, 1 for the rows held out.  It writes conditional.f64 (P(node | parent))
 * and joint.f64 (blended), held-out rows with a genre x nodes, and flat.f64, the same rows
 * x genres, and prints "node NUMBER PARENT NAME" per node, "genre NUMBER" per genre in
 * their order, "score CLASSIFIER ..." for the whole and "at NODE CLASSIFIER ..." per node.
 * tune: labels.u8 and groups.u32; the first list of parameters is the base, the others
 * are tried right after it; prints score, folds run and parameters as JSON per trial.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/gh_hierarchy.h"

#define MAX_GENRES 4096
#define MAX_STARTS 16

static void
die(const char *message)
{
	fprintf(stderr, "hierarchy_driver: %s\n", message);
	exit(1);
}

static void
check(gh_ctx *ctx, gh_status status)
{
	if (status != GH_OK)
		die(gh_ctx_message(ctx));
}

static void *
allocate(size_t bytes)
{
	void	   *block = malloc(bytes + 1);

	if (block == NULL)
		die("out of memory");
	return block;
}

static FILE *
open_file(const char *dir, const char *name, const char *mode)
{
	char		path[4096];
	FILE	   *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, mode);
	if (file == NULL)
		die(path);
	return file;
}

static void *
read_file(const char *dir, const char *name, size_t bytes)
{
	FILE	   *file = open_file(dir, name, "rb");
	void	   *block = allocate(bytes);

	if (fread(block, 1, bytes, file) != bytes)
		die(name);
	fclose(file);
	return block;
}

static void
write_file(const char *dir, const char *name, const void *bytes, size_t n)
{
	FILE	   *file = open_file(dir, name, "wb");

	if (fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
		die(name);
}

/* "key=value" pairs, separated by commas, into the parameters. */
static void
set_params(gh_ctx *ctx, gh_boost_params *params, char *text)
{
	for (char *pair = strtok(text, ","); pair != NULL; pair = strtok(NULL, ","))
	{
		char	   *value = strchr(pair, '=');

		if (value == NULL)
			die("parameters look like key=value");
		*value++ = '\0';
		check(ctx, gh_boost_set_number(ctx, params, pair, atof(value)));
	}
}

/* ---- train --------------------------------------------------------------- */

/* The plan of hierarchy.txt; position[line] is the genre of a line. */
static void
plan(gh_ctx *ctx, const char *dir, int n_features, gh_model *model, uint32_t *position)
{
	static char line[MAX_GENRES][1024];
	const char *name[MAX_GENRES],
			   *parent[MAX_GENRES],
			  **feature = allocate((size_t) n_features * sizeof(char *));
	FILE	   *file = open_file(dir, "hierarchy.txt", "r");
	size_t		n = 0;

	while (n < MAX_GENRES && fgets(line[n], sizeof(line[n]), file) != NULL)
	{
		char	   *tab = strchr(line[n], '\t');

		if (tab == NULL)
			die("a line of hierarchy.txt has no tab");
		*tab = '\0';
		tab[strcspn(tab + 1, "\n") + 1] = '\0';
		name[n] = line[n];
		parent[n++] = tab + 1;
	}
	fclose(file);
	for (int j = 0; j < n_features; j++)
	{
		char	   *text = allocate(16);

		snprintf(text, 16, "f%d", j);
		feature[j] = text;
	}
	check(ctx, gh_model_plan(ctx, name, parent, n, feature, n_features, model));
	for (size_t i = 0; i < n; i++)
		for (uint32_t g = 0; g < model->n_genres; g++)
			if (strcmp(model->node[model->genre[g]].name, name[i]) == 0)
				position[i] = g;
}

/* Probabilities of the rows that are held out and have a genre. */
static void
predict(const char *dir, const gh_model *model, const gh_training *t, size_t n_valid)
{
	double	   *conditional = allocate(n_valid * model->n_nodes * sizeof(double)),
			   *joint = allocate(n_valid * model->n_nodes * sizeof(double)),
			   *flat = allocate(n_valid * model->n_genres * sizeof(double));
	size_t		at = 0;

	for (size_t i = 0; i < t->n; i++)
	{
		const float *x = t->rows + i * (size_t) t->n_features;

		if (!t->validation[i] || t->labels->begin[i] == t->labels->begin[i + 1])
			continue;
		gh_model_predict(model, x, conditional + at * model->n_nodes, joint + at * model->n_nodes);
		for (uint32_t g = 0; g < model->n_genres; g++)
			flat[at * model->n_genres + g] = gh_booster_probability(&model->flat[g], x);
		at++;
	}
	if (at != n_valid)
		die("the evaluation has other rows");
	write_file(dir, "conditional.f64", conditional, n_valid * model->n_nodes * sizeof(double));
	write_file(dir, "joint.f64", joint, n_valid * model->n_nodes * sizeof(double));
	write_file(dir, "flat.f64", flat, n_valid * model->n_genres * sizeof(double));
}

static void
print_scores(const gh_model *model, const gh_evaluation *e)
{
	for (uint32_t v = 0; v < model->n_nodes; v++)
		printf("node %u %d %s\n", v, model->node[v].parent, model->node[v].name);
	for (uint32_t g = 0; g < model->n_genres; g++)
		printf("genre %u\n", model->genre[g]);
	for (int c = 0; c < GH_N_CLASSIFIERS; c++)
	{
		printf("score %s %.17g %.17g %.17g\n", gh_classifier_name(c), e->score[c].average_precision,
			   e->score[c].coverage_error, e->score[c].min_coverage_error);
		for (uint32_t v = 0; v < model->n_nodes; v++)
			printf("at %u %s %.17g %.17g\n", v, gh_classifier_name(c), e->node_ap[(size_t) c * model->n_nodes + v],
				   e->node_coverage[(size_t) c * model->n_nodes + v]);
	}
}

static void
train(gh_ctx *ctx, const char *dir, size_t n, int d, int n_params, char **params)
{
	uint32_t	position[MAX_GENRES];
	uint64_t   *begin = read_file(dir, "begin.u64", (n + 1) * sizeof(uint64_t));
	uint32_t   *label = read_file(dir, "labels.u32", begin[n] * sizeof(uint32_t));
	gh_model	model;
	gh_labels	labels = {.n = n, .begin = begin, .label = label};
	gh_training t = {.rows = read_file(dir, "rows.f32", n * (size_t) d * sizeof(float)), .n = n, .n_features = d,
		.labels = &labels, .validation = read_file(dir, "valid.u8", n), .params = gh_boost_defaults(),
		.space = gh_space_default(), .folds = 5, .seed = 42, .vanilla = true, .blend = true};
	gh_evaluation e;

	for (int i = 0; i < n_params; i++)
		set_params(ctx, &t.params, params[i]);
	plan(ctx, dir, d, &model, position);
	labels.n_labels = model.n_genres;
	for (uint64_t k = 0; k < begin[n]; k++)
		label[k] = position[label[k]];
	check(ctx, gh_hierarchy_train(ctx, &t, &model, &e));
	predict(dir, &model, &t, e.validation_rows);
	print_scores(&model, &e);
}

/* ---- tune ---------------------------------------------------------------- */

static void
deal_folds(gh_ctx *ctx, const char *dir, const uint8_t *labels, size_t n, int k, uint8_t *fold)
{
	uint64_t   *begin = allocate((n + 1) * sizeof(uint64_t));
	uint32_t   *class = allocate(n * sizeof(uint32_t));
	gh_labels	classes = {n, 2, begin, class};

	for (size_t i = 0; i < n; i++)
	{
		begin[i] = i;
		class[i] = labels[i];
	}
	begin[n] = n;
	check(ctx, gh_folds(ctx, &classes, read_file(dir, "groups.u32", n * sizeof(uint32_t)), k, NULL, 1, fold));
}

static void
tune(gh_ctx *ctx, const char *dir, size_t n, int d, int k, int iterations, uint64_t seed, int n_lists, char **lists)
{
	gh_boost_params base = gh_boost_defaults(),
				starts[MAX_STARTS];
	gh_space	space = gh_space_default();
	gh_tune_options options = {.iterations = iterations, .seed = seed, .starts = starts};
	gh_bins		bins;
	uint32_t   *rows = allocate(n * sizeof(uint32_t));
	uint8_t    *fold = allocate(n);
	gh_fit		fit = {.bins = &bins, .rows = rows, .n_rows = n, .labels = read_file(dir, "labels.u8", n)};
	gh_trial   *trials = allocate((size_t) iterations * sizeof(gh_trial));
	int			best;

	for (size_t i = 0; i < n; i++)
		rows[i] = (uint32_t) i;
	set_params(ctx, &base, lists[0]);
	for (; options.n_starts < n_lists - 1 && options.n_starts < MAX_STARTS; options.n_starts++)
	{
		starts[options.n_starts] = base;
		set_params(ctx, &starts[options.n_starts], lists[options.n_starts + 1]);
	}
	deal_folds(ctx, dir, fit.labels, n, k, fold);
	check(ctx, gh_bins_build(ctx, read_file(dir, "rows.f32", n * (size_t) d * sizeof(float)), n, d, 256, NULL, 0, &bins));
	check(ctx, gh_tune(ctx, &fit, fold, k, &base, &space, &options, trials, &best));
	for (int i = 0; i < iterations; i++)
		printf("%.9f %d %s\n", trials[i].score, trials[i].folds, gh_boost_params_json(ctx, &trials[i].params));
}

int
main(int argc, char **argv)
{
	const char *threads = getenv("THREADS");
	gh_host		host = {.threads = threads != NULL ? atoi(threads) : 1, .memory_limit = SIZE_MAX};
	gh_ctx	   *ctx = gh_ctx_open(&host);

	if (argc >= 5 && strcmp(argv[1], "train") == 0)
		train(ctx, argv[2], strtoull(argv[3], NULL, 10), atoi(argv[4]), argc - 5, argv + 5);
	else if (argc >= 9 && strcmp(argv[1], "tune") == 0)
		tune(ctx, argv[2], strtoull(argv[3], NULL, 10), atoi(argv[4]), atoi(argv[5]), atoi(argv[6]),
			 strtoull(argv[7], NULL, 10), argc - 8, argv + 8);
	else
		die("see the head of hierarchy_driver.c");
	return 0;
}
