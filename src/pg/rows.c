/*
 * rows.c
 *		The one place that reads the rows of a query.
 *
 * The query is prepared, its columns are found by name and their types
 * checked, and only then it runs, with the caller's rights; its rows are
 * handed over one by one, never collected here.
 */
#include "gh_pg.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "tcop/cmdtag.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"

/* Names of a query's columns shown in a message. */
#define SHOWN_COLUMNS 20

/* Where a column of ours is in the query and how to convert it. */
typedef struct source
{
	int			attribute;		/* 1.., 0: not there */
	Oid			type;			/* below domains */
	Oid			element;		/* of an array type, else InvalidOid */
	FmgrInfo	output;			/* of the type, or of the element for texts */
	bool		varlena;
} source;

typedef struct reader
{
	DestReceiver receiver;		/* first: the executor knows only this */
	const char *what;
	const gh_column *columns;
	int			n_columns;
	source	   *sources;
	Datum	   *values;
	bool	   *nulls;
	uint64		row;
	const char *id;				/* of the row at hand, NULL when it has none */
	MemoryContext scratch;		/* reset after every row */
	gh_row_callback callback;
	void	   *arg;
} reader;

/* ---- columns ---------------------------------------------------------- */

static const char *
type_wanted(gh_column_type type)
{
	switch (type)
	{
		case GH_COLUMN_ANY_AS_TEXT:
			return "any type";
		case GH_COLUMN_FLOATS:
			return "float4[], float8[] or numeric[]";
		case GH_COLUMN_INT:
			return "smallint, integer or bigint";
		case GH_COLUMN_FLOAT:
			return "a number";
		case GH_COLUMN_BOOL:
			return "boolean";
		case GH_COLUMN_TEXT:
			return "text";
		case GH_COLUMN_TEXTS:
			return "text[]";
	}
	return "";
}

static bool
is_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == FLOAT4OID || type == FLOAT8OID ||
		type == NUMERICOID;
}

static bool
is_string(Oid type)
{
	char		category;
	bool		preferred;

	get_type_category_preferred(type, &category, &preferred);
	return category == TYPCATEGORY_STRING;
}

static bool
type_fits(gh_column_type wanted, Oid type, Oid element)
{
	switch (wanted)
	{
		case GH_COLUMN_ANY_AS_TEXT:
			return true;
		case GH_COLUMN_FLOATS:
			return OidIsValid(element) && is_number(element);
		case GH_COLUMN_INT:
			return type == INT2OID || type == INT4OID || type == INT8OID;
		case GH_COLUMN_FLOAT:
			return is_number(type);
		case GH_COLUMN_BOOL:
			return type == BOOLOID;
		case GH_COLUMN_TEXT:
			return is_string(type);
		case GH_COLUMN_TEXTS:
			return OidIsValid(element) && is_string(element);
	}
	return false;
}

/* "id (any type), features (...) and, optionally, weight (a number)" */
static char *
columns_wanted(const gh_column *columns, int n)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < n; i++)
		appendStringInfo(&list, "%s%s%s (%s)", i > 0 ? ", " : "", columns[i].optional ? "optionally " : "",
						 columns[i].name, type_wanted(columns[i].type));
	return list.data;
}

static char *
columns_returned(TupleDesc described)
{
	StringInfoData list;
	int			shown = Min(described->natts, SHOWN_COLUMNS);

	initStringInfo(&list);
	for (int i = 0; i < shown; i++)
		appendStringInfo(&list, "%s\"%s\"", i > 0 ? ", " : "", NameStr(TupleDescAttr(described, i)->attname));
	if (described->natts > shown)
		appendStringInfo(&list, " and %d more", described->natts - shown);
	return list.data;
}

/* Number of the attribute called `name`, 0 when there is none. */
static int
find_attribute(const reader *r, TupleDesc described, const char *name)
{
	int			found = 0;

	for (int i = 0; i < described->natts; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(described, i)->attname), name) != 0)
			continue;
		if (found != 0)
			ereport(ERROR, errcode(ERRCODE_AMBIGUOUS_COLUMN),
					errmsg("%s: the query has more than one column \"%s\"", r->what, name),
					errhint("Rename all but one of them with AS."));
		found = i + 1;
	}
	return found;
}

static void
find_column(const reader *r, TupleDesc described, gh_column *column, source *from)
{
	Form_pg_attribute attribute;
	Oid			output;

	from->attribute = find_attribute(r, described, column->name);
	column->found = from->attribute != 0;
	if (!column->found)
	{
		if (column->optional)
			return;
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
				errmsg("%s: the query has no column \"%s\"", r->what, column->name),
				errdetail("The query returns: %s.", columns_returned(described)),
				errhint("Name the columns, with AS where needed: %s.", columns_wanted(r->columns, r->n_columns)));
	}
	attribute = TupleDescAttr(described, from->attribute - 1);
	from->type = getBaseType(attribute->atttypid);
	from->element = get_element_type(from->type);
	if (OidIsValid(from->element))
		from->element = getBaseType(from->element);
	if (!type_fits(column->type, from->type, from->element))
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("%s: column \"%s\" of the query has type %s, not %s", r->what, column->name,
					   format_type_be(attribute->atttypid), type_wanted(column->type)),
				errhint("Cast it in the query. Wanted: %s.", columns_wanted(r->columns, r->n_columns)));
	getTypeOutputInfo(column->type == GH_COLUMN_TEXTS ? from->element : from->type, &output, &from->varlena);
	fmgr_info(output, &from->output);
}

/* ---- values ----------------------------------------------------------- */

static float8
number_as_float(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return (float8) DatumGetInt64(value);
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case NUMERICOID:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8, value));
		default:
			return DatumGetFloat8(value);
	}
}

static int64
number_as_int(Oid type, Datum value)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetInt64(value);
	}
}

/* The same shape and NULLs with other elements. */
static Datum
rebuild_array(const source *from, Datum value, bool as_text)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	Oid			to = as_text ? TEXTOID : FLOAT8OID;
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	int16		length;
	bool		by_value;
	char		align;

	if (ARR_ELEMTYPE(array) == to)
		return PointerGetDatum(array);
	get_typlenbyvalalign(ARR_ELEMTYPE(array), &length, &by_value, &align);
	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, align, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			continue;
		if (as_text)
			elements[i] = CStringGetTextDatum(OutputFunctionCall((FmgrInfo *) &from->output, elements[i]));
		else
			elements[i] = Float8GetDatum(number_as_float(from->element, elements[i]));
	}
	get_typlenbyvalalign(to, &length, &by_value, &align);
	return PointerGetDatum(construct_md_array(elements, nulls, ARR_NDIM(array), ARR_DIMS(array), ARR_LBOUND(array),
											  to, length, by_value, align));
}

static Datum
convert(gh_column_type type, source *from, Datum value)
{
	switch (type)
	{
		case GH_COLUMN_ANY_AS_TEXT:
		case GH_COLUMN_TEXT:
			if (from->type == TEXTOID)
				return PointerGetDatum(PG_DETOAST_DATUM(value));
			return CStringGetTextDatum(OutputFunctionCall(&from->output, value));
		case GH_COLUMN_FLOATS:
			return rebuild_array(from, value, false);
		case GH_COLUMN_TEXTS:
			return rebuild_array(from, value, true);
		case GH_COLUMN_INT:
			return Int64GetDatum(number_as_int(from->type, value));
		case GH_COLUMN_FLOAT:
			return Float8GetDatum(number_as_float(from->type, value));
		case GH_COLUMN_BOOL:
			break;
	}
	return value;
}

static void
null_error(const reader *r, const gh_column *column)
{
	ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
			errmsg("%s: column \"%s\" is NULL in row " UINT64_FORMAT, r->what, column->name, r->row + 1),
			r->id != NULL ? errdetail("The row's %s is \"%s\".", r->columns[0].name, r->id) : 0,
			errhint("Leave such rows out: add WHERE %s IS NOT NULL to the query.", quote_identifier(column->name)));
}

/* ---- the receiver ----------------------------------------------------- */

static void
row_context(void *arg)
{
	reader	   *r = arg;

	if (r->id != NULL)
		errcontext("%s, row " UINT64_FORMAT " of its query (%s \"%s\")", r->what, r->row + 1, r->columns[0].name, r->id);
	else
		errcontext("%s, row " UINT64_FORMAT " of its query", r->what, r->row + 1);
}

static void
read_row(reader *r, TupleTableSlot *slot)
{
	for (int i = 0; i < r->n_columns; i++)
	{
		source	   *from = &r->sources[i];
		const gh_column *column = &r->columns[i];

		r->values[i] = (Datum) 0;
		r->nulls[i] = true;
		if (from->attribute == 0)
			continue;
		r->values[i] = slot_getattr(slot, from->attribute, &r->nulls[i]);
		if (r->nulls[i])
		{
			if (!column->nullable)
				null_error(r, column);
			continue;
		}
		r->values[i] = convert(column->type, from, r->values[i]);
		if (i == 0 && column->type == GH_COLUMN_ANY_AS_TEXT)
			r->id = TextDatumGetCString(r->values[i]);
	}
}

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	reader	   *r = (reader *) self;
	MemoryContext old = MemoryContextSwitchTo(r->scratch);
	ErrorContextCallback context;

	context.callback = row_context;
	context.arg = r;
	context.previous = error_context_stack;
	error_context_stack = &context;
	r->id = NULL;
	read_row(r, slot);
	r->callback(r->arg, r->row, r->values, r->nulls);
	r->id = NULL;
	error_context_stack = context.previous;

	r->row++;
	MemoryContextSwitchTo(old);
	MemoryContextReset(r->scratch);
	CHECK_FOR_INTERRUPTS();
	return true;
}

static void
receive_startup(DestReceiver *self, int operation, TupleDesc described)
{
	(void) self;
	(void) operation;
	(void) described;
}

static void
receive_nothing(DestReceiver *self)
{
	(void) self;
}

/* ---- the query -------------------------------------------------------- */

/* The one SELECT that `query` must be. */
static CachedPlanSource *
only_select(const char *what, SPIPlanPtr plan)
{
	List	   *sources = SPI_plan_get_plan_sources(plan);
	CachedPlanSource *first;

	if (sources == NIL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s: the query is empty", what),
				errhint("Give the text of a SELECT."));
	if (list_length(sources) > 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s: the query holds %d statements, not one", what, list_length(sources)),
				errhint("Give the text of one SELECT; WITH joins several steps in one."));
	first = linitial(sources);
	if (first->commandTag != CMDTAG_SELECT || first->resultDesc == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s: the query must be a SELECT, not %s", what,
					   first->commandTag == CMDTAG_SELECT ? "SELECT INTO" : GetCommandTagName(first->commandTag)),
				errhint("Give the text of a SELECT, VALUES or TABLE command."));
	return first;
}

static void
reader_init(reader *r, TupleDesc described, gh_column *columns)
{
	r->receiver.receiveSlot = receive;
	r->receiver.rStartup = receive_startup;
	r->receiver.rShutdown = receive_nothing;
	r->receiver.rDestroy = receive_nothing;
	r->receiver.mydest = DestNone;
	r->sources = palloc0(sizeof(source) * r->n_columns);
	r->values = palloc(sizeof(Datum) * r->n_columns);
	r->nulls = palloc(sizeof(bool) * r->n_columns);
	r->scratch = AllocSetContextCreate(CurrentMemoryContext, "genre_hier row", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < r->n_columns; i++)
		find_column(r, described, &columns[i], &r->sources[i]);
}

uint64
gh_pg_query(const char *what, const char *query, bool read_only, gh_column *columns, int n_columns,
			gh_row_callback callback, void *arg)
{
	reader		r;
	SPIPlanPtr	plan;
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare_cursor(query, 0, NULL, CURSOR_OPT_PARALLEL_OK);
	if (plan == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s: the query cannot be prepared: %s", what, SPI_result_code_string(SPI_result)),
				errhint("Give the text of a SELECT."));

	memset(&r, 0, sizeof(r));
	r.what = what;
	r.columns = columns;
	r.n_columns = n_columns;
	r.callback = callback;
	r.arg = arg;
	reader_init(&r, only_select(what, plan)->resultDesc, columns);

	result = gh_compat_execute_select(plan, read_only, &r.receiver);
	if (result < 0)
		elog(ERROR, "%s: the query failed: %s", what, SPI_result_code_string(result));
	SPI_finish();
	return r.row;
}
