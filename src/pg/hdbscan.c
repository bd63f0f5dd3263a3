/*
 * hdbscan.c
 *		hdbscan_cluster, over a query and over a window's partition, and hdbscan_grid.
 */
#include "gh_pg.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "cluster/gh_grid.h"
#include "cluster/gh_hdbscan.h"

#define WHAT_CLUSTER "hdbscan_cluster"
#define WHAT_GRID "hdbscan_grid"

PG_FUNCTION_INFO_V1(genre_hier_hdbscan_cluster);
PG_FUNCTION_INFO_V1(genre_hier_hdbscan_cluster_window);
PG_FUNCTION_INFO_V1(genre_hier_hdbscan_grid);

/* Arguments from 1 on of hdbscan_cluster, as the SQL declares them. */
static const char *const option_names[] = {
	"min_cluster_size", "min_samples", "cluster_selection_method", "cluster_selection_epsilon", "max_cluster_size",
	"allow_single_cluster", "alpha"
};

/* ---- options ---------------------------------------------------------- */

static gh_selection
parse_selection(const char *what, const char *name)
{
	if (strcmp(name, "eom") == 0)
		return GH_SELECT_EOM;
	if (strcmp(name, "leaf") == 0)
		return GH_SELECT_LEAF;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("%s: cluster_selection_method is \"%s\"", what, name),
			errhint("It must be eom (excess of mass) or leaf."));
}

/* 0 would mean "as min_cluster_size" to the core; in SQL that is NULL. */
static int
check_min_samples(const char *what, int min_samples)
{
	if (min_samples < 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s: min_samples is %d", what, min_samples),
				errhint("It must be at least 1, or NULL for the value of min_cluster_size."));
	return min_samples;
}

/* cluster_selection_epsilon and what follows it: the same in all three functions. */
static void
read_common(const gh_args *args, gh_hdbscan_params *params)
{
	params->epsilon = gh_arg_float(args, 4, "cluster_selection_epsilon");
	params->max_cluster_size = gh_arg_int(args, 5, "max_cluster_size");
	params->allow_single_cluster = gh_arg_bool(args, 6, "allow_single_cluster");
	params->alpha = gh_arg_float(args, 7, "alpha");
}

static gh_hdbscan_params
read_options(const gh_args *args)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();

	params.min_cluster_size = gh_arg_int(args, 1, "min_cluster_size");
	params.min_samples = 0;
	if (!gh_arg_is_null(args, 2))
		params.min_samples = check_min_samples(args->what, gh_arg_int(args, 2, "min_samples"));
	params.selection = parse_selection(args->what, gh_arg_text(args, 3, "cluster_selection_method"));
	read_common(args, &params);
	return params;
}

/* ---- hdbscan_cluster -------------------------------------------------- */

typedef struct clustering
{
	int32_t    *labels;
	double	   *probabilities;
	double	   *outlier_scores;
} clustering;

static clustering
cluster(gh_ctx *ctx, const gh_points *points, const gh_hdbscan_params *params, bool scores)
{
	size_t		n = Max(points->n, 1);
	clustering	result = {NULL, NULL, NULL};
	int			n_clusters;

	result.labels = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(int32_t));
	if (scores)
	{
		result.probabilities = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(double));
		result.outlier_scores = MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(double));
	}
	gh_pg_check(ctx, gh_hdbscan(ctx, points->values, points->n, points->d, params, result.labels,
								result.probabilities, result.outlier_scores, &n_clusters));
	return result;
}

Datum
genre_hier_hdbscan_cluster(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT_CLUSTER, fcinfo, NULL};
	TupleDesc	described;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &described);
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier hdbscan", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	char	   *query = gh_arg_text(&args, 0, "query");
	gh_hdbscan_params params = read_options(&args);
	gh_points	points;
	clustering	found;

	gh_pg_check(ctx, gh_hdbscan_check(ctx, &params));
	gh_pg_points(WHAT_CLUSTER, query, "features", true, &points);
	found = cluster(ctx, &points, &params, true);
	gh_pg_close(ctx);

	for (size_t i = 0; i < points.n; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {false, false, false, false};

		CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(points.id[i]);
		values[1] = Int32GetDatum(found.labels[i]);
		nulls[1] = found.labels[i] < 0;
		values[2] = Float8GetDatum(found.probabilities[i]);
		values[3] = Float8GetDatum(found.outlier_scores[i]);
		tuplestore_putvalues(store, described, values, nulls);
		pfree(DatumGetPointer(values[0]));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return (Datum) 0;
}

/* What a window keeps of its partition between the rows. */
typedef struct partition
{
	int32_t    *labels;			/* in the order of the rows; NULL before the first */
} partition;

/* The whole partition at its first row. */
static void
cluster_partition(const gh_args *args, partition *kept)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier hdbscan", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	gh_hdbscan_params params;
	gh_points	points;
	uint32	   *rows;
	clustering	found;
	int32_t    *ordered;

	gh_args_check_constant(args, option_names, lengthof(option_names));
	params = read_options(args);
	gh_pg_check(ctx, gh_hdbscan_check(ctx, &params));
	gh_pg_window_points(WHAT_CLUSTER, args->window, &points, &rows);
	found = cluster(ctx, &points, &params, false);
	gh_pg_close(ctx);

	/* the partition's own memory, which lives as long as it does */
	ordered = MemoryContextAllocHuge(GetMemoryChunkContext(kept), Max(points.n, 1) * sizeof(int32_t));
	for (size_t i = 0; i < points.n; i++)
		ordered[rows[i]] = found.labels[i];
	kept->labels = ordered;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

Datum
genre_hier_hdbscan_cluster_window(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT_CLUSTER, fcinfo, PG_WINDOW_OBJECT()};
	partition  *kept = WinGetPartitionLocalMemory(args.window, sizeof(partition));
	int32_t		label;

	if (kept->labels == NULL)
		cluster_partition(&args, kept);
	label = kept->labels[WinGetCurrentPosition(args.window)];
	if (label < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(label);
}

/* ---- hdbscan_grid ----------------------------------------------------- */

/* Elements of an array argument without NULLs; at least one. */
static Datum *
grid_values(FunctionCallInfo fcinfo, int argument, const char *name, Oid type, int length, bool by_value, int *n)
{
	ArrayType  *array;
	Datum	   *values;

	if (PG_ARGISNULL(argument))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg(WHAT_GRID ": %s must not be NULL", name),
				errhint("Give an array of the values to try."));
	array = PG_GETARG_ARRAYTYPE_P(argument);
	if (array_contains_nulls(array))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg(WHAT_GRID ": %s holds a NULL", name),
				errhint("Give an array of the values to try."));
	deconstruct_array(array, type, length, by_value, TYPALIGN_INT, &values, NULL, n);
	if (*n == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg(WHAT_GRID ": %s is empty", name),
				errhint("Give an array of the values to try."));
	return values;
}

/* Every combination, min_cluster_size outermost, the method innermost. */
static gh_grid_cell *
read_cells(const gh_args *args, size_t *n_cells)
{
	FunctionCallInfo fcinfo = args->fcinfo;
	static const Datum as_cluster_size[] = {(Datum) 0};
	int			n_sizes,
				n_samples = 1,
				n_methods;
	Datum	   *sizes = grid_values(fcinfo, 1, "min_cluster_size", INT4OID, 4, true, &n_sizes);
	const Datum *samples = as_cluster_size;
	Datum	   *methods;
	gh_grid_cell *cells;
	gh_hdbscan_params base = gh_hdbscan_defaults();
	size_t		total;

	if (!PG_ARGISNULL(2))
		samples = grid_values(fcinfo, 2, "min_samples", INT4OID, 4, true, &n_samples);
	methods = grid_values(fcinfo, 3, "cluster_selection_method", TEXTOID, -1, false, &n_methods);
	read_common(args, &base);

	if (gh_mul_overflow((size_t) n_sizes * (size_t) n_samples, (size_t) n_methods, &total) || total > PG_INT32_MAX)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg(WHAT_GRID ": more than %d combinations", PG_INT32_MAX),
				errhint("Try fewer values."));
	cells = MemoryContextAllocExtended(CurrentMemoryContext, total * sizeof(gh_grid_cell), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (size_t i = 0; i < total; i++)
	{
		Datum		method = methods[i % n_methods];

		CHECK_FOR_INTERRUPTS();
		cells[i].params = base;
		cells[i].params.min_cluster_size = DatumGetInt32(sizes[i / n_methods / n_samples]);
		if (samples != as_cluster_size)
			cells[i].params.min_samples = check_min_samples(WHAT_GRID, DatumGetInt32(samples[i / n_methods % n_samples]));
		else
			cells[i].params.min_samples = 0;
		cells[i].params.selection = parse_selection(WHAT_GRID, TextDatumGetCString(method));
	}
	*n_cells = total;
	return cells;
}

static void
put_cell(Tuplestorestate *store, TupleDesc described, const gh_grid_cell *cell, size_t n)
{
	const gh_hdbscan_params *p = &cell->params;
	Datum		values[11];
	bool		nulls[11] = {false};
	int			c = 0;

	values[c++] = Int32GetDatum(p->min_cluster_size);
	values[c++] = Int32GetDatum(p->min_samples > 0 ? p->min_samples : p->min_cluster_size);
	values[c++] = CStringGetTextDatum(p->selection == GH_SELECT_EOM ? "eom" : "leaf");
	nulls[c] = !cell->dbcv_defined;
	values[c++] = Float8GetDatum(cell->dbcv);
	nulls[c] = !cell->relative_defined;
	values[c++] = Float8GetDatum(cell->relative_validity);
	values[c++] = Int32GetDatum(cell->clusters);
	nulls[c] = nulls[c + 1] = nulls[c + 2] = cell->clusters == 0;
	values[c++] = Int64GetDatum((int64) cell->smallest);
	values[c++] = Int64GetDatum((int64) cell->largest);
	values[c++] = Float8GetDatum(cell->mean_size);
	values[c++] = Int64GetDatum((int64) cell->noise);
	nulls[c] = n == 0;
	values[c++] = Float8GetDatum(n > 0 ? (double) cell->noise / (double) n : 0);
	tuplestore_putvalues(store, described, values, nulls);
}

Datum
genre_hier_hdbscan_grid(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT_GRID, fcinfo, NULL};
	TupleDesc	described;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &described);
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier grid", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	char	   *query = gh_arg_text(&args, 0, "query");
	size_t		n_cells;
	gh_grid_cell *cells = read_cells(&args, &n_cells);
	gh_points	points;

	for (size_t i = 0; i < n_cells; i++)
		gh_pg_check(ctx, gh_hdbscan_check(ctx, &cells[i].params));
	gh_pg_points(WHAT_GRID, query, "features", true, &points);
	gh_pg_check(ctx, gh_grid(ctx, points.values, points.n, points.d, cells, n_cells, NULL));
	gh_pg_close(ctx);

	for (size_t i = 0; i < n_cells; i++)
		put_cell(store, described, &cells[i], points.n);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return (Datum) 0;
}
