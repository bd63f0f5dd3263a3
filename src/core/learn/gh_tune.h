/*
 * gh_tune.h
 *		Bayesian optimisation of boosting parameters with cross-validation.
 *
 * Gaussian process, Matern 5/2 with a length scale per dimension, expected
 * improvement in log space (Ament et al., https://arxiv.org/abs/2310.20708),
 * scrambled Sobol start; the parameters given are the first trial.
 */
#ifndef GH_TUNE_H
#define GH_TUNE_H

#include "learn/gh_boost.h"

typedef enum gh_metric
{
	GH_METRIC_AVERAGE_PRECISION = 0,	/* higher is better */
	GH_METRIC_LOGLOSS			/* score is minus the log-loss, so higher is better too */
} gh_metric;

#define GH_MAX_DIMENSIONS 16

/* One searched parameter. */
typedef struct gh_dimension
{
	char		name[32];		/* a key of gh_boost_set_number */
	double		low,
				high;
	bool		integer;
	bool		log_scale;
} gh_dimension;

typedef struct gh_space
{
	int			n;
	gh_dimension dimension[GH_MAX_DIMENSIONS];
} gh_space;

/* max_depth, eta, min_child_weight, gamma, lambda, alpha, subsample, colsample_bytree; n_estimators comes from early stopping */
extern gh_space gh_space_default(void);
/* Replace or add a dimension; low == high fixes it.  GH_EINVAL for unknown names or bad ranges. */
extern gh_status gh_space_set(gh_ctx *ctx, gh_space *space, const char *name, double low, double high);
extern gh_status gh_space_set_log(gh_ctx *ctx, gh_space *space, const char *name, bool log_scale);

typedef struct gh_trial
{
	gh_boost_params params;		/* n_estimators as found by early stopping */
	double		score,			/* mean over folds; after a lost race what it would likely be */
				score_sd;		/* between the folds that were run */
	int			folds;			/* how many were run */
	bool		best;			/* among those that ran in all folds */
	bool		repeated;		/* the space had nothing new left: a copy of the best trial before, not run again */
} gh_trial;

typedef struct gh_tune_options
{
	gh_metric	metric;
	int			iterations;
	uint64_t	seed;
	bool		exhaustive;		/* every fold of every trial */
	bool		lean;			/* folds take turns in the memory of one fit, whatever is allowed */
	const gh_boost_params *starts;	/* tried right after the base, as far as they lie in the space */
	int			n_starts;
	void		(*tried) (gh_ctx *ctx, void *arg);	/* called after every trial; may be NULL */
	void	   *arg;
} gh_tune_options;

/* Trees without improvement before a trial stops, when early_stopping_rounds of the parameters is 0. */
#define GH_TUNE_PATIENCE 20

/*
 * Tune over bins rows[0..n_rows) with folds fold[r] (by position in rows) in
 * 0..k-1.  trials: `iterations` entries, written; *best: index of the best.
 * `base` gives the parameters not searched and the first trial.  The folds of a
 * trial run on the context's threads (serially inside a task).
 *
 * All folds of a trial grow tree by tree together; the number of trees is where
 * the mean of their validation log-losses is lowest, at most base->n_estimators,
 * and the score is taken there.  A fold that lacks positives or negatives (by
 * weight) in its training or its validation part says nothing and is left out.
 * When no fold is left nothing can be compared: every trial is `base` with score
 * NaN, the first is the best, and the call succeeds.
 *
 * Where the memory allowed is not enough for all folds at a time they take turns.
 *
 * Unless exhaustive, a trial is given up after two, three, five, nine ... folds
 * when it is likely (85 %) to end below the best one so far.
 *
 * Later trials rest on LAPACK, so on another processor they may differ in the
 * fourth digit; on the same machine they are the same for any number of threads.
 */
extern gh_status gh_tune(gh_ctx *ctx, const gh_fit *fit, const uint8_t *fold, int k, const gh_boost_params *base,
						 const gh_space *space, const gh_tune_options *options, gh_trial *trials, int *best);

/*
 * Bytes of scratch that gh_tune needs at most; columns and threads as for
 * gh_boost_memory().  growing: how many folds grow at a time, as many as there
 * are threads to do it, and all k keep their rows; 0: lean, the rows of one fold
 * at a time.
 */
extern size_t gh_tune_memory(size_t n_rows, size_t n_positives, int n_columns, int k, int threads, int growing,
							 const gh_boost_params *base, const gh_space *space);

#endif							/* GH_TUNE_H */
