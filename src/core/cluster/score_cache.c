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

#include "base/gh_threads.h"

#include <string.h>

typedef struct gh_partition_entry
{
	gh_set_key	key;
	double		dbcv;
	bool		defined;
} gh_partition_entry;

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

/* ---- the cache ---------------------------------------------------------- */

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

void
gh_score_cache_forget(gh_ctx *ctx, gh_score_cache *cache)
{
	for (size_t i = 0; i < cache->n_slots; i++)
	{
		if (cache->slots[i] == NULL)
			continue;
		gh_density_free(ctx, &cache->slots[i]->density);
		gh_free(ctx, cache->slots[i]);
	}
	gh_free(ctx, cache->slots);
	cache->slots = NULL;
	cache->n_slots = cache->n_used = cache->n_points = 0;
}

void
gh_score_cache_close(gh_ctx *ctx, gh_score_cache *cache)
{
	gh_score_cache_forget(ctx, cache);
	gh_free(ctx, cache->partitions);
	memset(cache, 0, sizeof(*cache));
}

/* The slot of a key, or the free one where it belongs.  The table is never full. */
static gh_cached_cluster **
find_slot(gh_cached_cluster **slots, size_t n_slots, const gh_set_key *key)
{
	size_t		at = key->a & (n_slots - 1);

	while (slots[at] != NULL && !keys_equal(&slots[at]->key, key))
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

/* Room for `more` entries with the table at most half full. */
static gh_status
reserve_slots(gh_ctx *ctx, gh_score_cache *cache, size_t more)
{
	size_t		n_slots = cache->n_slots == 0 ? 64 : cache->n_slots;
	gh_cached_cluster **slots;

	while (n_slots < 2 * (cache->n_used + more))
		n_slots *= 2;
	if (n_slots == cache->n_slots)
		return GH_OK;
	slots = GH_NEW_ZERO(ctx, n_slots, gh_cached_cluster *);
	if (slots == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < cache->n_slots; i++)
	{
		if (cache->slots[i] != NULL)
			*find_slot(slots, n_slots, &cache->slots[i]->key) = cache->slots[i];
	}
	gh_free(ctx, cache->slots);
	cache->slots = slots;
	cache->n_slots = n_slots;
	return GH_OK;
}

/* ---- one labelling ------------------------------------------------------ */

static void
count_sizes(const gh_partition *partition, size_t n, gh_grid_cell *cell)
{
	size_t		clustered = 0;

	cell->clusters = (int) partition->n_clusters;
	cell->smallest = cell->largest = 0;
	for (uint32_t c = 0; c < partition->n_clusters; c++)
	{
		size_t		size = partition->begin[c + 1] - partition->begin[c];

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
gh_scoring_open(gh_ctx *ctx, const int32_t *labels, size_t n, gh_grid_cell *cell, gh_scoring *s)
{
	memset(s, 0, sizeof(*s));
	s->cell = cell;
	GH_TRY(gh_partition_build(ctx, labels, n, &s->partition));
	count_sizes(&s->partition, n, cell);
	s->keys = GH_NEW(ctx, s->partition.n_clusters, gh_set_key);
	if (s->keys == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t c = 0; c < s->partition.n_clusters; c++)
	{
		uint32_t	begin = s->partition.begin[c];

		s->keys[c] = key_of_members(s->partition.members + begin, s->partition.begin[c + 1] - begin);
	}
	GH_CHECK_STOP(ctx);
	return GH_OK;
}

void
gh_scoring_close(gh_ctx *ctx, gh_scoring *s)
{
	gh_free(ctx, s->clusters);
	gh_free(ctx, s->keys);
	gh_partition_free(ctx, &s->partition);
	memset(s, 0, sizeof(*s));
}

/* ---- several at once ---------------------------------------------------- */

/* The partition's entry; *known when it was met before, maybe only a moment ago. */
static size_t
enter_partition(gh_score_cache *cache, const gh_scoring *s, bool *known)
{
	gh_partition_entry entry = {key_of_partition(s->keys, s->partition.n_clusters), 0, s->partition.n_clusters >= 2};

	*known = true;
	for (size_t i = 0; i < cache->n_partitions; i++)
	{
		if (keys_equal(&cache->partitions[i].key, &entry.key))
			return i;
	}
	*known = false;
	cache->partitions[cache->n_partitions] = entry;
	return cache->n_partitions++;
}

/* The cluster's entry; a new one goes into fresh[], too. */
static gh_cached_cluster *
enter_cluster(gh_ctx *ctx, gh_score_cache *cache, const gh_scoring *s, uint32_t c, gh_density **fresh, size_t *n_fresh)
{
	gh_cached_cluster **slot = find_slot(cache->slots, cache->n_slots, &s->keys[c]);
	gh_cached_cluster *cluster = *slot;

	if (cluster != NULL)
		return cluster;
	cluster = GH_NEW_ZERO(ctx, 1, gh_cached_cluster);
	if (cluster == NULL)
		return NULL;
	cluster->key = s->keys[c];
	cluster->density.n = s->partition.begin[c + 1] - s->partition.begin[c];
	cluster->density.members = s->partition.members + s->partition.begin[c];
	*slot = cluster;
	cache->n_used++;
	cache->n_points += cluster->density.n;
	fresh[(*n_fresh)++] = &cluster->density;
	return cluster;
}

/* Finds the clusters of a new partition. */
static gh_status
enter_clusters(gh_ctx *ctx, gh_score_cache *cache, gh_scoring *s, gh_density **fresh, size_t *n_fresh)
{
	uint32_t	n_clusters = s->partition.n_clusters;

	s->clusters = GH_NEW(ctx, n_clusters, gh_density *);
	if (s->clusters == NULL)
		return gh_ctx_status(ctx);
	GH_TRY(reserve_slots(ctx, cache, n_clusters));
	for (uint32_t c = 0; c < n_clusters; c++)
	{
		gh_cached_cluster *cluster;

		GH_POLL(ctx, c);
		cluster = enter_cluster(ctx, cache, s, c, fresh, n_fresh);
		if (cluster == NULL)
			return gh_ctx_status(ctx);
		s->clusters[c] = &cluster->density;
	}
	return GH_OK;
}

typedef struct combine_job
{
	gh_score_cache *cache;
	gh_scoring **scorings;
} combine_job;

static gh_status
combine_task(gh_ctx *ctx, void *arg, size_t task, int worker)
{
	combine_job *job = arg;
	const gh_scoring *s = job->scorings[task];

	(void) worker;
	return gh_dbcv_combine(ctx, job->cache->n, s->clusters, s->partition.n_clusters,
						   &job->cache->partitions[s->entry].dbcv);
}

/* Enters what is new, measures it, combines it.  fresh and combined have room for all clusters and scorings. */
static gh_status
score_new(gh_ctx *ctx, gh_score_cache *cache, gh_scoring *scorings, size_t n_scorings, gh_density **fresh,
		  gh_scoring **combined)
{
	combine_job job = {cache, combined};
	size_t		n_fresh = 0,
				n_combined = 0;

	for (size_t i = 0; i < n_scorings; i++)
	{
		gh_scoring *s = &scorings[i];
		bool		known;

		s->entry = enter_partition(cache, s, &known);
		if (known || !cache->partitions[s->entry].defined)
			continue;
		GH_TRY(enter_clusters(ctx, cache, s, fresh, &n_fresh));
		combined[n_combined++] = s;
	}
	GH_TRY(gh_density_measure_all(ctx, cache->points, cache->n, cache->d, false, fresh, n_fresh));
	for (size_t i = 0; i < n_fresh; i++)
		fresh[i]->members = NULL;
	return gh_parallel(ctx, n_combined, combine_task, &job);
}

gh_status
gh_score_all(gh_ctx *ctx, gh_score_cache *cache, gh_scoring *scorings, size_t n_scorings)
{
	size_t		n_clusters = 0;
	gh_density **fresh;
	gh_scoring **combined;
	gh_status	status;

	for (size_t i = 0; i < n_scorings; i++)
		n_clusters += scorings[i].partition.n_clusters;
	fresh = GH_NEW(ctx, n_clusters, gh_density *);
	combined = GH_NEW(ctx, n_scorings, gh_scoring *);
	if (fresh == NULL || combined == NULL)
		status = gh_ctx_status(ctx);
	else
		status = score_new(ctx, cache, scorings, n_scorings, fresh, combined);
	gh_free(ctx, fresh);
	gh_free(ctx, combined);
	for (size_t i = 0; status == GH_OK && i < n_scorings; i++)
	{
		scorings[i].cell->dbcv = cache->partitions[scorings[i].entry].dbcv;
		scorings[i].cell->dbcv_defined = cache->partitions[scorings[i].entry].defined;
	}
	return status;
}

size_t
gh_score_memory(size_t n, int d, size_t n_scorings, size_t n_clusters)
{
	/* a cluster's entry with its slots and pointers, and two blocks of memory */
	size_t		cluster = sizeof(gh_cached_cluster) + 2 * 64 + 6 * sizeof(void *) + sizeof(gh_set_key) + 4 * sizeof(double) +
		gh_inner_memory(1, d);
	size_t		one = n * sizeof(uint32_t) + gh_inner_memory(n, d) + n_clusters * cluster;

	return n_scorings * one + gh_density_memory(n, d) + gh_inner_memory(n_clusters, d) + gh_kdtree_memory(n_clusters, d);
}
