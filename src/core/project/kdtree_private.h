/*
 * kdtree_private.h
 *		Between kdtree.c and kdtree_plane.c: the shape that a tree of n points has.
 */
#ifndef KDTREE_PRIVATE_H
#define KDTREE_PRIVATE_H

#include "project/gh_kdtree.h"

static inline size_t
gh_kdtree_count_nodes(size_t n)
{
	return n == 0 ? 0 : 2 * ((n + GH_KDTREE_LEAF - 1) / GH_KDTREE_LEAF) - 1;
}

/* Where a node of n points is cut: half of its leaves, rounded up, all full. */
static inline size_t
gh_kdtree_cut_size(size_t n)
{
	size_t		leaves = (n + GH_KDTREE_LEAF - 1) / GH_KDTREE_LEAF;

	return (leaves + 1) / 2 * GH_KDTREE_LEAF;
}

/* Fills the arrays of a tree over n >= 1 points of the plane, as build_node does, with all threads. */
extern gh_status gh_kdtree_fill_plane(gh_ctx *ctx, const double *points, gh_kdtree *tree);

#endif							/* KDTREE_PRIVATE_H */
