/*
 * model_cache.c
 *		Parsed models, kept from one row of a query to the next.
 *
 * A stored model reaches a function as a TOAST pointer: equal pointers are
 * equal models, and nothing is detoasted to find that out.  Other models are
 * compared byte by byte with a kept copy.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "access/detoast.h"

static bool
is_cached(const gh_parsed *parsed, struct varlena *given)
{
	if (VARATT_IS_EXTERNAL_ONDISK(given))
	{
		struct varatt_external pointer;

		VARATT_EXTERNAL_GET_POINTER(pointer, given);
		return parsed->external && memcmp(&pointer, &parsed->pointer, sizeof(pointer)) == 0;
	}
	return !parsed->external && !VARATT_IS_EXTENDED(given) && VARSIZE(given) - VARHDRSZ == parsed->length &&
		memcmp(VARDATA(given), VARDATA(parsed->copy), parsed->length) == 0;
}

static void
forget(gh_cache *cache)
{
	gh_parsed  *parsed = cache->parsed;

	cache->parsed = NULL;
	if (parsed != NULL)
		MemoryContextDelete(parsed->context);
}

static void
parse_boost(gh_parsed *parsed, const void *bytes)
{
	gh_pg_check(parsed->ctx, gh_boost_model_read(parsed->ctx, bytes, parsed->length, &parsed->boost));
	parsed->n_features = parsed->boost.n_features;
	parsed->feature = parsed->boost.feature;
}

static void
parse_hierarchy(gh_parsed *parsed, const void *bytes)
{
	gh_model   *model = &parsed->hierarchy;

	gh_pg_check(parsed->ctx, gh_model_read(parsed->ctx, bytes, parsed->length, model));
	parsed->n_features = model->n_features;
	parsed->feature = model->feature;
	parsed->conditional = palloc(model->n_nodes * sizeof(double));
	parsed->joint = palloc(model->n_nodes * sizeof(double));
}

/* A projection's features have no names of their own. */
static void
parse_umap(gh_parsed *parsed, const void *bytes)
{
	gh_pg_check(parsed->ctx, gh_umap_model_read(parsed->ctx, bytes, parsed->length, &parsed->umap));
	gh_pg_check(parsed->ctx, gh_umap_model_prepare(parsed->ctx, &parsed->umap));
	parsed->n_features = parsed->umap.d;
	parsed->feature = gh_feature_names(NULL, parsed->umap.d);
}

/* Nor have a clustering's. */
static void
parse_hdbscan(gh_parsed *parsed, const void *bytes)
{
	gh_pg_check(parsed->ctx, gh_hdbscan_model_read(parsed->ctx, bytes, parsed->length, &parsed->hdbscan));
	gh_pg_check(parsed->ctx, gh_hdbscan_model_prepare(parsed->ctx, &parsed->hdbscan));
	parsed->n_features = parsed->hdbscan.d;
	parsed->feature = gh_feature_names(NULL, parsed->hdbscan.d);
}

/* Everything a parsed model holds, in its own context (the current one). */
static void
parse(gh_parsed *parsed, struct varlena *given, int kind)
{
	gh_container container;
	struct varlena *plain = pg_detoast_datum_copy(given);

	parsed->length = VARSIZE(plain) - VARHDRSZ;
	parsed->external = VARATT_IS_EXTERNAL_ONDISK(given);
	if (parsed->external)
		VARATT_EXTERNAL_GET_POINTER(parsed->pointer, given);
	parsed->ctx = gh_pg_open_model(parsed->context, parsed->length);
	gh_pg_check(parsed->ctx, gh_container_open(parsed->ctx, VARDATA(plain), parsed->length, kind, &container));
	parsed->kind = container.kind;
	if (container.kind == GH_MODEL_BOOST)
		parse_boost(parsed, VARDATA(plain));
	else if (container.kind == GH_MODEL_UMAP)
		parse_umap(parsed, VARDATA(plain));
	else if (container.kind == GH_MODEL_HDBSCAN)
		parse_hdbscan(parsed, VARDATA(plain));
	else
		parse_hierarchy(parsed, VARDATA(plain));
	parsed->x = palloc(parsed->n_features * sizeof(float));
	parsed->given = palloc(parsed->n_features * sizeof(double));
	if (parsed->external)
		pfree(plain);
	else
		parsed->copy = plain;
}

gh_parsed *
gh_cache_get(gh_cache *cache, MemoryContext parent, Datum model, int kind)
{
	struct varlena *given = (struct varlena *) DatumGetPointer(model);
	MemoryContext context,
				old;
	gh_parsed  *parsed;

	/* short and compressed headers: an ordinary copy makes the comparison one of bytes */
	if (!VARATT_IS_EXTERNAL_ONDISK(given) && VARATT_IS_EXTENDED(given))
		given = pg_detoast_datum(given);
	if (cache->parsed != NULL && is_cached(cache->parsed, given))
		return cache->parsed;

	forget(cache);
	context = AllocSetContextCreate(parent, "genre_hier model", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	parsed = palloc0(sizeof(gh_parsed));
	parsed->context = context;
	PG_TRY();
	{
		parse(parsed, given, kind);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	cache->parsed = parsed;
	cache->generation++;
	return parsed;
}

gh_parsed *
gh_function_model(FunctionCallInfo fcinfo, int argument, int kind)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;

	if (flinfo->fn_extra == NULL)
		flinfo->fn_extra = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(gh_cache));
	return gh_cache_get(flinfo->fn_extra, flinfo->fn_mcxt, PG_GETARG_DATUM(argument), kind);
}

void
gh_parsed_value(gh_parsed *parsed, const char *what, int i, double v)
{
	float		x = (float) v;

	if (isinf(x))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s: feature \"%s\" is not a finite number", what, gh_pg_from_utf8(parsed->feature[i])),
				 errdetail("The value is %g; features are kept in single precision.", v),
				 errhint("A missing value is NULL.")));
	parsed->given[i] = v;
	parsed->x[i] = x + 0.0f;
}

void
gh_parsed_row(gh_parsed *parsed, const char *what, ArrayType *features)
{
	int			n = ArrayGetNItems(ARR_NDIM(features), ARR_DIMS(features));
	const bits8 *bitmap = ARR_NULLBITMAP(features);
	const char *data = ARR_DATA_PTR(features);

	if (ARR_NDIM(features) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s: the features have %d dimensions", what, ARR_NDIM(features)),
				 errhint("Features are a one-dimensional array.")));
	if (n != parsed->n_features)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s: %d features given, the model was trained on %d", what, n, parsed->n_features),
				 errhint("model_features(model) lists them in their order.")));
	for (int i = 0; i < n; i++)
	{
		bool		null = bitmap != NULL && (bitmap[i / 8] & (1 << (i % 8))) == 0;
		float8		v = NAN;

		if (!null)
		{
			memcpy(&v, data, sizeof(v));
			data += sizeof(v);
		}
		gh_parsed_value(parsed, what, i, v);
	}
}

Datum
gh_name_datum(const char *utf8)
{
	return CStringGetTextDatum(gh_pg_from_utf8(utf8));
}

Datum
gh_json_datum(const char *utf8)
{
	MemoryContext old = CurrentMemoryContext;
	volatile Datum json = (Datum) 0;

	PG_TRY();
	{
		json = DirectFunctionCall1(jsonb_in, CStringGetDatum(gh_pg_from_utf8(utf8)));
	}
	PG_CATCH();
	{
		int			category = ERRCODE_TO_CATEGORY(geterrcode());

		if (category != ERRCODE_TO_CATEGORY(ERRCODE_DATA_EXCEPTION))
			PG_RE_THROW();
		MemoryContextSwitchTo(old);
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("model bytes are damaged"),
				 errdetail("A description inside is not JSON."),
				 errhint("Train the model again, or restore it from a backup.")));
	}
	PG_END_TRY();
	return json;
}
