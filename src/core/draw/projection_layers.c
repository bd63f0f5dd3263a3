/*
 * projection_layers.c
 *		Clusters of a projection: order, middle, colour.
 */
#include "draw/projection_private.h"

#include <math.h>
#include <string.h>

#include "base/gh_sort.h"

#define POLL 4095

/* Numbers the layers: noise, then clusters by size, then by number. */
static gh_status
order_layers(canvas *c, const size_t *size, uint32_t n_clusters)
{
	uint64_t   *key = GH_NEW(c->ctx, n_clusters, uint64_t);
	uint32_t   *order = GH_NEW(c->ctx, n_clusters, uint32_t);
	gh_status	status = key == NULL || order == NULL ? gh_ctx_status(c->ctx) : GH_OK;

	for (uint32_t k = 0; status == GH_OK && k < n_clusters; k++)
		key[k] = UINT64_MAX - size[k];
	if (status == GH_OK)
		status = gh_argsort_u64(c->ctx, key, n_clusters, order);
	for (uint32_t k = 0; status == GH_OK && k < n_clusters; k++)
	{
		c->layers[k + 1].cluster = (int32_t) order[k];
		c->layers[k + 1].size = size[order[k]];
		c->layer_of[order[k]] = k + 1;
	}
	gh_free(c->ctx, key);
	gh_free(c->ctx, order);
	return status;
}

static gh_status
count_layers(canvas *c)
{
	const gh_projected *p = c->points;
	uint32_t	n_clusters = p->cluster == NULL ? 1 : p->n_clusters;
	size_t	   *size = GH_NEW_ZERO(c->ctx, n_clusters, size_t);
	gh_status	status = GH_OK;

	c->n_layers = (size_t) n_clusters + 1;
	c->layers = GH_NEW_ZERO(c->ctx, c->n_layers, layer);
	c->layer_of = GH_NEW(c->ctx, n_clusters, uint32_t);
	if (size == NULL || c->layers == NULL || c->layer_of == NULL)
		status = gh_ctx_status(c->ctx);
	for (size_t i = 0; status == GH_OK && i < p->n; i++)
	{
		if ((i & POLL) == 0 && gh_should_stop(c->ctx))
			status = gh_canceled(c->ctx);
		else if (p->cluster == NULL)
			size[0]++;
		else if (p->cluster[i] >= 0)
			size[p->cluster[i]]++;
		else
			c->layers[0].size++;
	}
	if (status == GH_OK)
		status = order_layers(c, size, n_clusters);
	if (c->layers != NULL)
		c->layers[0].cluster = -1;
	gh_free(c->ctx, size);
	return status;
}

/* middle[layer]: the lower median of one coordinate of its points. */
static gh_status
find_medians(canvas *c, int coordinate, double *middle)
{
	const gh_projected *p = c->points;
	double	   *values = GH_NEW(c->ctx, p->n, double);
	uint32_t   *order = GH_NEW(c->ctx, p->n, uint32_t);
	size_t	   *seen = GH_NEW_ZERO(c->ctx, c->n_layers, size_t);
	gh_status	status = values == NULL || order == NULL || seen == NULL ? gh_ctx_status(c->ctx) : GH_OK;

	for (size_t i = 0; status == GH_OK && i < p->n; i++)
		values[i] = coordinate == 0 ? place_x(c, i) : place_y(c, i);
	if (status == GH_OK)
		status = gh_argsort(c->ctx, values, p->n, order);
	for (size_t k = 0; status == GH_OK && k < p->n; k++)
	{
		uint32_t	l = point_layer(c, order[k]);

		if ((k & POLL) == 0 && gh_should_stop(c->ctx))
			status = gh_canceled(c->ctx);
		if (seen[l]++ == (c->layers[l].size - 1) / 2)
			middle[l] = values[order[k]];
	}
	gh_free(c->ctx, values);
	gh_free(c->ctx, order);
	gh_free(c->ctx, seen);
	return status;
}

/* A median of each coordinate may lie where no point is: the nearest point is taken. */
static gh_status
nearest_points(canvas *c, const double *middle_x, const double *middle_y, double *best)
{
	for (size_t l = 0; l < c->n_layers; l++)
		best[l] = INFINITY;
	for (size_t i = 0; i < c->points->n; i++)
	{
		uint32_t	l = point_layer(c, i);
		double		x = place_x(c, i),
					y = place_y(c, i),
					distance = (x - middle_x[l]) * (x - middle_x[l]) + (y - middle_y[l]) * (y - middle_y[l]);

		if ((i & POLL) == 0)
			GH_CHECK_STOP(c->ctx);
		/* equally near: the lower place, so that the order of the points has no say */
		if (distance < best[l] ||
			(distance == best[l] && (x < c->layers[l].x || (x == c->layers[l].x && y < c->layers[l].y))))
		{
			best[l] = distance;
			c->layers[l].x = x;
			c->layers[l].y = y;
		}
	}
	return GH_OK;
}

/* Large clusters first: each takes the colour whose nearest bearer so far is farthest away. */
static gh_status
choose_colors(canvas *c)
{
	for (size_t l = 1; l < c->n_layers; l++)
	{
		double		nearest[GH_PALETTE];
		size_t		best = 0;

		GH_CHECK_STOP(c->ctx);
		for (size_t color = 0; color < GH_PALETTE; color++)
			nearest[color] = INFINITY;
		/* clusters far down the list are small and many: the last ones decide well enough */
		for (size_t other = l > 512 ? l - 512 : 1; other < l; other++)
		{
			double		dx = c->layers[l].x - c->layers[other].x,
						dy = c->layers[l].y - c->layers[other].y;

			nearest[c->layers[other].color] = fmin(nearest[c->layers[other].color], dx * dx + dy * dy);
		}
		for (size_t color = 1; color < GH_PALETTE; color++)
			if (nearest[color] > nearest[best])
				best = color;
		c->layers[l].color = best;
	}
	return GH_OK;
}

gh_status
gh_projection_layers(canvas *c)
{
	double	   *middle;
	gh_status	status;

	GH_TRY(count_layers(c));
	middle = GH_NEW_ZERO(c->ctx, 3 * c->n_layers, double);
	if (middle == NULL)
		return gh_ctx_status(c->ctx);
	GH_GOTO(done, find_medians(c, 0, middle));
	GH_GOTO(done, find_medians(c, 1, middle + c->n_layers));
	GH_GOTO(done, nearest_points(c, middle, middle + c->n_layers, middle + 2 * c->n_layers));
	status = choose_colors(c);
done:
	gh_free(c->ctx, middle);
	return status;
}
