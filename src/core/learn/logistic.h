/*
 * logistic.h
 *		Exponential, logarithm and the logistic loss, the same bytes on every machine.
 *
 * The C library picks its own code by processor and may round differently, and
 * a boosted tree turns one last bit into another split.  These are plain
 * polynomials without branches, so they also vectorise.  Errors are below
 * 3e-16 relative.
 */
#ifndef GH_LOGISTIC_H
#define GH_LOGISTIC_H

#include <stdint.h>
#include <string.h>

#define GH_LN2 0.69314718055994530942

static inline double
gh_bits_to_double(uint64_t bits)
{
	double		v;

	memcpy(&v, &bits, sizeof(v));
	return v;
}

static inline uint64_t
gh_double_to_bits(double v)
{
	uint64_t	bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits;
}

/*
 * e^x for -708 <= x <= 709 (clamped to that).  x = k ln 2 + r, |r| <= ln(2)/2,
 * Taylor to degree 13; adding 1.5 * 2^52 rounds to an integer and leaves it in
 * the low bits.
 */
static inline double
gh_exp(double x)
{
	const double round = 6755399441055744.0;
	double		t,
				k,
				r,
				p;

	x = x < -708.0 ? -708.0 : x;
	x = x > 709.0 ? 709.0 : x;
	t = x * 1.44269504088896340736 + round;
	k = t - round;
	r = (x - k * 0.693147180369123816490) - k * 1.90821492927058770002e-10;
	p = 1.0 / 6227020800.0;
	p = p * r + 1.0 / 479001600.0;
	p = p * r + 1.0 / 39916800.0;
	p = p * r + 1.0 / 3628800.0;
	p = p * r + 1.0 / 362880.0;
	p = p * r + 1.0 / 40320.0;
	p = p * r + 1.0 / 5040.0;
	p = p * r + 1.0 / 720.0;
	p = p * r + 1.0 / 120.0;
	p = p * r + 1.0 / 24.0;
	p = p * r + 1.0 / 6.0;
	p = p * r + 0.5;
	p = p * r * r + r + 1.0;
	return p * gh_bits_to_double((gh_double_to_bits(t) + 1023) << 52);
}

/* 2 atanh(s) for |s| <= 1/3: the odd series to s^35. */
static inline double
gh_twice_atanh(double s)
{
	double		s2 = s * s,
				p = 1.0 / 35.0;

	for (int k = 33; k >= 3; k -= 2)
		p = p * s2 + 1.0 / k;
	return 2.0 * s + 2.0 * s * s2 * p;
}

/* log(1 + t) for 0 <= t <= 1. */
static inline double
gh_log1p_unit(double t)
{
	return gh_twice_atanh(t / (2.0 + t));
}

/* Natural logarithm of a positive, normal, finite x. */
static inline double
gh_log(double x)
{
	uint64_t	bits = gh_double_to_bits(x);
	int			k = (int) (bits >> 52) - 1023;
	double		m = gh_bits_to_double((bits & UINT64_C(0xFFFFFFFFFFFFF)) | UINT64_C(0x3FF0000000000000));

	if (m > 1.41421356237309504880)
	{
		m *= 0.5;
		k++;
	}
	return k * GH_LN2 + gh_twice_atanh((m - 1.0) / (m + 1.0));
}

/* log(1 + e^-z): the loss of a margin z that should be positive. */
static inline double
gh_logistic_loss(double z)
{
	double		a = z < 0.0 ? -z : z;

	return (z < 0.0 ? a : 0.0) + gh_log1p_unit(gh_exp(-a));
}

#endif							/* GH_LOGISTIC_H */
