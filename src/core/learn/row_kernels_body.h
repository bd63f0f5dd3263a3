/*
 * row_kernels_body.h
 *		The kernels over rows; included once per instruction set.
 *
 * Derivatives in XGBoost's float arithmetic, so that the same data gives the
 * same trees.
 */
#include "base/gh_philox.h"
#include "learn/logistic.h"
#include "learn/row_kernels.h"

/* Rows whose derivatives stand side by side before they go into their records. */
#define BLOCK 128

/* Nearest integer of |v| < 2^51, as a sum's fixed point. */
static inline int64_t
to_fixed(double v)
{
	const double round = 6755399441055744.0;

	return (int64_t) (gh_double_to_bits(v + round) - gh_double_to_bits(round));
}

static inline void
derive(const float *restrict margins, const uint8_t *restrict labels, const float *restrict weights, int n, double scale,
	   int64_t *restrict g, int64_t *restrict h)
{
	for (int i = 0; i < n; i++)
	{
		float		x = -margins[i] < 88.7f ? -margins[i] : 88.7f,
					p = 1.0f / ((float) gh_exp(x) + 1.0f + 1e-16f),
					q = p * (1.0f - p);
		double		second;

		q = q > 1e-16f ? q : 1e-16f;
		second = (double) (q * weights[i]) * scale;
		/* a row that counts is never nothing: without a hessian a wrong leaf could not be left again */
		second = ((second < 1.0) & (weights[i] > 0.0f)) ? 1.0 : second;
		g[i] = to_fixed((double) ((p - (float) labels[i]) * weights[i]) * scale);
		h[i] = to_fixed(second);
	}
}

static void
gradients(const float *margins, const uint8_t *labels, const float *weights, double scale, const gh_records *records,
		  size_t begin, size_t end)
{
	int64_t		g[BLOCK],
				h[BLOCK];

	for (size_t i = begin; i < end; i += BLOCK)
	{
		int			n = end - i < BLOCK ? (int) (end - i) : BLOCK;

		derive(margins + i, labels + i, weights + i, n, scale, g, h);
		for (int k = 0; k < n; k++)
			*gh_record_gradient(records, i + (size_t) k) = (gh_sum) {g[k], h[k]};
	}
}

static void
losses(const double *restrict z, int n, double *restrict loss)
{
	for (int i = 0; i < n; i++)
		loss[i] = gh_logistic_loss(z[i]);
}

/* Blocks of random numbers that are drawn side by side. */
#define DRAWN 16

static void
draws(uint64_t seed, uint32_t stream, uint64_t block, uint32_t threshold, int n, uint8_t *restrict in)
{
	for (int first = 0; first < n; first += 4 * DRAWN)
	{
		uint32_t	v[4][DRAWN];
		int			most = n - first < 4 * DRAWN ? n - first : 4 * DRAWN;

		for (int i = 0; i < DRAWN; i++)
		{
			v[0][i] = (uint32_t) (block + (uint64_t) i);
			v[1][i] = (uint32_t) ((block + (uint64_t) i) >> 32);
			v[2][i] = stream;
			v[3][i] = 0;
		}
		for (int round = 0; round < GH_PHILOX_ROUNDS; round++)
			for (int i = 0; i < DRAWN; i++)
				gh_philox_round(&v[0][i], &v[1][i], &v[2][i], &v[3][i], seed, round);
		for (int i = 0; i < most; i++)
			in[first + i] = v[i % 4][i / 4] < threshold;
		block += DRAWN;
	}
}

const gh_row_kernels GH_ROW_KERNELS_NAME = {gradients, losses, draws};
