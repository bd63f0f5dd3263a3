-- genre_supergenres and hierarchy_fit
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never
CREATE SCHEMA hierarchy;
SET search_path = hierarchy, public;

-- a genre seen 100, 20, 10, 2, 3, 50 and 1 times belongs where it is seen 100 times
CREATE TABLE artists (cluster int, genres text[]);
INSERT INTO artists SELECT c - 1, '{seen}' FROM unnest('{100,20,10,2,3,50,1}'::int[]) WITH ORDINALITY AS n (n, c), generate_series(1, n);
INSERT INTO artists VALUES (NULL, '{seen,lost}'), (-1, '{lost}'), (3, '{few,NULL,few}'), (3, NULL), (5, '{}');
SELECT * FROM genre_supergenres('TABLE artists');
SELECT * FROM genre_supergenres('SELECT * FROM artists WHERE false');
SELECT * FROM genre_supergenres('SELECT 1.5 AS cluster, genres FROM artists');
SELECT * FROM genre_supergenres('SELECT 5000000000 AS cluster, genres FROM artists');

CREATE TABLE songs AS
SELECT i AS id, ARRAY[i % 2, i % 6, i % 5]::float8[] AS features,
       ARRAY[CASE WHEN i % 2 = 0 THEN 'rock' ELSE 'rap' END, CASE i % 6 WHEN 0 THEN 'metal' WHEN 1 THEN 'trap' ELSE 'indie' END] AS genres,
       i % 30 AS fold_group
FROM generate_series(1, 300) i;
CREATE TABLE pairs (genre text, supergenre text);
INSERT INTO pairs VALUES ('rock', 'guitar'), ('metal', 'guitar'), ('indie', 'guitar'), ('rap', 'voice'), ('trap', 'voice');
CREATE TABLE fitted AS SELECT hierarchy_fit('TABLE songs', 'TABLE pairs', '{"n_estimators": 10}', iterations => 0) AS model;
SELECT node, parent, level, is_genre, positives + negatives AS rows, trees > 0 AS trees FROM fitted, model_nodes(model);
SELECT rank, genre, supergenre, probability > 0.5 AS likely FROM fitted, predict_genres(model, '{1,1,0}');
SELECT model_genres(model) FROM fitted;
SELECT model_info(model) - '{bytes,trees,training}'::text[] FROM fitted;

-- deeper, a genre at the top, a genre with its parent's name
SELECT node, parent, level, is_genre FROM model_nodes(hierarchy_fit('TABLE songs',
	$$SELECT * FROM (VALUES ('metal', 'rock'), ('rock', 'rock'), ('rock', 'loud'), ('rap', 'voice'), ('trap', 'voice'), ('voice', 'loud'), ('indie', NULL)) t (genre, parent)$$,
	'{"n_estimators": 2}', iterations => 0));

-- what cannot be
SELECT length(hierarchy_fit('TABLE songs', NULL));
SELECT length(hierarchy_fit('SELECT id, features FROM songs', 'TABLE pairs'));
SELECT length(hierarchy_fit('SELECT id, features, ''x'' AS genres FROM songs', 'TABLE pairs'));
SELECT length(hierarchy_fit('TABLE songs', 'SELECT genre FROM pairs'));
SELECT length(hierarchy_fit('TABLE songs', 'SELECT *, supergenre AS parent FROM pairs'));
SELECT length(hierarchy_fit('TABLE songs', 'SELECT * FROM pairs WHERE false'));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs UNION ALL SELECT ''rock'', ''pop'''));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs UNION ALL SELECT ''voice'', NULL'));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs UNION ALL SELECT ''pop'', '''''));
SELECT length(hierarchy_fit('TABLE songs', 'SELECT ''polka'' AS genre, ''dance'' AS supergenre'));
SELECT length(hierarchy_fit('SELECT * FROM songs UNION ALL SELECT * FROM songs WHERE id = 7', 'TABLE pairs'));
SELECT length(hierarchy_fit('SELECT * FROM songs WHERE id = 7', 'TABLE pairs'));
SELECT length(hierarchy_fit('SELECT id, CASE WHEN id = 7 THEN ARRAY[''NaN'']::float8[] ELSE features END AS features, genres FROM songs', 'TABLE pairs'));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs', iterations => -1));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs', folds => 1));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs', validation_fraction => 1));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs', '{"metric": "auc"}'));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs', '{"metric": 1}'));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs', '{"min_clusters": 3}'));
SELECT length(hierarchy_fit('TABLE songs', 'TABLE pairs', '{"space": 3}'));

DROP SCHEMA hierarchy CASCADE;
