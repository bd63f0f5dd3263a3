/*
 * gh_metrics.h
 *		Average precision and coverage error, as scikit-learn defines them.
 */
#ifndef GH_METRICS_H
#define GH_METRICS_H

#include "base/gh_context.h"

/*
 * sum over distinct thresholds of (R_k - R_{k-1}) P_k, equal scores taken
 * together; *defined is false (and *value 0) without a positive.  weights may
 * be NULL.  GH_EDATA for a score that is NaN or a weight that is negative or
 * not finite; infinite scores are in order like any other.
 */
extern gh_status gh_average_precision(gh_ctx *ctx, const uint8_t *labels, const double *scores, const double *weights,
									  size_t n, double *value, bool *defined);

/* How many labels one row's ranking must show to include every true one; ties count against it; 0 without true labels. */
extern uint32_t gh_coverage(const uint8_t *labels, const double *scores, size_t n_labels);

/* Mean binary cross-entropy, probabilities clipped to [1e-15, 1-1e-15]; weights may be NULL; 0 without weight. */
extern double gh_log_loss(const uint8_t *labels, const double *probabilities, const double *weights, size_t n);

#endif							/* GH_METRICS_H */
