/*
 * context.c
 *		The context: failures, memory budget, cancellation, progress.
 */
#include "context_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define BLOCK_ALIGNMENT 64
/* A context that had so much at its peak leaves the allocator something to give back to the system. */
#define TRIM_FROM ((size_t) 1 << 22)
/*
 * Blocks from this size on have pages of their own: given back, they do not stay with the
 * allocator, which otherwise holds a block a thread more than the context lends out.
 */
#define PAGES_FROM ((size_t) 1 << 20)

_Static_assert(sizeof(gh_block) <= BLOCK_ALIGNMENT, "the block header must fit its alignment");

_Thread_local int gh_thread_worker = 0;

static void
give_back(gh_block *block)
{
	if (block->size >= PAGES_FROM)
		gh_pages_give(block, block->size + BLOCK_ALIGNMENT);
	else
		free(block);
}

gh_ctx *
gh_ctx_open(const gh_host *host)
{
	gh_ctx	   *ctx = calloc(1, sizeof(gh_ctx));

	if (ctx == NULL)
		return NULL;
	if (host != NULL)
		ctx->host = *host;
	else
		ctx->host.memory_limit = SIZE_MAX;
	if (ctx->host.threads < 1)
		ctx->host.threads = 1;
	if (ctx->host.threads > GH_MAX_THREADS)
		ctx->host.threads = GH_MAX_THREADS;
	if (ctx->host.memory_setting == NULL)
		ctx->host.memory_setting = "the memory limit";
	ctx->blocks.next = ctx->blocks.previous = &ctx->blocks;
	if (pthread_mutex_init(&ctx->lock, NULL) != 0)
	{
		free(ctx);
		return NULL;
	}
	return ctx;
}

void
gh_ctx_close(gh_ctx *ctx)
{
	gh_block   *block,
			   *next;

	if (ctx == NULL)
		return;
	gh_threads_join(ctx);
	for (block = ctx->blocks.next; block != &ctx->blocks; block = next)
	{
		next = block->next;
		give_back(block);
	}
#ifdef __GLIBC__
	/* or a server process keeps what one long call needed until it ends */
	if (ctx->memory_peak >= TRIM_FROM)
		(void) malloc_trim(0);
#endif
	pthread_mutex_destroy(&ctx->lock);
	free(ctx);
}

gh_status
gh_ctx_status(const gh_ctx *ctx)
{
	gh_status	status;

	pthread_mutex_lock(&((gh_ctx *) ctx)->lock);
	status = ctx->status;
	pthread_mutex_unlock(&((gh_ctx *) ctx)->lock);
	return status;
}

const char *
gh_ctx_message(const gh_ctx *ctx)
{
	return ctx->message;
}

const char *
gh_ctx_detail(const gh_ctx *ctx)
{
	return ctx->detail[0] != '\0' ? ctx->detail : NULL;
}

const char *
gh_ctx_hint(const gh_ctx *ctx)
{
	return ctx->hint[0] != '\0' ? ctx->hint : NULL;
}

int
gh_ctx_threads(const gh_ctx *ctx)
{
	return ctx->host.threads;
}

/* ---- failures --------------------------------------------------------- */

gh_status
gh_fail(gh_ctx *ctx, gh_status status, const char *format,...)
{
	va_list		args;

	pthread_mutex_lock(&ctx->lock);
	if (ctx->status == GH_OK)
	{
		ctx->status = status;
		ctx->failed_worker = gh_thread_worker;
		va_start(args, format);
		vsnprintf(ctx->message, sizeof(ctx->message), format, args);
		va_end(args);
	}
	status = ctx->status;
	pthread_mutex_unlock(&ctx->lock);
	return status;
}

/* Detail and hint belong to the failure that stands: only its own thread may add them. */
static gh_status add_text(gh_ctx *ctx, char *text, size_t size, const char *format, va_list args)
			__attribute__((format(printf, 4, 0)));

static gh_status
add_text(gh_ctx *ctx, char *text, size_t size, const char *format, va_list args)
{
	gh_status	status;

	pthread_mutex_lock(&ctx->lock);
	status = ctx->status;
	if (ctx->failed_worker == gh_thread_worker && text[0] == '\0')
		vsnprintf(text, size, format, args);
	pthread_mutex_unlock(&ctx->lock);
	return status;
}

gh_status
gh_fail_detail(gh_ctx *ctx, const char *format,...)
{
	va_list		args;
	gh_status	status;

	va_start(args, format);
	status = add_text(ctx, ctx->detail, sizeof(ctx->detail), format, args);
	va_end(args);
	return status;
}

gh_status
gh_fail_hint(gh_ctx *ctx, const char *format,...)
{
	va_list		args;
	gh_status	status;

	va_start(args, format);
	status = add_text(ctx, ctx->hint, sizeof(ctx->hint), format, args);
	va_end(args);
	return status;
}

/* ---- memory ----------------------------------------------------------- */

static double
megabytes(size_t bytes)
{
	return (double) bytes / (1024.0 * 1024.0);
}

gh_status
gh_memory_refuse(gh_ctx *ctx, size_t bytes, const char *what, const char *otherwise)
{
	size_t		used = gh_memory_used(ctx);

	/* the number to set, so what is in use is part of it */
	gh_fail(ctx, GH_ELIMIT, "%s needs about %.1f MB of memory, more than %s allows (%.1f MB)", what,
			megabytes(bytes) + megabytes(used), ctx->host.memory_setting, megabytes(ctx->host.memory_limit));
	gh_fail_detail(ctx, "%.1f MB of them are in use by this call already.", megabytes(used));
	return gh_fail_hint(ctx, "Raise %s, or %s.", ctx->host.memory_setting,
						otherwise != NULL ? otherwise : "work on fewer rows");
}

bool
gh_memory_fits(const gh_ctx *ctx, size_t bytes)
{
	size_t		used = gh_memory_used(ctx);

	return used <= ctx->host.memory_limit && bytes <= ctx->host.memory_limit - used;
}

gh_status
gh_memory_check(gh_ctx *ctx, size_t bytes, const char *what)
{
	if (!gh_memory_fits(ctx, bytes))
		return gh_memory_refuse(ctx, bytes, what, NULL);
	return GH_OK;
}

size_t
gh_memory_used(const gh_ctx *ctx)
{
	size_t		used;

	pthread_mutex_lock(&((gh_ctx *) ctx)->lock);
	used = ctx->memory_used;
	pthread_mutex_unlock(&((gh_ctx *) ctx)->lock);
	return used;
}

size_t
gh_memory_peak(const gh_ctx *ctx)
{
	return ctx->memory_peak;
}

void
gh_ctx_fail_allocation(gh_ctx *ctx, uint64_t k, bool forever)
{
	ctx->fail_at = k;
	ctx->fail_forever = forever;
}

/* True when this allocation is the one a test wants to fail. Lock held. */
static bool
injected_failure(gh_ctx *ctx)
{
	if (ctx->fail_at == 0)
		return false;
	if (ctx->fail_at > 1)
	{
		ctx->fail_at--;
		return false;
	}
	if (!ctx->fail_forever)
		ctx->fail_at = 0;
	return true;
}

/* Charge the budget and get the memory; GH_OK, GH_ELIMIT or GH_ENOMEM. */
static gh_status
take(gh_ctx *ctx, size_t size, gh_block **out)
{
	gh_status	status = GH_OK;
	size_t		total,
				rounded;
	void	   *memory = NULL;

	if (gh_add_overflow(size, BLOCK_ALIGNMENT * 2 - 1, &total))
		return GH_ELIMIT;
	rounded = total - total % BLOCK_ALIGNMENT;
	pthread_mutex_lock(&ctx->lock);
	if (injected_failure(ctx))
		status = GH_ENOMEM;
	else if (size > ctx->host.memory_limit - ctx->memory_used)
		status = GH_ELIMIT;
	else
	{
		/* charged before the lock is let go, so threads cannot overdraw together */
		ctx->memory_used += size;
		if (ctx->memory_used > ctx->memory_peak)
			ctx->memory_peak = ctx->memory_used;
	}
	pthread_mutex_unlock(&ctx->lock);
	if (status != GH_OK)
		return status;

	if (size >= PAGES_FROM)
		memory = gh_pages_take(size + BLOCK_ALIGNMENT);
	else if (posix_memalign(&memory, BLOCK_ALIGNMENT, rounded) != 0)
		memory = NULL;
	if (memory == NULL)
	{
		pthread_mutex_lock(&ctx->lock);
		ctx->memory_used -= size;
		pthread_mutex_unlock(&ctx->lock);
		return GH_ENOMEM;
	}
	*out = memory;
	(*out)->size = size;
	pthread_mutex_lock(&ctx->lock);
	(*out)->next = ctx->blocks.next;
	(*out)->previous = &ctx->blocks;
	ctx->blocks.next->previous = *out;
	ctx->blocks.next = *out;
	pthread_mutex_unlock(&ctx->lock);
	return GH_OK;
}

void *
gh_alloc(gh_ctx *ctx, size_t count, size_t size)
{
	gh_block   *block = NULL;
	size_t		bytes;
	gh_status	status;

	if (gh_mul_overflow(count, size, &bytes))
	{
		gh_fail(ctx, GH_ELIMIT, "%zu items of %zu bytes are more than this machine can address", count, size);
		return NULL;
	}
	status = take(ctx, bytes, &block);
	if (status == GH_OK)
		return (char *) block + BLOCK_ALIGNMENT;
	if (status == GH_ELIMIT)
		gh_memory_refuse(ctx, bytes, "this step", NULL);
	else
	{
		gh_fail(ctx, GH_ENOMEM, "out of memory");
		gh_fail_detail(ctx, "The request was for %zu bytes; %.1f MB were in use by this call.", bytes,
					   megabytes(gh_memory_used(ctx)));
		gh_fail_hint(ctx, "Free memory on the server, or work on fewer rows.");
	}
	return NULL;
}

void *
gh_alloc_zero(gh_ctx *ctx, size_t count, size_t size)
{
	void	   *block = gh_alloc(ctx, count, size);

	if (block != NULL)
		memset(block, 0, count * size);
	return block;
}

/* A large block with another size, in place or elsewhere; NULL: it stays as it is. */
static gh_block *
resize_pages(gh_ctx *ctx, gh_block *block, size_t size)
{
	gh_block   *moved = NULL;
	size_t		old = block->size;

	pthread_mutex_lock(&ctx->lock);
	if (!injected_failure(ctx) && (size <= old || size - old <= ctx->host.memory_limit - ctx->memory_used))
		moved = gh_pages_resize(block, old + BLOCK_ALIGNMENT, size + BLOCK_ALIGNMENT);
	if (moved != NULL)
	{
		moved->size = size;
		moved->next->previous = moved->previous->next = moved;
		ctx->memory_used = ctx->memory_used - old + size;
		if (ctx->memory_used > ctx->memory_peak)
			ctx->memory_peak = ctx->memory_used;
	}
	pthread_mutex_unlock(&ctx->lock);
	return moved;
}

void *
gh_realloc(gh_ctx *ctx, void *block, size_t count, size_t size)
{
	gh_block   *header = block != NULL ? (gh_block *) ((char *) block - BLOCK_ALIGNMENT) : NULL;
	size_t		old = header != NULL ? header->size : 0,
				bytes;
	void	   *fresh;

	if (old >= PAGES_FROM && !gh_mul_overflow(count, size, &bytes) && bytes >= PAGES_FROM)
	{
		gh_block   *moved = bytes < SIZE_MAX - BLOCK_ALIGNMENT ? resize_pages(ctx, header, bytes) : NULL;

		if (moved != NULL)
			return (char *) moved + BLOCK_ALIGNMENT;
	}
	fresh = gh_alloc(ctx, count, size);
	if (fresh != NULL && block != NULL)
	{
		memcpy(fresh, block, old < count * size ? old : count * size);
		gh_free(ctx, block);
	}
	return fresh;
}

void
gh_free(gh_ctx *ctx, void *block)
{
	gh_block   *header;

	if (block == NULL)
		return;
	header = (gh_block *) ((char *) block - BLOCK_ALIGNMENT);
	pthread_mutex_lock(&ctx->lock);
	header->next->previous = header->previous;
	header->previous->next = header->next;
	ctx->memory_used -= header->size;
	pthread_mutex_unlock(&ctx->lock);
	give_back(header);
}

/* ---- cancellation and progress ---------------------------------------- */

bool
gh_should_stop(gh_ctx *ctx)
{
	if (atomic_load_explicit(&ctx->stop, memory_order_relaxed))
		return true;
	if (gh_thread_worker == 0 && ctx->host.should_stop != NULL && ctx->host.should_stop(ctx->host.arg))
	{
		atomic_store(&ctx->stop, true);
		return true;
	}
	return false;
}

gh_status
gh_canceled(gh_ctx *ctx)
{
	/* stop is set by a failing task too: then that failure already stands */
	return gh_fail(ctx, GH_ECANCELED, "canceled");
}

void
gh_tick(gh_ctx *ctx, const char *stage, uint64_t done, uint64_t total)
{
	gh_progress progress = {stage, done, total, false, NULL};

	if (gh_thread_worker != 0 || ctx->host.progress == NULL)
		return;
	/* "trees 3 of 100" of one classifier among many tells a person nothing */
	if (ctx->stage != NULL)
		progress = (gh_progress) {ctx->stage, atomic_load(&ctx->stage_done), ctx->stage_total, false, NULL};
	ctx->host.progress(ctx->host.arg, &progress);
}

void
gh_note(gh_ctx *ctx, const char *stage, const char *format,...)
{
	char		text[GH_MESSAGE_SIZE];
	gh_progress progress = {stage, 0, 0, true, text};
	va_list		args;

	if (gh_thread_worker != 0 || ctx->host.progress == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ctx->host.progress(ctx->host.arg, &progress);
}
