/*
 * umap.c
 *		umap_project, over a query and over a window's partition, and umap_fit.
 */
#include "gh_pg_model.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "gh_pg_umap.h"

#define WHAT "umap_project"
#define FIT "umap_fit"

PG_FUNCTION_INFO_V1(genre_hier_umap_project);
PG_FUNCTION_INFO_V1(genre_hier_umap_project_window);
PG_FUNCTION_INFO_V1(genre_hier_umap_fit);

/* Arguments from 1 on, as the SQL declares them. */
static const char *const option_names[] = {
	"n_neighbors", "n_components", "min_dist", "spread", "n_epochs", "learning_rate", "negative_sample_rate", "init",
	"standardize", "seed"
};

gh_umap_init
gh_pg_umap_init(const char *what, const char *name)
{
	if (strcmp(name, "spectral") == 0)
		return GH_UMAP_SPECTRAL;
	if (strcmp(name, "pca") == 0)
		return GH_UMAP_PCA;
	if (strcmp(name, "random") == 0)
		return GH_UMAP_RANDOM;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("%s: init is \"%s\"", what, name),
			errhint("It must be spectral, pca or random."));
}

int
gh_pg_umap_epochs(const gh_args *args, int n)
{
	int			epochs;

	if (gh_arg_is_null(args, n))
		return 0;
	epochs = gh_arg_int(args, n, "n_epochs");
	/* 0 would mean the automatic number to the core */
	if (epochs < 1 || epochs > GH_UMAP_MOST_EPOCHS)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s: n_epochs is %d", args->what, epochs),
				errhint("It must be 1 to %d, or NULL for a number chosen by the number of rows.", GH_UMAP_MOST_EPOCHS));
	return epochs;
}

static gh_umap_params
read_options(const gh_args *args)
{
	gh_umap_params params = gh_umap_defaults();

	params.n_neighbors = gh_arg_int(args, 1, "n_neighbors");
	params.n_components = gh_arg_int(args, 2, "n_components");
	params.min_dist = gh_arg_float(args, 3, "min_dist");
	params.spread = gh_arg_float(args, 4, "spread");
	params.n_epochs = gh_pg_umap_epochs(args, 5);
	params.learning_rate = gh_arg_float(args, 6, "learning_rate");
	params.negative_sample_rate = gh_arg_int(args, 7, "negative_sample_rate");
	params.init = gh_pg_umap_init(args->what, gh_arg_text(args, 8, "init"));
	params.standardize = gh_arg_bool(args, 9, "standardize");
	params.seed = (uint64_t) gh_arg_bigint(args, 10, "seed");
	return params;
}

/* n x n_components in the current memory context. */
static double *
project(gh_ctx *ctx, const gh_points *points, const gh_umap_params *params)
{
	size_t		bytes = Max(points->n, 1) * (size_t) params->n_components * sizeof(double);
	double	   *embedding = MemoryContextAllocHuge(CurrentMemoryContext, bytes);

	/* without rows there are no features either, which the core would reject */
	if (points->n > 0)
		gh_pg_check(ctx, gh_umap_project(ctx, points->values, points->n, points->d, params, embedding));
	return embedding;
}

Datum
genre_hier_umap_project(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT, fcinfo, NULL};
	TupleDesc	described;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &described);
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier umap", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	char	   *query = gh_arg_text(&args, 0, "query");
	gh_umap_params params = read_options(&args);
	gh_points	points;
	double	   *embedding;

	gh_pg_check(ctx, gh_umap_check(ctx, &params));
	gh_pg_points(WHAT, query, "features", true, &points);
	embedding = project(ctx, &points, &params);
	gh_pg_close(ctx);

	for (size_t i = 0; i < points.n; i++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(points.id[i]);
		values[1] = PointerGetDatum(gh_pg_float_array(embedding + i * params.n_components, params.n_components));
		tuplestore_putvalues(store, described, values, nulls);
		pfree(DatumGetPointer(values[0]));
		pfree(DatumGetPointer(values[1]));
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
	return (Datum) 0;
}

/* What a window keeps of its partition between the rows. */
typedef struct partition
{
	double	   *embedding;		/* in the order of the rows; NULL before the first */
	int			n_components;
} partition;

/* The whole partition at its first row. */
static void
project_partition(const gh_args *args, partition *kept)
{
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier umap", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	gh_umap_params params;
	gh_points	points;
	uint32	   *rows;
	double	   *embedding,
			   *ordered;
	size_t		stride;

	gh_args_check_constant(args, option_names, lengthof(option_names));
	params = read_options(args);
	gh_pg_check(ctx, gh_umap_check(ctx, &params));
	gh_pg_window_points(WHAT, args->window, &points, &rows);
	embedding = project(ctx, &points, &params);
	gh_pg_close(ctx);

	/* the partition's own memory, which lives as long as it does */
	stride = (size_t) params.n_components * sizeof(double);
	ordered = MemoryContextAllocHuge(GetMemoryChunkContext(kept), Max(points.n, 1) * stride);
	for (size_t i = 0; i < points.n; i++)
		memcpy(ordered + (size_t) rows[i] * params.n_components, embedding + i * params.n_components, stride);
	kept->embedding = ordered;
	kept->n_components = params.n_components;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(work);
}

Datum
genre_hier_umap_project_window(PG_FUNCTION_ARGS)
{
	gh_args		args = {WHAT, fcinfo, PG_WINDOW_OBJECT()};
	partition  *kept = WinGetPartitionLocalMemory(args.window, sizeof(partition));

	if (kept->embedding == NULL)
		project_partition(&args, kept);
	PG_RETURN_ARRAYTYPE_P(gh_pg_float_array(kept->embedding + WinGetCurrentPosition(args.window) * kept->n_components,
											kept->n_components));
}

/* ---- umap_fit ---------------------------------------------------------- */

/* Before the work: a model that no bytea can hold is not worth making. */
static void
check_model_fits(const gh_points *points, const gh_umap_params *params)
{
	size_t		length = gh_umap_model_length(points->n, points->d, params->n_components);

	if (points->n == 0)
		ereport(ERROR, errcode(ERRCODE_DATA_EXCEPTION),
				errmsg(FIT ": the query returned no rows"),
				errhint("A model needs at least one point."));
	if (length > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg(FIT ": the model would have %zu bytes; a bytea holds at most %zu", length,
					   (size_t) (MaxAllocSize - VARHDRSZ)),
				errhint("Fit fewer rows: the others can be transformed."));
}

Datum
genre_hier_umap_fit(PG_FUNCTION_ARGS)
{
	gh_args		args = {FIT, fcinfo, NULL};
	MemoryContext work = AllocSetContextCreate(CurrentMemoryContext, "genre_hier umap", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(work);
	gh_ctx	   *ctx = gh_pg_open(work);
	char	   *query = gh_arg_text(&args, 0, "query");
	gh_umap_params params = read_options(&args);
	gh_points	points;
	gh_umap_model model;
	uint8_t    *bytes;
	size_t		length;
	bytea	   *out;

	gh_pg_check(ctx, gh_umap_check(ctx, &params));
	gh_pg_points(FIT, query, "features", true, &points);
	check_model_fits(&points, &params);
	gh_pg_check(ctx, gh_umap_fit(ctx, points.values, points.n, points.d, &params, &model));
	gh_pg_check(ctx, gh_umap_model_write(ctx, &model, &bytes, &length));
	MemoryContextSwitchTo(old);
	out = gh_bytes_bytea(ctx, bytes, length);
	gh_pg_close(ctx);
	MemoryContextDelete(work);
	PG_RETURN_BYTEA_P(out);
}
