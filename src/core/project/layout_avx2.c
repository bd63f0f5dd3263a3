/*
 * layout_avx2.c
 *		The layout built for AVX2; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_LAYOUT_BUILD gh_layout_avx2
#include "project/layout_body.h"
#else
typedef int gh_no_layout_avx2;	/* an empty file is not C */
#endif
