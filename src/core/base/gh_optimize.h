/*
 * gh_optimize.h
 *		Smooth minimisation in a box, by NLopt's L-BFGS.
 */
#ifndef GH_OPTIMIZE_H
#define GH_OPTIMIZE_H

#include "gh_context.h"

/* Value at x[0..n); writes the gradient when gradient is not NULL. */
typedef double (*gh_objective) (int n, const double *x, double *gradient, void *arg);

/*
 * Minimise from x (in place, clamped to the box); *value gets the minimum.
 * Stops at relative change `tolerance` in value and x or after `max_evaluations`.
 * Deterministic.  A round-off stop counts as success.
 */
extern gh_status gh_minimize(gh_ctx *ctx, int n, gh_objective objective, void *arg, const double *lower,
							 const double *upper, double tolerance, int max_evaluations, double *x, double *value);

#endif							/* GH_OPTIMIZE_H */
