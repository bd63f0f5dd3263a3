/*
 * tune.c
 *		The search: which parameters are tried in which order, and what came of them.
 */
#include <math.h>
#include <string.h>

#include "base/gh_random.h"
#include "base/gh_threads.h"
#include "learn/tune_private.h"

#define MAX_ITERATIONS 10000
/* Sobol points tried for one that is new. */
#define MAX_SKIPS 4096
/* Rows between two polls. */
#define POLL_ROWS 65536

/* ---- the search -------------------------------------------------------- */

typedef struct history
{
	const gh_space *space;
	const gh_boost_params *base;
	const gh_tune_options *options;
	int			d;
	double	   *tried;			/* iterations x d */
	double	   *score;
	double	   *variance;		/* of the scores of trials that did not run in all folds */
	int			n;
	int			next_start;		/* of the options */
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

/* The next of the starts given that is new. */
static gh_status
next_start(gh_ctx *ctx, history *h, double *x, gh_boost_params *params, bool *found)
{
	*found = false;
	while (h->next_start < h->options->n_starts && !*found)
	{
		gh_space_point(h->space, &h->options->starts[h->next_start++], x);
		GH_TRY(gh_space_params(ctx, h->space, h->base, x, params));
		*found = !gh_was_tried(h->tried, h->n, h->d, x);
	}
	return GH_OK;
}

/* What trial number h->n is to be; *found is false when the space is used up. */
static gh_status
next_params(gh_ctx *ctx, history *h, gh_boost_params *params, bool *found)
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
	GH_TRY(next_start(ctx, h, x, params, found));
	if (*found)
		return GH_OK;
	if (h->n < first_trials(h->options->iterations))
		return next_spread(ctx, h, x, params, found);
	GH_TRY(gh_suggest(ctx, h->space, h->tried, h->score, h->variance, h->n,
					  gh_random_seed(h->options->seed, (uint64_t) h->n, 0), h->hyper, &h->warm, x, found));
	if (*found)
		return gh_space_params(ctx, h->space, h->base, x, params);
	return next_spread(ctx, h, x, params, found);
}

/* Trial number i, and what the search and the race learn from it. */
static gh_status
try_params(gh_cv *cv, history *h, gh_race *race, gh_trial *trial)
{
	double		scores[GH_TUNE_MAX_FOLDS];

	GH_TRY(gh_cv_run(cv, h->options->exhaustive ? NULL : race, trial, scores, &h->variance[h->n]));
	gh_race_add(race, scores, trial->folds);
	h->score[h->n++] = trial->score;
	return GH_OK;
}

static gh_status
search(gh_ctx *ctx, gh_cv *cv, history *h, gh_trial *trials, int *best)
{
	int			iterations = h->options->iterations,
				k = gh_cv_folds(cv);
	gh_race		race = {.n_folds = k};
	bool		found = true;

	*best = 0;
	for (int i = 0; i < iterations; i++)
	{
		gh_tick(ctx, "boost: tuning", (uint64_t) i, (uint64_t) iterations);
		if (i > 0 && h->options->tried != NULL)
			h->options->tried(ctx, h->options->arg);
		GH_CHECK_STOP(ctx);
		if (found)
			GH_TRY(next_params(ctx, h, &trials[i].params, &found));
		if (!found)
		{
			trials[i] = trials[*best];
			trials[i].repeated = true;
			continue;
		}
		GH_TRY(try_params(cv, h, &race, &trials[i]));
		if (trials[i].folds == k && trials[i].score > trials[*best].score)
			*best = i;
	}
	trials[*best].best = true;
	gh_tick(ctx, "boost: tuning", (uint64_t) iterations, (uint64_t) iterations);
	return GH_OK;
}

static gh_status
check_arguments(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int k, int iterations)
{
	if (iterations < 1 || iterations > MAX_ITERATIONS)
	{
		gh_fail(ctx, GH_EINVAL, "number of iterations is out of range");
		return gh_fail_detail(ctx, "It is %d; it must be 1 to %d.", iterations, MAX_ITERATIONS);
	}
	if (k < 2 || k > GH_TUNE_MAX_FOLDS)
	{
		gh_fail(ctx, GH_EINVAL, "number of folds is out of range");
		return gh_fail_detail(ctx, "It is %d; it must be 2 to %d.", k, GH_TUNE_MAX_FOLDS);
	}
	if (fit->n_rows == 0)
		return gh_fail(ctx, GH_EDATA, "there are no rows to train on");
	for (size_t i = 0; i < fit->n_rows; i++)
	{
		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		if (fold[i] >= k)
			return gh_fail(ctx, GH_EINTERNAL, "fold %d of row %zu is not below %d", fold[i], i, k);
	}
	return GH_OK;
}

static gh_status
count_positives(gh_ctx *ctx, const gh_fit *fit, size_t *n)
{
	*n = 0;
	for (size_t i = 0; i < fit->n_rows; i++)
	{
		if (i % POLL_ROWS == 0)
			GH_CHECK_STOP(ctx);
		*n += fit->labels[fit->rows[i]] != 0;
	}
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

static gh_status
open_history(gh_ctx *ctx, history *h)
{
	size_t		n = (size_t) h->options->iterations;

	h->d = gh_space_width(h->space);
	gh_sobol_init(&h->sobol, h->d, gh_random_seed(h->options->seed, 0, 0));
	h->tried = GH_NEW(ctx, n * (size_t) (h->d > 0 ? h->d : 1), double);
	h->score = GH_NEW(ctx, n, double);
	h->variance = GH_NEW(ctx, n, double);
	if (h->tried == NULL || h->score == NULL || h->variance == NULL)
		return gh_ctx_status(ctx);
	return GH_OK;
}

gh_status
gh_tune(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int k, const gh_boost_params *base,
		const gh_space *space, const gh_tune_options *options, gh_trial *trials, int *best)
{
	history		h = {.space = space,.base = base,.options = options};
	gh_cv	   *cv = NULL;
	bool		lean = options->lean;
	int			threads = gh_ctx_threads(ctx);
	size_t		positives;
	gh_status	status;

	GH_TRY(check_arguments(ctx, fit, fold, k, options->iterations));
	GH_TRY(gh_space_check(ctx, space));
	GH_TRY(gh_boost_check(ctx, base, fit->bins->n_features));
	GH_TRY(count_positives(ctx, fit, &positives));
	if (!lean)
		lean = !gh_memory_fits(ctx, gh_tune_memory(fit->n_rows, positives, fit->bins->n_columns, k, threads,
												   gh_threads_here(ctx), base, space));
	if (lean)
		GH_TRY(gh_memory_check(ctx, gh_tune_memory(fit->n_rows, positives, fit->bins->n_columns, k, threads, 0, base, space),
							   "tuning"));
	memset(trials, 0, (size_t) options->iterations * sizeof(gh_trial));
	*best = 0;
	GH_GOTO(done, open_history(ctx, &h));
	GH_GOTO(done, gh_cv_open(ctx, fit, fold, k, options->metric, lean, &cv));
	if (gh_cv_folds(cv) == 0)
		nothing_to_compare(base, options->iterations, trials);
	else
		GH_GOTO(done, search(ctx, cv, &h, trials, best));
done:
	gh_cv_close(cv);
	gh_free(ctx, h.tried);
	gh_free(ctx, h.score);
	gh_free(ctx, h.variance);
	return status;
}

size_t
gh_tune_memory(size_t n_rows, size_t n_positives, int n_columns, int k, int threads, int growing,
			   const gh_boost_params *base, const gh_space *space)
{
	gh_boost_params largest = *base;

	/* the deepest trees that the search may try; no limit of leaves counts as none in the base does */
	for (int i = 0; i < space->n; i++)
	{
		const gh_dimension *dim = &space->dimension[i];

		if (strcmp(dim->name, "max_depth") == 0 && largest.max_depth != 0)
			largest.max_depth = dim->low == 0 ? 0 : dim->high > largest.max_depth ? (int) dim->high : largest.max_depth;
		if (strcmp(dim->name, "max_leaves") == 0 && largest.max_leaves != 0)
			largest.max_leaves = dim->low == 0 ? 0 : dim->high > largest.max_leaves ? (int) dim->high : largest.max_leaves;
		if (strcmp(dim->name, "min_child_weight") == 0 && dim->low < largest.min_child_weight)
			largest.min_child_weight = dim->low;
		if (strcmp(dim->name, "scale_pos_weight") == 0 && dim->high > largest.scale_pos_weight)
			largest.scale_pos_weight = dim->high;
	}
	return gh_cv_memory(n_rows, n_positives, n_columns, k, threads, growing, &largest);
}
