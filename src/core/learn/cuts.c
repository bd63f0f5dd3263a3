/*
 * cuts.c
 *		Where the values of a feature are cut into bins.
 *
 * Bins of equal numbers of rows cannot be had where a value is common: cuts at
 * equal ranks would meet in it, and the bins they should have made are lost (of
 * 256 bins, 151 are left for a feature that is 0 in 41 % of the rows).  So the
 * bins are those of the smallest possible limit on the rows of a bin, where a
 * value that exceeds the limit by itself stands alone.  For a limit, filling
 * every bin as far as it goes needs the fewest bins, and the more the lower the
 * limit is, so bisection finds the smallest.
 */
#include "learn/cuts.h"

/* Keys looked at between two polls. */
#define POLL_KEYS 65536

/* The first place in [low, high) whose key is at least `key`, or above it; high when there is none. */
static size_t
find_key(const uint32_t *keys, size_t low, size_t high, uint32_t key, bool above)
{
	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		if (keys[middle] < key || (above && keys[middle] == key))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where a bin from `begin` ends: as far as `limit` keys go, but after one distinct key at the least. */
static size_t
fill_bin(const uint32_t *keys, size_t m, size_t begin, size_t limit)
{
	size_t		end;

	if (m - begin <= limit)
		return m;
	end = find_key(keys, begin, begin + limit, keys[begin + limit], false);
	return end > begin ? end : find_key(keys, begin + limit, m, keys[begin], true);
}

/* How many bins a limit needs, counted up to most + 1; begin: NULL, or where they begin. */
static int
fill_bins(const uint32_t *keys, size_t m, size_t limit, int most, size_t *begin)
{
	size_t		at = 0;
	int			n = 0;

	while (at < m && n <= most)
	{
		if (begin != NULL)
			begin[n] = at;
		at = fill_bin(keys, m, at, limit);
		n++;
	}
	return n;
}

/* The smallest limit that needs no more than `most` bins. */
static gh_status
smallest_limit(gh_ctx *ctx, const uint32_t *keys, size_t m, int most, size_t *limit)
{
	size_t		low = 1,
				high = 2 * (m / (size_t) most + 1);	/* two neighbouring bins hold more than a limit */

	while (low < high)
	{
		size_t		middle = low + (high - low) / 2;

		GH_CHECK_STOP(ctx);
		if (fill_bins(keys, m, middle, most, NULL) <= most)
			high = middle;
		else
			low = middle + 1;
	}
	*limit = low;
	return GH_OK;
}

/* The largest bin of several distinct keys, the first of equal ones; n when there is none. */
static int
largest_bin(const uint32_t *keys, size_t m, const size_t *begin, int n)
{
	size_t		most = 0;
	int			largest = n;

	for (int b = 0; b < n; b++)
	{
		size_t		end = b + 1 < n ? begin[b + 1] : m;

		if (end - begin[b] <= most || keys[begin[b]] == keys[end - 1])
			continue;
		most = end - begin[b];
		largest = b;
	}
	return largest;
}

/* Where [begin, end) of several distinct keys parts most evenly; the lower of two such places. */
static size_t
halve(const uint32_t *keys, size_t begin, size_t end)
{
	size_t		middle = begin + (end - begin) / 2,
				low = find_key(keys, begin, middle, keys[middle], false),
				high = find_key(keys, middle, end, keys[middle], true);

	if (low == begin)
		return high;
	if (high == end)
		return low;
	return high - begin < end - low ? high : low;
}

/* What bins the limit left over halve the largest ones. */
static void
use_the_rest(const uint32_t *keys, size_t m, int most, size_t *begin, int *n)
{
	while (*n < most)
	{
		int			b = largest_bin(keys, m, begin, *n);
		size_t		cut = b < *n ? halve(keys, begin[b], b + 1 < *n ? begin[b + 1] : m) : m;

		if (b == *n)
			return;
		for (int k = *n; k > b + 1; k--)
			begin[k] = begin[k - 1];
		begin[b + 1] = cut;
		(*n)++;
	}
}

/* The first of each distinct key; *fits is false when there are more than `most`. */
static gh_status
distinct_bins(gh_ctx *ctx, const uint32_t *keys, size_t m, int most, size_t *begin, int *n, bool *fits)
{
	begin[0] = 0;
	*n = 1;
	*fits = true;
	for (size_t i = 1; i < m && *fits; i++)
	{
		if (i % POLL_KEYS == 0)
			GH_CHECK_STOP(ctx);
		if (keys[i] == keys[i - 1])
			continue;
		*fits = *n < most;
		if (*fits)
			begin[(*n)++] = i;
	}
	return GH_OK;
}

gh_status
gh_cuts_place(gh_ctx *ctx, const uint32_t *keys, size_t m, int most, int shared, size_t *begin, int *n)
{
	size_t		limit = m;
	bool		fits;

	GH_TRY(distinct_bins(ctx, keys, m, most, begin, n, &fits));
	if (fits)
		return GH_OK;
	GH_TRY(smallest_limit(ctx, keys, m, shared, &limit));
	*n = fill_bins(keys, m, limit, shared, begin);
	use_the_rest(keys, m, shared, begin, n);
	return GH_OK;
}
