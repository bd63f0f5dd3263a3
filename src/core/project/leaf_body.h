/*
 * leaf_body.h
 *		The code of the single-precision filter, included once per instruction set.
 *
 * The includer defines GH_LEAF_NAME, and GH_LEAF_TARGET where the functions
 * need more than the file's flags.  32 lanes stand in as many registers as
 * they need; the vectors are the compiler's own type, so the same text serves
 * every instruction set, and only the masks have instructions of their own.
 */
#include "project/gh_leaf.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#ifndef GH_LEAF_TARGET
#define GH_LEAF_TARGET
#endif

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX2__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
#define PARTS (GH_KDTREE_LEAF / WIDTH)

/* Queries whose products with a leaf's points stand in registers at the same time. */
#if defined(__AVX512F__)
#define TOGETHER 4
#elif defined(__AVX2__)
#define TOGETHER 2
#else
#define TOGETHER 1
#endif

/* Dimensions added between two looks at whether anything is still near. */
#define STRIDE 4

typedef float lanes __attribute__((vector_size(4 * WIDTH)));
typedef float loose_lanes __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

#define LOAD(address) (*(const loose_lanes *) (address))

/* The lanes with a <= b, as bits. */
#if defined(__AVX512F__)
#define MASK(a, b) ((uint32_t) _mm512_cmp_ps_mask((__m512) (a), (__m512) (b), _CMP_LE_OQ))
#elif defined(__AVX2__)
#define MASK(a, b) ((uint32_t) _mm256_movemask_ps(_mm256_cmp_ps((__m256) (a), (__m256) (b), _CMP_LE_OQ)))
#elif defined(__x86_64__)
#define MASK(a, b) ((uint32_t) _mm_movemask_ps(_mm_cmple_ps((__m128) (a), (__m128) (b))))
#else
#define MASK(a, b) \
	((uint32_t) ((a)[0] <= (b)[0]) | (uint32_t) ((a)[1] <= (b)[1]) << 1 | \
	 (uint32_t) ((a)[2] <= (b)[2]) << 2 | (uint32_t) ((a)[3] <= (b)[3]) << 3)
#endif

/* The larger of each pair. */
#if defined(__AVX512F__)
#define LARGER(a, b) ((lanes) _mm512_max_ps((__m512) (a), (__m512) (b)))
#elif defined(__AVX2__)
#define LARGER(a, b) ((lanes) _mm256_max_ps((__m256) (a), (__m256) (b)))
#elif defined(__x86_64__)
#define LARGER(a, b) ((lanes) _mm_max_ps((__m128) (a), (__m128) (b)))
#else
#define LARGER(a, b) \
	((lanes) {(a)[0] > (b)[0] ? (a)[0] : (b)[0], (a)[1] > (b)[1] ? (a)[1] : (b)[1], \
	 (a)[2] > (b)[2] ? (a)[2] : (b)[2], (a)[3] > (b)[3] ? (a)[3] : (b)[3]})
#endif

/* The same number in all lanes. */
#if defined(__AVX512F__)
#define SPREAD(x) ((lanes) _mm512_set1_ps(x))
#elif defined(__AVX2__)
#define SPREAD(x) ((lanes) _mm256_set1_ps(x))
#elif defined(__x86_64__)
#define SPREAD(x) ((lanes) _mm_set1_ps(x))
#else
#define SPREAD(x) ((lanes) {(x), (x), (x), (x)})
#endif

/* a * b + c; whether it rounds in between is the build's affair. */
#if defined(__AVX512F__)
#define MULTIPLY_ADD(a, b, c) ((lanes) _mm512_fmadd_ps((__m512) (a), (__m512) (b), (__m512) (c)))
#elif defined(__AVX2__)
#define MULTIPLY_ADD(a, b, c) ((lanes) _mm256_fmadd_ps((__m256) (a), (__m256) (b), (__m256) (c)))
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

GH_LEAF_TARGET static uint32_t
bounds(const float *columns, int d, const float *low, const float *high, const float *threshold, float *bound)
{
	lanes		sum[PARTS] = {{0}};
	lanes		zero = {0};
	uint32_t	mask = 0;

	for (int j = 0; j < d; j++)
	{
		for (int p = 0; p < PARTS; p++)
		{
			lanes		q = LOAD(columns + (size_t) j * GH_KDTREE_LEAF + p * WIDTH);
			lanes		below = SPREAD(low[j]) - q,
						above = q - SPREAD(high[j]);
			lanes		gap = LARGER(LARGER(below, above), zero);

			sum[p] = MULTIPLY_ADD(gap, gap, sum[p]);
		}
	}
	for (int p = 0; p < PARTS; p++)
	{
		*(loose_lanes *) (bound + p * WIDTH) = sum[p];
		mask |= MASK(sum[p], LOAD(threshold + p * WIDTH)) << (p * WIDTH);
	}
	return mask;
}

GH_LEAF_TARGET static uint32_t
not_above(const float *a, const float *b)
{
	uint32_t	mask = 0;

	for (int p = 0; p < PARTS; p++)
		mask |= MASK(LOAD(a + p * WIDTH), LOAD(b + p * WIDTH)) << (p * WIDTH);
	return mask;
}

/* Adds dimensions [from, to) of 32 points to sum. */
GH_LEAF_TARGET static inline void
add_dimensions(const float *columns, const float *points, int i, int from, int to, lanes *sum)
{
	for (int j = from; j < to; j++)
	{
		lanes		q = SPREAD(columns[(size_t) j * GH_KDTREE_LEAF + i]);

		for (int p = 0; p < PARTS; p++)
		{
			lanes		delta = LOAD(points + (size_t) j * GH_KDTREE_LEAF + p * WIDTH) - q;

			sum[p] = MULTIPLY_ADD(delta, delta, sum[p]);
		}
	}
}

GH_LEAF_TARGET static inline uint32_t
within(const lanes *sum, float threshold)
{
	lanes		most = SPREAD(threshold);
	uint32_t	mask = 0;

	for (int p = 0; p < PARTS; p++)
		mask |= MASK(sum[p], most) << (p * WIDTH);
	return mask;
}

GH_LEAF_TARGET static void
hits(const float *columns, const float *points, int d, uint32_t active, const float *threshold, uint32_t *out)
{
	for (; active != 0; active &= active - 1)
	{
		int			i = __builtin_ctz(active);
		lanes		sum[PARTS] = {{0}};
		uint32_t	mask = UINT32_MAX;
		int			j = 0;

		/* sums only grow, so a leaf that is too far in some dimensions is too far in all */
		for (; j + STRIDE <= d && mask != 0; j += STRIDE)
		{
			add_dimensions(columns, points, i, j, j + STRIDE, sum);
			mask = within(sum, threshold[i]);
		}
		if (mask != 0 && j < d)
		{
			add_dimensions(columns, points, i, j, d, sum);
			mask = within(sum, threshold[i]);
		}
		out[i] = mask;
	}
}

GH_LEAF_TARGET static void
products(const float *columns, const float *points, const float *half, int d, uint32_t active, const float *least,
		 uint32_t *out)
{
	while (active != 0)
	{
		int			query[TOGETHER];
		lanes		sum[TOGETHER][PARTS];

		/* when fewer are left, the last one stands in for the missing */
		for (int t = 0; t < TOGETHER; t++)
		{
			query[t] = active != 0 ? __builtin_ctz(active) : query[t - 1];
			active &= active - 1;
			for (int p = 0; p < PARTS; p++)
				sum[t][p] = -LOAD(half + p * WIDTH);
		}
		for (int j = 0; j < d; j++)
		{
			const float *column = columns + (size_t) j * GH_KDTREE_LEAF;
			lanes		point[PARTS];

			for (int p = 0; p < PARTS; p++)
				point[p] = LOAD(points + (size_t) j * GH_KDTREE_LEAF + p * WIDTH);
			for (int t = 0; t < TOGETHER; t++)
			{
				lanes		q = SPREAD(column[query[t]]);

				for (int p = 0; p < PARTS; p++)
					sum[t][p] = MULTIPLY_ADD(q, point[p], sum[t][p]);
			}
		}
		for (int t = 0; t < TOGETHER; t++)
		{
			lanes		threshold = SPREAD(least[query[t]]);
			uint32_t	mask = 0;

			for (int p = 0; p < PARTS; p++)
				mask |= MASK(threshold, sum[t][p]) << (p * WIDTH);
			out[query[t]] = mask;
		}
	}
}

extern const gh_leaf_kernels GH_LEAF_NAME;
const gh_leaf_kernels GH_LEAF_NAME = {bounds, not_above, hits, products};
