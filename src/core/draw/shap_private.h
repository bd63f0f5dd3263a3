/*
 * shap_private.h
 *		What the charts of SHAP values share.
 */
#ifndef GH_SHAP_PRIVATE_H
#define GH_SHAP_PRIVATE_H

#include "draw/gh_chart.h"
#include "draw/gh_model_charts.h"

/* Room for a number and a name in one line; longer ones are cut by the writer. */
#define GH_LINE_SIZE 1024

/* Numbers above y and a line; the axis is in log-odds, the numbers are probabilities. */
extern void gh_svg_axis_probability(gh_svg *svg, const gh_axis *axis, double y, const char *name);

/* A probability for people: as a percentage with the digits that tell it from 100 %. */
extern const char *gh_probability_text(char out[GH_NUMBER_SIZE + 2], double p);

/* "rap", or "rap, given hip hop" */
extern void gh_node_text(char out[GH_LINE_SIZE], const char *node, const char *parent);

/*
 * The features in descending order of weight, then of their number: order[n]
 * in gh memory, NULL after a failure.
 */
extern uint32_t *gh_feature_order(gh_ctx *ctx, const double *weight, int n);

/* Mean of |SHAP| per feature in gh memory, NULL after a failure (GH_EDATA when one is not finite). */
extern double *gh_shap_importance(gh_ctx *ctx, const gh_shap_chart *chart);

#endif							/* GH_SHAP_PRIVATE_H */
