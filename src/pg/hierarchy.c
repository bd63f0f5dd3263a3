/*
 * hierarchy.c
 *		genre_supergenres and hierarchy_fit.
 */
#include "gh_pg_model.h"

#include <math.h>

#include "miscadmin.h"

PG_FUNCTION_INFO_V1(genre_hier_genre_supergenres);
PG_FUNCTION_INFO_V1(genre_hier_hierarchy_fit);

/* ---- genre_supergenres ------------------------------------------------- */

typedef struct assigning
{
	gh_ctx	   *ctx;
	gh_names   *genres;
	gh_label_list labels;
	int64	   *cluster;		/* per row, PG_INT64_MIN is noise */
	size_t		capacity;
} assigning;

#define NOISE PG_INT64_MIN

/* A genre of a row, with where it goes. */
typedef struct genre_target
{
	gh_names   *names;
	gh_label_list *labels;
} genre_target;

static void
take_genre(void *arg, const char *string, Size length)
{
	genre_target *target = arg;

	gh_label_list_add(target->labels, gh_names_add(target->names, string, length));
}

static void
take_artist(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	assigning  *a = arg;
	genre_target target = {a->genres, &a->labels};

	if (row == a->capacity)
	{
		a->capacity = a->capacity == 0 ? 1024 : a->capacity + a->capacity / 2;
		a->cluster = gh_pg_realloc(a->ctx, a->cluster, a->capacity, sizeof(int64));
	}
	/* -1 is how Python's libraries write noise */
	a->cluster[row] = nulls[0] || DatumGetInt64(values[0]) < 0 ? NOISE : DatumGetInt64(values[0]);
	gh_label_list_row(&a->labels);
	if (!nulls[1])
		gh_texts_each(values[1], take_genre, &target);
}

static int
compare_int64(const void *a, const void *b)
{
	int64		x = *(const int64 *) a,
				y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* Clusters as 0..n-1 in ascending order of their numbers; the numbers in *value. */
static int32_t *
dense_clusters(assigning *a, int64 **value, int *n_clusters)
{
	size_t		n = a->labels.n;
	int64	   *sorted = gh_pg_alloc(a->ctx, n, sizeof(int64));
	int32_t    *dense = gh_pg_alloc(a->ctx, n, sizeof(int32_t));
	int			k = 0;

	memcpy(sorted, a->cluster, n * sizeof(int64));
	qsort(sorted, n, sizeof(int64), compare_int64);
	for (size_t i = 0; i < n; i++)
		if (sorted[i] != NOISE && (k == 0 || sorted[k - 1] != sorted[i]))
			sorted[k++] = sorted[i];
	for (size_t i = 0; i < n; i++)
	{
		int64	   *at = bsearch(&a->cluster[i], sorted, k, sizeof(int64), compare_int64);

		dense[i] = at == NULL ? GH_NOISE : (int32_t) (at - sorted);
	}
	*value = sorted;
	*n_clusters = k;
	return dense;
}

/* Genres by cluster (noise last), then artists descending, then name. */
typedef struct result_order
{
	const gh_assignment *assignment;
	const uint32 *rank;
} result_order;

static int
compare_results(const void *a, const void *b, void *arg)
{
	const result_order *order = arg;
	uint32		i = *(const uint32 *) a,
				j = *(const uint32 *) b;
	uint32		ci = (uint32) order->assignment->cluster[i],
				cj = (uint32) order->assignment->cluster[j];
	uint64		ni = order->assignment->count[i],
				nj = order->assignment->count[j];

	/* noise is -1, the highest as an unsigned number */
	if (ci != cj)
		return ci < cj ? -1 : 1;
	if (ni != nj)
		return ni > nj ? -1 : 1;
	return order->rank[i] < order->rank[j] ? -1 : 1;
}

static void
put_assignment(const assigning *a, const gh_assignment *assignment, const int64 *value, Tuplestorestate *store,
			   TupleDesc tupdesc)
{
	uint32		n = a->genres->n;
	uint32	   *genre = palloc(Max(n, 1) * sizeof(uint32));
	result_order order = {assignment, gh_names_rank(a->genres)};

	for (uint32 g = 0; g < n; g++)
		genre[g] = g;
	qsort_arg(genre, n, sizeof(uint32), compare_results, &order);
	for (uint32 i = 0; i < n; i++)
	{
		uint32		g = genre[i];
		int32		cluster = assignment->cluster[g];
		Datum		values[4];
		bool		nulls[4] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(a->genres->name[g]);
		nulls[1] = cluster == GH_NOISE;
		values[1] = nulls[1] ? (Datum) 0 : Int32GetDatum((int32) value[cluster]);
		values[2] = Int64GetDatum((int64) assignment->count[g]);
		values[3] = Float8GetDatum((double) assignment->count[g] / (double) assignment->total[g]);
		tuplestore_putvalues(store, tupdesc, values, nulls);
	}
}

Datum
genre_hier_genre_supergenres(PG_FUNCTION_ARGS)
{
	gh_args		args = {"genre_supergenres", fcinfo, NULL};
	char	   *query = gh_arg_text(&args, 0, "query");
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	gh_column	column[] = {
		{"cluster", GH_COLUMN_INT, .nullable = true},
		{"genres", GH_COLUMN_TEXTS, .nullable = true}
	};
	assigning	a = {.ctx = gh_pg_open(CurrentMemoryContext), .genres = gh_names_make()};
	gh_labels	labels;
	gh_assignment assignment;
	int32_t    *cluster;
	int64	   *value;
	int			n_clusters;

	gh_label_list_init(&a.labels, a.ctx);
	gh_pg_query("genre_supergenres", query, true, column, lengthof(column), take_artist, &a);
	labels = gh_label_list_view(&a.labels, a.genres->n);
	cluster = dense_clusters(&a, &value, &n_clusters);
	for (int i = 0; i < n_clusters; i++)
		if (value[i] > PG_INT32_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("genre_supergenres: cluster " INT64_FORMAT " is out of range for type integer", value[i])));
	assignment.cluster = gh_pg_alloc(a.ctx, a.genres->n, sizeof(int32_t));
	assignment.count = gh_pg_alloc(a.ctx, a.genres->n, sizeof(uint64_t));
	assignment.total = gh_pg_alloc(a.ctx, a.genres->n, sizeof(uint64_t));
	gh_pg_check(a.ctx, gh_assign_genres(a.ctx, &labels, cluster, n_clusters, &assignment));
	put_assignment(&a, &assignment, value, store, tupdesc);
	gh_pg_close(a.ctx);
	return (Datum) 0;
}

/* ---- hierarchy_fit ----------------------------------------------------- */

enum
{
	COLUMN_ID,
	COLUMN_FEATURES,
	COLUMN_GENRES,
	COLUMN_GROUP,
	N_COLUMNS
};

typedef struct fitting
{
	gh_rows		rows;
	gh_column	column[N_COLUMNS];
	gh_names   *genres;			/* of the hierarchy */
	gh_names   *groups;
	gh_label_list labels;		/* by number in genres */
	uint32	   *scratch;		/* genres of the row at hand */
	uint32		n_scratch;
	uint64		unlabelled;
} fitting;

static void
take_kept_genre(void *arg, const char *string, Size length)
{
	fitting    *f = arg;
	uint32		genre = gh_names_find(f->genres, string, length);

	if (genre == PG_UINT32_MAX)
		return;
	for (uint32 i = 0; i < f->n_scratch; i++)
		if (f->scratch[i] == genre)
			return;
	f->scratch[f->n_scratch++] = genre;
}

/* Rows with a genre of the hierarchy are kept. */
static void
take_song(void *arg, uint64 row, const Datum *values, const bool *nulls)
{
	fitting    *f = arg;
	gh_rows    *rows = &f->rows;
	char	   *id = TextDatumGetCString(values[COLUMN_ID]);
	float	   *x;
	int			n = gh_features_read(rows->what, id, row, values[COLUMN_FEATURES], &x);

	if (row == 0)
	{
		rows->id = gh_pg_alloc(rows->ctx, 1, sizeof(uint64_t));
		if (f->column[COLUMN_GROUP].found)
			rows->group = gh_pg_alloc(rows->ctx, 1, sizeof(uint32_t));
	}
	f->n_scratch = 0;
	if (!nulls[COLUMN_GENRES])
		gh_texts_each(values[COLUMN_GENRES], take_kept_genre, f);
	if (f->n_scratch == 0)
	{
		f->unlabelled++;
		return;
	}
	memcpy(gh_rows_add(rows, n, id), x, n * sizeof(float));
	gh_rows_set_id(rows, id);
	gh_label_list_row(&f->labels);
	for (uint32 i = 0; i < f->n_scratch; i++)
		gh_label_list_add(&f->labels, f->scratch[i]);
	if (rows->group == NULL)
		return;
	if (nulls[COLUMN_GROUP])
		rows->group[rows->n - 1] = PG_UINT32_MAX;
	else
	{
		text	   *group = DatumGetTextPP(values[COLUMN_GROUP]);

		rows->group[rows->n - 1] = gh_names_add(f->groups, VARDATA_ANY(group), VARSIZE_ANY_EXHDR(group));
	}
}

/* The labels of rows order[0..n), renumbered, each row's in ascending order. */
static void
reorder_labels(gh_label_list *labels, const uint32 *order, const uint32 *number)
{
	gh_label_list sorted;

	gh_label_list_init(&sorted, labels->ctx);
	for (size_t i = 0; i < labels->n; i++)
	{
		uint64_t	begin = labels->begin[order[i]],
					end = labels->begin[order[i] + 1];
		int64		last = -1;

		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		gh_label_list_row(&sorted);
		for (uint64_t taken = begin; taken < end; taken++)
		{
			uint32		least = PG_UINT32_MAX;

			for (uint64_t j = begin; j < end; j++)
				if ((int64) number[labels->label[j]] > last)
					least = Min(least, number[labels->label[j]]);
			gh_label_list_add(&sorted, least);
			last = least;
		}
	}
	gh_label_list_free(labels);
	gh_label_list_trim(&sorted);
	*labels = sorted;
}

static void
read_songs(fitting *f, gh_ctx *ctx, const char *query, const gh_links *links)
{
	bool	   *leaf = gh_links_leaves(links);

	f->genres = gh_names_make();
	f->groups = gh_names_make();
	for (size_t i = 0; i < links->n; i++)
		if (leaf[i])
			gh_names_add(f->genres, links->name[i], strlen(links->name[i]));
	f->scratch = palloc(Max(f->genres->n, 1) * sizeof(uint32));
	gh_rows_init(&f->rows, ctx, "hierarchy_fit");
	gh_label_list_init(&f->labels, ctx);
	gh_pg_query("hierarchy_fit", query, true, f->column, N_COLUMNS, take_song, f);
	if (f->rows.n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("hierarchy_fit: the query returned no row with a genre of the hierarchy"),
				 errdetail("It returned " UINT64_FORMAT " rows; the hierarchy has %u genres.", f->unlabelled, f->genres->n),
				 errhint("Genres are compared letter by letter with those of the supergenres query.")));
	gh_rows_trim(&f->rows);
	gh_label_list_trim(&f->labels);
	if (f->unlabelled > 0)
		gh_note(ctx, "hierarchy", "%llu rows without a genre of the hierarchy were left out",
				(unsigned long long) f->unlabelled);
}

/* Each id once; the rows are in their order. */
static void
check_ids(const gh_rows *rows)
{
	for (size_t i = 1; i < rows->n; i++)
	{
		if (i % 4096 == 0)
			CHECK_FOR_INTERRUPTS();
		if (strcmp(gh_rows_id(rows, i - 1), gh_rows_id(rows, i)) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNIQUE_VIOLATION),
					 errmsg("hierarchy_fit: id \"%s\" is there more than once", gh_rows_id(rows, i)),
					 errhint("Return one row per song, with all its genres in the array.")));
	}
}

/* Sorts rows and labels by id, and numbers labels as the model does. */
static void
arrange_songs(fitting *f, const gh_model *model)
{
	gh_names   *final = gh_model_genre_names(model);
	uint32	   *number = palloc(Max(f->genres->n, 1) * sizeof(uint32));
	uint32	   *order;

	for (uint32 g = 0; g < f->genres->n; g++)
		number[g] = gh_names_find(final, f->genres->name[g], strlen(f->genres->name[g]));
	gh_rows_rank_groups(&f->rows, f->groups);
	order = gh_rows_sort(&f->rows);
	gh_rows_single_groups(&f->rows, f->groups);
	check_ids(&f->rows);
	gh_rows_drop_ids(&f->rows);
	reorder_labels(&f->labels, order, number);
	gh_free(f->rows.ctx, order);
}

static char *
fit_info(gh_ctx *ctx, const fitting *f, const gh_train_options *options, const gh_evaluation *evaluation)
{
	StringInfoData info;

	initStringInfo(&info);
	appendStringInfo(&info, "{\"trained_by\": \"hierarchy_fit\", \"training_rows\": " UINT64_FORMAT
					 ", \"validation_rows\": " UINT64_FORMAT ", \"grouped\": %s, ",
					 (uint64) evaluation->training_rows, (uint64) evaluation->validation_rows,
					 f->rows.group != NULL ? "true" : "false");
	gh_options_json(ctx, &info, options);
	appendStringInfoString(&info, ", \"scores\": ");
	gh_scores_json(&info, evaluation);
	appendStringInfoChar(&info, '}');
	return info.data;
}

/* Once they are cut into bins. */
static void
release_rows(void *arg)
{
	gh_rows    *rows = arg;

	gh_free(rows->ctx, rows->x);
	rows->x = NULL;
}

static void
train(gh_ctx *ctx, fitting *f, const gh_train_options *options, gh_model *model)
{
	gh_training training;
	gh_evaluation evaluation;
	gh_labels	labels = gh_label_list_view(&f->labels, model->n_genres);

	gh_training_init(&training, options);
	training.rows = f->rows.x;
	training.n = f->rows.n;
	training.n_features = f->rows.n_features;
	training.labels = &labels;
	training.group = f->rows.group;
	training.validation = gh_validation_split(ctx, options, &labels, f->rows.group);
	training.release = release_rows;
	training.release_arg = &f->rows;
	training.releasable = f->rows.capacity * (size_t) f->rows.n_features * sizeof(float);
	training.advice = "lower validation_fraction, or train on fewer rows";
	memset(&evaluation, 0, sizeof(evaluation));
	gh_pg_check(ctx, gh_hierarchy_train(ctx, &training, model, &evaluation));
	gh_model_set_info(ctx, model, fit_info(ctx, f, options, &evaluation));
	gh_evaluation_free(ctx, &evaluation);
}

Datum
genre_hier_hierarchy_fit(PG_FUNCTION_ARGS)
{
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	gh_args		args = {"hierarchy_fit", fcinfo, NULL};
	char	   *query = gh_arg_text(&args, 0, "query"),
			   *supergenres;
	ArrayType  *given = PG_ARGISNULL(7) ? NULL : PG_GETARG_ARRAYTYPE_P(7);
	gh_train_options options;
	fitting		f = {
		.column = {
			[COLUMN_ID] = {"id", GH_COLUMN_ANY_AS_TEXT},
			[COLUMN_FEATURES] = {"features", GH_COLUMN_FLOATS},
			[COLUMN_GENRES] = {"genres", GH_COLUMN_TEXTS, .nullable = true},
			[COLUMN_GROUP] = {"fold_group", GH_COLUMN_ANY_AS_TEXT, .optional = true, .nullable = true}
		}
	};
	gh_links	links;
	gh_model	model;
	int			n_given;
	char	  **feature = gh_feature_names_given(given, &n_given);
	bytea	   *result;

	gh_params_parse(ctx, PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2), GH_PARAMS_TUNING,
					(const char *const *) feature, n_given, &options.params);
	if (gh_arg_is_null(&args, 1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("hierarchy_fit: supergenres must not be NULL"),
				 errhint("Give the text of a query that returns genre and supergenre, or genre and parent.")));
	supergenres = gh_arg_text(&args, 1, "supergenres");
	options.iterations = gh_arg_int(&args, 3, "iterations");
	options.folds = gh_arg_int(&args, 4, "folds");
	options.validation_fraction = gh_arg_float(&args, 5, "validation_fraction");
	options.seed = gh_arg_bigint(&args, 6, "seed");
	gh_train_options_check(args.what, &options);
	gh_links_query(&links, args.what, supergenres);
	read_songs(&f, ctx, query, &links);
	feature = gh_feature_names(given, f.rows.n_features);
	gh_pg_check(ctx, gh_boost_check(ctx, &options.params.boost, f.rows.n_features));
	memset(&model, 0, sizeof(model));
	gh_links_plan(ctx, &links, feature, f.rows.n_features, &model);
	arrange_songs(&f, &model);
	train(ctx, &f, &options, &model);
	result = gh_model_bytea(ctx, &model);
	gh_pg_close(ctx);
	PG_RETURN_BYTEA_P(result);
}
