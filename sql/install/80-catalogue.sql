
-- catalogue: songs, artists, song_artists and the registry of models ---------------

-- Plain privileges rule it: who may SELECT predicts, who may also INSERT trains.
CREATE TABLE genre_models (
	name text NOT NULL CHECK (name <> ''),
	version int NOT NULL CHECK (version > 0),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	created_by text NOT NULL DEFAULT CURRENT_USER,
	songs text NOT NULL,
	features text[] NOT NULL,
	params jsonb NOT NULL,
	metrics jsonb NOT NULL,
	model bytea NOT NULL,
	PRIMARY KEY (name, version)
);
-- trees do not compress, and a TOAST pointer is the key of the cache of parsed models
ALTER TABLE genre_models ALTER COLUMN model SET STORAGE EXTERNAL;
COMMENT ON TABLE genre_models IS
	'models of train_hierarchy; versions are added, never overwritten';
COMMENT ON COLUMN genre_models.name IS 'train_hierarchy''s argument "model"';
COMMENT ON COLUMN genre_models.version IS '1, 2, ... of each name; the newest answers';
COMMENT ON COLUMN genre_models.created_at IS 'when the training ended';
COMMENT ON COLUMN genre_models.created_by IS 'the role that trained';
COMMENT ON COLUMN genre_models.songs IS 'the table trained on, where predict_genres(song_id) looks songs up';
COMMENT ON COLUMN genre_models.features IS 'columns of that table, in the order of the model''s features';
COMMENT ON COLUMN genre_models.params IS 'arguments of the training';
COMMENT ON COLUMN genre_models.metrics IS 'scores on the validation songs: see model_metrics()';
COMMENT ON COLUMN genre_models.model IS 'the model itself, for every function that takes one';
SELECT pg_catalog.pg_extension_config_dump('genre_models', '');
-- A trusted extension belongs to whoever created it, but its objects to a superuser.
GRANT ALL ON genre_models TO @extowner@ WITH GRANT OPTION;

CREATE FUNCTION song_features()
	RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$SELECT '{duration,acousticness,danceability,energy,explicit,instrumentalness,key,liveness,loudness,mode,speechiness,tempo,time_signature,valence}'::pg_catalog.text[]$$;
COMMENT ON FUNCTION song_features() IS
	'names of the 14 features of a song';

CREATE FUNCTION artist_features(
	songs text DEFAULT 'songs',
	artists text DEFAULT 'artists',
	song_artists text DEFAULT 'song_artists',
	features text[] DEFAULT @extschema@.song_features(),
	min_followers bigint DEFAULT 1000,
	OUT artist_id text,
	OUT features float8[],
	OUT songs bigint,
	OUT genres text[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_artist_features'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 100000 ROWS 10000;
COMMENT ON FUNCTION artist_features(text, text, text, text[], bigint) IS
	'one point per artist: the mean features of the complete songs';

CREATE FUNCTION train_hierarchy(
	model text DEFAULT 'default',
	songs text DEFAULT 'songs',
	artists text DEFAULT 'artists',
	song_artists text DEFAULT 'song_artists',
	supergenres text DEFAULT NULL,
	features text[] DEFAULT @extschema@.song_features(),
	genres_per_supergenre int DEFAULT 5,
	min_followers bigint DEFAULT 1000,
	validation_fraction float8 DEFAULT 0.2,
	split_by text DEFAULT 'artist',
	iterations int DEFAULT 50,
	folds int DEFAULT 5,
	context text DEFAULT 'song',
	combine text DEFAULT 'product',
	params jsonb DEFAULT '{}',
	seed bigint DEFAULT 42)
	RETURNS TABLE (
		classifier text,
		average_precision float8,
		coverage_error float8,
		min_coverage_error float8,
		genres int,
		supergenres int,
		training_songs bigint,
		validation_songs bigint)
	AS 'MODULE_PATHNAME', 'genre_hier_train_hierarchy'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 3;
COMMENT ON FUNCTION train_hierarchy(text, text, text, text, text, text[], int, bigint, float8, text, int, int, text, text, jsonb, bigint) IS
	'the whole way from songs to a stored model: supergenres, classifiers, comparison on held-out songs';

CREATE FUNCTION predict_genres(
	song_id text,
	model text DEFAULT 'default',
	top_k int DEFAULT NULL,
	OUT rank int,
	OUT genre text,
	OUT supergenre text,
	OUT probability float8,
	OUT supergenre_probability float8,
	OUT conditional_probability float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_predict_song_text'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 20000 ROWS 40;
COMMENT ON FUNCTION predict_genres(text, text, int) IS
	'genres of a song of the catalogue ranked by probability, by the newest version of a model';

CREATE FUNCTION predict_genres(
	song_id bigint,
	model text DEFAULT 'default',
	top_k int DEFAULT NULL,
	OUT rank int,
	OUT genre text,
	OUT supergenre text,
	OUT probability float8,
	OUT supergenre_probability float8,
	OUT conditional_probability float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_predict_song_bigint'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 20000 ROWS 40;
COMMENT ON FUNCTION predict_genres(bigint, text, int) IS
	'genres of a song of the catalogue ranked by probability, by the newest version of a model';

CREATE FUNCTION shap_values(
	song_id text,
	node text,
	model text DEFAULT 'default',
	OUT feature text,
	OUT value float8,
	OUT shap_value float8,
	OUT base_value float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_shap_song_text'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 20000 ROWS 14;
COMMENT ON FUNCTION shap_values(text, text, text) IS
	'SHAP values (log-odds) of the classifier of a genre or supergenre for a song of the catalogue';

CREATE FUNCTION shap_values(
	song_id bigint,
	node text,
	model text DEFAULT 'default',
	OUT feature text,
	OUT value float8,
	OUT shap_value float8,
	OUT base_value float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_shap_song_bigint'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 20000 ROWS 14;
COMMENT ON FUNCTION shap_values(bigint, text, text) IS
	'SHAP values (log-odds) of the classifier of a genre or supergenre for a song of the catalogue';

CREATE FUNCTION model_metrics(
	model text DEFAULT 'default',
	OUT classifier text,
	OUT node text,
	OUT supergenre text,
	OUT average_precision float8,
	OUT coverage_error float8,
	OUT positives bigint)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_model_metrics'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 10000 ROWS 100;
COMMENT ON FUNCTION model_metrics(text) IS
	'scores of the newest version of a model on its validation songs, by classifier and node';

CREATE FUNCTION rename_supergenre(model text, supergenre text, new_name text)
	RETURNS int
	AS 'MODULE_PATHNAME', 'genre_hier_rename_supergenre'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000;
COMMENT ON FUNCTION rename_supergenre(text, text, text) IS
	'stores a new version of a model with a supergenre renamed, and returns its number';

CREATE FUNCTION drop_model(model text, version int DEFAULT NULL)
	RETURNS int
	AS 'MODULE_PATHNAME', 'genre_hier_drop_model'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000;
COMMENT ON FUNCTION drop_model(text, int) IS
	'removes one version of a model, or all of them, and returns how many';
