/*
 * row_kernels.h
 *		What boosting does to every row in every round, built for each instruction set.
 *
 * The same operations in the same order everywhere, so the same bytes.
 */
#ifndef GH_ROW_KERNELS_H
#define GH_ROW_KERNELS_H

#include "learn/boost_private.h"

typedef struct gh_row_kernels
{
	/*
	 * Derivatives of the logistic loss into the gradients of records
	 * begin..end; scale: what 1 becomes in fixed point.
	 */
	void		(*gradients) (const float *margins, const uint8_t *labels, const float *weights, double scale,
							  const gh_records *records, size_t begin, size_t end);
	/* loss[i] = log(1 + e^-z[i]), the loss of a margin z[i] that should be positive. */
	void		(*losses) (const double *z, int n, double *loss);
	/* in[i] = whether number i of n of the stream, from number 4 * block on, is below the threshold; n % 4 == 0. */
	void		(*draws) (uint64_t seed, uint32_t stream, uint64_t block, uint32_t threshold, int n, uint8_t *in);
} gh_row_kernels;

extern const gh_row_kernels *gh_row_kernels_get(void);

extern const gh_row_kernels gh_row_kernels_baseline;
#if defined(__x86_64__)
extern const gh_row_kernels gh_row_kernels_avx2;
extern const gh_row_kernels gh_row_kernels_avx512;
#endif

#endif							/* GH_ROW_KERNELS_H */
