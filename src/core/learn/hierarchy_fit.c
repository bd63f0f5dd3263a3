/*
 * hierarchy_fit.c
 *		One classifier of a hierarchy: its rows, its parameters, its trees.
 *
 * Siblings policy: the rows of a node are those that are positive for its
 * parent.  The vanilla classifier of a genre has all training rows.
 */
#include "learn/hierarchy_private.h"

#include "base/gh_random.h"
#include "base/gh_threads.h"

#include <math.h>
#include <string.h>

#define ROWS_BETWEEN_POLLS 65536
#define DEFAULT_FOLDS 5

/* The rows of one classifier. */
typedef struct scope
{
	uint8_t    *mask;			/* per genre: positive */
	uint8_t    *scope_mask;		/* per genre: in the parent */
	uint32_t   *rows;
	size_t		n;
	uint64_t	positives;
	uint8_t    *labels;			/* by row of the bins */
} scope;

static void
scope_free(gh_ctx *ctx, scope *s)
{
	gh_free(ctx, s->labels);
	gh_free(ctx, s->rows);
	gh_free(ctx, s->scope_mask);
	gh_free(ctx, s->mask);
}

void
gh_hierarchy_mask(const gh_model *model, int64_t node, uint8_t *mask)
{
	for (uint32_t g = 0; g < model->n_genres; g++)
	{
		int64_t		at = model->genre[g];

		/* a node stands after its ancestors */
		while (at > node && node >= 0 && model->node[at].parent >= 0)
			at = model->node[at].parent;
		mask[g] = node < 0 || at == node;
	}
}

static gh_status
scope_fill(gh_ctx *ctx, const gh_hierarchy_run *trainer, scope *s)
{
	const gh_labels *labels = trainer->training->labels;

	for (size_t i = 0; i < trainer->n_train; i++)
	{
		uint32_t	row = trainer->train_rows[i];

		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		if (!gh_row_in_mask(labels, row, s->scope_mask))
			continue;
		s->labels[row] = gh_row_in_mask(labels, row, s->mask);
		s->positives += s->labels[row];
		s->rows[s->n++] = row;
	}
	return GH_OK;
}

static gh_status
scope_open(gh_ctx *ctx, const gh_hierarchy_run *trainer, const gh_classifier_task *task, scope *s)
{
	const gh_model *model = trainer->model;
	int64_t		parent = task->vanilla ? -1 : model->node[task->node].parent;
	gh_status	status;

	memset(s, 0, sizeof(*s));
	s->mask = GH_NEW(ctx, model->n_genres, uint8_t);
	s->scope_mask = GH_NEW(ctx, model->n_genres, uint8_t);
	s->rows = GH_NEW(ctx, task->rows, uint32_t);
	s->labels = GH_NEW_ZERO(ctx, trainer->training->n, uint8_t);
	if (s->mask == NULL || s->scope_mask == NULL || s->rows == NULL || s->labels == NULL)
		status = gh_ctx_status(ctx);
	else
	{
		gh_hierarchy_mask(model, task->node, s->mask);
		gh_hierarchy_mask(model, parent, s->scope_mask);
		status = scope_fill(ctx, trainer, s);
	}
	if (status != GH_OK)
		scope_free(ctx, s);
	return status;
}

/* A classifier that says the same to every row. */
static void
constant_booster(int n_features, bool always, gh_booster *booster)
{
	memset(booster, 0, sizeof(*booster));
	booster->n_features = n_features;
	booster->base_score = always ? 1 - 1e-6 : 1e-6;
}

/* ---- folds ------------------------------------------------------------- */

/* Number of groups among the rows, counted up to `most` (at most 255). */
static gh_status
count_groups(gh_ctx *ctx, const gh_hierarchy_run *trainer, const scope *s, int most, int *n_groups)
{
	const uint32_t *group = trainer->training->group;
	uint32_t	seen[256];
	int			n = 0;

	*n_groups = s->n < (size_t) most ? (int) s->n : most;
	for (size_t i = 0; group != NULL && i < s->n && n < most; i++)
	{
		int			at = 0;

		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);

		while (at < n && seen[at] != group[s->rows[i]])
			at++;
		if (at == n)
			seen[n++] = group[s->rows[i]];
	}
	if (group != NULL)
		*n_groups = n;
	return GH_OK;
}

/* One label a row: its class. */
static gh_status
fill_classes(gh_ctx *ctx, const gh_hierarchy_run *trainer, const scope *s, uint32_t *label, uint32_t *group)
{
	const uint32_t *all = trainer->training->group;

	for (size_t i = 0; i < s->n; i++)
	{
		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		label[i] = s->labels[s->rows[i]];
		if (all != NULL)
			group[i] = all[s->rows[i]];
	}
	return GH_OK;
}

static gh_status
deal_folds(gh_ctx *ctx, const gh_hierarchy_run *trainer, const scope *s, int k, uint64_t seed, uint8_t *fold)
{
	bool		grouped = trainer->training->group != NULL;
	uint32_t   *label = GH_NEW(ctx, s->n, uint32_t),
			   *group = GH_NEW(ctx, grouped ? s->n : 0, uint32_t);
	gh_labels	labels = {s->n, 2, NULL, label};
	gh_status	status;

	if (label == NULL || group == NULL)
		status = gh_ctx_status(ctx);
	else
		status = fill_classes(ctx, trainer, s, label, group);
	if (status == GH_OK)
		status = gh_folds(ctx, &labels, grouped ? group : NULL, k, NULL, seed, fold);
	gh_free(ctx, group);
	gh_free(ctx, label);
	return status;
}

/* The first fold that has both classes inside and outside; -1: none. */
static gh_status
usable_fold(gh_ctx *ctx, const scope *s, const uint8_t *fold, int k, int *usable)
{
	uint64_t	rows[256] = {0},
				positives[256] = {0};

	*usable = -1;
	for (size_t i = 0; i < s->n; i++)
	{
		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		rows[fold[i]]++;
		positives[fold[i]] += s->labels[s->rows[i]];
	}
	for (int f = 0; f < k && *usable < 0; f++)
	{
		uint64_t	negatives = rows[f] - positives[f];

		if (positives[f] > 0 && positives[f] < s->positives && negatives > 0 && negatives < s->n - s->positives)
			*usable = f;
	}
	return GH_OK;
}

/* ---- parameters -------------------------------------------------------- */

static gh_fit
fit_of(const gh_hierarchy_run *trainer, const scope *s)
{
	gh_fit		fit = {.bins = &trainer->bins, .rows = s->rows, .n_rows = s->n, .labels = s->labels,
	.weights = trainer->training->weights};

	return fit;
}

/* Rows times fits: every trial of the search, and the last fit. */
uint64_t
gh_hierarchy_work(const gh_training *training, const gh_classifier_task *task)
{
	return task->rows * ((uint64_t) training->iterations + 1);
}

static void
report_trial(gh_ctx *ctx, void *arg)
{
	gh_classifier_task *task = arg;

	task->reported += task->rows;
	gh_stage_add(ctx, task->rows);
}

/*
 * What was found for the node above, and for the vanilla classifier of a genre
 * also for the genre's own; both belong to earlier waves.  Returns how many.
 */
static int
find_starts(const gh_hierarchy_run *trainer, const gh_classifier_task *task, gh_boost_params *starts)
{
	int32_t		kin[2] = {trainer->model->node[task->node].parent, task->vanilla ? (int32_t) task->node : -1};
	int			n = 0;

	for (int i = 0; i < 2; i++)
		if (kin[i] >= 0 && trainer->is_found[kin[i]])
			starts[n++] = trainer->found[kin[i]];
	return n;
}

/* What is kept of a search. */
static gh_search
search_of(const gh_trial *trials, int n, int best)
{
	gh_search	search = {.folds = (uint32_t) trials[best].folds,.score = trials[best].score,.score_sd = trials[best].score_sd};

	for (int i = 0; i < n; i++)
		search.trials += !trials[i].repeated;
	return search;
}

/* Best of the trials; the number of trees comes with it. */
static gh_status
tune(gh_ctx *ctx, const gh_hierarchy_run *trainer, gh_classifier_task *task, const scope *s, const uint8_t *fold, int k,
	 uint64_t seed, gh_boost_params *params, gh_search *search)
{
	const gh_training *t = trainer->training;
	gh_fit		fit = fit_of(trainer, s);
	gh_boost_params starts[2];
	gh_tune_options options = {
		.metric = t->metric, .iterations = t->iterations, .seed = seed, .exhaustive = t->exhaustive,
		.lean = task->lean, .starts = starts, .n_starts = find_starts(trainer, task, starts), .tried = report_trial, .arg = task
	};
	gh_trial   *trials = GH_NEW(ctx, t->iterations, gh_trial);
	int			best;
	gh_status	status;

	if (trials == NULL)
		return gh_ctx_status(ctx);
	status = gh_tune(ctx, &fit, fold, k, params, &t->space, &options, trials, &best);
	if (status == GH_OK)
	{
		*params = trials[best].params;
		/* without a fold to compare in there was no search */
		if (!isnan(trials[best].score))
			*search = search_of(trials, t->iterations, best);
		if (!task->vanilla && !isnan(trials[best].score))
		{
			trainer->found[task->node] = trials[best].params;
			trainer->is_found[task->node] = true;
		}
	}
	gh_free(ctx, trials);
	return status;
}

/* The rows inside or outside of a fold. */
static gh_status
list_rows(gh_ctx *ctx, const scope *s, const uint8_t *fold, int number, bool inside, uint32_t *rows, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < s->n; i++)
	{
		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		if ((fold[i] == number) == inside)
			rows[(*n)++] = s->rows[i];
	}
	return GH_OK;
}

/* Number of trees by early stopping on one fold. */
static gh_status
stop_early(gh_ctx *ctx, const gh_hierarchy_run *trainer, const scope *s, const uint8_t *fold, int stop_fold,
		   gh_boost_params *params)
{
	gh_fit		fit = fit_of(trainer, s);
	uint32_t   *rows = GH_NEW(ctx, s->n, uint32_t);
	gh_booster	booster;
	gh_status	status;

	if (rows == NULL)
		return gh_ctx_status(ctx);
	fit.rows = rows;
	memset(&booster, 0, sizeof(booster));
	/* training rows from the front, the fold's rows behind them, both ascending */
	GH_GOTO(done, list_rows(ctx, s, fold, stop_fold, false, rows, &fit.n_rows));
	fit.valid_rows = rows + fit.n_rows;
	GH_GOTO(done, list_rows(ctx, s, fold, stop_fold, true, rows + fit.n_rows, &fit.n_valid));
	status = gh_boost_train(ctx, &fit, params, &booster, NULL);
	if (status == GH_OK)
		params->n_estimators = booster.n_trees > 0 ? (int) booster.n_trees : 1;
done:
	gh_booster_free(ctx, &booster);
	gh_free(ctx, rows);
	return status;
}

/* Parameters for the last fit: tuned, or with the number of trees found, or as they came. */
static gh_status
find_params(gh_ctx *ctx, const gh_hierarchy_run *trainer, gh_classifier_task *task, const scope *s, uint64_t seed,
			gh_boost_params *params, gh_search *search)
{
	const gh_training *t = trainer->training;
	int			k,
				stop_fold;
	uint8_t    *fold;
	gh_status	status;

	if (t->iterations == 0 && params->early_stopping_rounds == 0)
		return GH_OK;
	/* a small node has as many folds as it has groups */
	GH_TRY(count_groups(ctx, trainer, s, t->folds >= 2 && t->folds <= 255 ? t->folds : DEFAULT_FOLDS, &k));
	if (k < 2)
	{
		task->remark = GH_FIT_NO_FOLDS;
		params->early_stopping_rounds = 0;
		return GH_OK;
	}
	fold = GH_NEW(ctx, s->n, uint8_t);
	if (fold == NULL)
		return gh_ctx_status(ctx);
	status = deal_folds(ctx, trainer, s, k, gh_random_seed(seed, GH_STREAM_FOLDS, 0), fold);
	if (status == GH_OK)
		status = usable_fold(ctx, s, fold, k, &stop_fold);
	if (status == GH_OK && stop_fold < 0)
		task->remark = GH_FIT_NO_FOLDS;
	else if (status == GH_OK && t->iterations > 0)
		status = tune(ctx, trainer, task, s, fold, k, seed, params, search);
	else if (status == GH_OK)
		status = stop_early(ctx, trainer, s, fold, stop_fold, params);
	gh_free(ctx, fold);
	params->early_stopping_rounds = 0;
	return status;
}

/* ---- the fit ----------------------------------------------------------- */

typedef struct margins
{
	double	   *value;
	size_t		n;
} margins;

/* Some margins become probabilities. */
static gh_status
probability_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	const margins *m = arg;
	size_t		begin = task * ROWS_BETWEEN_POLLS,
				end = m->n - begin < ROWS_BETWEEN_POLLS ? m->n : begin + ROWS_BETWEEN_POLLS;

	(void) worker;
	GH_CHECK_STOP(ctx);
	for (size_t i = begin; i < end; i++)
		m->value[i] = gh_sigmoid(m->value[i]);
	return GH_OK;
}

/* out: probabilities of the validation rows. */
static gh_status
train(gh_ctx *ctx, const gh_hierarchy_run *trainer, gh_classifier_task *task, const scope *s, gh_booster *booster,
	  double *out, char **params_text, gh_search *search)
{
	const gh_training *t = trainer->training;
	const gh_node *node = &trainer->model->node[task->node];
	gh_purpose	purpose = task->vanilla ? GH_FOR_VANILLA : node->is_genre ? GH_FOR_GENRE : GH_FOR_SUPERGENRE;
	uint64_t	seed = gh_random_seed(t->seed, gh_hash_bytes(node->name, strlen(node->name)), purpose);
	gh_boost_params params = t->params;
	gh_fit		fit = fit_of(trainer, s);

	/* 53 bits, so that the seed survives being a JSON number */
	params.seed = gh_random_seed(seed, GH_STREAM_NODE, t->params.seed) >> 11;
	if (s->positives == 0 || s->positives == s->n)
	{
		task->remark = GH_FIT_ONE_CLASS;
		constant_booster(t->n_features, s->positives > 0, booster);
		for (size_t i = 0; i < trainer->n_valid; i++)
			out[i] = gh_booster_start(booster->base_score);
	}
	else
	{
		GH_TRY(find_params(ctx, trainer, task, s, seed, &params, search));
		fit.valid_rows = trainer->valid_rows;
		fit.n_valid = trainer->n_valid;
		GH_TRY(gh_boost_train(ctx, &fit, &params, booster, out));
	}
	GH_TRY(gh_parallel(ctx, (trainer->n_valid + ROWS_BETWEEN_POLLS - 1) / ROWS_BETWEEN_POLLS, probability_task,
					   &(margins) {out, trainer->n_valid}));
	*params_text = gh_boost_params_json(ctx, &params);
	return *params_text != NULL ? GH_OK : gh_ctx_status(ctx);
}

gh_status
gh_hierarchy_fit(gh_ctx *ctx, void *arg, size_t number, int worker)
{
	gh_hierarchy_run *trainer = arg;
	gh_classifier_task *task = &trainer->tasks[trainer->wave_begin + number];
	gh_node    *node = &trainer->model->node[task->node];
	gh_booster	flat;
	scope		s;
	gh_status	status;

	(void) worker;
	memset(&flat, 0, sizeof(flat));
	GH_TRY(scope_open(ctx, trainer, task, &s));
	if (task->vanilla)
	{
		uint32_t	genre = trainer->position[task->node];

		status = train(ctx, trainer, task, &s, &flat, trainer->flat + genre * trainer->n_valid, &node->vanilla_params,
					   &node->vanilla_search);
		if (status == GH_OK && trainer->model->flat != NULL)
		{
			trainer->model->flat[genre] = flat;
			memset(&flat, 0, sizeof(flat));
		}
	}
	else
	{
		node->positives = s.positives;
		node->negatives = s.n - s.positives;
		status = train(ctx, trainer, task, &s, &node->booster, trainer->conditional + task->node * trainer->n_valid,
					   &node->params, &node->search);
	}
	gh_booster_free(ctx, &flat);
	scope_free(ctx, &s);
	gh_stage_add(ctx, gh_hierarchy_work(trainer->training, task) - task->reported);
	return status;
}
