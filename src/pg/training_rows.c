/*
 * training_rows.c
 *		Rows to train on, out of a query, in an order of their own.
 *
 * A missing value is a NULL element of features.  Rows are sorted by id where
 * the query gives one, and by everything they hold: the order in which the
 * query returns them has no say in the result.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

void
gh_rows_init(gh_rows *rows, gh_ctx *ctx, const char *what)
{
	memset(rows, 0, sizeof(*rows));
	rows->ctx = ctx;
	rows->what = what;
}

/* "row 3" or the row's id, for messages. */
static const char *
row_name(const char *id, uint64 row)
{
	return id != NULL ? psprintf("row with id \"%s\"", id) : psprintf("row " UINT64_FORMAT, row + 1);
}

int
gh_features_read(const char *what, const char *id, uint64 row, Datum array, float **out)
{
	ArrayType  *features = DatumGetArrayTypeP(array);
	Datum	   *element;
	bool	   *null;
	int			n;

	if (ARR_NDIM(features) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s: features of %s have %d dimensions", what, row_name(id, row), ARR_NDIM(features)),
				 errhint("Features are a one-dimensional array.")));
	deconstruct_array(features, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &element, &null, &n);
	if (n == 0 || n > GH_MAX_FEATURES)
		ereport(ERROR,
				(errcode(n == 0 ? ERRCODE_DATA_EXCEPTION : ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s: features of %s have %d elements", what, row_name(id, row), n),
				 errdetail("Between 1 and %d are possible.", GH_MAX_FEATURES)));
	*out = palloc(n * sizeof(float));
	for (int i = 0; i < n; i++)
	{
		(*out)[i] = null[i] ? NAN : (float) DatumGetFloat8(element[i]);
		if (!null[i] && !isfinite((*out)[i]))
			ereport(ERROR,
					(errcode(ERRCODE_DATA_EXCEPTION),
					 errmsg("%s: element %d of features of %s is not a finite number", what, i + 1, row_name(id, row)),
					 errdetail("The value is %g; features are kept in single precision.", DatumGetFloat8(element[i])),
					 errhint("Leave the row out, or make the element NULL, which means missing.")));
	}
	pfree(element);
	pfree(null);
	return n;
}

float *
gh_rows_add(gh_rows *rows, int n_features, const char *id)
{
	if (rows->n_features == 0)
		rows->n_features = n_features;
	else if (rows->n_features != n_features)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s: features of %s have %d elements", rows->what, row_name(id, rows->n), n_features),
				 errdetail("Rows before it have %d.", rows->n_features)));
	if (rows->n >= PG_UINT32_MAX - 1)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("%s: more than %u rows", rows->what, PG_UINT32_MAX - 1)));
	if (rows->n == rows->capacity)
	{
		rows->capacity = rows->capacity == 0 ? 1024 : rows->capacity + rows->capacity / 2;
		rows->x = gh_pg_realloc(rows->ctx, rows->x, rows->capacity * (size_t) n_features, sizeof(float));
		if (rows->label != NULL)
			rows->label = gh_pg_realloc(rows->ctx, rows->label, rows->capacity, 1);
		if (rows->weight != NULL)
			rows->weight = gh_pg_realloc(rows->ctx, rows->weight, rows->capacity, sizeof(float));
		if (rows->group != NULL)
			rows->group = gh_pg_realloc(rows->ctx, rows->group, rows->capacity, sizeof(uint32_t));
		if (rows->id != NULL)
			rows->id = gh_pg_realloc(rows->ctx, rows->id, rows->capacity, sizeof(char *));
	}
	return rows->x + rows->n++ * (size_t) n_features;
}

/* ---- label, features, [weight], [id], [fold_group] --------------------- */

enum
{
	COLUMN_ID,
	COLUMN_LABEL,
	COLUMN_FEATURES,
	COLUMN_WEIGHT,
	COLUMN_GROUP,
	N_COLUMNS
};

typedef struct reading
{
	gh_rows    *rows;
	gh_column	column[N_COLUMNS];
	gh_names   *groups;
	MemoryContext context;		/* outlives the query */
} reading;

static float
weight_of(const char *what, const char *id, uint64 row, Datum value)
{
	double		weight = DatumGetFloat8(value);

	if (!(weight >= 0) || !isfinite((float) weight))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s: weight of %s is %g", what, row_name(id, row), weight),
				 errdetail("A weight is a finite number, 0 or more.")));
	return (float) weight;
}

/* Before the first row: which columns there are is known, so the arrays that go with them are begun. */
static void
begin_rows(reading *r)
{
	gh_rows    *rows = r->rows;

	rows->label = gh_pg_alloc(rows->ctx, 1, 1);
	if (r->column[COLUMN_WEIGHT].found)
		rows->weight = gh_pg_alloc(rows->ctx, 1, sizeof(float));
	if (r->column[COLUMN_GROUP].found)
		rows->group = gh_pg_alloc(rows->ctx, 1, sizeof(uint32_t));
	if (r->column[COLUMN_ID].found)
		rows->id = gh_pg_alloc(rows->ctx, 1, sizeof(char *));
}

static void
take_row(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	reading    *r = arg;
	gh_rows    *rows = r->rows;
	char	   *id = r->column[COLUMN_ID].found ? TextDatumGetCString(values[COLUMN_ID]) : NULL;
	float	   *x;
	int			n = gh_features_read(rows->what, id, row, values[COLUMN_FEATURES], &x);

	if (row == 0)
		begin_rows(r);
	memcpy(gh_rows_add(rows, n, id), x, n * sizeof(float));
	rows->label[row] = DatumGetBool(values[COLUMN_LABEL]) ? 1 : 0;
	if (rows->weight != NULL)
		rows->weight[row] = weight_of(rows->what, id, row, values[COLUMN_WEIGHT]);
	if (rows->group != NULL && nulls[COLUMN_GROUP])
		rows->group[row] = PG_UINT32_MAX;
	else if (rows->group != NULL)
	{
		text	   *group = DatumGetTextPP(values[COLUMN_GROUP]);

		rows->group[row] = gh_names_add(r->groups, VARDATA_ANY(group), VARSIZE_ANY_EXHDR(group));
	}
	if (rows->id != NULL)
		rows->id[row] = MemoryContextStrdup(r->context, id);
}

/* By id, label, features, weight, group: equal rows are interchangeable. */
static int
compare_rows(const void *a, const void *b, void *arg)
{
	const gh_rows *rows = arg;
	uint32		i = *(const uint32 *) a,
				j = *(const uint32 *) b;
	int			order = 0;

	CHECK_FOR_INTERRUPTS();
	if (rows->id != NULL)
		order = strcmp(rows->id[i], rows->id[j]);
	if (order == 0 && rows->label != NULL)
		order = (int) rows->label[i] - (int) rows->label[j];
	if (order == 0)
		order = memcmp(rows->x + (size_t) i * rows->n_features, rows->x + (size_t) j * rows->n_features,
					   rows->n_features * sizeof(float));
	if (order == 0 && rows->weight != NULL)
		order = (rows->weight[i] > rows->weight[j]) - (rows->weight[i] < rows->weight[j]);
	if (order == 0 && rows->group != NULL)
		order = (rows->group[i] > rows->group[j]) - (rows->group[i] < rows->group[j]);
	return order;
}

/* block[i] = block[order[i]] for n things of a size; the old block is freed. */
static void *
reordered(gh_ctx *ctx, void *block, const uint32 *order, size_t n, size_t size)
{
	char	   *out;

	if (block == NULL)
		return NULL;
	out = gh_pg_alloc(ctx, Max(n, 1), size);
	for (size_t i = 0; i < n; i++)
		memcpy(out + i * size, (char *) block + order[i] * size, size);
	gh_free(ctx, block);
	return out;
}

uint32 *
gh_rows_sort(gh_rows *rows)
{
	uint32	   *order = gh_pg_alloc(rows->ctx, Max(rows->n, 1), sizeof(uint32));

	for (size_t i = 0; i < rows->n; i++)
	{
		/* -0 and 0 are one value, and so are all NaN: memcmp must not tell them apart */
		float	   *x = rows->x + i * rows->n_features;

		for (int j = 0; j < rows->n_features; j++)
			x[j] = isnan(x[j]) ? NAN : x[j] + 0.0f;
		order[i] = (uint32) i;
	}
	qsort_arg(order, rows->n, sizeof(uint32), compare_rows, rows);
	rows->x = reordered(rows->ctx, rows->x, order, rows->n, rows->n_features * sizeof(float));
	rows->label = reordered(rows->ctx, rows->label, order, rows->n, sizeof(uint8_t));
	rows->weight = reordered(rows->ctx, rows->weight, order, rows->n, sizeof(float));
	rows->group = reordered(rows->ctx, rows->group, order, rows->n, sizeof(uint32_t));
	rows->id = reordered(rows->ctx, rows->id, order, rows->n, sizeof(char *));
	return order;
}

void
gh_rows_rank_groups(gh_rows *rows, const gh_names *groups)
{
	uint32	   *rank;

	if (rows->group == NULL)
		return;
	rank = gh_names_rank(groups);
	for (size_t i = 0; i < rows->n; i++)
		if (rows->group[i] != PG_UINT32_MAX)
			rows->group[i] = rank[rows->group[i]];
	pfree(rank);
}

void
gh_rows_single_groups(gh_rows *rows, const gh_names *groups)
{
	uint32		next = groups->n;

	for (size_t i = 0; i < rows->n && rows->group != NULL; i++)
		if (rows->group[i] == PG_UINT32_MAX)
			rows->group[i] = next++;
}

void
gh_rows_fit(gh_rows *rows, int max_bin, gh_bins *bins, gh_fit *fit)
{
	uint32_t   *all = gh_pg_alloc(rows->ctx, rows->n, sizeof(uint32_t));

	for (size_t i = 0; i < rows->n; i++)
		all[i] = (uint32_t) i;
	gh_pg_check(rows->ctx, gh_bins_build(rows->ctx, rows->x, rows->n, rows->n_features, max_bin, NULL, 0, bins));
	memset(fit, 0, sizeof(*fit));
	fit->bins = bins;
	fit->rows = all;
	fit->n_rows = rows->n;
	fit->labels = rows->label;
	fit->weights = rows->weight;
}

void
gh_rows_query(gh_rows *rows, const char *query, bool with_group)
{
	reading		r = {
		.rows = rows,
		.column = {
			[COLUMN_ID] = {"id", GH_COLUMN_ANY_AS_TEXT, .optional = true},
			[COLUMN_LABEL] = {"label", GH_COLUMN_BOOL},
			[COLUMN_FEATURES] = {"features", GH_COLUMN_FLOATS},
			[COLUMN_WEIGHT] = {"weight", GH_COLUMN_FLOAT, .optional = true},
			[COLUMN_GROUP] = {"fold_group", GH_COLUMN_ANY_AS_TEXT, .optional = true, .nullable = true}
		},
		.context = CurrentMemoryContext
	};

	if (with_group)
		r.groups = gh_names_make();
	gh_pg_query(rows->what, query, true, r.column, with_group ? N_COLUMNS : N_COLUMNS - 1, take_row, &r);
	if (rows->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("%s: the query returned no rows", rows->what),
				 errhint("A classifier needs rows to learn from.")));
	if (with_group)
		gh_rows_rank_groups(rows, r.groups);
	gh_free(rows->ctx, gh_rows_sort(rows));
	if (with_group)
		gh_rows_single_groups(rows, r.groups);
}

/* ---- names of features ------------------------------------------------- */

char **
gh_feature_names_given(ArrayType *names, int *n)
{
	Datum	   *element;
	bool	   *null;
	char	  **out;

	*n = 0;
	if (names == NULL)
		return NULL;
	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT, &element, &null, n);
	if (*n == 0 || *n > GH_MAX_FEATURES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are %d names of features", *n),
				 errdetail("Between 1 and %d are possible.", GH_MAX_FEATURES)));
	out = palloc(*n * sizeof(char *));
	for (int i = 0; i < *n; i++)
	{
		if (null[i] || VARSIZE_ANY_EXHDR(DatumGetPointer(element[i])) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("name %d of the features is %s", i + 1, null[i] ? "NULL" : "empty")));
		out[i] = gh_pg_to_utf8(TextDatumGetCString(element[i]));
		if (strlen(out[i]) > GH_MAX_NAME)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("name %d of the features is longer than %d bytes", i + 1, GH_MAX_NAME)));
		for (int j = 0; j < i; j++)
			if (strcmp(out[i], out[j]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("feature \"%s\" is named twice", TextDatumGetCString(element[i]))));
	}
	return out;
}

char **
gh_feature_names(ArrayType *names, int n_features)
{
	int			n;
	char	  **out = gh_feature_names_given(names, &n);

	if (out == NULL)
	{
		out = palloc(n_features * sizeof(char *));
		for (int i = 0; i < n_features; i++)
			out[i] = psprintf("feature_%d", i + 1);
	}
	else if (n != n_features)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there are %d feature_names for %d features", n, n_features)));
	return out;
}
