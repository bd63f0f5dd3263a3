/*
 * gains_body.h
 *		Gains of many candidates at once; included once per instruction set.
 *
 * The arithmetic of free_score() in split.c, so the same bytes everywhere.
 */
#include "learn/gains.h"

static inline double
soften(double g, double alpha)
{
	return g > alpha ? g - alpha : g < -alpha ? g + alpha : 0.0;
}

static void
gains(const gh_candidates *c, double alpha, double lambda, float whole, float *gain)
{
	for (int i = 0; i < c->n; i++)
	{
		double		l = soften(c->left_g[i], alpha),
					r = soften(c->right_g[i], alpha);

		gain[i] = (float) (l * l / (c->left_h[i] + lambda)) + (float) (r * r / (c->right_h[i] + lambda)) - whole;
	}
}

const gh_gain_kernel GH_GAINS_NAME = gains;
