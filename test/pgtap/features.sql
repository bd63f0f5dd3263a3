-- feature_avg: the same bytes for any plan, order and split of the rows
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(14);

\ir include/helpers.sql

CREATE TABLE rows_of_features AS
SELECT i, i % 37 AS artist,
       ARRAY(SELECT (('x' || substr(md5(i || '/' || k), 1, 8))::bit(32)::bigint / 4294967296.0 - 0.5) * 10 ^ (k * 3 - 20)
             FROM generate_series(1, 14) k)::float8[] AS features
FROM generate_series(1, 12000) i;
ANALYZE rows_of_features;

SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT artist, feature_avg(features) AS mean FROM rows_of_features GROUP BY artist;
CREATE TABLE serial_all AS SELECT feature_avg(features) AS mean FROM rows_of_features;

SELECT is((SELECT count(*)::int FROM serial WHERE array_length(mean, 1) = 14), 37, 'a mean of 14 features for every artist');
SELECT is((SELECT count(*)::int FROM serial JOIN
           (SELECT artist, feature_avg(features ORDER BY md5(i::text)) AS mean FROM rows_of_features GROUP BY artist) s
           USING (artist) WHERE serial.mean::text <> s.mean::text), 0, 'shuffled rows: the same means');
SELECT is((SELECT count(*)::int FROM serial JOIN
           (SELECT artist, feature_avg(features ORDER BY features DESC) AS mean FROM rows_of_features GROUP BY artist) s
           USING (artist) WHERE serial.mean::text <> s.mean::text), 0, 'sorted rows: the same means');
SELECT ok((SELECT bool_and(abs(m - a) <= 1e-12 * greatest(abs(a), 1e-18))
           FROM serial_all, unnest(mean) WITH ORDINALITY u(m, k)
           JOIN (SELECT k, avg(f::numeric) AS a FROM rows_of_features, unnest(features) WITH ORDINALITY v(f, k) GROUP BY k) d USING (k)),
          'close to the mean of decimals');

SET LOCAL max_parallel_workers_per_gather = 4;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT isnt((SELECT count(*)::int FROM plan_of('SELECT feature_avg(features) FROM rows_of_features') p WHERE p LIKE '%Partial Aggregate%'),
            0, 'the plan aggregates in parallel');
SELECT is((SELECT feature_avg(features)::text FROM rows_of_features), (SELECT mean::text FROM serial_all),
          'a parallel plan gives the same bytes');
SELECT isnt((SELECT count(*)::int FROM plan_of('SELECT artist, feature_avg(features) FROM rows_of_features GROUP BY artist') p
             WHERE p LIKE '%Partial%'), 0, 'the plan of groups aggregates in parallel');
SELECT is((SELECT count(*)::int FROM serial JOIN (SELECT artist, feature_avg(features) AS mean FROM rows_of_features GROUP BY artist) p
           USING (artist) WHERE serial.mean::text <> p.mean::text), 0, 'a parallel plan of groups, too');

-- partial states travel as text, as they do between nodes of a cluster
CREATE AGGREGATE partial_avg(float8[]) (SFUNC = feature_avg_accum, STYPE = float8[], INITCOND = '{}');
CREATE AGGREGATE combined_avg(float8[]) (SFUNC = feature_avg_combine, STYPE = float8[], INITCOND = '{}', FINALFUNC = feature_avg_final);
SELECT is((SELECT combined_avg(state::text::float8[] ORDER BY shard)::text
           FROM (SELECT i % 7 AS shard, partial_avg(features) AS state FROM rows_of_features GROUP BY i % 7) s),
          (SELECT mean::text FROM serial_all), 'seven shards, combined from text');
SELECT is((SELECT combined_avg(state ORDER BY shard DESC)::text
           FROM (SELECT i % 1000 AS shard, partial_avg(features) AS state FROM rows_of_features GROUP BY i % 1000) s),
          (SELECT mean::text FROM serial_all), 'a thousand shards in another order');
SELECT is((SELECT combined_avg(state)::text
           FROM (SELECT partial_avg(features) AS state FROM rows_of_features WHERE i < 0
                 UNION ALL SELECT partial_avg(features) FROM rows_of_features
                 UNION ALL SELECT partial_avg(features) FROM rows_of_features WHERE i < 0) s),
          (SELECT mean::text FROM serial_all), 'empty shards change nothing');

-- states that no row has made
SELECT throws_ok(format('SELECT combined_avg(%L::float8[])', s), '22023', NULL, 'a forged state is refused: ' || s)
FROM unnest(ARRAY['{1,2,3}', '{1,1,1,1,Infinity}', '{1,1,2,1,5}']) s;

SELECT * FROM finish();
ROLLBACK;
