/*
 * kernels.c
 *		The baseline build of the kernels, and the choice between builds.
 */
#include "gh_isa.h"

#define GH_KERNELS_NAME gh_kernels_baseline
#include "kernels_body.h"

#if defined(__x86_64__)
extern const gh_kernels gh_kernels_avx2;
extern const gh_kernels gh_kernels_avx512;
#endif

const gh_kernels *
gh_kernels_get(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return &gh_kernels_avx512;
		case GH_ISA_AVX2:
			return &gh_kernels_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return &gh_kernels_baseline;
}
