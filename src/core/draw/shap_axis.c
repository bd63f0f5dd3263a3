/*
 * shap_axis.c
 *		What the charts of SHAP values share: the axis of probabilities, the
 *		order of the features.
 */
#include "draw/shap_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/gh_sort.h"
#include "learn/gh_tree.h"

/* In the order in which they get room: the middle, then outwards. */
static const double probabilities[] = {
	0.5, 0.1, 0.9, 0.01, 0.99, 0.001, 0.999, 0.3, 0.7, 0.2, 0.8, 0.4, 0.6, 0.05, 0.95, 0.02, 0.98, 1e-4, 0.9999,
	1e-5, 0.99999, 1e-6, 0.999999
};
#define N_PROBABILITIES (sizeof(probabilities) / sizeof(probabilities[0]))

const char *
gh_probability_text(char out[GH_NUMBER_SIZE + 2], double p)
{
	int			decimals = (int) ceil(-log10(1 - p)) - 2;

	if (!(p > 0.99 && p < 1) || decimals > 6)
		return gh_number_percent(out, p);
	gh_number_fixed(out, p * 100, decimals < 1 ? 1 : decimals);
	return strcat(out, " %");
}

/* Ticks are round numbers: no digit more than they have. */
static void
percent_text(char out[GH_NUMBER_SIZE + 2], double p)
{
	gh_number_short(out, p * 100, p > 0.99 ? 7 : 2);
	strcat(out, " %");
}

void
gh_svg_axis_probability(gh_svg *svg, const gh_axis *axis, double y, const char *name)
{
	double		from[N_PROBABILITIES],
				to[N_PROBABILITIES];
	size_t		n = 0;

	gh_svg_line(svg, "axis", axis->from, y, axis->to, y);
	gh_svg_end(svg);
	for (size_t i = 0; i < N_PROBABILITIES; i++)
	{
		double		margin = gh_logit(probabilities[i]),
					x = gh_axis_at(axis, margin),
					half;
		char		text[GH_NUMBER_SIZE + 2];
		bool		is_free = true;

		if (margin < axis->low || margin > axis->high)
			continue;
		percent_text(text, probabilities[i]);
		half = gh_text_width(text, GH_SIZE_SMALL) / 2 + 4;
		for (size_t j = 0; j < n; j++)
			is_free = is_free && (x + half < from[j] || x - half > to[j]);
		if (!is_free)
			continue;
		from[n] = x - half;
		to[n++] = x + half;
		gh_svg_line(svg, "axis", x, y - 4, x, y);
		gh_svg_end(svg);
		gh_svg_text(svg, "a", GH_MIDDLE, x, y - 8, GH_SIZE_SMALL, INFINITY, text);
	}
	gh_svg_text(svg, "s", GH_MIDDLE, (axis->from + axis->to) / 2, y - 25, GH_SIZE_TEXT, svg->width, name);
}

void
gh_node_text(char out[GH_LINE_SIZE], const char *node, const char *parent)
{
	char		shown[GH_LINE_SIZE / 3],
				above[GH_LINE_SIZE / 3];

	gh_text_cut(shown, sizeof(shown), node, GH_SIZE_TITLE, INFINITY);
	if (parent == NULL)
	{
		snprintf(out, GH_LINE_SIZE, "%s", shown);
		return;
	}
	gh_text_cut(above, sizeof(above), parent, GH_SIZE_TITLE, INFINITY);
	snprintf(out, GH_LINE_SIZE, "%s, given %s", shown, above);
}

uint32_t *
gh_feature_order(gh_ctx *ctx, const double *weight, int n)
{
	uint32_t   *order = GH_NEW(ctx, n, uint32_t);

	if (order == NULL || gh_argsort_descending(ctx, weight, n, order) == GH_OK)
		return order;
	gh_free(ctx, order);
	return NULL;
}

double *
gh_shap_importance(gh_ctx *ctx, const gh_shap_chart *chart)
{
	double	   *importance = GH_NEW_ZERO(ctx, chart->n_features, double);
	size_t		stride = (size_t) chart->n_features + 1;

	if (importance == NULL)
		return NULL;
	for (size_t i = 0; i < chart->n; i++)
	{
		const double *row = chart->shap + i * stride;

		if (gh_should_stop(ctx))
		{
			(void) gh_canceled(ctx);
			gh_free(ctx, importance);
			return NULL;
		}
		for (int f = 0; f < chart->n_features; f++)
			importance[f] += fabs(row[f]);
	}
	for (int f = 0; f < chart->n_features; f++)
	{
		if (!isfinite(importance[f]))
		{
			(void) gh_fail(ctx, GH_EDATA, "SHAP values of feature %d are not finite", f + 1);
			gh_free(ctx, importance);
			return NULL;
		}
		if (chart->n > 0)
			importance[f] /= (double) chart->n;
	}
	return importance;
}
