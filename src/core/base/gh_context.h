/*
 * gh_context.h
 *		What a host lends to the core: memory, cancellation, progress, threads.
 *
 * Every core function that can fail takes a gh_ctx and returns a gh_status.
 * The core never longjmps and never prints: when a call fails, the message,
 * the detail and the hint stand in the context and the host reports them.
 *
 * Memory comes from malloc, so that worker threads may allocate too; every
 * block is counted against the budget and linked to its context.  A host that
 * leaves in a hurry (PostgreSQL's ERROR) frees all of it with gh_ctx_close().
 */
#ifndef GH_CONTEXT_H
#define GH_CONTEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum gh_status
{
	GH_OK = 0,
	GH_EINVAL,					/* a parameter is out of its range */
	GH_EDATA,					/* the rows cannot be used as they are */
	GH_ELIMIT,					/* estimated need above the memory budget or a size cap */
	GH_ENOMEM,					/* the operating system gave no memory */
	GH_ECORRUPT,				/* model bytes that are damaged or foreign */
	GH_ECANCELED,				/* the host asked to stop */
	GH_ELIBRARY,				/* BLAS or LAPACK missing, or a routine of theirs failed */
	GH_EINTERNAL				/* a broken invariant: a bug of ours */
} gh_status;

/* Return at once when a call fails. */
#define GH_TRY(call) \
	do { \
		gh_status	gh_try_status = (call); \
		if (gh_try_status != GH_OK) \
			return gh_try_status; \
	} while (0)

/* Jump to a clean-up label when a call fails; needs a variable `status`. */
#define GH_GOTO(label, call) \
	do { \
		status = (call); \
		if (status != GH_OK) \
			goto label; \
	} while (0)

#define GH_MESSAGE_SIZE 512

/* One step of long work, as the host's progress callback sees it. */
typedef struct gh_progress
{
	const char *stage;			/* "umap: layout" */
	uint64_t	done;			/* units done, <= total */
	uint64_t	total;			/* 0 when unknown */
	bool		note;			/* a finding worth a line, not a tick */
	const char *text;			/* the finding, or NULL */
} gh_progress;

/* What the host supplies.  All callbacks run in the host's own thread. */
typedef struct gh_host
{
	void	   *arg;
	bool		(*should_stop) (void *arg); /* true: cancel was asked for */
	void		(*progress) (void *arg, const gh_progress *progress);
	int			threads;		/* most threads to use, the host's included */
	size_t		memory_limit;	/* bytes; SIZE_MAX: unlimited */
	const char *memory_setting; /* name of the setting behind it, for messages */
} gh_host;

typedef struct gh_ctx gh_ctx;

/* NULL when there is no memory.  `host` may be NULL: no callbacks, 1 thread, no limit. */
extern gh_ctx *gh_ctx_open(const gh_host *host);

/* Joins the threads, frees every block still allocated, and the context. NULL is fine. */
extern void gh_ctx_close(gh_ctx *ctx);

extern gh_status gh_ctx_status(const gh_ctx *ctx);
extern const char *gh_ctx_message(const gh_ctx *ctx);	/* never NULL */
extern const char *gh_ctx_detail(const gh_ctx *ctx);	/* NULL when empty */
extern const char *gh_ctx_hint(const gh_ctx *ctx);		/* NULL when empty */
extern int	gh_ctx_threads(const gh_ctx *ctx);

/*
 * Record a failure and return the status that stands.  The first failure
 * stays, so the cause is reported and not its echo.  Callable from worker threads.
 * Messages: lower case, no full stop.  Detail and hint: sentences.
 */
extern gh_status gh_fail(gh_ctx *ctx, gh_status status, const char *format,...)
			__attribute__((format(printf, 3, 4)));
/* Add detail / hint to the failure just recorded; both return its status. */
extern gh_status gh_fail_detail(gh_ctx *ctx, const char *format,...)
			__attribute__((format(printf, 2, 3)));
extern gh_status gh_fail_hint(gh_ctx *ctx, const char *format,...)
			__attribute__((format(printf, 2, 3)));

/* ---- memory ---------------------------------------------------------- */

/*
 * count * size bytes, 64-byte aligned; NULL after recording GH_ENOMEM or
 * GH_ELIMIT (overflow and budget are checked here).  count 0 gives a valid
 * pointer.  Thread-safe.
 */
extern void *gh_alloc(gh_ctx *ctx, size_t count, size_t size);
extern void *gh_alloc_zero(gh_ctx *ctx, size_t count, size_t size);
/* Keeps the first min(old, new) bytes; on failure the old block stays valid. */
extern void *gh_realloc(gh_ctx *ctx, void *block, size_t count, size_t size);
extern void gh_free(gh_ctx *ctx, void *block);	/* NULL is fine */

#define GH_NEW(ctx, n, type) ((type *) gh_alloc((ctx), (n), sizeof(type)))
#define GH_NEW_ZERO(ctx, n, type) ((type *) gh_alloc_zero((ctx), (n), sizeof(type)))

extern size_t gh_memory_used(const gh_ctx *ctx);
extern size_t gh_memory_peak(const gh_ctx *ctx);

/*
 * To be called before long work: fails with GH_ELIMIT, naming both numbers
 * and the setting, when `bytes` more would not fit the budget.
 */
extern gh_status gh_memory_check(gh_ctx *ctx, size_t bytes, const char *what);
/* The failure itself; otherwise: what else would help (NULL: to work on fewer rows). */
extern gh_status gh_memory_refuse(gh_ctx *ctx, size_t bytes, const char *what, const char *otherwise);
/* The same question without a failure, for work that can do with less. */
extern bool gh_memory_fits(const gh_ctx *ctx, size_t bytes);

/* a*b and a+b in size_t; true on overflow. */
static inline bool
gh_mul_overflow(size_t a, size_t b, size_t *out)
{
	return __builtin_mul_overflow(a, b, out);
}
static inline bool
gh_add_overflow(size_t a, size_t b, size_t *out)
{
	return __builtin_add_overflow(a, b, out);
}

/* Tests only: the k-th allocation from now fails (0: never), once or for ever. */
extern void gh_ctx_fail_allocation(gh_ctx *ctx, uint64_t k, bool forever);

/* ---- cancellation and progress ---------------------------------------- */

/*
 * True when work must stop.  In the host's thread it polls the host; in a
 * worker it reads a flag.  Cheap (tens of nanoseconds): call it at least every
 * 10 ms of work in every loop.  After true, unwind and return gh_canceled().
 */
extern bool gh_should_stop(gh_ctx *ctx);
extern gh_status gh_canceled(gh_ctx *ctx);

/* Return GH_ECANCELED from the calling function when work must stop. */
#define GH_CHECK_STOP(ctx) \
	do { \
		if (gh_should_stop(ctx)) \
			return gh_canceled(ctx); \
	} while (0)

/* No-ops in worker threads; `stage` must be a literal. */
extern void gh_tick(gh_ctx *ctx, const char *stage, uint64_t done, uint64_t total);
extern void gh_note(gh_ctx *ctx, const char *stage, const char *format,...)
			__attribute__((format(printf, 3, 4)));

#endif							/* GH_CONTEXT_H */
