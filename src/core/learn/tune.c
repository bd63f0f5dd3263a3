/*
 * tune.c
 *		Trials of boosting parameters by cross-validation.
 *
 * The folds of a trial grow in blocks of a few trees, each fold by one thread,
 * and after a block their mean validation curve says whether to go on.
 */
#include <math.h>
#include <string.h>

#include "base/gh_random.h"
#include "base/gh_threads.h"
#include "explain/gh_metrics.h"
#include "learn/boost_private.h"
#include "learn/tune_private.h"

/* Trees between two looks at the mean curve. */
#define BLOCK 8
#define MAX_FOLDS 255
#define MAX_ITERATIONS 10000
/* Rows between two polls. */
#define POLL_ROWS 65536
/* Sobol points tried for one that is new. */
#define MAX_SKIPS 4096

typedef struct fold_run
{
	gh_fit		fit;
	uint32_t   *rows;			/* training, then validation */
	uint8_t    *labels;			/* of the validation rows */
	double	   *weights;		/* of the validation rows; NULL: all 1 */
	gh_trainer *trainer;		/* of the trial that runs */
	double	   *ring;			/* BLOCK x n_valid: margins after each tree of the block */
	double	   *margins;		/* n_valid: after the best tree so far */
	double		loss[BLOCK];
	double		score;
} fold_run;

typedef struct tuner
{
	gh_ctx	   *ctx;
	gh_metric	metric;
	int			n_folds;
	fold_run   *folds;
	const gh_boost_params *params;	/* of the trial that runs */
	int			block_size;		/* trees of the block that runs */
} tuner;

/* ---- folds ------------------------------------------------------------- */

static void
free_folds(tuner *t)
{
	for (int f = 0; t->folds != NULL && f < t->n_folds; f++)
	{
		fold_run   *run = &t->folds[f];

		gh_trainer_close(run->trainer);
		gh_free(t->ctx, run->rows);
		gh_free(t->ctx, run->labels);
		gh_free(t->ctx, run->weights);
		gh_free(t->ctx, run->ring);
		gh_free(t->ctx, run->margins);
	}
	gh_free(t->ctx, t->folds);
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
fill_fold(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int f, fold_run *run)
{
	size_t		n_valid = 0,
				train = 0,
				valid;

	for (size_t i = 0; i < fit->n_rows; i++)
		n_valid += fold[i] == f;
	valid = fit->n_rows - n_valid;
	run->rows = GH_NEW(ctx, fit->n_rows, uint32_t);
	run->labels = GH_NEW(ctx, n_valid, uint8_t);
	run->ring = gh_alloc(ctx, n_valid, BLOCK * sizeof(double));
	run->margins = GH_NEW(ctx, n_valid, double);
	if (fit->weights != NULL)
		run->weights = GH_NEW(ctx, n_valid, double);
	if (run->rows == NULL || run->labels == NULL || run->ring == NULL || run->margins == NULL ||
		(fit->weights != NULL && run->weights == NULL))
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < fit->n_rows; i++)
	{
		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		run->rows[fold[i] == f ? valid++ : train++] = fit->rows[i];
	}
	run->fit = *fit;
	run->fit.rows = run->rows;
	run->fit.n_rows = train;
	run->fit.valid_rows = run->rows + train;
	run->fit.n_valid = n_valid;
	for (size_t i = 0; i < n_valid; i++)
	{
		run->labels[i] = fit->labels[run->fit.valid_rows[i]] != 0;
		if (run->weights != NULL)
			run->weights[i] = fit->weights[run->fit.valid_rows[i]];
	}
	return GH_OK;
}

static gh_status
make_folds(tuner *t, const gh_fit *fit, const uint8_t *fold, int k)
{
	t->folds = GH_NEW_ZERO(t->ctx, (size_t) k, fold_run);
	if (t->folds == NULL)
		return gh_ctx_status(t->ctx);
	for (int f = 0; f < k; f++)
	{
		bool		usable = false;

		GH_TRY(is_usable(t->ctx, fit, fold, f, &usable));
		if (usable)
			GH_TRY(fill_fold(t->ctx, fit, fold, f, &t->folds[t->n_folds++]));
	}
	return GH_OK;
}

/* ---- one trial --------------------------------------------------------- */

/* One fold's trees of a block. */
static gh_status
run_block(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	tuner	   *t = arg;
	fold_run   *run = &t->folds[task];
	size_t		n = run->fit.n_valid;

	(void) worker;
	if (run->trainer == NULL)
		GH_TRY(gh_trainer_open(ctx, &run->fit, t->params, false, &run->trainer));
	for (int i = 0; i < t->block_size; i++)
	{
		GH_TRY(gh_trainer_round(run->trainer));
		GH_TRY(gh_trainer_valid_loss(run->trainer, &run->loss[i]));
		memcpy(run->ring + (size_t) i * n, gh_trainer_valid_margins(run->trainer), n * sizeof(double));
	}
	return GH_OK;
}

static double
mean_loss(const tuner *t, int i)
{
	double		sum = 0.0;

	for (int f = 0; f < t->n_folds; f++)
		sum += t->folds[f].loss[i];
	return sum / t->n_folds;
}

/* Grow until the mean curve stops falling; *n_trees: where it is lowest, *loss: how low. */
static gh_status
run_folds(tuner *t, int patience, int *n_trees, double *loss)
{
	int			done = 0;
	bool		stop = false;

	*n_trees = 0;
	*loss = INFINITY;
	while (!stop && done < t->params->n_estimators)
	{
		int			best = -1;

		t->block_size = t->params->n_estimators - done < BLOCK ? t->params->n_estimators - done : BLOCK;
		GH_TRY(gh_parallel(t->ctx, (size_t) t->n_folds, run_block, t));
		for (int i = 0; i < t->block_size && !stop; i++)
		{
			double		mean = mean_loss(t, i);

			done++;
			if (mean < *loss)
			{
				*loss = mean;
				*n_trees = done;
				best = i;
			}
			else
				stop = done - *n_trees >= patience;
		}
		for (int f = 0; best >= 0 && f < t->n_folds; f++)
		{
			fold_run   *run = &t->folds[f];

			run->score = -run->loss[best];
			memcpy(run->margins, run->ring + (size_t) best * run->fit.n_valid, run->fit.n_valid * sizeof(double));
		}
	}
	return GH_OK;
}

static gh_status
score_folds(tuner *t, gh_trial *trial)
{
	double		sum = 0.0,
				squares = 0.0;

	for (int f = 0; f < t->n_folds; f++)
	{
		fold_run   *run = &t->folds[f];
		bool		defined;

		if (t->metric == GH_METRIC_AVERAGE_PRECISION)
			GH_TRY(gh_average_precision(t->ctx, run->labels, run->margins, run->weights, run->fit.n_valid, &run->score,
										&defined));
		sum += run->score;
	}
	trial->score = sum / t->n_folds;
	for (int f = 0; f < t->n_folds; f++)
		squares += (t->folds[f].score - trial->score) * (t->folds[f].score - trial->score);
	trial->score_sd = t->n_folds > 1 ? sqrt(squares / (t->n_folds - 1)) : 0.0;
	return GH_OK;
}

/* Run trial->params on every fold; n_estimators and the scores are written into it. */
static gh_status
run_trial(tuner *t, gh_trial *trial)
{
	int			patience = trial->params.early_stopping_rounds;
	int			n_trees;
	double		loss;
	gh_status	status;

	t->params = &trial->params;
	status = run_folds(t, patience > 0 ? patience : GH_TUNE_PATIENCE, &n_trees, &loss);
	if (status == GH_OK)
		status = score_folds(t, trial);
	for (int f = 0; f < t->n_folds; f++)
	{
		gh_trainer_close(t->folds[f].trainer);
		t->folds[f].trainer = NULL;
	}
	if (status == GH_OK)
	{
		trial->params.n_estimators = n_trees;
		trial->params.early_stopping_rounds = 0;
	}
	return status;
}

/* ---- the search -------------------------------------------------------- */

typedef struct history
{
	const gh_space *space;
	const gh_boost_params *base;
	uint64_t	seed;
	int			d;
	double	   *tried;			/* iterations x d */
	double	   *score;
	int			n;
	gh_sobol	sobol;
	uint32_t	next_sobol;
	double		hyper[GH_MAX_DIMENSIONS + 1];
	bool		warm;
} history;

/* How many trials are spread over the space before the process is asked. */
static int
first_trials(int iterations)
{
	int			n = iterations / 3;

	return n < 4 ? 4 : n > 10 ? 10 : n;
}

/* The next Sobol point that is new. */
static gh_status
next_spread(gh_ctx *ctx, history *h, double *x, gh_boost_params *params, bool *found)
{
	*found = false;
	for (int skip = 0; skip < MAX_SKIPS && !*found; skip++)
	{
		gh_sobol_point(&h->sobol, h->next_sobol++, x);
		GH_TRY(gh_space_params(ctx, h->space, h->base, x, params));
		*found = !gh_was_tried(h->tried, h->n, h->d, x);
	}
	return GH_OK;
}

/* What trial number h->n is to be; *found is false when the space is used up. */
static gh_status
next_params(gh_ctx *ctx, history *h, int iterations, gh_boost_params *params, bool *found)
{
	double	   *x = h->tried + (size_t) h->n * (size_t) h->d;

	if (h->n == 0)
	{
		gh_boost_params ignored;

		*found = true;
		*params = *h->base;
		for (int i = 0; i < h->space->n; i++)
		{
			const gh_dimension *dim = &h->space->dimension[i];

			if (dim->low == dim->high)
				GH_TRY(gh_boost_set_number(ctx, params, dim->name, dim->low));
		}
		gh_space_point(h->space, params, x);
		return gh_space_params(ctx, h->space, h->base, x, &ignored);
	}
	*found = false;
	if (h->d == 0)
		return GH_OK;
	if (h->n < first_trials(iterations))
		return next_spread(ctx, h, x, params, found);
	GH_TRY(gh_suggest(ctx, h->space, h->tried, h->score, h->n, gh_random_seed(h->seed, (uint64_t) h->n, 0), h->hyper,
					  &h->warm, x, found));
	if (*found)
		return gh_space_params(ctx, h->space, h->base, x, params);
	return next_spread(ctx, h, x, params, found);
}

static gh_status
search(tuner *t, history *h, int iterations, gh_trial *trials, int *best)
{
	gh_ctx	   *ctx = t->ctx;
	bool		found = true;

	*best = 0;
	for (int i = 0; i < iterations; i++)
	{
		gh_tick(ctx, "boost: tuning", (uint64_t) i, (uint64_t) iterations);
		GH_CHECK_STOP(ctx);
		if (found)
			GH_TRY(next_params(ctx, h, iterations, &trials[i].params, &found));
		if (!found)
		{
			trials[i] = trials[*best];
			trials[i].repeated = true;
			continue;
		}
		GH_TRY(run_trial(t, &trials[i]));
		h->score[h->n++] = trials[i].score;
		if (trials[i].score > trials[*best].score)
			*best = i;
	}
	trials[*best].best = true;
	gh_tick(ctx, "boost: tuning", (uint64_t) iterations, (uint64_t) iterations);
	return GH_OK;
}

/* Every corner that the search can reach must be a set of parameters that trains. */
static gh_status
check_corners(gh_ctx *ctx, const gh_space *space, const gh_boost_params *base, int n_features)
{
	gh_boost_params params = *base;

	GH_TRY(gh_space_check(ctx, space));
	GH_TRY(gh_boost_check(ctx, base, n_features));
	for (int i = 0; i < space->n; i++)
		GH_TRY(gh_boost_set_number(ctx, &params, space->dimension[i].name, space->dimension[i].low));
	GH_TRY(gh_boost_check(ctx, &params, n_features));
	for (int i = 0; i < space->n; i++)
		GH_TRY(gh_boost_set_number(ctx, &params, space->dimension[i].name, space->dimension[i].high));
	return gh_boost_check(ctx, &params, n_features);
}

static gh_status
check_arguments(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int k, int iterations)
{
	if (iterations < 1 || iterations > MAX_ITERATIONS)
	{
		gh_fail(ctx, GH_EINVAL, "number of iterations is out of range");
		return gh_fail_detail(ctx, "It is %d; it must be 1 to %d.", iterations, MAX_ITERATIONS);
	}
	if (k < 2 || k > MAX_FOLDS)
	{
		gh_fail(ctx, GH_EINVAL, "number of folds is out of range");
		return gh_fail_detail(ctx, "It is %d; it must be 2 to %d.", k, MAX_FOLDS);
	}
	if (fit->n_rows == 0)
		return gh_fail(ctx, GH_EDATA, "there are no rows to train on");
	for (size_t i = 0; i < fit->n_rows; i++)
		if (fold[i] >= k)
			return gh_fail(ctx, GH_EINTERNAL, "fold %d of row %zu is not below %d", fold[i], i, k);
	return GH_OK;
}

static void
nothing_to_compare(const gh_boost_params *base, int iterations, gh_trial *trials)
{
	for (int i = 0; i < iterations; i++)
	{
		trials[i].params = *base;
		trials[i].params.early_stopping_rounds = 0;
		trials[i].score = NAN;
		trials[i].score_sd = NAN;
	}
	trials[0].best = true;
}

gh_status
gh_tune(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int k, const gh_boost_params *base,
		const gh_space *space, gh_metric metric, int iterations, uint64_t seed, gh_trial *trials, int *best)
{
	tuner		t = {.ctx = ctx,.metric = metric};
	history		h = {.space = space,.base = base,.seed = seed};
	gh_status	status;

	GH_TRY(check_arguments(ctx, fit, fold, k, iterations));
	GH_TRY(check_corners(ctx, space, base, fit->bins->n_features));
	GH_TRY(gh_memory_check(ctx, gh_tune_memory(fit->n_rows, fit->bins->n_features, k, base, space), "tuning"));
	memset(trials, 0, (size_t) iterations * sizeof(gh_trial));
	*best = 0;
	h.d = gh_space_width(space);
	gh_sobol_init(&h.sobol, h.d, gh_random_seed(seed, 0, 0));
	h.tried = GH_NEW(ctx, (size_t) iterations * (size_t) (h.d > 0 ? h.d : 1), double);
	h.score = GH_NEW(ctx, (size_t) iterations, double);
	if (h.tried == NULL || h.score == NULL)
	{
		status = gh_ctx_status(ctx);
		goto done;
	}
	GH_GOTO(done, make_folds(&t, fit, fold, k));
	if (t.n_folds == 0)
		nothing_to_compare(base, iterations, trials);
	else
		GH_GOTO(done, search(&t, &h, iterations, trials, best));
done:
	free_folds(&t);
	gh_free(ctx, h.tried);
	gh_free(ctx, h.score);
	return status;
}

size_t
gh_tune_memory(size_t n_rows, int n_features, int k, const gh_boost_params *base, const gh_space *space)
{
	gh_boost_params largest = *base;
	size_t		fit,
				fits,
				rows;

	/* the deepest trees that the search may try; no limit of leaves counts as none in the base does */
	for (int i = 0; i < space->n; i++)
	{
		const gh_dimension *dim = &space->dimension[i];

		if (strcmp(dim->name, "max_depth") == 0 && largest.max_depth != 0)
			largest.max_depth = dim->low == 0 ? 0 : dim->high > largest.max_depth ? (int) dim->high : largest.max_depth;
		if (strcmp(dim->name, "max_leaves") == 0 && largest.max_leaves != 0)
			largest.max_leaves = dim->low == 0 ? 0 : dim->high > largest.max_leaves ? (int) dim->high : largest.max_leaves;
	}
	/* a row trains in all folds but one, is listed in all, and is validated in one */
	fit = gh_boost_memory(n_rows - n_rows / (size_t) k, n_features, &largest);
	if (gh_mul_overflow(fit, (size_t) k, &fits) ||
		gh_mul_overflow(n_rows, (size_t) k * sizeof(uint32_t) + (BLOCK + 2) * sizeof(double) + 1, &rows) ||
		gh_add_overflow(fits, rows, &rows))
		return SIZE_MAX;
	return rows;
}
