/*
 * cuts.h
 *		Where the values of a feature are cut into bins.
 */
#ifndef GH_CUTS_H
#define GH_CUTS_H

#include "base/gh_context.h"

/* Bins of a feature at most: a code is a byte. */
#define GH_MAX_BINS 256

/*
 * The bins of m sorted keys: begin[b] is the place of the first key of bin b,
 * begin[0] = 0; equal keys are never parted.  Up to most (1 to GH_MAX_BINS)
 * distinct keys: each has its own bin.  More: `shared` bins (1 to most), such
 * that the largest bin of several distinct keys has as few keys as can be.  So a
 * key that is very common takes one bin, and the others share what is left evenly.
 * begin has room for `most`.  Only the keys' order counts.
 */
extern gh_status gh_cuts_place(gh_ctx *ctx, const uint32_t *keys, size_t m, int most, int shared, size_t *begin, int *n);

#endif							/* GH_CUTS_H */
