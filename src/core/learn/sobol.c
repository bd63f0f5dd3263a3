/*
 * sobol.c
 *		Sobol points with the direction numbers of Joe and Kuo, scrambled.
 *
 * Direction numbers: S. Joe and F. Y. Kuo, https://doi.org/10.1137/070709359
 * (new-joe-kuo-6).  Scrambling: a random lower triangular matrix of bits a
 * dimension and a digital shift (Matousek,
 * https://doi.org/10.1006/jcom.1998.0489), which keeps every net a net.
 */
#include <string.h>

#include "base/gh_random.h"
#include "learn/tune_private.h"

/* Degree and coefficients of the primitive polynomials of dimensions 2 to 16, and the first direction numbers. */
static const struct
{
	int			degree;
	uint32_t	coefficients;
	uint32_t	m[6];
}			joe_kuo[GH_MAX_DIMENSIONS - 1] = {
	{1, 0, {1}},
	{2, 1, {1, 3}},
	{3, 1, {1, 3, 1}},
	{3, 2, {1, 1, 1}},
	{4, 1, {1, 1, 3, 3}},
	{4, 4, {1, 3, 5, 13}},
	{5, 2, {1, 1, 5, 5, 17}},
	{5, 4, {1, 1, 5, 5, 5}},
	{5, 7, {1, 1, 7, 11, 19}},
	{5, 11, {1, 1, 5, 1, 1}},
	{5, 13, {1, 1, 1, 3, 11}},
	{5, 14, {1, 3, 5, 5, 31}},
	{6, 1, {1, 3, 3, 9, 7, 49}},
	{6, 13, {1, 1, 1, 15, 21, 21}},
	{6, 16, {1, 3, 1, 13, 27, 49}},
};

static void
fill_direction(uint32_t *v, int dimension)
{
	int			s;
	uint32_t	a;

	if (dimension == 0)
	{
		for (int i = 0; i < 32; i++)
			v[i] = UINT32_C(1) << (31 - i);
		return;
	}
	s = joe_kuo[dimension - 1].degree;
	a = joe_kuo[dimension - 1].coefficients;
	for (int i = 0; i < s; i++)
		v[i] = joe_kuo[dimension - 1].m[i] << (31 - i);
	for (int i = s; i < 32; i++)
	{
		v[i] = v[i - s] ^ (v[i - s] >> s);
		for (int k = 1; k < s; k++)
			if (a >> (s - 1 - k) & 1)
				v[i] ^= v[i - k];
	}
}

void
gh_sobol_init_plain(gh_sobol *sobol, int d)
{
	memset(sobol, 0, sizeof(*sobol));
	sobol->d = d;
	for (int j = 0; j < d; j++)
		fill_direction(sobol->direction[j], j);
}

/* Row r (from the top bit) of the result is the parity of the bits of v that row r of the matrix picks. */
static uint32_t
multiply(const uint32_t *matrix, uint32_t v)
{
	uint32_t	result = 0;

	for (int r = 0; r < 32; r++)
		result |= (uint32_t) __builtin_parity(matrix[r] & v) << (31 - r);
	return result;
}

void
gh_sobol_init(gh_sobol *sobol, int d, uint64_t seed)
{
	gh_sobol_init_plain(sobol, d);
	for (int j = 0; j < d; j++)
	{
		uint32_t	matrix[32];

		for (int r = 0; r < 32; r++)
		{
			uint32_t	bits = (uint32_t) gh_random_u64(seed, GH_STREAM_TUNE_SOBOL, (uint64_t) (j * 64 + r));
			uint32_t	diagonal = UINT32_C(1) << (31 - r);

			/* ones on the diagonal, anything before it, nothing after */
			matrix[r] = (bits & ~(diagonal | (diagonal - 1))) | diagonal;
		}
		for (int i = 0; i < 32; i++)
			sobol->direction[j][i] = multiply(matrix, sobol->direction[j][i]);
		sobol->shift[j] = (uint32_t) gh_random_u64(seed, GH_STREAM_TUNE_SOBOL, (uint64_t) (j * 64 + 32));
	}
}

void
gh_sobol_point(const gh_sobol *sobol, uint32_t index, double *x)
{
	uint32_t	gray = index ^ (index >> 1);

	for (int j = 0; j < sobol->d; j++)
	{
		uint32_t	bits = sobol->shift[j];

		for (int i = 0; i < 32; i++)
			if (gray >> i & 1)
				bits ^= sobol->direction[j][i];
		x[j] = bits * 0x1p-32;
	}
}
