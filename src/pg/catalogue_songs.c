/*
 * catalogue_songs.c
 *		predict_genres and shap_values of a song by its id.
 *
 * The registry says in which table a model's songs are and which columns are
 * its features.  Model, statements and types are kept for the rest of the
 * query; the tables are read in the caller's snapshot, with its rights.
 */
#include "gh_pg_catalogue.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(genre_hier_predict_song_text);
PG_FUNCTION_INFO_V1(genre_hier_predict_song_bigint);
PG_FUNCTION_INFO_V1(genre_hier_shap_song_text);
PG_FUNCTION_INFO_V1(genre_hier_shap_song_bigint);

/* What a function keeps from call to call. */
typedef struct song_state
{
	gh_cache	cache;
	char	   *registry;
	SPIPlanPtr	newest;			/* of a model */
	SPIPlanPtr	song;			/* of the table and features below */
	char	   *songs;
	Oid			id_type;		/* of its column song_id */
	gh_table	table;
	MemoryContextCallback on_reset;
} song_state;

static void
free_plans(void *arg)
{
	song_state *state = arg;

	if (state->newest != NULL)
		SPI_freeplan(state->newest);
	if (state->song != NULL)
		SPI_freeplan(state->song);
	state->newest = state->song = NULL;
}

static song_state *
get_state(FunctionCallInfo fcinfo)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;
	song_state *state = flinfo->fn_extra;
	MemoryContext old;

	if (state != NULL)
		return state;
	old = MemoryContextSwitchTo(flinfo->fn_mcxt);
	state = palloc0(sizeof(song_state));
	state->registry = gh_registry(fcinfo, ACL_SELECT);
	state->on_reset.func = free_plans;
	state->on_reset.arg = state;
	MemoryContextRegisterResetCallback(flinfo->fn_mcxt, &state->on_reset);
	MemoryContextSwitchTo(old);
	flinfo->fn_extra = state;
	return state;
}

/* ---- the song's row ---------------------------------------------------- */

/* SELECT of all features of the song $1; with an artist's context half of them are means. */
static char *
song_query(const song_state *state, const char *schema, const gh_parsed *parsed, const gh_registered *newest)
{
	int			n = newest->artist_context ? parsed->n_features / 2 : parsed->n_features;
	char	  **feature = palloc(n * sizeof(char *));
	StringInfoData sql;
	gh_table	links;

	initStringInfo(&sql);
	for (int i = 0; i < n; i++)
	{
		feature[i] = gh_pg_from_utf8(parsed->feature[i]);
		appendStringInfo(&sql, "%s%s", i > 0 ? ", " : "SELECT ", gh_table_number(&state->table, "s", feature[i]));
	}
	for (int i = n; i < parsed->n_features; i++)
		appendStringInfo(&sql, ", m.features[%d]", i - n + 1);
	appendStringInfo(&sql, " FROM %s AS s", state->table.name);
	if (newest->artist_context)
	{
		gh_table_find("song_artists", newest->song_artists, GH_LINKS_COLUMNS, &links);
		appendStringInfoString(&sql, gh_context_lateral(schema, &state->table, &links, feature, n));
	}
	appendStringInfoString(&sql, " WHERE s.song_id OPERATOR(pg_catalog.=) $1 LIMIT 2");
	return sql.data;
}

static void
prepare_song(song_state *state, MemoryContext lasting, const char *schema, const gh_parsed *parsed,
			 const gh_registered *newest)
{
	const char *songs = newest->songs;
	char	   *sql;
	MemoryContext old;

	if (state->song != NULL)
		SPI_freeplan(state->song);
	state->song = NULL;
	if (!OidIsValid(gh_table_look_up(songs)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("table %s of the model's songs does not exist", songs),
				 errdetail("The model was trained on it, and the song's features are looked up there."),
				 errhint("Give the features themselves, as in predict_genres(model, features), "
						 "or train a version on another table.")));
	old = MemoryContextSwitchTo(lasting);
	gh_table_find("songs", songs, GH_SONGS_COLUMNS, &state->table);
	state->songs = pstrdup(songs);
	MemoryContextSwitchTo(old);
	(void) gh_table_id(&state->table, "s", "song_id");
	state->id_type = gh_table_column(&state->table, "song_id");
	sql = song_query(state, schema, parsed, newest);
	state->song = SPI_prepare(sql, 1, &state->id_type);
	if (state->song == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(state->song);
}

static void
unknown_song(const song_state *state, const char *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("song \"%s\" does not exist", id),
			 errdetail("It was looked for in %s, where the model's songs are.", state->table.name),
			 errhint("Songs there are: SELECT song_id FROM %s.", state->table.name)));
}

/* Digits with a sign and spaces around them: what every integer type's input takes. */
static bool
is_integer_text(const char *id)
{
	id += strspn(id, " \t\n\r\f\v");
	id += *id == '-' || *id == '+' ? 1 : 0;
	if (strspn(id, "0123456789") == 0)
		return false;
	id += strspn(id, "0123456789");
	return id[strspn(id, " \t\n\r\f\v")] == '\0';
}

/* The id as a value of the column's type. */
static Datum
id_value(const song_state *state, const char *id)
{
	Oid			input,
				parameter;
	bool		is_integer = state->id_type == INT2OID || state->id_type == INT4OID || state->id_type == INT8OID;

	if (is_integer && !is_integer_text(id))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("song_id \"%s\" is not a number", id),
				 errdetail("Column song_id of %s has type %s.", state->table.name, format_type_be(state->id_type)),
				 errhint("Songs there are: SELECT song_id FROM %s.", state->table.name)));
	/* digits beyond the type's range name no song */
	if (is_integer)
	{
		int64		limit = state->id_type == INT2OID ? PG_INT16_MAX :
			state->id_type == INT4OID ? PG_INT32_MAX : PG_INT64_MAX;
		Datum		number = DirectFunctionCall3(numeric_in, CStringGetDatum(id), ObjectIdGetDatum(InvalidOid),
												 Int32GetDatum(-1));
		Datum		high = DirectFunctionCall1(int8_numeric, Int64GetDatum(limit)),
					low = DirectFunctionCall1(int8_numeric, Int64GetDatum(-limit - 1));

		if (DatumGetBool(DirectFunctionCall2(numeric_gt, number, high)) ||
			DatumGetBool(DirectFunctionCall2(numeric_lt, number, low)))
			unknown_song(state, id);
	}
	getTypeInputInfo(state->id_type, &input, &parameter);
	return OidInputFunctionCall(input, (char *) id, parameter, -1);
}

/* Features of the song into parsed->x; what is missing follows the trees' default directions. */
static void
read_song(song_state *state, gh_parsed *parsed, const char *what, const char *id)
{
	Datum		value = id_value(state, id);

	if (SPI_execute_plan(state->song, &value, NULL, true, 2) != SPI_OK_SELECT)
		elog(ERROR, "reading %s failed", state->table.name);
	if (SPI_processed == 0)
		unknown_song(state, id);
	if (SPI_processed > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("song \"%s\" is there more than once in %s", id, state->table.name),
				 errhint("Give %s a primary key on song_id.", state->table.name)));
	for (int i = 0; i < parsed->n_features; i++)
	{
		bool		null;
		Datum		feature = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i + 1, &null);

		gh_parsed_value(parsed, what, i, null ? NAN : DatumGetFloat8(feature));
	}
}

gh_parsed *
gh_catalogue_song(FunctionCallInfo fcinfo, const char *what, const char *id, const char *model)
{
	song_state *state = get_state(fcinfo);
	MemoryContext lasting = fcinfo->flinfo->fn_mcxt;
	gh_registered newest;
	uint64		before = state->cache.generation;
	gh_parsed  *parsed;

	gh_registry_newest(state->registry, model, true, &state->newest, &newest);
	parsed = gh_cache_get(&state->cache, lasting, newest.model, GH_MODEL_HIERARCHY);
	if (state->cache.generation != before || state->song == NULL || strcmp(state->songs, newest.songs) != 0)
		prepare_song(state, lasting, gh_pg_schema(fcinfo), parsed, &newest);
	read_song(state, parsed, what, id);
	return parsed;
}

/* ---- functions --------------------------------------------------------- */

static Datum
predict_song(FunctionCallInfo fcinfo, const char *id)
{
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	bool		all;
	int64		top_k = gh_top_k_argument(fcinfo, 2, &all);
	gh_parsed  *parsed;

	if (id == NULL || PG_ARGISNULL(1))
		return (Datum) 0;
	SPI_connect();
	parsed = gh_catalogue_song(fcinfo, "predict_genres", id, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	SPI_finish();
	gh_predict_rows(parsed, all, top_k, store, tupdesc);
	return (Datum) 0;
}

static Datum
shap_song(FunctionCallInfo fcinfo, const char *id)
{
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	gh_parsed  *parsed;

	if (id == NULL || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return (Datum) 0;
	SPI_connect();
	parsed = gh_catalogue_song(fcinfo, "shap_values", id, text_to_cstring(PG_GETARG_TEXT_PP(2)));
	SPI_finish();
	gh_shap_values_rows(parsed, text_to_cstring(PG_GETARG_TEXT_PP(1)), store, tupdesc);
	return (Datum) 0;
}

static char *
text_id(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
}

static char *
bigint_id(FunctionCallInfo fcinfo)
{
	return PG_ARGISNULL(0) ? NULL : psprintf(INT64_FORMAT, PG_GETARG_INT64(0));
}

Datum
genre_hier_predict_song_text(PG_FUNCTION_ARGS)
{
	return predict_song(fcinfo, text_id(fcinfo));
}

Datum
genre_hier_predict_song_bigint(PG_FUNCTION_ARGS)
{
	return predict_song(fcinfo, bigint_id(fcinfo));
}

Datum
genre_hier_shap_song_text(PG_FUNCTION_ARGS)
{
	return shap_song(fcinfo, text_id(fcinfo));
}

Datum
genre_hier_shap_song_bigint(PG_FUNCTION_ARGS)
{
	return shap_song(fcinfo, bigint_id(fcinfo));
}
