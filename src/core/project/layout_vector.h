/*
 * layout_vector.h
 *		Vectors of LANES numbers for the layout, the same results in every build.
 *
 * The vectors are the compiler's own type; where the processor has no register
 * of that width the compiler uses several.  Only what C has no operator for
 * has instructions of its own.
 */
#ifndef GH_LAYOUT_VECTOR_H
#define GH_LAYOUT_VECTOR_H

#include "project/gh_layout.h"

#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

/*
 * All functions are inlined, so how a processor without wide registers would hand over a
 * vector is no matter.  Arguments are pointers, as about values gcc says more than this stops.
 */
#pragma GCC diagnostic ignored "-Wpsabi"

#define LANES GH_LAYOUT_LANES

typedef float lanes __attribute__((vector_size(4 * LANES), may_alias));
typedef int32_t ilanes __attribute__((vector_size(4 * LANES)));
typedef uint32_t ulanes __attribute__((vector_size(4 * LANES)));
typedef double plane_points __attribute__((vector_size(4 * LANES)));	/* LANES / 2 points of two floats */

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#else
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (ilanes) {__VA_ARGS__})
#endif

/* x within [-most, most]. */
ALWAYS_INLINE lanes
clip(const lanes *x, float most)
{
#if defined(__AVX2__)
	return (lanes) _mm256_max_ps(_mm256_min_ps((__m256) *x, _mm256_set1_ps(most)), _mm256_set1_ps(-most));
#else
	lanes		result = *x;

	for (int l = 0; l < LANES; l++)
	{
		result[l] = result[l] < most ? result[l] : most;
		result[l] = result[l] > -most ? result[l] : -most;
	}
	return result;
#endif
}

/* x where the mask is set (all bits of a lane), else 0. */
#define ONLY(mask, x) ((lanes) ((ilanes) (x) & (mask)))

/* Whether a bit of any lane is set. */
ALWAYS_INLINE int
any_set(const ilanes *x)
{
#if defined(__AVX2__)
	return !_mm256_testz_si256((__m256i) *x, (__m256i) *x);
#else
	int32_t		any = 0;

	for (int l = 0; l < LANES; l++)
		any |= (*x)[l];
	return any != 0;
#endif
}

/* Powers stop at 2^-60 and 2^60: products of two and a constant stay finite. */
#define MOST_EXPONENT 60

/*
 * x^power for x >= 0, to 1e-5 of it (0 counts as 2^-127): 2^(power log2 x).  The
 * logarithm is a polynomial on a mantissa in [sqrt 1/2, sqrt 2), the exponential
 * one on [-1/2, 1/2]; both are least in the largest error, 2e-6 and 3e-6.
 */
ALWAYS_INLINE lanes
power_of(const lanes *x, float power)
{
	ilanes		exponent = ((ilanes) *x - 0x3f3504f3) >> 23;
	lanes		f = (lanes) ((ilanes) *x - (exponent << 23)) - 1,
				f2,
				t,
				shifted,
				u;

	f2 = f * f;
	t = f * ((1.4427134812911961f + f * -0.7211318567863512f) + f2 * ((0.47934802611449107f + f * -0.36749002003794357f) +
			f2 * (0.3221547258850303f + f * -0.2065914610492862f)));
	t = power * (t + __builtin_convertvector(exponent, lanes));
	t = clip(&t, MOST_EXPONENT);
	shifted = t + 12582912.0f;	/* 1.5 * 2^23: the integer stands in the lowest bits */
	u = t - (shifted - 12582912.0f);
	return (lanes) (((ilanes) shifted << 23) + 0x3f800000) *
		((1 + u * 0.6931241933848746f) + u * u * ((0.2402409864772897f + u * 0.05590642485518868f) +
			u * u * 0.009582851537698629f));
}

/* ---- the coordinates of several vertices ------------------------------- */

ALWAYS_INLINE double
load_point(const float *y, uint32_t v)
{
	double		point;

	memcpy(&point, y + (size_t) v * 2, sizeof(point));
	return point;
}

/* Coordinates of LANES vertices of y, n x dim, one vector a coordinate. */
ALWAYS_INLINE void
gather(const float *y, const uint32_t *v, const int dim, lanes *x)
{
	if (dim == 2)
	{
		lanes		low = (lanes) (plane_points) {load_point(y, v[0]), load_point(y, v[1]), load_point(y, v[4]),
			load_point(y, v[5])},
					high = (lanes) (plane_points) {load_point(y, v[2]), load_point(y, v[3]), load_point(y, v[6]),
			load_point(y, v[7])};

		x[0] = SHUFFLE(low, high, 0, 2, 8, 10, 4, 6, 12, 14);
		x[1] = SHUFFLE(low, high, 1, 3, 9, 11, 5, 7, 13, 15);
		return;
	}
	for (int l = 0; l < LANES; l++)
	{
		for (int c = 0; c < dim; c++)
			x[c][l] = y[(size_t) v[l] * dim + c];
	}
}

/* The reverse for the first n of them. */
ALWAYS_INLINE void
scatter(float *y, const uint32_t *v, int n, const int dim, const lanes *x)
{
	if (dim == 2 && n == LANES)
	{
		plane_points low = (plane_points) SHUFFLE(x[0], x[1], 0, 8, 1, 9, 4, 12, 5, 13),
					high = (plane_points) SHUFFLE(x[0], x[1], 2, 10, 3, 11, 6, 14, 7, 15);
		double		points[LANES] = {low[0], low[1], high[0], high[1], low[2], low[3], high[2], high[3]};

		for (int l = 0; l < LANES; l++)
			memcpy(y + (size_t) v[l] * 2, &points[l], sizeof(double));
		return;
	}
	for (int l = 0; l < n; l++)
	{
		for (int c = 0; c < dim; c++)
			y[(size_t) v[l] * dim + c] = x[c][l];
	}
}

#endif							/* GH_LAYOUT_VECTOR_H */
