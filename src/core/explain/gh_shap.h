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

/*
 * values: n_features + 1 doubles; the last is the base value (expected margin).
 * They add up to gh_booster_margin(x).  Log-odds.
 */
extern gh_status gh_shap(gh_ctx *ctx, const gh_booster *booster, const float *x, double *values);
/* rows: n x stride floats; values: n x (n_features + 1).  Threaded. */
extern gh_status gh_shap_rows(gh_ctx *ctx, const gh_booster *booster, const float *rows, size_t n, size_t stride,
							  double *values);

#endif							/* GH_SHAP_H */
