
-- hierarchy: supergenres and the hierarchy of classifiers --------------------------

CREATE FUNCTION genre_supergenres(
	query text,
	OUT genre text,
	OUT supergenre int,
	OUT artists bigint,
	OUT share float8)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME', 'genre_hier_genre_supergenres'
	LANGUAGE C STABLE PARALLEL UNSAFE COST 10000 ROWS 1000;
COMMENT ON FUNCTION genre_supergenres(text) IS
	'the cluster where most artists of each genre are, from the rows (cluster, genres) of a query';

-- Volatile, so that the planner neither trains while planning nor flattens
-- (SELECT hierarchy_fit(...) AS model) into a call per row.
CREATE FUNCTION hierarchy_fit(
	query text,
	supergenres text,
	params jsonb DEFAULT '{}',
	iterations int DEFAULT 50,
	folds int DEFAULT 5,
	validation_fraction float8 DEFAULT 0.2,
	seed bigint DEFAULT 42,
	feature_names text[] DEFAULT NULL)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'genre_hier_hierarchy_fit'
	LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION hierarchy_fit(text, text, jsonb, int, int, float8, bigint, text[]) IS
	'hierarchy of classifiers trained on the rows (id, features, genres, [fold_group]) of a query; supergenres is a query (genre, supergenre) or (genre, parent)';
