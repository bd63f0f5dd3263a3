/*
 * testing.h
 *		What every unit test may use: contexts, a host that stops after some polls,
 *		comparisons, the checksum of changed bytes, and the loops that cancel a call
 *		or take its memory away wherever that can happen.
 */
#ifndef TESTING_H
#define TESTING_H

#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/gh_bytes.h"
#include "base/gh_context.h"

/* A context of as many threads, without a limit of memory. */
static inline gh_ctx *
open_threads(int threads)
{
	gh_host		host = {.threads = threads,.memory_limit = SIZE_MAX};

	return gh_ctx_open(&host);
}

/* Set before the call; every poll takes one. */
static long polls_left;

/* For gh_host.should_stop. */
static inline bool
stop_after_polls(void *arg)
{
	(void) arg;
	return polls_left-- <= 0;
}

static inline void
assert_close(double a, double b, double tolerance)
{
	if (!(fabs(a - b) <= tolerance))
		fail_msg("%.17g is not %.17g", a, b);
}

/* The tolerance is of 1 + |b|. */
static inline void
assert_relative(double a, double b, double tolerance)
{
	assert_close(a, b, tolerance * (1 + fabs(b)));
}

/* For qsort. */
static inline int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a,
				y = *(const double *) b;

	return (x > y) - (x < y);
}

/* The checksum of a container's changed bytes, made good again. */
static inline void
seal(uint8_t *bytes, size_t length)
{
	uint32_t	crc = gh_crc32c(bytes + 16, length - 16);

	for (int i = 0; i < 4; i++)
		bytes[12 + i] = (uint8_t) (crc >> 8 * i);
}

/* What a test tries again and again; frees all that it allocates, however it ends. */
typedef gh_status (*test_call) (gh_ctx *ctx, void *arg);

/*
 * The call must end with GH_ECANCELED wherever the cancel comes, and give all
 * memory back.  Returns the polls that it survives in the end: about as many as
 * it takes.
 */
static inline long
check_cancel(test_call call, void *arg, int threads)
{
	long		at = 0;

	for (;; at = at < 40 ? at + 1 : at + at / 3)
	{
		gh_host		host = {.should_stop = stop_after_polls,.threads = threads,.memory_limit = SIZE_MAX};
		gh_ctx	   *ctx = gh_ctx_open(&host);
		gh_status	status;

		polls_left = at;
		status = call(ctx, arg);
		assert_int_equal(gh_memory_used(ctx), 0);
		gh_ctx_close(ctx);
		if (status == GH_OK)
			return at;
		assert_int_equal(status, GH_ECANCELED);
	}
}

/*
 * Every allocation fails once, alone and then with all after it; no block is
 * left behind.  Returns the number of allocations.
 */
static inline uint64_t
check_allocations(test_call call, void *arg)
{
	uint64_t	k = 0;

	for (int forever = 0; forever < 2; forever++)
	{
		gh_status	status = GH_ENOMEM;

		for (k = 0; status != GH_OK;)
		{
			gh_ctx	   *ctx = open_threads(1);

			gh_ctx_fail_allocation(ctx, ++k, forever != 0);
			status = call(ctx, arg);
			assert_int_equal(gh_memory_used(ctx), 0);
			gh_ctx_close(ctx);
			if (status != GH_OK)
				assert_int_equal(status, GH_ENOMEM);
		}
	}
	return k - 1;
}

#endif							/* TESTING_H */
