-- the catalogue: artist_features, train_hierarchy, predictions by song, the registry
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never
CREATE SCHEMA catalogue;
SET search_path = catalogue, public;
\set ECHO none
-- the same as test/pgtap/include/catalogue.sql
CREATE FUNCTION noise(key text) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ('x' || substr(md5(key), 1, 8))::bit(32)::bigint / 4294967296.0 $$;

CREATE TABLE artists AS
SELECT 'artist' || lpad(a::text, 3, '0') AS artist_id, 'Artist ' || a AS name,
       CASE WHEN a % 41 = 0 THEN NULL WHEN a % 43 = 0 THEN 12 ELSE 1000 + a * 7 END::bigint AS followers,
       CASE WHEN a % 37 = 0 THEN '{}'
            ELSE ARRAY(SELECT 'genre' || a % 6 || g FROM unnest('{a,b,c}'::text[]) g
                       WHERE g = 'a' OR noise(a || 'has' || g) < CASE g WHEN 'b' THEN 0.5 ELSE 0.3 END) END AS genres
FROM generate_series(1, 240) a;

-- six places in the space of features, with room between them
CREATE FUNCTION feature(f int, artist int, song int, low float8, high float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT low + (high - low) * (0.6 * noise('place' || artist % 6 || '/' || f)
	+ 0.2 * noise('artist' || artist || '/' || f) + 0.2 * noise('song' || song || '/' || f)) $$;

CREATE TABLE songs AS
SELECT 'song' || lpad(s::text, 4, '0') AS song_id,
       round(feature(1, a, s, 100000, 400000)) AS duration, feature(2, a, s, 0, 1) AS acousticness,
       CASE WHEN s % 97 = 0 THEN NULL ELSE feature(3, a, s, 0, 1) END AS danceability,
       feature(4, a, s, 0, 1)::real AS energy, (noise('explicit' || s) < 0.1 + 0.1 * (a % 6))::int AS explicit,
       CASE WHEN s % 101 = 0 THEN 'NaN' ELSE feature(5, a, s, 0, 1) END AS instrumentalness,
       floor(12 * noise('key' || s))::smallint AS key, feature(6, a, s, 0, 1)::numeric(6, 4) AS liveness,
       feature(7, a, s, -40, 0) AS loudness, (noise('mode' || s) < 0.6)::int AS mode, feature(8, a, s, 0, 0.5) AS speechiness,
       feature(9, a, s, 60, 200) AS tempo, 3 + floor(2 * noise('signature' || s))::int AS time_signature,
       feature(10, a, s, 0, 1) AS valence
FROM generate_series(1, 1300) s, LATERAL (SELECT 1 + floor(240 * noise('of' || s))::int AS a) of;

CREATE TABLE song_artists AS
SELECT 'song' || lpad(s::text, 4, '0') AS song_id, 'artist' || lpad(a::text, 3, '0') AS artist_id
FROM generate_series(1, 1300) s, LATERAL (SELECT 1 + floor(240 * noise('of' || s))::int AS a
	UNION SELECT 1 + floor(240 * noise('with' || s))::int WHERE s % 20 = 0) of;

ALTER TABLE songs ADD PRIMARY KEY (song_id);
ALTER TABLE artists ADD PRIMARY KEY (artist_id);
ALTER TABLE song_artists ADD PRIMARY KEY (song_id, artist_id);
ANALYZE songs, artists, song_artists;

CREATE TABLE my_supergenres AS
SELECT 'genre' || n || g AS genre, 'place ' || n AS supergenre FROM generate_series(0, 5) n, unnest('{a,b,c}'::text[]) g;
\set ECHO all

SELECT song_features();
SELECT artist_id, array_length(features, 1) AS features, songs, genres FROM artist_features() LIMIT 5;
SELECT count(*), sum(songs) FROM artist_features(min_followers => 0, features => '{tempo,explicit}');

SELECT classifier, average_precision BETWEEN 0 AND 1 AS average_precision, coverage_error >= min_coverage_error AS coverage_error, genres,
       supergenres, training_songs + validation_songs > 1000 AS songs
FROM train_hierarchy(iterations => 0, params => '{"n_estimators": 5}');
SELECT name, version, created_by = CURRENT_USER AS mine, songs, array_length(features, 1) AS features, params ->> 'split_by' AS split_by,
       metrics #> '{discovered,clusters}' AS clusters FROM public.genre_models;
SELECT rank, substr(genre, 1, 6) || '?' AS genre, probability > 0.2 AS likely FROM predict_genres('song0001', top_k => 2);
SELECT count(*), count(value) FROM shap_values('song0001', 'genre1b');
SELECT classifier, count(*), count(DISTINCT node) AS nodes, count(DISTINCT supergenre) AS supergenres FROM model_metrics() GROUP BY 1 ORDER BY 1;

SELECT count(*) FROM train_hierarchy('mine', supergenres => 'my_supergenres', iterations => 0, params => '{"n_estimators": 2}');
SELECT rename_supergenre('mine', 'place 1', 'first');
SELECT node, positives = lag(positives) OVER () AS same FROM public.genre_models, model_nodes(model)
WHERE name = 'mine' AND node IN ('place 1', 'first') ORDER BY version;
SELECT rename_supergenre('mine', 'first', 'place 2');
SELECT rename_supergenre('mine', 'place 1', 'x');
SELECT rename_supergenre('mine', 'first', '');
SELECT drop_model('mine', 7);
SELECT drop_model('mine', 1), drop_model('mine');
SELECT drop_model('mine');

-- errors
SELECT predict_genres('song0001', 'mine');
SELECT predict_genres('song9999');
SELECT predict_genres('song0001', 'default', 0);
SELECT shap_values('song0001', 'polka');
SELECT model_metrics('mine');
SELECT train_hierarchy(songs => 'no_such_table');
SELECT train_hierarchy(songs => 'artists');
SELECT train_hierarchy(artists => 'songs');
SELECT train_hierarchy(songs => 'songs_pkey');
SELECT train_hierarchy(features => '{energy,beauty}');
SELECT train_hierarchy(features => '{energy,song_id}');
SELECT train_hierarchy(features => '{energy,energy}');
SELECT train_hierarchy(features => '{}');
SELECT train_hierarchy(features => NULL);
SELECT train_hierarchy(NULL);
SELECT train_hierarchy('');
SELECT train_hierarchy(min_followers => 1000000);
SELECT train_hierarchy(min_followers => 1000000, supergenres => 'my_supergenres');
SELECT train_hierarchy(supergenres => 'no_such_table');
SELECT train_hierarchy(supergenres => 'SELECT 1 AS genre');
SELECT train_hierarchy(supergenres => 'my_supergenres', params => '{"min_clusters": 3}');
SELECT train_hierarchy(split_by => 'year');
SELECT train_hierarchy(genres_per_supergenre => 0);
SELECT train_hierarchy(validation_fraction => -0.1);
SELECT train_hierarchy(params => '{"min_clusters": 1}');
SELECT train_hierarchy(params => '{"min_clusters": 9, "max_clusters": 8}');
SELECT train_hierarchy(params => '{"min_cluster_size": [5, "x"]}');
SELECT train_hierarchy(params => '{"min_samples": []}');
SELECT train_hierarchy(params => '{"n_epochs": 1e400}');
SELECT train_hierarchy(params => '{"n_neighbours": 15}');
CREATE VIEW numbered AS SELECT substr(song_id, 5)::bigint AS song_id, energy, tempo FROM songs;
SELECT train_hierarchy(songs => 'numbered', features => '{energy,tempo}');
CREATE VIEW twice AS SELECT song_id, energy, tempo FROM songs UNION ALL SELECT song_id, energy, tempo FROM songs WHERE song_id = 'song0007';
SELECT train_hierarchy(songs => 'twice', features => '{energy,tempo}');
SELECT train_hierarchy(songs => (SELECT 'songs; DROP TABLE songs'));
SELECT artist_features(artists => 'song_artists');
SELECT count(*) FROM public.genre_models;
SELECT drop_model('default');

\set ECHO none
DROP SCHEMA catalogue CASCADE;
