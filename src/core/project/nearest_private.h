/*
 * nearest_private.h
 *		The k nearest found so far, in the total order (distance, index).
 *
 * Between neighbours.c and neighbours_batch.c.
 */
#ifndef NEAREST_PRIVATE_H
#define NEAREST_PRIVATE_H

#include "project/gh_neighbours.h"

#include <math.h>

/* Up to here the candidates are kept sorted, above in a heap. */
#define SORTED_MAX 32

typedef struct candidate
{
	double		distance;
	uint32_t	index;
} candidate;

typedef struct nearest
{
	candidate  *found;			/* k; sorted, or a heap with the worst on top */
	int			k;
	int			n;				/* candidates found, <= k */
	double		reach2;			/* no point beyond can be among the k */
} nearest;

static inline bool
before(double distance_a, uint32_t index_a, const candidate *b)
{
	return distance_a < b->distance || (distance_a == b->distance && index_a < b->index);
}

static inline const candidate *
worst(const nearest *l)
{
	return l->k <= SORTED_MAX ? &l->found[l->k - 1] : &l->found[0];
}

/*
 * True when a node cannot hold one of the k: too far, or as far as the worst
 * with later indices only.  Without the second half thousands of equal points
 * would all be visited by each of them.
 */
static inline bool
nearest_rules_out(const nearest *l, double bound2, uint32_t lowest)
{
	if (bound2 > l->reach2)
		return true;
	return l->n == l->k && lowest > worst(l)->index && sqrt(bound2) >= worst(l)->distance;
}

/* Takes a point if it is one of the k nearest so far. */
extern void gh_nearest_offer(nearest *l, double distance2, uint32_t index);
/* Writes the k found in order and leaves them in no order; either output may be NULL. */
extern void gh_nearest_write(nearest *l, uint32_t *indices, double *distances);

/*
 * The float copy of a tree's points: coordinates minus the middle of the root's
 * box, times a power of two that brings them into [-1, 1], and turned to the
 * principal axes where that pays.  Then the tree is another one, cut along
 * those axes, because boxes that follow the data leave out more.
 */
typedef struct gh_batch_index
{
	const gh_kdtree *tree;		/* the caller's, or `turned` */
	gh_kdtree	turned;
	float	   *rows;			/* n x d, by point index; gone when built */
	float	   *columns;		/* leaf [begin, end): d x 32 from begin * d on, missing points 0 */
	float	   *half;			/* by tree position: half the squared length of the float point, less its share of `blur` */
	float	   *box;			/* as the tree's, of the float points */
	double		scale;
	double		slack;			/* scaled distances in float may be off by so much */
	double		growth;			/* and squares by this factor, besides */
	double		blur;			/* squares from products may be off by this part of |q|^2 + |p|^2 */
} gh_batch_index;

/*
 * Fills index->rows from the tree; with `turn`, turned to the principal axes,
 * and index->turned, unless there are none to be had (its n stays 0).
 */
extern gh_status gh_batch_rows(gh_ctx *ctx, const gh_kdtree *tree, bool turn, gh_batch_index *index);
/* Whether so many points are worth turning. */
extern bool gh_batch_turning_pays(size_t n, int d);

typedef struct gh_batch gh_batch;

/* Searches that go through all leaves together. */
#define GH_BATCH_GROUP 8

typedef enum gh_batch_plan
{
	GH_BATCH_NONE,				/* the numbers, k or the memory do not suit: one point at a time */
	GH_BATCH_PLAIN,
	GH_BATCH_TURNED
} gh_batch_plan;

/* The best that suits. */
extern gh_batch_plan gh_batch_choose(const gh_ctx *ctx, const gh_kdtree *tree, int k);
/* As planned, not GH_BATCH_NONE.  Free with gh_batch_index_free, also after a failure. */
extern gh_status gh_batch_index_build(gh_ctx *ctx, const gh_kdtree *tree, gh_batch_plan plan, gh_batch_index *index);
extern void gh_batch_index_free(gh_ctx *ctx, gh_batch_index *index);
/* One worker's search; NULL after a failure. */
extern gh_batch *gh_batch_open(gh_ctx *ctx, const gh_batch_index *index, int k);
extern void gh_batch_close(gh_ctx *ctx, gh_batch *b);
/* The k nearest other points of every point of a leaf, as gh_neighbours writes them. */
extern gh_status gh_batch_search(gh_ctx *ctx, gh_batch *b, uint32_t leaf, uint32_t *indices, double *distances);
/*
 * The same for leaves[first] and following, one by each of a group of searches
 * (at most GH_BATCH_GROUP), by measuring all n leaves: a leaf's points are read
 * once for all of them.
 */
extern gh_status gh_batch_scan(gh_ctx *ctx, gh_batch **group, size_t n_group, const uint32_t *leaves, size_t n,
							   size_t first, uint32_t *indices, double *distances);
/* Whether the tree leaves out too little for its cost: a count over a fixed sample, no clock. */
extern gh_status gh_batch_scanning_pays(gh_ctx *ctx, gh_batch *b, const uint32_t *leaves, size_t n, bool *pays);

#endif							/* NEAREST_PRIVATE_H */
