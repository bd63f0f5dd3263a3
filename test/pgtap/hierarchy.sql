-- genre_supergenres and hierarchy_fit
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(34);
\ir include/catalogue.sql

CREATE TABLE labelled AS
SELECT song_id AS id, features_of(song_id) AS features, g.genres, g.first AS fold_group
FROM songs s, LATERAL (SELECT array_agg(DISTINCT genre) AS genres, min(artist_id) AS first
	FROM song_artists l JOIN artists a USING (artist_id) LEFT JOIN unnest(a.genres) genre ON true
	WHERE l.song_id = s.song_id) g
WHERE instrumentalness <> 'NaN';

-- genre_supergenres against the same by hand
CREATE TABLE clustered AS
SELECT CASE WHEN n % 11 = 0 THEN NULL ELSE 10 + ('x' || substr(md5(artist_id), 1, 2))::bit(8)::int % 4 END AS cluster, genres
FROM (SELECT row_number() OVER (ORDER BY artist_id) AS n, * FROM artists) a;
SELECT results_eq('SELECT genre, supergenre, artists FROM genre_supergenres(''TABLE clustered'') ORDER BY genre',
	$$SELECT DISTINCT ON (genre) genre, cluster, count(*) FROM clustered, unnest(genres) genre WHERE cluster IS NOT NULL
		GROUP BY genre, cluster ORDER BY genre, count(*) DESC,
		count(*)::float8 / (SELECT count(*) FROM clustered c WHERE c.cluster = clustered.cluster) DESC, cluster$$,
	'every genre where most of its artists are');
SELECT ok((SELECT bool_and(abs(share - artists::float8 / (SELECT count(*) FROM clustered WHERE genres @> ARRAY[genre])) < 1e-12)
	FROM genre_supergenres('TABLE clustered')), 'share of a genre''s artists');
SELECT is((SELECT string_agg(g::text, ' ') FROM genre_supergenres('TABLE clustered') g),
	(SELECT string_agg(g::text, ' ') FROM genre_supergenres('SELECT * FROM clustered ORDER BY md5(genres::text)') g), 'shuffled rows');
SELECT results_eq($$SELECT * FROM genre_supergenres('SELECT NULL::int AS cluster, ''{a,b,a}''::text[] AS genres')$$,
	$$VALUES ('a', NULL::int, 1::bigint, 1::float8), ('b', NULL, 1, 1)$$, 'nothing but noise; a genre twice counts once');
SELECT is_empty($$SELECT * FROM genre_supergenres('SELECT 1 AS cluster, NULL::text[] AS genres')$$, 'no genres');

-- hierarchy_fit
CREATE TABLE fitted AS
SELECT hierarchy_fit('TABLE labelled', 'TABLE my_supergenres', '{"n_estimators": 10}', iterations => 0,
	feature_names => song_features()) AS model;
SELECT is((SELECT count(*) FILTER (WHERE is_genre) || '/' || count(*) FILTER (WHERE NOT is_genre) FROM fitted, model_nodes(model)),
	'18/6', '18 genres under 6 supergenres');
SELECT ok((SELECT bool_and(positives + negatives = (model_info(model) #>> '{training,training_rows}')::bigint)
	FROM fitted, model_nodes(model) WHERE parent IS NULL), 'a supergenre is trained on all training rows');
SELECT ok((SELECT bool_and(g.positives + g.negatives = s.positives)
	FROM fitted, model_nodes(model) g JOIN LATERAL model_nodes(model) s ON s.node = g.parent), 'a genre on those of its supergenre');
SELECT ok((SELECT avg(average_precision) > 0.9 FROM fitted, model_nodes(model) WHERE parent IS NULL), 'supergenres are found on held-out rows');
SELECT ok((SELECT (model_info(model) #>> '{training,training_rows}')::int + (model_info(model) #>> '{training,validation_rows}')::int
	= (SELECT count(*) FROM labelled WHERE genres && ARRAY(SELECT genre FROM my_supergenres)) FROM fitted), 'rows without a genre are left out');

-- the same bytes
CREATE FUNCTION digest(query text, links text, threads int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN md5(hierarchy_fit(query, links, '{"n_estimators": 10}', iterations => 0, feature_names => song_features()));
END $$;
SELECT is(digest('TABLE labelled', 'TABLE my_supergenres', 1), md5(model), 'one thread') FROM fitted;
SELECT is(digest('TABLE labelled', 'TABLE my_supergenres', 2), md5(model), 'two threads') FROM fitted;
SELECT is(digest('SELECT * FROM labelled ORDER BY md5(id)', 'SELECT * FROM my_supergenres ORDER BY md5(genre)', 8), md5(model),
	'eight threads, shuffled rows and genres') FROM fitted;
SELECT isnt(md5(hierarchy_fit('SELECT id, features, genres FROM labelled', 'TABLE my_supergenres', '{"n_estimators": 10}', iterations => 0,
	feature_names => song_features())), md5(model), 'fold_group decides what is held out') FROM fitted;

-- tuning
CREATE TABLE tuned AS
SELECT hierarchy_fit('TABLE labelled', $$SELECT * FROM my_supergenres WHERE supergenre IN ('place 1', 'place 2')$$,
	'{"n_estimators": 20, "space": {"max_depth": [2, 3]}, "metric": "logloss"}', iterations => 4, folds => 3) AS model;
SELECT ok((SELECT count(DISTINCT n.params) > 2 AND bool_and((n.params ->> 'max_depth')::int IN (2, 3, 6))
	FROM tuned, model_nodes(model) n), 'every node has its own parameters, within the space');
SELECT is((SELECT model_info(model) #>> '{training,metric}' FROM tuned), 'logloss', 'the metric is kept');
SELECT ok((SELECT bool_and(CASE WHEN negatives = 0 THEN cv_score IS NULL AND trials IS NULL
		ELSE trials = 4 AND cv_folds BETWEEN 2 AND 3 AND cv_score BETWEEN -0.7 AND 0 AND cv_score_sd > 0 END)
	AND count(DISTINCT cv_score) = 6 FROM tuned, model_nodes(model)), 'every node with both classes has the score of its search, minus the log-loss');
SELECT is((SELECT count(vanilla_params) + count(vanilla_cv_score) FROM tuned, model_nodes(model)), 0::bigint, 'there are no vanilla classifiers');
SELECT is((SELECT count(cv_score) + count(cv_score_sd) + count(cv_folds) + count(trials) FROM fitted, model_nodes(model)), 0::bigint,
	'without a search there is no score of one');

-- more than two levels: each row says which parent a name has
CREATE TABLE tree AS
SELECT genre, supergenre AS parent FROM my_supergenres WHERE genre <> 'genre5c'
UNION ALL VALUES ('place 0', 'left'), ('place 1', 'left'), ('place 2', 'right'), ('right', NULL), ('genre5c', NULL);
CREATE TABLE deep AS SELECT hierarchy_fit('TABLE labelled', 'TABLE tree', '{"n_estimators": 10}', iterations => 0) AS model;
SELECT is((SELECT string_agg(node, ' < ' ORDER BY level DESC) FROM deep, model_nodes(model)
	WHERE node IN ('genre0a', 'place 0', 'left')), 'genre0a < place 0 < left', 'three levels');
SELECT is((SELECT level || is_genre::text FROM deep, model_nodes(model) WHERE node = 'genre5c'), '1true', 'a genre at the top');
SELECT ok((SELECT bool_and(abs(g.probability - g.conditional_probability * g.supergenre_probability) < 1e-15)
	FROM deep, predict_genres(model, features_of('song0001')) g WHERE supergenre IS NOT NULL), 'probabilities multiply along the path');
SELECT is((SELECT supergenre IS NULL AND supergenre_probability IS NULL AND probability = conditional_probability
	FROM deep, predict_genres(model, features_of('song0001')) WHERE genre = 'genre5c'), true, 'a top genre has no supergenre');
SELECT ok((SELECT max(abs(d)) < 1e-9 FROM (
	SELECT sum(shap_value) + min(base_value) - ln(p.conditional_probability / (1 - p.conditional_probability)) AS d
	FROM deep, predict_genres(model, features_of('song0001')) p, shap_values(model, features_of('song0001'), p.genre)
	GROUP BY p.genre, p.conditional_probability) d), 'SHAP values add up on every level');

-- a genre with its supergenre's name
CREATE TABLE shared AS SELECT hierarchy_fit('TABLE labelled',
	$$SELECT genre, CASE supergenre WHEN 'place 0' THEN 'genre0a' ELSE supergenre END AS supergenre FROM my_supergenres$$,
	'{"n_estimators": 5}', iterations => 0) AS model;
SELECT is((SELECT count(*) FROM shared, model_nodes(model) WHERE node = 'genre0a'), 2::bigint, 'both are there');
SELECT throws_ok('SELECT shap_values(model, features_of(''song0001''), ''genre0a'') FROM shared', '22023', NULL, 'the bare name is ambiguous');
SELECT ok((SELECT count(*) = 14 AND bool_and(g.base_value <> s.base_value) FROM shared,
	shap_values(model, features_of('song0001'), 'genre:genre0a') g JOIN LATERAL
	shap_values(model, features_of('song0001'), 'supergenre:genre0a') s USING (feature)), 'prefixes tell them apart');

-- errors leave the session usable
CREATE FUNCTION fit_state(query text, links text, extra text = 'iterations => 0') RETURNS text LANGUAGE sql AS
$$ SELECT sqlstate_of(format('SELECT hierarchy_fit(%L, %L, %s)', query, links, extra)) $$;
SELECT is(fit_state('SELECT * FROM labelled UNION ALL SELECT * FROM labelled', 'TABLE my_supergenres'), '23505', 'ids twice');
SELECT is(fit_state('TABLE labelled', $$SELECT 'a' AS genre, 'b' AS parent UNION ALL SELECT 'b', 'a'$$), '22000', 'a circle');
SELECT is(fit_state('TABLE labelled', $$SELECT 'genre0a' AS genre, n AS supergenre FROM unnest('{a,b}'::text[]) n$$), '22000', 'two parents');
SELECT is(fit_state('TABLE labelled', $$SELECT 'nothing' AS genre, 'b' AS supergenre$$), '22000', 'no row has a genre of the hierarchy');
SELECT is(fit_state('SELECT * FROM labelled WHERE false', 'TABLE my_supergenres'), '22000', 'no rows');
SET LOCAL maintenance_work_mem = '1GB';
SET LOCAL genre_hier.threads = 2;
SET LOCAL statement_timeout = '400ms';
SELECT is(fit_state('TABLE labelled', 'TABLE my_supergenres', 'iterations => 200'), '57014', 'cancelled');
SET LOCAL statement_timeout = 0;
SELECT is(fit_state('TABLE labelled', 'TABLE my_supergenres', 'iterations => 0, params => ''{"n_estimators": 2}'''), '00000', 'and the session goes on');

SELECT * FROM finish();
ROLLBACK;
