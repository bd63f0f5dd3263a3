/*
 * folds_private.h
 *		Groups and labels on their way into folds: for folds.c and folds_groups.c.
 */
#ifndef GH_FOLDS_PRIVATE_H
#define GH_FOLDS_PRIVATE_H

#include "learn/gh_folds.h"

/* Steps between two polls. */
#define POLL_STEPS 8192

/* What is dealt. */
typedef struct gh_deck
{
	gh_ctx	   *ctx;
	const gh_labels *labels;
	const uint32_t *group;		/* the caller's numbers, or NULL */
	int			k;
	uint64_t	seed;

	uint32_t   *row_group;		/* per row: its group, 0.. in ascending order of the caller's numbers */
	size_t		n_groups;
	uint64_t   *hash;			/* per group */
	uint32_t   *row_begin;		/* n_groups + 1: rows of a group in `rows` */
	uint32_t   *rows;

	/* rows of a label in a group, by group */
	uint64_t   *pair_begin;		/* n_groups + 1 */
	uint32_t   *pair_label;
	uint32_t   *pair_count;
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
} gh_deck;

/* Labels of a row: [*begin, *end) of d->labels->label. */
static inline void
gh_labels_of(const gh_labels *labels, size_t row, uint64_t *begin, uint64_t *end)
{
	*begin = labels->begin != NULL ? labels->begin[row] : row;
	*end = labels->begin != NULL ? labels->begin[row + 1] : row + 1;
}

static inline uint32_t
gh_group_size(const gh_deck *d, size_t group)
{
	return d->row_begin[group + 1] - d->row_begin[group];
}

/* Groups in ascending order of the caller's numbers, their rows and hashes. */
extern gh_status gh_deck_number_groups(gh_deck *deck);
extern gh_status gh_deck_hash_groups(gh_deck *deck);
/* Rows per (group, label); then the groups of each label in the order in which they are dealt. */
extern gh_status gh_deck_count_pairs(gh_deck *deck);
extern gh_status gh_deck_list_groups_of_labels(gh_deck *deck);

#endif							/* GH_FOLDS_PRIVATE_H */
