
-- boost: one classifier, XGBoost's algorithm --------------------------------------

-- Volatile, so that the planner neither trains while planning nor flattens
-- (SELECT boost_fit(...) AS model) into a call per row.
CREATE FUNCTION boost_fit(
	query text,
	params jsonb DEFAULT '{}',
	feature_names text[] DEFAULT NULL)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'genre_hier_boost_fit'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION boost_fit(text, jsonb, text[]) IS
	'boosted trees trained on the rows (label, features, [weight], [id]) of a query, as a model value';

CREATE FUNCTION boost_tune(
	query text,
	iterations int DEFAULT 50,
	folds int DEFAULT 5,
	metric text DEFAULT 'average_precision',
	space jsonb DEFAULT '{}',
	seed bigint DEFAULT 42,
	exhaustive boolean DEFAULT false,
	OUT iteration int,
	OUT params jsonb,
	OUT score float8,
	OUT score_sd float8,
	OUT best boolean,
	OUT folds_run int)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_boost_tune'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000 ROWS 50;
COMMENT ON FUNCTION boost_tune(text, int, int, text, jsonb, bigint, boolean) IS
	'Bayesian optimisation of boosting parameters by cross-validation over the rows (label, features, [weight], [id], [fold_group]) of a query';

CREATE FUNCTION boost_predict(model bytea, features float8[])
	RETURNS float8
	AS 'MODULE_PATHNAME', 'genre_hier_boost_predict'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;
COMMENT ON FUNCTION boost_predict(bytea, float8[]) IS
	'probability that the label is true, by a model of boost_fit';

CREATE FUNCTION boost_shap(model bytea, features float8[])
	RETURNS float8[]
	AS 'MODULE_PATHNAME', 'genre_hier_boost_shap'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 5000;
COMMENT ON FUNCTION boost_shap(bytea, float8[]) IS
	'SHAP values of a prediction by a model of boost_fit, in log-odds: one per feature and, last, the base value';

CREATE FUNCTION boost_shap_interactions(model bytea, features float8[])
	RETURNS float8[]
	AS 'MODULE_PATHNAME', 'genre_hier_boost_shap_interactions'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50000;
COMMENT ON FUNCTION boost_shap_interactions(bytea, float8[]) IS
	'SHAP interaction values of a prediction, in log-odds: a symmetric matrix whose rows add up to the values of boost_shap';

CREATE FUNCTION boost_export(model bytea)
	RETURNS json
	AS 'MODULE_PATHNAME', 'genre_hier_boost_export'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION boost_export(bytea) IS
	'a model of boost_fit as XGBoost''s own JSON: XGBoost 1.7 and later load it and predict the same';

-- Three of them, so that a column of type json, what pg_read_binary_file() gives and
-- an untyped literal all find one: of a literal the parser makes text.
CREATE FUNCTION boost_import(model json, best_iteration boolean DEFAULT false)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'genre_hier_boost_import'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION boost_import(json, boolean) IS
	'a binary classifier from the JSON that XGBoost writes (save_model, save_raw), as a model value';

CREATE FUNCTION boost_import(model text, best_iteration boolean DEFAULT false)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'genre_hier_boost_import'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION boost_import(text, boolean) IS
	'a binary classifier from the JSON that XGBoost writes (save_model, save_raw), as a model value';

CREATE FUNCTION boost_import(model bytea, best_iteration boolean DEFAULT false)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'genre_hier_boost_import_bytes'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION boost_import(bytea, boolean) IS
	'a binary classifier from the bytes of a file that XGBoost writes (save_model, save_raw), UBJSON or JSON, as a model value';
