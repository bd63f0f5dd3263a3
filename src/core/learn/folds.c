/*
 * folds.c
 *		Iterative stratification of groups.
 *
 * Sechidis, Tsoumakas and Vlahavas, https://doi.org/10.1007/978-3-642-23808-6_10,
 * with groups of rows in the place of rows: the label with the fewest rows
 * left is dealt next, its groups from the one with most of its rows to the
 * one with fewest, each to the fold that still wants most rows of the label.
 */
#include "learn/folds_private.h"

#include <math.h>
#include <string.h>

#include "base/gh_sort.h"

static void
free_deck(gh_deck *d)
{
	void	   *blocks[] = {d->row_group, d->hash, d->row_begin, d->rows, d->pair_begin, d->pair_label,
		d->pair_count, d->label_begin, d->label_group, d->want, d->want_label, d->left, d->group_fold, d->dealt,
	d->heap, d->heap_place};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		gh_free(d->ctx, blocks[i]);
}

/* ---- the heap of labels ------------------------------------------------ */

static inline bool
label_first(const gh_deck *d, uint32_t a, uint32_t b)
{
	return d->left[a] < d->left[b] || (d->left[a] == d->left[b] && a < b);
}

static void
put(gh_deck *d, uint32_t place, uint32_t label)
{
	d->heap[place] = label;
	d->heap_place[label] = place;
}

static void
sift_up(gh_deck *d, uint32_t place)
{
	uint32_t	label = d->heap[place];

	while (place > 0 && label_first(d, label, d->heap[(place - 1) / 2]))
	{
		put(d, place, d->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(d, place, label);
}

static void
sift_down(gh_deck *d, uint32_t place)
{
	uint32_t	label = d->heap[place],
				child;

	while ((child = 2 * place + 1) < d->heap_size)
	{
		if (child + 1 < d->heap_size && label_first(d, d->heap[child + 1], d->heap[child]))
			child++;
		if (label_first(d, label, d->heap[child]))
			break;
		put(d, place, d->heap[child]);
		place = child;
	}
	put(d, place, label);
}

static void
remove_label(gh_deck *d, uint32_t label)
{
	uint32_t	place = d->heap_place[label],
				last = d->heap[--d->heap_size];

	d->heap_place[label] = UINT32_MAX;
	if (place == d->heap_size)
		return;
	put(d, place, last);
	sift_up(d, place);
	sift_down(d, d->heap_place[last]);
}

/* ---- dealing ----------------------------------------------------------- */

/*
 * The fold that wants most of `label` (NULL: rows of any kind), ties the one
 * that wants most rows, ties by the group's hash.
 */
static int
choose_fold(const gh_deck *d, const double *want_label, uint64_t hash)
{
	int			tied[256],
				n_tied = 0;

	for (int f = 0; f < d->k; f++)
	{
		int			best = n_tied > 0 ? tied[0] : f;
		double		by_label = want_label != NULL ? want_label[f] - want_label[best] : 0.0,
					by_rows = d->want[f] - d->want[best];

		if (n_tied > 0 && (by_label < 0.0 || (by_label == 0.0 && by_rows < 0.0)))
			continue;
		if (n_tied > 0 && (by_label > 0.0 || by_rows > 0.0))
			n_tied = 0;
		tied[n_tied++] = f;
	}
	return tied[hash % (uint64_t) n_tied];
}

static void
deal(gh_deck *d, uint32_t group, int fold)
{
	d->group_fold[group] = (uint8_t) fold;
	d->dealt[group] = 1;
	d->want[fold] -= (double) gh_group_size(d, group);
	for (uint64_t at = d->pair_begin[group]; at < d->pair_begin[group + 1]; at++)
	{
		uint32_t	l = d->pair_label[at];

		d->want_label[(size_t) l * (size_t) d->k + (size_t) fold] -= (double) d->pair_count[at];
		d->left[l] -= d->pair_count[at];
		if (d->heap_place[l] == UINT32_MAX)
			continue;
		if (d->left[l] == 0)
			remove_label(d, l);
		else
			sift_up(d, d->heap_place[l]);
	}
}

static gh_status
prepare_deal(gh_deck *d, const double *shares)
{
	size_t		k = (size_t) d->k,
				cells;
	uint32_t	n_labels = d->labels->n_labels;
	double		sum = 0.0;

	if (gh_mul_overflow(n_labels, k, &cells))
		return gh_fail(d->ctx, GH_ELIMIT, "too many labels");
	d->want = GH_NEW(d->ctx, k, double);
	d->want_label = GH_NEW(d->ctx, cells, double);
	d->left = GH_NEW_ZERO(d->ctx, n_labels, uint64_t);
	d->group_fold = GH_NEW_ZERO(d->ctx, d->n_groups, uint8_t);
	d->dealt = GH_NEW_ZERO(d->ctx, d->n_groups, uint8_t);
	d->heap = GH_NEW(d->ctx, n_labels, uint32_t);
	d->heap_place = GH_NEW(d->ctx, n_labels, uint32_t);
	if (d->want == NULL || d->want_label == NULL || d->left == NULL || d->group_fold == NULL || d->dealt == NULL ||
		d->heap == NULL || d->heap_place == NULL)
		return gh_ctx_status(d->ctx);

	for (size_t at = 0; at < d->n_pairs; at++)
		d->left[d->pair_label[at]] += d->pair_count[at];
	for (size_t f = 0; f < k; f++)
		sum += shares != NULL ? shares[f] : 1.0;
	for (size_t f = 0; f < k; f++)
	{
		double		share = (shares != NULL ? shares[f] : 1.0) / sum;

		d->want[f] = share * (double) d->labels->n;
		for (size_t l = 0; l < n_labels; l++)
			d->want_label[l * k + f] = share * (double) d->left[l];
	}
	for (uint32_t l = 0; l < n_labels; l++)
	{
		d->heap_place[l] = UINT32_MAX;
		if (d->left[l] == 0)
			continue;
		put(d, d->heap_size++, l);
		sift_up(d, d->heap_size - 1);
	}
	return GH_OK;
}

static gh_status
deal_labels(gh_deck *d)
{
	size_t		steps = 0;

	while (d->heap_size > 0)
	{
		uint32_t	l = d->heap[0];

		for (uint64_t at = d->label_begin[l]; at < d->label_begin[l + 1]; at++)
		{
			uint32_t	g = d->label_group[at];

			if (steps++ % POLL_STEPS == 0)
				GH_CHECK_STOP(d->ctx);
			if (!d->dealt[g])
				deal(d, g, choose_fold(d, d->want_label + (size_t) l * (size_t) d->k, d->hash[g]));
		}
	}
	return GH_OK;
}

/* Groups that are not dealt yet, ascending. */
static size_t
list_rest(const gh_deck *d, uint32_t *rest)
{
	size_t		n = 0;

	for (uint32_t g = 0; g < d->n_groups; g++)
		if (!d->dealt[g])
		{
			if (rest != NULL)
				rest[n] = g;
			n++;
		}
	return n;
}

/* order[n]: the largest first, ties by hash. */
static gh_status
order_rest(const gh_deck *d, const uint32_t *rest, size_t n, uint32_t *order)
{
	uint64_t   *key = GH_NEW(d->ctx, n, uint64_t);
	uint32_t   *by_hash = GH_NEW(d->ctx, n, uint32_t),
			   *by_size = GH_NEW(d->ctx, n, uint32_t);
	gh_status	status;

	if (key == NULL || by_hash == NULL || by_size == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	for (size_t i = 0; i < n; i++)
		key[i] = d->hash[rest[i]];
	GH_GOTO(done, gh_argsort_u64(d->ctx, key, n, by_hash));
	for (size_t i = 0; i < n; i++)
		key[i] = UINT32_MAX - gh_group_size(d, rest[by_hash[i]]);
	GH_GOTO(done, gh_argsort_u64(d->ctx, key, n, by_size));
	for (size_t i = 0; i < n; i++)
		order[i] = rest[by_hash[by_size[i]]];
done:
	gh_free(d->ctx, key);
	gh_free(d->ctx, by_hash);
	gh_free(d->ctx, by_size);
	return status;
}

/* Groups without labels. */
static gh_status
deal_rest(gh_deck *d)
{
	size_t		n = list_rest(d, NULL);
	uint32_t   *rest = GH_NEW(d->ctx, n, uint32_t),
			   *order = GH_NEW(d->ctx, n, uint32_t);
	gh_status	status;

	if (rest == NULL || order == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	(void) list_rest(d, rest);
	GH_GOTO(done, order_rest(d, rest, n, order));
	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_STEPS == 0 && gh_should_stop(d->ctx))
		{
			status = gh_canceled(d->ctx);
			goto done;
		}
		deal(d, order[i], choose_fold(d, NULL, d->hash[order[i]]));
	}
done:
	gh_free(d->ctx, rest);
	gh_free(d->ctx, order);
	return status;
}

static gh_status
check_arguments(gh_ctx *ctx, const gh_labels *labels, int k, const double *shares)
{
	if (k < 1 || k > 255)
		return gh_fail(ctx, GH_EINVAL, "number of folds is %d, not 1 to 255", k);
	if (labels->n > UINT32_MAX - 1)
		return gh_fail(ctx, GH_ELIMIT, "too many rows: %zu", labels->n);
	for (int f = 0; shares != NULL && f < k; f++)
		if (!(shares[f] > 0.0 && isfinite(shares[f])))
			return gh_fail(ctx, GH_EINVAL, "share of fold %d is %g, not above 0", f + 1, shares[f]);
	for (size_t i = 0; i < labels->n; i++)
	{
		uint64_t	begin,
					end;

		if (i % POLL_STEPS == 0)
			GH_CHECK_STOP(ctx);
		gh_labels_of(labels, i, &begin, &end);
		for (uint64_t at = begin; at < end; at++)
			if (labels->label[at] >= labels->n_labels)
				return gh_fail(ctx, GH_EINTERNAL, "label %u of row %zu is not below %u", labels->label[at], i,
							   labels->n_labels);
	}
	return GH_OK;
}

gh_status
gh_folds(gh_ctx *ctx, const gh_labels *labels, const uint32_t *group, int k, const double *shares, uint64_t seed,
		 uint8_t *fold)
{
	gh_deck		d = {.ctx = ctx, .labels = labels, .group = group, .k = k, .seed = seed};
	gh_status	status;

	GH_TRY(check_arguments(ctx, labels, k, shares));
	GH_GOTO(done, gh_deck_number_groups(&d));
	if (d.n_groups < (size_t) k)
	{
		gh_fail(ctx, GH_EDATA, "too few groups for %d folds", k);
		gh_fail_detail(ctx, "There are %zu groups of rows, and the rows of a group stay together.", d.n_groups);
		status = gh_fail_hint(ctx, "Add rows of other groups, or ask for fewer folds.");
		goto done;
	}
	GH_GOTO(done, gh_deck_hash_groups(&d));
	GH_GOTO(done, gh_deck_count_pairs(&d));
	GH_GOTO(done, gh_deck_list_groups_of_labels(&d));
	GH_GOTO(done, prepare_deal(&d, shares));
	GH_GOTO(done, deal_labels(&d));
	GH_GOTO(done, deal_rest(&d));
	for (size_t i = 0; i < labels->n; i++)
	{
		if (i % POLL_STEPS == 0 && gh_should_stop(ctx))
		{
			status = gh_canceled(ctx);
			goto done;
		}
		fold[i] = d.group_fold[d.row_group[i]];
	}
done:
	free_deck(&d);
	return status;
}

size_t
gh_folds_memory(size_t n, uint32_t n_labels, bool grouped)
{
	/*
	 * Groups of several rows: rows, their groups, and numbers of groups sorted.
	 * Each row its own: rows, groups, hash, pairs with a label, and hashes
	 * sorted.  Lists of pairs are those of one label a row, or far fewer.
	 */
	size_t		row = grouped ? 2 * sizeof(uint32_t) + sizeof(uint64_t) + 32 :
		3 * sizeof(uint32_t) + 2 * sizeof(uint64_t) + 5 * sizeof(uint32_t) + 32 + 2,
				bytes;

	if (gh_mul_overflow(n, row, &bytes) || gh_add_overflow(bytes, (size_t) n_labels * 256 * 8 + 65536, &bytes))
		return SIZE_MAX;
	return bytes;
}
