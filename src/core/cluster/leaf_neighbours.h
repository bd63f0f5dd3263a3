/*
 * leaf_neighbours.h
 *		The nearest other points of all points of a leaf at once, or those of a new point.
 */
#ifndef GH_LEAF_NEIGHBOURS_H
#define GH_LEAF_NEIGHBOURS_H

#include "cluster_private.h"
#include "gh_near.h"

/* One worker's search. */
typedef struct gh_leaf_search
{
	const gh_kdtree *tree;
	const gh_near_kernels *kernels;
	int			k;				/* neighbours of each point; may be lowered between runs */
	uint32_t	leaf;			/* the points that ask; GH_MIXED: others than those of a leaf */
	int			n;				/* how many they are */
	double	   *rows;			/* n x d, their coordinates */
	const double *low,			/* the box around them */
			   *high;
	double	   *distance2;		/* n x k: squared distances, ascending when run has ended */
	uint32_t   *position;		/* n x k: positions in the tree */
	int			found[GH_KDTREE_LEAF];
	double		reach2[GH_KDTREE_LEAF]; /* no point beyond can be among the k */
	double		most2;			/* the largest of those */
	uint32_t	visits;			/* of nodes, for the polls */
} gh_leaf_search;

/* Opened for k neighbours; close also after a failure. */
extern gh_status gh_leaf_search_open(gh_ctx *ctx, const gh_kdtree *tree, int k, gh_leaf_search *s);
extern void gh_leaf_search_close(gh_ctx *ctx, gh_leaf_search *s);
/* Fills distance2 and position for the points of a leaf node, in the order of the tree; k <= n - 1. */
extern gh_status gh_leaf_search_run(gh_ctx *ctx, gh_leaf_search *s, uint32_t leaf);
/* The same for one point that is none of the tree's; k <= n. */
extern gh_status gh_leaf_search_point(gh_ctx *ctx, gh_leaf_search *s, const double *q);

#endif							/* GH_LEAF_NEIGHBOURS_H */
