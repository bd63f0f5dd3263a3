/*
 * gh_leaf.h
 *		Squared distances in single precision, a leaf of 32 at a time: the
 *		filter in front of the exact ones.
 *
 * What a build computes may differ in the last bits from another's: the
 * caller's thresholds leave room for any rounding, and what passes them is
 * measured in double precision.
 */
#ifndef GH_LEAF_H
#define GH_LEAF_H

#include <stddef.h>
#include <stdint.h>

#include "project/gh_kdtree.h"

typedef struct gh_leaf_kernels
{
	/*
	 * bound[i]: squared distance from query i (columns: d x 32) to the box low[d], high[d].
	 * Returns the queries with bound[i] <= threshold[i], as bits.
	 */
	uint32_t	(*bounds) (const float *columns, int d, const float *low, const float *high,
						   const float *threshold, float *bound);
	/* The i with a[i] <= b[i], as bits. */
	uint32_t	(*not_above) (const float *a, const float *b);
	/*
	 * hits[i], for every i in `active`: the points of the leaf (points: d x 32)
	 * whose squared distance from query i is <= threshold[i], as bits.
	 */
	void		(*hits) (const float *columns, const float *points, int d, uint32_t active,
						 const float *threshold, uint32_t *hits);
	/*
	 * The same from products: hits[i] has the points p of the leaf with
	 * q_i . p - half[p] >= least[i].  With half = |p|^2 / 2 and least =
	 * (|q_i|^2 - threshold[i]) / 2 that is the same question, at a third of the
	 * cost and with an error that grows with |q_i|^2 + |p|^2.
	 */
	void		(*products) (const float *columns, const float *points, const float *half, int d, uint32_t active,
							 const float *least, uint32_t *hits);
} gh_leaf_kernels;

/* Those for the instruction set that gh_isa_current() names. */
extern const gh_leaf_kernels *gh_leaf_kernels_get(void);

#endif							/* GH_LEAF_H */
