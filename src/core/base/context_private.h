/*
 * context_private.h
 *		The inside of a context: for context.c and threads.c only.
 */
#ifndef GH_CONTEXT_PRIVATE_H
#define GH_CONTEXT_PRIVATE_H

#include "gh_context.h"
#include "gh_threads.h"

#include <pthread.h>
#include <stdatomic.h>

#define GH_MAX_THREADS 256

typedef struct gh_pool gh_pool;

/* In front of every block of memory; not larger than the blocks' alignment. */
typedef struct gh_block
{
	struct gh_block *next,
			   *previous;
	size_t		size;			/* what the budget was charged */
} gh_block;

struct gh_ctx
{
	gh_host		host;
	pthread_mutex_t lock;		/* failure, memory and blocks */

	gh_status	status;			/* the first failure */
	int			failed_worker;	/* whose it was */
	char		message[GH_MESSAGE_SIZE];
	char		detail[GH_MESSAGE_SIZE];
	char		hint[GH_MESSAGE_SIZE];

	size_t		memory_used;
	size_t		memory_peak;
	gh_block	blocks;			/* head of the ring of live blocks */
	uint64_t	fail_at;		/* tests: the allocation that fails, 0: none */
	bool		fail_forever;

	atomic_bool stop;			/* cancel asked for, or a task failed */
	const char *stage;			/* of the parallel work under way, NULL: none; what its tasks report is reported as this */
	atomic_size_t stage_done;
	size_t		stage_total;
	size_t		stage_unit;		/* what a finished task counts */
	int			most_threads;	/* 0: all */
	gh_pool    *pool;			/* NULL until the first parallel work */
};

/*
 * pages.c: memory in whole pages, NULL when there is none.  Resized pages keep
 * what they hold and may move; NULL (the old ones stay) also where the system
 * cannot do that.
 */
extern void *gh_pages_take(size_t size);
extern void gh_pages_give(void *pages, size_t size);
extern void *gh_pages_resize(void *pages, size_t size, size_t wanted);

/* 0 in the host's thread, 1.. in a worker. */
extern _Thread_local int gh_thread_worker;

#endif							/* GH_CONTEXT_PRIVATE_H */
