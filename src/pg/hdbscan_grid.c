/*
 * hdbscan_grid.c
 *		hdbscan_grid: every combination of HDBSCAN's parameters, scored.
 */
#include "gh_pg_hdbscan.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "cluster/gh_grid.h"

#define WHAT_GRID "hdbscan_grid"

PG_FUNCTION_INFO_V1(genre_hier_hdbscan_grid);

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
	gh_pg_hdbscan_common(args, 4, &base);

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
			cells[i].params.min_samples = gh_pg_min_samples(WHAT_GRID, DatumGetInt32(samples[i / n_methods % n_samples]));
		else
			cells[i].params.min_samples = 0;
		cells[i].params.selection = gh_pg_selection(WHAT_GRID, TextDatumGetCString(method));
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
