/*
 * gradient_avx512.c
 *		The derivatives built for AVX-512; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_GRADIENT_NAME gh_gradient_avx512
#include "learn/gradient_body.h"
#else
typedef int gh_no_gradient_avx512;	/* an empty file is not C */
#endif
