
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

-- Volatile, as boost_fit is: made once, where it is written.
CREATE FUNCTION umap_fit(
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
	seed bigint DEFAULT 42)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'genre_hier_umap_fit'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION umap_fit(text, int, int, float8, float8, int, float8, int, text, boolean, bigint) IS
	'UMAP projection of the rows (id, features) of a query, as a model value that takes new points';

CREATE FUNCTION umap_transform(model bytea, features float8[])
	RETURNS float8[]
	AS 'MODULE_PATHNAME', 'genre_hier_umap_transform'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20000;
COMMENT ON FUNCTION umap_transform(bytea, float8[]) IS
	'place of a new point in a projection of umap_fit';

CREATE FUNCTION trustworthiness(query text, n_neighbors int DEFAULT 15, sample int DEFAULT NULL)
	RETURNS float8
	AS 'MODULE_PATHNAME', 'genre_hier_trustworthiness'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION trustworthiness(text, int, int) IS
	'how far neighbours in a projection were neighbours before: 1 when all were, over the rows (id, features, embedding) of a query';
