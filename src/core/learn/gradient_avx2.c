/*
 * gradient_avx2.c
 *		The derivatives built for AVX2; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_GRADIENT_NAME gh_gradient_avx2
#include "learn/gradient_body.h"
#else
typedef int gh_no_gradient_avx2;	/* an empty file is not C */
#endif
