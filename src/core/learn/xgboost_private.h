/*
 * xgboost_private.h
 *		What the readers and the writer of XGBoost's formats share.
 */
#ifndef GH_XGBOOST_PRIVATE_H
#define GH_XGBOOST_PRIVATE_H

#include "base/gh_bytes.h"
#include "learn/document.h"
#include "learn/gh_xgboost.h"

/* Room for the keys and short texts that mean something to us. */
#define GH_XGBOOST_KEY 64

/* The arrays of a tree. */
typedef enum gh_xgboost_array
{
	GH_BASE_WEIGHTS,
	GH_DEFAULT_LEFT,
	GH_LEFT_CHILDREN,
	GH_LOSS_CHANGES,
	GH_RIGHT_CHILDREN,
	GH_SPLIT_CONDITIONS,
	GH_SPLIT_INDICES,
	GH_SUM_HESSIAN,
	GH_N_NEEDED,
	GH_SPLIT_TYPE = GH_N_NEEDED,
	GH_N_ARRAYS
} gh_xgboost_array;

/* A model on its way in. */
typedef struct gh_xgboost_reading
{
	gh_ctx	   *ctx;
	gh_document document;
	gh_document_numbers array[GH_N_ARRAYS];
	gh_document_numbers numbers;	/* version, tree_info */
	gh_document_numbers iteration_begin;	/* first tree of every iteration, and the end; empty: not said */
	char		objective[GH_XGBOOST_KEY],
				booster[GH_XGBOOST_KEY],
				base_score[GH_XGBOOST_KEY];
	double		num_feature,	/* -1: not said */
				num_class,
				num_target,
				num_parallel_tree,
				size_leaf_vector,
				best_iteration; /* -1: not said */
	bool		has_learner,	/* its object was there */
				has_trees;
	uint32_t	max_trees;
	int			max_names;
	char		version[48];	/* "2, 1, 0" */
	double		release;		/* 2001 for 2.1; 0: not said */
	gh_writer	attributes;		/* members of a JSON object */
	gh_boost_model model;
} gh_xgboost_reading;

static inline bool
gh_is_index(double v, size_t n)
{
	return v >= 0 && v < (double) n && v == (double) (size_t) v;
}

/* "... is not a model that can be imported"; for a detail of one's own. */
extern gh_status gh_xgboost_fail(gh_xgboost_reading *r);
/* The same with its detail. */
extern gh_status gh_xgboost_refuse(gh_xgboost_reading *r, const char *detail);
/* A count, as a text or not. */
extern gh_status gh_xgboost_count(gh_xgboost_reading *r, double *out);

/* What a member of an object says; reads its value or skips it. */
typedef gh_status (*gh_xgboost_member) (gh_xgboost_reading *r, const char *key);
/* Every member of the object that comes next, in the order they stand. */
extern gh_status gh_xgboost_members(gh_xgboost_reading *r, gh_xgboost_member member);

/* The array "trees", into the model's booster. */
extern gh_status gh_xgboost_read_trees(gh_xgboost_reading *r);
/* How many trees the iterations up to best_iteration have; -1: it makes no sense. */
extern double gh_xgboost_best_trees(const gh_xgboost_reading *r);
/* Only these are left. */
extern gh_status gh_xgboost_cut_trees(gh_xgboost_reading *r);

/* The object "attributes". */
extern gh_status gh_xgboost_read_attributes(gh_xgboost_reading *r);
/* The model's info: where it came from, and its attributes. */
extern gh_status gh_xgboost_set_info(gh_xgboost_reading *r);
/* The members of "attributes" that are in a model's info. */
extern gh_status gh_xgboost_put_attributes(gh_writer *w, const char *info);
/* A text as JSON; XGBoost reads \n, \r and \t, but takes \u0009 for six characters. */
extern void gh_xgboost_put_string(gh_writer *w, const char *text);

#endif							/* GH_XGBOOST_PRIVATE_H */
