/*
 * gh_place.h
 *		Where labels go so that none covers another.
 *
 * Greedy: labels come in the order of their importance, each takes the first
 * of its candidate places that is free, or none.  The same calls give the
 * same places.
 */
#ifndef GH_PLACE_H
#define GH_PLACE_H

#include "base/gh_context.h"

typedef struct gh_box
{
	double		x,				/* left */
				y,				/* top */
				width,
				height;
} gh_box;

typedef struct gh_place
{
	gh_ctx	   *ctx;
	gh_box		bounds;			/* labels stay within */
	double		gap;			/* least distance between two boxes */
	size_t		n,
				capacity;
	gh_box	   *box;			/* taken; gh memory */
} gh_place;

extern void gh_place_init(gh_place *place, gh_ctx *ctx, gh_box bounds, double gap);
extern void gh_place_free(gh_place *place);
/* Something that labels must not cover; may reach over the bounds. */
extern gh_status gh_place_take(gh_place *place, gh_box box);
extern bool gh_place_is_free(const gh_place *place, const gh_box *box);

/*
 * Next to a point of radius r: right, left, above, below, then the corners,
 * then the same twice and three times as far.  box->width and box->height are
 * given; when *placed its x and y are set and the place is taken.
 */
extern gh_status gh_place_beside(gh_place *place, double x, double y, double r, gh_box *box, bool *placed);
/* Centred on (x, y), or on the nearest free of the places around it, up to `reach` away. */
extern gh_status gh_place_over(gh_place *place, double x, double y, double reach, gh_box *box, bool *placed);

#endif							/* GH_PLACE_H */
