-- boost_fit, boost_tune, boost_predict, boost_shap
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never
CREATE SCHEMA boost;
SET search_path = boost, public;

CREATE TABLE rows AS
SELECT i AS id, i % 4 = 0 OR i % 60 > 50 AS label,
       ARRAY[i % 4, CASE WHEN i % 7 > 0 THEN i % 60 END, i % 11]::float8[] AS features, i % 20 AS fold_group
FROM generate_series(1, 240) i;
CREATE TABLE fitted AS SELECT boost_fit('SELECT id, label, features FROM rows', '{"n_estimators": 20}', '{quarter,minute,noise}') AS model;

SELECT count(*) FILTER (WHERE label = (boost_predict(model, features) > 0.5)) AS right, count(*) FROM rows, fitted;
SELECT model_features(model) FROM fitted;
SELECT jsonb_pretty(model_info(model) - '{bytes,base_score}'::text[]) FROM fitted;
SELECT array_length(boost_shap(model, '{0,NULL,3}'), 1) AS values FROM fitted;
SELECT round(m[1][1]::numeric, 6) AS own, round(m[1][2]::numeric, 6) AS pair, m[1][4] AS base_in_between
FROM (SELECT boost_shap_interactions(model, '{0,NULL,3}') AS m FROM fitted) f;
SELECT iteration, params ->> 'max_depth' AS max_depth, score IS NOT NULL AS scored, best IS NOT NULL AS ranked
FROM boost_tune('TABLE rows', iterations => 3, folds => 2, space => '{"max_depth": 3, "n_estimators": 10}');

-- one row
SELECT boost_predict(model, '{1,2}') FROM fitted;
SELECT boost_predict(model, '{1,2,Infinity}') FROM fitted;
SELECT boost_predict(model, '{{1,2,3}}') IS NOT NULL FROM fitted;
SELECT boost_predict('\x47454e5245', '{1,2}');
SELECT boost_predict(substr(model, 1, 100), '{1,2,3}') FROM fitted;
SELECT predict_genres(model, '{1,2,3}') FROM fitted;

-- XGBoost's JSON
\pset format unaligned
SELECT boost_export(boost_fit('SELECT label, features FROM rows', '{"n_estimators": 1, "max_depth": 1, "base_score": 0.5}'));
\pset format aligned
SELECT boost_export('\x');
SELECT boost_import('[]');
SELECT boost_import('');
SELECT boost_import('\x62696e66'::bytea);
SELECT boost_import('\x7b55017824'::bytea);
SELECT boost_import('\x7b55017853'::bytea);
SELECT boost_import('{"learner": {"attributes": {"best_iteration": "7"}, "gradient_booster": {"name": "gbtree", "model": {"trees": []}},
	"objective": {"name": "binary:logistic"}, "learner_model_param": {"num_feature": "1", "base_score": "5E-1"}}}', best_iteration => true);
SELECT boost_import('{}');
SELECT boost_import('{"learner": 1}');
SELECT boost_import('{"learner": {"objective": {"name": "reg:squarederror"}, "gradient_booster": {"name": "gbtree"}}}');
SELECT boost_import(replace(boost_export(model)::text, '"left_children":[1,', '"left_children":[0,')::json) FROM fitted;

-- parameters
SELECT length(boost_fit('TABLE rows', '{"max_dept": 3}'));
SELECT length(boost_fit('TABLE rows', '{"max_depth": true}'));
SELECT length(boost_fit('TABLE rows', '{"eta": null}'));
SELECT length(boost_fit('TABLE rows', '{"n_neighbors": 15}'));
SELECT length(boost_fit('TABLE rows', '[3]'));
SELECT length(boost_fit('TABLE rows', '{"early_stopping_rounds": 5}'));
SELECT length(boost_fit('TABLE rows', '{"monotone_constraints": {"minute": 1}}'));
SELECT length(boost_fit('TABLE rows', '{"monotone_constraints": {"hour": 1}}', '{quarter,minute,noise}'));
SELECT length(boost_fit('TABLE rows', '{}', '{a,b}'));
SELECT length(boost_fit('TABLE rows', '{}', '{a,b,a}'));
SELECT length(boost_fit('TABLE rows', '{}', '{a,b,NULL}'));
SELECT count(*) FROM boost_tune('TABLE rows', iterations => 0);
SELECT count(*) FROM boost_tune('TABLE rows', folds => 1);
SELECT count(*) FROM boost_tune('TABLE rows', metric => 'accuracy');
SELECT count(*) FROM boost_tune('TABLE rows', space => '{"eta": "small"}');
SELECT count(*) FROM boost_tune('TABLE rows', space => '{"eta": [0.1]}');
SELECT count(*) FROM boost_tune('TABLE rows', space => '{"eta": {"low": 0.1}}');
SELECT count(*) FROM boost_tune('TABLE rows', space => '{"eta": {"low": 0.1, "top": 1}}');

-- rows
SELECT length(boost_fit(NULL));
SELECT length(boost_fit('SELECT * FROM rows WHERE false'));
SELECT length(boost_fit('SELECT id, features FROM rows'));
SELECT length(boost_fit('SELECT id, label::int, features FROM rows'));
SELECT length(boost_fit('SELECT id, CASE WHEN id <> 9 THEN label END AS label, features FROM rows WHERE id IN (8, 9)'));
SELECT length(boost_fit('SELECT id, label, ARRAY[''NaN'', 1]::float8[] AS features FROM rows WHERE id = 9'));
SELECT length(boost_fit('SELECT label, ARRAY[1e300] AS features FROM rows WHERE id = 9'));
SELECT length(boost_fit('SELECT id, label, CASE WHEN id < 3 THEN features ELSE ''{1}'' END AS features FROM rows WHERE id < 4 ORDER BY id'));
SELECT length(boost_fit('SELECT id, label, ''{}''::float8[] AS features FROM rows'));
SELECT length(boost_fit('SELECT id, label, features, -1 AS weight FROM rows WHERE id = 9'));

-- one class, one row
SELECT round(boost_predict(boost_fit('SELECT * FROM rows WHERE label'), '{1,1,1}')::numeric, 3) AS probability;
SELECT round(boost_predict(boost_fit('SELECT * FROM rows WHERE id = 1'), '{1,1,1}')::numeric, 3) AS probability;
SET client_min_messages = notice;
SELECT iteration, score, best FROM boost_tune('SELECT * FROM rows WHERE label', iterations => 2);
SET client_min_messages = warning;

DROP SCHEMA boost CASCADE;
