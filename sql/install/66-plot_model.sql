
-- plot_model: pictures of models -------------------------------------------------

CREATE FUNCTION plot_precision(model text DEFAULT 'default', supergenre text DEFAULT NULL)
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_plot_precision'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 50000;
COMMENT ON FUNCTION plot_precision(text, text) IS
	'SVG picture of the average precision of every genre and supergenre, classifier by classifier';

CREATE FUNCTION plot_decision(song_id text, node text, model text DEFAULT 'default')
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_plot_decision_text'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 50000;
COMMENT ON FUNCTION plot_decision(text, text, text) IS
	'SVG picture of how one classifier comes to its answer for a song, feature by feature';

CREATE FUNCTION plot_decision(song_id bigint, node text, model text DEFAULT 'default')
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_plot_decision_bigint'
	LANGUAGE C STABLE PARALLEL RESTRICTED COST 50000;
COMMENT ON FUNCTION plot_decision(bigint, text, text) IS
	'SVG picture of how one classifier comes to its answer for a song, feature by feature';

CREATE FUNCTION plot_shap_summary(
	node text,
	model text DEFAULT 'default',
	songs text DEFAULT NULL,
	sample int DEFAULT 1000)
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_plot_shap_summary'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION plot_shap_summary(text, text, text, int) IS
	'SVG picture of the SHAP values of many songs in one classifier, feature by feature';

CREATE FUNCTION plot_shap_paths(
	node text,
	model text DEFAULT 'default',
	songs text DEFAULT NULL,
	sample int DEFAULT 1000)
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_plot_shap_paths'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION plot_shap_paths(text, text, text, int) IS
	'SVG picture of the paths of many songs through one classifier, from the base value to the result';

-- Its statements run with the caller's rights; nothing on the caller's path is called.
CREATE FUNCTION model_report(model text DEFAULT 'default')
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_model_report'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 10000000
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION model_report(text) IS
	'HTML page with everything about a model: data, scores, supergenres, figures, examples, how to train it again';
