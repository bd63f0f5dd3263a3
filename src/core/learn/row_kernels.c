/*
 * row_kernels.c
 *		The baseline build of the kernels over rows, and the choice between builds.
 */
#include "base/gh_isa.h"

#define GH_ROW_KERNELS_NAME gh_row_kernels_baseline
#include "learn/row_kernels_body.h"

const gh_row_kernels *
gh_row_kernels_get(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return &gh_row_kernels_avx512;
		case GH_ISA_AVX2:
			return &gh_row_kernels_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return &gh_row_kernels_baseline;
}
