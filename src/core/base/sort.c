/*
 * sort.c
 *		Radix sort of indices by 64-bit keys; stable, so ties keep index order.
 */
#include "gh_sort.h"

#include <string.h>

#define RADIX 256
#define PASSES 8

typedef struct gh_sort_item
{
	uint64_t	key;
	uint32_t	index;
} gh_sort_item;

/* Sort n items by key with a scratch array of the same length; returns where the result stands. */
static gh_sort_item *
radix_sort(gh_sort_item *items, gh_sort_item *scratch, size_t n)
{
	for (int pass = 0; pass < PASSES; pass++)
	{
		size_t		count[RADIX] = {0};
		size_t		at = 0;
		int			shift = 8 * pass;
		gh_sort_item *swap;

		for (size_t i = 0; i < n; i++)
			count[items[i].key >> shift & 0xFF]++;
		if (n > 0 && count[items[0].key >> shift & 0xFF] == n)
			continue;			/* all equal in this byte */
		for (int b = 0; b < RADIX; b++)
		{
			size_t		c = count[b];

			count[b] = at;
			at += c;
		}
		for (size_t i = 0; i < n; i++)
			scratch[count[items[i].key >> shift & 0xFF]++] = items[i];
		swap = items;
		items = scratch;
		scratch = swap;
	}
	return items;
}

/* flip: UINT64_MAX turns the order round */
static gh_status
argsort(gh_ctx *ctx, const double *values, const uint64_t *keys, uint64_t flip, size_t n, uint32_t *index)
{
	gh_sort_item *items,
			   *sorted;
	gh_sort_item *scratch;

	if (n > UINT32_MAX)
		return gh_fail(ctx, GH_ELIMIT, "cannot sort more than %u values", UINT32_MAX);
	items = GH_NEW(ctx, n, gh_sort_item);
	scratch = GH_NEW(ctx, n, gh_sort_item);
	if (items == NULL || scratch == NULL)
	{
		gh_free(ctx, items);
		gh_free(ctx, scratch);
		return gh_ctx_status(ctx);
	}
	for (size_t i = 0; i < n; i++)
	{
		items[i].key = (values != NULL ? gh_double_key(values[i]) : keys[i]) ^ flip;
		items[i].index = (uint32_t) i;
	}
	sorted = radix_sort(items, scratch, n);
	for (size_t i = 0; i < n; i++)
		index[i] = sorted[i].index;
	gh_free(ctx, items);
	gh_free(ctx, scratch);
	return GH_OK;
}

gh_status
gh_argsort(gh_ctx *ctx, const double *values, size_t n, uint32_t *index)
{
	return argsort(ctx, values, NULL, 0, n, index);
}

gh_status
gh_argsort_descending(gh_ctx *ctx, const double *values, size_t n, uint32_t *index)
{
	return argsort(ctx, values, NULL, UINT64_MAX, n, index);
}

gh_status
gh_argsort_u64(gh_ctx *ctx, const uint64_t *keys, size_t n, uint32_t *index)
{
	return argsort(ctx, NULL, keys, 0, n, index);
}
