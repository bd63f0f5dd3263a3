/*
 * hierarchy_private.h
 *		What hierarchy_train.c, hierarchy_fit.c and hierarchy_evaluate.c share.
 */
#ifndef GH_HIERARCHY_PRIVATE_H
#define GH_HIERARCHY_PRIVATE_H

#include "learn/gh_hierarchy.h"

#define GH_NOT_A_GENRE UINT32_MAX

/* What a classifier is for: part of its seed. */
typedef enum gh_purpose
{
	GH_FOR_SUPERGENRE = 1,
	GH_FOR_GENRE,
	GH_FOR_VANILLA
} gh_purpose;

/* How the fit of a classifier went: noted by the host's thread afterwards. */
typedef enum gh_fit_remark
{
	GH_FIT_PLAIN = 0,
	GH_FIT_ONE_CLASS,			/* constant probability */
	GH_FIT_NO_FOLDS				/* too few groups of a class to tune or to stop early */
} gh_fit_remark;

/*
 * One classifier to train.  Classifiers go in waves, because the search of one
 * starts from what was found for its kin: first the nodes by level; a vanilla
 * one after its genre's own.
 */
typedef struct gh_classifier_task
{
	uint32_t	node;
	bool		vanilla;
	int			wave;
	uint64_t	rows;			/* it is trained on: the heaviest of a wave go first */
	uint64_t	positives;		/* among them */
	uint64_t	reported;		/* of its work */
	bool		alone;			/* memory is short: with all threads inside the fit, none beside it; */
	bool		lean;			/* and its folds take turns */
	gh_fit_remark remark;
} gh_classifier_task;

/* A training in progress. */
typedef struct gh_hierarchy_run
{
	const gh_training *training;
	gh_model   *model;
	gh_bins		bins;
	uint32_t   *train_rows;		/* labelled, not held out; ascending */
	size_t		n_train;
	uint32_t   *valid_rows;		/* labelled, held out; ascending */
	size_t		n_valid;
	uint32_t   *position;		/* per node: genre position, or GH_NOT_A_GENRE */
	gh_classifier_task *tasks;
	size_t		n_tasks;
	size_t		wave_begin;		/* first task of the wave under way */
	gh_boost_params *found;		/* per node: what its search found; NULL without tuning */
	bool	   *is_found;		/* per node */
	double	   *conditional;	/* n_nodes x n_valid: P(node | parent) */
	double	   *flat;			/* n_genres x n_valid: the vanilla classifiers; NULL without */
} gh_hierarchy_run;

/* mask[g] = 1 for the genres at or below a node; node -1: all of them. */
extern void gh_hierarchy_mask(const gh_model *model, int64_t node, uint8_t *mask);

static inline bool
gh_row_in_mask(const gh_labels *labels, size_t row, const uint8_t *mask)
{
	for (uint64_t k = labels->begin[row]; k < labels->begin[row + 1]; k++)
		if (mask[labels->label[k]])
			return true;
	return false;
}

/*
 * Finds the fastest way to train that fits the budget: which tasks, the first
 * of a wave, are trained alone, and which of these are lean.  GH_ELIMIT when
 * there is none.  *bytes: what is needed at most, with what is in use already.
 * Needs the tasks and the rows.
 */
extern gh_status gh_hierarchy_plan_memory(gh_ctx *ctx, gh_hierarchy_run *run, size_t *bytes);

/* A classifier's part in the work of the training. */
extern uint64_t gh_hierarchy_work(const gh_training *training, const gh_classifier_task *task);

/* Trains classifier number `task` of the wave and predicts the validation rows with it; a gh_task. */
extern gh_status gh_hierarchy_fit(gh_ctx *ctx, void *trainer, size_t task, int worker);

/* Scores of a finished training; the evaluation's arrays are allocated here. */
extern gh_status gh_hierarchy_evaluate(gh_ctx *ctx, const gh_hierarchy_run *trainer, gh_evaluation *evaluation);

#endif							/* GH_HIERARCHY_PRIVATE_H */
