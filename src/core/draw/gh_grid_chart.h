/*
 * gh_grid_chart.h
 *		A grid search: DBCV against noise and against the number of clusters.
 */
#ifndef GH_GRID_CHART_H
#define GH_GRID_CHART_H

#include "base/gh_context.h"

/* One setting.  Numbers that are not known are NaN. */
typedef struct gh_grid_point
{
	double		dbcv;			/* NaN or infinite: told, not drawn */
	double		clusters;
	double		noise_fraction;
	double		min_cluster_size;
	int			method;			/* index into methods, -1: not known */
	char	   *setting;		/* UTF-8: "min_cluster_size 40, min_samples 10, eom"; tooltip and name of the best */
} gh_grid_point;

#define GH_CHART_MAX_METHODS 8

typedef struct gh_grid_chart
{
	size_t		n;
	const gh_grid_point *point;
	int			n_methods;		/* 0 ... GH_CHART_MAX_METHODS */
	char	   *method[GH_CHART_MAX_METHODS];	/* UTF-8 */
} gh_grid_chart;

/*
 * One SVG document in gh memory of the caller.  The best point is the highest
 * DBCV; of equal ones the one with least noise, then with fewest clusters,
 * then the first.
 */
extern gh_status gh_draw_grid(gh_ctx *ctx, const gh_grid_chart *grid, const char *prefix, char **text, size_t *length);

#endif							/* GH_GRID_CHART_H */
