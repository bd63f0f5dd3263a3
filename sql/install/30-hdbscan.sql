
-- hdbscan: clusters and their validity ----------------------------------------

CREATE FUNCTION hdbscan_cluster(
	query text,
	min_cluster_size int DEFAULT 5,
	min_samples int DEFAULT NULL,
	cluster_selection_method text DEFAULT 'eom',
	cluster_selection_epsilon float8 DEFAULT 0,
	max_cluster_size int DEFAULT 0,
	allow_single_cluster boolean DEFAULT false,
	alpha float8 DEFAULT 1.0,
	OUT id text,
	OUT cluster int,
	OUT probability float8,
	OUT outlier_score float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_hdbscan_cluster'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000 ROWS 10000;
COMMENT ON FUNCTION hdbscan_cluster(text, int, int, text, float8, int, boolean, float8) IS
	'HDBSCAN clusters of the rows (id, features) of a query; a NULL cluster is noise';

CREATE FUNCTION hdbscan_cluster(
	point float8[],
	min_cluster_size int DEFAULT 5,
	min_samples int DEFAULT NULL,
	cluster_selection_method text DEFAULT 'eom',
	cluster_selection_epsilon float8 DEFAULT 0,
	max_cluster_size int DEFAULT 0,
	allow_single_cluster boolean DEFAULT false,
	alpha float8 DEFAULT 1.0)
	RETURNS int
	AS 'MODULE_PATHNAME', 'genre_hier_hdbscan_cluster_window'
	LANGUAGE C WINDOW IMMUTABLE PARALLEL SAFE COST 10000;
COMMENT ON FUNCTION hdbscan_cluster(float8[], int, int, text, float8, int, boolean, float8) IS
	'HDBSCAN cluster of each point of a window partition, NULL for noise: hdbscan_cluster(point) OVER ()';

CREATE FUNCTION hdbscan_fit(
	query text,
	min_cluster_size int DEFAULT 5,
	min_samples int DEFAULT NULL,
	cluster_selection_method text DEFAULT 'eom',
	cluster_selection_epsilon float8 DEFAULT 0,
	max_cluster_size int DEFAULT 0,
	allow_single_cluster boolean DEFAULT false,
	alpha float8 DEFAULT 1.0)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'genre_hier_hdbscan_fit'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION hdbscan_fit(text, int, int, text, float8, int, boolean, float8) IS
	'HDBSCAN clusters of the rows (id, features) of a query as a model that takes new points';

CREATE FUNCTION hdbscan_predict(model bytea, point float8[], OUT cluster int, OUT probability float8)
	RETURNS record
	AS 'MODULE_PATHNAME', 'genre_hier_hdbscan_predict'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION hdbscan_predict(bytea, float8[]) IS
	'cluster of a new point in a clustering of hdbscan_fit, NULL for noise, and its membership';

CREATE FUNCTION hdbscan_tree(model bytea)
	RETURNS TABLE (parent bigint, child bigint, lambda float8, size bigint, id text)
	AS 'MODULE_PATHNAME', 'genre_hier_hdbscan_tree'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 10000;
COMMENT ON FUNCTION hdbscan_tree(bytea) IS
	'condensed tree of a clustering of hdbscan_fit: points are 0 to n - 1 in the order of their ids, n is the root';

CREATE FUNCTION hdbscan_clusters(model bytea)
	RETURNS TABLE (
		cluster int,
		tree_node bigint,
		size bigint,
		persistence float8,
		stability float8,
		birth_lambda float8,
		death_lambda float8)
	AS 'MODULE_PATHNAME', 'genre_hier_hdbscan_clusters'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000 ROWS 20;
COMMENT ON FUNCTION hdbscan_clusters(bytea) IS
	'clusters of hdbscan_fit: how many points, how persistent, and their node of hdbscan_tree';

CREATE FUNCTION hdbscan_grid(
	query text,
	min_cluster_size int[],
	min_samples int[],
	cluster_selection_method text[] DEFAULT '{eom,leaf}',
	cluster_selection_epsilon float8 DEFAULT 0,
	max_cluster_size int DEFAULT 0,
	allow_single_cluster boolean DEFAULT false,
	alpha float8 DEFAULT 1.0)
	RETURNS TABLE (
		min_cluster_size int,
		min_samples int,
		cluster_selection_method text,
		dbcv float8,
		relative_validity float8,
		clusters int,
		smallest bigint,
		largest bigint,
		mean_size float8,
		noise bigint,
		noise_fraction float8)
	AS 'MODULE_PATHNAME', 'genre_hier_hdbscan_grid'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 1000000 ROWS 100;
COMMENT ON FUNCTION hdbscan_grid(text, int[], int[], text[], float8, int, boolean, float8) IS
	'every combination of HDBSCAN parameters on the rows (id, features) of a query, scored by DBCV';

CREATE FUNCTION dbcv_accum(state internal, point float8[], cluster int) RETURNS internal
	AS 'MODULE_PATHNAME', 'genre_hier_dbcv_accum'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbcv_accum(internal, float8[], int) IS 'transition function of dbcv';

CREATE FUNCTION dbcv_final(state internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'genre_hier_dbcv_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100000;
COMMENT ON FUNCTION dbcv_final(internal) IS 'final function of dbcv';

CREATE AGGREGATE dbcv(point float8[], cluster int) (
	SFUNC = dbcv_accum,
	STYPE = internal,
	SSPACE = 100000,
	FINALFUNC = dbcv_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE dbcv(float8[], int) IS
	'density-based clustering validation, -1 to 1; a NULL or negative cluster is noise, NULL with fewer than two clusters';

-- The same with the sums of large clusters over all pairs when exact is true.
CREATE FUNCTION dbcv_accum(state internal, point float8[], cluster int, exact boolean) RETURNS internal
	AS 'MODULE_PATHNAME', 'genre_hier_dbcv_accum'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION dbcv_accum(internal, float8[], int, boolean) IS 'transition function of dbcv';

CREATE AGGREGATE dbcv(point float8[], cluster int, exact boolean) (
	SFUNC = dbcv_accum,
	STYPE = internal,
	SSPACE = 100000,
	FINALFUNC = dbcv_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE dbcv(float8[], int, boolean) IS
	'dbcv that, when exact is true, sums over all pairs of points also in large clusters in the plane';

CREATE FUNCTION hierarchy_grid(
	query text,
	n_neighbors int[],
	min_dist float8[],
	min_cluster_size int[],
	min_samples int[],
	cluster_selection_method text[] DEFAULT '{eom,leaf}',
	n_components int DEFAULT 2,
	spread float8 DEFAULT 1.0,
	n_epochs int DEFAULT NULL,
	learning_rate float8 DEFAULT 1.0,
	negative_sample_rate int DEFAULT 5,
	init text DEFAULT 'spectral',
	standardize boolean DEFAULT true,
	cluster_selection_epsilon float8 DEFAULT 0,
	max_cluster_size int DEFAULT 0,
	allow_single_cluster boolean DEFAULT false,
	alpha float8 DEFAULT 1.0,
	seed bigint DEFAULT 42)
	RETURNS TABLE (
		n_neighbors int,
		min_dist float8,
		trustworthiness float8,
		min_cluster_size int,
		min_samples int,
		cluster_selection_method text,
		dbcv float8,
		relative_validity float8,
		clusters int,
		smallest bigint,
		largest bigint,
		mean_size float8,
		noise bigint,
		noise_fraction float8)
	AS 'MODULE_PATHNAME', 'genre_hier_hierarchy_grid'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 10000000 ROWS 1000;
COMMENT ON FUNCTION hierarchy_grid(text, int[], float8[], int[], int[], text[], int, float8, int, float8, int, text, boolean, float8, int, boolean, float8, bigint) IS
	'every combination of UMAP and HDBSCAN parameters on the rows (id, features) of a query, scored by DBCV';
