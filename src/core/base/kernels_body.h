/*
 * kernels_body.h
 *		The code of the kernels, included once per instruction set.
 *
 * The includer defines GH_KERNELS_NAME.  Loops are written so that the
 * compiler vectorises them without changing a single operation: sums run over
 * LANES accumulators that are added in one fixed tree.
 */
#include "gh_kernels.h"

#include <math.h>

#define LANES 16

/* Sum of the lanes in a fixed tree. */
static inline double
sum_lanes(const double *lane)
{
	double		half[LANES / 2];

	for (int i = 0; i < LANES / 2; i++)
		half[i] = lane[i] + lane[i + LANES / 2];
	for (int i = 0; i < LANES / 4; i++)
		half[i] += half[i + LANES / 4];
	for (int i = 0; i < LANES / 8; i++)
		half[i] += half[i + LANES / 8];
	return half[0] + half[1];
}

static void
distances2(const double *restrict block, size_t stride, size_t n, int d, const double *restrict q,
		   double *restrict out)
{
	for (size_t i = 0; i < n; i++)
	{
		double		delta = block[i] - q[0];

		out[i] = delta * delta;
	}
	for (int j = 1; j < d; j++)
	{
		const double *column = block + (size_t) j * stride;

		for (size_t i = 0; i < n; i++)
		{
			double		delta = column[i] - q[j];

			out[i] += delta * delta;
		}
	}
}

/* Chunk of points whose distances fit the first-level cache. */
#define CHUNK 256

/* d2 becomes 1 / sqrt(d2)^power, power >= 1, and stays 0 where it is 0: squares and one root, no pow. */
static inline void
inverse_powers(double *restrict d2, size_t n, int power)
{
	double		base[CHUNK];

	for (size_t i = 0; i < n; i++)
	{
		base[i] = d2[i] > 0.0 ? 1.0 / d2[i] : 0.0;
		d2[i] = (power & 1) != 0 ? sqrt(base[i]) : 1.0;
	}
	for (int bits = power >> 1; bits != 0; bits >>= 1)
	{
		if ((bits & 1) != 0)
			for (size_t i = 0; i < n; i++)
				d2[i] *= base[i];
		for (size_t i = 0; i < n; i++)
			base[i] *= base[i];
	}
}

static double
inverse_power_sum(const double *restrict block, size_t stride, size_t n, int d, const double *restrict q, int power)
{
	double		lane[LANES] = {0.0};
	double		d2[CHUNK];

	for (size_t begin = 0; begin < n; begin += CHUNK)
	{
		size_t		m = n - begin < CHUNK ? n - begin : CHUNK;
		size_t		whole = m - m % LANES;

		distances2(block + begin, stride, m, d, q, d2);
		inverse_powers(d2, m, power);
		for (size_t i = 0; i < whole; i += LANES)
			for (int l = 0; l < LANES; l++)
				lane[l] += d2[i + l];
		for (size_t i = whole; i < m; i++)
			lane[i - whole] += d2[i];
	}
	return sum_lanes(lane);
}

extern const gh_kernels GH_KERNELS_NAME;
const gh_kernels GH_KERNELS_NAME = {distances2, inverse_power_sum};
