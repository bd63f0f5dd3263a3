/*
 * metrics.c
 *		The aggregates average_precision and coverage_error.
 */
#include "gh_pg.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/int.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"

#include "explain/gh_metrics.h"

PG_FUNCTION_INFO_V1(genre_hier_average_precision_accum);
PG_FUNCTION_INFO_V1(genre_hier_average_precision_combine);
PG_FUNCTION_INFO_V1(genre_hier_average_precision_serial);
PG_FUNCTION_INFO_V1(genre_hier_average_precision_deserial);
PG_FUNCTION_INFO_V1(genre_hier_average_precision_final);
PG_FUNCTION_INFO_V1(genre_hier_coverage_error_accum);
PG_FUNCTION_INFO_V1(genre_hier_coverage_error_combine);
PG_FUNCTION_INFO_V1(genre_hier_coverage_error_final);

/* ---- average_precision ------------------------------------------------ */

#define AVERAGE_PRECISION "average_precision"

/* Every row: the ranking needs them all.  Their order does not matter. */
typedef struct ranking
{
	size_t		n,
				capacity;
	double	   *scores;
	uint8	   *labels;
} ranking;

static ranking *
ranking_new(MemoryContext context, size_t capacity)
{
	ranking    *r = MemoryContextAllocZero(context, sizeof(ranking));

	r->capacity = Max(capacity, 64);
	r->scores = MemoryContextAllocHuge(context, r->capacity * sizeof(double));
	r->labels = MemoryContextAllocHuge(context, r->capacity);
	return r;
}

static void
ranking_reserve(ranking *r, size_t more)
{
	size_t		capacity = r->capacity;

	if (r->n + more <= capacity)
		return;
	while (capacity < r->n + more)
		capacity *= 2;
	r->scores = repalloc_huge(r->scores, capacity * sizeof(double));
	r->labels = repalloc_huge(r->labels, capacity);
	r->capacity = capacity;
}

Datum
genre_hier_average_precision_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = gh_pg_aggregate_context(fcinfo, AVERAGE_PRECISION);
	ranking    *r = PG_ARGISNULL(0) ? NULL : (ranking *) PG_GETARG_POINTER(0);
	double		score;

	if (r == NULL)
		r = ranking_new(context, 64);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(r);
	score = PG_GETARG_FLOAT8(2);
	if (isnan(score))
		ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
				errmsg(AVERAGE_PRECISION ": a score is NaN"),
				errhint("Leave such rows out with FILTER (WHERE score <> 'NaN')."));
	ranking_reserve(r, 1);
	r->scores[r->n] = score;
	r->labels[r->n] = PG_GETARG_BOOL(1);
	r->n++;
	PG_RETURN_POINTER(r);
}

Datum
genre_hier_average_precision_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = gh_pg_aggregate_context(fcinfo, AVERAGE_PRECISION);
	ranking    *a = PG_ARGISNULL(0) ? NULL : (ranking *) PG_GETARG_POINTER(0);
	ranking    *b = PG_ARGISNULL(1) ? NULL : (ranking *) PG_GETARG_POINTER(1);

	/* the second state dies with its row, so it is copied even when it is the first one here */
	if (a == NULL)
		a = ranking_new(context, b != NULL ? b->n : 0);
	if (b != NULL)
	{
		ranking_reserve(a, b->n);
		memcpy(a->scores + a->n, b->scores, b->n * sizeof(double));
		memcpy(a->labels + a->n, b->labels, b->n);
		a->n += b->n;
	}
	PG_RETURN_POINTER(a);
}

Datum
genre_hier_average_precision_serial(PG_FUNCTION_ARGS)
{
	ranking    *r = (ranking *) PG_GETARG_POINTER(0);
	StringInfoData bytes;

	(void) gh_pg_aggregate_context(fcinfo, AVERAGE_PRECISION);
	if (r->n > MaxAllocSize / (sizeof(double) + 1) - 64)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg(AVERAGE_PRECISION ": %zu rows are more than a parallel plan can pass on", r->n),
				errhint("SET max_parallel_workers_per_gather = 0 for this query."));
	pq_begintypsend(&bytes);
	pq_sendint64(&bytes, (int64) r->n);
	pq_sendbytes(&bytes, (const char *) r->labels, (int) r->n);
	for (size_t i = 0; i < r->n; i++)
		pq_sendfloat8(&bytes, r->scores[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&bytes));
}

Datum
genre_hier_average_precision_deserial(PG_FUNCTION_ARGS)
{
	bytea	   *state = PG_GETARG_BYTEA_PP(0);
	StringInfoData bytes;
	ranking    *r;
	int64		n;

	(void) gh_pg_aggregate_context(fcinfo, AVERAGE_PRECISION);
	initStringInfo(&bytes);
	appendBinaryStringInfo(&bytes, VARDATA_ANY(state), VARSIZE_ANY_EXHDR(state));
	n = pq_getmsgint64(&bytes);
	if (n < 0 || n > (bytes.len - bytes.cursor) / (int) (sizeof(double) + 1))
		ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				errmsg(AVERAGE_PRECISION ": damaged transition state"));
	r = ranking_new(CurrentMemoryContext, (size_t) n);
	r->n = (size_t) n;
	pq_copymsgbytes(&bytes, (char *) r->labels, (int) n);
	for (int64 i = 0; i < n; i++)
	{
		r->labels[i] = r->labels[i] != 0;
		r->scores[i] = pq_getmsgfloat8(&bytes);
	}
	pq_getmsgend(&bytes);
	pfree(bytes.data);
	PG_RETURN_POINTER(r);
}

Datum
genre_hier_average_precision_final(PG_FUNCTION_ARGS)
{
	ranking    *r = PG_ARGISNULL(0) ? NULL : (ranking *) PG_GETARG_POINTER(0);
	gh_ctx	   *ctx;
	double		value;
	bool		defined;

	(void) gh_pg_aggregate_context(fcinfo, AVERAGE_PRECISION);
	if (r == NULL || r->n == 0)
		PG_RETURN_NULL();
	ctx = gh_pg_open(CurrentMemoryContext);
	gh_pg_check(ctx, gh_average_precision(ctx, r->labels, r->scores, NULL, r->n, &value, &defined));
	gh_pg_close(ctx);
	if (!defined)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

/* ---- coverage_error --------------------------------------------------- */

#define COVERAGE_ERROR "coverage_error"

/* The state, a bigint[]: any SQL user can make one up, so it is checked like any argument. */
enum
{
	COVERAGE_ROWS,
	COVERAGE_SUM,
	COVERAGE_LABELS,			/* per row, -1 before the first */
	COVERAGE_FIELDS
};

static int64 *
coverage_state(ArrayType *array)
{
	int64	   *field = (int64 *) ARR_DATA_PTR(array);

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != COVERAGE_FIELDS || ARR_HASNULL(array) ||
		ARR_ELEMTYPE(array) != INT8OID || field[COVERAGE_ROWS] < 0 || field[COVERAGE_SUM] < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg(COVERAGE_ERROR ": the transition state is not one of its own"));
	return field;
}

static void
coverage_add(int64 *state, int64 rows, int64 sum, int64 labels)
{
	if (labels >= 0 && state[COVERAGE_LABELS] >= 0 && state[COVERAGE_LABELS] != labels)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg(COVERAGE_ERROR ": one row has " INT64_FORMAT " labels, another " INT64_FORMAT, labels,
					   state[COVERAGE_LABELS]),
				errhint("Every row must list the same labels in the same order."));
	if (pg_add_s64_overflow(state[COVERAGE_ROWS], rows, &state[COVERAGE_ROWS]) ||
		pg_add_s64_overflow(state[COVERAGE_SUM], sum, &state[COVERAGE_SUM]))
		ereport(ERROR, errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg(COVERAGE_ERROR ": too many rows"));
	if (labels >= 0)
		state[COVERAGE_LABELS] = labels;
}

/* Length of a one-dimensional array without NULLs. */
static int
coverage_length(ArrayType *array, const char *name)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg(COVERAGE_ERROR ": %s has %d dimensions, not one", name, ARR_NDIM(array)));
	if (array_contains_nulls(array))
		ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
				errmsg(COVERAGE_ERROR ": %s holds a NULL", name),
				errhint("Give every label a truth value and a score; a row is left out when the whole array is NULL."));
	return ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
}

Datum
genre_hier_coverage_error_accum(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *labels = PG_GETARG_ARRAYTYPE_P(1);
	ArrayType  *scores = PG_GETARG_ARRAYTYPE_P(2);
	int64	   *state;
	const double *values;
	int			n;

	(void) gh_pg_aggregate_context(fcinfo, COVERAGE_ERROR);
	state = coverage_state(array);
	n = coverage_length(labels, "labels");
	if (n != coverage_length(scores, "scores"))
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg(COVERAGE_ERROR ": a row has %d labels and %d scores", n, coverage_length(scores, "scores")));
	values = (const double *) ARR_DATA_PTR(scores);
	for (int i = 0; i < n; i++)
	{
		if (isnan(values[i]))
			ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
					errmsg(COVERAGE_ERROR ": score %d of a row is NaN", i + 1));
	}
	/* a bool of an array is one byte, 0 or 1, and the state changes in place, as the executor allows */
	coverage_add(state, 1, gh_coverage((const uint8_t *) ARR_DATA_PTR(labels), values, (size_t) n), n);
	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
genre_hier_coverage_error_combine(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	const int64 *other;

	(void) gh_pg_aggregate_context(fcinfo, COVERAGE_ERROR);
	other = coverage_state(PG_GETARG_ARRAYTYPE_P(1));
	coverage_add(coverage_state(array), other[COVERAGE_ROWS], other[COVERAGE_SUM], other[COVERAGE_LABELS]);
	PG_RETURN_ARRAYTYPE_P(array);
}

Datum
genre_hier_coverage_error_final(PG_FUNCTION_ARGS)
{
	const int64 *state;

	(void) gh_pg_aggregate_context(fcinfo, COVERAGE_ERROR);
	state = coverage_state(PG_GETARG_ARRAYTYPE_P(0));
	if (state[COVERAGE_ROWS] == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8((double) state[COVERAGE_SUM] / (double) state[COVERAGE_ROWS]);
}
