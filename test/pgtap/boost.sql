-- boost_fit, boost_tune, boost_predict, boost_shap
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(53);

\ir include/helpers.sql

-- the label depends on x, less on y, not on z; y has holes
CREATE TABLE rows AS
SELECT i AS id, noise('l' || i) < 1 / (1 + exp(-8 * (noise('x' || i) - 0.5) - 3 * (noise('y' || i) - 0.5))) AS label,
       ARRAY[noise('x' || i), CASE WHEN i % 7 = 0 THEN NULL ELSE noise('y' || i) END, floor(4 * noise('z' || i))] AS features,
       1 + i % 3 AS w, i % 40 AS fold_group
FROM generate_series(1, 800) i;
CREATE TABLE fitted AS
SELECT boost_fit('SELECT id, label, features FROM rows', '{"n_estimators": 40, "eta": 0.1}', '{x,y,z}') AS model;

-- it learns, it can be explained
SELECT ok((SELECT average_precision(label, boost_predict(model, features)) > 0.9 FROM rows, fitted), 'it has learnt its rows');
SELECT ok((SELECT min(boost_predict(model, features)) > 0 AND max(boost_predict(model, features)) < 1 FROM rows, fitted),
	'probabilities');
SELECT ok((SELECT max(abs((SELECT sum(v) FROM unnest(boost_shap(model, features)) v) - ln(p / (1 - p)))) < 1e-9
	FROM rows, fitted, LATERAL (SELECT boost_predict(model, features) AS p) q), 'SHAP values and the base value add up to the log-odds');
SELECT is((SELECT count(DISTINCT (boost_shap(model, features))[4]) FROM rows, fitted), 1::bigint, 'one base value');
SELECT ok((SELECT avg(abs((boost_shap(model, features))[1])) > 3 * avg(abs((boost_shap(model, features))[3])) FROM rows, fitted),
	'what matters has larger values');
SELECT is((SELECT boost_predict(model, '{0.5,NULL,1}') FROM fitted), (SELECT boost_predict(model, '{0.5,NaN,1}') FROM fitted),
	'NULL is a missing value');
SELECT is((SELECT boost_predict(model, NULL) FROM fitted), NULL, 'no features, no answer');

-- interactions
CREATE TABLE interactions AS
SELECT id, boost_shap(model, features) AS shap, boost_shap_interactions(model, features) AS m FROM rows, fitted WHERE id <= 40;
SELECT is((SELECT count(DISTINCT array_dims(m)) || max(array_dims(m)) FROM interactions), '1[1:4][1:4]', 'a matrix of features and base value');
SELECT ok((SELECT bool_and(abs((SELECT sum(m[i][j]) FROM generate_series(1, 4) j) - shap[i]) < 1e-12)
	FROM interactions, generate_series(1, 4) i), 'its rows add up to the SHAP values');
SELECT ok((SELECT bool_and(m[i][j] = m[j][i]) FROM interactions, generate_series(1, 4) i, generate_series(1, 4) j), 'it is symmetric');
SELECT is((SELECT count(*) FROM interactions, fitted, LATERAL (SELECT boost_shap(model, features) AS again FROM rows
	WHERE rows.id = interactions.id) r WHERE again <> shap), 0::bigint, 'the tenth row of a query is explained as the first');

-- the same bytes, however the rows come
CREATE FUNCTION digest(query text, params jsonb = '{"n_estimators": 20, "subsample": 0.7, "colsample_bytree": 0.7}')
	RETURNS text LANGUAGE sql AS $$ SELECT md5(boost_fit(query, params)) $$;
SELECT is(digest('SELECT * FROM rows ORDER BY md5(id::text)'), digest('SELECT id, label, features FROM rows'), 'shuffled rows');
SELECT is(digest('SELECT label, features FROM rows ORDER BY md5(id::text)'), digest('SELECT label, features FROM rows'),
	'shuffled rows without an id');
SELECT is(digest('SELECT label, features, w AS weight FROM rows ORDER BY id DESC'),
	digest('SELECT w AS weight, features, label FROM rows'), 'shuffled rows with weights');
SELECT is(digest('SELECT id, label, features::float4[] FROM rows'), digest('SELECT id, label, features FROM rows'),
	'arrays of real are as good: features are kept in single precision');
SELECT isnt(digest('SELECT id, label, features FROM rows', '{"n_estimators": 20, "subsample": 0.7, "seed": 1}'),
	digest('SELECT id, label, features FROM rows', '{"n_estimators": 20, "subsample": 0.7, "seed": 2}'), 'the seed counts');
-- whole weights are repetitions where every distinct value has its own bin
CREATE TABLE coarse AS SELECT id, label, w, ARRAY(SELECT round(f::numeric, 2) FROM unnest(features) f) AS features FROM rows;
SELECT ok((SELECT max(abs(boost_predict(a.model, features) - boost_predict(b.model, features))) < 1e-5 FROM rows,
	(SELECT boost_fit('SELECT label, features, w AS weight FROM coarse', '{"n_estimators": 5}') AS model) a,
	(SELECT boost_fit('SELECT label, features FROM coarse, generate_series(1, w)', '{"n_estimators": 5}') AS model) b),
	'a weight of 3 is a row given three times');
SELECT ok((SELECT bool_and(next >= p) FROM (SELECT boost_predict(model, ARRAY[x / 50.0, 0.5, 1]) AS p,
		lead(boost_predict(model, ARRAY[x / 50.0, 0.5, 1])) OVER (ORDER BY x) AS next
	FROM generate_series(0, 50) x, (SELECT boost_fit('SELECT label, features FROM rows',
		'{"n_estimators": 20, "monotone_constraints": {"x": 1}}', '{x,y,z}') AS model) m) p WHERE next IS NOT NULL),
	'monotone_constraints by the feature''s name');

-- one class
SELECT is((SELECT count(DISTINCT boost_predict(model, features)) FROM rows,
	(SELECT boost_fit('SELECT label, features FROM rows WHERE label') AS model) m), 1::bigint, 'one class gives a constant');
SELECT ok((SELECT boost_predict(boost_fit('SELECT true AS label, ''{1}''::float8[] AS features'), '{5}') > 0.99), 'one row');

-- descriptions
SELECT is((SELECT model_features(model) FROM fitted), '{x,y,z}', 'names of the features');
SELECT is((SELECT model_features(boost_fit('SELECT label, features FROM rows LIMIT 50'))), '{feature_1,feature_2,feature_3}', 'default names');
SELECT is((SELECT model_info(model) - '{bytes,base_score,training}'::text[] FROM fitted),
	'{"kind": "boost", "format": 1, "features": 3, "trees": 40}', 'model_info');
SELECT is((SELECT model_info(model) #> '{training,params}' ->> 'eta' FROM fitted), '0.1', 'parameters are kept');

-- from and to XGBoost
CREATE FUNCTION survives(bytea) RETURNS boolean LANGUAGE plpgsql AS
$$ BEGIN RETURN boost_import($1) IS NOT NULL; EXCEPTION WHEN data_exception THEN RETURN true; END $$;
CREATE TABLE exported AS SELECT boost_export(model) AS json FROM fitted;
SELECT ok((SELECT max(abs(boost_predict(model, features) - boost_predict(imported, features))) < 1e-7 FROM rows, fitted,
	(SELECT boost_import(json) AS imported FROM exported OFFSET 0) e), 'there and back predicts the same');
SELECT is((SELECT json #> '{learner,feature_names}' FROM exported)::text, '["x","y","z"]', 'names given are exported');
SELECT is((SELECT boost_export(boost_fit('SELECT label, features FROM rows LIMIT 50')) #> '{learner,feature_names}')::text, '[]',
	'default names are not');
SELECT is((SELECT json #>> '{learner,gradient_booster,model,gbtree_model_param,num_trees}' FROM exported), '40', 'every tree');
SELECT ok((SELECT max(abs(boost_predict(model, features) - boost_predict(imported, features))) < 1e-7 FROM rows, fitted,
	(SELECT boost_import(json::jsonb::json) AS imported FROM exported OFFSET 0) e), 'the order of the keys has no say');
SELECT is((SELECT model_features(boost_import(json)) FROM exported), '{x,y,z}', 'names come back');
SELECT is((SELECT model_info(boost_import(json)) -> 'training' FROM exported), '{"source": "xgboost", "version": [2, 1, 0]}',
	'an imported model says where it is from');
SELECT throws_ok('SELECT boost_import(replace(json::text, ''"name":"gbtree"'', ''"name":"dart"'')::json) FROM exported', '22000',
	'the JSON is not a model that can be imported', 'DART is refused');
\ir include/xgboost.sql
SELECT ok((SELECT max(abs(boost_predict(boost_import(file), features) - by_all)) < 2e-7 FROM xgboost_file, xgboost_predictions),
	'UBJSON predicts as Booster.predict does');
SELECT ok((SELECT max(abs(boost_predict(boost_import(file, best_iteration => true), features) - by_best)) < 2e-7
	FROM xgboost_file, xgboost_predictions), 'up to the best iteration as XGBClassifier does');
SELECT is((SELECT model_info(boost_import(file)) ->> 'trees' || '/' || (model_info(boost_import(file, true)) ->> 'trees') FROM xgboost_file),
	'2/1', 'by as many trees');
SELECT is((SELECT model_features(boost_import(file)) FROM xgboost_file), ARRAY['tempo', 'caf' || U&'\00E9'], 'its names');
SELECT is((SELECT model_info(boost_import(file)) -> 'training' FROM xgboost_file),
	'{"source": "xgboost", "version": [3, 2, 0], "attributes": {"note": "by hand", "best_iteration": "0"}}', 'its version and attributes');
SELECT is((SELECT boost_export(boost_import(file)) #>> '{learner,attributes}' FROM xgboost_file), '{"note":"by hand","best_iteration":"0"}',
	'which an export gives back');
SELECT is((SELECT boost_import(convert_to(json::text, 'UTF8')) = boost_import(json) AND boost_import(json::text) = boost_import(json) FROM exported),
	true, 'JSON as bytes and as text');
SELECT throws_ok('SELECT boost_import(substr(file, 1, 1000)) FROM xgboost_file', '22000', 'the UBJSON cannot be read', 'cut off');
SELECT throws_ok('SELECT boost_import(''\x62696e66''::bytea)', '22000', 'the JSON is not a model that can be imported', 'the binary format is refused');
SELECT is((SELECT count(*) FROM generate_series(1, 200) i, xgboost_file, LATERAL (SELECT set_byte(file, (i * 131) % length(file),
	(i * 57) % 256) AS damaged) d WHERE NOT survives(damaged)), 0::bigint, 'damaged bytes are read or refused');

-- parallel plans
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT ok((SELECT bool_or(p LIKE '%Gather%') FROM plan_of('SELECT count(*) FROM rows WHERE boost_predict((SELECT model FROM fitted), features) > 0.5') p),
	'predictions run in parallel workers');
CREATE TABLE parallel_sum AS SELECT sum(boost_predict((SELECT model FROM fitted), features)::numeric) AS s FROM rows;
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT is((SELECT sum(boost_predict((SELECT model FROM fitted), features)::numeric) FROM rows), s, 'and give the same')
FROM parallel_sum;

-- tuning
CREATE FUNCTION tuned(query text, threads int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN (SELECT string_agg(t::text, ' ' ORDER BY iteration)
		FROM boost_tune(query, iterations => 6, folds => 3, space => '{"n_estimators": 30, "max_depth": [2, 4]}') t);
END $$;
CREATE TABLE tuned_once AS SELECT tuned('TABLE rows', 1) AS t;
SELECT is(tuned('TABLE rows', 2), t, 'two threads') FROM tuned_once;
SELECT is(tuned('SELECT * FROM rows ORDER BY md5(id::text)', 8), t, 'eight threads and shuffled rows') FROM tuned_once;
SELECT is((SELECT count(*) || '/' || count(*) FILTER (WHERE best) || '/' || bool_and(score <= top)
	FROM (SELECT t.*, max(score) FILTER (WHERE best) OVER () AS top
		FROM boost_tune('TABLE rows', iterations => 5, folds => 3, space => '{"n_estimators": 30}') t) t), '5/1/true', 'one trial is the best');
SELECT ok((SELECT bool_and((params ->> 'max_depth')::int BETWEEN 2 AND 3 AND (params ->> 'eta')::float8 BETWEEN 0.05 AND 0.4
		AND params ->> 'gamma' = '0' AND (params ->> 'n_estimators')::int <= 30)
	FROM boost_tune('TABLE rows', iterations => 6, folds => 3, space =>
		'{"max_depth": [2, 3], "eta": {"low": 0.05, "high": 0.4, "log": true}, "gamma": 0, "n_estimators": 30}') WHERE iteration > 1),
	'the space is kept to');
SELECT ok((SELECT bool_and(folds_run = 4) FROM boost_tune('TABLE rows', iterations => 6, folds => 4, exhaustive => true,
	space => '{"n_estimators": 10}')), 'exhaustive: every trial runs in all folds');
SELECT ok((SELECT bool_or(folds_run < 4) AND bool_and(folds_run IN (2, 3, 4)) AND bool_and(NOT best OR folds_run = 4)
	FROM boost_tune('TABLE rows', iterations => 12, folds => 4, space => '{"n_estimators": 10}')),
	'else trials that fall behind are given up, and the best has run in all folds');
SELECT ok((SELECT boost_fit('TABLE rows', params) IS NOT NULL FROM boost_tune('TABLE rows', iterations => 2, folds => 3,
	metric => 'logloss', space => '{"n_estimators": 20}') WHERE best), 'boost_fit takes the parameters found');

-- cancelling
SET LOCAL statement_timeout = '300ms';
SELECT is(sqlstate_of('SELECT * FROM boost_tune(''TABLE rows'', iterations => 5000)'), '57014', 'tuning can be cancelled');
SET LOCAL statement_timeout = 0;
SELECT ok(boost_fit('TABLE rows', '{"n_estimators": 2}') IS NOT NULL, 'and the session goes on');

SELECT * FROM finish();
ROLLBACK;
