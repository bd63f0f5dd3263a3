/*
 * precision.c
 *		Average precision per genre and supergenre, classifier by classifier.
 *
 * A dot plot: a row per genre below its supergenre's, a mark per classifier, a
 * bar for the prevalence, and the numbers beside it.
 */
#include "draw/gh_chart.h"
#include "draw/gh_model_charts.h"

#include <math.h>
#include <stdio.h>

#define MARGIN 16.0
#define ROW 21.0
#define GROUP_GAP 9.0			/* above a supergenre's row */
#define NAMES_LEAST 90.0		/* width of the names' column */
#define NAMES_MOST 236.0
#define INDENT 12.0				/* of a genre below its supergenre */
#define NUMBER 45.0				/* width of a column of numbers */
#define BAR 9.0

static const char *const mark_class[GH_CHART_CLASSIFIERS] = {"none s0", "f1", "f2", "none s3"};
static const gh_key mark_key[GH_CHART_CLASSIFIERS] = {GH_KEY_RING, GH_KEY_DOT, GH_KEY_SQUARE, GH_KEY_RING};

static void
draw_mark(gh_svg *svg, int classifier, double x, double y)
{
	switch (mark_key[classifier])
	{
		case GH_KEY_SQUARE:
			gh_svg_rect(svg, mark_class[classifier], x - 4, y - 4, 8, 8);
			break;
		case GH_KEY_RING:
			/* wide enough that a dot at the same place shows inside */
			gh_svg_circle(svg, mark_class[classifier], x, y, 5.5);
			gh_svg_attr(svg, "stroke-width", "2");
			break;
		default:
			gh_svg_circle(svg, mark_class[classifier], x, y, 3.8);
			break;
	}
}

static void
draw_line(gh_svg *svg, const gh_axis *axis, const gh_precision_row *row, int n, double y)
{
	double		low = INFINITY,
				high = -INFINITY;

	for (int c = 0; c < n; c++)
	{
		low = fmin(low, row->score[c]);
		high = fmax(high, row->score[c]);
	}
	if (!(low < high))
		return;
	gh_svg_line(svg, "axis", gh_axis_at(axis, low), y, gh_axis_at(axis, high), y);
	gh_svg_end(svg);
}

/* From 0 to the prevalence: what guessing gets. */
static void
draw_prevalence(gh_svg *svg, const gh_axis *axis, const gh_precision_row *row, double y)
{
	char		number[GH_NUMBER_SIZE],
				tooltip[GH_NUMBER_SIZE + 32];

	if (!isfinite(row->prevalence))
		return;
	gh_svg_rect(svg, "faint", axis->from, y - BAR / 2, gh_axis_at(axis, row->prevalence) - axis->from, BAR);
	snprintf(tooltip, sizeof(tooltip), "prevalence %s", gh_number_fixed(number, row->prevalence, 3));
	gh_svg_tooltip(svg, tooltip);
	gh_svg_end(svg);
}

static double
number_right(const gh_precision_chart *chart, int c)
{
	return GH_SVG_WIDTH - MARGIN - (chart->n_classifiers - 1 - c) * NUMBER;
}

static void
draw_scores(gh_svg *svg, const gh_precision_chart *chart, const gh_axis *axis, const gh_precision_row *row, double y)
{
	draw_prevalence(svg, axis, row, y);
	draw_line(svg, axis, row, chart->n_classifiers, y);
	for (int c = 0; c < chart->n_classifiers; c++)
	{
		char		number[GH_NUMBER_SIZE],
					name[256],
					tooltip[512];

		if (!isfinite(row->score[c]))
			continue;
		gh_number_fixed(number, row->score[c], 3);
		gh_text_cut(name, sizeof(name), row->name, GH_SIZE_TEXT, INFINITY);
		snprintf(tooltip, sizeof(tooltip), "%s, %.100s: %s", name, chart->classifier[c], number);
		draw_mark(svg, c, gh_axis_at(axis, row->score[c]), y);
		gh_svg_tooltip(svg, tooltip);
		gh_svg_end(svg);
		gh_svg_text(svg, row->is_genre ? "a" : "a b", GH_END, number_right(chart, c), y + 4, GH_SIZE_SMALL, INFINITY,
					number);
	}
}

static double
name_size(const gh_precision_row *row)
{
	return row->is_genre ? GH_SIZE_TEXT : GH_SIZE_TEXT * 1.08;
}

/* As wide as the widest name, within limits. */
static double
names_width(const gh_precision_chart *chart)
{
	double		width = NAMES_LEAST;

	for (size_t i = 0; i < chart->n && i < GH_CHART_GENRES; i++)
		width = fmax(width, gh_text_width(chart->row[i].name, name_size(&chart->row[i])) +
					 (chart->row[i].is_genre ? INDENT : 0));
	return fmin(width, NAMES_MOST);
}

/* The height of all rows; with svg they are drawn from y on. */
static double
rows(gh_svg *svg, const gh_precision_chart *chart, const gh_axis *axis, double names, double y)
{
	double		top = y;

	for (size_t i = 0; i < chart->n && i < GH_CHART_GENRES; i++)
	{
		const gh_precision_row *row = &chart->row[i];
		double		indent = row->is_genre ? INDENT : 0;

		if (!row->is_genre && i > 0)
			y += GROUP_GAP;
		if (svg != NULL)
		{
			gh_svg_text(svg, row->is_genre ? "l" : "l b", GH_START, MARGIN + indent, y + ROW / 2 + 4.5,
						name_size(row), names - indent + 0.01, row->name);
			draw_scores(svg, chart, axis, row, y + ROW / 2);
		}
		y += ROW;
	}
	return y - top;
}

static size_t
legend_items(const gh_precision_chart *chart, gh_legend_item item[GH_CHART_CLASSIFIERS + 1])
{
	for (int c = 0; c < chart->n_classifiers; c++)
		item[c] = (gh_legend_item) {chart->classifier[c], mark_class[c], mark_key[c]};
	item[chart->n_classifiers] = (gh_legend_item) {"prevalence (what guessing gets)", "faint", GH_KEY_SQUARE};
	return (size_t) chart->n_classifiers + 1;
}

static void
draw_headings(gh_svg *svg, const gh_precision_chart *chart, double y)
{
	for (int c = 0; c < chart->n_classifiers; c++)
	{
		draw_mark(svg, c, number_right(chart, c) - 15, y);
		gh_svg_end(svg);
	}
}

/* Which classifier is best how often: what the picture says. */
static void
describe(const gh_precision_chart *chart, char *out, size_t n)
{
	uint64_t	genres = 0,
				better = 0;
	char		name[256];

	for (size_t i = 0; i < chart->n; i++)
	{
		const gh_precision_row *row = &chart->row[i];

		if (!row->is_genre || chart->n_classifiers < 2 || !isfinite(row->score[0]) || !isfinite(row->score[1]))
			continue;
		genres++;
		better += row->score[1] > row->score[0];
	}
	gh_text_cut(name, sizeof(name), chart->model, GH_SIZE_TEXT, INFINITY);
	if (genres == 0)
		snprintf(out, n, "Average precision per genre of model %s.", name);
	else
		snprintf(out, n, "Average precision per genre of model %s. Of %llu genres, %llu have a higher one in the "
				 "classifier %.100s than in %.100s.", name, (unsigned long long) genres, (unsigned long long) better,
				 chart->classifier[1], chart->classifier[0]);
}

static void
titles(const gh_precision_chart *chart, char *title, char *subtitle, size_t n)
{
	char		name[256],
				number[GH_NUMBER_SIZE];

	gh_text_cut(name, sizeof(name), chart->supergenre != NULL ? chart->supergenre : chart->model, GH_SIZE_TITLE, 330);
	snprintf(title, n, "Average precision by genre: %s", name);
	if (chart->n == 0 || chart->songs == 0)
		snprintf(subtitle, n, "There are no scores: the model was trained without validation songs.");
	else if (chart->n > GH_CHART_GENRES)
		snprintf(subtitle, n, "The first %d of %zu rows, on %s songs that took no part in training", GH_CHART_GENRES,
				 chart->n, gh_number_count(number, chart->songs));
	else
		snprintf(subtitle, n, "On %s songs that took no part in training; higher is better",
				 gh_number_count(number, chart->songs));
}

gh_status
gh_draw_precision(gh_ctx *ctx, const gh_precision_chart *chart, char **text, size_t *length)
{
	gh_svg		svg;
	char		title[512],
				subtitle[512],
				description[1024];
	gh_figure	figure = {title, subtitle, description, NULL, 0};
	gh_legend_item item[GH_CHART_CLASSIFIERS + 1];
	size_t		n_items = legend_items(chart, item);
	double		width = GH_SVG_WIDTH - 2 * MARGIN,
				names = names_width(chart),
				height = rows(NULL, chart, NULL, names, 0),
				top,
				right = GH_SVG_WIDTH - MARGIN - chart->n_classifiers * NUMBER;
	gh_axis		axis = gh_axis_linear(0, 1, MARGIN + names + 14, right - 4, 5, false);

	titles(chart, title, subtitle, sizeof(title));
	describe(chart, description, sizeof(description));
	top = gh_svg_top(subtitle) + gh_legend_height(width, item, n_items) + 22;
	figure.height = top + height + 6 + GH_AXIS_HEIGHT;
	(void) gh_svg_open(&svg, ctx, &figure);
	gh_svg_legend(&svg, MARGIN, gh_svg_top(subtitle), width, item, n_items);
	draw_headings(&svg, chart, top - 10);
	gh_svg_axis_bottom(&svg, &axis, top + height + 4, top - 4, "average precision");
	(void) rows(&svg, chart, &axis, names, top);
	return gh_svg_close(&svg, text, length);
}
