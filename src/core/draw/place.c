/*
 * place.c
 *		Greedy placement of labels.
 */
#include "draw/gh_place.h"

#include <math.h>

void
gh_place_init(gh_place *place, gh_ctx *ctx, gh_box bounds, double gap)
{
	*place = (gh_place) {.ctx = ctx,.bounds = bounds,.gap = gap};
}

void
gh_place_free(gh_place *place)
{
	gh_free(place->ctx, place->box);
	place->box = NULL;
	place->n = place->capacity = 0;
}

gh_status
gh_place_take(gh_place *place, gh_box box)
{
	if (place->n == place->capacity)
	{
		size_t		capacity = place->capacity == 0 ? 64 : 2 * place->capacity;
		gh_box	   *grown = gh_realloc(place->ctx, place->box, capacity, sizeof(gh_box));

		if (grown == NULL)
			return gh_ctx_status(place->ctx);
		place->box = grown;
		place->capacity = capacity;
	}
	place->box[place->n++] = box;
	return GH_OK;
}

bool
gh_place_is_free(const gh_place *place, const gh_box *box)
{
	for (size_t i = 0; i < place->n; i++)
	{
		const gh_box *other = &place->box[i];

		if (box->x < other->x + other->width + place->gap && other->x < box->x + box->width + place->gap &&
			box->y < other->y + other->height + place->gap && other->y < box->y + box->height + place->gap)
			return false;
	}
	return true;
}

static bool
is_inside(const gh_place *place, const gh_box *box)
{
	return box->x >= place->bounds.x && box->y >= place->bounds.y &&
		box->x + box->width <= place->bounds.x + place->bounds.width &&
		box->y + box->height <= place->bounds.y + place->bounds.height;
}

/* Takes the place when it is free and within the bounds. */
static gh_status
try_place(gh_place *place, double x, double y, gh_box *box, bool *placed)
{
	gh_box		at = {x, y, box->width, box->height};

	if (!is_inside(place, &at) || !gh_place_is_free(place, &at))
		return GH_OK;
	*box = at;
	*placed = true;
	return gh_place_take(place, at);
}

gh_status
gh_place_beside(gh_place *place, double x, double y, double r, gh_box *box, bool *placed)
{
	/* where the box lies: -1 left or above, 0 centred, 1 right or below */
	static const signed char side[][2] = {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}};

	*placed = false;
	for (int ring = 1; ring <= 3 && !*placed; ring++)
	{
		for (size_t i = 0; i < sizeof(side) / sizeof(side[0]) && !*placed; i++)
		{
			double		dx = side[i][0],
						dy = side[i][1],
						away = dx != 0 && dy != 0 ? r * ring * M_SQRT1_2 : r * ring;

			GH_TRY(try_place(place, x + dx * away + (dx - 1) * box->width / 2,
							 y + dy * away + (dy - 1) * box->height / 2, box, placed));
		}
	}
	return GH_OK;
}

gh_status
gh_place_over(gh_place *place, double x, double y, double reach, gh_box *box, bool *placed)
{
	/* written out, so that places are the same on every machine */
	static const double cosine[] = {0, 0.38268343236508977, 0.70710678118654752, 0.92387953251128676, 1};
	double		left = x - box->width / 2,
				top = y - box->height / 2;

	*placed = false;
	GH_TRY(try_place(place, left, top, box, placed));
	for (double away = box->height / 2; away <= reach && !*placed; away += box->height / 2)
	{
		for (int i = 0; i < 20 && !*placed; i++)
		{
			/* from above and below, where a wide name has least to go, to the sides */
			int			part = i >> 2;
			double		dx = away * cosine[part] * (i & 1 ? -1 : 1),
						dy = away * cosine[4 - part] * (i & 2 ? 1 : -1);

			GH_TRY(try_place(place, left + dx, top + dy, box, placed));
		}
	}
	return GH_OK;
}
