/*
 * layout_avx512.c
 *		The layout built for AVX-512; the Makefile gives this file its flags.
 */
#if defined(__x86_64__)
#define GH_LAYOUT_BUILD gh_layout_avx512
#include "project/layout_body.h"
#else
typedef int gh_no_layout_avx512;	/* an empty file is not C */
#endif
