/*
 * leaf.c
 *		The baseline build of the single-precision filter, and the choice between builds.
 */
#include "base/gh_isa.h"

#define GH_LEAF_NAME gh_leaf_baseline
#include "project/leaf_body.h"

#if defined(__x86_64__)
extern const gh_leaf_kernels gh_leaf_avx2;
extern const gh_leaf_kernels gh_leaf_avx512;
#endif

const gh_leaf_kernels *
gh_leaf_kernels_get(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return &gh_leaf_avx512;
		case GH_ISA_AVX2:
			return __builtin_cpu_supports("fma") ? &gh_leaf_avx2 : &gh_leaf_baseline;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return &gh_leaf_baseline;
}
