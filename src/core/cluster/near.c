/*
 * near.c
 *		The baseline build of the leaf filter, and the choice between builds.
 */
#include "base/gh_isa.h"

#define GH_NEAR_NAME gh_near_baseline
#include "cluster/near_body.h"

#if defined(__x86_64__)
extern const gh_near_kernels gh_near_avx2;
extern const gh_near_kernels gh_near_avx512;
#endif

const gh_near_kernels *
gh_near_kernels_get(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return &gh_near_avx512;
		case GH_ISA_AVX2:
			return &gh_near_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return &gh_near_baseline;
}
