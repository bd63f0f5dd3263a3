/*
 * dbcv.c
 *		The validity of a clustering: separation against sparseness.
 *
 * Moulavi et al., https://doi.org/10.1137/1.9781611973440.96, definitions 6 to 8.
 */
#include "dbcv_private.h"

#include "base/gh_sort.h"

#include <math.h>
#include <string.h>

/* Point indices by label, then by index; labels below 0 first. */
static gh_status
sort_members(gh_ctx *ctx, const int32_t *labels, size_t n, uint32_t *order)
{
	uint64_t   *keys = GH_NEW(ctx, n, uint64_t);
	gh_status	status;

	if (keys == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < n; i++)
		keys[i] = labels[i] < 0 ? 0 : (uint64_t) labels[i] + 1;
	status = gh_argsort_u64(ctx, keys, n, order);
	gh_free(ctx, keys);
	return status;
}

/* The same for labels below n_labels, by counting. */
static gh_status
count_members(gh_ctx *ctx, const int32_t *labels, size_t n, size_t n_labels, uint32_t *order)
{
	uint32_t   *next = GH_NEW_ZERO(ctx, n_labels + 2, uint32_t);

	if (next == NULL)
		return gh_ctx_status(ctx);
	for (size_t i = 0; i < n; i++)
		next[labels[i] < 0 ? 1 : (size_t) labels[i] + 2]++;
	for (size_t l = 1; l < n_labels + 2; l++)
		next[l] += next[l - 1];
	for (size_t i = 0; i < n; i++)
		order[next[labels[i] < 0 ? 0 : (size_t) labels[i] + 1]++] = (uint32_t) i;
	gh_free(ctx, next);
	GH_CHECK_STOP(ctx);
	return GH_OK;
}

/* Where the members of each label begin among the sorted ones; begin NULL: only how many there are. */
static uint32_t
find_begins(const int32_t *labels, size_t n, const uint32_t *members, size_t first, uint32_t *begin)
{
	uint32_t	c = 0;

	for (size_t i = first; i < n; i++)
	{
		if (i > first && labels[members[i]] == labels[members[i - 1]])
			continue;
		if (begin != NULL)
			begin[c] = (uint32_t) i;
		c++;
	}
	if (begin != NULL)
		begin[c] = (uint32_t) n;
	return c;
}

gh_status
gh_partition_build(gh_ctx *ctx, const int32_t *labels, size_t n, gh_partition *partition)
{
	size_t		noise = 0;
	int32_t		highest = -1;
	gh_status	status = GH_OK;

	memset(partition, 0, sizeof(*partition));
	for (size_t i = 0; i < n; i++)
	{
		noise += labels[i] < 0;
		highest = labels[i] > highest ? labels[i] : highest;
	}
	partition->members = GH_NEW(ctx, n, uint32_t);
	if (partition->members == NULL)
		return gh_ctx_status(ctx);
	if (highest < 0 || (size_t) highest < n)
		status = count_members(ctx, labels, n, (size_t) (highest + 1), partition->members);
	else
		status = sort_members(ctx, labels, n, partition->members);
	if (status == GH_OK)
	{
		partition->n_clusters = find_begins(labels, n, partition->members, noise, NULL);
		partition->begin = GH_NEW(ctx, (size_t) partition->n_clusters + 1, uint32_t);
		if (partition->begin == NULL)
			status = gh_ctx_status(ctx);
	}
	if (status != GH_OK)
	{
		gh_partition_free(ctx, partition);
		return status;
	}
	(void) find_begins(labels, n, partition->members, noise, partition->begin);
	return GH_OK;
}

void
gh_partition_free(gh_ctx *ctx, gh_partition *partition)
{
	gh_free(ctx, partition->begin);
	gh_free(ctx, partition->members);
	memset(partition, 0, sizeof(*partition));
}

/*
 * (separation - sparseness) / the larger.  Both 0: two clusters on the same
 * spot, neither separated nor spread, 0.  One point has no sparseness and is no
 * cluster in the sense of density: the lowest value.
 */
static double
cluster_validity(const gh_density *c, double separation)
{
	double		larger = separation > c->sparseness ? separation : c->sparseness;

	if (c->n == 1)
		return -1;
	return larger > 0 ? (separation - c->sparseness) / larger : 0;
}

/* separation[c] of measured clusters. */
static gh_status
separate_clusters(gh_ctx *ctx, gh_density *const *clusters, uint32_t n_clusters, double *separation)
{
	const gh_inner **inner = GH_NEW(ctx, n_clusters, const gh_inner *);
	gh_status	status;

	if (inner == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t c = 0; c < n_clusters; c++)
		inner[c] = &clusters[c]->inner;
	status = gh_separate(ctx, inner, n_clusters, separation);
	gh_free(ctx, inner);
	return status;
}

gh_status
gh_dbcv_combine(gh_ctx *ctx, size_t n, gh_density *const *clusters, uint32_t n_clusters, double *value)
{
	double	   *separation = GH_NEW(ctx, n_clusters, double);
	gh_status	status;
	double		sum = 0;

	if (separation == NULL)
		return gh_ctx_status(ctx);
	status = separate_clusters(ctx, clusters, n_clusters, separation);
	for (uint32_t c = 0; status == GH_OK && c < n_clusters; c++)
		sum += (double) clusters[c]->n / (double) n * cluster_validity(clusters[c], separation[c]);
	gh_free(ctx, separation);
	*value = sum;
	return status;
}

/* What a block of memory takes beyond its contents, at most. */
#define BLOCK 128

size_t
gh_dbcv_memory(size_t n, int d)
{
	/* either one cluster of all points, measured and kept, or as many clusters as there can be */
	size_t		one = gh_density_memory(n, d) + gh_inner_memory(n, d);
	size_t		pairs = n / 2 * (sizeof(gh_density) + 3 * sizeof(void *) + BLOCK + gh_inner_memory(1, d)) +
		2 * gh_inner_memory(n / 2, d) + gh_kdtree_memory(n / 2, d);

	return 3 * n * sizeof(uint32_t) + (one > pairs ? one : pairs);
}

/* Measures every cluster of the partition and combines them. */
static gh_status
score_partition(gh_ctx *ctx, const double *points, size_t n, int d, const gh_partition *partition, bool exact,
				double *value)
{
	uint32_t	n_clusters = partition->n_clusters;
	gh_density *clusters = GH_NEW_ZERO(ctx, n_clusters, gh_density);
	gh_density **order = GH_NEW(ctx, n_clusters, gh_density *);
	gh_status	status;

	if (clusters == NULL || order == NULL)
	{
		gh_free(ctx, clusters);
		gh_free(ctx, order);
		return gh_ctx_status(ctx);
	}
	for (uint32_t c = 0; c < n_clusters; c++)
	{
		clusters[c].n = partition->begin[c + 1] - partition->begin[c];
		clusters[c].members = partition->members + partition->begin[c];
		order[c] = &clusters[c];
	}
	status = gh_density_measure_all(ctx, points, n, d, exact, order, n_clusters);
	for (uint32_t c = 0; c < n_clusters; c++)
		order[c] = &clusters[c];
	if (status == GH_OK)
		status = gh_dbcv_combine(ctx, n, order, n_clusters, value);
	for (uint32_t c = 0; c < n_clusters; c++)
		gh_density_free(ctx, &clusters[c]);
	gh_free(ctx, clusters);
	gh_free(ctx, order);
	return status;
}

gh_status
gh_dbcv(gh_ctx *ctx, const double *points, size_t n, int d, const int32_t *labels, bool exact, double *value,
		bool *defined)
{
	gh_partition partition;
	gh_status	status = GH_OK;

	*value = 0;
	*defined = false;
	if (n == 0)
		return GH_OK;
	GH_TRY(gh_cluster_check_points(ctx, points, n, d));
	GH_TRY(gh_memory_check(ctx, gh_dbcv_memory(n, d), "scoring a clustering"));
	GH_TRY(gh_partition_build(ctx, labels, n, &partition));
	if (partition.n_clusters >= 2)
	{
		status = score_partition(ctx, points, n, d, &partition, exact, value);
		*defined = status == GH_OK;
	}
	gh_partition_free(ctx, &partition);
	return status;
}
