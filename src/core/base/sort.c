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

/* Items between two polls: less than a millisecond, but where memory is touched for the first time. */
#define POLL_ITEMS ((size_t) 1 << 15)

/* One stable pass on the byte at `shift`: from `items` to `out`.  *moved is false when all are equal there. */
static gh_status
sort_pass(gh_ctx *ctx, const gh_sort_item *items, gh_sort_item *out, size_t n, int shift, bool *moved)
{
	size_t		count[RADIX] = {0};
	size_t		at = 0;

	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_ITEMS == 0)
			GH_CHECK_STOP(ctx);
		count[items[i].key >> shift & 0xFF]++;
	}
	*moved = n > 0 && count[items[0].key >> shift & 0xFF] != n;
	if (!*moved)
		return GH_OK;
	for (int b = 0; b < RADIX; b++)
	{
		size_t		c = count[b];

		count[b] = at;
		at += c;
	}
	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_ITEMS == 0)
			GH_CHECK_STOP(ctx);
		out[count[items[i].key >> shift & 0xFF]++] = items[i];
	}
	return GH_OK;
}

/* Sort *items by key with a scratch array of the same length; the two change places as needed. */
static gh_status
radix_sort(gh_ctx *ctx, gh_sort_item **items, gh_sort_item **scratch, size_t n)
{
	for (int pass = 0; pass < PASSES; pass++)
	{
		bool		moved;

		GH_TRY(sort_pass(ctx, *items, *scratch, n, 8 * pass, &moved));
		if (moved)
		{
			gh_sort_item *swap = *items;

			*items = *scratch;
			*scratch = swap;
		}
	}
	return GH_OK;
}

/* flip: UINT64_MAX turns the order round */
static gh_status
argsort(gh_ctx *ctx, const double *values, const uint64_t *keys, uint64_t flip, size_t n, uint32_t *index)
{
	gh_sort_item *items,
			   *scratch;
	gh_status	status = GH_OK;

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
	for (size_t i = 0; i < n && status == GH_OK; i++)
	{
		if (i % POLL_ITEMS == 0 && gh_should_stop(ctx))
			status = gh_canceled(ctx);
		items[i].key = (values != NULL ? gh_double_key(values[i]) : keys[i]) ^ flip;
		items[i].index = (uint32_t) i;
	}
	if (status == GH_OK)
		status = radix_sort(ctx, &items, &scratch, n);
	for (size_t i = 0; status == GH_OK && i < n; i++)
		index[i] = items[i].index;
	gh_free(ctx, items);
	gh_free(ctx, scratch);
	return status;
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
