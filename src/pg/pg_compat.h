/*
 * pg_compat.h
 *		The only home of differences between PostgreSQL versions (13 and later).
 */
#ifndef PG_COMPAT_H
#define PG_COMPAT_H

#include "postgres.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"

#if PG_VERSION_NUM < 130000
#error "genre_hier needs PostgreSQL 13 or later"
#endif

/* 16 split the varlena macros out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 18 shows name and version of a module in pg_get_loaded_modules(). */
#ifdef PG_MODULE_MAGIC_EXT
#define GH_PG_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "genre_hier")
#else
#define GH_PG_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 15 reserves a prefix; before, unknown settings under it only warn. */
#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
#endif

/*
 * Requests that CHECK_FOR_INTERRUPTS() would serve: since 14
 * pg_log_backend_memory_contexts() and client_connection_check_interval, since 17
 * transaction_timeout.
 */
#if PG_VERSION_NUM >= 140000
#define GH_PG_LOG_MEMORY_PENDING LogMemoryContextPending
#define GH_PG_CHECK_CLIENT_PENDING CheckClientConnectionPending

/* libpq/libpq.h wants the headers of every library that the server was built with. */
extern bool pq_check_connection(void);

static inline void
gh_pg_log_memory(void)
{
	if (LogMemoryContextPending)
		ProcessLogMemoryContextInterrupt();
}

static inline void
gh_pg_check_client(void)
{
	if (!CheckClientConnectionPending)
		return;
	CheckClientConnectionPending = false;
	if (client_connection_check_interval <= 0)
		return;
	if (pq_check_connection())
		enable_timeout_after(CLIENT_CONNECTION_CHECK_TIMEOUT, client_connection_check_interval);
	else
	{
		ClientConnectionLost = true;
		InterruptPending = true;
	}
}
#else
#define GH_PG_LOG_MEMORY_PENDING false
#define GH_PG_CHECK_CLIENT_PENDING false
#define gh_pg_log_memory() ((void) 0)
#define gh_pg_check_client() ((void) 0)
#endif

#if PG_VERSION_NUM >= 170000
#define GH_PG_TRANSACTION_TIMED_OUT TransactionTimeoutPending
#else
#define GH_PG_TRANSACTION_TIMED_OUT false
#endif

/*
 * Runs a prepared SELECT and hands every row to `dest`: since 14 straight from
 * the executor, in a parallel plan where the server likes one; before, in
 * batches from a cursor.  Returns an SPI result code.
 */
static inline int
gh_compat_execute_select(SPIPlanPtr plan, bool read_only, DestReceiver *dest)
{
#if PG_VERSION_NUM >= 140000
	SPIExecuteOptions options;

	memset(&options, 0, sizeof(options));
	options.read_only = read_only;
	options.must_return_tuples = true;
	options.dest = dest;
	return SPI_execute_plan_extended(plan, &options);
#else
	Portal		portal = SPI_cursor_open(NULL, plan, NULL, NULL, read_only);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(portal->tupDesc, &TTSOpsHeapTuple);
	uint64		n;

	dest->rStartup(dest, CMD_SELECT, portal->tupDesc);
	do
	{
		SPI_cursor_fetch(portal, true, 1000);
		n = SPI_processed;
		for (uint64 i = 0; i < n; i++)
		{
			ExecStoreHeapTuple(SPI_tuptable->vals[i], slot, false);
			dest->receiveSlot(slot, dest);
		}
		SPI_freetuptable(SPI_tuptable);
	} while (n > 0);
	dest->rShutdown(dest);
	ExecDropSingleTupleTableSlot(slot);
	SPI_cursor_close(portal);
	return SPI_OK_SELECT;
#endif
}

#endif							/* PG_COMPAT_H */
