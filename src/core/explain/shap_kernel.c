/*
 * shap_kernel.c
 *		The baseline build of a row's way through a tree, and the choice between builds.
 */
#include "base/gh_isa.h"

#define GH_SHAP_NAME gh_shap_baseline
#include "explain/shap_kernel_body.h"

gh_shap_kernel
gh_shap_kernel_get(void)
{
#if defined(__x86_64__)
	switch (gh_isa_current())
	{
		case GH_ISA_AVX512:
			return gh_shap_avx512;
		case GH_ISA_AVX2:
			return gh_shap_avx2;
		case GH_ISA_SCALAR:
			break;
	}
#endif
	return gh_shap_baseline;
}
