/*
 * gh_kdtree.h
 *		Exact kd-tree over points of any dimension.
 *
 * Built once, read by any number of threads.  Points stand in leaf order and,
 * inside a leaf, by column (SoA), so one kernel call measures a whole leaf.
 * Nodes stand in depth-first order: the left child of node v is v + 1.
 */
#ifndef GH_KDTREE_H
#define GH_KDTREE_H

#include "base/gh_context.h"

typedef struct gh_kdnode
{
	uint32_t	begin,			/* its points: order[begin..end) */
				end;
	uint32_t	right;			/* right child; 0: leaf */
	uint32_t	lowest;			/* lowest point index in it */
} gh_kdnode;

typedef struct gh_kdtree
{
	size_t		n;
	int			d;
	uint32_t	n_nodes;
	gh_kdnode  *nodes;
	double	   *box;			/* n_nodes x 2 x d: all minima, then all maxima */
	uint32_t   *order;			/* tree position -> point index; ascending inside a leaf */
	uint32_t   *position;		/* point index -> tree position */
	double	   *columns;		/* leaf [begin,end): coordinate j of position p at columns[begin*d + j*(end-begin) + (p-begin)] */
	uint32_t   *leaf_of;		/* tree position -> leaf node */
} gh_kdtree;

#define GH_KDTREE_LEAF 32

/*
 * points: n x d, row-major, finite; not kept.  n >= 1, d >= 1.  Splits on the
 * widest dimension (ties: the first), cut so that every leaf but the last is
 * full; points equal in it go by index, so equal points are cut by index.  The
 * tree owns its arrays: free with gh_kdtree_free, also after a failure.
 */
extern gh_status gh_kdtree_build(gh_ctx *ctx, const double *points, size_t n, int d, gh_kdtree *tree);
/*
 * The same tree, boxes and all, but cut by other coordinates of the points
 * (cuts: n x d, row-major; NULL: the points' own), along that of the largest
 * variance; points equal in it go by index.
 */
extern gh_status gh_kdtree_build_cut(gh_ctx *ctx, const double *points, const float *cuts, size_t n, int d,
									 gh_kdtree *tree);
extern void gh_kdtree_free(gh_ctx *ctx, gh_kdtree *tree);
/* Bytes that a tree takes. */
extern size_t gh_kdtree_memory(size_t n, int d);

/*
 * Squared distance from q to the box of a node (0 inside).  Dimensions are
 * added in ascending order, like the kernel that measures the points does, so
 * that rounding never lifts it above the distance to a point in the box.
 */
extern double gh_kdtree_box_distance2(const gh_kdtree *tree, uint32_t node, const double *q);

#endif							/* GH_KDTREE_H */
