/*
 * gh_tree.h
 *		Boosted trees: the structure, predictions, bytes.
 */
#ifndef GH_TREE_H
#define GH_TREE_H

#include "base/gh_bytes.h"

#define GH_MAX_FEATURES 4096
#define GH_MAX_TREES 100000
#define GH_MAX_TREE_NODES (1u << 20)
#define GH_MAX_TREE_DEPTH 64

/*
 * Nodes in the order they were made: children stand after their parent, the
 * right child right after the left.  A row goes left when x < threshold
 * (float comparison), or when x is missing (NaN) and default_left.
 */
typedef struct gh_tree
{
	uint32_t	n_nodes;
	uint32_t   *left;			/* left child; right is left + 1; 0: leaf */
	uint16_t   *feature;
	uint8_t    *default_left;
	float	   *threshold;		/* of a split */
	float	   *value;			/* of a leaf, times eta; of a split: its weight had it been a leaf, not times eta */
	float	   *cover;			/* sum of hessians */
	float	   *gain;			/* loss change of a split, 0 in a leaf */
} gh_tree;

typedef struct gh_booster
{
	int			n_features;
	double		base_score;		/* a probability, in (0, 1) */
	uint32_t	n_trees;
	gh_tree    *trees;
} gh_booster;

/* Arrays for n_nodes nodes, not filled; after a failure gh_tree_free() frees what there is. */
extern gh_status gh_tree_allocate(gh_ctx *ctx, uint32_t n_nodes, gh_tree *tree);
extern void gh_tree_free(gh_ctx *ctx, gh_tree *tree);	/* its arrays, not itself */
extern void gh_booster_free(gh_ctx *ctx, gh_booster *booster);	/* its arrays, not itself */

/*
 * The log-odds of base_score that trees are added to: in float, as XGBoost has
 * them in training and prediction.  Near 1 the difference from gh_logit() is
 * seen: 1e-4 at 0.9998.
 */
extern double gh_booster_start(double base_score);
/* log-odds of one row (n_features floats, NaN = missing): gh_booster_start() + leaves, summed in double in tree order */
extern double gh_booster_margin(const gh_booster *booster, const float *x);
extern double gh_booster_probability(const gh_booster *booster, const float *x);
/* margins of n rows (row stride in floats), threaded */
extern gh_status gh_booster_margins(gh_ctx *ctx, const gh_booster *booster, const float *rows, size_t n, size_t stride,
									double *margins);

/* 1/(1+exp(-m)) and its inverse, exact at both ends */
extern double gh_sigmoid(double margin);
extern double gh_logit(double probability);

/*
 * Bytes.  The reader checks everything: counts, children after their parents
 * and each with one parent, features in range, finite floats, depth; GH_ECORRUPT
 * is left to the caller (r->ok false); GH_ENOMEM and the like are returned.
 */
extern void gh_booster_write(gh_writer *w, const gh_booster *booster);
extern gh_status gh_booster_read(gh_ctx *ctx, gh_reader *r, gh_booster *booster);

#endif							/* GH_TREE_H */
