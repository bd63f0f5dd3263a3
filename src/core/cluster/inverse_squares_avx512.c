/*
 * inverse_squares_avx512.c
 *		The sums built for AVX-512; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_INVERSE_SQUARES_NAME gh_inverse_squares_avx512
#include "inverse_squares_body.h"
#else
typedef int gh_no_inverse_squares_avx512;	/* an empty file is not C */
#endif
