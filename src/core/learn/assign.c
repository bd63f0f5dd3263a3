/*
 * assign.c
 *		Which cluster every genre belongs to, and which genres are kept.
 */
#include "learn/supergenres_private.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_BETWEEN_POLLS 65536

static gh_status
check_labels(gh_ctx *ctx, const gh_labels *labels)
{
	for (size_t i = 0; i < labels->n; i++)
	{
		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		for (uint64_t k = labels->begin[i]; k < labels->begin[i + 1]; k++)
			if (labels->label[k] >= labels->n_labels)
				return gh_fail(ctx, GH_EINTERNAL, "label %u of row %zu is not below %u", labels->label[k], i,
							   labels->n_labels);
	}
	return GH_OK;
}

/* Counting sort by label; a label that a row has twice counts once. */
static gh_status
fill_rows(gh_ctx *ctx, const gh_labels *labels, gh_label_rows *out, uint64_t *next)
{
	uint64_t	kept = 0,
				from = 0;

	memset(next, 0, labels->n_labels * sizeof(uint64_t));
	for (uint64_t k = 0; k < labels->begin[labels->n]; k++)
		next[labels->label[k]]++;
	for (uint32_t g = 0; g < labels->n_labels; g++)
	{
		uint64_t	count = next[g];

		out->begin[g] = next[g] = kept;
		kept += count;
	}
	out->begin[labels->n_labels] = kept;
	for (size_t i = 0; i < labels->n; i++)
	{
		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
		for (uint64_t k = labels->begin[i]; k < labels->begin[i + 1]; k++)
			out->row[next[labels->label[k]]++] = (uint32_t) i;
	}
	kept = 0;
	for (uint32_t g = 0; g < labels->n_labels; g++)
	{
		uint64_t	first = kept,
					end = out->begin[g + 1];

		for (; from < end; from++)
			if (kept == first || out->row[kept - 1] != out->row[from])
				out->row[kept++] = out->row[from];
		out->begin[g] = first;
	}
	out->begin[labels->n_labels] = kept;
	return GH_OK;
}

gh_status
gh_label_rows_build(gh_ctx *ctx, const gh_labels *labels, gh_label_rows *out)
{
	uint64_t   *next;
	gh_status	status;

	memset(out, 0, sizeof(*out));
	GH_TRY(check_labels(ctx, labels));
	next = GH_NEW(ctx, labels->n_labels, uint64_t);
	out->begin = GH_NEW(ctx, (size_t) labels->n_labels + 1, uint64_t);
	out->row = GH_NEW(ctx, labels->begin[labels->n], uint32_t);
	if (next == NULL || out->begin == NULL || out->row == NULL)
		status = gh_ctx_status(ctx);
	else
		status = fill_rows(ctx, labels, out, next);
	gh_free(ctx, next);
	if (status != GH_OK)
		gh_label_rows_free(ctx, out);
	return status;
}

void
gh_label_rows_free(gh_ctx *ctx, gh_label_rows *rows)
{
	gh_free(ctx, rows->row);
	gh_free(ctx, rows->begin);
	rows->row = NULL;
	rows->begin = NULL;
}

/* The cluster of one genre; count[n_clusters] is zero before and after. */
static void
assign_one(const uint32_t *row, uint64_t n, const int32_t *cluster, const uint64_t *size, uint64_t *count,
		   int32_t *best, uint64_t *best_count)
{
	*best = GH_NOISE;
	*best_count = n;			/* nothing but noise, unless a cluster shows up */
	for (uint64_t k = 0; k < n; k++)
		if (cluster[row[k]] >= 0)
			count[cluster[row[k]]]++;
	for (uint64_t k = 0; k < n; k++)
	{
		int32_t		c = cluster[row[k]];

		if (c < 0)
			continue;
		/* equal counts: the larger share is the smaller cluster */
		if (*best < 0 || count[c] > *best_count
			|| (count[c] == *best_count && (size[c] < size[*best] || (size[c] == size[*best] && c < *best))))
		{
			*best = c;
			*best_count = count[c];
		}
	}
	for (uint64_t k = 0; k < n; k++)
		if (cluster[row[k]] >= 0)
			count[cluster[row[k]]] = 0;
}

static gh_status
assign_all(gh_ctx *ctx, const gh_label_rows *rows, uint32_t n_genres, const int32_t *cluster, const uint64_t *size,
		   uint64_t *count, gh_assignment *out)
{
	uint64_t	work = 0;

	for (uint32_t g = 0; g < n_genres; g++)
	{
		uint64_t	begin = rows->begin[g],
					n = rows->begin[g + 1] - begin;

		assign_one(rows->row + begin, n, cluster, size, count, &out->cluster[g], &out->count[g]);
		out->total[g] = n;
		work += n + 1;
		if (work > ROWS_BETWEEN_POLLS)
		{
			GH_CHECK_STOP(ctx);
			work = 0;
		}
	}
	return GH_OK;
}

gh_status
gh_assign_genres(gh_ctx *ctx, const gh_labels *genres, const int32_t *cluster, int n_clusters, gh_assignment *out)
{
	gh_label_rows rows;
	uint64_t   *size,
			   *count;
	gh_status	status = GH_OK;

	for (size_t i = 0; i < genres->n; i++)
		if (cluster[i] < GH_NOISE || cluster[i] >= n_clusters)
			return gh_fail(ctx, GH_EINTERNAL, "cluster %d of row %zu is not below %d", cluster[i], i, n_clusters);
	GH_TRY(gh_label_rows_build(ctx, genres, &rows));
	size = GH_NEW_ZERO(ctx, n_clusters, uint64_t);
	count = GH_NEW_ZERO(ctx, n_clusters, uint64_t);
	if (size == NULL || count == NULL)
		status = gh_ctx_status(ctx);
	for (size_t i = 0; i < genres->n && status == GH_OK; i++)
		if (cluster[i] >= 0)
			size[cluster[i]]++;
	if (status == GH_OK)
		status = assign_all(ctx, &rows, genres->n_labels, cluster, size, count, out);
	gh_free(ctx, count);
	gh_free(ctx, size);
	gh_label_rows_free(ctx, &rows);
	return status;
}

/* ---- popularity -------------------------------------------------------- */

typedef struct candidate
{
	int32_t		cluster;
	uint64_t	artists;
	const char *name;
	uint32_t	genre;
} candidate;

/* By cluster, then artists descending, then name, then genre: a total order. */
static int
compare_candidates(const void *va, const void *vb)
{
	const candidate *a = va,
			   *b = vb;
	int			order;

	if (a->cluster != b->cluster)
		return a->cluster < b->cluster ? -1 : 1;
	if (a->artists != b->artists)
		return a->artists > b->artists ? -1 : 1;
	order = strcmp(a->name, b->name);
	return order != 0 ? order : (a->genre > b->genre) - (a->genre < b->genre);
}

gh_status
gh_keep_popular(gh_ctx *ctx, const gh_assignment *assignment, uint32_t n_genres, const char *const *genre_name,
				int most, int32_t *keep)
{
	candidate  *all = GH_NEW(ctx, n_genres, candidate);
	uint32_t	n = 0;
	int			taken = 0;

	if (all == NULL)
		return gh_ctx_status(ctx);
	for (uint32_t g = 0; g < n_genres; g++)
	{
		keep[g] = GH_NOISE;
		if (assignment->cluster[g] >= 0 && assignment->total[g] > 0)
			all[n++] = (candidate) {assignment->cluster[g], assignment->total[g], genre_name[g], g};
	}
	if (n > 0)
		qsort(all, n, sizeof(candidate), compare_candidates);
	for (uint32_t i = 0; i < n; i++)
	{
		taken = i > 0 && all[i].cluster == all[i - 1].cluster ? taken + 1 : 1;
		if (taken <= most)
			keep[all[i].genre] = all[i].cluster;
	}
	gh_free(ctx, all);
	return GH_OK;
}
