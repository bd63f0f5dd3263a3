/*
 * inverse_squares_avx2.c
 *		The sums built for AVX2; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_INVERSE_SQUARES_NAME gh_inverse_squares_avx2
#include "inverse_squares_body.h"
#else
typedef int gh_no_inverse_squares_avx2;	/* an empty file is not C */
#endif
