-- dbcv: the fast sums of large clusters, exact on demand, order, cancellation
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(12);

\ir include/helpers.sql

-- one cluster of 12,000 points, one of 300, noise
CREATE TABLE points AS
SELECT i AS id, ARRAY[noise(i, 1) * 3 + noise(i, 2) + CASE WHEN i > 12000 THEN 20 ELSE 0 END, noise(i, 3) + noise(i, 4)] AS point,
       CASE WHEN i % 50 = 0 THEN NULL WHEN i > 12000 THEN 7 ELSE 3 END AS cluster
FROM generate_series(1, 12300) i;
CREATE TABLE scores AS SELECT dbcv(point, cluster) AS fast, dbcv(point, cluster, true) AS exact FROM points;
SELECT ok(exact BETWEEN -1 AND 1, 'a value') FROM scores;
SELECT ok(abs(fast - exact) < 1e-9, 'the fast sums give the exact value') FROM scores;
SELECT isnt(fast, exact, 'though not to the last bit') FROM scores;
SELECT is((SELECT dbcv(point, cluster, false) FROM points), fast, 'exact => false is the short form') FROM scores;
SELECT is((SELECT dbcv(point, cluster) FROM (SELECT * FROM points ORDER BY md5(id::text)) p), fast, 'rows in any order') FROM scores;
SELECT is((SELECT dbcv(point, cluster) FILTER (WHERE id > 11900) FROM points),
          (SELECT dbcv(point, cluster, true) FILTER (WHERE id > 11900) FROM points), 'small clusters are exact in either form');
CREATE FUNCTION with_threads(threads int) RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN (SELECT dbcv(point, cluster) FROM points);
END $$;
SELECT is(with_threads(1), fast, 'one thread') FROM scores;
SELECT is(with_threads(4), fast, 'four threads') FROM scores;
SELECT throws_ok('SELECT dbcv(point, cluster, NULL) FROM points', '22004', 'dbcv: exact must not be NULL', 'exact is NULL');
SELECT throws_ok('SELECT dbcv(point, cluster, id > 5) FROM points', '22023', 'dbcv: exact is not the same in all rows', 'exact varies');

-- the statement is cancelled soon wherever it is
SET LOCAL maintenance_work_mem = '512MB';
CREATE TABLE many AS SELECT ARRAY[noise(i, 1), noise(i, 2)] AS point FROM generate_series(1, 150000) i;
SET statement_timeout = 900;
SELECT cmp_ok(canceled_after('SELECT dbcv(point, (point[1] > 0.0001)::int, true) FROM many'), '>', 0.0::float8, 'exact sums are cancelled');
-- well below what they take, here about a second, and still after the rows are read
SET statement_timeout = 250;
SELECT cmp_ok(canceled_after('SELECT dbcv(point, (point[1] > 0.0001)::int) FROM many'), '>', 0.0::float8, 'fast sums are cancelled');
RESET statement_timeout;
SELECT * FROM finish();
ROLLBACK;
