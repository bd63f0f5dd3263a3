/*
 * histogram.c
 *		Sums of gradients per bin.
 */
#include "learn/boost_private.h"

/* Columns counted in one pass over the rows: their sums stay near. */
#define BLOCK_COLUMNS 16
/* Additions between two polls: one to two milliseconds. */
#define POLL_ADDITIONS (1u << 21)
/* Rows ahead of the count that are asked for: a record is rarely next to the last. */
#define PREFETCH 16

/* g and h in one register: one load, one addition, one store. */
typedef int64_t pair __attribute__((vector_size(16), may_alias));

typedef struct block
{
	const gh_records *records;
	const uint32_t *order;		/* NULL: in their own */
	int			n;
	const uint16_t *columns;
	const uint32_t *offset;
	gh_sum	   *histogram;
} block;

/* Columns side by side with GH_FULL_COLUMN sums each. */
static bool
is_regular(const block *b)
{
	for (int c = 1; c < b->n; c++)
		if (b->columns[c] != b->columns[0] + c || b->offset[b->columns[c]] != b->offset[b->columns[0]] + GH_FULL_COLUMN * (uint32_t) c)
			return false;
	return true;
}

/*
 * n is a constant where this is inlined, so the loops over the columns are
 * rolled out and every column's place is a constant, too.  Two rows at a time:
 * an addition to the same bin waits for the one before.
 */
static inline __attribute__((always_inline)) void
count_regular(const block *b, size_t begin, size_t end, const int n)
{
	const uint8_t *record = b->records->record + b->columns[0];
	const size_t size = b->records->size,
				gradient = b->records->gradient - b->columns[0];
	pair	   *sums = (pair *) (b->histogram + b->offset[b->columns[0]]);
	const uint32_t *order = b->order;

	for (size_t i = begin; i + 1 < end; i += 2)
	{
		const uint8_t *first = record + (order != NULL ? order[i] : i) * size,
				   *second = record + (order != NULL ? order[i + 1] : i + 1) * size;
		pair		g = *(const pair *) (first + gradient),
					h = *(const pair *) (second + gradient);

		if (order != NULL && i + PREFETCH + 1 < end)
		{
			__builtin_prefetch(record + order[i + PREFETCH] * size);
			__builtin_prefetch(record + order[i + PREFETCH + 1] * size);
		}
#pragma GCC unroll 16
		for (int c = 0; c < n; c++)
			sums[GH_FULL_COLUMN * c + first[c]] += g;
#pragma GCC unroll 16
		for (int c = 0; c < n; c++)
			sums[GH_FULL_COLUMN * c + second[c]] += h;
	}
	if ((end - begin) % 2 == 1)
	{
		const uint8_t *last = record + (order != NULL ? order[end - 1] : end - 1) * size;

		for (int c = 0; c < n; c++)
			sums[GH_FULL_COLUMN * c + last[c]] += *(const pair *) (last + gradient);
	}
}

/* Any columns, two rows at a time as well. */
static void
count_scattered(const block *b, size_t begin, size_t end)
{
	const uint8_t *record = b->records->record;
	const size_t size = b->records->size,
				gradient = b->records->gradient;
	const uint32_t *order = b->order;
	pair	   *sums[BLOCK_COLUMNS];
	size_t		column[BLOCK_COLUMNS];
	size_t		i;

	for (int c = 0; c < b->n; c++)
	{
		column[c] = b->columns[c];
		sums[c] = (pair *) (b->histogram + b->offset[b->columns[c]]);
	}
	for (i = begin; i + 1 < end; i += 2)
	{
		const uint8_t *first = record + (order != NULL ? order[i] : i) * size,
				   *second = record + (order != NULL ? order[i + 1] : i + 1) * size;
		pair		g = *(const pair *) (first + gradient),
					h = *(const pair *) (second + gradient);

		if (order != NULL && i + PREFETCH + 1 < end)
		{
			__builtin_prefetch(record + order[i + PREFETCH] * size);
			__builtin_prefetch(record + order[i + PREFETCH + 1] * size);
		}
		for (int c = 0; c < b->n; c++)
		{
			pair	   *sum = sums[c];

			sum[first[column[c]]] += g;
			sum[second[column[c]]] += h;
		}
	}
	if (i < end)
	{
		const uint8_t *last = record + (order != NULL ? order[i] : i) * size;

		for (int c = 0; c < b->n; c++)
			sums[c][last[column[c]]] += *(const pair *) (last + gradient);
	}
}

#define COUNT(n) \
	case n: \
		count_regular(b, begin, end, n); \
		return

static void
count_rows(const block *b, size_t begin, size_t end)
{
	switch (is_regular(b) ? b->n : 0)
	{
			COUNT(1);
			COUNT(2);
			COUNT(3);
			COUNT(4);
			COUNT(5);
			COUNT(6);
			COUNT(7);
			COUNT(8);
			COUNT(9);
			COUNT(10);
			COUNT(11);
			COUNT(12);
			COUNT(13);
			COUNT(14);
			COUNT(15);
			COUNT(16);
		default:
			count_scattered(b, begin, end);
	}
}

gh_status
gh_histogram_count(gh_ctx *ctx, const gh_records *records, const uint32_t *order, size_t n, const uint16_t *columns,
				   int n_columns, const uint32_t *offset, gh_sum *histogram)
{
	for (int first = 0; first < n_columns; first += BLOCK_COLUMNS)
	{
		block		b = {records, order, 0, columns + first, offset, histogram};
		size_t		rows;

		b.n = n_columns - first < BLOCK_COLUMNS ? n_columns - first : BLOCK_COLUMNS;
		rows = POLL_ADDITIONS / (unsigned) b.n;
		for (size_t begin = 0; begin < n; begin += rows)
		{
			GH_CHECK_STOP(ctx);
			count_rows(&b, begin, begin + rows < n ? begin + rows : n);
		}
	}
	return GH_OK;
}

void
gh_histogram_take_out(const gh_records *records, const gh_bins *bins, const uint32_t *order, size_t n,
					  const uint16_t *columns, int n_columns, const uint32_t *offset, gh_sum *histogram)
{
	for (int k = 0; k < n_columns; k++)
	{
		int			c = columns[k];
		gh_sum	   *sums = histogram + offset[c];
		bool		apart = c < bins->n_features && bins->miss_column[c] != c;

		for (size_t i = 0; i < n; i++)
		{
			const uint8_t *code = records->record + order[i] * records->size;
			gh_sum		g = *gh_record_gradient(records, order[i]);

			/* missing values are not in there when their own column tells them */
			if (!apart || code[bins->miss_column[c]] != bins->miss_code[c])
				sums[code[c]] = gh_sum_subtract(sums[code[c]], g);
		}
	}
}
