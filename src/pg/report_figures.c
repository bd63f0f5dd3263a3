/*
 * report_figures.c
 *		The chapters of model_report that look at songs and artists: the
 *		projection, SHAP values, examples.
 */
#include "gh_pg_report.h"

#include "executor/spi.h"
#include "utils/lsyscache.h"

#include "gh_pg_plot.h"

/* Supergenres whose SHAP values are drawn: those with the most songs. */
#define SUPERGENRES "12"
/* Songs among which examples are looked for. */
#define DRAWN "500"

/* ---- supergenres and genres --------------------------------------------- */

static const char supergenre_rows[] =
"SELECT s.node, to_char(s.positives, 'FM999,999,999,990'), d.e ->> 'artists', round(s.average_precision::numeric, 3)::text,"
" (SELECT string_agg(g.node, ', ' ORDER BY g.positives DESC, g.place) FROM node AS g WHERE g.parent = s.node AND g.level = s.level + 1)"
" FROM node AS s LEFT JOIN (SELECT e FROM v, jsonb_array_elements(v.metrics #> '{discovered,supergenres}') AS e) AS d"
" ON d.e ->> 'supergenre' = s.node WHERE NOT s.is_genre ORDER BY s.positives DESC, s.place";

static const char discovery_rows[] =
"SELECT t.what, t.value FROM v, LATERAL (VALUES"
" (1, 'Artists projected', to_char((v.metrics #>> '{discovered,artists}')::bigint, 'FM999,999,999,990')),"
" (2, 'Projection (UMAP)', 'n_neighbors ' || (v.params #>> '{discovery,n_neighbors}') || ', min_dist '"
"  || (v.params #>> '{discovery,min_dist}')),"
" (3, 'Clusterings compared', to_char((v.metrics #>> '{discovered,settings_tried}')::bigint, 'FM999,999,999,990')),"
" (4, 'The best (HDBSCAN)', 'min_cluster_size ' || (v.metrics #>> '{discovered,min_cluster_size}') || ', min_samples '"
"  || (v.metrics #>> '{discovered,min_samples}') || ', ' || (v.metrics #>> '{discovered,cluster_selection_method}')),"
" (5, 'Its DBCV', round((v.metrics #>> '{discovered,dbcv}')::numeric, 3)::text),"
" (6, 'Clusters', to_char((v.metrics #>> '{discovered,clusters}')::bigint, 'FM999,999,999,990')),"
" (7, 'Artists in no cluster', to_char((v.metrics #>> '{discovered,noise}')::bigint, 'FM999,999,999,990'))"
") AS t (n, what, value) WHERE t.value IS NOT NULL ORDER BY t.n";

/* Settings of the projection and the clustering, as literals; cluster settings are NULL when supergenres were given. */
static const char settings_row[] =
"SELECT COALESCE(v.params #>> '{discovery,n_neighbors}', '30'), COALESCE(v.params #>> '{discovery,min_dist}', '0'),"
" COALESCE(v.params #>> '{discovery,n_epochs}', 'NULL'), COALESCE(v.params ->> 'seed', '42'),"
" COALESCE(v.params ->> 'min_followers', '0'), quote_literal(v.features::text),"
" v.metrics #>> '{discovered,min_cluster_size}', v.metrics #>> '{discovered,min_samples}',"
" quote_literal(v.metrics #>> '{discovered,cluster_selection_method}') FROM v";

/* The query of plot_projection: a point per artist, the cluster's name, the names of the most followed. */
static char *
projection_query(gh_report *report, const char *label)
{
	StringInfoData sql;
	char	   *setting[9],
			   *points,
			   *cluster;

	gh_report_run(report, gh_report_with(report, settings_row));
	for (int i = 0; i < 9; i++)
		setting[i] = gh_report_cell(0, i);
	points = psprintf("SELECT artist_id AS id, features FROM %s.artist_features(%s, %s, %s, %s, %s)", report->schema,
					  quote_literal_cstr(report->newest.songs), quote_literal_cstr(report->artists),
					  quote_literal_cstr(report->links), setting[5], setting[4]);
	cluster = setting[6] == NULL || setting[7] == NULL || setting[8] == NULL ? NULL :
		psprintf("%s.hdbscan_cluster(u.embedding, min_cluster_size => %s, min_samples => %s,"
				 " cluster_selection_method => %s) OVER ()", report->schema, setting[6], setting[7], setting[8]);
	initStringInfo(&sql);
	appendStringInfo(&sql, "WITH genre AS MATERIALIZED (SELECT n.node, n.parent FROM %s AS m, %s.model_nodes(m.model) AS n"
					 " WHERE m.name = %s AND m.version = %d AND n.is_genre AND n.parent IS NOT NULL),", report->registry,
					 report->schema, quote_literal_cstr(report->model), report->version);
	appendStringInfo(&sql, " point AS MATERIALIZED (SELECT u.id, u.embedding, %s AS cluster FROM %s.umap_project(%s,"
					 " n_neighbors => %s, min_dist => %s, n_epochs => %s, seed => %s) AS u),",
					 cluster == NULL ? "NULL::int" : cluster, report->schema, quote_literal_cstr(points), setting[0], setting[1],
					 setting[2], setting[3]);
	appendStringInfo(&sql, " placed AS MATERIALIZED (SELECT p.*, a.followers, a.%s::text AS label,"
					 " (SELECT g.parent FROM unnest(a.genres) AS own (genre) JOIN genre AS g ON g.node = own.genre"
					 " GROUP BY g.parent ORDER BY count(*) DESC, g.parent COLLATE \"C\" LIMIT 1) AS supergenre"
					 " FROM point AS p JOIN %s AS a ON a.artist_id::text = p.id),", label, report->artists);
	/* clusters of one supergenre are one colour */
	appendStringInfo(&sql, " named AS (SELECT cluster, mode() WITHIN GROUP (ORDER BY supergenre COLLATE \"C\") AS name"
					 " FROM placed WHERE cluster IS NOT NULL GROUP BY cluster),"
					 " shown AS (SELECT p.*, %s AS name FROM placed AS p LEFT JOIN named AS n ON n.cluster = p.cluster)"
					 " SELECT embedding, name AS cluster, CASE WHEN name IS NOT NULL AND row_number() OVER (PARTITION BY name"
					 " ORDER BY followers DESC NULLS LAST, id COLLATE \"C\") <= 3 THEN label END AS label FROM shown",
					 cluster == NULL ? "p.supergenre" : "COALESCE(n.name, 'cluster ' || p.cluster)");
	return sql.data;
}

static void
put_projection(gh_report *report)
{
	gh_table	artists;
	bool		named;
	char	   *query;

	gh_page_heading(&report->page, "The artists");
	if (report->artists == NULL || report->links == NULL || !report->songs_readable)
	{
		gh_report_paragraph(report, "The tables that the model was trained on are not there, or may not be read, so the artists "
							"cannot be drawn.");
		return;
	}
	gh_table_find("artists", report->artists, GH_ARTISTS_COLUMNS, &artists);
	named = get_attnum(artists.relid, "name") > 0;
	query = projection_query(report, named ? "name" : "artist_id");
	gh_report_figure(report, psprintf("SELECT %s.plot_projection(%s, 'Artists by the sound of their songs')", report->schema,
									  quote_literal_cstr(query)),
					 "One point per artist: the mean features of the songs, projected anew from the tables as they are now. Where "
					 "supergenres were found, so are the clusters, with the settings that were best, and each has the colour of "
					 "the supergenre that most of its artists' genres belong to; faint points belong to none. The names are those "
					 "of the most followed artists.");
}

void
gh_report_supergenres(gh_report *report)
{
	static const gh_page_column columns[] = {
		{"Supergenre", false}, {"Training songs", true}, {"Artists in the cluster", true}, {"Average precision", true},
		{"Genres", false}
	};
	static const gh_page_column settings[] = {{"Step", false}, {"Value", false}};

	gh_report_table(report, "Supergenres, the largest first", columns, lengthof(columns),
					gh_report_with(report, supergenre_rows), "The model has no supergenres.");
	gh_report_figure(report, psprintf("SELECT %s.plot_hierarchy($1)", report->schema),
					 "Supergenres and their genres with their training songs and scores.");
	gh_page_heading(&report->page, "How they were found");
	gh_report_table(report, "From artists to clusters", settings, lengthof(settings),
					gh_report_with(report, discovery_rows), "They were given, not found.");
	put_projection(report);
}

/* ---- what decides ------------------------------------------------------- */

/* Names of nodes (server's encoding) that a statement lists in its first column. */
static char **
node_names(gh_report *report, const char *statement, uint64 *n)
{
	char	  **name;

	gh_report_run(report, statement);
	*n = SPI_processed;
	name = palloc(Max(*n, 1) * sizeof(char *));
	for (uint64 i = 0; i < *n; i++)
		name[i] = gh_report_cell(i, 0);
	return name;
}

void
gh_report_reasons(gh_report *report)
{
	uint64		n;
	char	  **node;

	gh_report_paragraph(report, "A SHAP value is what one feature of one song brought to the classifier's answer, in log-odds: above "
						"0 it spoke for the supergenre, below 0 against it. The values and the base value add up to the answer.");
	if (!report->songs_readable)
	{
		gh_report_paragraph(report, "The songs that the model was trained on are not there, or may not be read, so their SHAP values "
							"cannot be drawn.");
		return;
	}
	node = node_names(report, gh_report_with(report, "SELECT CASE WHEN is_genre THEN 'genre:' ELSE 'supergenre:' END || node"
											 " FROM node WHERE parent IS NULL ORDER BY positives DESC, place LIMIT " SUPERGENRES), &n);
	for (uint64 i = 0; i < n; i++)
	{
		const char *literal = quote_literal_cstr(node[i]);

		gh_page_heading(&report->page, gh_plot_utf8(strchr(node[i], ':') + 1));
		gh_report_figure(report, psprintf("SELECT %s.plot_shap_summary(%s, $1)", report->schema, literal),
						 "Each dot is a song. Colours are the feature's value: what the classifier makes of low and of high values.");
		gh_report_figure(report, psprintf("SELECT %s.plot_shap_paths(%s, $1)", report->schema, literal),
						 "Each line is a song on its way from the base value to the answer.");
	}
}

/* ---- example songs ------------------------------------------------------ */

/* Songs of the three largest supergenres, drawn by a hash of their ids, with artists and their genres. */
static char *
example_query(gh_report *report)
{
	gh_table	songs;
	char	  **feature;
	int			n;
	StringInfoData sql;

	feature = gh_catalogue_features(DatumGetArrayTypeP(report->newest.features), &n);
	gh_table_find("songs", report->newest.songs, GH_SONGS_COLUMNS, &songs);
	initStringInfo(&sql);
	appendStringInfo(&sql, ", drawn AS MATERIALIZED (SELECT s.song_id, md5((SELECT params ->> 'seed' FROM v) || ':' ||"
					 " s.song_id::text) COLLATE \"C\" AS place FROM %s AS s WHERE %s ORDER BY place, s.song_id LIMIT " DRAWN "),",
					 songs.name, gh_table_complete(&songs, "s", feature, n));
	appendStringInfo(&sql, " carried AS (SELECT DISTINCT ON (g.parent) g.parent, d.song_id FROM drawn AS d"
					 " JOIN %s AS l ON l.song_id = d.song_id JOIN %s AS a ON a.artist_id = l.artist_id"
					 " CROSS JOIN unnest(a.genres) AS own (genre) JOIN node AS g ON g.is_genre AND g.node = own.genre"
					 " WHERE g.parent IS NOT NULL ORDER BY g.parent, d.place, d.song_id)", report->links, report->artists);
	appendStringInfo(&sql, " SELECT c.song_id::text, s.node, (SELECT string_agg(a.%s::text, ', ' ORDER BY a.artist_id)"
					 " FROM %s AS l JOIN %s AS a ON a.artist_id = l.artist_id WHERE l.song_id = c.song_id),"
					 " (SELECT string_agg(DISTINCT own.genre, ', ') FROM %s AS l JOIN %s AS a ON a.artist_id = l.artist_id"
					 " CROSS JOIN unnest(a.genres) AS own (genre) WHERE l.song_id = c.song_id)"
					 " FROM carried AS c JOIN node AS s ON s.node = c.parent AND NOT s.is_genre"
					 " ORDER BY s.positives DESC, s.place LIMIT 3",
					 get_attnum(gh_table_look_up(report->artists), "name") > 0 ? "name" : "artist_id",
					 report->links, report->artists, report->links, report->artists);
	return gh_report_with(report, sql.data);
}

static void
put_example(gh_report *report, char *const *cell)
{
	static const gh_page_column columns[] = {
		{"Genre", false}, {"Supergenre", false}, {"Probability", true}, {"P(supergenre)", true}, {"P(genre | supergenre)", true}
	};
	const char *song = quote_literal_cstr(cell[0]);

	gh_page_heading(&report->page, gh_plot_utf8(psprintf("Song %s", cell[0])));
	gh_report_paragraph(report, psprintf("By %s. Genres of the artists: %s.", cell[2] == NULL ? "an artist without a name" : cell[2],
										 cell[3] == NULL ? "none" : cell[3]));
	gh_report_table(report, psprintf("The likeliest genres of %s", cell[0]), columns, lengthof(columns),
					psprintf("SELECT genre, supergenre, round(probability::numeric, 3)::text, round(supergenre_probability::numeric, 3)::text,"
							 " round(conditional_probability::numeric, 3)::text FROM %s.predict_genres(%s::text, $1, 5) ORDER BY rank",
							 report->schema, song),
					"The model has no genres.");
	gh_report_figure(report, psprintf("SELECT %s.plot_decision(%s::text, %s, $1)", report->schema, song,
									  quote_literal_cstr(psprintf("supergenre:%s", cell[1]))),
					 "How the classifier of the supergenre of the song's artists comes to its answer, read upwards.");
}

void
gh_report_examples(gh_report *report)
{
	char	  **cell;
	uint64		n;

	if (report->artists == NULL || report->links == NULL || !report->songs_readable)
	{
		gh_report_paragraph(report, "The tables that the model was trained on are not there, or may not be read.");
		return;
	}
	gh_report_run(report, example_query(report));
	n = SPI_processed;
	cell = palloc(Max(n, 1) * 4 * sizeof(char *));
	for (uint64 i = 0; i < 4 * n; i++)
		cell[i] = gh_report_cell(i / 4, i % 4);
	gh_report_paragraph(report, n == 0 ? "No song was found that has one of the genres." :
						"A song of each of the largest supergenres, drawn by a hash of the ids and so neither good nor bad examples; "
						"most songs of the table took part in training.");
	for (uint64 i = 0; i < n; i++)
		put_example(report, cell + 4 * i);
}
