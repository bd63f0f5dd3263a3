/*
 * isa.c
 *		Choice of the instruction set at run time.
 */
#include "gh_isa.h"

#include <stdatomic.h>

static atomic_int limit = GH_ISA_AVX512;

/* What the processor and the operating system can do. */
static gh_isa
detect(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
		return GH_ISA_AVX512;
	if (__builtin_cpu_supports("avx2"))
		return GH_ISA_AVX2;
#endif
	return GH_ISA_SCALAR;
}

gh_isa
gh_isa_current(void)
{
	gh_isa		best = detect();
	gh_isa		most = (gh_isa) atomic_load_explicit(&limit, memory_order_relaxed);

	return best < most ? best : most;
}

void
gh_isa_limit(gh_isa isa)
{
	atomic_store(&limit, isa);
}
