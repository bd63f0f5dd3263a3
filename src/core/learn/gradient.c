/*
 * gradient.c
 *		The baseline build of the derivatives, and the choice between builds.
 */
#include "base/gh_isa.h"

#define GH_GRADIENT_NAME gh_gradient_baseline
#include "learn/gradient_body.h"

gh_gradient_kernel
gh_gradient_kernel_get(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return gh_gradient_avx512;
		case GH_ISA_AVX2:
			return gh_gradient_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return gh_gradient_baseline;
}
