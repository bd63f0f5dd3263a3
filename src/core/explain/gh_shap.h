/*
 * gh_shap.h
 *		Exact Shapley values of boosted trees (path-dependent, cover-weighted).
 *
 * Lundberg, Erion and Lee, https://arxiv.org/abs/1802.03888, by Gauss-Legendre
 * quadrature (Wettenstein, Mitchell and Yu, https://arxiv.org/abs/2605.04497):
 * exact in double for the number of points chosen per tree.
 */
#ifndef GH_SHAP_H
#define GH_SHAP_H

#include "learn/gh_tree.h"

/* Points of the largest rule: exact for GH_MAX_TREE_DEPTH distinct features on a path. */
#define GH_MAX_POINTS (GH_MAX_TREE_DEPTH / 2)

/* Gauss-Legendre rule on [0, 1]: exact for polynomials of degree 2 * n_points - 1. */
typedef struct gh_quadrature
{
	int			n_points;
	double		t[GH_MAX_POINTS];	/* ascending */
	double		u[GH_MAX_POINTS];	/* 1 - t, to full precision */
	double		weight[GH_MAX_POINTS];	/* add up to 1 */
} gh_quadrature;

/* n_points: 1..GH_MAX_POINTS. */
extern void gh_quadrature_rule(int n_points, gh_quadrature *rule);

/* What can be known about a tree before any row. */
typedef struct gh_shap_tree
{
	int			n_vectors;		/* the rule's points, padded to whole vectors of 4 */
	uint32_t	n_splits;
	uint32_t	n_features;		/* tested by this tree */
	uint32_t   *split;			/* the nodes that split, ascending */
	uint32_t   *above;			/* per node that splits: below which edge on its feature it stands; 0: none */
	uint32_t   *place;			/* per node that splits: its feature among feature[] */
	uint32_t   *feature;
	double	   *share;			/* per node: of the cover, over all edges on its feature down to it; 1 at the root */
	double	   *table;			/* NULL, or gh_shap_edge() of every node but the root and every state */
} gh_shap_tree;

/* What can be known about a booster before any row: make once, read by any thread. */
typedef struct gh_explainer
{
	const gh_booster *booster;	/* must outlive the explainer */
	double		base_value;		/* expected margin: logit(base_score) + cover-weighted means of the trees */
	gh_shap_tree *tree;			/* per tree */
	gh_quadrature *rule;		/* rule[k]: 4 (k + 1) points, for trees of k + 1 vectors; as many as the booster needs */
	int			max_vectors;
	uint32_t	max_nodes;
	uint32_t	max_features;	/* of a tree */
} gh_explainer;

/* Free with gh_explainer_free; GH_EINTERNAL for a tree deeper than GH_MAX_TREE_DEPTH. */
extern gh_status gh_explainer_open(gh_ctx *ctx, const gh_booster *booster, gh_explainer *explainer);
extern void gh_explainer_free(gh_ctx *ctx, gh_explainer *explainer);
/*
 * Tables that make every further row several times faster, for the price of
 * about two rows; with them the values are the same bytes as without.  Nothing
 * when the memory budget has no room for them.
 */
extern gh_status gh_explainer_tabulate(gh_ctx *ctx, gh_explainer *explainer);
/* One row, n_features floats (NaN: missing) -> values as gh_shap. */
extern gh_status gh_explainer_values(gh_ctx *ctx, const gh_explainer *explainer, const float *x, double *values);
/*
 * One row -> (n_features + 1) x (n_features + 1) interaction values, row-major
 * and symmetric: row i adds up to value i of gh_explainer_values(); the last
 * row and column hold the base value at their end, else 0.
 * Lundberg, Erion and Lee, https://arxiv.org/abs/1802.03888, section 4.
 */
extern gh_status gh_explainer_interactions(gh_ctx *ctx, const gh_explainer *explainer, const float *x, double *values);

/*
 * values: n_features + 1 doubles; the last is the base value (expected margin).
 * They add up to gh_booster_margin(x).  Log-odds.
 */
extern gh_status gh_shap(gh_ctx *ctx, const gh_booster *booster, const float *x, double *values);
/* rows: n x stride floats; values: n x (n_features + 1).  Threaded. */
extern gh_status gh_shap_rows(gh_ctx *ctx, const gh_booster *booster, const float *rows, size_t n, size_t stride,
							  double *values);

#endif							/* GH_SHAP_H */
