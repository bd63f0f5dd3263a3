/*
 * near_avx512.c
 *		The leaf filter built for AVX-512; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_NEAR_NAME gh_near_avx512
#include "cluster/near_body.h"
#else
typedef int gh_no_near_avx512;	/* an empty file is not C */
#endif
