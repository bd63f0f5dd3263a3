/*
 * inverse_squares.c
 *		The baseline build of the sums, and the choice between builds.
 */
#include "base/gh_isa.h"

#define GH_INVERSE_SQUARES_NAME gh_inverse_squares_baseline
#include "inverse_squares_body.h"

#if defined(__x86_64__)
extern const gh_inverse_squares gh_inverse_squares_avx2;
extern const gh_inverse_squares gh_inverse_squares_avx512;
#endif

const gh_inverse_squares *
gh_inverse_squares_get(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return &gh_inverse_squares_avx512;
		case GH_ISA_AVX2:
			return &gh_inverse_squares_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return &gh_inverse_squares_baseline;
}
