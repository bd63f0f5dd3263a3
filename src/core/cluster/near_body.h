/*
 * near_body.h
 *		The code of gh_near.h, included once per instruction set.
 *
 * The includer defines GH_NEAR_NAME.  Every operation is one of IEEE doubles,
 * so all instruction sets give the same bits.
 */
#include "cluster/gh_near.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define WIDTH 8
#elif defined(__AVX2__)
#define WIDTH 4
#else
#define WIDTH 2
#endif

typedef double lanes __attribute__((vector_size(8 * WIDTH)));
typedef double loose_lanes __attribute__((vector_size(8 * WIDTH), aligned(8), may_alias));

#define LOAD(address) (*(const loose_lanes *) (address))
#define STORE(address) (*(loose_lanes *) (address))

/* The lanes with a <= b, as bits. */
#if defined(__AVX512F__)
#define MASK(a, b) ((uint32_t) _mm512_cmp_pd_mask((__m512d) (a), (__m512d) (b), _CMP_LE_OQ))
#elif defined(__AVX2__)
#define MASK(a, b) ((uint32_t) _mm256_movemask_pd(_mm256_cmp_pd((__m256d) (a), (__m256d) (b), _CMP_LE_OQ)))
#elif defined(__x86_64__)
#define MASK(a, b) ((uint32_t) _mm_movemask_pd(_mm_cmple_pd((__m128d) (a), (__m128d) (b))))
#else
#define MASK(a, b) ((uint32_t) ((a)[0] <= (b)[0]) | (uint32_t) ((a)[1] <= (b)[1]) << 1)
#endif

/* WORDS numbers at a time: those that differ from value, as bits. */
#if defined(__AVX512F__)
#define WORDS 16
#define DIFFERENT(values, value) \
	((uint32_t) _mm512_cmpneq_epi32_mask(_mm512_loadu_si512(values), _mm512_set1_epi32((int) (value))))
#elif defined(__AVX2__)
#define WORDS 8
#define DIFFERENT(values, value) \
	(~(uint32_t) _mm256_movemask_ps(_mm256_castsi256_ps( \
		_mm256_cmpeq_epi32(_mm256_loadu_si256((const __m256i *) (values)), _mm256_set1_epi32((int) (value))))) & 0xFF)
#elif defined(__x86_64__)
#define WORDS 4
#define DIFFERENT(values, value) \
	(~(uint32_t) _mm_movemask_ps(_mm_castsi128_ps( \
		_mm_cmpeq_epi32(_mm_loadu_si128((const __m128i *) (values)), _mm_set1_epi32((int) (value))))) & 0xF)
#else
#define WORDS 1
#define DIFFERENT(values, value) ((uint32_t) (*(values) != (value)))
#endif

static uint32_t
others(const uint32_t *values, uint32_t n, uint32_t value)
{
	uint32_t	mask = 0,
				i = 0;

	for (; i + WORDS <= n; i += WORDS)
		mask |= DIFFERENT(values + i, value) << i;
	for (; i < n; i++)
		mask |= (uint32_t) (values[i] != value) << i;
	return mask;
}

static inline uint32_t
within_d(const double *columns, uint32_t n, int d, const double *q, double reach2, double *distance2)
{
	lanes		most = (lanes) {0} + reach2;
	uint32_t	mask = 0,
				i = 0;

	for (; i + WIDTH <= n; i += WIDTH)
	{
		lanes		delta = LOAD(columns + i) - q[0],
					sum = delta * delta;

		for (int j = 1; j < d; j++)
		{
			delta = LOAD(columns + (size_t) j * n + i) - q[j];
			sum += delta * delta;
		}
		STORE(distance2 + i) = sum;
		mask |= MASK(sum, most) << i;
	}
	for (; i < n; i++)
	{
		double		sum = 0;

		for (int j = 0; j < d; j++)
		{
			double		delta = columns[(size_t) j * n + i] - q[j];

			sum += delta * delta;
		}
		distance2[i] = sum;
		mask |= (uint32_t) (sum <= reach2) << i;
	}
	return mask;
}

static uint32_t
within(const double *columns, uint32_t n, int d, const double *q, double reach2, double *distance2)
{
	/* in the plane the loop over dimensions is gone */
	if (d == 2)
		return within_d(columns, n, 2, q, reach2, distance2);
	return within_d(columns, n, d, q, reach2, distance2);
}

extern const gh_near_kernels GH_NEAR_NAME;
const gh_near_kernels GH_NEAR_NAME = {within, others};
