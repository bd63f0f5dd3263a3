/*
 * gains_avx512.c
 *		Gains built for AVX-512; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_GAINS_NAME gh_gains_avx512
#include "learn/gains_body.h"
#else
typedef int gh_no_gains_avx512;	/* an empty file is not C */
#endif
