/*
 * plot_model.c
 *		Pictures of a model of the registry: its scores, one decision, the SHAP
 *		values of many songs.
 */
#include "gh_pg_plot.h"
#include "gh_pg_catalogue.h"
#include "gh_pg_songs.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/acl.h"

#include "draw/gh_model_charts.h"
#include "explain/gh_shap.h"

PG_FUNCTION_INFO_V1(genre_hier_plot_precision);
PG_FUNCTION_INFO_V1(genre_hier_plot_decision_text);
PG_FUNCTION_INFO_V1(genre_hier_plot_decision_bigint);
PG_FUNCTION_INFO_V1(genre_hier_plot_shap_summary);
PG_FUNCTION_INFO_V1(genre_hier_plot_shap_paths);

/* ---- average precision -------------------------------------------------- */

/* In the order in which they are drawn, with what readers call them. */
static const char *const classifiers[GH_CHART_CLASSIFIERS][2] = {
	{"vanilla", "vanilla"},
	{"hierarchical", "hierarchical"},
	{"hierarchical_hint", "with perfect supergenres"},
	{"blend", "blend"}
};

/* Scores of the newest version: of the whole (first row) and of every classifier and node. */
static const char scores_query[] =
"SELECT (v.metrics OPERATOR(pg_catalog.->>) 'validation_songs')::pg_catalog.float8, m.classifier, m.node, m.supergenre,"
" m.is_genre, m.average_precision, m.positives"
" FROM (SELECT metrics FROM %s WHERE name OPERATOR(pg_catalog.=) $1 ORDER BY version DESC LIMIT 1) AS v"
" LEFT JOIN LATERAL pg_catalog.jsonb_to_recordset(v.metrics OPERATOR(pg_catalog.->) 'nodes')"
" AS m (classifier pg_catalog.text, node pg_catalog.text, supergenre pg_catalog.text, is_genre pg_catalog.bool,"
" average_precision pg_catalog.float8, positives pg_catalog.float8) ON true";

/* A node by its name, its parent's, and whether it is a genre: one string. */
static char *
node_key(bool is_genre, const char *node, const char *parent)
{
	return psprintf("%c%zu:%s%s", is_genre ? 'g' : 's', strlen(node), node, parent == NULL ? "" : parent);
}

/* Rows without scores, one per node of the model that is to be shown, and their keys. */
static gh_precision_row *
precision_rows(const gh_model *model, const char *supergenre, gh_names *keys)
{
	gh_precision_row *row = palloc0(Max(model->n_nodes, 1) * sizeof(gh_precision_row));

	for (uint32 i = 0; i < model->n_nodes; i++)
	{
		const gh_node *node = &model->node[i];
		const char *parent = node->parent < 0 ? NULL : model->node[node->parent].name;
		char	   *key;
		uint32		number;

		if (supergenre != NULL && (node->is_genre || strcmp(node->name, supergenre) != 0) &&
			(parent == NULL || strcmp(parent, supergenre) != 0))
			continue;
		key = node_key(node->is_genre, gh_pg_from_utf8(node->name), parent == NULL ? NULL : gh_pg_from_utf8(parent));
		number = gh_names_add(keys, key, strlen(key));
		row[number] = (gh_precision_row) {.name = node->name,.is_genre = node->is_genre,.prevalence = NAN};
		for (int c = 0; c < GH_CHART_CLASSIFIERS; c++)
			row[number].score[c] = NAN;
	}
	if (keys->n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the model has no supergenre \"%s\"", supergenre == NULL ? "" : gh_pg_from_utf8(supergenre)),
				 errhint("model_nodes(model) lists what it has.")));
	return row;
}

static float8
float_of(int column, uint64 i, float8 otherwise)
{
	bool		null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, &null);

	return null ? otherwise : DatumGetFloat8(value);
}

/* The scores of a classifier into the rows; false when it has none. */
static bool
take_scores(gh_precision_row *row, gh_names *keys, int slot, const char *classifier, float8 songs)
{
	bool		any = false;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	tupdesc = SPI_tuptable->tupdesc;
		char	   *name = SPI_getvalue(tuple, tupdesc, 2),
				   *node = SPI_getvalue(tuple, tupdesc, 3),
				   *is_genre = SPI_getvalue(tuple, tupdesc, 5),
				   *key;
		uint32		number;

		if (name == NULL || node == NULL || is_genre == NULL || strcmp(name, classifier) != 0)
			continue;
		key = node_key(is_genre[0] == 't', node, SPI_getvalue(tuple, tupdesc, 4));
		number = gh_names_find(keys, key, strlen(key));
		if (number == PG_UINT32_MAX)
			continue;
		row[number].score[slot] = float_of(6, i, NAN);
		row[number].prevalence = float_of(7, i, NAN) / songs;
		any = true;
	}
	return any;
}

static void
read_scores(const char *registry, const char *model, gh_precision_chart *chart, gh_precision_row *row, gh_names *keys)
{
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(model);
	float8		songs;

	if (SPI_execute_with_args(psprintf(scores_query, registry), 1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading %s failed", registry);
	if (SPI_processed == 0)
		gh_registry_unknown(registry, model);
	songs = float_of(1, 0, 0);
	chart->songs = songs > 0 ? (uint64) songs : 0;
	for (int c = 0; c < GH_CHART_CLASSIFIERS; c++)
		if (take_scores(row, keys, chart->n_classifiers, classifiers[c][0], songs > 0 ? songs : NAN))
			chart->classifier[chart->n_classifiers++] = classifiers[c][1];
}

/* Between SPI_connect and SPI_finish: the newest version, parsed with the cache of the running function. */
static gh_parsed *
newest_model(FunctionCallInfo fcinfo, const char *registry, const char *model, gh_registered *newest)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;
	SPIPlanPtr	plan = NULL;

	if (flinfo->fn_extra == NULL)
		flinfo->fn_extra = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(gh_cache));
	gh_registry_newest(registry, model, true, &plan, newest);
	SPI_freeplan(plan);
	return gh_cache_get(flinfo->fn_extra, flinfo->fn_mcxt, newest->model, GH_MODEL_HIERARCHY);
}

Datum
genre_hier_plot_precision(PG_FUNCTION_ARGS)
{
	gh_args		args = {"plot_precision", fcinfo, NULL};
	char	   *model = gh_arg_text(&args, 0, "model");
	char	   *supergenre = gh_arg_is_null(&args, 1) ? NULL : gh_plot_utf8(gh_arg_text(&args, 1, "supergenre"));
	char	   *registry = gh_registry(fcinfo, ACL_SELECT);
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	gh_precision_chart chart = {.model = gh_plot_utf8(model),.supergenre = supergenre};
	gh_precision_row *row;
	gh_names   *keys;
	gh_registered newest;
	char	   *markup;
	size_t		length;
	text	   *result;

	SPI_connect();
	keys = gh_names_make();
	row = precision_rows(&newest_model(fcinfo, registry, model, &newest)->hierarchy, supergenre, keys);
	read_scores(registry, model, &chart, row, keys);
	chart.row = row;
	chart.n = keys->n;
	gh_pg_check(ctx, gh_draw_precision(ctx, &chart, &markup, &length));
	SPI_finish();
	result = gh_plot_text(ctx, markup, length);
	gh_pg_close(ctx);
	PG_RETURN_TEXT_P(result);
}

/* ---- one decision ------------------------------------------------------- */

/* Name of the node above, NULL for a top node. */
static const char *
parent_name(const gh_model *model, uint32 node)
{
	return model->node[node].parent < 0 ? NULL : model->node[model->node[node].parent].name;
}

static Datum
plot_decision(FunctionCallInfo fcinfo, const char *id)
{
	gh_args		args = {"plot_decision", fcinfo, NULL};
	char	   *node = gh_arg_text(&args, 1, "node"),
			   *model = gh_arg_text(&args, 2, "model");
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	gh_decision_chart chart = {.model = gh_plot_utf8(model),.song = gh_plot_utf8(id)};
	gh_parsed  *parsed;
	double	   *shap;
	uint32_t	number;
	char	   *markup;
	size_t		length;
	text	   *result;

	SPI_connect();
	parsed = gh_catalogue_song(fcinfo, args.what, id, model);
	SPI_finish();
	gh_pg_check(ctx, gh_model_find(ctx, &parsed->hierarchy, gh_plot_utf8(node), &number));
	shap = palloc((parsed->n_features + 1) * sizeof(double));
	gh_pg_check(ctx, gh_shap(ctx, &parsed->hierarchy.node[number].booster, parsed->x, shap));
	chart.node = parsed->hierarchy.node[number].name;
	chart.parent = parent_name(&parsed->hierarchy, number);
	chart.n_features = parsed->n_features;
	chart.feature = parsed->feature;
	chart.value = parsed->given;
	chart.shap = shap;
	gh_pg_check(ctx, gh_draw_decision(ctx, &chart, &markup, &length));
	result = gh_plot_text(ctx, markup, length);
	gh_pg_close(ctx);
	PG_RETURN_TEXT_P(result);
}

Datum
genre_hier_plot_decision_text(PG_FUNCTION_ARGS)
{
	gh_args		args = {"plot_decision", fcinfo, NULL};

	return plot_decision(fcinfo, gh_arg_text(&args, 0, "song_id"));
}

Datum
genre_hier_plot_decision_bigint(PG_FUNCTION_ARGS)
{
	gh_args		args = {"plot_decision", fcinfo, NULL};

	return plot_decision(fcinfo, psprintf(INT64_FORMAT, gh_arg_bigint(&args, 0, "song_id")));
}

/* ---- many songs --------------------------------------------------------- */

typedef gh_status (*draw_songs) (gh_ctx *ctx, const gh_shap_chart *chart, char **text, size_t *length);

static int
sample_argument(const gh_args *args)
{
	int			sample = gh_arg_int(args, 3, "sample");

	if (sample < 1 || sample > GH_CHART_SONGS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s: sample is out of range", args->what),
				 errdetail("The value is %d; it must be between 1 and %d.", sample, GH_CHART_SONGS)));
	return sample;
}

/* SHAP values of the sample, and the base value. */
static void
explain(gh_ctx *ctx, const gh_booster *booster, const gh_song_sample *sample, gh_shap_chart *chart)
{
	size_t		n = chart->n_features;
	float	   *nothing = palloc(n * sizeof(float));
	double	   *shap;

	gh_pg_check(ctx, gh_memory_check(ctx, sample->n * (n + 1) * sizeof(double), "SHAP values of the songs"));
	shap = gh_pg_alloc(ctx, Max(sample->n, 1) * (n + 1), sizeof(double));
	for (size_t f = 0; f < n; f++)
		nothing[f] = NAN;
	gh_pg_check(ctx, gh_shap(ctx, booster, nothing, shap));
	chart->base_value = shap[n];
	gh_pg_check(ctx, gh_shap_rows(ctx, booster, sample->value, sample->n, n, shap));
	chart->shap = shap;
	chart->value = sample->value;
	chart->song = sample->id;
	chart->n = sample->n;
}

/* The registry's seed for a model, as it stands there. */
static char *
model_seed(const char *registry, const char *model, int32 version)
{
	Oid			types[2] = {TEXTOID, INT4OID};
	Datum		values[2] = {CStringGetTextDatum(model), Int32GetDatum(version)};
	char	   *seed;

	if (SPI_execute_with_args(psprintf("SELECT params OPERATOR(pg_catalog.->>) 'seed' FROM %s"
									   " WHERE name OPERATOR(pg_catalog.=) $1 AND version OPERATOR(pg_catalog.=) $2",
									   registry), 2, types, values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "reading %s failed", registry);
	seed = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	return seed == NULL ? "" : seed;
}

static void
notice_left_out(const char *what, const gh_song_sample *sample)
{
	if (sample->left_out > 0)
		ereport(NOTICE,
				(errmsg("%s: %zu songs with an infinite feature are left out", what, sample->left_out)));
}

/* Where the songs of a model are: its table, or a query that adds the means of the artists. */
static char *
songs_of(FunctionCallInfo fcinfo, const gh_registered *newest, char **feature, int n_features)
{
	gh_table	songs,
				links;

	if (!newest->artist_context)
		return newest->songs;
	gh_table_find("songs", newest->songs, GH_SONGS_COLUMNS, &songs);
	gh_table_find("song_artists", newest->song_artists, GH_LINKS_COLUMNS, &links);
	return gh_context_query(gh_pg_schema(fcinfo), &songs, &links, feature, n_features / 2);
}

static Datum
plot_songs(FunctionCallInfo fcinfo, const char *what, draw_songs draw)
{
	gh_args		args = {what, fcinfo, NULL};
	char	   *node = gh_arg_text(&args, 0, "node"),
			   *model = gh_arg_text(&args, 1, "model"),
			   *songs = gh_arg_is_null(&args, 2) ? NULL : gh_arg_text(&args, 2, "songs");
	int			most = sample_argument(&args);
	char	   *registry = gh_registry(fcinfo, ACL_SELECT);
	gh_ctx	   *ctx = gh_pg_open(CurrentMemoryContext);
	gh_shap_chart chart = {.model = gh_plot_utf8(model)};
	gh_song_sample sample;
	gh_registered newest;
	gh_parsed  *parsed;
	char	  **feature;
	uint32_t	number;
	char	   *markup;
	size_t		length;
	text	   *result;

	SPI_connect();
	parsed = newest_model(fcinfo, registry, model, &newest);
	gh_pg_check(ctx, gh_model_find(ctx, &parsed->hierarchy, gh_plot_utf8(node), &number));
	feature = palloc(parsed->n_features * sizeof(char *));
	for (int f = 0; f < parsed->n_features; f++)
		feature[f] = gh_pg_from_utf8(parsed->feature[f]);
	gh_song_sample_read(ctx, what, songs == NULL ? songs_of(fcinfo, &newest, feature, parsed->n_features) : songs,
						feature, parsed->n_features, most,
						model_seed(registry, model, newest.version),
						songs != NULL ? "Name a table or view, or give a query." :
						"The model was trained on it. Name another with songs => 'schema.table', or give a query.",
						&sample);
	notice_left_out(what, &sample);
	chart.node = parsed->hierarchy.node[number].name;
	chart.parent = parent_name(&parsed->hierarchy, number);
	chart.n_features = parsed->n_features;
	chart.feature = parsed->feature;
	explain(ctx, &parsed->hierarchy.node[number].booster, &sample, &chart);
	gh_pg_check(ctx, draw(ctx, &chart, &markup, &length));
	SPI_finish();
	result = gh_plot_text(ctx, markup, length);
	gh_pg_close(ctx);
	PG_RETURN_TEXT_P(result);
}

Datum
genre_hier_plot_shap_summary(PG_FUNCTION_ARGS)
{
	return plot_songs(fcinfo, "plot_shap_summary", gh_draw_shap_summary);
}

Datum
genre_hier_plot_shap_paths(PG_FUNCTION_ARGS)
{
	return plot_songs(fcinfo, "plot_shap_paths", gh_draw_shap_paths);
}
