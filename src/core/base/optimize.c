/*
 * optimize.c
 *		NLopt's L-BFGS behind the core's errors and cancellation.
 */
#include "gh_optimize.h"

#include <math.h>
#include <nlopt.h>

typedef struct gh_search
{
	gh_ctx	   *ctx;
	gh_objective objective;
	void	   *arg;
	nlopt_opt	opt;
} gh_search;

static double
evaluate(unsigned n, const double *x, double *gradient, void *arg)
{
	gh_search  *search = arg;

	if (gh_should_stop(search->ctx))
		nlopt_force_stop(search->opt);
	return search->objective((int) n, x, gradient, search->arg);
}

gh_status
gh_minimize(gh_ctx *ctx, int n, gh_objective objective, void *arg, const double *lower, const double *upper,
			double tolerance, int max_evaluations, double *x, double *value)
{
	gh_search	search = {ctx, objective, arg, NULL};
	nlopt_result result;

	for (int i = 0; i < n; i++)
		x[i] = x[i] < lower[i] ? lower[i] : x[i] > upper[i] ? upper[i] : x[i];
	search.opt = nlopt_create(NLOPT_LD_LBFGS, (unsigned) n);
	if (search.opt == NULL)
		return gh_fail(ctx, GH_ENOMEM, "out of memory");
	nlopt_set_min_objective(search.opt, evaluate, &search);
	nlopt_set_lower_bounds(search.opt, lower);
	nlopt_set_upper_bounds(search.opt, upper);
	nlopt_set_ftol_rel(search.opt, tolerance);
	nlopt_set_xtol_rel(search.opt, tolerance);
	nlopt_set_maxeval(search.opt, max_evaluations);
	result = nlopt_optimize(search.opt, x, value);
	nlopt_destroy(search.opt);

	GH_CHECK_STOP(ctx);
	if (result == NLOPT_OUT_OF_MEMORY)
		return gh_fail(ctx, GH_ENOMEM, "out of memory");

	/*
	 * A generic failure is a line search that found nothing better from where
	 * it stood: x is the best point seen, which is all the callers ask for.
	 */
	if (result == NLOPT_INVALID_ARGS || !isfinite(*value))
		return gh_fail(ctx, GH_EINTERNAL, "minimisation failed (code %d)", (int) result);
	return GH_OK;
}
