
-- plot: pictures ---------------------------------------------------------------

CREATE FUNCTION plot_projection(query text, title text DEFAULT NULL)
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_plot_projection'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION plot_projection(text, text) IS
	'SVG picture of the rows (embedding, [cluster], [label]) of a query: a projection with its clusters';

CREATE FUNCTION plot_hierarchy(model text DEFAULT 'default')
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_plot_hierarchy'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 10000;
COMMENT ON FUNCTION plot_hierarchy(text) IS
	'SVG picture of a model: its supergenres and genres with sizes and scores';

CREATE FUNCTION plot_grid(query text)
	RETURNS text
	AS 'MODULE_PATHNAME', 'genre_hier_plot_grid'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 100000;
COMMENT ON FUNCTION plot_grid(text) IS
	'SVG picture of the rows (dbcv, clusters, noise_fraction, ...) of hdbscan_grid: DBCV against noise and number of clusters';
