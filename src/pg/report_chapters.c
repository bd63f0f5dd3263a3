/*
 * report_chapters.c
 *		The chapters of model_report that say what a model is: tables out of the
 *		registry and the model's bytes.
 */
#include "gh_pg_report.h"

#include "gh_pg_plot.h"

/* ---- what was trained on what ------------------------------------------- */

static const char model_rows[] =
"SELECT t.what, t.value FROM v, LATERAL (VALUES"
" (1, 'Model', v.name || ', version ' || v.version),"
" (2, 'Trained', to_char(v.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC by ' || v.created_by),"
" (3, 'Songs', v.songs),"
" (4, 'Artists', v.params ->> 'artists'),"
" (5, 'Whose song is whose', v.params ->> 'song_artists'),"
" (6, 'Training songs', to_char((v.metrics ->> 'training_songs')::bigint, 'FM999,999,999,990')),"
" (7, 'Validation songs', to_char((v.metrics ->> 'validation_songs')::bigint, 'FM999,999,999,990')"
"  || COALESCE(' (' || (v.params ->> 'split_by') || 's that took no part in training)', '')),"
" (8, 'Genres', (SELECT count(*)::text FROM node WHERE is_genre)),"
" (9, 'Supergenres', (SELECT count(*)::text FROM node WHERE NOT is_genre)"
"  || CASE WHEN v.params ->> 'supergenres' IS NOT NULL THEN ', given' WHEN v.metrics ? 'discovered' THEN ', found' ELSE '' END),"
" (10, 'Features', array_to_string(v.features, ', ')),"
" (11, 'Tuning', CASE WHEN (v.params ->> 'iterations')::int = 0 THEN 'none: parameters as given'"
"  ELSE (v.params ->> 'iterations') || ' trials of Bayesian optimisation per classifier, ' || (v.params ->> 'folds')"
"  || '-fold cross-validation, by ' || replace(v.params ->> 'metric', '_', ' ') END),"
" (12, 'Trees', (SELECT to_char(sum(trees), 'FM999,999,999,990') FROM node)),"
" (13, 'Size', pg_size_pretty(length(v.model)::bigint)),"
" (14, 'Seed', v.params ->> 'seed')"
") AS t (n, what, value) WHERE t.value IS NOT NULL ORDER BY t.n";

void
gh_report_model(gh_report *report)
{
	static const gh_page_column columns[] = {{"What", false}, {"Value", false}};

	gh_report_table(report, "The model and what it was trained on", columns, lengthof(columns),
					gh_report_with(report, model_rows), "Nothing is known of it.");
}

/* ---- how well it predicts ----------------------------------------------- */

static const char score_rows[] =
"SELECT CASE e ->> 'classifier' WHEN 'hierarchical_hint' THEN 'hierarchical, with perfect supergenres'"
" ELSE e ->> 'classifier' END,"
" round((e ->> 'average_precision')::numeric, 4)::text, round((e ->> 'coverage_error')::numeric, 3)::text,"
" round((e ->> 'min_coverage_error')::numeric, 3)::text"
" FROM v, jsonb_array_elements(v.metrics -> 'classifiers') WITH ORDINALITY AS c (e, n) ORDER BY c.n";

void
gh_report_scores(gh_report *report)
{
	static const gh_page_column columns[] = {
		{"Classifier", false}, {"Average precision", true}, {"Coverage error", true}, {"Its minimum", true}
	};

	gh_report_paragraph(report, "Vanilla is one classifier per genre without a hierarchy. Hierarchical multiplies the "
						"probability of the supergenre by that of the genre given it. With perfect supergenres it is told which "
						"supergenres a song has: no prediction, but how much better supergenres would help. Blend, where there is "
						"one, takes the mean of the log-odds of the first two.");
	gh_report_table(report, "Scores on the validation songs", columns, lengthof(columns),
					gh_report_with(report, score_rows), "The model was trained without validation songs, so it has no scores.");
	gh_report_paragraph(report, "Average precision is the area under the precision-recall curve, from 0 to 1, and the mean over "
						"the genres; guessing gets the genre's prevalence. Coverage error is how many genres of the ranking one "
						"must read to meet every true one; its minimum is the mean number of true genres.");
	gh_report_figure(report, psprintf("SELECT %s.plot_precision($1)", report->schema),
					 "Average precision of each genre below its supergenre. Where the circle and the dot coincide, the "
					 "hierarchy makes no difference.");
}

/* ---- every classifier --------------------------------------------------- */

static const char classifier_rows[] =
"SELECT n.node, n.parent, to_char(n.positives, 'FM999,999,999,990'), to_char(n.negatives, 'FM999,999,999,990'), n.trees::text,"
" round(n.average_precision::numeric, 3)::text,"
" COALESCE((SELECT string_agg(p.key || ' ' || COALESCE(to_char(CASE WHEN jsonb_typeof(p.value) = 'number'"
"   THEN (p.value #>> '{}')::numeric END, 'FM999999990.9999'), p.value #>> '{}'), ', ' ORDER BY p.key COLLATE \"C\")"
"  FROM v, jsonb_each(n.params) AS p WHERE p.key <> 'seed' AND p.value IS DISTINCT FROM v.params -> 'params' -> p.key),"
" 'as given')"
" FROM node AS n ORDER BY n.place";

void
gh_report_classifiers(gh_report *report)
{
	static const gh_page_column columns[] = {
		{"Classifier of", false}, {"Given", false}, {"Positive", true}, {"Negative", true}, {"Trees", true},
		{"Average precision", true}, {"Parameters other than given", false}
	};

	gh_report_paragraph(report, "One classifier of boosted trees for each supergenre and genre. A genre's is trained on the songs "
						"of its supergenre; its average precision is that of the whole way, supergenre times genre, on the "
						"validation songs.");
	gh_report_table(report, "Training songs, trees, score and parameters of every classifier", columns, lengthof(columns),
					gh_report_with(report, classifier_rows), "The model has no classifier.");
}

/* ---- how to reproduce it ------------------------------------------------ */

/*
 * The call of train_hierarchy: what is kept under the name of an argument is
 * that argument, everything else belongs into params.
 */
static const char call_row[] =
", argument AS (SELECT a.name, a.n FROM pg_proc AS p, unnest(p.proargnames[1:p.pronargs]) WITH ORDINALITY AS a (name, n)"
"  WHERE p.proname = 'train_hierarchy' AND p.pronamespace = %s::regnamespace),"
" value AS (SELECT a.n, a.name, CASE a.name WHEN 'model' THEN v.name WHEN 'features' THEN v.features::text"
"  WHEN 'params' THEN (COALESCE(v.params -> 'params', '{}')"
"   - CASE WHEN (v.params #>> '{params,base_score}')::float8 = 0 THEN 'base_score' ELSE '' END"
"   || COALESCE(v.params -> 'discovery', '{}')"
"   || (v.params - ARRAY(SELECT name FROM argument) - '{params,discovery}'::text[]))::text"
"  ELSE v.params ->> a.name END AS value FROM v, argument AS a)"
" SELECT 'SELECT * FROM ' || %s || E'.train_hierarchy(\\n    ' || string_agg(name || ' => ' || quote_literal(value), E',\\n    ' ORDER BY n)"
" || ');' FROM value WHERE value IS NOT NULL";

static const char version_rows[] =
"SELECT * FROM (VALUES ('PostgreSQL', current_setting('server_version')),"
" ('genre_hier', (SELECT extversion FROM pg_extension WHERE extname = 'genre_hier')),"
" ('Format of the model', (SELECT %s.model_info(v.model) ->> 'format' FROM v))) AS t";

void
gh_report_again(gh_report *report)
{
	static const gh_page_column columns[] = {{"Software", false}, {"Version", false}};
	char	   *name = quote_literal_cstr(report->schema);
	char	   *call;

	gh_report_paragraph(report, "The same data, parameters and seed give the same bytes, whatever the number of threads. This call "
						"trains the model again, as its next version:");
	gh_report_run(report, gh_report_with(report, psprintf(call_row, name, name)));
	call = gh_report_cell(0, 0);
	gh_page_code(&report->page, gh_plot_utf8(call == NULL ? "" : call));
	gh_report_paragraph(report, "And these draw the figures and this page:");
	gh_page_code(&report->page,
				 gh_plot_utf8(psprintf("SELECT %s.plot_precision(%s);\nSELECT %s.plot_hierarchy(%s);\nSELECT %s.model_report(%s);",
									   report->schema, quote_literal_cstr(report->model),
									   report->schema, quote_literal_cstr(report->model),
									   report->schema, quote_literal_cstr(report->model))));
	gh_report_table(report, "With which this page was written", columns, lengthof(columns),
					gh_report_with(report, psprintf(version_rows, report->schema)), "");
}
