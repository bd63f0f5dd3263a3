/*
 * projection_labels.c
 *		Names in a projection: of clusters in their middle, of points beside them.
 *
 * When more points are named than can be labelled, each cluster's most typical
 * ones come first, the clusters in turn.
 */
#include "draw/projection_private.h"

#include <math.h>
#include <string.h>

#include "base/gh_sort.h"

#define POLL 4095
#define FEW_NAMES 100			/* up to so many are all tried ... */
#define MOST_LABELS 24			/* ... of more, this many are written ... */
#define APART 45.0				/* ... of points at least so many units from each other */
#define MOST_TRIED 1000
#define MOST_TOOLTIPS 2000
#define MOST_CLUSTER_NAMES 200
#define NAME_WIDTH 260.0
#define MANY_NAMES_WIDTH 170.0
#define MANY_NAMES 12			/* clusters from which on their names are written smaller, unless they are numbers */
#define LABEL_WIDTH 140.0
#define LINE 15.0				/* height of a label's box */

/* ---- names of clusters ------------------------------------------------ */

/* Where names of clusters go: they take their places first and are written last. */
typedef struct cluster_names
{
	double		font,			/* its height */
				width;			/* of a name, at most */
	size_t		n;
	size_t		layer[MOST_CLUSTER_NAMES];
	gh_box		box[MOST_CLUSTER_NAMES];
} cluster_names;

/* Many long names would hide the points. */
static double
name_font(const canvas *c)
{
	if (c->n_layers - 1 >= MANY_NAMES)
		for (size_t l = 1; l < c->n_layers; l++)
			if (strlen(c->points->cluster_name[c->layers[l].cluster]) > 4)
				return GH_SIZE_TEXT;
	return GH_SIZE_NAME;
}

static gh_status
place_clusters(canvas *c, gh_place *place, cluster_names *names)
{
	names->font = name_font(c);
	names->width = c->n_layers - 1 < MANY_NAMES ? NAME_WIDTH : MANY_NAMES_WIDTH;
	for (size_t l = 1; l < c->n_layers && l <= MOST_CLUSTER_NAMES; l++)
	{
		const layer *at = &c->layers[l];
		const char *name = c->points->cluster_name[at->cluster];
		char		cut[512];
		gh_box		box = {.height = names->font + 2};
		bool		placed;

		GH_CHECK_STOP(c->ctx);
		if (at->size == 0 || name[0] == '\0')
			continue;
		box.width = gh_text_cut(cut, sizeof(cut), name, names->font, names->width) + 4;
		GH_TRY(gh_place_over(place, at->x, at->y, 60, &box, &placed));
		if (!placed)
			continue;
		names->layer[names->n] = l;
		names->box[names->n++] = box;
	}
	return GH_OK;
}

static gh_status
write_clusters(const canvas *c, gh_svg *svg, const cluster_names *names)
{
	for (size_t k = 0; k < names->n; k++)
	{
		const gh_box *box = &names->box[k];

		gh_svg_text(svg, names->font > GH_SIZE_TEXT ? "n halo" : "b halo", GH_MIDDLE, box->x + box->width / 2,
					box->y + names->font - 2, names->font,
					names->width, c->points->cluster_name[c->layers[names->layer[k]].cluster]);
	}
	return svg->m.status;
}

/* ---- names of points -------------------------------------------------- */

/* Named points in the order in which they are labelled. */
typedef struct named
{
	size_t		n;
	uint32_t   *point;			/* gh memory */
} named;

/* point[0..n): the named ones, those nearest to the middle of their layer first. */
static gh_status
by_distance(canvas *c, named *names, double *distance, uint32_t *order)
{
	const gh_projected *p = c->points;
	uint32_t   *found = names->point;

	for (size_t i = 0; i < p->n; i++)
	{
		if ((i & POLL) == 0)
			GH_CHECK_STOP(c->ctx);
		if (p->label[i] != NULL && p->label[i][0] != '\0')
		{
			const layer *at = &c->layers[point_layer(c, i)];
			double		dx = place_x(c, i) - at->x,
						dy = place_y(c, i) - at->y;

			distance[names->n] = dx * dx + dy * dy;
			found[names->n++] = (uint32_t) i;
		}
	}
	GH_TRY(gh_argsort(c->ctx, distance, names->n, order));
	for (size_t k = 0; k < names->n; k++)
		order[k] = found[order[k]];
	memcpy(found, order, names->n * sizeof(uint32_t));
	return GH_OK;
}

/* The first of every cluster, the second of every cluster, ..., and noise last. */
static gh_status
take_turns(canvas *c, named *names, uint64_t *key, uint32_t *order)
{
	size_t	   *taken = GH_NEW_ZERO(c->ctx, c->n_layers, size_t);
	gh_status	status = taken == NULL ? gh_ctx_status(c->ctx) : GH_OK;

	for (size_t k = 0; status == GH_OK && k < names->n; k++)
	{
		uint32_t	l = point_layer(c, names->point[k]);

		if ((k & POLL) == 0 && gh_should_stop(c->ctx))
			status = gh_canceled(c->ctx);
		key[k] = (l == 0 ? UINT64_C(1) << 62 : 0) | (uint64_t) taken[l]++ << 20 | l;
	}
	gh_free(c->ctx, taken);
	GH_TRY(status);
	GH_TRY(gh_argsort_u64(c->ctx, key, names->n, order));
	for (size_t k = 0; k < names->n; k++)
		order[k] = names->point[order[k]];
	memcpy(names->point, order, names->n * sizeof(uint32_t));
	return GH_OK;
}

static gh_status
find_named(canvas *c, named *names)
{
	size_t		n = c->points->n;
	uint64_t   *key = GH_NEW(c->ctx, n, uint64_t);
	double	   *distance = GH_NEW(c->ctx, n, double);
	uint32_t   *order = GH_NEW(c->ctx, n, uint32_t);
	gh_status	status;

	names->point = GH_NEW(c->ctx, n, uint32_t);
	status = key == NULL || distance == NULL || order == NULL || names->point == NULL ? gh_ctx_status(c->ctx) : GH_OK;
	if (status == GH_OK)
		status = by_distance(c, names, distance, order);
	if (status == GH_OK)
		status = take_turns(c, names, key, order);
	gh_free(c->ctx, key);
	gh_free(c->ctx, distance);
	gh_free(c->ctx, order);
	return status;
}

/* A point with a name: the tooltip says the cluster too. */
static void
mark_point(const canvas *c, gh_svg *svg, uint32_t i, double r)
{
	const gh_projected *p = c->points;
	uint32_t	l = point_layer(c, i);
	char		text[1200];

	gh_svg_circle(svg, l == 0 ? "qn" : gh_fill_class(c->layers[l].color), place_x(c, i), place_y(c, i), r);
	gh_text_cut(text, 600, p->label[i], GH_SIZE_TEXT, 800);
	if (p->cluster != NULL)
	{
		strcat(text, gh_text_is_rtl(text) ? GH_LEFT_TO_RIGHT " \xC2\xB7 " : " \xC2\xB7 ");
		gh_text_cut(text + strlen(text), 500, l == 0 ? "noise" : p->cluster_name[c->layers[l].cluster], GH_SIZE_TEXT, 400);
	}
	gh_svg_tooltip(svg, text);
	gh_svg_end(svg);
}

static gh_status
label_point(canvas *c, gh_svg *svg, gh_place *place, uint32_t i, bool *placed)
{
	double		x = place_x(c, i),
				y = place_y(c, i),
				near_x,
				near_y;
	char		cut[512];
	gh_box		box = {.height = LINE - 1};

	box.width = gh_text_cut(cut, sizeof(cut), c->points->label[i], GH_SIZE_SMALL, LABEL_WIDTH) + 2;
	GH_TRY(gh_place_beside(place, x, y, fmax(c->radius, 2) + 2.5, &box, placed));
	if (!*placed)
		return GH_OK;
	near_x = fmin(fmax(x, box.x), box.x + box.width);
	near_y = fmin(fmax(y, box.y + 3), box.y + box.height - 3);
	if (hypot(near_x - x, near_y - y) > 8)
	{
		gh_svg_line(svg, "axis", x, y, near_x, near_y);
		gh_svg_end(svg);
	}
	mark_point(c, svg, i, fmax(c->radius, 2.2));
	gh_svg_text(svg, "c halo", GH_START, box.x + 1, box.y + 11, GH_SIZE_SMALL, LABEL_WIDTH, c->points->label[i]);
	return GH_OK;
}

/* Far enough from every point that has its label already. */
static bool
is_apart(const canvas *c, const uint32_t *labelled, size_t n, uint32_t i)
{
	for (size_t k = 0; k < n; k++)
		if (hypot(place_x(c, i) - place_x(c, labelled[k]), place_y(c, i) - place_y(c, labelled[k])) < APART)
			return false;
	return true;
}

/* The marks are drawn already: these carry the names, and the pointer finds them though they cannot be seen. */
static gh_status
add_tooltips(const canvas *c, gh_svg *svg, const named *names)
{
	gh_svg_group(svg, NULL);
	gh_svg_attr(svg, "fill-opacity", "0");
	for (size_t k = names->n < MOST_TOOLTIPS ? names->n : MOST_TOOLTIPS; k-- > 0;)
	{
		if ((k & 63) == 0)
			GH_CHECK_STOP(c->ctx);
		mark_point(c, svg, names->point[k], fmax(c->radius, 2));
	}
	gh_svg_end(svg);
	return svg->m.status;
}

static gh_status
label_points(canvas *c, gh_svg *svg, gh_place *place, const named *names)
{
	bool		few = names->n <= FEW_NAMES;
	uint32_t	labelled[FEW_NAMES];
	size_t		n = 0,
				tried = 0;

	for (size_t k = 0; k < names->n && tried < MOST_TRIED && n < (few ? FEW_NAMES : MOST_LABELS); k++)
	{
		bool		placed;

		GH_CHECK_STOP(c->ctx);
		if (!few && !is_apart(c, labelled, n, names->point[k]))
			continue;
		tried++;
		GH_TRY(label_point(c, svg, place, names->point[k], &placed));
		if (placed)
			labelled[n++] = names->point[k];
	}
	return svg->m.status;
}

gh_status
gh_projection_labels(canvas *c, gh_svg *svg)
{
	gh_box		bounds = {4, c->top - 4, svg->width - 8, c->height + 8};
	cluster_names clusters;
	named		names = {0};
	gh_place	place;
	gh_status	status;

	if (c->points->n == 0)
		return GH_OK;
	clusters.n = 0;
	gh_place_init(&place, c->ctx, bounds, 1);
	if (c->points->cluster != NULL)
		GH_GOTO(done, place_clusters(c, &place, &clusters));
	if (c->points->label != NULL)
	{
		GH_GOTO(done, find_named(c, &names));
		GH_GOTO(done, add_tooltips(c, svg, &names));
		GH_GOTO(done, label_points(c, svg, &place, &names));
	}
	status = write_clusters(c, svg, &clusters);
done:
	gh_free(c->ctx, names.point);
	gh_place_free(&place);
	return status;
}
