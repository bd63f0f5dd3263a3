/*
 * shap_summary.c
 *		SHAP values of many songs, feature by feature.
 *
 * A row per feature, a dot per song at its SHAP value; dots that would cover
 * each other are stacked, and coloured by the value of the feature.
 */
#include "draw/shap_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/gh_sort.h"

#define MARGIN 16.0
#define ROW 38.0
#define NAMES 150.0
#define NUMBERS 52.0
#define DOT 3.4					/* diameter */
/* Values beyond these shares of the songs have the last colour, so that one outlier does not take all colours. */
#define LOW_SHARE 0.05
#define HIGH_SHARE 0.95

/* Many songs are drawn in turns of all colours, so that where dots lie close no colour covers the others. */
#define SONGS_PER_TURN 64
#define MOST_TURNS 16

typedef struct summary
{
	gh_ctx	   *ctx;
	const gh_shap_chart *chart;
	double	   *importance;		/* per feature */
	uint32_t   *order;
	int			shown;
	gh_axis		axis;
	int			columns;		/* of dots across the axis */
	uint32_t   *count;			/* columns: dots there */
	uint32_t   *layer;			/* columns: dots placed so far */
	double	   *present;		/* n: the values of a feature that are there ... */
	uint32_t   *rank;			/* ... and their order */
	double	   *x,				/* n: where the dots are */
			   *y;
	uint8_t    *step;			/* n: colour, GH_RAMP is missing */
} summary;

/* ---- colours ------------------------------------------------------------ */

/* Values between which colours run: *low == *high when all are equal or missing. */
static gh_status
color_range(summary *s, int f, double *low, double *high)
{
	const gh_shap_chart *chart = s->chart;
	size_t		n = 0;

	*low = *high = NAN;
	for (size_t i = 0; i < chart->n; i++)
		if (!isnan(chart->value[i * chart->n_features + f]))
			s->present[n++] = chart->value[i * chart->n_features + f];
	if (n == 0)
		return GH_OK;
	GH_TRY(gh_argsort(s->ctx, s->present, n, s->rank));
	*low = s->present[s->rank[(size_t) (LOW_SHARE * (double) (n - 1))]];
	*high = s->present[s->rank[(size_t) ceil(HIGH_SHARE * (double) (n - 1))]];
	if (*low < *high)
		return GH_OK;
	*low = s->present[s->rank[0]];
	*high = s->present[s->rank[n - 1]];
	return GH_OK;
}

static uint8_t
color_step(double value, double low, double high)
{
	double		step;

	if (isnan(value))
		return GH_RAMP;
	if (!(low < high))
		return GH_RAMP / 2;
	step = floor((value - low) / (high - low) * GH_RAMP);
	return step < 0 ? 0 : step >= GH_RAMP ? GH_RAMP - 1 : (uint8_t) step;
}

/* ---- places ------------------------------------------------------------- */

static int
column_of(const summary *s, double value)
{
	double		x = gh_axis_at(&s->axis, value);
	int			column = (int) ((x - s->axis.from) / DOT);

	return column < 0 ? 0 : column >= s->columns ? s->columns - 1 : column;
}

/* Stacks of dots around the middle of the row, closer where there are too many. */
static gh_status
place_dots(summary *s, int f, double middle, double low, double high)
{
	const gh_shap_chart *chart = s->chart;
	size_t		stride = (size_t) chart->n_features + 1;
	uint32_t	most = 1;
	double		spacing;

	memset(s->count, 0, s->columns * sizeof(uint32_t));
	memset(s->layer, 0, s->columns * sizeof(uint32_t));
	for (size_t i = 0; i < chart->n; i++)
	{
		uint32_t	count = ++s->count[column_of(s, chart->shap[i * stride + f])];

		most = count > most ? count : most;
	}
	spacing = fmin(DOT, (ROW - 8) / most);
	GH_CHECK_STOP(s->ctx);
	for (size_t i = 0; i < chart->n; i++)
	{
		double		value = chart->shap[i * stride + f];
		int			column = column_of(s, value);
		uint32_t	layer = s->layer[column]++;
		double		offset = (layer + 1) / 2 * spacing;

		s->x[i] = gh_axis_at(&s->axis, value);
		/* alternately above and below, from the middle outwards */
		s->y[i] = middle + (layer % 2 == 0 ? offset : -offset);
		s->step[i] = color_step(chart->value[i * chart->n_features + f], low, high);
	}
	return GH_OK;
}

/* ---- marks -------------------------------------------------------------- */

static const char *
dot_class(int step)
{
	return gh_ramp_stroke(step == GH_RAMP ? NAN : (step + 0.5) / GH_RAMP);
}

/* The dots of one colour and turn are one path of lines without length, whose round ends are the dots. */
static void
draw_color(gh_svg *svg, const summary *s, size_t turn, size_t turns, int step)
{
	bool		any = false;

	for (size_t i = turn; i < s->chart->n; i += turns)
	{
		if (s->step[i] != step)
			continue;
		if (!any)
			gh_svg_path(svg, dot_class(step));
		any = true;
		gh_svg_move(svg, s->x[i], s->y[i]);
		gh_svg_draw(svg, 'h', 0);
	}
	if (!any)
		return;
	gh_svg_path_done(svg);
	gh_svg_end(svg);
}

static void
draw_name(gh_svg *svg, const summary *s, int f, double middle, double low, double high)
{
	char		number[GH_NUMBER_SIZE],
				last[GH_NUMBER_SIZE],
				range[2 * GH_NUMBER_SIZE + 16];

	gh_svg_text(svg, "l", GH_START, MARGIN, middle - 1, GH_SIZE_TEXT, NAMES, s->chart->feature[f]);
	if (!isnan(low) && low < high)
		snprintf(range, sizeof(range), "%s to %s", gh_number_short(number, low, 3), gh_number_short(last, high, 3));
	else if (!isnan(low))
		snprintf(range, sizeof(range), "always %s", gh_number_short(number, low, 3));
	else
		snprintf(range, sizeof(range), "missing");
	gh_svg_text(svg, "a", GH_START, MARGIN, middle + 13, GH_SIZE_SMALL, NAMES, range);
	gh_svg_text(svg, "a", GH_END, GH_SVG_WIDTH - MARGIN, middle + 4, GH_SIZE_SMALL, INFINITY,
				gh_number_fixed(number, s->importance[f], 3));
}

static gh_status
draw_feature(gh_svg *svg, summary *s, int f, double top)
{
	size_t		turns = s->chart->n / SONGS_PER_TURN;
	double		middle = top + ROW / 2,
				low,
				high;

	turns = turns < 1 ? 1 : turns > MOST_TURNS ? MOST_TURNS : turns;
	GH_TRY(color_range(s, f, &low, &high));
	GH_TRY(place_dots(s, f, middle, low, high));
	draw_name(svg, s, f, middle, low, high);
	gh_svg_group(svg, "none");
	gh_svg_attr(svg, "stroke-width", "3.4");
	gh_svg_attr(svg, "stroke-linecap", "round");
	gh_svg_tooltip(svg, s->chart->feature[f]);
	for (size_t turn = 0; turn < turns; turn++)
		for (int step = 0; step <= GH_RAMP; step++)
			draw_color(svg, s, turn, turns, step);
	gh_svg_end(svg);
	return gh_should_stop(s->ctx) ? gh_canceled(s->ctx) : GH_OK;
}

/* ---- the whole ---------------------------------------------------------- */

static gh_status
prepare(summary *s)
{
	const gh_shap_chart *chart = s->chart;
	size_t		stride = (size_t) chart->n_features + 1;
	double		low = 0,
				high = 0;

	s->importance = gh_shap_importance(s->ctx, chart);
	if (s->importance == NULL)
		return gh_ctx_status(s->ctx);
	s->order = gh_feature_order(s->ctx, s->importance, chart->n_features);
	if (s->order == NULL)
		return gh_ctx_status(s->ctx);
	s->shown = chart->n_features < GH_CHART_FEATURES ? chart->n_features : GH_CHART_FEATURES;
	for (int k = 0; k < s->shown; k++)
		for (size_t i = 0; i < chart->n; i++)
		{
			low = fmin(low, chart->shap[i * stride + s->order[k]]);
			high = fmax(high, chart->shap[i * stride + s->order[k]]);
		}
	s->axis = gh_axis_linear(low, high, MARGIN + NAMES + 12, GH_SVG_WIDTH - MARGIN - NUMBERS - 8, 7, true);
	s->columns = (int) ((s->axis.to - s->axis.from) / DOT) + 1;
	s->count = GH_NEW(s->ctx, s->columns, uint32_t);
	s->layer = GH_NEW(s->ctx, s->columns, uint32_t);
	s->present = GH_NEW(s->ctx, chart->n, double);
	s->rank = GH_NEW(s->ctx, chart->n, uint32_t);
	s->x = GH_NEW(s->ctx, chart->n, double);
	s->y = GH_NEW(s->ctx, chart->n, double);
	s->step = GH_NEW(s->ctx, chart->n, uint8_t);
	if (s->count == NULL || s->layer == NULL || s->present == NULL || s->rank == NULL || s->x == NULL || s->y == NULL ||
		s->step == NULL)
		return gh_ctx_status(s->ctx);
	return GH_OK;
}

static void
release(summary *s)
{
	gh_free(s->ctx, s->importance);
	gh_free(s->ctx, s->order);
	gh_free(s->ctx, s->count);
	gh_free(s->ctx, s->layer);
	gh_free(s->ctx, s->present);
	gh_free(s->ctx, s->rank);
	gh_free(s->ctx, s->x);
	gh_free(s->ctx, s->y);
	gh_free(s->ctx, s->step);
}

static bool
has_missing(const gh_shap_chart *chart)
{
	for (size_t i = 0; i < chart->n * chart->n_features; i++)
		if (isnan(chart->value[i]))
			return true;
	return false;
}

static void
titles(const summary *s, char *title, char *subtitle, char *description)
{
	const gh_shap_chart *chart = s->chart;
	char		name[256],
				node[GH_LINE_SIZE],
				number[GH_NUMBER_SIZE],
				most[256] = "no feature";

	gh_text_cut(name, sizeof(name), chart->node, GH_SIZE_TITLE, 400);
	snprintf(title, GH_LINE_SIZE, "What makes a song %s", name);
	gh_node_text(node, chart->node, chart->parent);
	gh_number_count(number, chart->n);
	if (chart->n == 0)
		snprintf(subtitle, GH_LINE_SIZE, "There are no songs to show.");
	else if (s->shown < chart->n_features)
		snprintf(subtitle, GH_LINE_SIZE, "SHAP values of %s songs; the %d most influential of %d features", number,
				 s->shown, chart->n_features);
	else
		snprintf(subtitle, GH_LINE_SIZE, "SHAP values of %s songs, one dot each; most influential feature first", number);
	if (s->shown > 0)
		gh_text_cut(most, sizeof(most), chart->feature[s->order[0]], GH_SIZE_TEXT, INFINITY);
	snprintf(description, GH_LINE_SIZE, "Distribution of SHAP values in the classifier of %.480s over %s songs; "
			 "the most influential feature is %s", node, number, most);
}

static void
draw_keys(gh_svg *svg, const gh_shap_chart *chart, double y)
{
	static const gh_legend_item missing = {"value missing", "faint", GH_KEY_DOT};

	gh_svg_color_bar(svg, MARGIN, y, 240, "low value", "high value");
	if (has_missing(chart))
		gh_svg_legend(svg, MARGIN + 290, y, 150, &missing, 1);
	gh_svg_text(svg, "a", GH_END, GH_SVG_WIDTH - MARGIN, y + 12, GH_SIZE_SMALL, INFINITY, "mean |SHAP|");
}

static gh_status
draw(gh_svg *svg, summary *s)
{
	char		title[GH_LINE_SIZE],
				subtitle[GH_LINE_SIZE],
				description[GH_LINE_SIZE];
	gh_figure	figure = {title, subtitle, description, NULL, 0};
	double		top,
				bottom,
				zero = gh_axis_at(&s->axis, 0);

	titles(s, title, subtitle, description);
	top = gh_svg_top(subtitle) + GH_LEGEND_LINE + 8;
	bottom = top + fmax(s->shown, 1) * ROW;
	figure.height = bottom + GH_AXIS_HEIGHT;
	(void) gh_svg_open(svg, s->ctx, &figure);
	draw_keys(svg, s->chart, gh_svg_top(subtitle));
	gh_svg_axis_bottom(svg, &s->axis, bottom, top, "SHAP value (log-odds): left speaks against, right for it");
	gh_svg_line(svg, "axis", zero, top, zero, bottom);
	gh_svg_end(svg);
	for (int k = 0; k < s->shown; k++)
		GH_TRY(draw_feature(svg, s, s->order[k], top + k * ROW));
	return GH_OK;
}

gh_status
gh_draw_shap_summary(gh_ctx *ctx, const gh_shap_chart *chart, char **text, size_t *length)
{
	summary		s = {.ctx = ctx,.chart = chart};
	gh_svg		svg;
	gh_status	status = prepare(&s);

	if (status == GH_OK)
	{
		status = draw(&svg, &s);
		if (status == GH_OK)
			status = gh_svg_close(&svg, text, length);
		else
			gh_svg_free(&svg);
	}
	release(&s);
	return status;
}
