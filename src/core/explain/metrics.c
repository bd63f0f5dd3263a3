/*
 * metrics.c
 *		Average precision, coverage error and log-loss.
 *
 * The definitions are scikit-learn's (average_precision_score,
 * coverage_error, log_loss); see docs/reference/explain.md.
 */
#include "explain/gh_metrics.h"

#include "base/gh_sort.h"
#include "learn/logistic.h"

#include <math.h>

/* Rows between two looks at the host. */
#define ROWS_BETWEEN_POLLS 65536

/* GH_EDATA when a score is not a number or a weight cannot be one. */
static gh_status
check_input(gh_ctx *ctx, const double *scores, const double *weights, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (isnan(scores[i]))
			return gh_fail(ctx, GH_EDATA, "score %zu is not a number", i + 1);
		if (weights != NULL && !(weights[i] >= 0 && isfinite(weights[i])))
		{
			gh_fail(ctx, GH_EDATA, "weight %zu is out of range", i + 1);
			return gh_fail_detail(ctx, "The weight is %g; it must be finite and not negative.", weights[i]);
		}
		if (i % ROWS_BETWEEN_POLLS == 0)
			GH_CHECK_STOP(ctx);
	}
	return GH_OK;
}

/* Total weight of the positive rows. */
static double
positive_weight(const uint8_t *labels, const double *weights, size_t n)
{
	double		sum = 0;

	for (size_t i = 0; i < n; i++)
		if (labels[i])
			sum += weights != NULL ? weights[i] : 1.0;
	return sum;
}

/* Walk the thresholds from the highest score down; equal scores are one threshold. */
static gh_status
sum_thresholds(gh_ctx *ctx, const uint8_t *labels, const double *scores, const double *weights,
			   const uint32_t *order, size_t n, double positives, double *value)
{
	double		taken = 0,
				right = 0,
				sum = 0;
	size_t		at = 0;

	while (at < n)
	{
		double		threshold = scores[order[at]];
		double		found = 0;
		size_t		first = at;

		for (; at < n && scores[order[at]] == threshold; at++)
		{
			size_t		i = order[at];
			double		weight = weights != NULL ? weights[i] : 1.0;

			taken += weight;
			if (labels[i])
				found += weight;
		}
		right += found;
		if (found > 0)
			sum += found / positives * (right / taken);
		if (first / ROWS_BETWEEN_POLLS != at / ROWS_BETWEEN_POLLS)
			GH_CHECK_STOP(ctx);
	}
	/* the terms add up to at most 1, but for rounding */
	*value = sum < 1 ? sum : 1;
	return GH_OK;
}

gh_status
gh_average_precision(gh_ctx *ctx, const uint8_t *labels, const double *scores, const double *weights, size_t n,
					 double *value, bool *defined)
{
	uint32_t   *order;
	double		positives;
	gh_status	status;

	*value = 0;
	*defined = false;
	GH_TRY(check_input(ctx, scores, weights, n));
	positives = positive_weight(labels, weights, n);
	if (!(positives > 0))
		return GH_OK;
	order = GH_NEW(ctx, n, uint32_t);
	if (order == NULL)
		return gh_ctx_status(ctx);
	status = gh_argsort_descending(ctx, scores, n, order);
	if (status == GH_OK)
		status = sum_thresholds(ctx, labels, scores, weights, order, n, positives, value);
	gh_free(ctx, order);
	*defined = status == GH_OK;
	return status;
}

uint32_t
gh_coverage(const uint8_t *labels, const double *scores, size_t n_labels)
{
	double		lowest = INFINITY;
	bool		any = false;
	uint32_t	count = 0;

	for (size_t i = 0; i < n_labels; i++)
	{
		if (!labels[i])
			continue;
		if (!any || scores[i] < lowest)
			lowest = scores[i];
		any = true;
	}
	if (!any)
		return 0;
	for (size_t i = 0; i < n_labels; i++)
		count += scores[i] >= lowest;
	return count;
}

double
gh_log_loss(const uint8_t *labels, const double *probabilities, const double *weights, size_t n)
{
	const double tiny = 1e-15;
	double		sum = 0,
				total = 0;

	for (size_t i = 0; i < n; i++)
	{
		double		weight = weights != NULL ? weights[i] : 1.0;
		double		p = probabilities[i];

		p = p < tiny ? tiny : p > 1 - tiny ? 1 - tiny : p;
		sum -= weight * gh_log(labels[i] ? p : 1 - p);
		total += weight;
	}
	return total > 0 ? sum / total : 0;
}
