/*
 * row_kernels_avx512.c
 *		The kernels over rows built for AVX-512; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_ROW_KERNELS_NAME gh_row_kernels_avx512
#include "learn/row_kernels_body.h"
#else
typedef int gh_no_row_kernels_avx512;	/* an empty file is not C */
#endif
