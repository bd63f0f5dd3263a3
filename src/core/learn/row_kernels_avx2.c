/*
 * row_kernels_avx2.c
 *		The kernels over rows built for AVX2; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_ROW_KERNELS_NAME gh_row_kernels_avx2
#include "learn/row_kernels_body.h"
#else
typedef int gh_no_row_kernels_avx2;	/* an empty file is not C */
#endif
