/*
 * gh_random.h
 *		Counter-based random numbers: any thread can draw any number.
 *
 * A number is a pure function of (seed, stream, index).  Philox-4x32-10,
 * Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011, https://doi.org/10.1145/2063384.2063405
 */
#ifndef GH_RANDOM_H
#define GH_RANDOM_H

#include <stdint.h>

/* What a number is for: the top of the counter.  One name per use, never reused. */
typedef enum gh_stream
{
	GH_STREAM_UMAP_INIT = 1,
	GH_STREAM_UMAP_SPECTRAL,
	GH_STREAM_UMAP_NEGATIVE,
	GH_STREAM_BOOST_ROWS,
	GH_STREAM_BOOST_COLUMNS,
	GH_STREAM_TUNE_SOBOL,
	GH_STREAM_TUNE_CANDIDATE,
	GH_STREAM_FOLDS,
	GH_STREAM_SPLIT,
	GH_STREAM_NODE,
	GH_STREAM_UMAP_TRANSFORM,
	GH_STREAM_TRUSTWORTHINESS,
	GH_STREAM_TEST = 1000
} gh_stream;

typedef struct gh_random4
{
	uint32_t	v[4];
} gh_random4;

/* Four 32-bit numbers of block `index`. */
extern gh_random4 gh_random_block(uint64_t seed, uint32_t stream, uint64_t index);

extern uint64_t gh_random_u64(uint64_t seed, uint32_t stream, uint64_t index);
/* In [0, 1), 53 bits. */
extern double gh_random_double(uint64_t seed, uint32_t stream, uint64_t index);
/* Standard normal (Box-Muller). */
extern double gh_random_normal(uint64_t seed, uint32_t stream, uint64_t index);

/* A new seed for a sub-task: seeds of different (seed, a, b) are independent. */
extern uint64_t gh_random_seed(uint64_t seed, uint64_t a, uint64_t b);
/* Hash of bytes, for seeds keyed by what a thing is (FNV-1a, then mixed). */
extern uint64_t gh_hash_bytes(const void *bytes, uint64_t length);

/* Fisher-Yates over values[0..n), in place. */
extern void gh_random_shuffle(uint64_t seed, uint32_t stream, uint32_t *values, uint64_t n);

#endif							/* GH_RANDOM_H */
