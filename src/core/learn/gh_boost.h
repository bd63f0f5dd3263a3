/*
 * gh_boost.h
 *		Binned features and the boosting loop (XGBoost's algorithm, histogram method).
 *
 * Chen and Guestrin, https://arxiv.org/abs/1603.02754
 */
#ifndef GH_BOOST_H
#define GH_BOOST_H

#include "learn/gh_params.h"
#include "learn/gh_tree.h"

/* Features cut into at most max_bin bins each: made once, read by every fit. */
typedef struct gh_bins
{
	size_t		n;
	int			n_features;
	int			stride;			/* bytes a row */
	uint8_t    *codes;			/* n x stride, row-major */
	uint8_t    *has_missing;	/* per feature; then code 255 is "missing" */
	uint32_t   *cut_begin;		/* n_features + 1 offsets into cuts: as many cuts as bins */
	float	   *cuts;			/* bin b of a feature holds x with cuts[b-1] <= x < cuts[b]; the last is above all */

	float	   *below;			/* per feature: below all values, as the last cut is above them */

	/*
	 * A feature with 256 distinct values has no code left for "missing": a
	 * column of its own, after the features, then says 1 for it.  In general x
	 * is missing when has_missing and code[miss_column] == miss_code.
	 */
	int			n_columns;		/* n_features and those; <= stride */
	uint16_t   *miss_column;	/* per feature */
	uint8_t    *miss_code;		/* per feature */
} gh_bins;

/*
 * rows: n x n_features row-major float32, NaN = missing, infinite values are
 * GH_EDATA.  Cuts come from all rows, or from rows[cut_rows[0..n_cut)] when
 * cut_rows is not NULL (so validation rows have no say).  Up to max_bin
 * distinct values: each has its own bin, as in XGBoost; more: max_bin bins (255
 * when 256 leave no code for missing values) as even as can be, of which common
 * values take one each (learn/cuts.h).  Threaded over features; free with gh_bins_free.
 */
extern gh_status gh_bins_build(gh_ctx *ctx, const float *rows, size_t n, int n_features, int max_bin,
							   const uint32_t *cut_rows, size_t n_cut, gh_bins *bins);
extern void gh_bins_free(gh_ctx *ctx, gh_bins *bins);
/* Bytes at most: while so many threads sort a feature each, n_cut values of it, and of the bins afterwards. */
extern size_t gh_bins_memory(size_t n, size_t n_cut, int n_features, int threads);

/* What one fit trains on. */
typedef struct gh_fit
{
	const gh_bins *bins;
	const uint32_t *rows;		/* indices into bins, ascending */
	size_t		n_rows;
	const uint8_t *labels;		/* 0/1 by index into bins */
	const float *weights;		/* by index into bins; NULL: all 1 */
	const uint32_t *valid_rows; /* for early stopping and curves; NULL: none */
	size_t		n_valid;
} gh_fit;

/*
 * Train.  On the context's threads, or serially inside a task; polls for
 * cancellation.  One class only is fine: a booster of no trees with base_score
 * clipped to [1e-6, 1-1e-6].  valid_margins: NULL, or n_valid margins of the
 * validation rows after the last (best) tree.  With early stopping the booster
 * is cut at the best round (validation log-loss).
 */
extern gh_status gh_boost_train(gh_ctx *ctx, const gh_fit *fit, const gh_boost_params *params, gh_booster *booster,
								double *valid_margins);

/*
 * Most leaves of a tree.  Every leaf holds hessians of min_child_weight at least,
 * and they add up to rows * p (1 - p) where boosting starts, p the share of
 * positives or a base_score that is given, and to less as it goes on.
 */
extern size_t gh_boost_most_leaves(size_t n_rows, size_t n_positives, const gh_boost_params *params);
/*
 * Not less than the mean over many trees: three times the square root of the rows
 * where that is fewer.  Trees that fit noise are the largest, and of 1,000 to
 * 64,000 rows they had 2.5 to 1.5 times it at depth 10.
 */
extern size_t gh_boost_usual_leaves(size_t n_rows, size_t n_positives, const gh_boost_params *params);
/*
 * Bytes of scratch one gh_boost_train needs, the trees not counted.  n_columns:
 * those of the bins, or before they are made the number of features, as hardly
 * any feature needs two; threads: the context's.
 */
extern size_t gh_boost_memory(size_t n_rows, size_t n_valid, int n_columns, int threads, const gh_boost_params *params);

#endif							/* GH_BOOST_H */
