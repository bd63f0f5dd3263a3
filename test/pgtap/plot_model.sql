-- Pictures of models: well-formed whatever the names, the same whatever the order of rows, errors, rights
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(79);
\ir include/catalogue.sql

CREATE TABLE trained AS SELECT * FROM train_hierarchy('m', supergenres => 'my_supergenres', iterations => 0, params => '{"n_estimators": 5}');

CREATE FUNCTION is_picture(svg text) RETURNS boolean LANGUAGE sql AS
$$ SELECT xml_is_well_formed_document(svg) AND svg LIKE '<svg %' AND svg !~ '<script|href="|@import' $$;

-- average precision
SELECT ok(is_picture(plot_precision('m')), 'plot_precision');
SELECT is((SELECT count(*) FROM regexp_matches(plot_precision('m'), '<title>[^<]*, (vanilla|hierarchical|with perfect supergenres): ', 'g')),
	(SELECT count(*) FROM model_metrics('m') WHERE average_precision IS NOT NULL), 'a mark for every score');
SELECT ok((SELECT bool_and(plot_precision('m') ~ format('>%s<', to_char(average_precision, 'FM0.000')))
	FROM model_metrics('m') WHERE average_precision IS NOT NULL), 'and its number');
SELECT ok((SELECT plot_precision('m', 'place 2') ~ 'genre2b' AND plot_precision('m', 'place 2') !~ 'genre3b|place 3'), 'one supergenre alone');
SELECT ok((SELECT plot_precision('m') LIKE '%On ' || (metrics ->> 'validation_songs') || ' songs%' FROM genre_models), 'on how many songs');
SELECT throws_ok($$SELECT plot_precision('none')$$, '42704', 'model "none" does not exist', 'unknown model');
SELECT throws_ok($$SELECT plot_precision('m', 'polka')$$, '42704', 'the model has no supergenre "polka"', 'unknown supergenre');
SELECT throws_ok($$SELECT plot_precision('m', 'genre1a')$$, '42704', NULL, 'a genre is no supergenre');
SELECT throws_ok($$SELECT plot_precision(NULL)$$, '22004', NULL, 'no model');

-- one decision
SELECT ok(is_picture(plot_decision('song0001', 'place 1', 'm')), 'plot_decision');
SELECT ok((SELECT plot_decision('song0001', 'place 1', 'm') ~ format('= %s<', CASE WHEN p < 0.1 THEN '[0-9.]+ %' ELSE round(p * 100) || ' %' END)
	FROM (SELECT supergenre_probability::numeric AS p FROM predict_genres('song0001', 'm') WHERE supergenre = 'place 1' LIMIT 1) r),
	'ends at the probability that predict_genres gives');
SELECT ok((SELECT bool_and(plot_decision('song0001', 'place 1', 'm') LIKE '%>' || feature || ' = %') FROM shap_values('song0001', 'place 1', 'm')),
	'every feature is there');
SELECT ok(plot_decision('song0097', 'place 1', 'm') LIKE '%>danceability = missing<%', 'a missing value');
SELECT ok(plot_decision('song0001', 'genre1a', 'm') LIKE '%genre1a, given place 1%', 'a genre is judged given its supergenre');
SELECT throws_ok($$SELECT plot_decision('song0001', 'polka', 'm')$$, '22023', NULL, 'unknown node');
SELECT throws_ok($$SELECT plot_decision('nothing', 'place 1', 'm')$$, 'P0002', 'song "nothing" does not exist', 'unknown song');
SELECT throws_ok($$SELECT plot_decision('song0001', 'place 1', 'none')$$, '42704', NULL, 'unknown model for a decision');
SELECT throws_ok($$SELECT plot_decision(NULL::text, 'place 1', 'm')$$, '22004', NULL, 'no song');

-- many songs
SELECT ok(is_picture(plot_shap_summary('place 1', 'm')), 'plot_shap_summary');
SELECT ok(is_picture(plot_shap_paths('place 1', 'm')), 'plot_shap_paths');
SELECT is((SELECT count(*) FROM regexp_matches(plot_shap_summary('place 1', 'm', sample => 50), 'h0', 'g')), 50 * 14::bigint, 'a dot per song and feature');
SELECT is((SELECT count(DISTINCT m) FROM regexp_matches(plot_shap_paths('place 1', 'm', sample => 50), '<title>song[0-9]+: [0-9.]+ %', 'g') m), 50::bigint,
	'a path per song');
SELECT ok((SELECT abs(avg(abs(shap_value)) - substring(plot_shap_summary('place 1', 'm', 'SELECT * FROM songs WHERE song_id < ''song0030'''),
	'>energy</text>.*?>(\d\.\d\d\d)</text>')::float8) < 0.0006
	FROM songs, shap_values(song_id, 'place 1', 'm') WHERE song_id < 'song0030' AND feature = 'energy'), 'mean of |SHAP| over the songs');
SELECT is(plot_shap_summary('place 1', 'm', 'songs'), plot_shap_summary('place 1', 'm'), 'the songs of the model by default');
CREATE TABLE turned AS SELECT * FROM songs ORDER BY song_id DESC;
SELECT is(plot_shap_summary('place 1', 'm', 'turned', 100), plot_shap_summary('place 1', 'm', 'songs', 100), 'the order of the rows does not matter');
SELECT is(plot_shap_paths('place 1', 'm', 'TABLE turned;  ', 100), plot_shap_paths('place 1', 'm', sample => 100), 'nor whether it is a table or a query');
SELECT isnt(plot_shap_summary('place 1', 'm', 'turned', 100), plot_shap_summary('place 1', 'm', 'turned', 101), 'sample');
SELECT ok(is_picture(plot_shap_summary('place 1', 'm', 'SELECT * FROM songs WHERE false -- none')), 'no song');
SELECT ok(is_picture(plot_shap_paths('place 1', 'm', 'SELECT * FROM songs WHERE false')), 'no path');
SELECT ok(is_picture(plot_shap_summary('place 1', 'm', 'SELECT * FROM songs WHERE song_id = ''song0001''')), 'one song');
SELECT ok(is_picture(plot_shap_paths('place 1', 'm', 'SELECT * FROM songs WHERE song_id = ''song0001''')), 'one path');
CREATE TABLE endless AS SELECT (jsonb_populate_record(s, '{"tempo": "Infinity"}')).* FROM songs s WHERE song_id < 'song0005'
	UNION ALL SELECT (jsonb_populate_record(s, '{"tempo": "NaN"}')).* FROM songs s WHERE song_id BETWEEN 'song0005' AND 'song0009';
SELECT is((SELECT count(*) FROM regexp_matches(plot_shap_summary('place 1', 'm', 'endless'), 'h0', 'g')), 5 * 14::bigint,
	'infinite values leave a song out, NaN is a missing value');
SELECT throws_ok($$SELECT plot_shap_summary('place 1', 'm', sample => 0)$$, '22023', 'plot_shap_summary: sample is out of range', 'sample of none');
SELECT throws_ok($$SELECT plot_shap_paths('place 1', 'm', sample => 5001)$$, '22023', 'plot_shap_paths: sample is out of range', 'sample too large');
SELECT throws_ok($$SELECT plot_shap_paths('polka', 'm')$$, '22023', NULL, 'unknown node for paths');
SELECT throws_ok($$SELECT plot_shap_paths('place 1', 'm', 'nothing')$$, '42P01', 'table nothing of the songs does not exist', 'unknown table');
SELECT throws_ok($$SELECT plot_shap_summary('place 1', 'm', 'SELECT 1 AS song_id')$$, '42703', NULL, 'a query without the features');
SELECT throws_ok($$SELECT plot_shap_summary('place 1', 'm', 'SELECT tempo FROM songs')$$, '42703', NULL, 'a query without ids');
SELECT throws_ok($$SELECT plot_shap_summary('place 1', 'm', 'SELECT s.*, 1 AS song_id FROM songs s')$$, '42702', NULL, 'a query with two ids');
SELECT throws_ok($$SELECT plot_shap_summary('place 1', 'm', 'SELECT')$$, NULL, NULL, 'a query that is none');

-- songs that are numbers
CREATE TABLE numbered AS SELECT right(song_id, 4)::bigint AS song_id, duration, acousticness, danceability, energy, explicit, instrumentalness, key,
	liveness, loudness, mode, speechiness, tempo, time_signature, valence FROM songs;
INSERT INTO genre_models (name, version, songs, features, params, metrics, model)
	SELECT 'numbers', 1, format('%I.numbered', current_schema()), features, '{}', '{}', model FROM genre_models WHERE name = 'm';
SELECT ok(is_picture(plot_decision(1::bigint, 'place 1', 'numbers')), 'a song by its number');
SELECT ok(plot_decision(17::bigint, 'place 1', 'numbers') LIKE '%>17: is it place 1?%', 'named by it');
SELECT ok(is_picture(plot_precision('numbers')) AND plot_precision('numbers') LIKE '%There are no scores%', 'a model without scores');
SELECT ok(is_picture(plot_shap_paths('genre1a', 'numbers', sample => 10)), 'and its paths');

-- the report
CREATE TABLE page AS SELECT model_report('m') AS html;
CREATE FUNCTION number_of(html text, pattern text) RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM regexp_matches(html, pattern, 'g') $$;
CREATE FUNCTION is_page(html text) RETURNS boolean LANGUAGE sql AS
$$ SELECT xml_is_well_formed_document(regexp_replace(html, '<!DOCTYPE html>|<meta [^>]*>', '', 'g')) AND html LIKE '<!DOCTYPE html>%'
	AND html !~ '<script|<img|<link|<iframe|@import|url\(|<[a-z]+ ([^<>]* )?on[a-z]+="|href="[^#]' AND length(html) < 10000000 $$;
SELECT ok(is_page(html), 'model_report: elements that close, nothing from elsewhere') FROM page;
SELECT is(number_of(html, '<h1>') || '/' || number_of(html, '<h2>') || '/' || number_of(html, '<section '), '1/7/7', 'headings') FROM page;
SELECT ok(html !~ '<h[456]' AND strpos(html, '<h1>') < strpos(html, '<h2>') AND strpos(html, '<h2>') < strpos(html, '<h3>'), 'in their order') FROM page;
SELECT is((SELECT array_agg(m[1] ORDER BY m[1]) FROM regexp_matches(html, 'href="#([^"]*)"', 'g') m),
	(SELECT array_agg(m[1] ORDER BY m[1]) FROM regexp_matches(html, '<section id="([^"]*)"', 'g') m), 'the contents lead to the chapters') FROM page;
SELECT is(number_of(html, '<th[> ]'), number_of(html, '<th scope="(col|row)"'), 'headers of tables have a scope') FROM page;
SELECT is(number_of(html, '<table>'), number_of(html, '<table><caption>[^<]+</caption>'), 'tables have captions') FROM page;
SELECT is(number_of(html, '<svg [^>]*role="img" aria-labelledby='), number_of(html, '</svg>\s*<figcaption>[^<]+</figcaption></figure>'),
	'figures are described') FROM page;
SELECT is(number_of(html, '<figure>'), 3 + 2 * 6 + 3::bigint, 'every figure: of the whole, of each supergenre, of the examples') FROM page;
SELECT ok((SELECT count(*) = count(DISTINCT m[1]) FROM regexp_matches(html, ' id="([^"]*)"', 'g') m), 'no id twice') FROM page;
SELECT ok((SELECT bool_and(html LIKE '%<td class="n">' || round(average_precision::numeric, 4) || '</td><td class="n">' || round(coverage_error::numeric, 3)
	|| '</td><td class="n">' || round(min_coverage_error::numeric, 3) || '</td>%') FROM trained), 'the table of scores') FROM page;
SELECT ok((SELECT bool_and(html LIKE '%<th scope="row">' || node || '</th><td>' || COALESCE(parent, '–') || '</td><td class="n">' || to_char(positives, 'FM999,990')
	|| '</td>%') FROM genre_models, model_nodes(model) WHERE name = 'm'), 'every classifier') FROM page;
SELECT is(model_report('m'), html, 'the same page every time') FROM page;
CREATE FUNCTION run_call(html text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE replace(replace(replace(substring(html, '<pre><code>(SELECT \* FROM .*?;)</code>'), '&#39;', ''''), '&quot;', '"'), '&gt;', '>');
END $$;
SELECT run_call(html) FROM page;
SELECT is((SELECT count(*) || '/' || count(DISTINCT model) FROM genre_models WHERE name = 'm'), '2/1', 'the call on the page trains the same model');
SELECT is(drop_model('m', 2), 1, 'which goes again');
SELECT ok(is_page(model_report('numbers')), 'a model of which little is known');
SELECT throws_ok($$SELECT model_report('none')$$, '42704', 'model "none" does not exist', 'no report of an unknown model');

-- the artist's means as features, and a fourth classifier
SELECT lives_ok($$SELECT train_hierarchy('near', supergenres => 'my_supergenres', iterations => 0, params => '{"n_estimators": 2}', context => 'artist', combine => 'blend')$$);
SELECT ok(is_page(model_report('near')) AND plot_precision('near') LIKE '%>blend<%', 'a model with context, blended');

-- cancelling
SET LOCAL statement_timeout = '50ms';
SELECT is(sqlstate_of('SELECT model_report(''m'')'), '57014', 'a report can be cancelled');
SET LOCAL statement_timeout = '100ms';
SELECT is(sqlstate_of('SELECT plot_shap_paths(''place 2'', ''m'', ''SELECT s.* FROM songs s, generate_series(1, 10000)'', 5000)'), '57014', 'a picture too');
SET LOCAL statement_timeout = 0;
SELECT ok(is_picture(plot_precision('m')), 'and the session goes on');

-- hostile names
CREATE FUNCTION draws(was text, name text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM rename_supergenre('m', was, name);
	RETURN is_picture(plot_precision('m')) AND is_picture(plot_precision('m', name)) AND is_picture(plot_decision('song0001', 'supergenre:' || name, 'm'))
		AND is_picture(plot_shap_summary('supergenre:' || name, 'm', sample => 20)) AND is_picture(plot_shap_paths('supergenre:' || name, 'm', sample => 20));
END $$;
SELECT ok(draws('place 1', '<script>alert(1)</script>'), 'a supergenre that is a script');
SELECT ok(draws('<script>alert(1)</script>', '"]]>'' & --><b>'), 'quotes');
SELECT ok(is_page(model_report('m')), 'in a report');
SELECT ok(draws('"]]>'' & --><b>', U&'\+01F3B8 \05E9\05DC\05D5\05DD \202E'), 'emoji, right to left');
SELECT ok(draws(U&'\+01F3B8 \05E9\05DC\05D5\05DD \202E', E'\x01\x1b[31m\t'), 'control characters');
SELECT ok(draws(E'\x01\x1b[31m\t', repeat(U&'\00E9', 5000)), '10,000 bytes');
SELECT ok(is_picture(plot_shap_paths('genre2a', 'm', $$SELECT '<script>"&' || repeat('x', 10000) AS song_id, duration, acousticness, danceability, energy,
	explicit, instrumentalness, key, liveness, loudness, mode, speechiness, tempo, time_signature, valence FROM songs LIMIT 30$$)), 'songs of any name');
INSERT INTO songs SELECT (jsonb_populate_record(s, '{"song_id": "<a href=\"x\">\u0001"}')).* FROM songs s WHERE song_id = 'song0001';
SELECT ok(is_picture(plot_decision(E'<a href="x">\x01', 'genre2a', 'm')), 'a decision about one');

-- whose rights, and stable
SELECT is((SELECT string_agg(DISTINCT concat(provolatile, proparallel), ',' ORDER BY concat(provolatile, proparallel)) FROM pg_proc
	WHERE proname IN ('plot_precision', 'plot_decision', 'plot_shap_summary', 'plot_shap_paths', 'model_report')), 'sr,su', 'volatility');
CREATE ROLE gh_looker;
GRANT USAGE ON SCHEMA public TO gh_looker;
SET LOCAL ROLE gh_looker;
SELECT throws_ok($$SELECT plot_precision('m')$$, '42501', NULL, 'the registry takes a privilege');
RESET ROLE;
GRANT SELECT ON genre_models TO gh_looker;
SET LOCAL ROLE gh_looker;
SELECT lives_ok($$SELECT plot_precision('m')$$, 'which is enough for scores');
SELECT ok(is_page(model_report('m')) AND model_report('m') LIKE '%may not be read%', 'and for a report without songs');
SELECT throws_ok($$SELECT plot_shap_summary('genre2a', 'm')$$, '42501', NULL, 'not for songs');
SELECT throws_ok($$SELECT plot_decision('song0001', 'genre2a', 'm')$$, '42501', NULL, 'nor for one of them');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
