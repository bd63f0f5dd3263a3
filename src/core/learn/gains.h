/*
 * gains.h
 *		Gains of the candidate splits of one feature, built for each instruction set.
 */
#ifndef GH_GAINS_H
#define GH_GAINS_H

#include "learn/boost_private.h"

/* Splits of one feature in the order they are considered; both sides have a hessian above 0. */
typedef struct gh_candidates
{
	int			n;
	int16_t		bin[256];
	gh_sum		sum[256];		/* of the side that is added up */
	double		left_g[256],
				left_h[256],
				right_g[256],
				right_h[256];
} gh_candidates;

/* gain[i]: score of both sides less that of the whole node, without bounds on the weights. */
typedef void (*gh_gain_kernel) (const gh_candidates *candidates, double alpha, double lambda, float whole,
								float *gain);

extern gh_gain_kernel gh_gain_kernel_get(void);

extern const gh_gain_kernel gh_gains_baseline;
#if defined(__x86_64__)
extern const gh_gain_kernel gh_gains_avx2;
extern const gh_gain_kernel gh_gains_avx512;
#endif

#endif							/* GH_GAINS_H */
