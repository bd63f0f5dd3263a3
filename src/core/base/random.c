/*
 * random.c
 *		Philox-4x32-10 and what is made of it.
 */
#include "gh_random.h"

#include "gh_philox.h"

#include <math.h>

gh_random4
gh_random_block(uint64_t seed, uint32_t stream, uint64_t index)
{
	gh_random4	c = {{(uint32_t) index, (uint32_t) (index >> 32), stream, 0}};

	for (int round = 0; round < GH_PHILOX_ROUNDS; round++)
		gh_philox_round(&c.v[0], &c.v[1], &c.v[2], &c.v[3], seed, round);
	return c;
}

uint64_t
gh_random_u64(uint64_t seed, uint32_t stream, uint64_t index)
{
	gh_random4	r = gh_random_block(seed, stream, index);

	return (uint64_t) r.v[1] << 32 | r.v[0];
}

double
gh_random_double(uint64_t seed, uint32_t stream, uint64_t index)
{
	return (double) (gh_random_u64(seed, stream, index) >> 11) * 0x1p-53;
}

double
gh_random_normal(uint64_t seed, uint32_t stream, uint64_t index)
{
	gh_random4	r = gh_random_block(seed, stream, index);
	uint64_t	a = (uint64_t) r.v[1] << 32 | r.v[0],
				b = (uint64_t) r.v[3] << 32 | r.v[2];
	double		u = ((double) (a >> 11) + 1.0) * 0x1p-53,	/* (0, 1]: its logarithm is finite */
				v = (double) (b >> 11) * 0x1p-53;

	return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

/* Finaliser of splitmix64 (Steele, Lea and Flood, https://doi.org/10.1145/2660193.2660195). */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xBF58476D1CE4E5B9);
	x ^= x >> 27;
	x *= UINT64_C(0x94D049BB133111EB);
	x ^= x >> 31;
	return x;
}

uint64_t
gh_random_seed(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t	x = mix(seed + UINT64_C(0x9E3779B97F4A7C15));

	x = mix(x ^ mix(a + UINT64_C(0x3C6EF372FE94F82B)));
	return mix(x ^ mix(b + UINT64_C(0xDAA66D2C7DDEF743)));
}

uint64_t
gh_hash_bytes(const void *bytes, uint64_t length)
{
	const uint8_t *p = bytes;
	uint64_t	h = UINT64_C(0xCBF29CE484222325);

	for (uint64_t i = 0; i < length; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001B3);
	return mix(h ^ length);
}

void
gh_random_shuffle(uint64_t seed, uint32_t stream, uint32_t *values, uint64_t n)
{
	for (uint64_t i = n; i > 1; i--)
	{
		/* the high half of a 64 x 64 bit product: uniform to 2^-64 */
		uint64_t	j = (uint64_t) (((unsigned __int128) gh_random_u64(seed, stream, i) * i) >> 64);
		uint32_t	t = values[i - 1];

		values[i - 1] = values[j];
		values[j] = t;
	}
}
