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

static void
set_capacity(gh_rows *rows, size_t capacity)
{
	rows->capacity = capacity;
	rows->x = gh_pg_realloc(rows->ctx, rows->x, capacity * (size_t) rows->n_features, sizeof(float));
	if (rows->label != NULL)
		rows->label = gh_pg_realloc(rows->ctx, rows->label, capacity, 1);
	if (rows->weight != NULL)
		rows->weight = gh_pg_realloc(rows->ctx, rows->weight, capacity, sizeof(float));
	if (rows->group != NULL)
		rows->group = gh_pg_realloc(rows->ctx, rows->group, capacity, sizeof(uint32_t));
	if (rows->id != NULL)
		rows->id = gh_pg_realloc(rows->ctx, rows->id, capacity, sizeof(uint64_t));
}

void
gh_rows_set_id(gh_rows *rows, const char *id)
{
	size_t		size = strlen(id) + 1;

	while (rows->id_capacity - rows->id_length < size)
	{
		rows->id_capacity = gh_pg_grow(rows->id_capacity);
		rows->id_text = gh_pg_realloc(rows->ctx, rows->id_text, rows->id_capacity, 1);
	}
	memcpy(rows->id_text + rows->id_length, id, size);
	rows->id[rows->n - 1] = rows->id_length;
	rows->id_length += size;
}

void
gh_rows_drop_ids(gh_rows *rows)
{
	gh_free(rows->ctx, rows->id);
	gh_free(rows->ctx, rows->id_text);
	rows->id = NULL;
	rows->id_text = NULL;
	rows->id_length = rows->id_capacity = 0;
}

void
gh_rows_trim(gh_rows *rows)
{
	if (rows->n > 0 && rows->n < rows->capacity)
		set_capacity(rows, rows->n);
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
		set_capacity(rows, gh_pg_grow(rows->capacity));
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
		rows->id = gh_pg_alloc(rows->ctx, 1, sizeof(uint64_t));
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
		gh_rows_set_id(rows, id);
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
		order = strcmp(gh_rows_id(rows, i), gh_rows_id(rows, j));
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

/* Rows at which a permutation serves interrupts. */
#define ROWS_BETWEEN_INTERRUPTS 4096

/*
 * block[i] = block[order[i]] for n things of a size, in place: round every
 * cycle of the permutation.  done: n bits; spare: room for one thing.
 */
static void
reorder(void *block, const uint32 *order, size_t n, size_t size, uint8 *done, void *spare)
{
	char	   *things = block;

	if (block == NULL)
		return;
	memset(done, 0, n / 8 + 1);
	for (size_t i = 0; i < n; i++)
	{
		size_t		at = i;

		if (i % ROWS_BETWEEN_INTERRUPTS == 0)
			CHECK_FOR_INTERRUPTS();
		if (order[i] == i || (done[i / 8] >> i % 8 & 1) != 0)
			continue;
		memcpy(spare, things + i * size, size);
		for (size_t moved = 1; order[at] != i; moved++, at = order[at])
		{
			if (moved % ROWS_BETWEEN_INTERRUPTS == 0)
				CHECK_FOR_INTERRUPTS();
			memcpy(things + at * size, things + order[at] * size, size);
			done[at / 8] |= (uint8) (1 << at % 8);
		}
		memcpy(things + at * size, spare, size);
		done[at / 8] |= (uint8) (1 << at % 8);
	}
}

/* -0 and 0 are one value, and so are all NaN: memcmp must not tell them apart. */
static void
normalise(gh_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
	{
		float	   *x = rows->x + i * rows->n_features;

		if (i % ROWS_BETWEEN_INTERRUPTS == 0)
			CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < rows->n_features; j++)
			x[j] = isnan(x[j]) ? NAN : x[j] + 0.0f;
	}
}

uint32 *
gh_rows_sort(gh_rows *rows)
{
	size_t		n = rows->n;
	uint32	   *order = gh_pg_alloc(rows->ctx, Max(n, 1), sizeof(uint32));
	uint8	   *done;
	float	   *spare = palloc(Max(rows->n_features, 2) * sizeof(float));

	normalise(rows);
	for (size_t i = 0; i < n; i++)
		order[i] = (uint32) i;
	qsort_arg(order, n, sizeof(uint32), compare_rows, rows);
	done = gh_pg_alloc(rows->ctx, n / 8 + 1, 1);
	reorder(rows->x, order, n, rows->n_features * sizeof(float), done, spare);
	reorder(rows->label, order, n, sizeof(uint8_t), done, spare);
	reorder(rows->weight, order, n, sizeof(float), done, spare);
	reorder(rows->group, order, n, sizeof(uint32_t), done, spare);
	reorder(rows->id, order, n, sizeof(uint64_t), done, spare);
	gh_free(rows->ctx, done);
	pfree(spare);
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
		}
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
