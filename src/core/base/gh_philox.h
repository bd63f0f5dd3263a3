/*
 * gh_philox.h
 *		One round of Philox-4x32-10, for random.c and for kernels that draw many blocks side by side.
 *
 * Salmon, Moraes, Dror and Shaw, https://doi.org/10.1145/2063384.2063405
 */
#ifndef GH_PHILOX_H
#define GH_PHILOX_H

#include <stdint.h>

#define GH_PHILOX_ROUNDS 10
#define GH_PHILOX_M0 UINT32_C(0xD2511F53)
#define GH_PHILOX_M1 UINT32_C(0xCD9E8D57)
#define GH_PHILOX_W0 UINT32_C(0x9E3779B9)
#define GH_PHILOX_W1 UINT32_C(0xBB67AE85)

/* Counter c0..c3 becomes that of the next round; the key is `seed`, moved on `round` times. */
static inline void
gh_philox_round(uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3, uint64_t seed, int round)
{
	uint32_t	k0 = (uint32_t) seed + (uint32_t) round * GH_PHILOX_W0,
				k1 = (uint32_t) (seed >> 32) + (uint32_t) round * GH_PHILOX_W1;
	uint64_t	p0 = (uint64_t) GH_PHILOX_M0 * *c0,
				p1 = (uint64_t) GH_PHILOX_M1 * *c2;

	*c0 = (uint32_t) (p1 >> 32) ^ *c1 ^ k0;
	*c1 = (uint32_t) p1;
	*c2 = (uint32_t) (p0 >> 32) ^ *c3 ^ k1;
	*c3 = (uint32_t) p0;
}

#endif							/* GH_PHILOX_H */
