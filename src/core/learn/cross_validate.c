/*
 * cross_validate.c
 *		One trial of boosting parameters: fits on folds that grow together.
 *
 * The folds grow in blocks of a few trees, each by one thread, and after a
 * block their mean validation curve says whether to go on.  A fold keeps its
 * curve and the paths of its trees, so folds that join later can move the best
 * number of trees back and forth without a fit being repeated.
 *
 * Where memory is short the folds are lean: they take turns, with the threads
 * inside a fit, and one that waits keeps its margins and paths only.
 */
#include <math.h>
#include <string.h>

#include "base/gh_sort.h"
#include "base/gh_threads.h"
#include "learn/boost_private.h"
#include "learn/tune_private.h"

/* Trees between two looks at the mean curve. */
#define BLOCK 8
/* Rows between two polls. */
#define POLL_ROWS 32768

typedef struct fold_run
{
	int			number;
	gh_fit		fit;
	uint32_t   *rows;			/* training, then validation */
	uint32_t   *by_class;		/* positions of the validation rows: positives, then negatives */
	size_t		n_positives;
	double	   *threshold;		/* n_positives each: scores of positives in descending order, */
	double	   *found;			/* weight of the positives that have it, */
	double	   *taken;			/* weight of the negatives between it and the one above */
	double	   *score;
	uint32_t   *order;
	gh_trainer *trainer;		/* of the trial that runs */
	int			grown;			/* its trees */
	double	   *margins;		/* of the validation rows after some of them */
	double	   *loss;			/* after each of them */
	int			capacity;
	double		precision;		/* where the trial is scored */
} fold_run;

struct gh_cv
{
	gh_ctx	   *ctx;
	const gh_fit *fit;			/* of all folds */
	const uint8_t *fold;
	gh_metric	metric;
	bool		lean;			/* lists are made when a fold's turn comes */
	int			n_folds;
	fold_run   *folds;
	const gh_boost_params *params;	/* of the trial that runs */
	int			target;			/* trees to grow to */
	int			n_trees;		/* where to score */
};

/* ---- folds ------------------------------------------------------------- */

/* Its lists; the trainer and the curves stay. */
static void
empty_fold(gh_ctx *ctx, fold_run *run)
{
	void	   *blocks[] = {run->rows, run->by_class, run->threshold, run->found, run->taken, run->score, run->order,
		run->margins};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		gh_free(ctx, blocks[i]);
	run->rows = run->by_class = run->order = NULL;
	run->threshold = run->found = run->taken = run->score = run->margins = NULL;
}

void
gh_cv_close(gh_cv *cv)
{
	if (cv == NULL)
		return;
	for (int f = 0; cv->folds != NULL && f < cv->n_folds; f++)
	{
		gh_trainer_close(cv->folds[f].trainer);
		empty_fold(cv->ctx, &cv->folds[f]);
		gh_free(cv->ctx, cv->folds[f].loss);
	}
	gh_free(cv->ctx, cv->folds);
	gh_free(cv->ctx, cv);
}

static double
weight_at(const gh_fit *fit, uint32_t row)
{
	return fit->weights != NULL ? fit->weights[row] : 1.0;
}

/* Whether both classes have weight in both parts of fold f. */
static gh_status
is_usable(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int f, bool *usable)
{
	bool		has[2][2] = {{false}};

	for (size_t i = 0; i < fit->n_rows; i++)
	{
		uint32_t	row = fit->rows[i];

		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		if (weight_at(fit, row) > 0.0)
			has[fold[i] == f][fit->labels[row] != 0] = true;
	}
	*usable = has[0][0] && has[0][1] && has[1][0] && has[1][1];
	return GH_OK;
}

static gh_status
allocate_fold(gh_ctx *ctx, size_t n_rows, size_t n_valid, fold_run *run)
{
	size_t		p = run->n_positives;

	run->rows = GH_NEW(ctx, n_rows, uint32_t);
	run->by_class = GH_NEW(ctx, n_valid, uint32_t);
	run->threshold = GH_NEW(ctx, p, double);
	run->found = GH_NEW(ctx, p, double);
	run->taken = GH_NEW(ctx, p, double);
	run->score = GH_NEW(ctx, p, double);
	run->order = GH_NEW(ctx, p, uint32_t);
	run->margins = GH_NEW(ctx, n_valid, double);
	if (run->rows == NULL || run->by_class == NULL || run->threshold == NULL || run->found == NULL ||
		run->taken == NULL || run->score == NULL || run->order == NULL || run->margins == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

static gh_status
fill_fold(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, fold_run *run)
{
	int			f = run->number;
	size_t		n_valid = 0,
				train = 0,
				valid,
				positive = 0,
				negative;

	run->n_positives = 0;
	for (size_t i = 0; i < fit->n_rows; i++)
	{
		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		n_valid += fold[i] == f;
		run->n_positives += fold[i] == f && fit->labels[fit->rows[i]] != 0;
	}
	GH_TRY(allocate_fold(ctx, fit->n_rows, n_valid, run));
	valid = fit->n_rows - n_valid;
	negative = run->n_positives;
	for (size_t i = 0; i < fit->n_rows; i++)
	{
		uint32_t	row = fit->rows[i];

		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		if (fold[i] == f)
			run->by_class[fit->labels[row] ? positive++ : negative++] = (uint32_t) (valid - (fit->n_rows - n_valid));
		run->rows[fold[i] == f ? valid++ : train++] = row;
	}
	run->fit = *fit;
	run->fit.rows = run->rows;
	run->fit.n_rows = train;
	run->fit.valid_rows = run->rows + train;
	run->fit.n_valid = n_valid;
	return GH_OK;
}

gh_status
gh_cv_open(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int k, gh_metric metric, bool lean, gh_cv **cv)
{
	gh_cv	   *opened = GH_NEW_ZERO(ctx, 1, gh_cv);
	gh_status	status = GH_OK;

	*cv = opened;
	if (opened == NULL)
		return gh_ctx_status(ctx);
	opened->ctx = ctx;
	opened->fit = fit;
	opened->fold = fold;
	opened->metric = metric;
	opened->lean = lean;
	opened->folds = GH_NEW_ZERO(ctx, (size_t) k, fold_run);
	if (opened->folds == NULL)
		status = gh_ctx_status(ctx);
	for (int f = 0; status == GH_OK && f < k; f++)
	{
		bool		usable = false;

		status = is_usable(ctx, fit, fold, f, &usable);
		if (status != GH_OK || !usable)
			continue;
		opened->folds[opened->n_folds++].number = f;
		if (!lean)
			status = fill_fold(ctx, fit, fold, &opened->folds[opened->n_folds - 1]);
	}
	return status;
}

int
gh_cv_folds(const gh_cv *cv)
{
	return cv->n_folds;
}

/* ---- average precision of a fold --------------------------------------- */

/* The scores of the positives in descending order, each once, with the weight that has it. */
static gh_status
list_thresholds(gh_ctx *ctx, fold_run *run, const double *margins, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < run->n_positives; i++)
	{
		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		run->score[i] = margins[run->by_class[i]];
	}
	GH_TRY(gh_argsort_descending(ctx, run->score, run->n_positives, run->order));
	for (size_t i = 0; i < run->n_positives; i++)
	{
		uint32_t	at = run->order[i];

		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		if (i == 0 || run->score[at] != run->threshold[*n - 1])
		{
			run->threshold[*n] = run->score[at];
			run->found[*n] = run->taken[*n] = 0.0;
			(*n)++;
		}
		run->found[*n - 1] += weight_at(&run->fit, run->fit.valid_rows[run->by_class[at]]);
	}
	return GH_OK;
}

/* The first of n descending thresholds that is not above the score; n: none. */
static inline size_t
threshold_of(const double *threshold, size_t n, double score)
{
	size_t		at = 0;

	while (n > 0)
	{
		size_t		half = n / 2,
					above = threshold[at + half] > score ? half + 1 : 0;

		at += above;
		n = above > 0 ? n - above : half;
	}
	return at;
}

/*
 * gh_average_precision() without sorting the negatives: the terms of its sum
 * are those of the thresholds that a positive has.
 */
static gh_status
fold_precision(gh_ctx *ctx, fold_run *run, double *value)
{
	const double *margins = run->margins;
	double		positives = 0.0,
				right = 0.0,
				all = 0.0,
				sum = 0.0;
	size_t		n;

	GH_TRY(list_thresholds(ctx, run, margins, &n));
	for (size_t i = run->n_positives; i < run->fit.n_valid; i++)
	{
		uint32_t	at = run->by_class[i];
		size_t		t = threshold_of(run->threshold, n, margins[at]);

		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		if (t < n)
			run->taken[t] += weight_at(&run->fit, run->fit.valid_rows[at]);
	}
	for (size_t t = 0; t < n; t++)
		positives += run->found[t];
	for (size_t t = 0; t < n; t++)
	{
		if (t % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		right += run->found[t];
		all += run->found[t] + run->taken[t];
		if (run->found[t] > 0.0)
			sum += run->found[t] / positives * (right / all);
	}
	*value = sum < 1.0 ? sum : 1.0;
	return GH_OK;
}

/* ---- growing ----------------------------------------------------------- */

static gh_status
reserve_curves(gh_ctx *ctx, fold_run *run, int target)
{
	int			capacity = run->capacity > target / 2 ? run->capacity * 2 : target;
	double	   *more;

	if (target <= run->capacity)
		return GH_OK;
	more = gh_realloc(ctx, run->loss, (size_t) capacity, sizeof(double));
	if (more == NULL)
		return gh_ctx_status(ctx);
	run->loss = more;
	run->capacity = capacity;
	return GH_OK;
}

/* Grows one fold to the target; a fold may have been there already. */
static gh_status
grow_fold(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_cv	   *cv = arg;
	fold_run   *run = &cv->folds[task];

	(void) worker;
	if (run->grown >= cv->target)
		return GH_OK;
	if (cv->lean)
		GH_TRY(fill_fold(ctx, cv->fit, cv->fold, run));
	if (run->trainer == NULL)
		GH_TRY(gh_trainer_open(ctx, &run->fit, cv->params, GH_KEEP_PATHS, &run->trainer));
	GH_TRY(reserve_curves(ctx, run, cv->target));
	for (; run->grown < cv->target; run->grown++)
	{
		GH_TRY(gh_trainer_round(run->trainer));
		GH_TRY(gh_trainer_valid_loss(run->trainer, &run->loss[run->grown]));
	}
	if (cv->lean)
	{
		gh_trainer_park(run->trainer);
		empty_fold(ctx, run);
	}
	else
		gh_trainer_rest(run->trainer);
	return GH_OK;
}

/* A task for each of the first folds: side by side, or one after another with the threads inside each. */
static gh_status
run_folds(gh_cv *cv, int active, gh_task task)
{
	if (!cv->lean)
		return gh_parallel(cv->ctx, (size_t) active, task, cv);
	for (int f = 0; f < active; f++)
		GH_TRY(task(cv->ctx, cv, (size_t) f, 0));
	return GH_OK;
}

static double
mean_loss(const gh_cv *cv, int active, int i)
{
	double		sum = 0.0;

	for (int f = 0; f < active; f++)
		sum += cv->folds[f].loss[i];
	return sum / active;
}

/* Grow the first folds until their mean curve stops falling; cv->n_trees: where it is lowest. */
static gh_status
grow_folds(gh_cv *cv, int active, int patience)
{
	double		lowest = INFINITY;
	int			most = cv->params->n_estimators,
				done = 0;
	bool		stop = false;

	cv->n_trees = 1;
	while (!stop && done < most)
	{
		cv->target = most - done < BLOCK ? most : done + BLOCK;
		GH_TRY(run_folds(cv, active, grow_fold));
		for (; done < cv->target && !stop; done++)
		{
			double		mean = mean_loss(cv, active, done);

			if (mean < lowest)
			{
				lowest = mean;
				cv->n_trees = done + 1;
			}
			else
				stop = done + 1 - cv->n_trees >= patience;
		}
	}
	return GH_OK;
}

static gh_status
score_fold(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	gh_cv	   *cv = arg;
	fold_run   *run = &cv->folds[task];

	(void) worker;
	if (cv->lean)
		GH_TRY(fill_fold(ctx, cv->fit, cv->fold, run));
	GH_TRY(gh_trainer_valid_margins_at(run->trainer, (uint32_t) cv->n_trees, run->margins));
	GH_TRY(fold_precision(ctx, run, &run->precision));
	if (cv->lean)
		empty_fold(ctx, run);
	return GH_OK;
}

/* Scores of the first folds at the number of trees found. */
static gh_status
score_folds(gh_cv *cv, int active, double *scores)
{
	bool		is_loss = cv->metric == GH_METRIC_LOGLOSS;

	if (!is_loss)
		GH_TRY(run_folds(cv, active, score_fold));
	for (int f = 0; f < active; f++)
		scores[f] = is_loss ? -cv->folds[f].loss[cv->n_trees - 1] : cv->folds[f].precision;
	return GH_OK;
}

static void
close_trainers(gh_cv *cv)
{
	for (int f = 0; f < cv->n_folds; f++)
	{
		gh_trainer_close(cv->folds[f].trainer);
		cv->folds[f].trainer = NULL;
		cv->folds[f].grown = 0;
	}
}

/* Mean and deviation of n scores. */
static void
summarise(const double *scores, int n, gh_trial *trial)
{
	double		sum = 0.0,
				squares = 0.0;

	for (int f = 0; f < n; f++)
		sum += scores[f];
	trial->score = sum / n;
	for (int f = 0; f < n; f++)
		squares += (scores[f] - trial->score) * (scores[f] - trial->score);
	trial->score_sd = n > 1 ? sqrt(squares / (n - 1)) : 0.0;
}

/* Two folds, three, five, nine: as many new ones as a race has seen, less one. */
static int
more_folds(int active, int n_folds)
{
	int			more = active < 2 ? 2 : 2 * active - 1;

	return more < n_folds ? more : n_folds;
}

static gh_status
run_stages(gh_cv *cv, const gh_race *race, gh_trial *trial, double *scores, double *variance)
{
	int			patience = trial->params.early_stopping_rounds > 0 ? trial->params.early_stopping_rounds : GH_TUNE_PATIENCE,
				active = race == NULL || !gh_race_has_begun(race) ? cv->n_folds : more_folds(0, cv->n_folds);

	*variance = 0.0;
	for (;;)
	{
		GH_TRY(grow_folds(cv, active, patience));
		GH_TRY(score_folds(cv, active, scores));
		summarise(scores, active, trial);
		trial->folds = active;
		if (active == cv->n_folds || gh_race_is_lost(race, scores, active, &trial->score, variance))
			break;
		active = more_folds(active, cv->n_folds);
	}
	trial->params.n_estimators = cv->n_trees;
	return GH_OK;
}

gh_status
gh_cv_run(gh_cv *cv, const gh_race *race, gh_trial *trial, double *scores, double *variance)
{
	gh_boost_params params = trial->params;
	gh_status	status;

	cv->params = &params;
	status = run_stages(cv, race, trial, scores, variance);
	close_trainers(cv);
	trial->params.early_stopping_rounds = 0;
	return status;
}

size_t
gh_cv_memory(size_t n_rows, size_t n_positives, int n_columns, int k, int threads, int growing,
			 const gh_boost_params *params)
{
	bool		lean = growing == 0;
	size_t		valid = n_rows / (size_t) k + 1,
				train = n_rows - n_rows / (size_t) k,
				/* scores of positives, their thresholds, and both of a sort */
				positive = 4 * sizeof(double) + sizeof(uint32_t) + 32,
				margins = train * sizeof(float) + valid * (sizeof(double) + 1),
				fit = gh_boost_memory(train, valid, n_columns, threads, params),
				lists = n_rows * sizeof(uint32_t) + valid * sizeof(uint32_t) + (n_positives / (size_t) k + 1) * positive,
				/* and curves, which double */
				trees = gh_paths_memory((size_t) params->n_estimators, gh_boost_usual_leaves(n_rows, n_positives, params)),
				/* only folds that grow have one */
				pool = gh_pool_memory(train, n_columns, threads, params),
				pools = (size_t) (growing < k ? growing : k) * pool,
				curves,
				bytes;

	if (fit == SIZE_MAX || gh_mul_overflow((size_t) params->n_estimators, 3 * sizeof(double), &curves) ||
		gh_add_overflow(trees, curves, &trees) || gh_add_overflow(trees, margins, &margins) ||
		gh_add_overflow(trees, fit, &fit) || gh_mul_overflow(lean ? margins : fit - pool + lists, (size_t) k, &bytes) ||
		gh_add_overflow(bytes, lean ? fit - margins + lists : pools, &bytes))
		return SIZE_MAX;
	return bytes;
}
