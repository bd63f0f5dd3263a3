/*
 * gh_params.h
 *		Parameters of boosting: XGBoost's names, defaults and meaning.
 */
#ifndef GH_PARAMS_H
#define GH_PARAMS_H

#include "base/gh_context.h"

typedef enum gh_grow_policy
{
	GH_GROW_DEPTHWISE = 0,
	GH_GROW_LOSSGUIDE
} gh_grow_policy;

typedef struct gh_boost_params
{
	int			max_depth;		/* 6; 0: no limit, at most 32 */
	int			max_leaves;		/* 0: no limit */
	gh_grow_policy grow_policy;
	double		eta;			/* 0.3 */
	double		min_child_weight;	/* 1 */
	double		gamma;			/* 0 */
	double		lambda;			/* 1 */
	double		alpha;			/* 0 */
	double		max_delta_step; /* 0 */
	double		subsample;		/* 1 */
	double		colsample_bytree;	/* 1 */
	double		colsample_bylevel;	/* 1 */
	double		colsample_bynode;	/* 1 */
	double		scale_pos_weight;	/* 1 */
	double		base_score;		/* 0: from the data (weighted mean of the labels when scale_pos_weight is 1, else a Newton step) */
	int			max_bin;		/* 256; 2..256 */
	int			n_estimators;	/* 100 */
	int			early_stopping_rounds;	/* 0: off; needs a validation part */
	uint64_t	seed;			/* 0 */
	int			n_monotone;		/* 0, or the number of features */
	int8_t		monotone[4096]; /* -1, 0, +1 */
} gh_boost_params;

extern gh_boost_params gh_boost_defaults(void);

/* Set by XGBoost's name, its aliases too (learning_rate, reg_lambda, reg_alpha, min_split_loss, num_boost_round, random_state). */
/* GH_EINVAL for an unknown key (hint: the known ones) or a value out of range (detail: value and range). */
extern gh_status gh_boost_set_number(gh_ctx *ctx, gh_boost_params *params, const char *key, double value);
extern gh_status gh_boost_set_string(gh_ctx *ctx, gh_boost_params *params, const char *key, const char *value);
extern gh_status gh_boost_set_array(gh_ctx *ctx, gh_boost_params *params, const char *key, const double *values, int n);
/* Ranges again, the number of features, and as many constraints as features. */
extern gh_status gh_boost_check(gh_ctx *ctx, const gh_boost_params *params, int n_features);
/* The name proper of a key or an alias ("learning_rate" -> "eta"); NULL when unknown. A constant. */
extern const char *gh_boost_canonical_key(const char *key);
/* "alpha, base_score, ...": every key in alphabetical order. */
extern const char *gh_boost_known_keys(void);

/* JSON object text of the parameters that matter (all scalars; monotone when set), keys in a fixed order; gh memory. */
extern char *gh_boost_params_json(gh_ctx *ctx, const gh_boost_params *params);

#endif							/* GH_PARAMS_H */
