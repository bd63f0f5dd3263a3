/*
 * gains.h
 *		Gains of the candidate splits of one feature, built for each instruction set.
 */
#ifndef GH_GAINS_H
#define GH_GAINS_H

#include "learn/boost_private.h"

/* Candidates of one feature at most, and room for one more that is written before it is known not to be one. */
#define GH_MOST_CANDIDATES 257

/*
 * Splits of one feature in the order they are considered.  One side of each is
 * added up here; the other is what the node has beyond it.
 */
typedef struct gh_candidates
{
	int			n;
	int16_t		bin[GH_MOST_CANDIDATES];	/* codes up to it go left */
	int64_t		g[GH_MOST_CANDIDATES],
				h[GH_MOST_CANDIDATES];
} gh_candidates;

/* The node that is split. */
typedef struct gh_whole
{
	gh_sum		total;
	double		unit,			/* what 1 in a gh_sum stands for */
				alpha,
				lambda;
	float		score;			/* of keeping it whole */
} gh_whole;

/*
 * gain[0..n): scores of both sides of candidates begin..begin + n less that of
 * the whole, without bounds on the weights; -inf where that is not a number.
 * Both sides have a hessian above 0.  Returns the largest (-inf when n is 0).
 */
typedef float (*gh_gain_kernel) (const gh_candidates *candidates, int begin, int n, const gh_whole *whole, float *gain);

extern gh_gain_kernel gh_gain_kernel_get(void);

extern const gh_gain_kernel gh_gains_baseline;
#if defined(__x86_64__)
extern const gh_gain_kernel gh_gains_avx2;
extern const gh_gain_kernel gh_gains_avx512;
#endif

#endif							/* GH_GAINS_H */
