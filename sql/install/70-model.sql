
-- model: a hierarchy as a value ------------------------------------------------

CREATE FUNCTION predict_genres(
	model bytea,
	features float8[],
	top_k int DEFAULT NULL,
	OUT rank int,
	OUT genre text,
	OUT supergenre text,
	OUT probability float8,
	OUT supergenre_probability float8,
	OUT conditional_probability float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_predict_genres'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 40;
COMMENT ON FUNCTION predict_genres(bytea, float8[], int) IS
	'genres of a song ranked by probability, from its features';

CREATE FUNCTION genre_probabilities(model bytea, features float8[])
	RETURNS float8[]
	AS 'MODULE_PATHNAME', 'genre_hier_genre_probabilities'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION genre_probabilities(bytea, float8[]) IS
	'probability of every genre, in the order of model_genres(model)';

CREATE FUNCTION shap_values(
	model bytea,
	features float8[],
	node text,
	OUT feature text,
	OUT value float8,
	OUT shap_value float8,
	OUT base_value float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_shap_values'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 5000 ROWS 14;
COMMENT ON FUNCTION shap_values(bytea, float8[], text) IS
	'SHAP values (log-odds) of the classifier of a genre or supergenre for one song';

CREATE FUNCTION model_info(model bytea)
	RETURNS jsonb
	AS 'MODULE_PATHNAME', 'genre_hier_model_info'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION model_info(bytea) IS
	'what a model is and how it was trained';

CREATE FUNCTION model_genres(model bytea)
	RETURNS text[]
	AS 'MODULE_PATHNAME', 'genre_hier_model_genres'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION model_genres(bytea) IS
	'genres of a hierarchy, in the order of genre_probabilities';

CREATE FUNCTION model_features(model bytea)
	RETURNS text[]
	AS 'MODULE_PATHNAME', 'genre_hier_model_features'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION model_features(bytea) IS
	'names of the features a model was trained on, in their order';

CREATE FUNCTION model_nodes(
	model bytea,
	OUT node text,
	OUT parent text,
	OUT level int,
	OUT is_genre boolean,
	OUT positives bigint,
	OUT negatives bigint,
	OUT trees int,
	OUT average_precision float8,
	OUT params jsonb,
	OUT cv_score float8,
	OUT cv_score_sd float8,
	OUT cv_folds int,
	OUT trials int,
	OUT vanilla_params jsonb,
	OUT vanilla_cv_score float8,
	OUT vanilla_cv_score_sd float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_model_nodes'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 10000 ROWS 50;
COMMENT ON FUNCTION model_nodes(bytea) IS
	'genres and supergenres of a hierarchy: their place, training rows, trees, scores on the validation rows and in the search of their parameters';
