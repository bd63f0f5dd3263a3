/*
 * catalogue_sample.c
 *		A sample of the songs in which every artist keeps its share.
 */
#include "gh_pg_catalogue.h"

#include "base/gh_random.h"
#include "base/gh_sort.h"
#include "miscadmin.h"

/* The songs artist by artist (the first of each), an artist's in a random order. */
static uint32_t *
order_by_artist(gh_catalogue *c, uint64 seed)
{
	size_t		n = c->songs.n;
	uint64_t   *key = gh_pg_alloc(c->ctx, n, sizeof(uint64_t));
	uint32_t   *order = gh_pg_alloc(c->ctx, n, sizeof(uint32_t));

	for (size_t i = 0; i < n; i++)
	{
		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		key[i] = (uint64_t) c->song_artists.label[c->song_artists.begin[i]] << 32
			| gh_random_u64(seed, GH_STREAM_SPLIT, i) >> 32;
	}
	gh_pg_check(c->ctx, gh_argsort_u64(c->ctx, key, n, order));
	gh_free(c->ctx, key);
	return order;
}

void
gh_catalogue_sample(gh_catalogue *c, int64 most, uint64 seed)
{
	size_t		n = c->songs.n,
				m = (size_t) most,
				kept = 0;
	uint32_t   *order;
	bool	   *keep;

	if (most == 0 || n <= m)
		return;
	order = order_by_artist(c, seed);
	keep = gh_pg_alloc(c->ctx, n, sizeof(bool));
	/* every (n / m)th: m in all, and of each artist its share rounded up or down */
	for (size_t p = 0; p < n; p++)
	{
		if (p % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		keep[order[p]] = (p + 1) * m / n > p * m / n;
	}
	gh_free(c->ctx, order);
	for (size_t i = 0; i < n; i++)
	{
		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!keep[i])
			continue;
		if (kept < i)
			memcpy(c->songs.x + kept * c->n_features, c->songs.x + i * c->n_features, c->n_features * sizeof(float));
		kept++;
	}
	c->songs.n = c->songs.capacity = kept;
	c->songs.x = gh_pg_realloc(c->ctx, c->songs.x, kept * (size_t) c->n_features, sizeof(float));
	gh_label_list_keep(&c->song_artists, keep);
	gh_label_list_keep(&c->song_genres, keep);
	gh_free(c->ctx, keep);
	gh_note(c->ctx, "catalogue", "a sample of %zu of the %zu songs is used", kept, n);
}
