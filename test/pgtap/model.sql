-- Models as values: predictions, explanations, descriptions, dump and restore, damaged bytes
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(37);
\ir include/catalogue.sql

CREATE TABLE trained AS SELECT * FROM train_hierarchy('m', supergenres => 'my_supergenres', iterations => 0, params => '{"n_estimators": 10}');
CREATE TABLE value AS SELECT model FROM genre_models;
CREATE TABLE rows AS SELECT song_id, features_of(song_id) AS features FROM songs WHERE instrumentalness <> 'NaN';

-- predictions
CREATE TABLE predicted AS SELECT r.song_id, p.* FROM rows r, value, predict_genres(model, features) p;
SELECT is((SELECT count(*) FROM predicted), 18 * (SELECT count(*) FROM rows), 'every genre of every song');
SELECT ok((SELECT bool_and(probability > 0 AND probability < 1 AND probability = supergenre_probability * conditional_probability) FROM predicted),
	'P(genre) = P(supergenre) P(genre | supergenre)');
SELECT ok((SELECT bool_and(probability <= before) FROM (SELECT probability,
	lag(probability) OVER (PARTITION BY song_id ORDER BY rank) AS before FROM predicted) p WHERE before IS NOT NULL), 'ranked');
SELECT is((SELECT min(rank) || '-' || max(rank) || '/' || count(DISTINCT rank) FROM predicted), '1-18/18', 'ranks');
SELECT is((SELECT count(*) FROM value, predict_genres(model, features_of('song0001'), 3)), 3::bigint, 'top_k');
SELECT is((SELECT count(*) FROM value, predict_genres(model, features_of('song0001'), 300)), 18::bigint, 'top_k above the number of genres');
SELECT is_empty('SELECT predict_genres(model, NULL) FROM value', 'no features');
SELECT is_empty('SELECT predict_genres(NULL::bytea, ''{1}''::float8[])', 'no model');
SELECT ok((SELECT bool_and(probability = (genre_probabilities(model, r.features))[array_position(model_genres(model), genre)])
	FROM predicted JOIN rows r USING (song_id), value WHERE song_id < 'song0020'), 'genre_probabilities in the order of model_genres');
CREATE TABLE carried AS SELECT DISTINCT song_id, genre FROM song_artists JOIN artists USING (artist_id), unnest(genres) genre;
SELECT ok((SELECT avg(probability) FILTER (WHERE c.genre IS NOT NULL) > 3 * avg(probability) FILTER (WHERE c.genre IS NULL)
	FROM predicted p LEFT JOIN carried c USING (song_id, genre)), 'a song''s own genres are likelier');

-- explanations
SELECT ok((SELECT max(abs(d)) < 1e-9 FROM (
	SELECT sum(shap_value) + min(base_value) - ln(p.conditional_probability / (1 - p.conditional_probability)) AS d
	FROM predicted p JOIN rows r USING (song_id), value, shap_values(model, r.features, p.genre)
	WHERE song_id < 'song0040' GROUP BY song_id, genre, p.conditional_probability) d), 'SHAP values of genres add up to the log-odds');
SELECT ok((SELECT max(abs(d)) < 1e-9 FROM (
	SELECT sum(shap_value) + min(base_value) - ln(p.supergenre_probability / (1 - p.supergenre_probability)) AS d
	FROM (SELECT DISTINCT song_id, supergenre, supergenre_probability FROM predicted WHERE song_id < 'song0040') p
		JOIN rows r USING (song_id), value, shap_values(model, r.features, p.supergenre)
	GROUP BY song_id, supergenre, p.supergenre_probability) d), 'and those of supergenres');
SELECT is((SELECT array_agg(feature) FROM value, shap_values(model, features_of('song0001'), 'place 1')), song_features(), 'features in their order');
SELECT is((SELECT array_agg(value) FROM value, shap_values(model, features_of('song0001'), 'place 1')), features_of('song0001'), 'with their values as given');
SELECT is((SELECT count(*) FROM value, shap_values(model, array_fill(NULL::float8, '{14}'), 'place 1') WHERE value IS NULL), 14::bigint,
	'missing values are explained too');
SELECT throws_ok('SELECT shap_values(model, features_of(''song0001''), ''nothing'') FROM value', '22023', NULL, 'unknown node');

-- descriptions
SELECT is((SELECT model_features(model) FROM value), song_features(), 'model_features');
SELECT is((SELECT array_length(model_genres(model), 1) FROM value), 18, 'model_genres');
SELECT is((SELECT model_info(model) - '{bytes,training,trees}'::text[] FROM value),
	'{"kind": "hierarchy", "format": 1, "features": 14, "nodes": 24, "genres": 18, "supergenres": 6, "levels": 2}', 'model_info');
SELECT ok((SELECT sum(trees) = (model_info(model) ->> 'trees')::int FROM value, model_nodes(model) GROUP BY model), 'trees of the nodes');
SELECT ok((SELECT bool_and(params ? 'max_depth') FROM value, LATERAL (SELECT n.params FROM model_nodes(model) n) n), 'parameters of the nodes');
SELECT throws_ok('SELECT boost_predict(model, features_of(''song0001'')) FROM value', '22P03', NULL, 'a hierarchy is not boosted trees');
SELECT throws_ok('SELECT genre_probabilities(model, ''{1,2}'') FROM value', '2202E', NULL, 'too few features');
SELECT throws_ok('SELECT genre_probabilities(model, ''{{1,2,3,4,5,6,7},{1,2,3,4,5,6,7}}'') FROM value', '2202E', NULL, 'a matrix');
SELECT throws_ok('SELECT genre_probabilities(model, array_fill(''Infinity''::float8, ''{14}'')) FROM value', '22000', NULL, 'infinite features');

-- parallel workers and a model out of line, inline, out of a subquery: the same
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
CREATE FUNCTION total(model_from text) RETURNS numeric LANGUAGE plpgsql AS
$$ DECLARE t numeric; BEGIN EXECUTE 'SELECT sum(p::numeric) FROM rows, unnest(genre_probabilities(' || model_from || ', features)) p' INTO t; RETURN t; END $$;
CREATE TABLE totals AS SELECT sum(probability::numeric) AS t FROM predicted;
SELECT is(total('(SELECT model FROM value)'), t, 'parallel') FROM totals;
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT is(total('(SELECT model FROM value)'), t, 'serial') FROM totals;
SELECT is(total('(SELECT substr(model, 1) FROM value)'), t, 'a value in memory') FROM totals;
-- two models by turns: the cache follows
CREATE TABLE two AS SELECT 1 AS n, model FROM value
UNION ALL SELECT 2, hierarchy_fit('SELECT song_id AS id, features, ARRAY[CASE WHEN features[1] < 250000 THEN ''short'' ELSE ''long'' END] AS genres FROM rows',
	$$SELECT 'short' AS genre, NULL AS supergenre UNION ALL SELECT 'long', NULL$$, '{"n_estimators": 3}', iterations => 0, validation_fraction => 0);
SELECT ok((SELECT bool_and(array_length(genre_probabilities(model, features), 1) = CASE n WHEN 1 THEN 18 ELSE 2 END)
	FROM (SELECT * FROM rows, two WHERE song_id < 'song0100' ORDER BY song_id, n) r), 'two models by turns');

-- dump and restore of a value
CREATE TABLE dumped (n int, text text);
INSERT INTO dumped SELECT 1, model::text FROM value;
SELECT ok((SELECT bool_and(genre_probabilities(text::bytea, features) = genre_probabilities(model, features))
	FROM (SELECT * FROM rows LIMIT 20) r, (SELECT text FROM dumped OFFSET 0) d, value), 'a model read back predicts the same');

-- damaged bytes: an error of the documented kind, or an answer; never a crash
CREATE FUNCTION tried(bytes bytea, features float8[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text := ''; call text;
BEGIN
	FOREACH call IN ARRAY ARRAY['genre_probabilities($1, $2)', 'model_info($1)', 'model_genres($1)', 'model_features($1)',
		'boost_predict($1, $2)', 'boost_shap($1, $2)', '(SELECT count(*) FROM predict_genres($1, $2))',
		'(SELECT count(*) FROM model_nodes($1))', '(SELECT count(*) FROM shap_values($1, $2, ''place 1''))'] LOOP
		BEGIN
			EXECUTE 'SELECT ' || call USING bytes, features;
			state := state || ' 00000';
		EXCEPTION WHEN OTHERS THEN
			state := state || ' ' || SQLSTATE;
		END;
	END LOOP;
	RETURN state;
END $$;
SELECT is((SELECT string_agg(DISTINCT s, ' ') FROM (
	SELECT unnest(string_to_array(trim(tried(substr(model, 1, n), features_of('song0001'))), ' ')) AS s
	FROM value, generate_series(0, length(model) - 1, length(model) / 60) n) s), '22P03', 'cut off at any place');
SELECT is((SELECT string_agg(DISTINCT s, ' ') FROM (
	SELECT unnest(string_to_array(trim(tried(set_byte(model, n, get_byte(model, n) # (1 << n % 8)), features_of('song0001'))), ' ')) AS s
	FROM value, generate_series(0, length(model) - 1, length(model) / 100) n) s), '22P03', 'a bit flipped anywhere');
SELECT is((SELECT string_agg(DISTINCT s, ' ') FROM (
	SELECT unnest(string_to_array(trim(tried(decode(md5(n::text) || repeat(md5('a' || n), n % 50), 'hex'), features_of('song0001'))), ' ')) AS s
	FROM generate_series(1, 100) n) s), '22P03', 'random bytes');
SELECT is((SELECT string_agg(DISTINCT s, ' ') FROM (
	SELECT unnest(string_to_array(trim(tried(substr(model, 1, 16) || decode(repeat(md5('b' || n), 1 + n % 50), 'hex'), features_of('song0001'))), ' ')) AS s
	FROM value, generate_series(1, 100) n) s), '22P03', 'a model''s first bytes, then random ones');
-- the checksum made good again (CRC-32C): what is inside is checked too
CREATE FUNCTION crc32c(bytes bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE c bigint := 4294967295; i int; k int; t bigint[];
BEGIN
	FOR i IN 0..255 LOOP
		t[i] := i;
		FOR k IN 1..8 LOOP t[i] := CASE WHEN t[i] & 1 = 1 THEN (t[i] >> 1) # 2197175160 ELSE t[i] >> 1 END; END LOOP;
	END LOOP;
	FOR i IN 0..length(bytes) - 1 LOOP c := t[((c # get_byte(bytes, i)) & 255)::int] # (c >> 8); END LOOP;
	RETURN c # 4294967295;
END $$;
CREATE FUNCTION sealed(bytes bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT set_byte(set_byte(set_byte(set_byte(bytes, 12, (c & 255)::int), 13, (c >> 8 & 255)::int), 14, (c >> 16 & 255)::int), 15, (c >> 24 & 255)::int)
	FROM crc32c(substr(bytes, 17)) c $$;
CREATE TABLE small AS SELECT hierarchy_fit('SELECT song_id AS id, features, ARRAY[CASE WHEN features[1] < 250000 THEN ''short'' ELSE ''long'' END] AS genres FROM rows',
	$$SELECT 'short' AS genre, 'place 1' AS supergenre UNION ALL SELECT 'long', 'place 2'$$, '{"n_estimators": 1, "max_depth": 1}',
	iterations => 0, validation_fraction => 0) AS model;
SELECT is((SELECT sealed(model) FROM small), model, 'the checksum is CRC-32C') FROM small;
SELECT ok((SELECT bool_and(s IN ('00000', '22P03', '2202E', '22023', '22P05', '54000', '22021')) FROM (
	SELECT unnest(string_to_array(trim(tried(sealed(set_byte(model, n, (n * 37 + 11) % 256)), features_of('song0001'))), ' ')) AS s
	FROM small, generate_series(16, length(model) - 1, greatest(1, length(model) / 250)) n) s), 'a byte changed anywhere under a good checksum');
SELECT ok((SELECT genre_probabilities(model, features_of('song0001')) IS NOT NULL FROM value), 'and the session goes on');

SELECT * FROM finish();
ROLLBACK;
