/*
 * hierarchy_chart.c
 *		A hierarchy of genres, one row a node.
 */
#include "draw/gh_hierarchy_chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/gh_sort.h"
#include "draw/gh_chart.h"

#define MARGIN 16.0
#define ROW 19.0
#define INDENT 15.0
#define NAME_RIGHT 272.0
#define BAR_LEFT 280.0
#define BAR_RIGHT 372.0
#define COUNT_RIGHT 424.0
#define SCORE_LEFT 442.0
#define SCORE_RIGHT 582.0
#define NONE UINT32_MAX

typedef struct row
{
	uint32_t	node;			/* NONE: the smaller ones below `parent` */
	uint32_t	parent;			/* NONE: top */
	uint32_t	hidden;
	int			level;			/* 0: top */
	size_t		color;
} row;

/* The tree as lists, siblings from large to small. */
typedef struct tree
{
	gh_ctx	   *ctx;
	const gh_model *model;
	uint32_t   *child,			/* of a node: its first; n_nodes + 1, the last entry is of the root above the tops */
			   *sibling,
			   *hidden;			/* children that are not shown */
	uint8_t    *shown;
	double	   *joint;			/* y to which the line down from a node is drawn */
	size_t		n_rows;
	row		   *rows;
	size_t		n_supergenres;
	uint64_t	songs,			/* training rows in all */
				largest;		/* positives */
} tree;

/* ---- rows ------------------------------------------------------------- */

static uint32_t
above(const tree *t, uint32_t node)
{
	int32_t		parent = t->model->node[node].parent;

	return parent < 0 ? t->model->n_nodes : (uint32_t) parent;
}

static gh_status
allocate(tree *t)
{
	size_t		n = (size_t) t->model->n_nodes + 1;

	t->child = GH_NEW(t->ctx, n, uint32_t);
	t->sibling = GH_NEW(t->ctx, n, uint32_t);
	t->hidden = GH_NEW_ZERO(t->ctx, n, uint32_t);
	t->shown = GH_NEW_ZERO(t->ctx, n, uint8_t);
	t->joint = GH_NEW_ZERO(t->ctx, n, double);
	t->rows = GH_NEW(t->ctx, 2 * GH_CHART_MAX_ROWS + 1, row);
	if (t->child == NULL || t->sibling == NULL || t->hidden == NULL || t->shown == NULL || t->joint == NULL ||
		t->rows == NULL)
		return gh_ctx_status(t->ctx);
	for (size_t i = 0; i < n; i++)
		t->child[i] = t->sibling[i] = NONE;
	return GH_OK;
}

static void
release(tree *t)
{
	gh_free(t->ctx, t->child);
	gh_free(t->ctx, t->sibling);
	gh_free(t->ctx, t->hidden);
	gh_free(t->ctx, t->shown);
	gh_free(t->ctx, t->joint);
	gh_free(t->ctx, t->rows);
}

/* A parent is at least as large as its children and comes before them, so it is shown when one of them is. */
static void
choose_shown(tree *t, const uint32_t *order)
{
	uint32_t	n = t->model->n_nodes;

	for (uint32_t k = 0; k < n && k < GH_CHART_MAX_ROWS; k++)
		t->shown[order[k]] = 1;
	t->shown[n] = 1;
	for (uint32_t i = 0; i < n; i++)
	{
		t->shown[i] = t->shown[i] && t->shown[above(t, i)];
		if (!t->shown[i])
			t->hidden[above(t, i)]++;
	}
	/* from the smallest on, each goes to the front of its parent's list */
	for (uint32_t k = n; k-- > 0;)
	{
		uint32_t	i = order[k],
					parent = above(t, i);

		if (!t->shown[i])
			continue;
		t->sibling[i] = t->child[parent];
		t->child[parent] = i;
	}
}

static gh_status
link_nodes(tree *t)
{
	uint32_t	n = t->model->n_nodes;
	uint64_t   *key = GH_NEW(t->ctx, n, uint64_t);
	uint32_t   *order = GH_NEW(t->ctx, n, uint32_t);
	gh_status	status = key == NULL || order == NULL ? gh_ctx_status(t->ctx) : GH_OK;

	for (uint32_t i = 0; status == GH_OK && i < n; i++)
	{
		const gh_node *node = &t->model->node[i];

		key[i] = UINT64_MAX - node->positives;
		t->n_supergenres += !node->is_genre;
		if (node->parent < 0)
			t->songs = node->positives + node->negatives > t->songs ? node->positives + node->negatives : t->songs;
		t->largest = node->positives > t->largest ? node->positives : t->largest;
	}
	if (status == GH_OK)
		status = gh_argsort_u64(t->ctx, key, n, order);
	if (status == GH_OK)
		choose_shown(t, order);
	gh_free(t->ctx, key);
	gh_free(t->ctx, order);
	return status;
}

static void
add_row(tree *t, uint32_t node, uint32_t parent, int level, size_t color)
{
	t->rows[t->n_rows++] = (row) {node, parent, node == NONE ? t->hidden[parent] : 0, level, color};
}

/* Depth first; after the children of a node, the count of those not shown. */
static void
list_rows(tree *t)
{
	uint32_t	root = t->model->n_nodes,
				node = t->child[root];
	int			level = 0;
	size_t		color = 0;

	while (node != NONE)
	{
		add_row(t, node, above(t, node), level, color);
		if (t->child[node] != NONE)
		{
			node = t->child[node];
			level++;
			continue;
		}
		if (t->hidden[node] > 0)
			add_row(t, NONE, node, level + 1, color);
		while (t->sibling[node] == NONE && above(t, node) != root)
		{
			node = above(t, node);
			if (t->hidden[node] > 0)
				add_row(t, NONE, node, level, color);
			level--;
		}
		color += level == 0;
		node = t->sibling[node];
	}
	if (t->hidden[root] > 0)
		add_row(t, NONE, root, 0, color);
}

/* ---- one row ---------------------------------------------------------- */

static double
indent(int level)
{
	/* of very deep hierarchies the deepest levels stand below each other */
	return MARGIN + INDENT * (level < 8 ? level : 8);
}

/* From the line down from the parent, which each row makes longer. */
static void
draw_branch(tree *t, gh_svg *svg, const row *r, double y)
{
	double		x = indent(r->level) - 9;

	gh_svg_path(svg, "none axis");
	gh_svg_move(svg, x, t->joint[r->parent]);
	gh_svg_draw(svg, 'v', (int64_t) floor((y - 4 - t->joint[r->parent]) * 10 + 0.5));
	gh_svg_draw(svg, 'h', 70);
	gh_svg_path_done(svg);
	gh_svg_end(svg);
	t->joint[r->parent] = y - 4;
}

static void
draw_size(const tree *t, gh_svg *svg, const row *r, const gh_node *node, double y)
{
	char		number[GH_NUMBER_SIZE];
	double		width = (BAR_RIGHT - BAR_LEFT) * (double) node->positives / fmax((double) t->largest, 1);

	gh_svg_rect(svg, gh_fill_class(r->color), BAR_LEFT, y - 10, fmax(width, 0.5), 11);
	if (node->is_genre)
		gh_svg_attr(svg, "opacity", ".6");
	gh_svg_end(svg);
	gh_svg_text(svg, node->is_genre ? "a" : "a b", GH_START, BAR_LEFT + width + 5, y, GH_SIZE_SMALL,
				COUNT_RIGHT - BAR_LEFT, gh_number_count(number, node->positives));
}

static void
draw_score(const tree *t, gh_svg *svg, const gh_axis *axis, const row *r, const gh_node *node, double y)
{
	char		number[GH_NUMBER_SIZE],
				tooltip[160],
				base[GH_NUMBER_SIZE];
	double		chance = (double) node->positives / fmax((double) t->songs, 1),
				x;

	gh_svg_line(svg, "ink", gh_axis_at(axis, chance), y - 10, gh_axis_at(axis, chance), y + 1);
	gh_svg_end(svg);
	if (!node->ap_defined || !isfinite(node->average_precision))
	{
		gh_svg_text(svg, "a", GH_END, GH_SVG_WIDTH - MARGIN, y, GH_SIZE_SMALL, 60, "n/a");
		return;
	}
	x = gh_axis_at(axis, node->average_precision);
	gh_svg_line(svg, gh_stroke_class(r->color), gh_axis_at(axis, chance), y - 4.5, x, y - 4.5);
	gh_svg_attr(svg, "stroke-width", "2");
	gh_svg_attr(svg, "opacity", ".5");
	gh_svg_end(svg);
	gh_svg_circle(svg, gh_fill_class(r->color), x, y - 4.5, node->is_genre ? 4 : 5);
	snprintf(tooltip, sizeof(tooltip), "average precision %s, at random %s",
			 gh_number_fixed(number, node->average_precision, 4), gh_number_fixed(base, chance, 4));
	gh_svg_tooltip(svg, tooltip);
	gh_svg_end(svg);
	gh_svg_text(svg, node->is_genre ? "a" : "a b", GH_END, GH_SVG_WIDTH - MARGIN, y, GH_SIZE_SMALL, 60,
				gh_number_fixed(number, node->average_precision, 3));
}

static void
draw_row(tree *t, gh_svg *svg, const gh_axis *axis, const row *r, double y)
{
	double		x = indent(r->level);
	const gh_node *node;
	char		number[GH_NUMBER_SIZE],
				text[80];

	if (r->parent != t->model->n_nodes)
		draw_branch(t, svg, r, y);
	if (r->node == NONE)
	{
		snprintf(text, sizeof(text), "and %s smaller", gh_number_count(number, r->hidden));
		gh_svg_text(svg, "s", GH_START, x, y, GH_SIZE_TEXT, NAME_RIGHT - x, text);
		return;
	}
	node = &t->model->node[r->node];
	t->joint[r->node] = y + 8;
	gh_svg_text(svg, node->is_genre ? "l" : "b", GH_START, x, y, GH_SIZE_TEXT, NAME_RIGHT - x, node->name);
	draw_size(t, svg, r, node, y);
	draw_score(t, svg, axis, r, node, y);
}

/* ---- the picture ------------------------------------------------------ */

static void
describe(const tree *t, char *out, size_t size)
{
	char		supergenres[GH_NUMBER_SIZE],
				genres[GH_NUMBER_SIZE],
				songs[GH_NUMBER_SIZE];

	gh_number_count(supergenres, t->n_supergenres);
	gh_number_count(genres, t->model->n_genres);
	gh_number_count(songs, t->songs);
	snprintf(out, size, "%s %s, %s %s, trained on %s songs", supergenres,
			 t->n_supergenres == 1 ? "supergenre" : "supergenres", genres, t->model->n_genres == 1 ? "genre" : "genres",
			 songs);
}

static void
draw_head(gh_svg *svg, const gh_axis *axis, double top, double bottom)
{
	gh_svg_text(svg, "s", GH_START, BAR_LEFT, top + 14, GH_SIZE_TEXT, 140, "training songs");
	gh_svg_text(svg, "s", GH_START, SCORE_LEFT, top + 14, GH_SIZE_TEXT, 190, "average precision");
	for (int i = 0; i < axis->n_ticks; i++)
	{
		char		number[GH_NUMBER_SIZE];
		double		x = gh_axis_at(axis, axis->tick[i]);

		gh_svg_line(svg, "grid", x, top + 36, x, bottom);
		gh_svg_end(svg);
		gh_svg_text(svg, "a", GH_MIDDLE, x, top + 31, GH_SIZE_SMALL, 40, gh_axis_number(axis, i, number));
	}
}

static gh_status
draw_inside(tree *t, gh_svg *svg, double top)
{
	static const gh_legend_item items[] = {
		{"score on the validation songs", "q5", GH_KEY_DOT},
		{"what a random order would reach: the share of training songs", "ink", GH_KEY_LINE}
	};
	gh_axis		axis = gh_axis_linear(0, 1, SCORE_LEFT, SCORE_RIGHT, 4, true);
	double		y = top + 40,
				bottom = y + ROW * (double) t->n_rows;

	draw_head(svg, &axis, top, bottom);
	for (size_t i = 0; i < t->n_rows; i++)
	{
		GH_CHECK_STOP(t->ctx);
		draw_row(t, svg, &axis, &t->rows[i], y + 14);
		y += ROW;
	}
	gh_svg_legend(svg, MARGIN, bottom + 10, GH_SVG_WIDTH - 2 * MARGIN, items, sizeof(items) / sizeof(items[0]));
	return svg->m.status;
}

static gh_status
draw(tree *t, const char *title, const char *prefix, char **text, size_t *length)
{
	char		subtitle[160];
	gh_figure	figure = {.title = title != NULL ? title : "Supergenres and genres",.subtitle = subtitle,
	.description = subtitle,.prefix = prefix};
	gh_svg		svg;
	gh_status	status;

	GH_TRY(allocate(t));
	GH_TRY(link_nodes(t));
	list_rows(t);
	describe(t, subtitle, sizeof(subtitle));
	figure.height = gh_svg_top(subtitle) + 40 + ROW * (double) t->n_rows + 10 + 2 * GH_LEGEND_LINE;
	status = draw_inside(t, &svg, gh_svg_open(&svg, t->ctx, &figure));
	if (status != GH_OK)
	{
		gh_svg_free(&svg);
		return status;
	}
	return gh_svg_close(&svg, text, length);
}

gh_status
gh_draw_hierarchy(gh_ctx *ctx, const gh_model *model, const char *title, const char *prefix, char **text, size_t *length)
{
	tree		t = {.ctx = ctx,.model = model};
	gh_status	status;

	*text = NULL;
	*length = 0;
	status = draw(&t, title, prefix, text, length);
	release(&t);
	return status;
}
