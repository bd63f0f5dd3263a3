/*
 * gh_near.h
 *		Which points of a leaf of the kd-tree are near: distances and a filter in one.
 */
#ifndef GH_NEAR_H
#define GH_NEAR_H

#include <stddef.h>
#include <stdint.h>

typedef struct gh_near_kernels
{
	/*
	 * distance2[i], i < n <= 32: squared distance from q[d] to point i, whose
	 * coordinate j is columns[j * n + i]; dimensions are added in ascending
	 * order, as gh_kernels' distances2 does.  Returns the i with distance2[i]
	 * <= reach2 as bits.
	 */
	uint32_t	(*within) (const double *columns, uint32_t n, int d, const double *q, double reach2,
						   double *distance2);
	/* The i < n <= 32 with values[i] != value, as bits. */
	uint32_t	(*others) (const uint32_t *values, uint32_t n, uint32_t value);
} gh_near_kernels;

/* Those for the instruction set that gh_isa_current() names. */
extern const gh_near_kernels *gh_near_kernels_get(void);

#endif							/* GH_NEAR_H */
