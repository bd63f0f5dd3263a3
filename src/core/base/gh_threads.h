/*
 * gh_threads.h
 *		Run independent tasks on the context's threads.
 *
 * Workers block every signal, run only core code, and are joined before
 * gh_ctx_close() returns.  A task must write only to places of its own, so
 * results do not depend on how many threads there are: cut work into a number
 * of tasks that depends on the data alone.
 */
#ifndef GH_THREADS_H
#define GH_THREADS_H

#include "gh_context.h"

/*
 * `worker` is 0 (the host's thread) .. gh_ctx_threads()-1: use it to pick
 * scratch memory, never to decide a result.
 */
typedef gh_status (*gh_task) (gh_ctx *ctx, void *arg, size_t task, int worker);

/*
 * Runs task 0 .. n_tasks-1 and returns when all have ended; after a failure
 * or a cancel no new task starts.  The host's thread works too and polls the
 * host.  Inside a task the call runs serially.  Returns the status of the
 * failure recorded first.
 */
extern gh_status gh_parallel(gh_ctx *ctx, size_t n_tasks, gh_task task, void *arg);

/* The same, reporting done tasks out of n_tasks as progress of `stage`. */
extern gh_status gh_parallel_stage(gh_ctx *ctx, const char *stage, size_t n_tasks, gh_task task, void *arg);

/*
 * One part of a longer stage whose tasks differ in size: they report what they
 * have done with gh_stage_add(), out of `total`, of which `done` was done before.
 */
extern gh_status gh_parallel_part(gh_ctx *ctx, const char *stage, size_t done, size_t total, size_t n_tasks,
								  gh_task task, void *arg);
/* The same, one task after another in the host's thread: parallel work inside them has all threads. */
extern gh_status gh_serial_part(gh_ctx *ctx, const char *stage, size_t done, size_t total, size_t n_tasks,
								gh_task task, void *arg);
extern void gh_stage_add(gh_ctx *ctx, size_t work);

/*
 * At most n threads (the host's included) take part in the work from now on;
 * 0: all of them.  For work whose memory grows with the threads.
 */
extern void gh_threads_cap(gh_ctx *ctx, int n);

/*
 * Threads that gh_parallel() has here, the caller's included: 1 inside a task.
 * For choosing between ways of one result.
 */
extern int	gh_threads_here(const gh_ctx *ctx);

/* Chunk `task` of `n_chunks` over n items: [*begin, *end). */
static inline void
gh_chunk(size_t n, size_t n_chunks, size_t task, size_t *begin, size_t *end)
{
	size_t		base = n / n_chunks,
				rest = n % n_chunks;

	*begin = task * base + (task < rest ? task : rest);
	*end = *begin + base + (task < rest ? 1 : 0);
}

/* Ends the threads now (they start again on demand). */
extern void gh_threads_join(gh_ctx *ctx);

#endif							/* GH_THREADS_H */
