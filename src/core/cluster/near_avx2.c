/*
 * near_avx2.c
 *		The leaf filter built for AVX2; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_NEAR_NAME gh_near_avx2
#include "cluster/near_body.h"
#else
typedef int gh_no_near_avx2;	/* an empty file is not C */
#endif
