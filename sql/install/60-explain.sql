
-- explain: metrics ------------------------------------------------------------

CREATE FUNCTION average_precision_accum(state internal, label boolean, score float8) RETURNS internal
	AS 'MODULE_PATHNAME', 'genre_hier_average_precision_accum'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION average_precision_accum(internal, boolean, float8) IS 'transition function of average_precision';

CREATE FUNCTION average_precision_combine(state internal, other internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'genre_hier_average_precision_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION average_precision_combine(internal, internal) IS 'combine function of average_precision';

CREATE FUNCTION average_precision_serial(state internal) RETURNS bytea
	AS 'MODULE_PATHNAME', 'genre_hier_average_precision_serial'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION average_precision_serial(internal) IS 'serialisation function of average_precision';

CREATE FUNCTION average_precision_deserial(state bytea, dummy internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'genre_hier_average_precision_deserial'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION average_precision_deserial(bytea, internal) IS 'deserialisation function of average_precision';

CREATE FUNCTION average_precision_final(state internal) RETURNS float8
	AS 'MODULE_PATHNAME', 'genre_hier_average_precision_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE COST 1000;
COMMENT ON FUNCTION average_precision_final(internal) IS 'final function of average_precision';

CREATE AGGREGATE average_precision(label boolean, score float8) (
	SFUNC = average_precision_accum,
	STYPE = internal,
	SSPACE = 10000,
	COMBINEFUNC = average_precision_combine,
	SERIALFUNC = average_precision_serial,
	DESERIALFUNC = average_precision_deserial,
	FINALFUNC = average_precision_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE average_precision(boolean, float8) IS
	'average precision of a ranking, as scikit-learn defines it; NULL without a positive row';

CREATE FUNCTION coverage_error_accum(state bigint[], labels boolean[], scores float8[]) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'genre_hier_coverage_error_accum'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION coverage_error_accum(bigint[], boolean[], float8[]) IS 'transition function of coverage_error';

CREATE FUNCTION coverage_error_combine(state bigint[], other bigint[]) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'genre_hier_coverage_error_combine'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION coverage_error_combine(bigint[], bigint[]) IS 'combine function of coverage_error';

CREATE FUNCTION coverage_error_final(state bigint[]) RETURNS float8
	AS 'MODULE_PATHNAME', 'genre_hier_coverage_error_final'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION coverage_error_final(bigint[]) IS 'final function of coverage_error';

CREATE AGGREGATE coverage_error(labels boolean[], scores float8[]) (
	SFUNC = coverage_error_accum,
	STYPE = bigint[],
	INITCOND = '{0,0,-1}',
	COMBINEFUNC = coverage_error_combine,
	FINALFUNC = coverage_error_final,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE coverage_error(boolean[], float8[]) IS
	'how far down the ranking one must go to cover every true label, mean over the rows, as scikit-learn defines it';
