
-- umap: projections -----------------------------------------------------------

CREATE FUNCTION umap_project(
	query text,
	n_neighbors int DEFAULT 15,
	n_components int DEFAULT 2,
	min_dist float8 DEFAULT 0.1,
	spread float8 DEFAULT 1.0,
	n_epochs int DEFAULT NULL,
	learning_rate float8 DEFAULT 1.0,
	negative_sample_rate int DEFAULT 5,
	init text DEFAULT 'spectral',
	standardize boolean DEFAULT true,
	seed bigint DEFAULT 42,
	OUT id text,
	OUT embedding float8[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_umap_project'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000 ROWS 10000;
COMMENT ON FUNCTION umap_project(text, int, int, float8, float8, int, float8, int, text, boolean, bigint) IS
	'UMAP projection of the rows (id, features) of a query';

CREATE FUNCTION umap_project(
	features float8[],
	n_neighbors int DEFAULT 15,
	n_components int DEFAULT 2,
	min_dist float8 DEFAULT 0.1,
	spread float8 DEFAULT 1.0,
	n_epochs int DEFAULT NULL,
	learning_rate float8 DEFAULT 1.0,
	negative_sample_rate int DEFAULT 5,
	init text DEFAULT 'spectral',
	standardize boolean DEFAULT true,
	seed bigint DEFAULT 42)
	RETURNS float8[]
	AS 'MODULE_PATHNAME', 'genre_hier_umap_project_window'
	LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION umap_project(float8[], int, int, float8, float8, int, float8, int, text, boolean, bigint) IS
	'UMAP projection of a window partition: umap_project(features) OVER ()';
