/*
 * separation.h
 *		The density separation of clusters: how near the inner nodes of one come to those of another.
 *
 * Moulavi et al., https://doi.org/10.1137/1.9781611973440.96, definition 6.
 */
#ifndef GH_SEPARATION_H
#define GH_SEPARATION_H

#include "project/gh_kdtree.h"

/* The inner nodes of one cluster in a kd-tree.  It depends on the cluster alone. */
typedef struct gh_inner
{
	gh_kdtree	tree;			/* without order, position and leaf_of: nothing is looked up by index */
	double	   *core;			/* all-points core distances, by position */
	double	   *least_core;		/* lowest of a node */
	void	   *block;			/* where all of them are */
} gh_inner;

/* points: n x d, core[n].  Free with gh_inner_free, also after a failure. */
extern gh_status gh_inner_build(gh_ctx *ctx, const double *points, const double *core, size_t n, int d, gh_inner *inner);
extern void gh_inner_free(gh_ctx *ctx, gh_inner *inner);
/* Bytes that are kept; the same again while it is built. */
extern size_t gh_inner_memory(size_t n, int d);

/*
 * separation[c]: the least max(distance, core, core) between a point of
 * inner[c] and one of any other; n_clusters >= 2.  Serial.
 */
extern gh_status gh_separate(gh_ctx *ctx, const gh_inner *const *inner, uint32_t n_clusters, double *separation);

#endif							/* GH_SEPARATION_H */
