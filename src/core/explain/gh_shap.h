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

/* What can be known about a booster before any row: make once, read by any thread. */
typedef struct gh_explainer
{
	const gh_booster *booster;	/* must outlive the explainer */
	double		base_value;		/* expected margin: logit(base_score) + cover-weighted means of the trees */
	uint8_t    *n_points;		/* per tree */
	gh_quadrature *rule;		/* rule[k]: k + 1 points; as many as the booster needs */
	int			depth;			/* edges on the longest path of any tree */
	int			max_points;
} gh_explainer;

/* Free with gh_explainer_free; GH_EINTERNAL for a tree deeper than GH_MAX_TREE_DEPTH. */
extern gh_status gh_explainer_open(gh_ctx *ctx, const gh_booster *booster, gh_explainer *explainer);
extern void gh_explainer_free(gh_ctx *ctx, gh_explainer *explainer);
/* One row, n_features floats (NaN: missing) -> values as gh_shap. */
extern gh_status gh_explainer_values(gh_ctx *ctx, const gh_explainer *explainer, const float *x, double *values);

/*
 * values: n_features + 1 doubles; the last is the base value (expected margin).
 * They add up to gh_booster_margin(x).  Log-odds.
 */
extern gh_status gh_shap(gh_ctx *ctx, const gh_booster *booster, const float *x, double *values);
/* rows: n x stride floats; values: n x (n_features + 1).  Threaded. */
extern gh_status gh_shap_rows(gh_ctx *ctx, const gh_booster *booster, const float *rows, size_t n, size_t stride,
							  double *values);

#endif							/* GH_SHAP_H */
