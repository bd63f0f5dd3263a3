/*
 * kernels_avx512.c
 *		The kernels built for AVX-512; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_KERNELS_NAME gh_kernels_avx512
#include "kernels_body.h"
#else
typedef int gh_no_kernels_avx512;	/* an empty file is not C */
#endif
