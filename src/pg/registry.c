/*
 * registry.c
 *		The table of trained models: who may, what is newest, what comes next.
 *
 * Everything runs as the caller: privileges on the table are all there is.
 */
#include "gh_pg_model.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(genre_hier_model_metrics);
PG_FUNCTION_INFO_V1(genre_hier_rename_supergenre);
PG_FUNCTION_INFO_V1(genre_hier_drop_model);

#define REGISTRY "genre_models"
#define MAX_MODEL_NAME 1000		/* bytes: it is part of a primary key */

/* ---- the table --------------------------------------------------------- */

static const char *
privilege_names(AclMode mode)
{
	if (mode & ACL_INSERT)
		return "SELECT, INSERT";
	if (mode & ACL_DELETE)
		return "SELECT, DELETE";
	return "SELECT";
}

char *
gh_registry(FunctionCallInfo fcinfo, AclMode needed)
{
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	Oid			relid = get_relname_relid(REGISTRY, schema);
	char	   *name = quote_qualified_identifier(get_namespace_name(schema), REGISTRY);

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s of the extension genre_hier does not exist", name)));
	/* a standby and a read-only transaction could not store what hours of training found */
	if (needed & (ACL_INSERT | ACL_DELETE))
		PreventCommandIfReadOnly(psprintf("%s()", get_func_name(fcinfo->flinfo->fn_oid)));
	if (pg_class_aclmask(relid, GetUserId(), needed, ACLMASK_ALL) != needed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", name),
				 errdetail("It holds the trained models."),
				 errhint("Its owner can allow it: GRANT %s ON %s TO %s.", privilege_names(needed), name,
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	return name;
}

void
gh_registry_check_name(const char *model)
{
	if (model[0] == '\0' || strlen(model) > MAX_MODEL_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of the model is %s", model[0] == '\0' ? "empty" : "too long"),
				 errdetail("It may have 1 to %d bytes.", MAX_MODEL_NAME)));
}

void
gh_registry_unknown(const char *registry, const char *model)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("model \"%s\" does not exist", model),
			 errhint("Models there are: SELECT name, version, created_at FROM %s. train_hierarchy makes one.", registry)));
	pg_unreachable();
}

/* ---- reading ----------------------------------------------------------- */

void
gh_registry_newest(const char *registry, const char *model, bool read_only, SPIPlanPtr *plan, gh_registered *out)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(model);
	HeapTuple	tuple;
	TupleDesc	tupdesc;
	bool		null;

	if (*plan == NULL)
	{
		*plan = SPI_prepare(psprintf("SELECT version, songs, features, model,"
									 " COALESCE(params OPERATOR(pg_catalog.->>) 'context' OPERATOR(pg_catalog.=) 'artist', false),"
									 " params OPERATOR(pg_catalog.->>) 'song_artists' FROM %s"
									 " WHERE name OPERATOR(pg_catalog.=) $1 ORDER BY version DESC LIMIT 1", registry),
							1, &type);
		if (*plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		SPI_keepplan(*plan);
	}
	if (SPI_execute_plan(*plan, &value, NULL, read_only, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading %s failed", registry);
	if (SPI_processed == 0)
		gh_registry_unknown(registry, model);
	tuple = SPI_tuptable->vals[0];
	tupdesc = SPI_tuptable->tupdesc;
	out->version = DatumGetInt32(SPI_getbinval(tuple, tupdesc, 1, &null));
	out->songs = SPI_getvalue(tuple, tupdesc, 2);
	out->features = SPI_getbinval(tuple, tupdesc, 3, &null);
	out->model = SPI_getbinval(tuple, tupdesc, 4, &null);
	out->artist_context = DatumGetBool(SPI_getbinval(tuple, tupdesc, 5, &null));
	out->song_artists = SPI_getvalue(tuple, tupdesc, 6);
}

/* Of the newest version; a row of NULLs when it has no metrics, no row when there is no such model. */
static const char metrics_query[] =
"SELECT m.classifier, m.node, m.supergenre, m.average_precision, m.coverage_error, m.positives"
" FROM (SELECT metrics FROM %s WHERE name OPERATOR(pg_catalog.=) $1 ORDER BY version DESC LIMIT 1) AS v"
" LEFT JOIN LATERAL pg_catalog.jsonb_to_recordset(v.metrics OPERATOR(pg_catalog.->) 'nodes')"
" AS m (classifier pg_catalog.text, node pg_catalog.text, supergenre pg_catalog.text,"
" average_precision pg_catalog.float8, coverage_error pg_catalog.float8, positives pg_catalog.int8) ON true";

Datum
genre_hier_model_metrics(PG_FUNCTION_ARGS)
{
	gh_args		args = {"model_metrics", fcinfo, NULL};
	char	   *model = gh_arg_text(&args, 0, "model");
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	char	   *registry = gh_registry(fcinfo, ACL_SELECT);
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(model);

	SPI_connect();
	if (SPI_execute_with_args(psprintf(metrics_query, registry), 1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading %s failed", registry);
	if (SPI_processed == 0)
		gh_registry_unknown(registry, model);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		values[6];
		bool		nulls[6];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, values, nulls);
		/* a model without validation has no rows, only the join's empty one */
		if (!nulls[0])
			tuplestore_putvalues(store, tupdesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}

/* ---- writing ----------------------------------------------------------- */

/*
 * Those who write a model of one name wait for each other, until the end of
 * their transactions, so that each sees the version of the one before.
 */
static void
lock_name(const char *registry, const char *model)
{
	Oid			types[2] = {TEXTOID, TEXTOID};
	Datum		values[2] = {CStringGetTextDatum(registry), CStringGetTextDatum(model)};

	if (SPI_execute_with_args("SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext($1), pg_catalog.hashtext($2))",
							  2, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "locking the name of a model failed");
}

int32
gh_registry_insert(const char *registry, const char *model, const char *songs, Datum features,
				   Datum params, Datum metrics, Datum bytes)
{
	Oid			types[7] = {TEXTOID, INT4OID, TEXTOID, TEXTARRAYOID, JSONBOID, JSONBOID, BYTEAOID};
	Datum		values[7] = {CStringGetTextDatum(model), (Datum) 0, CStringGetTextDatum(songs), features, params,
	metrics, bytes};
	bool		null;
	int32		version;

	SPI_connect();
	lock_name(registry, model);
	if (SPI_execute_with_args(psprintf("SELECT COALESCE(pg_catalog.max(version), 0) OPERATOR(pg_catalog.+) 1 FROM %s"
									   " WHERE name OPERATOR(pg_catalog.=) $1", registry),
							  1, types, values, NULL, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "reading %s failed", registry);
	version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null));
	values[1] = Int32GetDatum(version);
	if (SPI_execute_with_args(psprintf("INSERT INTO %s (name, version, songs, features, params, metrics, model)"
									   " VALUES ($1, $2, $3, $4, $5, $6, $7)", registry),
							  7, types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "writing %s failed", registry);
	SPI_finish();
	return version;
}

/* The one supergenre of that name. */
static uint32
find_supergenre(const gh_model *model, const char *supergenre)
{
	char	   *utf8 = gh_pg_to_utf8(supergenre);
	uint32		found = 0,
				n = 0;

	for (uint32 i = 0; i < model->n_nodes; i++)
		if (!model->node[i].is_genre && strcmp(model->node[i].name, utf8) == 0)
		{
			found = i;
			n++;
		}
	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 n == 0 ? errmsg("the model has no supergenre \"%s\"", supergenre) :
				 errmsg("the model has more than one supergenre \"%s\"", supergenre),
				 errhint("model_nodes(model) lists what it has.")));
	return found;
}

/* The bytes of a model with a supergenre renamed. */
static bytea *
renamed_model(gh_ctx *ctx, Datum bytes, const char *supergenre, const char *new_name)
{
	struct varlena *plain = PG_DETOAST_DATUM(bytes);
	gh_model	model;

	gh_pg_check(ctx, gh_model_read(ctx, VARDATA(plain), VARSIZE(plain) - VARHDRSZ, &model));
	gh_pg_check(ctx, gh_model_rename(ctx, &model, find_supergenre(&model, supergenre), gh_pg_to_utf8(new_name)));
	return gh_model_bytea(ctx, &model);
}

/*
 * params and metrics of a version, the metrics with the new name: in
 * "supergenre" of every node below it and in "node" of its own.
 */
static void
renamed_metrics(const char *registry, const char *model, int32 version, const char *supergenre, const char *new_name,
				Datum *params, Datum *metrics)
{
	Oid			types[3] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[3] = {CStringGetTextDatum(model), CStringGetTextDatum(supergenre), CStringGetTextDatum(new_name)};
	bool		null;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT params, pg_catalog.jsonb_set(metrics, '{nodes}', COALESCE((SELECT pg_catalog.jsonb_agg("
						   "e OPERATOR(pg_catalog.||)"
						   " CASE WHEN (e OPERATOR(pg_catalog.->>) 'supergenre') OPERATOR(pg_catalog.=) $2"
						   " THEN pg_catalog.jsonb_build_object('supergenre', $3) ELSE '{}' END"
						   " OPERATOR(pg_catalog.||)"
						   " CASE WHEN (e OPERATOR(pg_catalog.->>) 'node') OPERATOR(pg_catalog.=) $2"
						   " AND (e OPERATOR(pg_catalog.->>) 'is_genre') OPERATOR(pg_catalog.=) 'false'"
						   " THEN pg_catalog.jsonb_build_object('node', $3) ELSE '{}' END ORDER BY n)"
						   " FROM pg_catalog.jsonb_array_elements(metrics OPERATOR(pg_catalog.->) 'nodes')"
						   " WITH ORDINALITY AS t (e, n)), '[]'))");
	appendStringInfo(&sql, " FROM %s WHERE name OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) %d",
					 registry, version);
	if (SPI_execute_with_args(sql.data, 3, types, values, NULL, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "reading %s failed", registry);
	*params = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &null);
	*metrics = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &null);
}

Datum
genre_hier_rename_supergenre(PG_FUNCTION_ARGS)
{
	gh_args		args = {"rename_supergenre", fcinfo, NULL};
	char	   *model = gh_arg_text(&args, 0, "model"),
			   *supergenre = gh_arg_text(&args, 1, "supergenre"),
			   *new_name = gh_arg_text(&args, 2, "new_name");
	char	   *registry = gh_registry(fcinfo, ACL_SELECT | ACL_INSERT);
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	SPIPlanPtr	plan = NULL;
	gh_registered newest;
	Datum		params,
				metrics;
	bytea	   *bytes;
	int32		version;

	SPI_connect();
	lock_name(registry, model);
	gh_registry_newest(registry, model, false, &plan, &newest);
	SPI_freeplan(plan);
	bytes = renamed_model(ctx, newest.model, supergenre, new_name);
	renamed_metrics(registry, model, newest.version, supergenre, new_name, &params, &metrics);
	version = gh_registry_insert(registry, model, newest.songs, newest.features, params, metrics,
								 PointerGetDatum(bytes));
	SPI_finish();
	gh_pg_close(ctx);
	PG_RETURN_INT32(version);
}

Datum
genre_hier_drop_model(PG_FUNCTION_ARGS)
{
	gh_args		args = {"drop_model", fcinfo, NULL};
	char	   *model = gh_arg_text(&args, 0, "model");
	char	   *registry = gh_registry(fcinfo, ACL_SELECT | ACL_DELETE);
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2] = {CStringGetTextDatum(model), PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1)};
	char		nulls[2] = {' ', PG_ARGISNULL(1) ? 'n' : ' '};
	uint64		dropped;

	SPI_connect();
	if (SPI_execute_with_args(psprintf("DELETE FROM %s WHERE name OPERATOR(pg_catalog.=) $1"
									   " AND ($2 IS NULL OR version OPERATOR(pg_catalog.=) $2)", registry),
							  2, types, values, nulls, false, 0) != SPI_OK_DELETE)
		elog(ERROR, "writing %s failed", registry);
	dropped = SPI_processed;
	SPI_finish();
	if (dropped == 0 && !PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("model \"%s\" has no version %d", model, PG_GETARG_INT32(1)),
				 errhint("Models there are: SELECT name, version, created_at FROM %s.", registry)));
	if (dropped == 0)
		gh_registry_unknown(registry, model);
	PG_RETURN_INT32((int32) dropped);
}
