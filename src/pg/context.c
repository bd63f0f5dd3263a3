/*
 * context.c
 *		What the server lends to a core context, and core failures as errors.
 *
 * The core's threads may be running while a callback runs in the backend's
 * own thread, so no callback may leave by longjmp: an error raised while a
 * notice is sent is kept, stops the work, and is raised again by
 * gh_pg_check() when the threads have ended.
 */
#include "gh_pg.h"

#include <time.h>

#include "base/gh_threads.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/procsignal.h"
#include "utils/memutils.h"
#include "utils/ps_status.h"

/* The process title follows the work this often. */
#define TITLE_SECONDS 0.5
/* A stage that is younger says nothing yet about the time it will take. */
#define LEFT_SECONDS 2.0

/* One open context, in the memory of its owner. */
typedef struct host
{
	gh_ctx	   *ctx;			/* NULL once closed */
	MemoryContext owner;
	MemoryContextCallback on_reset;
	struct host *next;

	double		started,
				noticed,
				titled;
	const char *stage;			/* reported last, */
	double		stage_started;	/* and since when */
	char	   *title;			/* the title before ours, NULL while it stands */
	ErrorData  *error;			/* raised inside a callback */
} host;

static host *open_hosts = NULL;

static double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* ---- callbacks -------------------------------------------------------- */

/* Runs `show`, keeping an error for gh_pg_check(). */
static void show_safely(host *h, void (*show) (host *h, const gh_progress *progress), const gh_progress *progress);

/* What the server asks of every backend and what need not stop the work. */
static bool
is_asked(void)
{
	return ProcSignalBarrierPending || GH_PG_LOG_MEMORY_PENDING || GH_PG_CHECK_CLIENT_PENDING;
}

/*
 * DROP DATABASE and others wait until every backend has let go of its files;
 * an operator wants to know who has the memory; a client may be gone.
 */
static void
answer(host *h, const gh_progress *progress)
{
	(void) h;
	(void) progress;
	if (ProcSignalBarrierPending)
		ProcessProcSignalBarrier();
	gh_pg_log_memory();
	gh_pg_check_client();
}

/* Of cancels only flags are read: one that could not be served now must not stop the work. */
static bool
should_stop(void *arg)
{
	host	   *h = arg;

	if (InterruptPending && is_asked() && h->error == NULL)
		show_safely(h, answer, NULL);
	if (h->error != NULL)
		return true;
	return InterruptPending && INTERRUPTS_CAN_BE_PROCESSED() &&
		(QueryCancelPending || ProcDiePending || ClientConnectionLost || GH_PG_TRANSACTION_TIMED_OUT);
}

static void
send_notice(host *h, const gh_progress *progress)
{
	double		now = seconds_now(),
				elapsed = now - h->started;

	if (progress->note)
		ereport(NOTICE, errmsg("%s: %s", progress->stage, progress->text));
	else if (progress->total > 0 && progress->done > 0 && now - h->stage_started >= LEFT_SECONDS)
		ereport(NOTICE, errmsg("%s: " UINT64_FORMAT " of " UINT64_FORMAT " (%.0f %%) after %.0f s, about %.0f s left",
							   progress->stage, (uint64) progress->done, (uint64) progress->total,
							   100.0 * (double) progress->done / (double) progress->total, elapsed,
							   (now - h->stage_started) * ((double) progress->total / (double) progress->done - 1.0)));
	else if (progress->total > 0)
		ereport(NOTICE, errmsg("%s: " UINT64_FORMAT " of " UINT64_FORMAT " (%.0f %%) after %.0f s", progress->stage,
							   (uint64) progress->done, (uint64) progress->total,
							   100.0 * (double) progress->done / (double) progress->total, elapsed));
	else
		ereport(NOTICE, errmsg("%s: " UINT64_FORMAT " after %.0f s", progress->stage,
							   (uint64) progress->done, elapsed));
}

static void
set_title(host *h, const gh_progress *progress)
{
	char		title[256];
	int			length;
	const char *before = get_ps_display(&length);

	if (h->title == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(h->owner);

		h->title = pnstrdup(before, length);
		MemoryContextSwitchTo(old);
	}
	snprintf(title, sizeof(title), "%s genre_hier %s " UINT64_FORMAT "/" UINT64_FORMAT, h->title, progress->stage,
			 (uint64) progress->done, (uint64) progress->total);
	set_ps_display(title);
}

static void
show_safely(host *h, void (*show) (host *h, const gh_progress *progress), const gh_progress *progress)
{
	MemoryContext old = CurrentMemoryContext;

	/* sending a notice serves interrupts, which could end the backend here */
	HOLD_INTERRUPTS();
	PG_TRY();
	{
		show(h, progress);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(h->owner);
		h->error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	RESUME_INTERRUPTS();
}

static void
progress_callback(void *arg, const gh_progress *progress)
{
	host	   *h = arg;
	double		now = seconds_now();
	int			interval = gh_setting_progress_interval;

	/* stages are named by constants: the same one has the same address */
	if (!progress->note && h->stage != progress->stage)
	{
		h->stage = progress->stage;
		h->stage_started = now;
	}
	if (h->error == NULL && interval > 0 && (progress->note || now - h->noticed >= interval))
	{
		show_safely(h, send_notice, progress);
		if (!progress->note)
			h->noticed = now;
	}
	if (h->error == NULL && !progress->note && now - h->titled >= TITLE_SECONDS)
	{
		show_safely(h, set_title, progress);
		h->titled = now;
	}
}

/* ---- opening and closing ---------------------------------------------- */

static void
host_close(host *h)
{
	host	  **link;

	if (h->ctx == NULL)
		return;
	gh_ctx_close(h->ctx);
	h->ctx = NULL;
	if (h->title != NULL)
		set_ps_display(h->title);
	for (link = &open_hosts; *link != NULL; link = &(*link)->next)
	{
		if (*link == h)
		{
			*link = h->next;
			break;
		}
	}
}

static void
close_on_reset(void *arg)
{
	host_close(arg);
}

static host *
host_of(gh_ctx *ctx)
{
	host	   *h;

	for (h = open_hosts; h != NULL; h = h->next)
	{
		if (h->ctx == ctx)
			return h;
	}
	elog(ERROR, "context is not open");
}

static gh_ctx *
host_open(MemoryContext owner, gh_host *lent)
{
	host	   *h = MemoryContextAllocZero(owner, sizeof(host));

	h->owner = owner;
	h->started = h->noticed = h->titled = seconds_now();
	lent->arg = h;
	lent->should_stop = should_stop;
	h->ctx = gh_ctx_open(lent);
	if (h->ctx == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	h->next = open_hosts;
	open_hosts = h;
	h->on_reset.func = close_on_reset;
	h->on_reset.arg = h;
	MemoryContextRegisterResetCallback(owner, &h->on_reset);
	return h->ctx;
}

gh_ctx *
gh_pg_open(MemoryContext owner)
{
	gh_host		lent;

	memset(&lent, 0, sizeof(lent));
	lent.progress = progress_callback;
	lent.threads = gh_setting_threads_now();
	lent.memory_limit = (size_t) maintenance_work_mem * 1024;
	lent.memory_setting = "maintenance_work_mem";
	return host_open(owner, &lent);
}

gh_ctx *
gh_pg_open_model(MemoryContext owner, size_t bytes)
{
	gh_host		lent;
	double		limit = Max((double) work_mem * 1024.0 * hash_mem_multiplier, 16.0 * (double) bytes);

	memset(&lent, 0, sizeof(lent));
	lent.threads = 1;
	lent.memory_limit = (size_t) limit;
	lent.memory_setting = "work_mem";
	return host_open(owner, &lent);
}

void
gh_pg_close(gh_ctx *ctx)
{
	/* the reset callback stays registered and finds nothing left to do */
	host_close(host_of(ctx));
}

/* ---- errors ----------------------------------------------------------- */

static int
sqlstate_of(gh_status status)
{
	switch (status)
	{
		case GH_EINVAL:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case GH_EDATA:
			return ERRCODE_DATA_EXCEPTION;
		case GH_ELIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case GH_ENOMEM:
			return ERRCODE_OUT_OF_MEMORY;
		case GH_ECORRUPT:
			/* a model is a value that a user hands in: not the server's data, so not XX001 */
			return ERRCODE_INVALID_BINARY_REPRESENTATION;
		case GH_ECANCELED:
			return ERRCODE_QUERY_CANCELED;
		case GH_ELIBRARY:
			return ERRCODE_UNDEFINED_FILE;
		case GH_OK:
		case GH_EINTERNAL:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

/* Core text in the server's encoding; a text cut at the core's buffer size may end inside a character. */
static char *
core_text(const char *utf8)
{
	int			length;

	if (utf8 == NULL)
		return NULL;
	length = (int) strlen(utf8);
	length = pg_encoding_mbcliplen(PG_UTF8, utf8, length, length);
	return gh_pg_from_utf8(pnstrdup(utf8, length));
}

void
gh_pg_check(gh_ctx *ctx, gh_status status)
{
	host	   *h;
	char	   *message,
			   *detail,
			   *hint;

	if (status == GH_OK)
		return;
	gh_threads_join(ctx);
	h = host_of(ctx);
	if (h->error != NULL)
		ReThrowError(h->error);
	if (status == GH_ECANCELED)
		CHECK_FOR_INTERRUPTS();
	message = core_text(gh_ctx_message(ctx));
	detail = core_text(gh_ctx_detail(ctx));
	hint = core_text(gh_ctx_hint(ctx));
	ereport(ERROR, errcode(sqlstate_of(status)),
			errmsg_internal("%s", message),
			detail != NULL ? errdetail_internal("%s", detail) : 0,
			hint != NULL ? errhint("%s", hint) : 0);
}
