/*
 * gh_projection_chart.h
 *		A two-dimensional projection: every point, clusters coloured and named in place.
 */
#ifndef GH_PROJECTION_CHART_H
#define GH_PROJECTION_CHART_H

#include "base/gh_context.h"

/* Clusters beyond this are more than a picture can tell apart. */
#define GH_CHART_MAX_CLUSTERS 65535

typedef struct gh_projected
{
	size_t		n;				/* below 2^31 */
	const double *xy;			/* n x 2, finite, sizes up to 10^300 */
	const int32_t *cluster;		/* n, -1: noise; NULL: no clusters */
	uint32_t	n_clusters;		/* up to GH_CHART_MAX_CLUSTERS */
	char	  **cluster_name;	/* n_clusters, UTF-8 */
	char	  **label;			/* n, UTF-8, NULL where a point has none; NULL: no labels */
	size_t		left_out;		/* points without a place, told in the picture */
	int			dimensions;		/* of the embedding, of which the first two are drawn */
} gh_projected;

/*
 * One SVG document in gh memory of the caller.  `title` NULL: one is made;
 * `prefix` as in gh_figure.  The order of equal points decides nothing but
 * which of them is labelled first.  Needs at most 48 bytes a point and 8 MB.
 */
extern gh_status gh_draw_projection(gh_ctx *ctx, const gh_projected *points, const char *title, const char *prefix,
									char **text, size_t *length);

#endif							/* GH_PROJECTION_CHART_H */
