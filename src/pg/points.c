/*
 * points.c
 *		Points for the core: from the rows of a query, or from a window's partition.
 *
 * Both end in an order that does not depend on the order of the rows: results
 * must not either.
 */
#include "gh_pg.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* ---- checks ----------------------------------------------------------- */

/* How a message calls the row: its id, or its number. */
static char *
row_name(const char *id, size_t row)
{
	if (id != NULL)
		return psprintf("in the row with id \"%s\"", id);
	return psprintf("in row %zu", row + 1);
}

static void
shape_error(const gh_collector *c, const char *id, size_t row, const char *why)
{
	ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
			errmsg("%s: %s %s %s", c->what, c->column, row_name(id, row), why),
			errhint("Every row must have a one-dimensional array of the same features in the same order."));
}

static void
value_error(const gh_collector *c, const char *id, size_t row, int element, const char *value)
{
	ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
			errmsg("%s: element %d of %s is %s %s", c->what, element + 1, c->column, value, row_name(id, row)),
			errhint("Leave such rows out of the query, or give them values."));
}

static void
check_array(const gh_collector *c, ArrayType *array, const char *id, size_t row)
{
	int			n = ARR_NDIM(array) == 1 ? ARR_DIMS(array)[0] : 0;

	if (ARR_NDIM(array) == 0)
		shape_error(c, id, row, "is an empty array");
	if (ARR_NDIM(array) > 1)
		shape_error(c, id, row, psprintf("has %d dimensions, not one", ARR_NDIM(array)));
	if (c->points.n > 0 && n != c->points.d)
		shape_error(c, id, row, psprintf("has %d elements, not %d as in the first row", n, c->points.d));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
	{
		const bits8 *bitmap = ARR_NULLBITMAP(array);
		int			element = 0;

		while (bitmap[element / 8] & (1 << element % 8))
			element++;
		value_error(c, id, row, element, "NULL");
	}
}

static void
check_values(const gh_collector *c, const double *values, int d, const char *id, size_t row)
{
	for (int i = 0; i < d; i++)
	{
		if (isnan(values[i]))
			value_error(c, id, row, i, "NaN");
		if (isinf(values[i]))
			value_error(c, id, row, i, "infinite");
	}
}

/* ---- collecting ------------------------------------------------------- */

static void
charge_bytes(gh_collector *c, size_t bytes)
{
	size_t		limit = (size_t) maintenance_work_mem * 1024;

	c->bytes += bytes;
	if (c->bytes > limit)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("%s: the rows need more memory than maintenance_work_mem allows (%.1f MB)", c->what,
					   (double) limit / (1024.0 * 1024.0)),
				errdetail("%zu rows of %d features were read so far.", c->points.n, c->points.d),
				errhint("Raise maintenance_work_mem, or work on fewer rows."));
}

/* Room for one more point; n rows are addressed by 31-bit numbers in the core. */
static void
make_room(gh_collector *c)
{
	gh_points  *points = &c->points;
	size_t		stride = (size_t) points->d * sizeof(double);
	MemoryContext old;

	if (points->n < c->capacity)
		return;
	if (c->capacity > PG_INT32_MAX / 2)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("%s: more than %d rows", c->what, PG_INT32_MAX / 2),
				errhint("Work on fewer rows."));
	charge_bytes(c, Max(c->capacity, 1024) * stride);
	old = MemoryContextSwitchTo(c->context);
	if (c->capacity == 0)
	{
		c->capacity = 1024;
		points->values = MemoryContextAllocHuge(c->context, c->capacity * stride);
		points->id = MemoryContextAllocHuge(c->context, c->capacity * sizeof(char *));
	}
	else
	{
		c->capacity *= 2;
		points->values = repalloc_huge(points->values, c->capacity * stride);
		points->id = repalloc_huge(points->id, c->capacity * sizeof(char *));
	}
	MemoryContextSwitchTo(old);
}

void
gh_pg_collect(gh_collector *c, ArrayType *array, const char *id)
{
	gh_points  *points = &c->points;
	double	   *to;

	check_array(c, array, id, points->n);
	if (points->n == 0)
		points->d = ARR_DIMS(array)[0];
	make_room(c);
	to = points->values + points->n * points->d;
	memcpy(to, ARR_DATA_PTR(array), (size_t) points->d * sizeof(double));
	check_values(c, to, points->d, id, points->n);
	if (id != NULL)
		charge_bytes(c, strlen(id) + 1 + sizeof(char *));
	points->id[points->n] = id != NULL ? MemoryContextStrdup(c->context, id) : NULL;
	points->n++;
}

static void
add_row(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	(void) row;
	(void) nulls;
	gh_pg_collect(arg, DatumGetArrayTypeP(values[1]), TextDatumGetCString(values[0]));
}

/* ---- order ------------------------------------------------------------ */

static int
compare_ids(const void *a, const void *b, void *arg)
{
	char	  **id = arg;

	/* nothing but palloc'd memory is at stake, so a cancel may leave from here */
	CHECK_FOR_INTERRUPTS();
	return strcmp(id[*(const uint32 *) a], id[*(const uint32 *) b]);
}

typedef struct by_coordinates
{
	const double *values;
	const int32 *tie;
	int			d;
} by_coordinates;

static int
compare_points(const void *a, const void *b, void *arg)
{
	const by_coordinates *by = arg;
	uint32		i = *(const uint32 *) a,
				j = *(const uint32 *) b;
	const double *x = by->values + (size_t) i * by->d,
			   *y = by->values + (size_t) j * by->d;

	CHECK_FOR_INTERRUPTS();
	for (int k = 0; k < by->d; k++)
	{
		if (x[k] != y[k])
			return x[k] < y[k] ? -1 : 1;
	}
	if (by->tie != NULL && by->tie[i] != by->tie[j])
		return by->tie[i] < by->tie[j] ? -1 : 1;
	return i < j ? -1 : i > j;
}

static uint32 *
row_numbers(size_t n)
{
	uint32	   *order = MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * sizeof(uint32));

	for (size_t i = 0; i < n; i++)
		order[i] = (uint32) i;
	return order;
}

/* Numbers of the points by coordinates, then `tie` (may be NULL), then number. */
static uint32 *
coordinate_order(const gh_points *points, const int32 *tie)
{
	by_coordinates by = {points->values, tie, points->d};
	uint32	   *order = row_numbers(points->n);

	qsort_arg(order, points->n, sizeof(uint32), compare_points, &by);
	return order;
}

/* The coordinates in `order`. */
static double *
ordered_values(const gh_points *points, const uint32 *order)
{
	size_t		stride = (size_t) points->d * sizeof(double);
	double	   *values = MemoryContextAllocHuge(CurrentMemoryContext, Max(points->n * stride, 1));

	for (size_t i = 0; i < points->n; i++)
		memcpy(values + i * points->d, points->values + (size_t) order[i] * points->d, stride);
	return values;
}

static char **
ordered_ids(const gh_points *points, const uint32 *order)
{
	char	  **id = MemoryContextAllocHuge(CurrentMemoryContext, points->n * sizeof(char *));

	for (size_t i = 0; i < points->n; i++)
		id[i] = points->id[order[i]];
	return id;
}

void
gh_pg_canonical(const gh_points *points, const int32 *labels, double **values_out, int32 **labels_out)
{
	uint32	   *order = coordinate_order(points, labels);

	*values_out = ordered_values(points, order);
	*labels_out = MemoryContextAllocHuge(CurrentMemoryContext, Max(points->n, 1) * sizeof(int32));
	for (size_t i = 0; i < points->n; i++)
		(*labels_out)[i] = labels[order[i]];
	pfree(order);
}

static void
check_ids_differ(const char *what, const gh_points *points)
{
	for (size_t i = 1; i < points->n; i++)
	{
		if (strcmp(points->id[i - 1], points->id[i]) == 0)
			ereport(ERROR, errcode(ERRCODE_UNIQUE_VIOLATION),
					errmsg("%s: more than one row has the id \"%s\"", what, points->id[i]),
					errhint("Every row needs an id of its own: use DISTINCT ON or GROUP BY in the query."));
	}
}

/* ---- for the glue ----------------------------------------------------- */

void
gh_pg_points(const char *what, const char *query, const char *column, bool read_only, gh_points *points)
{
	gh_column	columns[] = {
		{.name = "id",.type = GH_COLUMN_ANY_AS_TEXT},
		{.name = column,.type = GH_COLUMN_FLOATS}
	};
	gh_collector c = {.what = what,.column = column,.context = CurrentMemoryContext};
	uint32	   *order;

	gh_pg_query(what, query, read_only, columns, lengthof(columns), add_row, &c);
	*points = c.points;
	if (points->n == 0)
		return;
	order = row_numbers(points->n);
	qsort_arg(order, points->n, sizeof(uint32), compare_ids, points->id);
	points->values = ordered_values(&c.points, order);
	points->id = ordered_ids(&c.points, order);
	pfree(c.points.values);
	pfree(c.points.id);
	pfree(order);
	check_ids_differ(what, points);
}

void
gh_pg_window_points(const char *what, WindowObject window, gh_points *points, uint32 **rows)
{
	gh_collector c = {.what = what,.column = "the point",.context = CurrentMemoryContext};
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "genre_hier row", ALLOCSET_DEFAULT_SIZES);
	int64		n = WinGetPartitionRowCount(window);

	for (int64 row = 0; row < n; row++)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);
		bool		is_null,
					is_out;
		Datum		value = WinGetFuncArgInPartition(window, 0, (int) row, WINDOW_SEEK_HEAD, false, &is_null, &is_out);

		if (is_null)
			ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
					errmsg("%s: the point is NULL %s", what, row_name(NULL, (size_t) row)),
					errhint("Leave such rows out: add WHERE ... IS NOT NULL below the window function."));
		gh_pg_collect(&c, DatumGetArrayTypeP(value), NULL);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
		CHECK_FOR_INTERRUPTS();
	}
	MemoryContextDelete(scratch);
	*rows = coordinate_order(&c.points, NULL);
	*points = c.points;
	points->values = ordered_values(&c.points, *rows);
	points->id = NULL;
	if (c.points.n > 0)
	{
		pfree(c.points.values);
		pfree(c.points.id);
	}
}

double *
gh_pg_doubles(const char *what, ArrayType *array, int *n)
{
	const char *data = ARR_DATA_PTR(array);
	Oid			type = ARR_ELEMTYPE(array);
	double	   *values;
	int			count;

	if (type != FLOAT8OID && type != FLOAT4OID)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("%s: the array holds %s, not float8", what, format_type_be(type)));
	if (ARR_NDIM(array) > 1)
		ereport(ERROR, errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				errmsg("%s: the array has %d dimensions, not one", what, ARR_NDIM(array)));
	if (array_contains_nulls(array))
		ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
				errmsg("%s: the array holds a NULL", what),
				errhint("Give every element a value, or leave the row out."));
	count = ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0];
	values = palloc(Max(count, 1) * sizeof(double));
	for (int i = 0; i < count; i++)
	{
		if (type == FLOAT4OID)
			values[i] = ((const float4 *) data)[i];
		else
			values[i] = ((const float8 *) data)[i];
	}
	*n = count;
	return values;
}
