/*
 * shap_paths.c
 *		The paths of many songs through one classifier.
 *
 * A line per song, read upwards from the base value: within the row of a
 * feature the line moves by the feature's SHAP value, and at the top it is at
 * the result.  Rows stand in the order of their mean influence.  The colour is
 * the result; the medians of songs that get yes and of those that get no are
 * drawn over them, and so are songs that go far from the others.
 */
#include "draw/shap_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/gh_sort.h"
#include "draw/gh_place.h"
#include "learn/gh_tree.h"

#define MARGIN 16.0
#define ROW 25.0
#define NAMES 146.0
#define OUTLIERS 6				/* most that are marked */
/* Distance from the median of the songs with the same answer, in interquartile ranges of their results. */
#define FAR_OUT 2.0
#define LEAST_GROUP 20			/* songs, to speak of far out */
#define LIST_LINE 18.0

typedef struct outlier
{
	size_t		song;
	double		distance;
	int			level;			/* where it is largest */
} outlier;

typedef struct paths
{
	gh_ctx	   *ctx;
	const gh_shap_chart *chart;
	double	   *importance;
	uint32_t   *order;
	int			shown,			/* features with a row of their own */
				levels;			/* rows: those, and one for the others */
	double	   *at;				/* n x (levels + 1): places on the way, log-odds; the last is the result */
	double		low,
				high;
	size_t		n_yes;
	double	   *median[2];		/* levels + 1: of those that get no, and yes */
	double		spread[2];		/* interquartile ranges of the results */
	double	   *group;			/* n: room for the values of one level */
	uint32_t   *rank;
	int			n_outliers;
	outlier		outlier[OUTLIERS];	/* furthest first */
	gh_axis		axis;
	double		top,
				bottom;
} paths;

/* ---- the ways ----------------------------------------------------------- */

static double
result_of(const paths *p, size_t song)
{
	return p->at[song * (p->levels + 1) + p->levels];
}

static bool
says_yes(const paths *p, size_t song)
{
	return result_of(p, song) >= 0;
}

static void
walk(paths *p, size_t song)
{
	int			n = p->chart->n_features;
	const double *shap = p->chart->shap + song * ((size_t) n + 1);
	double	   *at = p->at + song * (p->levels + 1);
	double		margin = shap[n];
	int			level = 0;

	at[0] = margin;
	if (p->levels > p->shown)
	{
		for (int k = n - 1; k >= p->shown; k--)
			margin += shap[p->order[k]];
		at[++level] = margin;
	}
	for (int k = p->shown - 1; k >= 0; k--)
		at[++level] = margin += shap[p->order[k]];
	for (int k = 0; k <= p->levels; k++)
	{
		p->low = fmin(p->low, at[k]);
		p->high = fmax(p->high, at[k]);
	}
	p->n_yes += says_yes(p, song);
}

/* ---- medians and outliers ----------------------------------------------- */

static size_t
group_size(const paths *p, int yes)
{
	return yes ? p->n_yes : p->chart->n - p->n_yes;
}

static gh_status
measure_group(paths *p, int yes)
{
	size_t		n = group_size(p, yes);

	for (int level = 0; level <= p->levels && n > 0; level++)
	{
		size_t		found = 0;

		GH_CHECK_STOP(p->ctx);
		for (size_t i = 0; i < p->chart->n; i++)
			if (says_yes(p, i) == (yes != 0))
				p->group[found++] = p->at[i * (p->levels + 1) + level];
		GH_TRY(gh_argsort(p->ctx, p->group, n, p->rank));
		p->median[yes][level] = (p->group[p->rank[(n - 1) / 2]] + p->group[p->rank[n / 2]]) / 2;
		p->spread[yes] = p->group[p->rank[(3 * (n - 1)) / 4]] - p->group[p->rank[(n - 1) / 4]];
	}
	return GH_OK;
}

/* Keeps the furthest; among equals the earlier song. */
static void
keep_outlier(paths *p, outlier found)
{
	int			place = p->n_outliers;

	while (place > 0 && p->outlier[place - 1].distance < found.distance)
		place--;
	if (place == OUTLIERS)
		return;
	if (p->n_outliers < OUTLIERS)
		p->n_outliers++;
	memmove(p->outlier + place + 1, p->outlier + place, (p->n_outliers - 1 - place) * sizeof(outlier));
	p->outlier[place] = found;
}

static void
find_outliers(paths *p)
{
	for (size_t i = 0; i < p->chart->n; i++)
	{
		int			yes = says_yes(p, i);
		outlier		far = {.song = i,.distance = FAR_OUT};

		for (int level = 1; level <= p->levels; level++)
		{
			double		distance = fabs(p->at[i * (p->levels + 1) + level] - p->median[yes][level]) / p->spread[yes];

			if (p->spread[yes] > 0 && distance > far.distance)
				far = (outlier) {i, distance, level};
		}
		if (far.level > 0 && group_size(p, yes) >= LEAST_GROUP)
			keep_outlier(p, far);
	}
}

static gh_status
prepare(paths *p)
{
	const gh_shap_chart *chart = p->chart;
	size_t		n = chart->n;

	p->importance = gh_shap_importance(p->ctx, chart);
	p->order = p->importance == NULL ? NULL : gh_feature_order(p->ctx, p->importance, chart->n_features);
	if (p->order == NULL)
		return gh_ctx_status(p->ctx);
	p->shown = chart->n_features <= GH_CHART_FEATURES + 1 ? chart->n_features : GH_CHART_FEATURES;
	p->levels = p->shown + (p->shown < chart->n_features);
	p->at = GH_NEW(p->ctx, n * (p->levels + 1), double);
	p->group = GH_NEW(p->ctx, n, double);
	p->rank = GH_NEW(p->ctx, n, uint32_t);
	for (int yes = 0; yes < 2; yes++)
	{
		p->median[yes] = GH_NEW(p->ctx, p->levels + 1, double);
		if (p->median[yes] == NULL)
			return gh_ctx_status(p->ctx);
	}
	if (p->at == NULL || p->group == NULL || p->rank == NULL)
		return gh_ctx_status(p->ctx);
	p->low = p->high = chart->base_value;
	for (size_t i = 0; i < n; i++)
		walk(p, i);
	if (!isfinite(p->low) || !isfinite(p->high))
		return gh_fail(p->ctx, GH_EDATA, "SHAP values are not finite");
	GH_TRY(measure_group(p, 0));
	GH_TRY(measure_group(p, 1));
	find_outliers(p);
	return GH_OK;
}

static void
release(paths *p)
{
	gh_free(p->ctx, p->importance);
	gh_free(p->ctx, p->order);
	gh_free(p->ctx, p->at);
	gh_free(p->ctx, p->group);
	gh_free(p->ctx, p->rank);
	for (int yes = 0; yes < 2; yes++)
		gh_free(p->ctx, p->median[yes]);
}

/* ---- marks -------------------------------------------------------------- */

static void
draw_way(gh_svg *svg, const paths *p, const char *class, const double *at)
{
	gh_svg_path(svg, class);
	gh_svg_move(svg, gh_axis_at(&p->axis, at[0]), p->bottom);
	for (int level = 1; level <= p->levels; level++)
		gh_svg_line_to(svg, gh_axis_at(&p->axis, at[level]), p->bottom - level * ROW);
	gh_svg_path_done(svg);
}

static void
song_text(const paths *p, size_t song, char out[GH_LINE_SIZE])
{
	char		name[512],
				percent[GH_NUMBER_SIZE + 2];

	gh_text_cut(name, sizeof(name), p->chart->song[song], GH_SIZE_TEXT, 400);
	snprintf(out, GH_LINE_SIZE, "%s: %s", name, gh_probability_text(percent, gh_sigmoid(result_of(p, song))));
}

static int
color_of(const paths *p, size_t song)
{
	int			step = (int) floor(gh_sigmoid(result_of(p, song)) * GH_RAMP);

	return step < GH_RAMP ? step : GH_RAMP - 1;
}

/* Songs of one colour; a path each, so that where many go it is darker. */
static gh_status
draw_color(gh_svg *svg, const paths *p, int step)
{
	const double *at = p->at;
	char		class[16],
				text[GH_LINE_SIZE];

	snprintf(class, sizeof(class), "none %s", gh_ramp_stroke((step + 0.5) / GH_RAMP));
	gh_svg_group(svg, class);
	for (size_t i = 0; i < p->chart->n; i++, at += p->levels + 1)
	{
		if (color_of(p, i) != step)
			continue;
		GH_CHECK_STOP(p->ctx);
		draw_way(svg, p, NULL, at);
		song_text(p, i, text);
		gh_svg_tooltip(svg, text);
		gh_svg_end(svg);
	}
	gh_svg_end(svg);
	return GH_OK;
}

static gh_status
draw_songs(gh_svg *svg, const paths *p)
{
	gh_status	status = GH_OK;
	double		opacity = p->chart->n == 0 ? 1 : fmin(fmax(250.0 / (double) p->chart->n, 0.05), 0.8);

	gh_svg_group(svg, "none");
	gh_svg_attr_number(svg, "stroke-opacity", opacity);
	/* from the middle of the ramp outwards: what is undecided lies below */
	for (int k = 0; k <= GH_RAMP / 2 && status == GH_OK; k++)
	{
		status = draw_color(svg, p, GH_RAMP / 2 - k);
		if (k > 0 && status == GH_OK)
			status = draw_color(svg, p, GH_RAMP / 2 + k);
	}
	gh_svg_end(svg);
	return status;
}

static void
draw_medians(gh_svg *svg, const paths *p)
{
	for (int yes = 0; yes < 2; yes++)
	{
		if (group_size(p, yes) == 0)
			continue;
		draw_way(svg, p, "none edge", p->median[yes]);
		gh_svg_attr(svg, "stroke-width", "5.5");
		gh_svg_end(svg);
		draw_way(svg, p, yes ? "none s1" : "none s0", p->median[yes]);
		gh_svg_attr(svg, "stroke-width", "3");
		gh_svg_end(svg);
	}
}

/* A line of its own kind, with a number beside the place where it is furthest from the others. */
static gh_status
draw_outlier(gh_svg *svg, const paths *p, gh_place *place, int k, const char *song)
{
	const outlier *o = &p->outlier[k];
	const double *at = p->at + o->song * (p->levels + 1);
	gh_box		box = {0, 0, 9, 13};
	bool		placed;
	char		number[16];

	draw_way(svg, p, "none s6", at);
	gh_svg_attr(svg, "stroke-width", "1.4");
	gh_svg_attr(svg, "stroke-dasharray", "5 2");
	gh_svg_tooltip(svg, song);
	gh_svg_end(svg);
	snprintf(number, sizeof(number), "%d", k + 1);
	GH_TRY(gh_place_beside(place, gh_axis_at(&p->axis, at[o->level]), p->bottom - o->level * ROW, 3, &box, &placed));
	if (placed)
		gh_svg_text(svg, "l b halo", GH_START, box.x, box.y + 11, GH_SIZE_TEXT, INFINITY, number);
	return GH_OK;
}

/* The lines, and below the axis a list of their songs in two columns. */
static gh_status
draw_outliers(gh_svg *svg, const paths *p, double list)
{
	gh_place	place;
	gh_status	status = GH_OK;

	gh_place_init(&place, p->ctx, (gh_box) {p->axis.from, p->top, p->axis.to - p->axis.from, p->bottom - p->top}, 2);
	for (int k = 0; k < p->n_outliers && status == GH_OK; k++)
	{
		char		song[GH_LINE_SIZE],
					line[GH_LINE_SIZE + 16];

		song_text(p, p->outlier[k].song, song);
		status = draw_outlier(svg, p, &place, k, song);
		snprintf(line, sizeof(line), "%d  %s", k + 1, song);
		gh_svg_text(svg, "a", GH_START, k % 2 == 0 ? MARGIN : GH_SVG_WIDTH / 2, list + (k / 2) * LIST_LINE, GH_SIZE_SMALL,
					GH_SVG_WIDTH / 2 - MARGIN - 8, line);
	}
	gh_place_free(&place);
	return status;
}

static void
draw_rows(gh_svg *svg, const paths *p)
{
	double		base = gh_axis_at(&p->axis, p->chart->n > 0 ? p->at[0] : p->chart->base_value);

	for (int level = 0; level < p->levels; level++)
	{
		double		y = p->bottom - level * ROW;
		int			k = p->levels - 1 - level;
		char		others[64];

		gh_svg_line(svg, "grid", p->axis.from, y - ROW, p->axis.to, y - ROW);
		gh_svg_end(svg);
		snprintf(others, sizeof(others), "%d other features", p->chart->n_features - p->shown);
		gh_svg_text(svg, "l", GH_END, p->axis.from - 10, y - ROW / 2 + 4.5, GH_SIZE_TEXT, NAMES,
					k < p->shown ? p->chart->feature[p->order[k]] : others);
	}
	gh_svg_line(svg, "rule", base, p->top, base, p->bottom);
	gh_svg_end(svg);
}

/* ---- the whole ---------------------------------------------------------- */

static void
titles(const paths *p, char *title, char *subtitle, char *description)
{
	const gh_shap_chart *chart = p->chart;
	char		name[256],
				node[GH_LINE_SIZE],
				number[GH_NUMBER_SIZE],
				yes[GH_NUMBER_SIZE];

	gh_text_cut(name, sizeof(name), chart->node, GH_SIZE_TITLE, 360);
	snprintf(title, GH_LINE_SIZE, "How songs become %s, or not", name);
	gh_node_text(node, chart->node, chart->parent);
	gh_number_count(number, chart->n);
	gh_number_count(yes, p->n_yes);
	if (chart->n == 0)
		snprintf(subtitle, GH_LINE_SIZE, "There are no songs to show.");
	else
		snprintf(subtitle, GH_LINE_SIZE, "Paths of %s songs from the base value (bottom) to the result (top)", number);
	snprintf(description, GH_LINE_SIZE, "Paths of %s songs through the classifier of %.480s; %s of them end at 50 %% or "
			 "more; %d go far from the others", number, node, yes, p->n_outliers);
}

static size_t
legend_items(const paths *p, char text[2][64], gh_legend_item item[3])
{
	char		number[GH_NUMBER_SIZE];
	size_t		n = 0;

	for (int yes = 0; yes < 2; yes++)
	{
		if (group_size(p, yes) == 0)
			continue;
		snprintf(text[yes], sizeof(text[yes]), "median of %s songs %s", gh_number_count(number, group_size(p, yes)),
				 yes ? "at 50 % or more" : "below 50 %");
		item[n++] = (gh_legend_item) {text[yes], yes ? "s1" : "s0", GH_KEY_LINE};
	}
	if (p->n_outliers > 0)
		item[n++] = (gh_legend_item) {"far from the others (listed below)", "s6", GH_KEY_LINE};
	return n;
}

static gh_status
draw(gh_svg *svg, paths *p)
{
	char		title[GH_LINE_SIZE],
				subtitle[GH_LINE_SIZE],
				description[GH_LINE_SIZE],
				legend[2][64];
	gh_legend_item item[3];
	size_t		n_items = legend_items(p, legend, item);
	gh_figure	figure = {title, subtitle, description, NULL, 0};
	double		width = GH_SVG_WIDTH - 2 * MARGIN,
				y;
	int			lines = (p->n_outliers + 1) / 2;

	titles(p, title, subtitle, description);
	y = gh_svg_top(subtitle);
	p->axis = gh_axis_linear(p->low, p->high, MARGIN + NAMES + 14, GH_SVG_WIDTH - MARGIN - 12, 7, true);
	p->top = y + GH_LEGEND_LINE + gh_legend_height(width, item, n_items) + 44;
	p->bottom = p->top + p->levels * ROW;
	figure.height = p->bottom + GH_AXIS_HEIGHT + (lines > 0 ? lines * LIST_LINE + 8 : 0);
	(void) gh_svg_open(svg, p->ctx, &figure);
	gh_svg_color_bar(svg, MARGIN, y, 240, "0 %", "100 % probability");
	gh_svg_legend(svg, MARGIN, y + GH_LEGEND_LINE, width, item, n_items);
	gh_svg_axis_bottom(svg, &p->axis, p->bottom, p->top, "log-odds");
	gh_svg_axis_probability(svg, &p->axis, p->top, "probability");
	draw_rows(svg, p);
	GH_TRY(draw_songs(svg, p));
	draw_medians(svg, p);
	return draw_outliers(svg, p, p->bottom + GH_AXIS_HEIGHT + LIST_LINE - 2);
}

gh_status
gh_draw_shap_paths(gh_ctx *ctx, const gh_shap_chart *chart, char **text, size_t *length)
{
	paths		p = {.ctx = ctx,.chart = chart};
	gh_svg		svg;
	gh_status	status = prepare(&p);

	if (status == GH_OK)
	{
		status = draw(&svg, &p);
		if (status == GH_OK)
			status = gh_svg_close(&svg, text, length);
		else
			gh_svg_free(&svg);
	}
	release(&p);
	return status;
}
