/*
 * gh_hierarchy_chart.h
 *		A hierarchy of genres: a tree with sizes and scores.
 */
#ifndef GH_HIERARCHY_CHART_H
#define GH_HIERARCHY_CHART_H

#include "learn/gh_hierarchy.h"

/* Rows of nodes in one picture; of larger hierarchies the smallest nodes are counted, not named. */
#define GH_CHART_MAX_ROWS 600

/*
 * One SVG document in gh memory of the caller.  Supergenres and the genres of
 * each from large to small, with the songs they were trained on and their
 * average precision on the validation songs beside the share of songs that are
 * positive, which is what a random order would reach.
 */
extern gh_status gh_draw_hierarchy(gh_ctx *ctx, const gh_model *model, const char *title, const char *prefix, char **text,
								   size_t *length);

#endif							/* GH_HIERARCHY_CHART_H */
