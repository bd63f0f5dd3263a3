/*
 * gains_avx2.c
 *		Gains built for AVX2; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_GAINS_NAME gh_gains_avx2
#include "learn/gains_body.h"
#else
typedef int gh_no_gains_avx2;	/* an empty file is not C */
#endif
