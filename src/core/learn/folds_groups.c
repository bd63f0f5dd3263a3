/*
 * folds_groups.c
 *		Rows by group, and the groups of each label, before they are dealt.
 */
#include "learn/folds_private.h"

#include <string.h>

#include "base/gh_random.h"
#include "base/gh_sort.h"

/* Numbers of groups up to so many times the number of rows are counted, others sorted. */
#define DENSE 4

/* ---- groups ------------------------------------------------------------ */

/* Rows in the order of their groups' numbers, when these are not much larger than the number of rows. */
static gh_status
count_rows(gh_deck *d, uint32_t most)
{
	size_t		n = d->labels->n;
	uint32_t   *end = GH_NEW_ZERO(d->ctx, (size_t) most + 2, uint32_t);
	gh_status	status = GH_OK;

	if (end == NULL)
		return gh_ctx_status(d->ctx);
	for (size_t i = 0; i < n && status == GH_OK; i++)
	{
		if (i % POLL_STEPS == 0 && gh_should_stop(d->ctx))
			status = gh_canceled(d->ctx);
		end[d->group[i] + 1]++;
	}
	for (size_t g = 0; g <= most; g++)
		end[g + 1] += end[g];
	for (size_t i = 0; i < n && status == GH_OK; i++)
	{
		if (i % POLL_STEPS == 0 && gh_should_stop(d->ctx))
			status = gh_canceled(d->ctx);
		d->rows[end[d->group[i]]++] = (uint32_t) i;
	}
	gh_free(d->ctx, end);
	return status;
}

static gh_status
sort_rows(gh_deck *d)
{
	size_t		n = d->labels->n;
	uint64_t   *keys = GH_NEW(d->ctx, n, uint64_t);
	gh_status	status;

	if (keys == NULL)
		return gh_ctx_status(d->ctx);
	for (size_t i = 0; i < n; i++)
		keys[i] = d->group[i];
	status = gh_argsort_u64(d->ctx, keys, n, d->rows);
	gh_free(d->ctx, keys);
	return status;
}

/* Rows by group, those of a group in their order. */
static gh_status
order_rows(gh_deck *d)
{
	size_t		n = d->labels->n;
	uint32_t	most = 0;

	d->rows = GH_NEW(d->ctx, n, uint32_t);
	if (d->rows == NULL)
		return gh_ctx_status(d->ctx);
	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_STEPS == 0)
			GH_CHECK_STOP(d->ctx);
		d->rows[i] = (uint32_t) i;
		most = d->group != NULL && d->group[i] > most ? d->group[i] : most;
	}
	if (d->group == NULL)
		return GH_OK;
	return most / DENSE <= n ? count_rows(d, most) : sort_rows(d);
}

static inline uint32_t
group_number(const gh_deck *d, uint32_t row)
{
	return d->group != NULL ? d->group[row] : row;
}

/* Number the groups in ascending order and list their rows. */
gh_status
gh_deck_number_groups(gh_deck *d)
{
	size_t		n = d->labels->n;
	uint32_t   *trimmed;

	GH_TRY(order_rows(d));
	d->row_group = GH_NEW(d->ctx, n, uint32_t);
	d->row_begin = GH_NEW(d->ctx, n + 1, uint32_t);
	if (d->row_group == NULL || d->row_begin == NULL)
		return gh_ctx_status(d->ctx);
	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_STEPS == 0)
			GH_CHECK_STOP(d->ctx);
		if (i == 0 || group_number(d, d->rows[i]) != group_number(d, d->rows[i - 1]))
			d->row_begin[d->n_groups++] = (uint32_t) i;
		d->row_group[d->rows[i]] = (uint32_t) (d->n_groups - 1);
	}
	d->row_begin[d->n_groups] = (uint32_t) n;
	trimmed = gh_realloc(d->ctx, d->row_begin, d->n_groups + 1, sizeof(uint32_t));
	if (trimmed == NULL)
		return gh_ctx_status(d->ctx);
	d->row_begin = trimmed;
	return GH_OK;
}

gh_status
gh_deck_hash_groups(gh_deck *d)
{
	d->hash = GH_NEW(d->ctx, d->n_groups, uint64_t);
	if (d->hash == NULL)
		return gh_ctx_status(d->ctx);
	for (size_t g = 0; g < d->n_groups; g++)
	{
		if (g % POLL_STEPS == 0)
			GH_CHECK_STOP(d->ctx);
		d->hash[g] = gh_random_u64(d->seed, GH_STREAM_FOLDS, group_number(d, d->rows[d->row_begin[g]]));
	}
	return GH_OK;
}

/* ---- pairs of group and label ------------------------------------------ */

/*
 * One pass over the labels: counts the pairs, or (pair_label there) fills them
 * in.  slot: 1 + the label's pair in this group; seen: 1 + the row that had it
 * last; both of zeros.  A label twice in a row counts once.
 */
static gh_status
pass_labels(gh_deck *d, uint64_t *slot, uint64_t *seen)
{
	const gh_labels *labels = d->labels;

	d->n_pairs = 0;
	for (size_t i = 0, g = 0; i < labels->n; i++)
	{
		uint32_t	row = d->rows[i];
		uint64_t	begin,
					end;

		if (i % POLL_STEPS == 0)
			GH_CHECK_STOP(d->ctx);
		if (d->row_begin[g] == i)
			d->pair_begin[g++] = d->n_pairs;
		gh_labels_of(labels, row, &begin, &end);
		for (uint64_t at = begin; at < end; at++)
		{
			uint32_t	l = labels->label[at];

			if (seen[l] == (uint64_t) row + 1)
				continue;
			seen[l] = (uint64_t) row + 1;
			if (slot[l] <= d->pair_begin[g - 1])
			{
				slot[l] = d->n_pairs + 1;
				if (d->pair_label != NULL)
				{
					d->pair_label[d->n_pairs] = l;
					d->pair_count[d->n_pairs] = 0;
				}
				d->n_pairs++;
			}
			if (d->pair_count != NULL)
				d->pair_count[slot[l] - 1]++;
		}
	}
	d->pair_begin[d->n_groups] = d->n_pairs;
	return GH_OK;
}

/* Rows per (group, label). */
gh_status
gh_deck_count_pairs(gh_deck *d)
{
	uint32_t	n_labels = d->labels->n_labels;
	uint64_t   *slot = GH_NEW_ZERO(d->ctx, n_labels, uint64_t),
			   *seen = GH_NEW_ZERO(d->ctx, n_labels, uint64_t);
	gh_status	status;

	d->pair_begin = GH_NEW(d->ctx, d->n_groups + 1, uint64_t);
	if (slot == NULL || seen == NULL || d->pair_begin == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	GH_GOTO(done, pass_labels(d, slot, seen));
	d->pair_label = GH_NEW(d->ctx, d->n_pairs, uint32_t);
	d->pair_count = GH_NEW(d->ctx, d->n_pairs, uint32_t);
	if (d->pair_label == NULL || d->pair_count == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	memset(slot, 0, n_labels * sizeof(uint64_t));
	memset(seen, 0, n_labels * sizeof(uint64_t));
	GH_GOTO(done, pass_labels(d, slot, seen));
done:
	gh_free(d->ctx, slot);
	gh_free(d->ctx, seen);
	return status;
}

/* The pairs group by group as the hashes have these: where each stands, and its group. */
static gh_status
lay_out_pairs(gh_deck *d, const uint32_t *by_hash, uint64_t *pair, uint32_t *owner)
{
	size_t		n = 0;

	for (size_t i = 0; i < d->n_groups; i++)
	{
		uint32_t	g = by_hash[i];

		if (i % POLL_STEPS == 0)
			GH_CHECK_STOP(d->ctx);
		for (uint64_t at = d->pair_begin[g]; at < d->pair_begin[g + 1]; at++)
		{
			owner[n] = g;
			pair[n++] = at;
		}
	}
	return GH_OK;
}

/* Groups of the labels from pairs in some order; next: where the next group of a label goes. */
static gh_status
deal_out_groups(gh_deck *d, const uint64_t *pair, const uint32_t *owner, const uint32_t *order, uint64_t *next)
{
	for (size_t i = 0; i < d->n_pairs; i++)
	{
		if (i % POLL_STEPS == 0)
			GH_CHECK_STOP(d->ctx);
		d->label_group[next[d->pair_label[pair[order[i]]]]++] = owner[order[i]];
	}
	return GH_OK;
}

/* Groups with several rows of a label: those with most first. */
static gh_status
list_by_count(gh_deck *d, const uint32_t *by_hash, uint64_t *next)
{
	uint64_t   *pair = GH_NEW(d->ctx, d->n_pairs, uint64_t),
			   *key = GH_NEW(d->ctx, d->n_pairs, uint64_t);
	uint32_t   *owner = GH_NEW(d->ctx, d->n_pairs, uint32_t),
			   *order = GH_NEW(d->ctx, d->n_pairs, uint32_t);
	gh_status	status;

	if (pair == NULL || key == NULL || owner == NULL || order == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	GH_GOTO(done, lay_out_pairs(d, by_hash, pair, owner));
	for (size_t i = 0; i < d->n_pairs; i++)
	{
		if (i % POLL_STEPS == 0 && gh_should_stop(d->ctx))
		{
			status = gh_canceled(d->ctx);
			goto done;
		}
		key[i] = UINT32_MAX - d->pair_count[pair[i]];
	}
	GH_GOTO(done, gh_argsort_u64(d->ctx, key, d->n_pairs, order));
	GH_GOTO(done, deal_out_groups(d, pair, owner, order, next));
done:
	gh_free(d->ctx, pair);
	gh_free(d->ctx, key);
	gh_free(d->ctx, owner);
	gh_free(d->ctx, order);
	return status;
}

/* A row of each label in a group at most: the order of the hashes is all. */
static gh_status
list_by_hash(gh_deck *d, const uint32_t *by_hash, uint64_t *next)
{
	for (size_t i = 0; i < d->n_groups; i++)
	{
		uint32_t	g = by_hash[i];

		if (i % POLL_STEPS == 0)
			GH_CHECK_STOP(d->ctx);
		for (uint64_t at = d->pair_begin[g]; at < d->pair_begin[g + 1]; at++)
			d->label_group[next[d->pair_label[at]]++] = g;
	}
	return GH_OK;
}

/* Where the groups of each label begin; *several: a group has more than one row of one. */
static gh_status
count_groups_of_labels(gh_deck *d, uint64_t *next, bool *several)
{
	*several = false;
	for (uint64_t at = 0; at < d->n_pairs; at++)
	{
		if (at % POLL_STEPS == 0)
			GH_CHECK_STOP(d->ctx);
		d->label_begin[d->pair_label[at] + 1]++;
		*several |= d->pair_count[at] > 1;
	}
	for (uint32_t l = 0; l < d->labels->n_labels; l++)
	{
		d->label_begin[l + 1] += d->label_begin[l];
		next[l] = d->label_begin[l];
	}
	return GH_OK;
}

/* The pairs by label, in the order in which a label's groups are dealt: most rows first, ties by the groups' hashes. */
gh_status
gh_deck_list_groups_of_labels(gh_deck *d)
{
	uint32_t   *by_hash = GH_NEW(d->ctx, d->n_groups, uint32_t);
	uint64_t   *next = GH_NEW(d->ctx, d->labels->n_labels, uint64_t);
	bool		several;
	gh_status	status;

	d->label_begin = GH_NEW_ZERO(d->ctx, (size_t) d->labels->n_labels + 1, uint64_t);
	d->label_group = GH_NEW(d->ctx, d->n_pairs, uint32_t);
	if (by_hash == NULL || next == NULL || d->label_begin == NULL || d->label_group == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	GH_GOTO(done, gh_argsort_u64(d->ctx, d->hash, d->n_groups, by_hash));
	GH_GOTO(done, count_groups_of_labels(d, next, &several));
	status = several ? list_by_count(d, by_hash, next) : list_by_hash(d, by_hash, next);
done:
	gh_free(d->ctx, by_hash);
	gh_free(d->ctx, next);
	return status;
}
