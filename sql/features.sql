-- feature_avg: exact, correctly rounded, and the same for any plan
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;

-- what is left out
SELECT feature_avg(f) FROM (VALUES ('{1,2}'::float8[]), ('{3,5}')) v(f);
SELECT feature_avg(f) FROM (VALUES ('{1,2}'::float8[]), (NULL), ('{3,NULL}'), ('{NaN,1}'), ('{1,Infinity}'),
                                   ('{-Infinity,1}')) v(f);
SELECT feature_avg(f) IS NULL AS no_complete_row FROM (VALUES (NULL::float8[]), ('{NULL,1}')) v(f);
SELECT feature_avg(f) IS NULL AS no_row FROM (SELECT '{1}'::float8[] WHERE false) v(f);
-- an incomplete row may have any length
SELECT feature_avg(f) FROM (VALUES ('{1,2}'::float8[]), ('{NULL}')) v(f);
SELECT feature_avg('{}'::float8[]);
-- other number types are cast
SELECT feature_avg(ARRAY[1, 2]::real[]), feature_avg(ARRAY[1.5, 2.5]), feature_avg(ARRAY[1, 4]);
SELECT g, feature_avg(ARRAY[i, g]) FROM generate_series(1, 6) i, generate_series(1, 2) g GROUP BY g ORDER BY g;

-- sums that doubles lose are kept
SELECT feature_avg(f) FROM (VALUES ('{1e290}'::float8[]), ('{1}'), ('{-1e290}'), ('{1}')) v(f);
SELECT feature_avg(ARRAY[x]) FROM (VALUES (0.1::float8), (0.2), (0.3), (-0.6)) v(x);
-- the mean of equal values is that value, however many
SELECT feature_avg(ARRAY[0.1::float8]) FROM generate_series(1, 1000);
-- half way between two doubles: to even
SELECT feature_avg(ARRAY[x]) = ARRAY[1::float8] AS down_to_even
FROM (VALUES (1::float8), (1.0000000000000002)) v(x);
SELECT feature_avg(ARRAY[x]) = ARRAY[1.0000000000000004::float8] AS up_to_even
FROM (VALUES (1.0000000000000002::float8), (1.0000000000000004)) v(x);
-- subnormal numbers
SELECT feature_avg(ARRAY[x]) FROM (VALUES (5e-324::float8), (1.5e-323)) v(x);
SELECT feature_avg(ARRAY[x]) FROM (VALUES (5e-324::float8), (0)) v(x);
-- many components of very different size
SELECT feature_avg(ARRAY[s * 2::float8 ^ e]) FROM generate_series(-1070, 960, 7) e, unnest('{1,-1}'::int[]) s;

-- as a window function, the state stays usable
SELECT i, feature_avg(ARRAY[i]) OVER (ORDER BY i) FROM generate_series(1, 3) i;

-- parallel plans, shuffled rows and any grouping of partial sums: the same bytes
CREATE TABLE feature_rows AS
SELECT i, ARRAY(SELECT (('x' || substr(md5(i || '/' || k), 1, 8))::bit(32)::bigint - 2147483648) * 10::float8 ^ (k * 5 - 30)
                FROM generate_series(1, 10) k) AS f
FROM generate_series(1, 20000) i;
ANALYZE feature_rows;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE feature_means AS SELECT 'serial' AS plan, feature_avg(f) AS mean FROM feature_rows;
INSERT INTO feature_means SELECT 'shuffled', feature_avg(f ORDER BY md5(i::text)) FROM feature_rows;
SET max_parallel_workers_per_gather = 4;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (costs off) SELECT feature_avg(f) FROM feature_rows;
INSERT INTO feature_means SELECT 'parallel', feature_avg(f) FROM feature_rows;
SELECT count(*), count(DISTINCT mean::text) AS different FROM feature_means;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- against exact decimal arithmetic
SELECT (SELECT mean[7] FROM feature_means WHERE plan = 'serial') =
       (SELECT (sum(f[7]::numeric) / count(*))::float8 FROM feature_rows) AS exact;
DROP TABLE feature_rows, feature_means;

-- errors
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT feature_avg(f) FROM (VALUES ('{1,2}'::float8[]), ('{1}')) v(f);
\echo :SQLSTATE
SELECT feature_avg('{{1,2},{3,4}}'::float8[]);
\echo :SQLSTATE
SELECT feature_avg(ARRAY[2::float8 ^ 970]);
\echo :SQLSTATE
SELECT feature_avg_accum('{}', '{1}');
\echo :SQLSTATE
-- an aggregate that feeds the functions with states of its own
CREATE AGGREGATE forged_avg(float8[]) (SFUNC = feature_avg_accum, STYPE = float8[], INITCOND = '{1,1,1000000,4,1,1,1,1}',
	FINALFUNC = feature_avg_final);
SELECT forged_avg('{1}');
\echo :SQLSTATE
DROP AGGREGATE forged_avg(float8[]);
