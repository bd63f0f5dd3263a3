/*
 * gradient_body.h
 *		Derivatives of the logistic loss; included once per instruction set.
 *
 * XGBoost's float arithmetic, so that the same data gives the same trees.  The
 * same operations in the same order everywhere: the same bytes.
 */
#include "learn/gradient.h"
#include "learn/logistic.h"

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

		q = q > 1e-16f ? q : 1e-16f;
		g[i] = to_fixed((double) ((p - (float) labels[i]) * weights[i]) * scale);
		h[i] = to_fixed((double) (q * weights[i]) * scale);
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

const gh_gradient_kernel GH_GRADIENT_NAME = gradients;
