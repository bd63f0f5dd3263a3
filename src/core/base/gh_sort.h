/*
 * gh_sort.h
 *		Sorts with total orders: (value, then index), the same on every machine.
 */
#ifndef GH_SORT_H
#define GH_SORT_H

#include "gh_context.h"

/* A double's bits as an unsigned number in the same order (-0 = +0; NaN last). */
static inline uint64_t
gh_double_key(double v)
{
	union
	{
		double		d;
		uint64_t	u;
	}			x;

	if (v != v)
		return UINT64_MAX;
	x.d = v + 0.0;				/* -0 + 0 = +0 */
	return x.u >> 63 ? ~x.u : x.u | UINT64_C(1) << 63;
}

/*
 * index[0..n) becomes the order of values ascending, ties by index (radix,
 * O(n)).  `values` is not changed.
 */
extern gh_status gh_argsort(gh_ctx *ctx, const double *values, size_t n, uint32_t *index);
/* The same, descending by value, ties still by ascending index. */
extern gh_status gh_argsort_descending(gh_ctx *ctx, const double *values, size_t n, uint32_t *index);
extern gh_status gh_argsort_u64(gh_ctx *ctx, const uint64_t *keys, size_t n, uint32_t *index);

#endif							/* GH_SORT_H */
