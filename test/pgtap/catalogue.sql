-- The catalogue: artist_features, train_hierarchy, predictions by song, the registry
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(60);
\ir include/catalogue.sql

CREATE FUNCTION hint_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE h text;
BEGIN EXECUTE statement; RETURN NULL; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT; RETURN h; END $$;
CREATE FUNCTION bytes_of(name text) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT md5(model) FROM genre_models m WHERE m.name = bytes_of.name ORDER BY version DESC LIMIT 1 $$;

-- artist_features against the same by hand
CREATE TABLE by_hand AS
SELECT a.artist_id, count(*) AS songs, avg(tempo) AS tempo, avg(explicit) AS explicit, a.genres
FROM artists a JOIN song_artists USING (artist_id) JOIN songs USING (song_id)
WHERE followers >= 1000 AND genres <> '{}' AND danceability IS NOT NULL AND instrumentalness <> 'NaN' GROUP BY a.artist_id;
SELECT results_eq('SELECT artist_id, songs, genres FROM artist_features()',
	'SELECT artist_id, songs, genres FROM by_hand ORDER BY artist_id COLLATE "C"', 'artists, songs and genres');
SELECT ok((SELECT count(*) > 100 AND max(abs(f.features[12] - h.tempo)) < 1e-9 AND max(abs(f.features[5] - h.explicit)) < 1e-12
	FROM artist_features() f JOIN by_hand h USING (artist_id)), 'means');
SELECT is((SELECT count(*) FROM artist_features(min_followers => 0)), (SELECT count(DISTINCT artist_id) FROM artists
	JOIN song_artists USING (artist_id) JOIN songs USING (song_id) WHERE genres <> '{}' AND danceability IS NOT NULL AND instrumentalness <> 'NaN'),
	'unknown followers count as none');
SELECT is((SELECT array_length(features, 1) FROM artist_features(features => '{tempo,energy}') LIMIT 1), 2, 'other features');
CREATE TEMP VIEW loud AS SELECT song_id AS song_id, energy * 2 AS energy, explicit = 1 AS explicit FROM songs;
SELECT is((SELECT sum(features[1])::numeric(20, 6) FROM artist_features('loud', features => '{energy,explicit}')),
	(SELECT 2 * sum(features[1])::numeric(20, 6) FROM artist_features(features => '{energy}')), 'a view, a boolean');
SET LOCAL search_path = pg_catalog;
CREATE TABLE public.path_less AS SELECT count(*) FROM public.artist_features('public.songs', 'public.artists', 'public.song_artists');
SET LOCAL search_path = public;
SELECT is(count, (SELECT count(*) FROM artist_features()), 'with nothing on the search path') FROM path_less;

-- training with discovery
CREATE TABLE scores AS SELECT * FROM train_hierarchy(iterations => 0, params => '{"n_estimators": 10}');
SELECT is((SELECT array_agg(classifier) FROM scores), '{vanilla,hierarchical,hierarchical_hint}', 'three classifiers');
SELECT is((SELECT DISTINCT genres || '/' || supergenres FROM scores), '18/6', 'the six groups are found');
SELECT ok((SELECT bool_and(average_precision BETWEEN 0.4 AND 1 AND coverage_error >= min_coverage_error
	AND training_songs > 500 AND validation_songs > 100) FROM scores), 'plausible scores');
SELECT ok((SELECT h.average_precision > v.average_precision AND h.coverage_error < v.coverage_error FROM scores h, scores v
	WHERE h.classifier = 'hierarchical_hint' AND v.classifier = 'vanilla'), 'perfect supergenres help');
SELECT ok((SELECT bool_and((SELECT count(DISTINCT substr(node, 6, 1)) FROM model_nodes(model) g WHERE g.parent = s.node) = 1)
	FROM genre_models, model_nodes(model) s WHERE NOT is_genre), 'every supergenre holds the genres of one group');
SELECT is((SELECT version || ' ' || created_by || ' ' || songs || ' ' || (params ->> 'artists') || ' ' || features::text FROM genre_models),
	'1 ' || CURRENT_USER || ' public.songs public.artists ' || song_features()::text, 'the registry''s row');
SELECT is((SELECT (metrics #>> '{discovered,clusters}')::int FROM genre_models), 6, 'what was discovered is kept');

-- the same bytes
CREATE FUNCTION train(name text, threads int, extra text = '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	EXECUTE format('SELECT train_hierarchy(%L, iterations => 0, params => ''{"n_estimators": 10}'' %s)', name, extra);
	RETURN bytes_of(name);
END $$;
SELECT is(train('one', 1), bytes_of('default'), 'one thread');
SELECT is(train('two', 2), bytes_of('default'), 'two threads');
SELECT is(train('eight', 8), bytes_of('default'), 'eight threads');
CREATE TABLE shuffled_songs AS SELECT * FROM songs ORDER BY md5(song_id);
CREATE TEMP TABLE shuffled_artists AS SELECT genres, followers, artist_id FROM artists ORDER BY md5(artist_id);
CREATE VIEW shuffled_links AS SELECT artist_id, song_id FROM song_artists ORDER BY md5(song_id || artist_id);
SELECT is(train('shuffled', 8, ', songs => ''shuffled_songs'', artists => ''shuffled_artists'', song_artists => ''shuffled_links'''),
	bytes_of('default'), 'shuffled tables, a temporary one, a view');
SELECT isnt(train('other', 2, ', seed => 43'), bytes_of('default'), 'another seed');

-- given supergenres: table, view or query; the most popular genres
SELECT is(train('table', 2, ', supergenres => ''my_supergenres'''),
	train('query', 2, ', supergenres => ''SELECT * FROM my_supergenres ORDER BY md5(genre)'''), 'a table and a query');
CREATE VIEW three AS SELECT genre, supergenre AS parent FROM my_supergenres UNION ALL
	SELECT DISTINCT supergenre, CASE WHEN supergenre < 'place 3' THEN 'low' ELSE 'high' END FROM my_supergenres;
SELECT ok(train('deep', 2, ', supergenres => ''three'', genres_per_supergenre => 2') IS NOT NULL, 'three levels');
SELECT is((SELECT string_agg(level || ':' || n, ' ' ORDER BY level) FROM (SELECT level, count(*) AS n
	FROM genre_models, model_nodes(model) WHERE name = 'deep' GROUP BY level) l), '1:2 2:6 3:12', 'with two genres each');
SELECT ok((SELECT bool_and(node ~ '[ab]$') FROM genre_models, model_nodes(model) WHERE name = 'deep' AND is_genre), 'the most popular');
SELECT is((SELECT max(validation_songs) || '/' || count(average_precision) FROM train_hierarchy('all', supergenres => 'my_supergenres',
	validation_fraction => 0, iterations => 0, params => '{"n_estimators": 2}')), '0/0', 'nothing held out, nothing scored');
SELECT ok((SELECT bool_and(training_songs + validation_songs > (SELECT max(training_songs + validation_songs) FROM scores)) FROM
	train_hierarchy('by song', supergenres => 'my_supergenres', split_by => 'song', iterations => 0, params => '{"n_estimators": 2}')),
	'split by song sets no song aside');
SELECT ok((SELECT count(*) = 3 FROM train_hierarchy('tuned', supergenres => 'my_supergenres', iterations => 2, folds => 2,
	params => '{"n_estimators": 5, "space": {"max_depth": [2, 3]}}')), 'with tuning');
SELECT ok((SELECT bool_and(trials = 2 AND cv_folds = 2 AND cv_score BETWEEN 0 AND 1 AND cv_score_sd >= 0
	AND (vanilla_cv_score BETWEEN 0 AND 1) IS NOT DISTINCT FROM CASE WHEN is_genre THEN true END)
	FROM genre_models, model_nodes(model) WHERE name = 'tuned'), 'the scores of the searches are kept');
SELECT ok((SELECT bool_and((vanilla_params ? 'max_depth') IS NOT DISTINCT FROM CASE WHEN is_genre THEN true END
	AND vanilla_cv_score IS NULL AND cv_score IS NULL) FROM genre_models, model_nodes(model) WHERE name = 'default'),
	'the parameters of vanilla classifiers too, and no scores without a search');

-- Songs held out have no say in discovery or training. The split looks at labels and artists alone, so
-- with the features of one artist's songs scrambled, the trees stay only if none of them trains.
CREATE TABLE scrambled AS TABLE songs;
CREATE FUNCTION trees_without(artists text[]) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	TRUNCATE scrambled;
	INSERT INTO scrambled SELECT * FROM songs;
	UPDATE scrambled SET energy = 1 - energy, tempo = 260 - tempo, valence = noise('v' || song_id), loudness = -40 - loudness,
			danceability = 1 - danceability, acousticness = 1 - acousticness
		WHERE song_id IN (SELECT song_id FROM song_artists WHERE artist_id = ANY (artists));
	PERFORM train_hierarchy('scrambled', 'scrambled', iterations => 0, params => '{"n_estimators": 3}');
	RETURN (SELECT string_agg(node || positives || ' ' || negatives || (SELECT string_agg(v::text, ' ') FROM shap_values(model,
			features_of('song0002'), CASE WHEN is_genre THEN 'genre:' ELSE 'supergenre:' END || node) v), ' ')
		FROM (SELECT * FROM genre_models WHERE name = 'scrambled' ORDER BY version DESC LIMIT 1) m, model_nodes(model));
END $$;
CREATE TABLE trials AS SELECT artist_id, trees_without(ARRAY[artist_id]) = trees_without('{}') AS same
FROM artists WHERE followers >= 1000 AND genres <> '{}' AND artist_id IN (SELECT artist_id FROM song_artists) ORDER BY noise(artist_id) LIMIT 15;
SELECT ok((SELECT count(*) FILTER (WHERE same) BETWEEN 1 AND 8 FROM trials), 'some artists are held out, most train');
SELECT is(trees_without((SELECT array_agg(artist_id) FROM trials WHERE same)), trees_without('{}'), 'those held out have no say');

-- predictions and explanations by song
SELECT results_eq('SELECT * FROM predict_genres(''song0003'')',
	'SELECT p.* FROM genre_models, predict_genres(model, features_of(''song0003'')) p WHERE name = ''default''', 'as from its features');
SELECT is((SELECT count(*) FROM predict_genres('song0003', top_k => 4)), 4::bigint, 'top_k');
SELECT results_eq('SELECT * FROM shap_values(''song0003'', ''genre1a'', ''table'')',
	'SELECT p.* FROM genre_models, shap_values(model, features_of(''song0003''), ''genre1a'') p WHERE name = ''table''', 'shap_values');
SELECT is((SELECT count(*) FROM shap_values('song0097', 'genre1a', 'table') WHERE value IS NULL), 1::bigint, 'a song with a missing feature');
SELECT ok((SELECT count(*) = 3 * 1300 AND sum(probability) > 1000 FROM songs, predict_genres(song_id, 'table', 3)), 'all songs in one query');
SELECT is_empty('SELECT predict_genres(NULL::text)', 'no song');
CREATE TABLE numbered AS SELECT substr(song_id, 5)::bigint AS song_id, energy, tempo, valence, acousticness FROM songs;
CREATE TABLE numbered_links AS SELECT substr(song_id, 5)::int AS song_id, artist_id FROM song_artists;
SELECT ok((SELECT count(*) = 3 FROM train_hierarchy('numbered', 'numbered', song_artists => 'numbered_links', supergenres => 'my_supergenres',
	features => '{energy,tempo,valence,acousticness}', iterations => 0, params => '{"n_estimators": 5}')), 'ids of type bigint and integer');
SELECT results_eq('SELECT * FROM predict_genres(17, ''numbered'')', 'SELECT * FROM predict_genres('' 17'', ''numbered'')', 'by number and by text');
SELECT is(sqlstate_of('SELECT predict_genres(''17x'', ''numbered'')'), '22P02', 'no number');
SELECT is(sqlstate_of('SELECT predict_genres(17)'), 'P0002', 'a number among texts');

-- metrics
SELECT is((SELECT string_agg(classifier || ' ' || n, ', ' ORDER BY classifier) FROM (SELECT classifier, count(*) AS n FROM model_metrics() GROUP BY 1) c),
	'hierarchical 24, hierarchical_hint 18, vanilla 18', 'a row per classifier and node');
SELECT ok((SELECT abs(avg(m.average_precision) - min(s.average_precision)) < 1e-12 FROM model_metrics() m JOIN scores s USING (classifier)
	WHERE classifier = 'vanilla'), 'whose mean is the table''s');

-- versions are added, never overwritten
SELECT is(rename_supergenre('table', 'place 1', 'loud'), 2, 'a renamed supergenre is a new version');
SELECT is((SELECT count(*) FROM genre_models, model_nodes(model) WHERE name = 'table' AND version = 1 AND node = 'place 1'), 1::bigint, 'the old one stays');
SELECT is((SELECT count(*) FROM predict_genres('song0003', 'table') WHERE supergenre = 'loud'), 3::bigint, 'the newest predicts');
SELECT is((SELECT count(*) FROM model_metrics('table') WHERE node = 'loud' OR supergenre = 'loud'), 10::bigint, 'the metrics follow');
SELECT is(sqlstate_of('SELECT rename_supergenre(''table'', ''loud'', ''place 2'')'), '22000', 'a name in use');
SELECT is(sqlstate_of('SELECT rename_supergenre(''table'', ''genre1a'', ''x'')'), '42704', 'a genre is no supergenre');
SELECT is(train('table', 2, ', supergenres => ''my_supergenres'''), bytes_of('query'), 'trained again');
SELECT is((SELECT max(version) FROM genre_models WHERE name = 'table'), 3, 'as version 3');
SELECT is(drop_model('table', 3) || '/' || drop_model('table'), '1/2', 'dropped');
SELECT is(sqlstate_of('SELECT drop_model(''table'')'), '42704', 'gone');

-- errors name what exists
SELECT matches(hint_of('SELECT predict_genres(''song0001'', ''nothing'')'), 'SELECT name, version, created_at FROM public.genre_models', 'unknown model');
SELECT matches(hint_of('SELECT predict_genres(''nothing'')'), 'SELECT song_id FROM public.songs', 'unknown song');
SELECT is(sqlstate_of('SELECT train_hierarchy(songs => ''artists'', iterations => 0)'), '42703', 'a column is missing');

-- plain privileges
CREATE ROLE genre_hier_reader;
GRANT SELECT ON songs, artists, song_artists, my_supergenres TO genre_hier_reader;
SET LOCAL ROLE genre_hier_reader;
CREATE TEMP TABLE denied AS SELECT hint_of('SELECT predict_genres(''song0001'')') AS predict, hint_of('SELECT train_hierarchy(iterations => 0)') AS train;
RESET ROLE;
SELECT is((SELECT predict FROM denied), 'Its owner can allow it: GRANT SELECT ON public.genre_models TO genre_hier_reader.', 'who may not read is told what to ask for');
SELECT is((SELECT train FROM denied), 'Its owner can allow it: GRANT SELECT, INSERT ON public.genre_models TO genre_hier_reader.', 'who may not write, too');
GRANT SELECT, INSERT ON genre_models TO genre_hier_reader;
SET LOCAL ROLE genre_hier_reader;
CREATE TEMP TABLE allowed AS SELECT count(*) FROM train_hierarchy('own', supergenres => 'my_supergenres', iterations => 0, params => '{"n_estimators": 2}');
RESET ROLE;
SELECT is((SELECT created_by FROM genre_models, allowed WHERE name = 'own'), 'genre_hier_reader', 'and then may');

-- a training that is cancelled leaves nothing
CREATE TABLE before AS SELECT count(*) FROM genre_models;
SET LOCAL maintenance_work_mem = '1GB';
SET LOCAL genre_hier.threads = 2;
SET LOCAL statement_timeout = '500ms';
SELECT is(sqlstate_of('SELECT train_hierarchy(''cancelled'')'), '57014', 'cancelled');
SET LOCAL statement_timeout = 0;
SELECT is((SELECT count(*) FROM genre_models), (SELECT count FROM before), 'and left nothing');

SELECT is((SELECT count(*) FROM pg_attribute WHERE attrelid = 'genre_models'::regclass AND attnum > 0 AND col_description(attrelid, attnum) IS NULL),
	0::bigint, 'every column of the registry is explained');

SELECT * FROM finish();
ROLLBACK;
