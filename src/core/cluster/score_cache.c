/*
 * score_cache.c
 *		DBCV for many clusterings of the same points.
 *
 * Neighbouring settings of a grid often give the same partition, and different
 * partitions share most of their clusters: a cluster is the set of points under
 * one merge of the dendrogram.  What DBCV needs of a cluster depends on that
 * set alone, so it is measured once; only the separation is new each time.
 */
#include "grid_private.h"

#include <string.h>

typedef struct gh_partition_entry
{
	gh_set_key	key;
	double		dbcv;
	bool		defined;
} gh_partition_entry;

typedef struct gh_density_entry
{
	gh_set_key	key;
	gh_density	density;		/* without members; n == 0: a free slot */
} gh_density_entry;

/* One partition while it is being scored. */
typedef struct scoring
{
	gh_partition partition;
	gh_set_key *keys;			/* per cluster */
	gh_density *clusters;
	bool	   *wanted;			/* not in the cache: measured now, and then handed over to it */
} scoring;

/* Two independent multiply-and-shift chains. */
static inline void
mix(gh_set_key *key, uint64_t value)
{
	key->a = (key->a ^ value) * UINT64_C(0x9E3779B97F4A7C15);
	key->a ^= key->a >> 29;
	key->b = (key->b + value) * UINT64_C(0xC2B2AE3D27D4EB4F);
	key->b ^= key->b >> 31;
}

static gh_set_key
key_of_members(const uint32_t *members, uint32_t n)
{
	gh_set_key	key = {n, ~(uint64_t) n};

	for (uint32_t i = 0; i < n; i++)
		mix(&key, members[i]);
	return key;
}

static inline bool
keys_equal(const gh_set_key *x, const gh_set_key *y)
{
	return x->a == y->a && x->b == y->b;
}

/* The sum does not depend on how the clusters are numbered. */
static gh_set_key
key_of_partition(const gh_set_key *clusters, uint32_t n_clusters)
{
	gh_set_key	key = {n_clusters, n_clusters};

	for (uint32_t c = 0; c < n_clusters; c++)
	{
		gh_set_key	one = clusters[c];

		mix(&one, one.a ^ one.b);
		key.a += one.a;
		key.b += one.b;
	}
	return key;
}

gh_status
gh_score_cache_open(gh_ctx *ctx, const double *points, size_t n, int d, size_t n_settings, gh_score_cache *cache)
{
	memset(cache, 0, sizeof(*cache));
	cache->points = points;
	cache->n = n;
	cache->d = d;
	cache->partitions = GH_NEW(ctx, n_settings, gh_partition_entry);
	return cache->partitions == NULL ? gh_ctx_status(ctx) : GH_OK;
}

static void
forget_densities(gh_ctx *ctx, gh_score_cache *cache)
{
	for (size_t i = 0; i < cache->n_slots; i++)
	{
		if (cache->slots[i].density.n != 0)
			gh_density_free(ctx, &cache->slots[i].density);
		cache->slots[i].density.n = 0;
	}
	cache->n_used = cache->n_inner = 0;
}

void
gh_score_cache_close(gh_ctx *ctx, gh_score_cache *cache)
{
	forget_densities(ctx, cache);
	gh_free(ctx, cache->slots);
	gh_free(ctx, cache->partitions);
	memset(cache, 0, sizeof(*cache));
}

size_t
gh_score_cache_memory(size_t n, size_t n_settings)
{
	return n_settings * sizeof(gh_partition_entry) +
		n * (GH_CACHED_INNER + 1) * (sizeof(uint32_t) + sizeof(double));
}

/* The slot of a key, or the free one where it belongs.  The table is never full. */
static gh_density_entry *
find_slot(gh_density_entry *slots, size_t n_slots, const gh_set_key *key)
{
	size_t		at = key->a & (n_slots - 1);

	while (slots[at].density.n != 0 && !keys_equal(&slots[at].key, key))
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

/* Room for `more` entries with the table at most half full. */
static gh_status
reserve_slots(gh_ctx *ctx, gh_score_cache *cache, size_t more)
{
	size_t		n_slots = cache->n_slots == 0 ? 64 : cache->n_slots;
	gh_density_entry *slots;

	while (n_slots < 2 * (cache->n_used + more))
		n_slots *= 2;
	if (n_slots == cache->n_slots)
		return GH_OK;
	slots = GH_NEW_ZERO(ctx, n_slots, gh_density_entry);
	if (slots == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < cache->n_slots; i++)
	{
		if (cache->slots[i].density.n != 0)
			*find_slot(slots, n_slots, &cache->slots[i].key) = cache->slots[i];
	}
	gh_free(ctx, cache->slots);
	cache->slots = slots;
	cache->n_slots = n_slots;
	return GH_OK;
}

static gh_status
open_scoring(gh_ctx *ctx, const int32_t *labels, size_t n, scoring *s)
{
	uint32_t	n_clusters;

	memset(s, 0, sizeof(*s));
	GH_TRY(gh_partition_build(ctx, labels, n, &s->partition));
	n_clusters = s->partition.n_clusters;
	s->keys = GH_NEW(ctx, n_clusters, gh_set_key);
	s->clusters = GH_NEW_ZERO(ctx, n_clusters, gh_density);
	s->wanted = GH_NEW_ZERO(ctx, n_clusters, bool);
	if (s->keys == NULL || s->clusters == NULL || s->wanted == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t c = 0; c < n_clusters; c++)
	{
		s->clusters[c].n = s->partition.begin[c + 1] - s->partition.begin[c];
		s->clusters[c].members = s->partition.members + s->partition.begin[c];
		s->keys[c] = key_of_members(s->clusters[c].members, s->clusters[c].n);
	}
	return GH_OK;
}

/* Frees what the cache has not taken over. */
static void
close_scoring(gh_ctx *ctx, scoring *s)
{
	for (uint32_t c = 0; s->wanted != NULL && s->clusters != NULL && c < s->partition.n_clusters; c++)
	{
		if (s->wanted[c])
			gh_density_free(ctx, &s->clusters[c]);
	}
	gh_free(ctx, s->keys);
	gh_free(ctx, s->clusters);
	gh_free(ctx, s->wanted);
	gh_partition_free(ctx, &s->partition);
}

/* Densities from the cache, or measured and put there. */
static gh_status
fill_densities(gh_ctx *ctx, gh_score_cache *cache, scoring *s)
{
	uint32_t	n_clusters = s->partition.n_clusters;

	if (cache->n_inner > GH_CACHED_INNER * cache->n)
		forget_densities(ctx, cache);
	GH_TRY(reserve_slots(ctx, cache, n_clusters));
	for (uint32_t c = 0; c < n_clusters; c++)
	{
		const gh_density_entry *entry = find_slot(cache->slots, cache->n_slots, &s->keys[c]);

		if (entry->density.n == 0)
			s->wanted[c] = true;
		else
			s->clusters[c] = entry->density;
	}
	GH_TRY(gh_density_measure_all(ctx, cache->points, cache->d, s->clusters, s->wanted, n_clusters));
	for (uint32_t c = 0; c < n_clusters; c++)
	{
		gh_density_entry *entry;

		if (!s->wanted[c])
			continue;
		entry = find_slot(cache->slots, cache->n_slots, &s->keys[c]);
		entry->key = s->keys[c];
		entry->density = s->clusters[c];
		entry->density.members = NULL;
		s->wanted[c] = false;
		cache->n_used++;
		cache->n_inner += s->clusters[c].n_inner;
	}
	return GH_OK;
}

static gh_status
score_partition(gh_ctx *ctx, gh_score_cache *cache, scoring *s, gh_partition_entry *score)
{
	score->key = key_of_partition(s->keys, s->partition.n_clusters);
	for (size_t i = 0; i < cache->n_partitions; i++)
	{
		if (keys_equal(&cache->partitions[i].key, &score->key))
		{
			*score = cache->partitions[i];
			return GH_OK;
		}
	}
	score->dbcv = 0;
	score->defined = s->partition.n_clusters >= 2;
	if (score->defined)
	{
		GH_TRY(fill_densities(ctx, cache, s));
		GH_TRY(gh_dbcv_combine(ctx, cache->points, cache->n, cache->d, s->clusters, s->partition.n_clusters,
							   &score->dbcv));
	}
	cache->partitions[cache->n_partitions++] = *score;
	return GH_OK;
}

static void
count_sizes(const scoring *s, size_t n, gh_grid_cell *cell)
{
	size_t		clustered = 0;

	cell->clusters = (int) s->partition.n_clusters;
	cell->smallest = cell->largest = 0;
	for (uint32_t c = 0; c < s->partition.n_clusters; c++)
	{
		size_t		size = s->partition.begin[c + 1] - s->partition.begin[c];

		clustered += size;
		if (c == 0 || size < cell->smallest)
			cell->smallest = size;
		if (size > cell->largest)
			cell->largest = size;
	}
	cell->mean_size = cell->clusters > 0 ? (double) clustered / cell->clusters : 0;
	cell->noise = n - clustered;
}

gh_status
gh_score_cell(gh_ctx *ctx, gh_score_cache *cache, const int32_t *labels, gh_grid_cell *cell)
{
	scoring		s;
	gh_partition_entry score;
	gh_status	status = open_scoring(ctx, labels, cache->n, &s);

	if (status == GH_OK)
	{
		count_sizes(&s, cache->n, cell);
		status = score_partition(ctx, cache, &s, &score);
	}
	if (status == GH_OK)
	{
		cell->dbcv = score.dbcv;
		cell->dbcv_defined = score.defined;
	}
	close_scoring(ctx, &s);
	return status;
}
