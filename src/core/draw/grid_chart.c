/*
 * grid_chart.c
 *		A grid search as two panels that share the axis of DBCV.
 *
 * Colour is min_cluster_size by its logarithm, shape the selection method:
 * filled for the first, rings for the second, then squares.
 */
#include "draw/gh_grid_chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "draw/gh_chart.h"

#define POLL 1023
#define MARGIN 16.0
#define PANEL_HEIGHT 260.0
#define PANEL_GAP 26.0
#define SETTING_LINE 18.0
#define MOST_TOOLTIPS 2000		/* beyond, points have none: the text stays small */
#define NOTHING SIZE_MAX

typedef struct drawing
{
	gh_ctx	   *ctx;
	const gh_grid_chart *grid;
	size_t		shown;			/* points with a DBCV */
	size_t		best;			/* NOTHING: none */
	double		low_size,		/* of min_cluster_size; NaN: not known */
				high_size;
	gh_axis		dbcv,
				noise,
				clusters;
	double		radius;
} drawing;

/* ---- what there is ---------------------------------------------------- */

static bool
is_better(const gh_grid_point *a, const gh_grid_point *b)
{
	if (a->dbcv != b->dbcv)
		return a->dbcv > b->dbcv;
	if (a->noise_fraction != b->noise_fraction && !isnan(a->noise_fraction))
		return isnan(b->noise_fraction) || a->noise_fraction < b->noise_fraction;
	return a->clusters < b->clusters;
}

typedef struct extent
{
	double		low,
				high;			/* low > high: nothing seen */
} extent;

static void
widen(extent *e, double value)
{
	if (!isfinite(value))
		return;
	e->low = fmin(e->low, value);
	e->high = fmax(e->high, value);
}

static gh_status
look(drawing *d, double axes_top)
{
	extent		dbcv = {INFINITY, -INFINITY},
				noise = {0, -INFINITY},
				clusters = dbcv,
				size = dbcv;
	double		bottom = axes_top + PANEL_HEIGHT,
				left,
				width;

	d->best = NOTHING;
	for (size_t i = 0; i < d->grid->n; i++)
	{
		const gh_grid_point *p = &d->grid->point[i];

		if ((i & POLL) == 0)
			GH_CHECK_STOP(d->ctx);
		if (!isfinite(p->dbcv))
			continue;
		d->shown++;
		widen(&dbcv, p->dbcv);
		widen(&noise, p->noise_fraction);
		widen(&clusters, p->clusters);
		widen(&size, p->min_cluster_size);
		if (d->best == NOTHING || is_better(p, &d->grid->point[d->best]))
			d->best = i;
	}
	d->low_size = size.low > 0 && size.low < size.high ? size.low : NAN;
	d->high_size = size.high;
	d->radius = fmin(fmax(40 / sqrt(fmax((double) d->shown, 1)), 2.2), 4.5);
	if (dbcv.low > dbcv.high)
		dbcv = (extent) {0, 1};
	d->dbcv = gh_axis_linear(dbcv.low, dbcv.high, bottom, axes_top, 6, true);
	left = MARGIN + gh_axis_left_width(&d->dbcv);
	width = (GH_SVG_WIDTH - MARGIN - left - PANEL_GAP) / 2;
	d->noise = gh_axis_linear(0, noise.high > 0 ? noise.high : 1, left, left + width, 4, true);
	left += width + PANEL_GAP;
	if (clusters.low > clusters.high)
		clusters = (extent) {1, 10};
	/* numbers of clusters are small whole ones, or of very different size */
	if (clusters.high > 12 * fmax(clusters.low, 1))
		d->clusters = gh_axis_log(fmax(clusters.low, 1) * 0.9, clusters.high * 1.1, left, left + width, false);
	else
		d->clusters = gh_axis_linear(fmax(clusters.low - 1, 0), clusters.high + 1, left, left + width, 4, true);
	return GH_OK;
}

/* ---- marks ------------------------------------------------------------ */

/* NaN: colour of a missing value; all equal: the middle. */
static double
size_share(const drawing *d, double size)
{
	if (!isfinite(size) || size <= 0)
		return NAN;
	if (isnan(d->low_size))
		return 0.5;
	return log(size / d->low_size) / log(d->high_size / d->low_size);
}

static void
draw_mark(const drawing *d, gh_svg *svg, const gh_grid_point *p, double x, double y, bool tooltip)
{
	double		share = size_share(d, p->min_cluster_size),
				r = d->radius;
	char		class[16] = "none ";

	if (p->method == 1)
	{
		strcat(class, gh_ramp_stroke(share));
		gh_svg_circle(svg, class, x, y, r - 0.6);
		gh_svg_attr(svg, "stroke-width", "1.6");
	}
	else if (p->method > 1)
		gh_svg_rect(svg, gh_ramp_fill(share), x - r * 0.85, y - r * 0.85, 1.7 * r, 1.7 * r);
	else
		gh_svg_circle(svg, gh_ramp_fill(share), x, y, r);
	if (tooltip)
		gh_svg_tooltip(svg, p->setting);
	gh_svg_end(svg);
}

static gh_status
draw_panel(const drawing *d, gh_svg *svg, const gh_axis *axis, bool is_noise)
{
	gh_svg_group(svg, NULL);
	gh_svg_attr(svg, "opacity", ".85");
	for (size_t i = 0; i < d->grid->n; i++)
	{
		const gh_grid_point *p = &d->grid->point[i];
		double		x = gh_axis_at(axis, is_noise ? p->noise_fraction : p->clusters);

		if ((i & POLL) == 0)
			GH_CHECK_STOP(d->ctx);
		if (isfinite(p->dbcv) && isfinite(x) && i != d->best)
			draw_mark(d, svg, p, x, gh_axis_at(&d->dbcv, p->dbcv), d->shown <= MOST_TOOLTIPS);
	}
	gh_svg_end(svg);
	return svg->m.status;
}

static void
draw_best(const drawing *d, gh_svg *svg, const gh_axis *axis, double value)
{
	const gh_grid_point *p = &d->grid->point[d->best];
	double		x = gh_axis_at(axis, value),
				y = gh_axis_at(&d->dbcv, p->dbcv);
	bool		left = x > (axis->from + axis->to) / 2;

	if (!isfinite(x))
		return;
	draw_mark(d, svg, p, x, y, true);
	gh_svg_circle(svg, "none ink", x, y, d->radius + 4);
	gh_svg_attr(svg, "stroke-width", "1.5");
	gh_svg_end(svg);
	gh_svg_text(svg, "b halo", left ? GH_END : GH_START, x + (left ? -1 : 1) * (d->radius + 8), y + 4.5, GH_SIZE_TEXT, 60,
				"best");
}

/* ---- words ------------------------------------------------------------ */

static void
append(char *out, size_t size, const char *text)
{
	size_t		n = strlen(out);

	snprintf(out + n, size - n, "%s", text);
}

static void
describe(const drawing *d, char *out, size_t size)
{
	char		number[GH_NUMBER_SIZE];
	size_t		undefined = d->grid->n - d->shown;

	out[0] = '\0';
	append(out, size, gh_number_count(number, d->grid->n));
	append(out, size, d->grid->n == 1 ? " setting" : " settings");
	if (undefined > 0)
	{
		append(out, size, "; DBCV is not defined for ");
		append(out, size, gh_number_count(number, undefined));
	}
}

/* "Best: DBCV 0.43, 12 clusters, 8 % noise"; its setting stands below */
static void
describe_best(const drawing *d, char *out, size_t size)
{
	const gh_grid_point *p = &d->grid->point[d->best];
	char		number[GH_NUMBER_SIZE];

	snprintf(out, size, "Best: DBCV %s", gh_number_fixed(number, p->dbcv, 3));
	if (isfinite(p->clusters))
	{
		append(out, size, ", ");
		append(out, size, gh_number_short(number, p->clusters, 6));
		append(out, size, p->clusters == 1 ? " cluster" : " clusters");
	}
	if (isfinite(p->noise_fraction))
	{
		append(out, size, ", ");
		append(out, size, gh_number_percent(number, p->noise_fraction));
		append(out, size, " noise");
	}
}

static void
draw_keys(const drawing *d, gh_svg *svg, double y)
{
	const gh_grid_chart *grid = d->grid;
	gh_legend_item items[GH_CHART_MAX_METHODS];
	char		low[64],
				high[64],
				number[GH_NUMBER_SIZE];
	double		x = MARGIN;

	for (int i = 0; i < grid->n_methods; i++)
		items[i] = (gh_legend_item) {grid->method[i], i == 1 ? "none v5" : "q5",
			i == 1 ? GH_KEY_RING : i == 0 ? GH_KEY_DOT : GH_KEY_SQUARE};
	if (!isnan(d->low_size))
	{
		snprintf(low, sizeof(low), "min_cluster_size %s", gh_number_short(number, d->low_size, 6));
		gh_number_short(high, d->high_size, 6);
		gh_svg_color_bar(svg, x, y, 330, low, high);
		x += 350;
	}
	if (grid->n_methods > 0)
		gh_svg_legend(svg, x, y, GH_SVG_WIDTH - MARGIN - x, items, (size_t) grid->n_methods);
}

/* ---- the picture ------------------------------------------------------ */

static gh_status
draw_inside(const drawing *d, gh_svg *svg, double top)
{
	double		bottom = d->dbcv.from;

	if (d->best != NOTHING)
		gh_svg_text(svg, "s", GH_START, MARGIN, top + SETTING_LINE - 13, GH_SIZE_TEXT, svg->width - 2 * MARGIN,
					d->grid->point[d->best].setting);
	draw_keys(d, svg, top + SETTING_LINE);
	gh_svg_axis_left(svg, &d->dbcv, d->noise.from, d->noise.to, "DBCV (higher is better)");
	for (int i = 0; i < d->dbcv.n_ticks; i++)
	{
		double		y = gh_axis_at(&d->dbcv, d->dbcv.tick[i]);

		gh_svg_line(svg, "grid", d->clusters.from, y, d->clusters.to, y);
		gh_svg_end(svg);
	}
	gh_svg_axis_bottom(svg, &d->noise, bottom, d->dbcv.to, "noise, as a fraction of the points");
	gh_svg_axis_bottom(svg, &d->clusters, bottom, d->dbcv.to, d->clusters.log ? "clusters (log scale)" : "clusters");
	GH_TRY(draw_panel(d, svg, &d->noise, true));
	GH_TRY(draw_panel(d, svg, &d->clusters, false));
	if (d->best != NOTHING)
	{
		draw_best(d, svg, &d->noise, d->grid->point[d->best].noise_fraction);
		draw_best(d, svg, &d->clusters, d->grid->point[d->best].clusters);
	}
	else
		gh_svg_text(svg, "m", GH_MIDDLE, svg->width / 2, (d->dbcv.from + d->dbcv.to) / 2, GH_SIZE_TEXT, 300,
					d->grid->n == 0 ? "no settings" : "no setting with a DBCV");
	return svg->m.status;
}

gh_status
gh_draw_grid(gh_ctx *ctx, const gh_grid_chart *grid, const char *prefix, char **text, size_t *length)
{
	drawing		d = {.ctx = ctx,.grid = grid};
	char		subtitle[256] = "",
				counts[256];
	gh_figure	figure = {.title = "Grid search",.subtitle = subtitle,.description = counts,.prefix = prefix};
	double		axes_top = gh_svg_top(subtitle) + SETTING_LINE + 22 + 30;
	gh_svg		svg;
	gh_status	status;

	*text = NULL;
	*length = 0;
	GH_TRY(look(&d, axes_top));
	describe(&d, counts, sizeof(counts));
	if (d.best != NOTHING)
		describe_best(&d, subtitle, sizeof(subtitle));
	else
		snprintf(subtitle, sizeof(subtitle), "%s", counts);
	figure.height = axes_top + PANEL_HEIGHT + GH_AXIS_HEIGHT + 8;
	status = draw_inside(&d, &svg, gh_svg_open(&svg, ctx, &figure));
	if (status != GH_OK)
	{
		gh_svg_free(&svg);
		return status;
	}
	return gh_svg_close(&svg, text, length);
}
