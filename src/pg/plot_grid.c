/*
 * plot_grid.c
 *		The rows of a grid search as a picture.
 */
#include "gh_pg_plot.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "draw/gh_grid_chart.h"
#include "gh_pg_model.h"

#define WHAT "plot_grid"

PG_FUNCTION_INFO_V1(genre_hier_plot_grid);

/* Columns of hdbscan_grid that are drawn, then those that name a setting. */
enum
{
	COLUMN_DBCV,
	COLUMN_CLUSTERS,
	COLUMN_NOISE,
	COLUMN_METHOD,
	COLUMN_SIZE,
	COLUMN_SAMPLES,
	COLUMN_NEIGHBORS,
	COLUMN_MIN_DIST,
	N_COLUMNS
};

typedef struct reading
{
	gh_ctx	   *ctx;
	MemoryContext context;
	const gh_column *columns;
	gh_names   *methods;
	size_t		n,
				capacity;
	gh_grid_point *points;		/* gh memory */
} reading;

/* ---- rows ------------------------------------------------------------- */

static int
method_number(reading *r, Datum value)
{
	char	   *name = TextDatumGetCString(value);
	uint32		number = gh_names_add(r->methods, name, strlen(name));

	if (number >= GH_CHART_MAX_METHODS)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg(WHAT ": more than %d different values of cluster_selection_method", GH_CHART_MAX_METHODS),
				errhint("The rows are those of hdbscan_grid."));
	return (int) number;
}

/* "n_neighbors 15, min_cluster_size 40, min_samples 10, eom" of what the row has */
static char *
setting_text(const reading *r, const Datum *values, const bool *nulls)
{
	static const int shown[] = {COLUMN_NEIGHBORS, COLUMN_MIN_DIST, COLUMN_SIZE, COLUMN_SAMPLES, COLUMN_METHOD};
	MemoryContext old = MemoryContextSwitchTo(r->context);
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < (int) lengthof(shown); i++)
	{
		int			column = shown[i];
		const char *comma = out.len > 0 ? ", " : "";

		if (nulls[column])
			continue;
		if (column == COLUMN_METHOD)
			appendStringInfo(&out, "%s%s", comma, gh_plot_utf8(TextDatumGetCString(values[column])));
		else
			appendStringInfo(&out, "%s%s %.6g", comma, r->columns[column].name, DatumGetFloat8(values[column]));
	}
	MemoryContextSwitchTo(old);
	return out.data;
}

static double
number_or_nan(const Datum *values, const bool *nulls, int column)
{
	return nulls[column] ? NAN : DatumGetFloat8(values[column]);
}

static void
add_row(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	reading    *r = arg;

	if (r->n == r->capacity)
	{
		if (row > PG_INT32_MAX / 2)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg(WHAT ": more than %d rows", PG_INT32_MAX / 2),
					errhint("Draw a part of the grid."));
		r->capacity = Max(256, 2 * r->capacity);
		r->points = gh_pg_realloc(r->ctx, r->points, r->capacity, sizeof(gh_grid_point));
	}
	r->points[r->n++] = (gh_grid_point) {
		.dbcv = number_or_nan(values, nulls, COLUMN_DBCV),
		.clusters = number_or_nan(values, nulls, COLUMN_CLUSTERS),
		.noise_fraction = number_or_nan(values, nulls, COLUMN_NOISE),
		.min_cluster_size = number_or_nan(values, nulls, COLUMN_SIZE),
		.method = nulls[COLUMN_METHOD] ? -1 : method_number(r, values[COLUMN_METHOD]),
		.setting = setting_text(r, values, nulls)
	};
}

/* ---- order ------------------------------------------------------------ */

/* NaN below everything, so that the best lie on top. */
static int
compare_numbers(double a, double b)
{
	if (isnan(a) || isnan(b))
		return (int) isnan(b) - (int) isnan(a);
	return a < b ? -1 : a > b;
}

static int
compare_points(const void *a, const void *b)
{
	const gh_grid_point *p = a,
			   *q = b;
	int			order = compare_numbers(p->dbcv, q->dbcv);

	CHECK_FOR_INTERRUPTS();
	if (order == 0)
		order = compare_numbers(q->noise_fraction, p->noise_fraction);
	if (order == 0)
		order = compare_numbers(p->clusters, q->clusters);
	if (order == 0)
		order = compare_numbers(p->min_cluster_size, q->min_cluster_size);
	return order != 0 ? order : strcmp(p->setting, q->setting);
}

/* Methods in the order of their names, which puts eom before leaf. */
static void
sort_methods(reading *r, gh_grid_chart *chart)
{
	uint32	   *rank = gh_names_rank(r->methods);
	char	  **sorted = gh_names_sorted(r->methods, rank);

	chart->n_methods = (int) r->methods->n;
	for (int i = 0; i < chart->n_methods; i++)
		chart->method[i] = gh_plot_utf8(sorted[i]);
	for (size_t i = 0; i < r->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (r->points[i].method >= 0)
			r->points[i].method = (int) rank[r->points[i].method];
	}
}

/* ---- the function ----------------------------------------------------- */

Datum
genre_hier_plot_grid(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT, fcinfo, NULL};
	gh_column	columns[N_COLUMNS] = {
		[COLUMN_DBCV] = {.name = "dbcv",.type = GH_COLUMN_FLOAT,.nullable = true},
		[COLUMN_CLUSTERS] = {.name = "clusters",.type = GH_COLUMN_FLOAT,.nullable = true},
		[COLUMN_NOISE] = {.name = "noise_fraction",.type = GH_COLUMN_FLOAT,.nullable = true},
		[COLUMN_METHOD] = {.name = "cluster_selection_method",.type = GH_COLUMN_ANY_AS_TEXT,.optional = true,.nullable = true},
		[COLUMN_SIZE] = {.name = "min_cluster_size",.type = GH_COLUMN_FLOAT,.optional = true,.nullable = true},
		[COLUMN_SAMPLES] = {.name = "min_samples",.type = GH_COLUMN_FLOAT,.optional = true,.nullable = true},
		[COLUMN_NEIGHBORS] = {.name = "n_neighbors",.type = GH_COLUMN_FLOAT,.optional = true,.nullable = true},
		[COLUMN_MIN_DIST] = {.name = "min_dist",.type = GH_COLUMN_FLOAT,.optional = true,.nullable = true}
	};
	char	   *query = gh_arg_text(&args, 0, "query");
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier plot", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	reading		r = {.ctx = gh_pg_open(work),.context = work,.columns = columns,.methods = gh_names_make()};
	gh_grid_chart chart = {0};
	char	   *markup;
	size_t		length;
	text	   *result;

	gh_pg_query(WHAT, query, true, columns, N_COLUMNS, add_row, &r);
	sort_methods(&r, &chart);
	/* the order of the rows must not matter */
	if (r.n > 0)
		qsort(r.points, r.n, sizeof(gh_grid_point), compare_points);
	chart.n = r.n;
	chart.point = r.points;
	gh_pg_check(r.ctx, gh_draw_grid(r.ctx, &chart, NULL, &markup, &length));
	MemoryContextSwitchTo(old);
	result = gh_plot_text(r.ctx, markup, length);
	gh_pg_close(r.ctx);
	MemoryContextDelete(work);
	PG_RETURN_TEXT_P(result);
}
