/*
 * catalogue_sample.c
 *		A sample of the songs in which every artist keeps its share.
 *
 * It is drawn from the songs' artists alone, before any feature is read, so
 * that the songs left out cost five bytes each.
 */
#include "gh_pg_catalogue.h"

#include "base/gh_random.h"
#include "miscadmin.h"

#define SONGS_BETWEEN_INTERRUPTS 65536

static inline uint32
random_of(uint64 seed, uint32 song)
{
	return (uint32) (gh_random_u64(seed, GH_STREAM_SPLIT, song) >> 32);
}

/* Songs of one artist in a random order, equal numbers by song. */
static int
compare_songs(const void *a, const void *b, void *arg)
{
	uint64		seed = *(const uint64 *) arg;
	uint32		i = *(const uint32 *) a,
				j = *(const uint32 *) b,
				ri = random_of(seed, i),
				rj = random_of(seed, j);

	CHECK_FOR_INTERRUPTS();
	return ri != rj ? (ri > rj) - (ri < rj) : (i > j) - (i < j);
}

/* end[a], gh memory: where the songs of artist a would end if they stood artist by artist. */
static size_t *
count_songs(const gh_catalogue *c, const uint32_t *artist, size_t n)
{
	size_t	   *end = gh_pg_alloc(c->ctx, c->artist->n, sizeof(size_t)),
				sum = 0;

	memset(end, 0, c->artist->n * sizeof(size_t));
	for (size_t i = 0; i < n; i++)
	{
		if (i % SONGS_BETWEEN_INTERRUPTS == 0)
			CHECK_FOR_INTERRUPTS();
		end[artist[i]]++;
	}
	for (uint32 a = 0; a < c->artist->n; a++)
		end[a] = sum += end[a];
	return end;
}

/* The songs artist by artist, an artist's in a random order. */
static uint32_t *
order_by_artist(const gh_catalogue *c, const uint32_t *artist, size_t n, uint64 seed)
{
	uint32_t   *order = gh_pg_alloc(c->ctx, n, sizeof(uint32_t));
	size_t	   *end = count_songs(c, artist, n);

	for (size_t i = n; i-- > 0;)
	{
		if (i % SONGS_BETWEEN_INTERRUPTS == 0)
			CHECK_FOR_INTERRUPTS();
		order[--end[artist[i]]] = (uint32_t) i;
	}
	/* now each says where its artist's songs begin */
	for (uint32 a = 0; a < c->artist->n; a++)
	{
		size_t		stop = a + 1 < c->artist->n ? end[a + 1] : n;

		qsort_arg(order + end[a], stop - end[a], sizeof(uint32_t), compare_songs, &seed);
	}
	gh_free(c->ctx, end);
	return order;
}

bool *
gh_catalogue_sample(gh_catalogue *c, const uint32_t *artist, size_t n, int64 most, uint64 seed)
{
	size_t		m = (size_t) most;
	uint32_t   *order;
	bool	   *keep;

	if (n <= m)
		return NULL;
	order = order_by_artist(c, artist, n, seed);
	keep = gh_pg_alloc(c->ctx, n, sizeof(bool));
	/* every (n / m)th: m in all, and of each artist its share rounded up or down */
	for (size_t p = 0; p < n; p++)
	{
		if (p % SONGS_BETWEEN_INTERRUPTS == 0)
			CHECK_FOR_INTERRUPTS();
		keep[order[p]] = (p + 1) * m / n > p * m / n;
	}
	gh_free(c->ctx, order);
	gh_note(c->ctx, "catalogue", "a sample of %zu of the %zu songs is used", m, n);
	return keep;
}
