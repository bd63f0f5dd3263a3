-- pictures of models: what a person sees, and what cannot be drawn
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never
CREATE SCHEMA plot_model;
SET search_path = plot_model, public;

CREATE TABLE songs AS
SELECT i AS song_id, (i % 2)::real AS loud, i % 6 AS mood FROM generate_series(1, 200) i;
INSERT INTO genre_models (name, version, songs, features, params, metrics, model)
SELECT 'small', 1, 'plot_model.songs', '{loud,mood}', '{"seed": 42}',
	'{"validation_songs": 50, "nodes": [
	 {"classifier": "vanilla", "node": "metal", "supergenre": "guitar", "is_genre": true, "average_precision": 0.25, "positives": 5},
	 {"classifier": "hierarchical", "node": "metal", "supergenre": "guitar", "is_genre": true, "average_precision": 0.5, "positives": 5},
	 {"classifier": "hierarchical", "node": "guitar", "supergenre": null, "is_genre": false, "average_precision": 0.75, "positives": 20}]}',
	hierarchy_fit($$SELECT song_id AS id, ARRAY[loud, mood]::float8[] AS features,
		ARRAY[CASE WHEN song_id % 2 = 0 THEN 'rock' ELSE 'rap' END, CASE song_id % 6 WHEN 0 THEN 'metal' ELSE 'indie' END] AS genres FROM songs$$,
		$$SELECT * FROM (VALUES ('rock', 'guitar'), ('metal', 'guitar'), ('indie', 'guitar'), ('rap', 'voice')) t (genre, supergenre)$$,
		'{"n_estimators": 5}', iterations => 0, feature_names => '{loud,mood}');

-- texts of the pictures, in their order
CREATE FUNCTION texts(svg text) RETURNS text[] LANGUAGE sql AS
$$ SELECT array_agg(t[1]) FROM regexp_matches(svg, '<text[^>]*>([^<]*)', 'g') t $$;
SELECT unnest(texts(plot_precision('small')));
SELECT unnest((texts(plot_decision(6, 'genre:metal', 'small')))[1:6]);
SELECT (texts(plot_shap_summary('voice', 'small', sample => 100)))[1:2];
SELECT (texts(plot_shap_paths('voice', 'small', 'SELECT * FROM plot_model.songs WHERE song_id > 190')))[1:2];

SELECT plot_precision('big');
SELECT plot_precision('small', 'metal');
SELECT plot_decision(201, 'metal', 'small');
SELECT plot_decision('six', 'metal', 'small');
SELECT plot_decision(6, 'polka', 'small');
SELECT plot_shap_summary('voice', 'small', sample => 0);
SELECT plot_shap_summary('voice', 'small', 'nothing');
SELECT plot_shap_paths('voice', 'small', 'SELECT song_id, loud FROM plot_model.songs');
DROP TABLE songs;
SELECT plot_shap_paths('voice', 'small');
SELECT drop_model('small');
