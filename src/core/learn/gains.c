/*
 * gains.c
 *		The baseline build of gains, and the choice between builds.
 */
#include "base/gh_isa.h"

#define GH_GAINS_NAME gh_gains_baseline
#include "learn/gains_body.h"

gh_gain_kernel
gh_gain_kernel_get(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return gh_gains_avx512;
		case GH_ISA_AVX2:
			return gh_gains_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return gh_gains_baseline;
}
