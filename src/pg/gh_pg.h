/*
 * gh_pg.h
 *		What the glue files share: contexts, errors, settings, rows of a query.
 *
 * A glue function opens a context, calls the core, and hands every status to
 * gh_pg_check(), the one place that turns it into an ereport.
 */
#ifndef GH_PG_H
#define GH_PG_H

#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "windowapi.h"

#include "pg_compat.h"

#include "base/gh_context.h"

/* ---- context.c -------------------------------------------------------- */

/*
 * A core context whose cancellation, progress (NOTICE every
 * genre_hier.progress_interval, ps title), threads and memory budget
 * (maintenance_work_mem) come from the server.  It is closed when `owner` is
 * reset or deleted, so an ERROR leaks nothing; gh_pg_close() closes it sooner.
 */
extern gh_ctx *gh_pg_open(MemoryContext owner);
/*
 * For per-row functions on the parsed form of a model of so many bytes: no
 * threads, no progress, budget work_mem * hash_mem_multiplier, but at least what that
 * needs, because a model that was trained and stored must predict.
 */
extern gh_ctx *gh_pg_open_model(MemoryContext owner, size_t bytes);
extern void gh_pg_close(gh_ctx *ctx);

/* Returns when status is GH_OK; else joins the threads and raises the error. */
extern void gh_pg_check(gh_ctx *ctx, gh_status status);

/* ---- settings.c ------------------------------------------------------- */

extern int	gh_setting_threads;
extern int	gh_setting_max_threads;
extern int	gh_setting_progress_interval;	/* seconds */
extern void gh_settings_define(void);
extern int	gh_setting_threads_now(void);	/* the one place that decides */

/* ---- rows.c ----------------------------------------------------------- */

typedef enum gh_column_type
{
	GH_COLUMN_ANY_AS_TEXT,		/* any type, by its output function: values[] is a text Datum */
	GH_COLUMN_FLOATS,			/* float4[] | float8[] | numeric[]: values[] is a float8[] ArrayType Datum */
	GH_COLUMN_INT,				/* int2 | int4 | int8: values[] is int8 */
	GH_COLUMN_FLOAT,			/* any number: values[] is float8 */
	GH_COLUMN_BOOL,
	GH_COLUMN_TEXT,				/* text | varchar | name */
	GH_COLUMN_TEXTS				/* text[] | varchar[] | name[]: values[] is a text[] Datum */
} gh_column_type;

typedef struct gh_column
{
	const char *name;
	gh_column_type type;
	bool		optional;		/* may be missing from the query: then found is false and values are NULL */
	bool		nullable;		/* may be NULL in a row; otherwise an error names row and column */
	bool		found;			/* out */
} gh_column;

/* values/nulls in the order of the columns; called in a context reset after every row. */
typedef void (*gh_row_callback) (void *arg, uint64 row, const Datum *values, const bool *nulls);

/*
 * Runs `query` with the caller's rights (SPI, read only when the function that
 * calls is STABLE), finds the columns by name before any row is read (42703 /
 * 42804 with the expected columns in the hint) and calls back row by row from
 * a cursor.  `what` names the function for messages.  The first column is
 * taken to name the row in messages when it is GH_COLUMN_ANY_AS_TEXT.
 * Returns the number of rows.  Allocations in `caller` context survive.
 */
extern uint64 gh_pg_query(const char *what, const char *query, bool read_only, gh_column *columns, int n_columns,
						  gh_row_callback callback, void *arg);

/* ---- points.c --------------------------------------------------------- */

/* Points of a query: id and features (or another float column), sorted by id bytes. */
typedef struct gh_points
{
	size_t		n;
	int			d;				/* 0 when there are no rows */
	char	  **id;				/* n, palloc'd in the caller's context; NULL for a window's partition */
	double	   *values;			/* n x d row-major, huge palloc */
} gh_points;

/* Points being collected one by one; everything lives in `context`. */
typedef struct gh_collector
{
	const char *what;			/* the function, for messages */
	const char *column;			/* what the array is called in messages */
	MemoryContext context;
	gh_points	points;
	size_t		capacity;
	size_t		bytes;			/* of ids and values, held to maintenance_work_mem */
} gh_collector;

/* Checks and copies one point; `id` may be NULL: messages then name the row's number.  Errors as gh_pg_points. */
extern void gh_pg_collect(gh_collector *collector, ArrayType *array, const char *id);

/*
 * Reads id and `column`; sorts by id (bytewise), 23505 for a duplicate id, 22000 for
 * NULL or non-finite values, 2202E for arrays of different length or shape, each
 * naming the id.  54000 when the rows themselves outgrow maintenance_work_mem.
 */
extern void gh_pg_points(const char *what, const char *query, const char *column, bool read_only, gh_points *points);

/*
 * The points of a window's partition (argument 0 of every row) in a canonical
 * order: by coordinates, then by row.  rows[i] is the row of point i.  Errors
 * as gh_pg_points, naming the row.
 */
extern void gh_pg_window_points(const char *what, WindowObject window, gh_points *points, uint32 **rows);

/* Copies of points and labels (palloc'd) in the canonical order: by coordinates, then label. */
extern void gh_pg_canonical(const gh_points *points, const int32 *labels, double **values_out, int32 **labels_out);

/* Elements of a float8[]/float4[] Datum without NULLs as doubles; error 22000/2202E otherwise. palloc'd. */
extern double *gh_pg_doubles(const char *what, ArrayType *array, int *n);

/* A one-dimensional float8[] without NULLs, palloc'd. */
extern ArrayType *gh_pg_float_array(const double *values, int n);

/* ---- options.c -------------------------------------------------------- */

/* palloc'd C string of a text argument / UTF-8 conversions between server encoding and models */
extern char *gh_pg_to_utf8(const char *server_string);
extern char *gh_pg_from_utf8(const char *utf8_string);

/*
 * The arguments of a call, the same for the plain and for the window form of a
 * function.  A NULL where none is allowed: 22004 naming the argument.
 */
typedef struct gh_args
{
	const char *what;			/* the function, for messages */
	FunctionCallInfo fcinfo;
	WindowObject window;		/* NULL: a plain function */
} gh_args;

extern bool gh_arg_is_null(const gh_args *args, int n);
extern int32 gh_arg_int(const gh_args *args, int n, const char *name);
extern int64 gh_arg_bigint(const gh_args *args, int n, const char *name);
extern double gh_arg_float(const gh_args *args, int n, const char *name);
extern bool gh_arg_bool(const gh_args *args, int n, const char *name);
extern char *gh_arg_text(const gh_args *args, int n, const char *name);

/*
 * Options of a window function (arguments from 1 on) must be the same in every
 * row of the partition: 22023 otherwise.  names[i] is the name of argument i + 1.
 */
extern void gh_args_check_constant(const gh_args *args, const char *const *names, int n_names);

/*
 * Materialised set-returning function: prepares rsinfo and returns the
 * tuplestore; rows are added with tuplestore_putvalues.
 */
extern Tuplestorestate *gh_pg_materialize(FunctionCallInfo fcinfo, TupleDesc *tupdesc);

/* Where an aggregate's state lives; 0A000 when the function is not called by that aggregate. */
extern MemoryContext gh_pg_aggregate_context(FunctionCallInfo fcinfo, const char *aggregate);

/* Name of the schema of the running function: where the extension's table is, quoted. */
extern const char *gh_pg_schema(FunctionCallInfo fcinfo);

#endif							/* GH_PG_H */
