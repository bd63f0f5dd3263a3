/*
 * gh_kernels.h
 *		The hot inner loops, built once per instruction set.
 *
 * Every build does the same operations in the same order (fixed lanes, fixed
 * reduction tree, no fused multiply-add), so the results are the same bytes
 * on every machine.  kernels_body.h holds the code; kernels_*.c compile it
 * with different flags; gh_kernels() picks at run time.
 */
#ifndef GH_KERNELS_H
#define GH_KERNELS_H

#include <stddef.h>
#include <stdint.h>

typedef struct gh_kernels
{
	/*
	 * Squared Euclidean distances from q to n points stored by column:
	 * point i, coordinate j is block[j * stride + i].  out[0..n).  Dimensions
	 * are added in ascending order.
	 */
	void		(*distances2) (const double *block, size_t stride, size_t n, int d, const double *q, double *out);

	/* sum over i < n, i != skip (SIZE_MAX: none), of (1/|q - x_i|)^d where |q - x_i| > 0; columns as above. */
	double		(*inverse_power_sum) (const double *block, size_t stride, size_t n, int d, const double *q, int power);
} gh_kernels;

extern const gh_kernels *gh_kernels_get(void);

#endif							/* GH_KERNELS_H */
