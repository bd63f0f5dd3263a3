
-- features: artist points from songs ------------------------------------------

CREATE FUNCTION feature_avg_accum(state float8[], features float8[]) RETURNS float8[]
	AS 'MODULE_PATHNAME', 'genre_hier_feature_avg_accum'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION feature_avg_accum(float8[], float8[]) IS 'transition function of feature_avg';

CREATE FUNCTION feature_avg_combine(state float8[], other float8[]) RETURNS float8[]
	AS 'MODULE_PATHNAME', 'genre_hier_feature_avg_combine'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION feature_avg_combine(float8[], float8[]) IS 'combine function of feature_avg';

CREATE FUNCTION feature_avg_final(state float8[]) RETURNS float8[]
	AS 'MODULE_PATHNAME', 'genre_hier_feature_avg_final'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION feature_avg_final(float8[]) IS 'final function of feature_avg';

-- The state is a plain array, never internal: partial states travel between
-- workers and between nodes.
CREATE AGGREGATE feature_avg(features float8[]) (
	SFUNC = feature_avg_accum,
	STYPE = float8[],
	SSPACE = 600,
	INITCOND = '{}',
	COMBINEFUNC = feature_avg_combine,
	FINALFUNC = feature_avg_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE feature_avg(float8[]) IS
	'mean of each feature, correctly rounded and the same for any plan and row order; rows with a NULL, NaN or infinite element are left out';
