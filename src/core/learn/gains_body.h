/*
 * gains_body.h
 *		Gains of many candidates at once; included once per instruction set.
 *
 * The arithmetic of free_score() in split.c, so the same bytes everywhere.
 */
#include <float.h>
#include <math.h>

#include "learn/gains.h"
#include "learn/logistic.h"

#define LANES 16

/*
 * (double) x by halves, as there is no vector instruction for it before
 * AVX-512: the high half as a double that is 2^52 times too exact to round,
 * the low half as one below 2^53, so only the last addition rounds.
 */
static inline double
to_double(int64_t x)
{
	uint64_t	bits = (uint64_t) x;
	double		low = gh_bits_to_double((bits & UINT64_C(0xFFFFFFFF)) | UINT64_C(0x4330000000000000)),
				high = gh_bits_to_double((bits >> 32) ^ UINT64_C(0x4530000080000000));

	return (high - 0x1.00000801p84) + low;
}

static inline double
soften(double g, double alpha)
{
	return g > alpha ? g - alpha : g < -alpha ? g + alpha : 0.0;
}

static inline float
score(double g, double h, double alpha, double lambda)
{
	double		t = soften(g, alpha);

	return (float) (t * t / (h + lambda));
}

/* As a tree of lanes, which is the same for any width. */
static inline float
largest(const float *gain, int n)
{
	float		lane[LANES],
				most = -INFINITY;
	int			i;

	for (int l = 0; l < LANES; l++)
		lane[l] = -INFINITY;
	for (i = 0; i + LANES <= n; i += LANES)
		for (int l = 0; l < LANES; l++)
			lane[l] = gain[i + l] > lane[l] ? gain[i + l] : lane[l];
	for (; i < n; i++)
		most = gain[i] > most ? gain[i] : most;
	for (int l = 0; l < LANES; l++)
		most = lane[l] > most ? lane[l] : most;
	return most;
}

static float
gains(const gh_candidates *candidates, int begin, int n, const gh_whole *whole, float *restrict gain)
{
	const int64_t *restrict g = candidates->g + begin,
			   *restrict h = candidates->h + begin;
	const gh_whole w = *whole;

	for (int i = 0; i < n; i++)
	{
		float		side = score(to_double(g[i]) * w.unit, to_double(h[i]) * w.unit, w.alpha, w.lambda),
					other = score(to_double(w.total.g - g[i]) * w.unit, to_double(w.total.h - h[i]) * w.unit,
								  w.alpha, w.lambda),
					both = side + other - w.score;

		gain[i] = fabsf(both) <= FLT_MAX ? both : -INFINITY;
	}
	return largest(gain, n);
}

const gh_gain_kernel GH_GAINS_NAME = gains;
