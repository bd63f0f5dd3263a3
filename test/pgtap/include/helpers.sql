-- What many of the tests use.

-- numbers in 0 .. 1 that are the same on every machine
CREATE FUNCTION noise(key text) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ('x' || substr(md5(key), 1, 8))::bit(32)::bigint / 4294967296.0 $$;
CREATE FUNCTION noise(i bigint, k int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT noise(i || '/' || k) $$;

CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS
$$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;

-- 00000 when nothing went wrong
CREATE FUNCTION sqlstate_of(statement text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN EXECUTE statement; RETURN '00000'; EXCEPTION WHEN OTHERS OR query_canceled THEN RETURN SQLSTATE; END $$;

-- ms since the statement began, NULL when it was not cancelled
CREATE FUNCTION canceled_after(command text) RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN NULL;
EXCEPTION WHEN query_canceled THEN
	RETURN extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000;
END $$;
