/*
 * catalogue_train.c
 *		train_hierarchy: from three tables to a stored model in one call.
 *
 * Read, split, find or take supergenres, keep their popular genres, train,
 * evaluate, store.  Nothing is written before the last step.
 */
#include "gh_pg_catalogue.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(genre_hier_train_hierarchy);

typedef struct arguments
{
	char	   *model,
			   *supergenres;	/* NULL: found */
	int			genres_per_supergenre;
	int64		min_followers;
	bool		by_artist;
	bool		artist_context; /* the artist's means are features too */
	bool		blend;
	char	  **feature;		/* of the model */
	int			n_features;
	gh_train_options options;
} arguments;

/* ---- arguments --------------------------------------------------------- */

static bool
split_by_artist(const char *value)
{
	if (strcmp(value, "artist") == 0)
		return true;
	if (strcmp(value, "song") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("train_hierarchy: unknown split_by \"%s\"", value),
				 errhint("Use 'artist' (an artist's songs all train or all validate) or 'song'.")));
	return false;
}

/* One of two words. */
static bool
is_second(const char *argument, const char *value, const char *first, const char *second)
{
	if (strcmp(value, second) == 0)
		return true;
	if (strcmp(value, first) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("train_hierarchy: unknown %s \"%s\"", argument, value),
				 errhint("Use '%s' or '%s'.", first, second)));
	return false;
}

static void
read_params(gh_catalogue *c, FunctionCallInfo fcinfo, arguments *a)
{
	const char **feature = palloc(a->n_features * sizeof(char *));

	for (int i = 0; i < a->n_features; i++)
		feature[i] = gh_pg_to_utf8(a->feature[i]);
	gh_params_parse(c->ctx, PG_ARGISNULL(14) ? NULL : PG_GETARG_JSONB_P(14),
					GH_PARAMS_TUNING | GH_PARAMS_CATALOGUE | (a->supergenres == NULL ? GH_PARAMS_DISCOVERY : 0),
					feature, a->n_features, &a->options.params);
	gh_pg_check(c->ctx, gh_boost_check(c->ctx, &a->options.params.boost, a->n_features));
	a->options.params.discovery.genres_per_supergenre = a->genres_per_supergenre;
	a->options.params.discovery.umap.seed = (uint64) a->options.seed;
}

static void
read_arguments(gh_catalogue *c, FunctionCallInfo fcinfo, arguments *a)
{
	gh_args		args = {"train_hierarchy", fcinfo, NULL};

	a->model = gh_arg_text(&args, 0, "model");
	gh_registry_check_name(a->model);
	gh_table_find("songs", gh_arg_text(&args, 1, "songs"), GH_SONGS_COLUMNS, &c->songs_table);
	gh_table_find("artists", gh_arg_text(&args, 2, "artists"), GH_ARTISTS_COLUMNS, &c->artists_table);
	gh_table_find("song_artists", gh_arg_text(&args, 3, "song_artists"), GH_LINKS_COLUMNS, &c->links_table);
	a->supergenres = gh_arg_is_null(&args, 4) ? NULL : gh_arg_text(&args, 4, "supergenres");
	if (gh_arg_is_null(&args, 5))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("train_hierarchy: features must not be NULL"),
				 errhint("Leave it out for the features of song_features().")));
	c->feature = gh_catalogue_features(PG_GETARG_ARRAYTYPE_P(5), &c->n_features);
	a->genres_per_supergenre = gh_arg_int(&args, 6, "genres_per_supergenre");
	if (a->genres_per_supergenre < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("train_hierarchy: genres_per_supergenre is out of range"),
				 errdetail("The value is %d; it must be at least 1.", a->genres_per_supergenre)));
	a->min_followers = gh_arg_bigint(&args, 7, "min_followers");
	a->options.validation_fraction = gh_arg_float(&args, 8, "validation_fraction");
	a->by_artist = split_by_artist(gh_arg_text(&args, 9, "split_by"));
	a->options.iterations = gh_arg_int(&args, 10, "iterations");
	a->options.folds = gh_arg_int(&args, 11, "folds");
	a->artist_context = is_second("context", gh_arg_text(&args, 12, "context"), "song", "artist");
	a->blend = is_second("combine", gh_arg_text(&args, 13, "combine"), "product", "blend");
	a->options.seed = gh_arg_bigint(&args, 15, "seed");
	a->feature = a->artist_context ? gh_context_features(c->feature, c->n_features) : c->feature;
	a->n_features = a->artist_context ? 2 * c->n_features : c->n_features;
	gh_train_options_check(args.what, &a->options);
	read_params(c, fcinfo, a);
}

/* ---- genres ------------------------------------------------------------ */

static void
given_links(gh_catalogue *c, const arguments *a, gh_links *links)
{
	gh_links	given;
	char	   *query = a->supergenres;

	if (!gh_is_query(query))
	{
		gh_table	table;

		gh_table_find("supergenres", query, "genre and supergenre, or genre and parent", &table);
		query = psprintf("SELECT * FROM %s", table.name);
	}
	gh_links_query(&given, "train_hierarchy", query);
	gh_catalogue_keep_popular(c, &given, a->genres_per_supergenre, links);
}

/* ---- rows to train on -------------------------------------------------- */

typedef struct kept_rows
{
	gh_label_list labels;		/* positions in the model's genres */
	uint32_t   *artist;			/* the first of every song */
	float	   *weights;		/* NULL: all 1 */
	uint8_t    *validation;
	size_t		training_songs,
				validation_songs;
} kept_rows;

/* Songs with a kept genre that are not set aside move up to the front of c->songs.x. */
static void
keep_songs(gh_catalogue *c, const gh_model *model, kept_rows *kept)
{
	gh_names   *names = gh_model_genre_names(model);
	uint32	   *position = palloc(c->genre->n * sizeof(uint32));
	Size		row = c->n_features * sizeof(float);

	for (uint32 g = 0; g < c->genre->n; g++)
		position[g] = gh_names_find(names, c->genre->name[g], strlen(c->genre->name[g]));
	memset(kept, 0, sizeof(*kept));
	gh_label_list_init(&kept->labels, c->ctx);
	kept->artist = gh_pg_alloc(c->ctx, c->songs.n, sizeof(uint32_t));
	kept->validation = gh_pg_alloc(c->ctx, c->songs.n, sizeof(uint8_t));
	for (size_t i = 0; i < c->songs.n; i++)
	{
		size_t		at = kept->labels.n;
		bool		begun = false;

		if (i % 65536 == 0)
			CHECK_FOR_INTERRUPTS();
		for (uint64_t j = c->song_genres.begin[i]; j < c->song_genres.begin[i + 1] && c->use[i] != GH_SONG_SET_ASIDE; j++)
		{
			uint32		genre = position[c->song_genres.label[j]];

			if (genre == PG_UINT32_MAX)
				continue;
			if (!begun)
				gh_label_list_row(&kept->labels);
			begun = true;
			gh_label_list_add(&kept->labels, genre);
		}
		if (!begun)
			continue;
		memmove((char *) c->songs.x + at * row, (char *) c->songs.x + i * row, row);
		kept->validation[at] = c->use[i] == GH_SONG_VALIDATES;
		kept->validation_songs += kept->validation[at];
		kept->artist[at] = c->song_artists.label[c->song_artists.begin[i]];
	}
	kept->training_songs = kept->labels.n - kept->validation_songs;
	c->songs.n = kept->labels.n;
	gh_rows_trim(&c->songs);
	gh_label_list_trim(&kept->labels);
	gh_label_list_free(&c->song_artists);
	gh_label_list_free(&c->song_genres);
	gh_free(c->ctx, c->use);
	c->use = NULL;
	gh_note(c->ctx, "catalogue", "%zu songs with one of the %u genres train, %zu validate", kept->training_songs,
			model->n_genres, kept->validation_songs);
}

/* ---- what is told about it --------------------------------------------- */

/* A list of the grid, when it was given. */
static void
describe_list(StringInfo out, const char *name, const int *values, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (i == 0)
			appendStringInfo(out, ", \"%s\": [", name);
		appendStringInfo(out, "%s%d%s", i > 0 ? ", " : "", values[i], i == n - 1 ? "]" : "");
	}
}

/* Members common to the model's description and the registry's. */
static void
describe(gh_catalogue *c, const arguments *a, StringInfo out)
{
	const gh_discovery_params *d = &a->options.params.discovery;

	appendStringInfo(out, "\"context\": \"%s\", \"combine\": \"%s\", ", a->artist_context ? "artist" : "song",
					 a->blend ? "blend" : "product");
	if (a->options.params.max_songs > 0)
		appendStringInfo(out, "\"max_songs\": " INT64_FORMAT ", ", a->options.params.max_songs);
	appendStringInfo(out, "\"genres_per_supergenre\": %d, \"min_followers\": " INT64_FORMAT ", \"split_by\": \"%s\", ",
					 a->genres_per_supergenre, a->min_followers, a->by_artist ? "artist" : "song");
	gh_options_json(c->ctx, out, &a->options);
	if (a->supergenres != NULL)
		return;
	appendStringInfo(out, ", \"discovery\": {\"n_neighbors\": %d, \"min_dist\": ", d->umap.n_neighbors);
	gh_json_number(out, d->umap.min_dist);
	appendStringInfo(out, ", \"min_clusters\": %d, \"max_clusters\": %d, \"max_noise\": ", d->min_clusters,
					 d->max_clusters);
	gh_json_number(out, d->max_noise);
	appendStringInfoString(out, ", \"min_cluster_fraction\": ");
	gh_json_number(out, d->min_cluster_fraction);
	if (d->umap.n_epochs > 0)
		appendStringInfo(out, ", \"n_epochs\": %d", d->umap.n_epochs);
	describe_list(out, "min_cluster_size", d->min_cluster_size, d->n_min_cluster_size);
	describe_list(out, "min_samples", d->min_samples, d->n_min_samples);
	appendStringInfoChar(out, '}');
}

/* The model's own description: no table names, so that equal data give equal bytes. */
static char *
model_description(gh_catalogue *c, const arguments *a, const kept_rows *kept, const gh_evaluation *evaluation)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"trained_by\": \"train_hierarchy\", \"training_songs\": %zu, \"validation_songs\": %zu, ",
					 kept->training_songs, kept->validation_songs);
	describe(c, a, &json);
	appendStringInfoString(&json, ", \"scores\": ");
	gh_scores_json(&json, evaluation);
	if (c->discovery != NULL)
		appendStringInfo(&json, ", \"discovered\": %s", c->discovery);
	appendStringInfoChar(&json, '}');
	return json.data;
}

static Datum
registry_params(gh_catalogue *c, const arguments *a)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, "{\"songs\": ");
	gh_json_string(&json, c->songs_table.stored);
	appendStringInfoString(&json, ", \"artists\": ");
	gh_json_string(&json, c->artists_table.stored);
	appendStringInfoString(&json, ", \"song_artists\": ");
	gh_json_string(&json, c->links_table.stored);
	appendStringInfoString(&json, ", \"supergenres\": ");
	if (a->supergenres == NULL)
		appendStringInfoString(&json, "null");
	else
		gh_json_string(&json, a->supergenres);
	appendStringInfoString(&json, ", ");
	describe(c, a, &json);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* The blend is the last. */
static int
n_classifiers(const arguments *a)
{
	return a->blend ? GH_N_CLASSIFIERS : GH_BLEND;
}

static void
node_metrics(StringInfo out, const gh_model *model, const gh_evaluation *evaluation, int classifier, uint32 i, bool *any)
{
	const gh_node *node = &model->node[i];
	size_t		at = (size_t) classifier * model->n_nodes + i;

	/* vanilla and blend have no supergenres; the hint of a top node is the truth itself */
	if (isnan(evaluation->node_ap[at]) && isnan(evaluation->node_coverage[at]) &&
		(classifier == GH_VANILLA || classifier == GH_BLEND ? !node->is_genre : classifier == GH_HIERARCHICAL_HINT && node->parent < 0))
		return;
	appendStringInfo(out, "%s{\"classifier\": \"%s\", \"node\": ", *any ? ", " : "", gh_classifier_name(classifier));
	gh_json_string(out, gh_pg_from_utf8(node->name));
	appendStringInfoString(out, ", \"supergenre\": ");
	if (node->parent < 0)
		appendStringInfoString(out, "null");
	else
		gh_json_string(out, gh_pg_from_utf8(model->node[node->parent].name));
	appendStringInfo(out, ", \"is_genre\": %s, \"average_precision\": ", node->is_genre ? "true" : "false");
	gh_json_number(out, evaluation->node_ap[at]);
	appendStringInfoString(out, ", \"coverage_error\": ");
	gh_json_number(out, evaluation->node_coverage[at]);
	appendStringInfo(out, ", \"positives\": " UINT64_FORMAT "}", (uint64) evaluation->node_positives[i]);
	*any = true;
}

static Datum
registry_metrics(const gh_catalogue *c, const arguments *a, const gh_model *model, const gh_evaluation *evaluation, const kept_rows *kept)
{
	StringInfoData json;
	bool		any = false;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"genres\": %u, \"supergenres\": %u, \"training_songs\": %zu, \"validation_songs\": %zu, "
					 "\"classifiers\": ", model->n_genres, model->n_nodes - model->n_genres, kept->training_songs,
					 kept->validation_songs);
	gh_scores_json(&json, evaluation);
	if (c->discovery != NULL)
		appendStringInfo(&json, ", \"discovered\": %s", c->discovery);
	appendStringInfoString(&json, ", \"nodes\": [");
	for (int classifier = 0; classifier < n_classifiers(a) && kept->validation_songs > 0; classifier++)
		for (uint32 i = 0; i < model->n_nodes; i++)
			node_metrics(&json, model, evaluation, classifier, i, &any);
	appendStringInfoString(&json, "]}");
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

static Datum
features_array(const gh_catalogue *c)
{
	Datum	   *name = palloc(c->n_features * sizeof(Datum));

	for (int i = 0; i < c->n_features; i++)
		name[i] = CStringGetTextDatum(c->feature[i]);
	return PointerGetDatum(construct_array(name, c->n_features, TEXTOID, -1, false, TYPALIGN_INT));
}

/* The study's table: one row per classifier. */
static void
put_scores(const arguments *a, const gh_model *model, const gh_evaluation *evaluation, const kept_rows *kept, Tuplestorestate *store,
		   TupleDesc tupdesc)
{
	for (int classifier = 0; classifier < n_classifiers(a); classifier++)
	{
		const gh_score *score = &evaluation->score[classifier];
		Datum		values[8];
		bool		nulls[8] = {false};

		values[0] = CStringGetTextDatum(gh_classifier_name(classifier));
		values[1] = Float8GetDatum(score->average_precision);
		values[2] = Float8GetDatum(score->coverage_error);
		values[3] = Float8GetDatum(score->min_coverage_error);
		nulls[1] = !score->defined || isnan(score->average_precision);
		nulls[2] = nulls[3] = !score->defined;
		values[4] = Int32GetDatum((int32) model->n_genres);
		values[5] = Int32GetDatum((int32) (model->n_nodes - model->n_genres));
		values[6] = Int64GetDatum((int64) kept->training_songs);
		values[7] = Int64GetDatum((int64) kept->validation_songs);
		tuplestore_putvalues(store, tupdesc, values, nulls);
	}
}

/* ---- the whole --------------------------------------------------------- */

static void
plan_model(gh_catalogue *c, const arguments *a, gh_model *model)
{
	gh_links	links;
	char	  **feature = palloc(a->n_features * sizeof(char *));

	if (a->supergenres == NULL)
		gh_catalogue_discover(c, &a->options.params.discovery, &links);
	else
		given_links(c, a, &links);
	for (int i = 0; i < a->n_features; i++)
		feature[i] = gh_pg_to_utf8(a->feature[i]);
	gh_links_plan(c->ctx, &links, feature, a->n_features, model);
}

/* Once they are cut into bins, a quarter of the size. */
static void
release_rows(void *arg)
{
	gh_catalogue *c = arg;

	gh_free(c->ctx, c->songs.x);
	c->songs.x = NULL;
}

static void
train(gh_catalogue *c, const arguments *a, const kept_rows *kept, gh_model *model, gh_evaluation *evaluation)
{
	gh_training training;
	gh_labels	labels = gh_label_list_view(&kept->labels, model->n_genres);

	if (kept->training_songs == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("train_hierarchy: no song is left to train on"),
				 errdetail("Of the songs with one of the genres, %zu validate.", kept->validation_songs),
				 errhint("Lower validation_fraction, or split_by => 'song'.")));
	gh_training_init(&training, &a->options);
	training.rows = c->songs.x;
	training.n = c->songs.n;
	training.n_features = a->n_features;
	training.labels = &labels;
	training.group = a->by_artist ? kept->artist : NULL;
	training.weights = kept->weights;
	training.validation = kept->validation;
	training.vanilla = true;
	training.blend = a->blend;
	training.advice = "lower validation_fraction, or set max_songs in params";
	training.release = release_rows;
	training.release_arg = c;
	training.releasable = c->songs.capacity * (size_t) a->n_features * sizeof(float);
	memset(evaluation, 0, sizeof(*evaluation));
	gh_pg_check(c->ctx, gh_hierarchy_train(c->ctx, &training, model, evaluation));
}

Datum
genre_hier_train_hierarchy(PG_FUNCTION_ARGS)
{
	gh_catalogue c;
	arguments	a;
	TupleDesc	tupdesc;
	Tuplestorestate *store = gh_pg_materialize(fcinfo, &tupdesc);
	char	   *registry = gh_registry(fcinfo, ACL_SELECT | ACL_INSERT);
	gh_model	model;
	kept_rows	kept;
	gh_evaluation evaluation;
	int32		version;

	memset(&c, 0, sizeof(c));
	c.ctx = gh_pg_open(CurrentMemoryContext);
	c.context = CurrentMemoryContext;
	read_arguments(&c, fcinfo, &a);
	gh_catalogue_read(&c, a.min_followers, a.options.params.max_songs, (uint64) a.options.seed);
	gh_catalogue_split(&c, &a.options, a.by_artist);
	memset(&model, 0, sizeof(model));
	plan_model(&c, &a, &model);
	keep_songs(&c, &model, &kept);
	if (a.artist_context)
	{
		gh_catalogue_add_context(&c, gh_pg_schema(fcinfo), kept.artist);
		kept.weights = gh_catalogue_weights(&c, kept.artist, kept.validation);
	}
	train(&c, &a, &kept, &model, &evaluation);
	gh_model_set_info(c.ctx, &model, model_description(&c, &a, &kept, &evaluation));
	version = gh_registry_insert(registry, a.model, c.songs_table.stored, features_array(&c), registry_params(&c, &a),
								 registry_metrics(&c, &a, &model, &evaluation, &kept),
								 PointerGetDatum(gh_model_bytea(c.ctx, &model)));
	gh_note(c.ctx, "registry", "stored as version %d of model \"%s\" in %s", version, gh_pg_to_utf8(a.model), registry);
	put_scores(&a, &model, &evaluation, &kept, store, tupdesc);
	gh_pg_close(c.ctx);
	return (Datum) 0;
}
