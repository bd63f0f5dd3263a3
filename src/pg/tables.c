/*
 * tables.c
 *		The user's tables: found by name, their columns checked, and put into SQL.
 *
 * Names are looked up with the caller's search path, once; the statements
 * built here qualify everything, so that nothing else on the path is called.
 */
#include "gh_pg_model.h"

#include <ctype.h>

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/lsyscache.h"

bool
gh_is_query(const char *given)
{
	static const char *const words[] = {"select", "with", "values", "table"};

	while (isspace((unsigned char) *given))
		given++;
	if (*given == '(' || (given[0] == '-' && given[1] == '-') || (given[0] == '/' && given[1] == '*'))
		return true;
	for (int i = 0; i < (int) lengthof(words); i++)
	{
		Size		length = strlen(words[i]);

		if (pg_strncasecmp(given, words[i], length) == 0 &&
			(isspace((unsigned char) given[length]) || given[length] == '(' || given[length] == '*'))
			return true;
	}
	return false;
}

Oid
gh_table_look_up(const char *name)
{
	LOCAL_FCINFO(call, 1);
	Datum		found;

	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = CStringGetTextDatum(name);
	call->args[0].isnull = false;
	found = to_regclass(call);
	return call->isnull ? InvalidOid : DatumGetObjectId(found);
}

void
gh_table_find(const char *argument, const char *name, const char *columns, gh_table *table)
{
	Oid			schema;
	char		kind;

	table->argument = argument;
	table->columns = columns;
	table->relid = gh_table_look_up(name);
	if (!OidIsValid(table->relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table \"%s\" does not exist", name),
				 errdetail("It is the argument %s.", argument),
				 errhint("Name your own with %s => 'schema.table': a table or view with the columns %s.", argument,
						 columns)));
	kind = get_rel_relkind(table->relid);
	if (kind != RELKIND_RELATION && kind != RELKIND_VIEW && kind != RELKIND_MATVIEW &&
		kind != RELKIND_FOREIGN_TABLE && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or view", name),
				 errdetail("It is the argument %s.", argument)));
	schema = get_rel_namespace(table->relid);
	table->name = quote_qualified_identifier(get_namespace_name(schema), get_rel_name(table->relid));
	table->stored = isTempNamespace(schema) ?
		quote_qualified_identifier("pg_temp", get_rel_name(table->relid)) : table->name;
}

Oid
gh_table_column(const gh_table *table, const char *column)
{
	AttrNumber	number = get_attnum(table->relid, column);

	if (number <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table %s has no column \"%s\"", table->name, column),
				 errdetail("The argument %s names a table or view with %s.", table->argument, table->columns),
				 errhint("A view can give your columns these names.")));
	return getBaseType(get_atttype(table->relid, number));
}

static void
wrong_type(const gh_table *table, const char *column, Oid type, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("column \"%s\" of table %s has type %s, not %s", column, table->name, format_type_be(type), expected),
			 errhint("A view can cast it.")));
}

char *
gh_table_number(const gh_table *table, const char *alias, const char *column)
{
	Oid			type = gh_table_column(table, column);

	if (type == BOOLOID)
		return psprintf("%s.%s::pg_catalog.int4::pg_catalog.float8", alias, quote_identifier(column));
	if (type != INT2OID && type != INT4OID && type != INT8OID && type != FLOAT4OID && type != FLOAT8OID &&
		type != NUMERICOID)
		wrong_type(table, column, type, "a number");
	return psprintf("%s.%s::pg_catalog.float8", alias, quote_identifier(column));
}

/* Families of types whose values compare with each other. */
typedef enum id_family
{
	ID_INTEGER,
	ID_STRING,
	ID_UUID
} id_family;

static id_family
id_family_of(const gh_table *table, const char *column)
{
	Oid			type = gh_table_column(table, column);

	if (type == INT2OID || type == INT4OID || type == INT8OID)
		return ID_INTEGER;
	if (type == TEXTOID || type == VARCHAROID || type == BPCHAROID)
		return ID_STRING;
	if (type != UUIDOID)
		wrong_type(table, column, type, "text or bigint");
	return ID_UUID;
}

char *
gh_table_id(const gh_table *table, const char *alias, const char *column)
{
	(void) id_family_of(table, column);
	return psprintf("(%s.%s::pg_catalog.text COLLATE pg_catalog.\"C\")", alias, quote_identifier(column));
}

char *
gh_table_texts(const gh_table *table, const char *alias, const char *column)
{
	Oid			type = gh_table_column(table, column);
	Oid			element = get_element_type(type);

	if (element != TEXTOID && element != VARCHAROID)
		wrong_type(table, column, type, "text[]");
	return psprintf("%s.%s", alias, quote_identifier(column));
}

char *
gh_table_equal(const gh_table *a, const char *alias_a, const gh_table *b, const char *alias_b, const char *column)
{
	if (id_family_of(a, column) != id_family_of(b, column))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" has different types in %s and %s", column, a->name, b->name),
				 errdetail("They are %s and %s.", format_type_be(gh_table_column(a, column)),
						   format_type_be(gh_table_column(b, column))),
				 errhint("A view can cast one of them.")));
	return psprintf("%s.%s OPERATOR(pg_catalog.=) %s.%s", alias_a, quote_identifier(column), alias_b,
					quote_identifier(column));
}

char *
gh_table_features(const gh_table *songs, const char *alias, char **feature, int n)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "ARRAY[");
	for (int i = 0; i < n; i++)
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "", gh_table_number(songs, alias, feature[i]));
	appendStringInfoString(&sql, "]");
	return sql.data;
}

/*
 * NULL, NaN and infinite values all fail to lie between the least and the
 * greatest finite number.  Wrapped in CASE, because the planner would multiply
 * the selectivities of so many conditions and plan for a single row.
 */
char *
gh_table_complete(const gh_table *songs, const char *alias, char **feature, int n)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "CASE WHEN ");
	for (int i = 0; i < n; i++)
	{
		char	   *number = gh_table_number(songs, alias, feature[i]);

		appendStringInfo(&sql, "%s%s OPERATOR(pg_catalog.>=) '-1.7976931348623157e308'::pg_catalog.float8"
						 " AND %s OPERATOR(pg_catalog.<=) '1.7976931348623157e308'::pg_catalog.float8",
						 i > 0 ? " AND " : "", number, number);
	}
	appendStringInfoString(&sql, " THEN true ELSE false END");
	return sql.data;
}
