/*
 * gh_folds.h
 *		Folds and validation splits that keep groups together and labels balanced.
 *
 * Iterative stratification: Sechidis, Tsoumakas and Vlahavas,
 * https://doi.org/10.1007/978-3-642-23808-6_10, with groups (artists) as the
 * things that are dealt out.
 */
#ifndef GH_FOLDS_H
#define GH_FOLDS_H

#include "base/gh_context.h"

/*
 * Sparse labels of n rows: labels of row i are label[begin[i]..begin[i+1]), each
 * < n_labels.  For gh_folds() begin may be NULL: label[i] is the one of row i.
 */
typedef struct gh_labels
{
	size_t		n;
	uint32_t	n_labels;
	const uint64_t *begin;
	const uint32_t *label;
} gh_labels;

/*
 * fold[i] in 0..k-1 for every row.  group[i] (NULL: every row its own) keeps
 * rows of a group in one fold.  shares: k positive shares (NULL: equal), so
 * {0.8, 0.2} is a validation split.  Ties by a hash of (seed, group).
 */
extern gh_status gh_folds(gh_ctx *ctx, const gh_labels *labels, const uint32_t *group, int k, const double *shares,
						  uint64_t seed, uint8_t *fold);
/* Bytes at most, for one label a row. */
extern size_t gh_folds_memory(size_t n, uint32_t n_labels, bool grouped);

#endif							/* GH_FOLDS_H */
