/*
 * gh_isa.h
 *		Which instruction set the kernels use, decided at run time.
 */
#ifndef GH_ISA_H
#define GH_ISA_H

typedef enum gh_isa
{
	GH_ISA_SCALAR = 0,
	GH_ISA_AVX2,
	GH_ISA_AVX512
} gh_isa;

/* The best the processor and the operating system offer, or what was forced. */
extern gh_isa gh_isa_current(void);
/* Tests: use at most this level from now on.  Not thread-safe. */
extern void gh_isa_limit(gh_isa isa);

#endif							/* GH_ISA_H */
