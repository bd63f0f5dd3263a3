/*
 * options.c
 *		Arguments, encodings, results: the small change of every glue file.
 */
#include "gh_pg.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* ---- encodings -------------------------------------------------------- */

char *
gh_pg_to_utf8(const char *server_string)
{
	int			length = (int) strlen(server_string);
	char	   *utf8 = (char *) pg_do_encoding_conversion((unsigned char *) server_string, length,
													  GetDatabaseEncoding(), PG_UTF8);

	/* an SQL_ASCII server converts nothing and may hold any bytes */
	if (utf8 == server_string)
	{
		pg_verify_mbstr(PG_UTF8, utf8, length, false);
		utf8 = pstrdup(utf8);
	}
	return utf8;
}

char *
gh_pg_from_utf8(const char *utf8_string)
{
	char	   *converted = pg_any_to_server(utf8_string, (int) strlen(utf8_string), PG_UTF8);

	return converted == utf8_string ? pstrdup(converted) : converted;
}

/* ---- arguments -------------------------------------------------------- */

/* Argument n of the call; of the current row in a window. */
static Datum
fetch(const gh_args *args, int n, bool *is_null)
{
	if (args->window != NULL)
		return WinGetFuncArgCurrent(args->window, n, is_null);
	*is_null = args->fcinfo->nargs <= n || args->fcinfo->args[n].isnull;
	return *is_null ? (Datum) 0 : args->fcinfo->args[n].value;
}

static Datum
fetch_not_null(const gh_args *args, int n, const char *name)
{
	bool		is_null;
	Datum		value = fetch(args, n, &is_null);

	if (is_null)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s: %s must not be NULL", args->what, name),
				n == 0 ? errhint("Give a value.") : errhint("Leave %s out for its default, or give a value.", name));
	return value;
}

bool
gh_arg_is_null(const gh_args *args, int n)
{
	bool		is_null;

	(void) fetch(args, n, &is_null);
	return is_null;
}

int32
gh_arg_int(const gh_args *args, int n, const char *name)
{
	return DatumGetInt32(fetch_not_null(args, n, name));
}

int64
gh_arg_bigint(const gh_args *args, int n, const char *name)
{
	return DatumGetInt64(fetch_not_null(args, n, name));
}

double
gh_arg_float(const gh_args *args, int n, const char *name)
{
	return DatumGetFloat8(fetch_not_null(args, n, name));
}

bool
gh_arg_bool(const gh_args *args, int n, const char *name)
{
	return DatumGetBool(fetch_not_null(args, n, name));
}

char *
gh_arg_text(const gh_args *args, int n, const char *name)
{
	return TextDatumGetCString(fetch_not_null(args, n, name));
}

/* One option in every row of the partition against the first row's. */
static void
check_constant(const gh_args *args, int n, const char *name, Oid type, MemoryContext scratch)
{
	int64		rows = WinGetPartitionRowCount(args->window);
	int16		length;
	bool		by_value,
				first_null,
				is_null,
				is_out;
	Datum		first,
				value;

	get_typlenbyval(type, &length, &by_value);
	first = WinGetFuncArgInPartition(args->window, n, 0, WINDOW_SEEK_HEAD, false, &first_null, &is_out);
	if (!first_null)
		first = datumCopy(first, by_value, length);
	for (int64 row = 1; row < rows; row++)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		value = WinGetFuncArgInPartition(args->window, n, (int) row, WINDOW_SEEK_HEAD, false, &is_null, &is_out);
		if (is_null != first_null || (!is_null && !datum_image_eq(first, value, by_value, length)))
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s: %s must be the same in every row of the window partition", args->what, name),
					errdetail("Row " INT64_FORMAT " of the partition differs from the first.", row + 1),
					errhint("Give a constant, or partition the window by what %s depends on.", name));
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
}

void
gh_args_check_constant(const gh_args *args, const char *const *names, int n_names)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "genre_hier options", ALLOCSET_SMALL_SIZES);
	Oid		   *types;
	int			n_types;

	(void) get_func_signature(args->fcinfo->flinfo->fn_oid, &types, &n_types);
	for (int i = 0; i < n_names; i++)
	{
		int			n = i + 1;

		/* literals and parameters cannot change from row to row */
		if (n < n_types && !get_fn_expr_arg_stable(args->fcinfo->flinfo, n))
			check_constant(args, n, names[i], types[n], scratch);
	}
	MemoryContextDelete(scratch);
}

/* ---- results ---------------------------------------------------------- */

Tuplestorestate *
gh_pg_materialize(FunctionCallInfo fcinfo, TupleDesc *tupdesc)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Tuplestorestate *store;
	TupleDesc	described;
	MemoryContext old;

	if (rsinfo == NULL || !IsA(rsinfo, ReturnSetInfo) || (rsinfo->allowedModes & SFRM_Materialize) == 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("set-returning function called in a context that cannot accept a set"));
	if (get_call_result_type(fcinfo, NULL, &described) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	old = MemoryContextSwitchTo(rsinfo->econtext->ecxt_per_query_memory);
	described = BlessTupleDesc(CreateTupleDescCopy(described));
	store = tuplestore_begin_heap((rsinfo->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	rsinfo->returnMode = SFRM_Materialize;
	rsinfo->setResult = store;
	rsinfo->setDesc = described;
	MemoryContextSwitchTo(old);

	*tupdesc = described;
	return store;
}

const char *
gh_pg_schema(FunctionCallInfo fcinfo)
{
	char	   *name = get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid));

	if (name == NULL)
		elog(ERROR, "schema of function %u not found", fcinfo->flinfo->fn_oid);
	return quote_identifier(name);
}

ArrayType *
gh_pg_float_array(const double *values, int n)
{
	ArrayType  *array;
	Size		bytes;

	if (n == 0)
		return construct_empty_array(FLOAT8OID);
	bytes = ARR_OVERHEAD_NONULLS(1) + (Size) n * sizeof(float8);
	array = palloc0(bytes);
	SET_VARSIZE(array, bytes);
	array->ndim = 1;
	array->dataoffset = 0;
	array->elemtype = FLOAT8OID;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	memcpy((char *) array + ARR_OVERHEAD_NONULLS(1), values, (Size) n * sizeof(float8));
	return array;
}

MemoryContext
gh_pg_aggregate_context(FunctionCallInfo fcinfo, const char *aggregate)
{
	MemoryContext context;

	if (AggCheckCallContext(fcinfo, &context) == 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("function can only be called as part of the aggregate %s", aggregate));
	return context;
}
