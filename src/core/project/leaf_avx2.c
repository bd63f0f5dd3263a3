/*
 * leaf_avx2.c
 *		The single-precision filter built for AVX2 and FMA, which the functions ask for themselves;
 *		the Makefile gives this file its other flags.
 */
#if defined(__x86_64__)
#define GH_LEAF_TARGET __attribute__((target("avx2,fma")))
#define GH_LEAF_NAME gh_leaf_avx2
#include "project/leaf_body.h"
#else
typedef int gh_no_leaf_avx2;	/* an empty file is not C */
#endif
