/*
 * shap_kernel_avx512.c
 *		A row's way through a tree built for AVX-512; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_SHAP_NAME gh_shap_avx512
#include "explain/shap_kernel_body.h"
#else
typedef int gh_no_shap_avx512;	/* an empty file is not C */
#endif
