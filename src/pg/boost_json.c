/*
 * boost_json.c
 *		Models from and to XGBoost: boost_import, boost_export.
 */
#include "gh_pg_model.h"

#include "learn/gh_xgboost.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(genre_hier_boost_export);
PG_FUNCTION_INFO_V1(genre_hier_boost_import);
PG_FUNCTION_INFO_V1(genre_hier_boost_import_bytes);

Datum
genre_hier_boost_export(PG_FUNCTION_ARGS)
{
	gh_parsed  *parsed = gh_function_model(fcinfo, 0, GH_MODEL_BOOST);
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	char	   *utf8;
	size_t		length;
	text	   *result;

	gh_pg_check(ctx, gh_xgboost_write(ctx, &parsed->boost, &utf8, &length));
	if (length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("boost_export: the model is too large for a value of type json"),
				 errdetail("It would have %zu bytes; the limit is %zu.", length, (Size) (MaxAllocSize - VARHDRSZ))));
	result = cstring_to_text(gh_pg_from_utf8(utf8));
	gh_pg_close(ctx);
	PG_RETURN_TEXT_P(result);
}

static bytea *
import(const void *bytes, size_t n, bool best_iteration)
{
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	gh_boost_model model;
	uint8_t    *written;
	size_t		length;
	bytea	   *result;

	gh_pg_check(ctx, gh_xgboost_read(ctx, bytes, n, best_iteration, &model));
	gh_pg_check(ctx, gh_boost_model_write(ctx, &model, &written, &length));
	result = gh_bytes_bytea(ctx, written, length);
	gh_pg_close(ctx);
	return result;
}

/* Of json or text: in the server's encoding. */
Datum
genre_hier_boost_import(PG_FUNCTION_ARGS)
{
	char	   *json = gh_pg_to_utf8(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	PG_RETURN_BYTEA_P(import(json, strlen(json), PG_GETARG_BOOL(1)));
}

/* Of the bytes of a file. */
Datum
genre_hier_boost_import_bytes(PG_FUNCTION_ARGS)
{
	bytea	   *file = PG_GETARG_BYTEA_PP(0);

	PG_RETURN_BYTEA_P(import(VARDATA_ANY(file), VARSIZE_ANY_EXHDR(file), PG_GETARG_BOOL(1)));
}
