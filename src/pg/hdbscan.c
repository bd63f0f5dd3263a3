/*
 * hdbscan.c
 *		hdbscan_cluster, over a query and over a window's partition.
 */
#include "gh_pg_hdbscan.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define WHAT_CLUSTER "hdbscan_cluster"

PG_FUNCTION_INFO_V1(genre_hier_hdbscan_cluster);
PG_FUNCTION_INFO_V1(genre_hier_hdbscan_cluster_window);

/* Arguments from 1 on of hdbscan_cluster, as the SQL declares them. */
static const char *const option_names[] = {
	"min_cluster_size", "min_samples", "cluster_selection_method", "cluster_selection_epsilon", "max_cluster_size",
	"allow_single_cluster", "alpha"
};

/* ---- options ---------------------------------------------------------- */

gh_selection
gh_pg_selection(const char *what, const char *name)
{
	if (strcmp(name, "eom") == 0)
		return GH_SELECT_EOM;
	if (strcmp(name, "leaf") == 0)
		return GH_SELECT_LEAF;
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("%s: cluster_selection_method is \"%s\"", what, name),
			errhint("It must be eom (excess of mass) or leaf."));
}

int
gh_pg_min_samples(const char *what, int min_samples)
{
	if (min_samples < 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s: min_samples is %d", what, min_samples),
				errhint("It must be at least 1, or NULL for the value of min_cluster_size."));
	return min_samples;
}

void
gh_pg_hdbscan_common(const gh_args *args, int first, gh_hdbscan_params *params)
{
	params->epsilon = gh_arg_float(args, first, "cluster_selection_epsilon");
	params->max_cluster_size = gh_arg_int(args, first + 1, "max_cluster_size");
	params->allow_single_cluster = gh_arg_bool(args, first + 2, "allow_single_cluster");
	params->alpha = gh_arg_float(args, first + 3, "alpha");
}

gh_hdbscan_params
gh_pg_hdbscan_options(const gh_args *args)
{
	gh_hdbscan_params params = gh_hdbscan_defaults();

	params.min_cluster_size = gh_arg_int(args, 1, "min_cluster_size");
	params.min_samples = 0;
	if (!gh_arg_is_null(args, 2))
		params.min_samples = gh_pg_min_samples(args->what, gh_arg_int(args, 2, "min_samples"));
	params.selection = gh_pg_selection(args->what, gh_arg_text(args, 3, "cluster_selection_method"));
	gh_pg_hdbscan_common(args, 4, &params);
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
	gh_hdbscan_params params = gh_pg_hdbscan_options(&args);
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
	params = gh_pg_hdbscan_options(args);
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
