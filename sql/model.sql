-- models as values: what a person sees, and what cannot be
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never
CREATE SCHEMA model;
SET search_path = model, public;

CREATE TABLE songs AS
SELECT i AS id, ARRAY[i % 2, i % 6]::float8[] AS features,
       ARRAY[CASE WHEN i % 2 = 0 THEN 'rock' ELSE 'rap' END, CASE i % 6 WHEN 0 THEN 'metal' WHEN 1 THEN 'trap' ELSE 'indie' END] AS genres
FROM generate_series(1, 200) i;
CREATE TABLE m AS SELECT hierarchy_fit('TABLE songs',
	$$SELECT * FROM (VALUES ('rock', 'guitar'), ('metal', 'guitar'), ('indie', 'guitar'), ('rap', 'rap'), ('trap', 'rap')) t (genre, supergenre)$$,
	'{"n_estimators": 10}', iterations => 0, feature_names => '{voice,"wall of sound"}') AS model;

SELECT rank, genre, supergenre, probability > 0.5 AS likely, probability <= supergenre_probability AS below,
       abs(probability - supergenre_probability * conditional_probability) < 1e-15 AS product
FROM m, predict_genres(model, '{0,0}', 3);
SELECT array_length(genre_probabilities(model, '{0,NULL}'), 1) FROM m;
SELECT feature, value, shap_value IS NOT NULL AS shap_value, base_value IS NOT NULL AS base_value
FROM m, shap_values(model, '{0,NULL}', 'guitar');
SELECT model_features(model), model_genres(model) FROM m;
SELECT count(*) FROM m, predict_genres(model, NULL);
SELECT count(*) FROM m, shap_values(model, '{1,2}', NULL);
SELECT count(*) FROM model_nodes(NULL);

SELECT shap_values(model, '{0,1}', 'rap') FROM m;
SELECT count(*) FROM m, shap_values(model, '{0,1}', 'genre:rap');
SELECT count(*) FROM m, shap_values(model, '{0,1}', 'supergenre:rap');
SELECT shap_values(model, '{0,1}', 'polka') FROM m;
SELECT predict_genres(model, '{0,1}', 0) FROM m;
SELECT predict_genres(model, '{0,1,2}') FROM m;
SELECT genre_probabilities(model, '{0,-Infinity}') FROM m;
SELECT boost_predict(model, '{0,1}') FROM m;
SELECT model_info('\x');
SELECT model_info(decode(repeat('00', 100), 'hex'));
SELECT model_info(substr(model, 1, 20)) FROM m;
SELECT model_info(model || '\x00') FROM m;
SELECT model_info(set_byte(model, 8, 99)) FROM m;
SELECT model_info(set_byte(model, 200, 255 - get_byte(model, 200))) FROM m;

-- what is promised to the planner
SELECT p.oid::regprocedure AS function, provolatile AS volatile, proparallel AS parallel, proisstrict AS strict
FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e' JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'genre_hier'
WHERE proname ~ '^(boost|genre|hierarchy_fit|predict|shap|model|song|artist_f|train|rename|drop)' ORDER BY p.oid::regprocedure::text COLLATE "C";

DROP SCHEMA model CASCADE;
