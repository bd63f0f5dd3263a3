/*
 * folds.c
 *		Iterative stratification of groups.
 *
 * Sechidis, Tsoumakas and Vlahavas, https://doi.org/10.1007/978-3-642-23808-6_10,
 * with groups of rows in the place of rows: the label with the fewest rows
 * left is dealt next, its groups from the one with most of its rows to the
 * one with fewest, each to the fold that still wants most rows of the label.
 */
#include "learn/gh_folds.h"

#include <math.h>
#include <string.h>

#include "base/gh_random.h"
#include "base/gh_sort.h"

/* Steps between two polls. */
#define POLL_STEPS 32768

/* What is dealt. */
typedef struct deck
{
	gh_ctx	   *ctx;
	const gh_labels *labels;
	int			k;
	uint64_t	seed;

	uint32_t   *row_group;		/* per row: its group, 0.. in ascending order of the caller's numbers */
	size_t		n_groups;
	uint64_t   *hash;			/* per group */
	uint64_t   *size;			/* rows per group */
	uint64_t   *row_begin;		/* n_groups + 1: rows of a group in `rows` */
	uint32_t   *rows;

	/* rows of a label in a group, by group */
	uint64_t   *pair_begin;		/* n_groups + 1 */
	uint32_t   *pair_label;
	uint64_t   *pair_count;
	size_t		n_pairs;

	/* the same pairs by label: groups with most rows first, ties by hash, then group */
	uint64_t   *label_begin;	/* n_labels + 1 */
	uint32_t   *label_group;

	double	   *want;			/* k: rows a fold still wants */
	double	   *want_label;		/* n_labels x k */
	uint64_t   *left;			/* per label: rows not dealt yet */
	uint8_t    *group_fold;
	uint8_t    *dealt;

	uint32_t   *heap;			/* labels with rows left, fewest first */
	uint32_t   *heap_place;		/* per label: where in the heap; UINT32_MAX: out */
	uint32_t	heap_size;
} deck;

static void
free_deck(deck *d)
{
	void	   *blocks[] = {d->row_group, d->hash, d->size, d->row_begin, d->rows, d->pair_begin, d->pair_label,
		d->pair_count, d->label_begin, d->label_group, d->want, d->want_label, d->left, d->group_fold, d->dealt,
	d->heap, d->heap_place};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		gh_free(d->ctx, blocks[i]);
}

/* ---- groups ------------------------------------------------------------ */

/* Number the groups in ascending order and list their rows. */
static gh_status
number_groups(deck *d, const uint32_t *group)
{
	size_t		n = d->labels->n;
	uint64_t   *keys = GH_NEW(d->ctx, n, uint64_t);
	gh_status	status;

	d->rows = GH_NEW(d->ctx, n, uint32_t);
	d->row_group = GH_NEW(d->ctx, n, uint32_t);
	d->row_begin = GH_NEW(d->ctx, n + 1, uint64_t);
	if (keys == NULL || d->rows == NULL || d->row_group == NULL || d->row_begin == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	for (size_t i = 0; i < n; i++)
		keys[i] = group != NULL ? group[i] : i;
	GH_GOTO(done, gh_argsort_u64(d->ctx, keys, n, d->rows));
	for (size_t i = 0; i < n; i++)
	{
		if (i % POLL_STEPS == 0 && gh_should_stop(d->ctx))
		{
			status = gh_canceled(d->ctx);
			goto done;
		}
		if (i == 0 || keys[d->rows[i]] != keys[d->rows[i - 1]])
			d->row_begin[d->n_groups++] = i;
		d->row_group[d->rows[i]] = (uint32_t) (d->n_groups - 1);
	}
	d->row_begin[d->n_groups] = n;

	d->hash = GH_NEW(d->ctx, d->n_groups, uint64_t);
	d->size = GH_NEW(d->ctx, d->n_groups, uint64_t);
	if (d->hash == NULL || d->size == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	for (size_t g = 0; g < d->n_groups; g++)
	{
		if (g % POLL_STEPS == 0 && gh_should_stop(d->ctx))
		{
			status = gh_canceled(d->ctx);
			goto done;
		}
		d->hash[g] = gh_random_u64(d->seed, GH_STREAM_FOLDS, keys[d->rows[d->row_begin[g]]]);
		d->size[g] = d->row_begin[g + 1] - d->row_begin[g];
	}
done:
	gh_free(d->ctx, keys);
	return status;
}

/* Rows per (group, label); a label twice in a row counts once. */
static gh_status
count_pairs(deck *d)
{
	const gh_labels *labels = d->labels;
	size_t		total = labels->n > 0 ? labels->begin[labels->n] - labels->begin[0] : 0;
	uint64_t   *slot = GH_NEW_ZERO(d->ctx, labels->n_labels, uint64_t); /* 1 + the label's pair in this group */
	uint64_t   *seen = GH_NEW_ZERO(d->ctx, labels->n_labels, uint64_t); /* 1 + the row that had it last */
	gh_status	status = GH_OK;

	d->pair_begin = GH_NEW(d->ctx, d->n_groups + 1, uint64_t);
	d->pair_label = GH_NEW(d->ctx, total, uint32_t);
	d->pair_count = GH_NEW(d->ctx, total, uint64_t);
	if (slot == NULL || seen == NULL || d->pair_begin == NULL || d->pair_label == NULL || d->pair_count == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	for (size_t i = 0, g = 0; i < labels->n; i++)
	{
		uint32_t	row = d->rows[i];

		if (i % POLL_STEPS == 0 && gh_should_stop(d->ctx))
		{
			status = gh_canceled(d->ctx);
			goto done;
		}
		if (d->row_begin[g] == i)
			d->pair_begin[g++] = d->n_pairs;
		for (uint64_t at = labels->begin[row]; at < labels->begin[row + 1]; at++)
		{
			uint32_t	l = labels->label[at];

			if (seen[l] == (uint64_t) row + 1)
				continue;
			seen[l] = (uint64_t) row + 1;
			if (slot[l] <= d->pair_begin[g - 1])
			{
				slot[l] = d->n_pairs + 1;
				d->pair_label[d->n_pairs] = l;
				d->pair_count[d->n_pairs++] = 0;
			}
			d->pair_count[slot[l] - 1]++;
		}
	}
	d->pair_begin[d->n_groups] = d->n_pairs;
done:
	gh_free(d->ctx, slot);
	gh_free(d->ctx, seen);
	return status;
}

/*
 * The pairs by label, in the order in which a label's groups are dealt: laid
 * out by the groups' hashes first, then sorted stably by label and count.
 */
static gh_status
list_groups_of_labels(deck *d)
{
	uint32_t   *by_hash = GH_NEW(d->ctx, d->n_groups, uint32_t);
	uint32_t   *order = GH_NEW(d->ctx, d->n_pairs, uint32_t);
	uint32_t   *owner = GH_NEW(d->ctx, d->n_pairs, uint32_t);
	uint64_t   *key = GH_NEW(d->ctx, d->n_pairs, uint64_t);
	size_t		n = 0;
	gh_status	status;

	d->label_begin = GH_NEW_ZERO(d->ctx, (size_t) d->labels->n_labels + 1, uint64_t);
	d->label_group = GH_NEW(d->ctx, d->n_pairs, uint32_t);
	if (by_hash == NULL || order == NULL || owner == NULL || key == NULL || d->label_begin == NULL ||
		d->label_group == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	GH_GOTO(done, gh_argsort_u64(d->ctx, d->hash, d->n_groups, by_hash));
	for (size_t i = 0; i < d->n_groups; i++)
	{
		uint32_t	g = by_hash[i];

		if (i % POLL_STEPS == 0 && gh_should_stop(d->ctx))
		{
			status = gh_canceled(d->ctx);
			goto done;
		}
		for (uint64_t at = d->pair_begin[g]; at < d->pair_begin[g + 1]; at++)
		{
			uint64_t	count = d->pair_count[at] < UINT32_MAX ? d->pair_count[at] : UINT32_MAX;

			owner[n] = g;
			key[n++] = (uint64_t) d->pair_label[at] << 32 | (UINT32_MAX - count);
			d->label_begin[d->pair_label[at] + 1]++;
		}
	}
	GH_GOTO(done, gh_argsort_u64(d->ctx, key, n, order));
	for (size_t i = 0; i < n; i++)
		d->label_group[i] = owner[order[i]];
	for (uint32_t l = 0; l < d->labels->n_labels; l++)
		d->label_begin[l + 1] += d->label_begin[l];
done:
	gh_free(d->ctx, by_hash);
	gh_free(d->ctx, order);
	gh_free(d->ctx, owner);
	gh_free(d->ctx, key);
	return status;
}

/* ---- the heap of labels ------------------------------------------------ */

static inline bool
label_first(const deck *d, uint32_t a, uint32_t b)
{
	return d->left[a] < d->left[b] || (d->left[a] == d->left[b] && a < b);
}

static void
put(deck *d, uint32_t place, uint32_t label)
{
	d->heap[place] = label;
	d->heap_place[label] = place;
}

static void
sift_up(deck *d, uint32_t place)
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
sift_down(deck *d, uint32_t place)
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
remove_label(deck *d, uint32_t label)
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
choose_fold(const deck *d, const double *want_label, uint64_t hash)
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
deal(deck *d, uint32_t group, int fold)
{
	d->group_fold[group] = (uint8_t) fold;
	d->dealt[group] = 1;
	d->want[fold] -= (double) d->size[group];
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
prepare_deal(deck *d, const double *shares)
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
deal_labels(deck *d)
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

/* Groups without labels, the largest first, ties by hash. */
static gh_status
deal_rest(deck *d)
{
	uint32_t   *by_hash = GH_NEW(d->ctx, d->n_groups, uint32_t);
	uint32_t   *order = GH_NEW(d->ctx, d->n_groups, uint32_t);
	uint64_t   *key = GH_NEW(d->ctx, d->n_groups, uint64_t);
	gh_status	status;

	if (by_hash == NULL || order == NULL || key == NULL)
	{
		status = gh_ctx_status(d->ctx);
		goto done;
	}
	GH_GOTO(done, gh_argsort_u64(d->ctx, d->hash, d->n_groups, by_hash));
	for (size_t i = 0; i < d->n_groups; i++)
		key[i] = UINT64_MAX - d->size[by_hash[i]];
	GH_GOTO(done, gh_argsort_u64(d->ctx, key, d->n_groups, order));
	for (size_t i = 0; i < d->n_groups; i++)
	{
		uint32_t	g = by_hash[order[i]];

		if (i % POLL_STEPS == 0 && gh_should_stop(d->ctx))
		{
			status = gh_canceled(d->ctx);
			goto done;
		}
		if (!d->dealt[g])
			deal(d, g, choose_fold(d, NULL, d->hash[g]));
	}
done:
	gh_free(d->ctx, by_hash);
	gh_free(d->ctx, order);
	gh_free(d->ctx, key);
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
		if (i % POLL_STEPS == 0)
			GH_CHECK_STOP(ctx);
		for (uint64_t at = labels->begin[i]; at < labels->begin[i + 1]; at++)
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
	deck		d = {.ctx = ctx, .labels = labels, .k = k, .seed = seed};
	gh_status	status;

	GH_TRY(check_arguments(ctx, labels, k, shares));
	GH_GOTO(done, number_groups(&d, group));
	if (d.n_groups < (size_t) k)
	{
		gh_fail(ctx, GH_EDATA, "too few groups for %d folds", k);
		gh_fail_detail(ctx, "There are %zu groups of rows, and the rows of a group stay together.", d.n_groups);
		status = gh_fail_hint(ctx, "Add rows of other groups, or ask for fewer folds.");
		goto done;
	}
	GH_GOTO(done, count_pairs(&d));
	GH_GOTO(done, list_groups_of_labels(&d));
	GH_GOTO(done, prepare_deal(&d, shares));
	GH_GOTO(done, deal_labels(&d));
	GH_GOTO(done, deal_rest(&d));
	for (size_t i = 0; i < labels->n; i++)
		fold[i] = d.group_fold[d.row_group[i]];
done:
	free_deck(&d);
	return status;
}
