/*
 * decision.c
 *		One song through one classifier: from the base value to the result.
 *
 * A waterfall that is read upwards: the base value at the bottom, then the
 * features from the least to the most influential, the result at the top.
 * The lower axis is in log-odds, the upper one in probabilities.
 */
#include "draw/shap_private.h"

#include <math.h>
#include <stdio.h>

#include "learn/gh_tree.h"

#define MARGIN 16.0
#define ROW 24.0
#define BAR 15.0
#define TIP 5.0					/* of an arrow */
#define NAMES 206.0				/* width of "feature = value" */
#define SIDE 50.0				/* room beside the axis for numbers */

typedef struct waterfall
{
	const gh_decision_chart *chart;
	uint32_t   *order;			/* features, most influential first */
	int			shown;			/* with a row of their own */
	double		others;			/* what the rest adds up to */
	double		base,
				result,
				low,			/* of all places on the way */
				high;
} waterfall;

static int
n_steps(const waterfall *w)
{
	return w->shown + (w->shown < w->chart->n_features);
}

/* Steps are counted upwards: the others first, the most influential feature last. */
static double
step_value(const waterfall *w, int step)
{
	int			from_top = n_steps(w) - 1 - step;

	return from_top < w->shown ? w->chart->shap[w->order[from_top]] : w->others;
}

static gh_status
measure(gh_ctx *ctx, const gh_decision_chart *chart, waterfall *w)
{
	int			n = chart->n_features;
	double	   *weight = GH_NEW(ctx, n, double);

	*w = (waterfall) {.chart = chart,.base = chart->shap[n]};
	if (weight == NULL)
		return gh_ctx_status(ctx);
	for (int f = 0; f < n; f++)
		weight[f] = fabs(chart->shap[f]);
	w->order = gh_feature_order(ctx, weight, n);
	gh_free(ctx, weight);
	if (w->order == NULL)
		return gh_ctx_status(ctx);
	/* one feature would only be renamed "1 other feature" */
	w->shown = n <= GH_CHART_FEATURES + 1 ? n : GH_CHART_FEATURES;
	for (int i = w->shown; i < n; i++)
		w->others += chart->shap[w->order[i]];
	w->result = w->low = w->high = w->base;
	for (int step = 0; step < n_steps(w); step++)
	{
		w->result += step_value(w, step);
		w->low = fmin(w->low, w->result);
		w->high = fmax(w->high, w->result);
	}
	if (!isfinite(w->result) || !isfinite(w->low) || !isfinite(w->high))
		return gh_fail(ctx, GH_EDATA, "SHAP values are not finite");
	return GH_OK;
}

/* ---- marks -------------------------------------------------------------- */

/* With a plus where there is no minus. */
static const char *
signed_number(char out[GH_NUMBER_SIZE + 1], double v)
{
	char		number[GH_NUMBER_SIZE];

	snprintf(out, GH_NUMBER_SIZE + 1, "%s%s", v < 0 ? "" : "+", gh_number_fixed(number, v, 2));
	return out;
}

/* From one place to another, pointing there. */
static void
draw_arrow(gh_svg *svg, double from, double to, double y, const char *class)
{
	double		tip = fmin(TIP, fabs(to - from)),
				neck = to > from ? to - tip : to + tip,
				half = BAR / 2;

	gh_svg_path(svg, class);
	gh_svg_move(svg, from, y - half);
	gh_svg_line_to(svg, neck, y - half);
	gh_svg_line_to(svg, to, y);
	gh_svg_line_to(svg, neck, y + half);
	gh_svg_line_to(svg, from, y + half);
	gh_svg_close_path(svg);
	gh_svg_path_done(svg);
}

static void
label_step(const waterfall *w, int step, char out[GH_LINE_SIZE])
{
	int			from_top = n_steps(w) - 1 - step;
	uint32_t	f;
	char		name[512],
				number[GH_NUMBER_SIZE];

	if (from_top >= w->shown)
	{
		snprintf(out, GH_LINE_SIZE, "%d other features", w->chart->n_features - w->shown);
		return;
	}
	f = w->order[from_top];
	gh_number_short(number, w->chart->value[f], 4);
	/* the value must be seen, whatever the name */
	gh_text_cut(name, sizeof(name), w->chart->feature[f], GH_SIZE_TEXT,
				NAMES - gh_text_width(number, GH_SIZE_TEXT) - 26);
	snprintf(out, GH_LINE_SIZE, "%s = %s", name, isnan(w->chart->value[f]) ? "missing" : number);
}

static void
draw_step(gh_svg *svg, const waterfall *w, const gh_axis *axis, int step, double from, double y)
{
	double		value = step_value(w, step),
				x = gh_axis_at(axis, from),
				to = gh_axis_at(axis, from + value);
	char		label[GH_LINE_SIZE],
				number[GH_NUMBER_SIZE + 1];

	label_step(w, step, label);
	gh_svg_text(svg, "l", GH_END, MARGIN + NAMES, y + 4.5, GH_SIZE_TEXT, NAMES, label);
	draw_arrow(svg, x, to, y, value < 0 ? "f0" : "f1");
	gh_svg_tooltip(svg, label);
	gh_svg_end(svg);
	gh_svg_text(svg, "a halo", value < 0 ? GH_END : GH_START, value < 0 ? to - 5 : to + 5, y + 4, GH_SIZE_SMALL, INFINITY,
				signed_number(number, value));
	/* to the next row */
	gh_svg_line(svg, "axis", to, y - ROW + BAR / 2, to, y - BAR / 2);
	gh_svg_end(svg);
}

/* The two ends of the way: a dot with log-odds and probability. */
static void
draw_end(gh_svg *svg, const gh_axis *axis, const char *name, double margin, double y)
{
	char		number[GH_NUMBER_SIZE],
				percent[GH_NUMBER_SIZE + 2],
				text[2 * GH_NUMBER_SIZE + 16];
	double		x = gh_axis_at(axis, margin);
	bool		left = x > (axis->from + axis->to) / 2;

	gh_svg_text(svg, "l b", GH_END, MARGIN + NAMES, y + 4.5, GH_SIZE_TEXT * 1.08, NAMES, name);
	gh_svg_circle(svg, "f6", x, y, 5);
	gh_svg_end(svg);
	snprintf(text, sizeof(text), "%s = %s", gh_number_fixed(number, margin, 2),
			 gh_probability_text(percent, gh_sigmoid(margin)));
	gh_svg_text(svg, "l b halo", left ? GH_END : GH_START, left ? x - 10 : x + 10, y + 4.5, GH_SIZE_TEXT * 1.08, INFINITY,
				text);
}

static void
draw_rows(gh_svg *svg, const waterfall *w, const gh_axis *axis, double top, double bottom)
{
	int			n = n_steps(w);
	double		y = bottom - ROW / 2,
				at = w->base;

	gh_svg_line(svg, "rule", gh_axis_at(axis, w->base), top, gh_axis_at(axis, w->base), bottom);
	gh_svg_end(svg);
	gh_svg_line(svg, "axis", gh_axis_at(axis, at), y - ROW + BAR / 2, gh_axis_at(axis, at), y);
	gh_svg_end(svg);
	draw_end(svg, axis, "base value", at, y);
	for (int step = 0; step < n; step++)
	{
		y -= ROW;
		draw_step(svg, w, axis, step, at, y);
		at += step_value(w, step);
	}
	draw_end(svg, axis, "result", w->result, y - ROW);
}

/* ---- the whole ---------------------------------------------------------- */

static void
titles(const waterfall *w, char *title, char *subtitle, char *description)
{
	const gh_decision_chart *chart = w->chart;
	char		song[256],
				name[256],
				node[GH_LINE_SIZE],
				percent[GH_NUMBER_SIZE + 2],
				before[GH_NUMBER_SIZE + 2];

	/* a short id leaves more room to the name */
	gh_text_cut(name, sizeof(name), chart->node, GH_SIZE_TITLE * 1.08,
				460 - gh_text_cut(song, sizeof(song), chart->song, GH_SIZE_TITLE * 1.08, 230));
	gh_probability_text(percent, gh_sigmoid(w->result));
	gh_probability_text(before, gh_sigmoid(w->base));
	snprintf(title, GH_LINE_SIZE, "%s: is it %s? %s", song, name, percent);
	gh_node_text(node, chart->node, chart->parent);
	snprintf(subtitle, GH_LINE_SIZE, "Classifier of %.480s; it says %s of a song it knows nothing about", node, before);
	snprintf(description, GH_LINE_SIZE, "How the classifier of %.480s comes to %s for song %s", node, percent, song);
}

static void
draw(gh_ctx *ctx, gh_svg *svg, const waterfall *w)
{
	char		title[GH_LINE_SIZE],
				subtitle[GH_LINE_SIZE],
				description[GH_LINE_SIZE];
	gh_figure	figure = {title, subtitle, description, NULL, 0};
	static const gh_legend_item item[2] = {
		{"speaks for it", "f1", GH_KEY_SQUARE},
		{"speaks against it", "f0", GH_KEY_SQUARE}
	};
	double		from = MARGIN + NAMES + SIDE,
				to = GH_SVG_WIDTH - MARGIN - SIDE,
				top,
				bottom;
	gh_axis		axis = gh_axis_linear(w->low, w->high, from, to, 6, true);

	titles(w, title, subtitle, description);
	top = gh_svg_top(subtitle) + GH_LEGEND_LINE + 44;
	bottom = top + (n_steps(w) + 2) * ROW;
	figure.height = bottom + GH_AXIS_HEIGHT;
	(void) gh_svg_open(svg, ctx, &figure);
	gh_svg_legend(svg, MARGIN, gh_svg_top(subtitle), GH_SVG_WIDTH - 2 * MARGIN, item, 2);
	gh_svg_axis_bottom(svg, &axis, bottom, top, "log-odds");
	gh_svg_axis_probability(svg, &axis, top, "probability");
	draw_rows(svg, w, &axis, top, bottom);
}

gh_status
gh_draw_decision(gh_ctx *ctx, const gh_decision_chart *chart, char **text, size_t *length)
{
	waterfall	w;
	gh_svg		svg;
	gh_status	status = measure(ctx, chart, &w);

	if (status == GH_OK)
	{
		draw(ctx, &svg, &w);
		status = gh_svg_close(&svg, text, length);
	}
	gh_free(ctx, w.order);
	return status;
}
