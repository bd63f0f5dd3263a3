/*
 * projection_chart.c
 *		The frame around a projection: scale, titles, legend.
 */
#include "draw/gh_projection_chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "draw/projection_private.h"

#define POLL 4095
#define MARGIN 16.0
#define MOST_HEIGHT 500.0
#define LEAST_HEIGHT 220.0
#define LEGEND_CLUSTERS 11
#define LEGEND_TEXT 96
#define LEGEND_WIDTH 130.0

/* ---- scale ------------------------------------------------------------ */

static gh_status
find_extent(const canvas *c, double low[2], double high[2])
{
	const gh_projected *p = c->points;

	low[0] = low[1] = INFINITY;
	high[0] = high[1] = -INFINITY;
	for (size_t i = 0; i < p->n; i++)
	{
		if ((i & POLL) == 0)
			GH_CHECK_STOP(c->ctx);
		for (int j = 0; j < 2; j++)
		{
			low[j] = fmin(low[j], p->xy[2 * i + j]);
			high[j] = fmax(high[j], p->xy[2 * i + j]);
		}
	}
	if (p->n == 0)
		low[0] = low[1] = high[0] = high[1] = 0;
	return GH_OK;
}

/* The same scale in both directions: distances are what a projection shows. */
static gh_status
set_scale(canvas *c)
{
	double		low[2],
				high[2],
				span[2];

	GH_TRY(find_extent(c, low, high));
	for (int j = 0; j < 2; j++)
		span[j] = high[j] - low[j];
	c->left = MARGIN;
	c->width = GH_SVG_WIDTH - 2 * MARGIN;
	c->radius = fmin(fmax(11 * pow(fmax((double) c->points->n, 1), -0.235), 0.5), 3.6);
	c->scale = fmin(span[0] > 0 ? c->width / span[0] : INFINITY, span[1] > 0 ? MOST_HEIGHT / span[1] : INFINITY);
	if (!isfinite(c->scale))
		c->scale = 0;			/* all points are one */
	c->height = fmin(fmax(span[1] * c->scale, LEAST_HEIGHT), MOST_HEIGHT);
	c->x0 = low[0];
	c->y0 = low[1];
	return GH_OK;
}

/* The points in the middle of the room that begins at `top`. */
static gh_status
set_origin(canvas *c, double top)
{
	double		low[2],
				high[2];

	GH_TRY(find_extent(c, low, high));
	c->top = top;
	c->dx = c->left + (c->width - (high[0] - low[0]) * c->scale) / 2;
	c->dy = c->top + (c->height + (high[1] - low[1]) * c->scale) / 2;
	return GH_OK;
}

/* ---- words ------------------------------------------------------------ */

static void
append(char *out, size_t size, const char *text)
{
	size_t		n = strlen(out);

	snprintf(out + n, size - n, "%s", text);
}

static void
append_count(char *out, size_t size, const char *before, size_t count, const char *one, const char *many)
{
	char		number[GH_NUMBER_SIZE];

	append(out, size, before);
	append(out, size, gh_number_count(number, count));
	append(out, size, count == 1 ? one : many);
}

/* "12 clusters, 8 % noise", "228,000 points", ... */
static void
describe(const canvas *c, char *out, size_t size)
{
	const gh_projected *p = c->points;
	char		number[GH_NUMBER_SIZE];

	out[0] = '\0';
	append_count(out, size, "", p->n, " point", " points");
	if (p->cluster != NULL && p->n > 0)
	{
		append_count(out, size, ", ", c->n_layers - 1, " cluster", " clusters");
		append(out, size, ", ");
		append(out, size, gh_number_percent(number, (double) c->layers[0].size / (double) p->n));
		append(out, size, " noise");
	}
	if (p->left_out > 0)
		append_count(out, size, "; ", p->left_out, " without a finite place left out", " without a finite place left out");
	if (p->dimensions > 2)
		append_count(out, size, "; the first two of ", (size_t) p->dimensions, " dimensions", " dimensions");
}

/* ---- legend ----------------------------------------------------------- */

typedef struct key
{
	size_t		n;
	gh_legend_item item[LEGEND_CLUSTERS + 2];
	char		text[LEGEND_CLUSTERS + 2][LEGEND_TEXT];
} key;

static void
add_key(key *k, const char *name, gh_key shape, const char *class, size_t count)
{
	char		number[GH_NUMBER_SIZE],
			   *text = k->text[k->n];

	gh_text_cut(text, LEGEND_TEXT - GH_NUMBER_SIZE - 8, name, GH_SIZE_SMALL, LEGEND_WIDTH);
	append(text, LEGEND_TEXT, gh_text_is_rtl(text) ? GH_LEFT_TO_RIGHT " (" : " (");
	append(text, LEGEND_TEXT, gh_number_count(number, count));
	append(text, LEGEND_TEXT, ")");
	k->item[k->n++] = (gh_legend_item) {text, class, shape};
}

static void
make_key(const canvas *c, key *k)
{
	const gh_projected *p = c->points;
	size_t		shown = c->n_layers - 1 <= LEGEND_CLUSTERS ? c->n_layers - 1 : LEGEND_CLUSTERS - 1,
				rest = 0;

	k->n = 0;
	if (p->cluster == NULL || p->n == 0)
		return;
	for (size_t l = 1; l <= shown; l++)
		add_key(k, p->cluster_name[c->layers[l].cluster], GH_KEY_DOT, gh_fill_class(c->layers[l].color), c->layers[l].size);
	for (size_t l = shown + 1; l < c->n_layers; l++)
		rest += c->layers[l].size;
	if (rest > 0)
		add_key(k, "smaller clusters", GH_KEY_RING, "none axis", rest);
	if (c->layers[0].size > 0)
		add_key(k, "noise", GH_KEY_DOT, "qn", c->layers[0].size);
}

/* Two arrows in the corner: the axes have a direction, but no unit and no meaning of their own. */
static void
draw_axes(const canvas *c, gh_svg *svg, double y)
{
	double		x = c->left;

	gh_svg_path(svg, "none axis");
	gh_svg_move(svg, x, y - 34);
	gh_svg_line_to(svg, x, y);
	gh_svg_line_to(svg, x + 34, y);
	gh_svg_move(svg, x - 3, y - 30);
	gh_svg_line_to(svg, x, y - 34);
	gh_svg_line_to(svg, x + 3, y - 30);
	gh_svg_move(svg, x + 30, y - 3);
	gh_svg_line_to(svg, x + 34, y);
	gh_svg_line_to(svg, x + 30, y + 3);
	gh_svg_path_done(svg);
	gh_svg_end(svg);
	gh_svg_text(svg, "a", GH_START, x + 40, y + 4, GH_SIZE_SMALL, 100, "UMAP 1");
	gh_svg_text(svg, "a", GH_START, x - 4, y - 40, GH_SIZE_SMALL, 100, "UMAP 2");
}

/* ---- the picture ------------------------------------------------------ */

#define AXES_HEIGHT 58.0
#define KEY_LEFT 100.0			/* the legend stands right of the arrows */

static gh_status
draw_inside(canvas *c, gh_svg *svg, const key *k)
{
	double		bottom = c->top + c->height + 10;

	GH_TRY(gh_projection_marks(c, svg));
	GH_TRY(gh_projection_labels(c, svg));
	if (c->points->n == 0)
		gh_svg_text(svg, "m", GH_MIDDLE, svg->width / 2, c->top + c->height / 2, GH_SIZE_TEXT, c->width, "no points");
	draw_axes(c, svg, bottom + AXES_HEIGHT - 8);
	gh_svg_legend(svg, c->left + KEY_LEFT, bottom, c->width - KEY_LEFT, k->item, k->n);
	return svg->m.status;
}

static gh_status
draw(canvas *c, const char *title, const char *prefix, char **text, size_t *length)
{
	char		subtitle[256];
	gh_figure	figure = {.title = title != NULL ? title : "Projection",.subtitle = subtitle,
	.description = subtitle,.prefix = prefix};
	gh_svg		svg;
	gh_status	status;
	key			k;

	GH_TRY(set_scale(c));
	GH_TRY(set_origin(c, gh_svg_top(subtitle) + 6));
	GH_TRY(gh_projection_layers(c));
	describe(c, subtitle, sizeof(subtitle));
	make_key(c, &k);
	figure.height = c->top + c->height + 10 + MARGIN +
		fmax(AXES_HEIGHT, gh_legend_height(c->width - KEY_LEFT, k.item, k.n));
	gh_svg_open(&svg, c->ctx, &figure);
	status = draw_inside(c, &svg, &k);
	if (status != GH_OK)
	{
		gh_svg_free(&svg);
		return status;
	}
	return gh_svg_close(&svg, text, length);
}

gh_status
gh_draw_projection(gh_ctx *ctx, const gh_projected *points, const char *title, const char *prefix, char **text,
				   size_t *length)
{
	canvas		c = {.ctx = ctx,.points = points};
	gh_status	status;

	*text = NULL;
	*length = 0;
	GH_TRY(gh_memory_check(ctx, points->n * 48 + 8 * 1024 * 1024, "plot_projection"));
	status = draw(&c, title, prefix, text, length);
	gh_free(ctx, c.layers);
	gh_free(ctx, c.layer_of);
	return status;
}
