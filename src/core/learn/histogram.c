/*
 * histogram.c
 *		Sums of gradients per bin.
 */
#include "learn/boost_private.h"

/* Columns counted in one pass over the rows: their sums fit the second-level cache. */
#define BLOCK_COLUMNS 64
/* Additions between two polls: one to two milliseconds. */
#define POLL_ADDITIONS (1u << 21)
/* Rows ahead of the count that are asked for: a row of codes is rarely next to the last. */
#define PREFETCH 12

/* g and h in one register: one load, one addition, one store. */
typedef int64_t pair __attribute__((vector_size(16), may_alias));

static inline void
count_row(const uint8_t *code, pair gradient, const uint16_t *columns, int n, const uint32_t *offset,
		  gh_sum *histogram)
{
	for (int i = 0; i < n; i++)
	{
		pair	   *sum = (pair *) &histogram[offset[columns[i]] + code[columns[i]]];

		*sum += gradient;
	}
}

static void
count_rows(const uint8_t *codes, size_t stride, const gh_sum *gradient, const uint32_t *order, size_t begin, size_t end,
		   const uint16_t *columns, int n, const uint32_t *offset, gh_sum *histogram)
{
	const pair *pairs = (const pair *) gradient;

	if (order == NULL)
	{
		for (size_t i = begin; i < end; i++)
			count_row(codes + i * stride, pairs[i], columns, n, offset, histogram);
		return;
	}
	for (size_t i = begin; i < end; i++)
	{
		size_t		row = order[i];

		if (i + PREFETCH < end)
		{
			__builtin_prefetch(codes + order[i + PREFETCH] * stride);
			__builtin_prefetch(&pairs[order[i + PREFETCH]]);
		}
		count_row(codes + row * stride, pairs[row], columns, n, offset, histogram);
	}
}

gh_status
gh_histogram_count(gh_ctx *ctx, const uint8_t *codes, int stride, const gh_sum *gradient, const uint32_t *order,
				   size_t n, const uint16_t *columns, int n_columns, const uint32_t *offset, gh_sum *histogram)
{
	for (int first = 0; first < n_columns; first += BLOCK_COLUMNS)
	{
		int			block = n_columns - first < BLOCK_COLUMNS ? n_columns - first : BLOCK_COLUMNS;
		size_t		rows = POLL_ADDITIONS / (unsigned) block;

		for (size_t begin = 0; begin < n; begin += rows)
		{
			size_t		end = begin + rows < n ? begin + rows : n;

			GH_CHECK_STOP(ctx);
			count_rows(codes, (size_t) stride, gradient, order, begin, end, columns + first, block, offset, histogram);
		}
	}
	return GH_OK;
}
