/*
 * projection_private.h
 *		What the files that draw a projection share.
 */
#ifndef PROJECTION_PRIVATE_H
#define PROJECTION_PRIVATE_H

#include "draw/gh_chart.h"
#include "draw/gh_place.h"
#include "draw/gh_projection_chart.h"

/* One layer of marks: 0 is noise, then the clusters from large to small, so that small ones lie on top. */
typedef struct layer
{
	int32_t		cluster;		/* -1: noise; without clusters all points are cluster 0 */
	size_t		size;			/* points */
	size_t		color;			/* of the palette */
	double		x,				/* in units: the point nearest to the medians of both coordinates */
				y;
} layer;

typedef struct canvas
{
	gh_ctx	   *ctx;
	const gh_projected *points;
	double		left,			/* the room for marks, in units */
				top,
				width,
				height;
	double		x0,				/* place = (x - x0) * scale + dx, dy - (y - y0) * scale */
				y0,
				dx,
				dy,
				scale;
	double		radius;			/* of a mark */
	size_t		n_layers;
	layer	   *layers;			/* gh memory */
	uint32_t   *layer_of;		/* of a cluster: gh memory, n_clusters */
} canvas;

static inline double
place_x(const canvas *c, size_t i)
{
	return (c->points->xy[2 * i] - c->x0) * c->scale + c->dx;
}

static inline double
place_y(const canvas *c, size_t i)
{
	return c->dy - (c->points->xy[2 * i + 1] - c->y0) * c->scale;
}

/* Layer of a point. */
static inline uint32_t
point_layer(const canvas *c, size_t i)
{
	const gh_projected *p = c->points;

	if (p->cluster == NULL)
		return 1;
	return p->cluster[i] < 0 ? 0 : c->layer_of[p->cluster[i]];
}

/* projection_layers.c: sizes, middles and colours of the layers. */
extern gh_status gh_projection_layers(canvas *c);
/* projection_marks.c: all points. */
extern gh_status gh_projection_marks(canvas *c, gh_svg *svg);
/* projection_labels.c: names of clusters and of points. */
extern gh_status gh_projection_labels(canvas *c, gh_svg *svg);

#endif							/* PROJECTION_PRIVATE_H */
