/*
 * hdbscan_grid.c
 *		hdbscan_grid and hierarchy_grid: every combination of parameters, scored.
 */
#include "gh_pg_hdbscan.h"
#include "gh_pg_umap.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "cluster/gh_projection_grid.h"

#define WHAT_GRID "hdbscan_grid"
#define WHAT_HIERARCHY "hierarchy_grid"

/* Columns of a setting in the result. */
#define SETTING_COLUMNS 11

PG_FUNCTION_INFO_V1(genre_hier_hdbscan_grid);
PG_FUNCTION_INFO_V1(genre_hier_hierarchy_grid);

/* ---- settings ----------------------------------------------------------- */

/* Elements of an array argument without NULLs; at least one. */
static Datum *
grid_values(const gh_args *args, int argument, const char *name, Oid type, int *n)
{
	FunctionCallInfo fcinfo = args->fcinfo;
	ArrayType  *array;
	Datum	   *values;
	int16		length;
	bool		by_value;
	char		align;

	if (PG_ARGISNULL(argument))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s: %s must not be NULL", args->what, name),
				errhint("Give an array of the values to try."));
	array = PG_GETARG_ARRAYTYPE_P(argument);
	if (array_contains_nulls(array))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s: %s holds a NULL", args->what, name),
				errhint("Give an array of the values to try."));
	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array(array, type, length, by_value, align, &values, NULL, n);
	if (*n == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s: %s is empty", args->what, name),
				errhint("Give an array of the values to try."));
	return values;
}

/* a * b combinations, of things of so many bytes; zeroed room for them. */
static void *
room_for(const gh_args *args, size_t a, size_t b, size_t bytes, size_t *total)
{
	if (gh_mul_overflow(a, b, total) || *total > PG_INT32_MAX)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("%s: more than %d combinations", args->what, PG_INT32_MAX),
				errhint("Try fewer values."));
	return MemoryContextAllocExtended(CurrentMemoryContext, Max(*total, 1) * bytes, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/*
 * Every combination of the three arrays from argument `first` on,
 * min_cluster_size outermost, the method innermost, `copies` times over.
 */
static gh_grid_cell *
read_cells(const gh_args *args, int first, const gh_hdbscan_params *base, size_t copies, size_t *n_cells)
{
	FunctionCallInfo fcinfo = args->fcinfo;
	int			n_sizes,
				n_samples = 1,
				n_methods;
	Datum	   *sizes = grid_values(args, first, "min_cluster_size", INT4OID, &n_sizes);
	Datum	   *samples = PG_ARGISNULL(first + 1) ? NULL : grid_values(args, first + 1, "min_samples", INT4OID, &n_samples);
	Datum	   *methods = grid_values(args, first + 2, "cluster_selection_method", TEXTOID, &n_methods);
	gh_grid_cell *cells;
	size_t		total;

	cells = room_for(args, (size_t) n_sizes * (size_t) n_samples, (size_t) n_methods * copies, sizeof(gh_grid_cell), &total);
	*n_cells = total / copies;
	for (size_t i = 0; i < total; i++)
	{
		size_t		at = i % *n_cells;
		gh_hdbscan_params *params = &cells[i].params;

		CHECK_FOR_INTERRUPTS();
		*params = *base;
		params->min_cluster_size = DatumGetInt32(sizes[at / n_methods / n_samples]);
		params->min_samples = 0;
		if (samples != NULL)
			params->min_samples = gh_pg_min_samples(args->what, DatumGetInt32(samples[at / n_methods % n_samples]));
		params->selection = gh_pg_selection(args->what, TextDatumGetCString(methods[at % n_methods]));
	}
	return cells;
}

/* ---- results ------------------------------------------------------------ */

/* The columns of one setting. */
static void
fill_setting(const gh_grid_cell *cell, size_t n, Datum *values, bool *nulls)
{
	const gh_hdbscan_params *p = &cell->params;
	int			c = 0;

	memset(nulls, false, SETTING_COLUMNS * sizeof(bool));
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
	Assert(c == SETTING_COLUMNS);
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
	gh_hdbscan_params base = gh_hdbscan_defaults();
	size_t		n_cells;
	gh_grid_cell *cells;
	gh_points	points;

	gh_pg_hdbscan_common(&args, 4, &base);
	cells = read_cells(&args, 1, &base, 1, &n_cells);
	for (size_t i = 0; i < n_cells; i++)
		gh_pg_check(ctx, gh_hdbscan_check(ctx, &cells[i].params));
	gh_pg_points(WHAT_GRID, query, "features", true, &points);
	gh_pg_check(ctx, gh_grid(ctx, points.values, points.n, points.d, cells, n_cells, NULL));
	gh_pg_close(ctx);

	for (size_t i = 0; i < n_cells; i++)
	{
		Datum		values[SETTING_COLUMNS];
		bool		nulls[SETTING_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		fill_setting(&cells[i], points.n, values, nulls);
		tuplestore_putvalues(store, described, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return (Datum) 0;
}

/* ---- hierarchy_grid ----------------------------------------------------- */

/* Every combination of n_neighbors (outermost) and min_dist. */
static gh_projection *
read_projections(const gh_args *args, size_t *n_projections)
{
	gh_umap_params base = gh_umap_defaults();
	int			n_neighbors,
				n_distances;
	Datum	   *neighbors = grid_values(args, 1, "n_neighbors", INT4OID, &n_neighbors);
	Datum	   *distances = grid_values(args, 2, "min_dist", FLOAT8OID, &n_distances);
	gh_projection *projections = room_for(args, n_neighbors, n_distances, sizeof(gh_projection), n_projections);

	base.n_components = gh_arg_int(args, 6, "n_components");
	base.spread = gh_arg_float(args, 7, "spread");
	base.n_epochs = gh_pg_umap_epochs(args, 8);
	base.learning_rate = gh_arg_float(args, 9, "learning_rate");
	base.negative_sample_rate = gh_arg_int(args, 10, "negative_sample_rate");
	base.init = gh_pg_umap_init(args->what, gh_arg_text(args, 11, "init"));
	base.standardize = gh_arg_bool(args, 12, "standardize");
	base.seed = (uint64_t) gh_arg_bigint(args, 17, "seed");
	for (size_t i = 0; i < *n_projections; i++)
	{
		projections[i].params = base;
		projections[i].params.n_neighbors = DatumGetInt32(neighbors[i / n_distances]);
		projections[i].params.min_dist = DatumGetFloat8(distances[i % n_distances]);
	}
	return projections;
}

static void
put_projection(Tuplestorestate *store, TupleDesc described, const gh_projection *projection, const gh_grid_cell *cells,
			   size_t n_cells, size_t n)
{
	Datum		values[3 + SETTING_COLUMNS];
	bool		nulls[3 + SETTING_COLUMNS] = {false};

	values[0] = Int32GetDatum(projection->params.n_neighbors);
	values[1] = Float8GetDatum(projection->params.min_dist);
	values[2] = Float8GetDatum(projection->trustworthiness);
	nulls[2] = !projection->trustworthiness_defined;
	for (size_t i = 0; i < n_cells; i++)
	{
		CHECK_FOR_INTERRUPTS();
		fill_setting(&cells[i], n, values + 3, nulls + 3);
		tuplestore_putvalues(store, described, values, nulls);
	}
}

Datum
genre_hier_hierarchy_grid(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT_HIERARCHY, fcinfo, NULL};
	TupleDesc	described;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &described);
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier grid", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	char	   *query = gh_arg_text(&args, 0, "query");
	gh_hdbscan_params base = gh_hdbscan_defaults();
	size_t		n_projections,
				n_cells;
	gh_projection *projections = read_projections(&args, &n_projections);
	gh_grid_cell *cells;
	gh_points	points;

	gh_pg_hdbscan_common(&args, 13, &base);
	cells = read_cells(&args, 3, &base, n_projections, &n_cells);
	gh_pg_check(ctx, gh_projection_grid_check(ctx, projections, n_projections, cells, n_cells));
	gh_pg_points(WHAT_HIERARCHY, query, "features", true, &points);
	gh_pg_check(ctx, gh_projection_grid(ctx, points.values, points.n, points.d, projections, n_projections, cells, n_cells));
	gh_pg_close(ctx);

	for (size_t i = 0; i < n_projections; i++)
		put_projection(store, described, &projections[i], cells + i * n_cells, n_cells, points.n);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return (Datum) 0;
}
