/*
 * threads.c
 *		A pool of workers per context, started on demand, always joined.
 */
#include "context_private.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/*
 * For so long a thread without work watches for more before it sleeps: parallel
 * parts of a tree come every few microseconds, and waking takes longer.  Only
 * where every thread has a processor.
 */
#define WATCH_NANOSECONDS 100000
/* Looks between two readings of the clock. */
#define WATCH_LOOKS 32
/* How often the host is asked, while its thread waits for the others. */
#define POLL_NANOSECONDS 5000000

struct gh_pool
{
	gh_ctx	   *ctx;
	int			n_threads;		/* workers, the host's thread not counted */
	pthread_t	thread[GH_MAX_THREADS];

	pthread_mutex_t lock;
	pthread_cond_t wake;		/* a new job, or the end */
	pthread_cond_t idle;		/* a worker has finished its part */
	bool		watches;		/* threads watch for a while before they sleep */
	/* written under the lock */
	atomic_uint_fast64_t job;	/* number of the present job */
	bool		open;			/* workers may still join it */
	atomic_int	busy;			/* workers in it */
	atomic_bool ending;

	gh_task		task;
	void	   *arg;
	size_t		n_tasks;
	const char *stage;			/* NULL: no progress */
	int			n_active;		/* threads that may take part, the host's included */
	atomic_size_t next;
};

typedef struct gh_worker
{
	gh_pool    *pool;
	int			number;
} gh_worker;

/* Inside a task further parallel work runs serially. */
static _Thread_local bool in_task = false;

/* One task; its failure stops the others. */
static gh_status
run_task(gh_ctx *ctx, gh_task task, void *arg, size_t index)
{
	bool		was_in_task = in_task;
	gh_status	status;

	in_task = true;
	status = task(ctx, arg, index, gh_thread_worker);
	in_task = was_in_task;
	if (status != GH_OK)
	{
		gh_fail(ctx, status, "a task failed without saying why");
		atomic_store(&ctx->stop, true);
	}
	return status;
}

/* One task more of the outermost stage is done. */
static void
count_done(gh_ctx *ctx, const char *stage)
{
	if (stage == NULL)
		return;
	atomic_fetch_add(&ctx->stage_done, ctx->stage_unit);
	gh_tick(ctx, stage, 0, 0);
}

static gh_status
run_serially(gh_ctx *ctx, const char *stage, size_t n_tasks, gh_task task, void *arg)
{
	for (size_t i = 0; i < n_tasks; i++)
	{
		GH_CHECK_STOP(ctx);
		GH_TRY(run_task(ctx, task, arg, i));
		count_done(ctx, stage);
	}
	return GH_OK;
}

/* Take tasks until there are none, or something failed. */
static void
take_tasks(gh_pool *pool)
{
	gh_ctx	   *ctx = pool->ctx;

	while (!gh_should_stop(ctx))
	{
		size_t		i = atomic_fetch_add(&pool->next, 1);

		if (i >= pool->n_tasks || run_task(ctx, pool->task, pool->arg, i) != GH_OK)
			break;
		count_done(ctx, pool->stage);
	}
}

/* ---- watching before sleeping ------------------------------------------ */

typedef bool (*condition) (gh_pool *pool, uint64_t seen);

static int64_t
nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void
relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile ("yield");
#endif
}

static bool
has_news(gh_pool *pool, uint64_t seen)
{
	return atomic_load(&pool->job) != seen || atomic_load(&pool->ending);
}

static bool
is_idle(gh_pool *pool, uint64_t seen)
{
	(void) seen;
	return atomic_load(&pool->busy) == 0;
}

/* Looks until the condition holds, but not for long; without the lock, so it is asked again under it. */
static void
watch(gh_pool *pool, condition holds, uint64_t seen)
{
	int64_t		until = pool->watches ? nanoseconds() + WATCH_NANOSECONDS : 0;

	while (pool->watches && nanoseconds() < until)
		for (int i = 0; i < WATCH_LOOKS; i++)
		{
			if (holds(pool, seen))
				return;
			relax();
		}
}

static void *
worker_main(void *arg)
{
	gh_worker	me = *(gh_worker *) arg;
	gh_pool    *pool = me.pool;
	uint64_t	seen = 0;

	free(arg);
	gh_thread_worker = me.number;
	for (;;)
	{
		watch(pool, has_news, seen);
		pthread_mutex_lock(&pool->lock);
		while (!pool->ending && pool->job == seen)
			pthread_cond_wait(&pool->wake, &pool->lock);
		if (pool->ending)
			break;
		seen = pool->job;
		/* who wakes late is not waited for */
		if (!pool->open || me.number >= pool->n_active)
		{
			pthread_mutex_unlock(&pool->lock);
			continue;
		}
		pool->busy++;
		pthread_mutex_unlock(&pool->lock);
		take_tasks(pool);
		pthread_mutex_lock(&pool->lock);
		if (--pool->busy == 0)
			pthread_cond_signal(&pool->idle);
		pthread_mutex_unlock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static bool
start_worker(gh_pool *pool, int number)
{
	gh_worker  *worker = malloc(sizeof(gh_worker));

	if (worker == NULL)
		return false;
	worker->pool = pool;
	worker->number = number;
	if (pthread_create(&pool->thread[pool->n_threads], NULL, worker_main, worker) != 0)
	{
		free(worker);
		return false;
	}
	pool->n_threads++;
	return true;
}

/*
 * The pool of a context, made on demand.  Signals are blocked while threads
 * are made, so they inherit a full mask and the host's handlers never run in
 * them.  Fewer threads than asked for is no failure: the work still gets done.
 */
static gh_pool *
get_pool(gh_ctx *ctx)
{
	gh_pool    *pool = ctx->pool;
	sigset_t	all,
				before;

	if (pool != NULL)
		return pool;
	pool = calloc(1, sizeof(gh_pool));
	if (pool == NULL)
		return NULL;
	pool->ctx = ctx;
	pool->watches = sysconf(_SC_NPROCESSORS_ONLN) >= ctx->host.threads;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	pthread_cond_init(&pool->idle, NULL);

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (int i = 1; i < ctx->host.threads; i++)
		if (!start_worker(pool, i))
			break;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ctx->pool = pool;
	return pool;
}

void
gh_threads_join(gh_ctx *ctx)
{
	gh_pool    *pool = ctx->pool;

	if (pool == NULL)
		return;
	atomic_store(&ctx->stop, atomic_load(&ctx->stop) || pool->busy > 0);
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (int i = 0; i < pool->n_threads; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->idle);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
	ctx->pool = NULL;
}

void
gh_threads_cap(gh_ctx *ctx, int n)
{
	ctx->most_threads = n;
}

int
gh_threads_here(const gh_ctx *ctx)
{
	int			threads = ctx->host.threads;

	if (in_task || gh_thread_worker != 0)
		return 1;
	return ctx->most_threads > 0 && ctx->most_threads < threads ? ctx->most_threads : threads;
}

/* Nobody joins any more; wait until every worker has left the job, asking the host now and then. */
static void
wait_for_workers(gh_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->open = false;
	pthread_mutex_unlock(&pool->lock);
	watch(pool, is_idle, 0);
	pthread_mutex_lock(&pool->lock);
	while (pool->busy > 0)
	{
		struct timespec until;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += POLL_NANOSECONDS;
		if (until.tv_nsec >= 1000000000)
		{
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&pool->idle, &pool->lock, &until);
		if (pool->busy == 0)
			break;
		pthread_mutex_unlock(&pool->lock);
		(void) gh_should_stop(pool->ctx);
		if (pool->stage != NULL)
			gh_tick(pool->ctx, pool->stage, 0, 0);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
}

/* Hand a job to the workers, take part in it, and wait for them. */
static gh_status
run_on_pool(gh_pool *pool, const char *stage, size_t n_tasks, gh_task task, void *arg)
{
	pthread_mutex_lock(&pool->lock);
	pool->task = task;
	pool->arg = arg;
	pool->n_tasks = n_tasks;
	pool->stage = stage;
	pool->n_active = pool->ctx->most_threads > 0 ? pool->ctx->most_threads : GH_MAX_THREADS;
	atomic_store(&pool->next, 0);
	pool->open = true;
	pool->job++;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);

	take_tasks(pool);
	wait_for_workers(pool);

	if (pool->ctx->status != GH_OK)
		return pool->ctx->status;
	GH_CHECK_STOP(pool->ctx);
	return GH_OK;
}

static void
begin_stage(gh_ctx *ctx, const char *stage, size_t done, size_t total, size_t unit)
{
	ctx->stage = stage;
	ctx->stage_total = total;
	ctx->stage_unit = unit;
	atomic_store(&ctx->stage_done, done);
}

/* The progress of a stage begins at `done`; a finished task adds `unit` to it. */
static gh_status
run_stage(gh_ctx *ctx, const char *stage, size_t done, size_t total, size_t unit, size_t n_tasks, gh_task task,
		  void *arg)
{
	bool		outermost = !in_task && gh_thread_worker == 0;
	gh_pool    *pool = outermost && ctx->host.threads > 1 && n_tasks > 1 ? get_pool(ctx) : NULL;
	gh_status	status;

	/* what is done inside a task or a part of a stage is not reported by itself */
	if (!outermost || ctx->stage != NULL)
		stage = NULL;
	if (stage != NULL)
		begin_stage(ctx, stage, done, total, unit);
	if (pool != NULL && pool->n_threads > 0)
		status = run_on_pool(pool, stage, n_tasks, task, arg);
	else
		status = run_serially(ctx, stage, n_tasks, task, arg);
	if (stage != NULL)
		ctx->stage = NULL;
	return status;
}

gh_status
gh_parallel_stage(gh_ctx *ctx, const char *stage, size_t n_tasks, gh_task task, void *arg)
{
	return run_stage(ctx, stage, 0, n_tasks, 1, n_tasks, task, arg);
}

gh_status
gh_parallel_part(gh_ctx *ctx, const char *stage, size_t done, size_t total, size_t n_tasks, gh_task task, void *arg)
{
	return run_stage(ctx, stage, done, total, 0, n_tasks, task, arg);
}

gh_status
gh_serial_part(gh_ctx *ctx, const char *stage, size_t done, size_t total, size_t n_tasks, gh_task task, void *arg)
{
	gh_status	status = GH_OK;

	begin_stage(ctx, stage, done, total, 0);
	for (size_t i = 0; i < n_tasks && status == GH_OK; i++)
		status = gh_should_stop(ctx) ? gh_canceled(ctx) : task(ctx, arg, i, 0);
	ctx->stage = NULL;
	return status;
}

void
gh_stage_add(gh_ctx *ctx, size_t work)
{
	if (ctx->stage == NULL)
		return;
	atomic_fetch_add(&ctx->stage_done, work);
	gh_tick(ctx, ctx->stage, 0, 0);
}

gh_status
gh_parallel(gh_ctx *ctx, size_t n_tasks, gh_task task, void *arg)
{
	return gh_parallel_stage(ctx, NULL, n_tasks, task, arg);
}
