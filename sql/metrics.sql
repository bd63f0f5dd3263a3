-- average_precision, coverage_error, dbcv
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never

-- average_precision: ties are one threshold, rows with a NULL are left out
SELECT average_precision(l, s) FROM (VALUES (true, 0.9), (false, 0.8), (true, 0.7)) v(l, s);
SELECT average_precision(l, s) FROM (VALUES (false, 0.1), (false, 0.4), (true, 0.35), (true, 0.8)) v(l, s);
SELECT average_precision(l, s) AS constant_score_is_prevalence
FROM (VALUES (true, 1), (false, 1), (false, 1), (true, 1), (false, 1)) v(l, s);
SELECT average_precision(l, s) FROM (VALUES (true, 0.9), (false, 0.8), (true, 0.7), (NULL, 1), (false, NULL)) v(l, s);
SELECT average_precision(l, s) FROM (VALUES (true, 'Infinity'::float8), (false, '-Infinity'), (true, 0)) v(l, s);
SELECT average_precision(false, 1) IS NULL AS no_positive, average_precision(true, 1) AS only_positives;
SELECT average_precision(true, 1) FILTER (WHERE false) IS NULL AS no_row;
SELECT i, average_precision(i % 2 = 0, i) OVER (ORDER BY i) FROM generate_series(1, 4) i;
SELECT average_precision(true, 'NaN');
SELECT average_precision_accum(NULL, true, 1);

-- coverage_error: ties count against the ranking, a row without true labels counts 0
SELECT coverage_error(l, s)
FROM (VALUES ('{t,f,f}'::boolean[], '{0.75,0.5,1}'::float8[]), ('{f,f,t}', '{1,0.2,0.1}')) v(l, s);
SELECT coverage_error('{t,f,f}', '{0.5,0.5,0.1}') AS tie, coverage_error('{f,f}', '{1,2}') AS none_true,
       coverage_error('{t,t,t}', '{1,2,3}') AS all_true, coverage_error('{}', '{}') AS no_labels;
SELECT coverage_error(l, s) FROM (VALUES ('{t,f}'::boolean[], '{2,1}'::float8[]), (NULL, '{1,2}'), ('{t,f}', NULL)) v(l, s);
SELECT coverage_error('{t}', '{1}') FILTER (WHERE false) IS NULL AS no_row;
SELECT i, coverage_error(ARRAY[true, false], ARRAY[i, 2]) OVER (ORDER BY i) FROM generate_series(1, 3) i;
SELECT coverage_error('{t,f}', '{1}');
SELECT coverage_error('{t,NULL}', '{1,2}');
SELECT coverage_error('{t,f}', '{1,NULL}');
SELECT coverage_error('{t,f}', '{1,NaN}');
SELECT coverage_error('{{t,f}}', '{1,2}');
SELECT coverage_error(l, s) FROM (VALUES ('{t,f}'::boolean[], '{2,1}'::float8[]), ('{t}', '{1}')) v(l, s);
CREATE AGGREGATE forged_coverage(boolean[], float8[]) (SFUNC = coverage_error_accum, STYPE = bigint[], INITCOND = '{1}',
	FINALFUNC = coverage_error_final);
SELECT forged_coverage('{t}', '{1}');
DROP AGGREGATE forged_coverage(boolean[], float8[]);

-- parallel plans give the same bytes
CREATE TABLE ranked AS
SELECT i, i % 7 = 0 AS label, (('x' || substr(md5(i::text), 1, 4))::bit(16)::int % 997)::float8 AS score,
       ARRAY[i % 3 = 0, i % 5 = 0, i % 7 = 0] AS labels, ARRAY[i % 11, i % 13, i % 17]::float8[] AS scores
FROM generate_series(1, 20000) i;
ANALYZE ranked;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE results AS SELECT average_precision(label, score) AS ap, coverage_error(labels, scores) AS ce FROM ranked;
SET max_parallel_workers_per_gather = 4;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (costs off) SELECT average_precision(label, score), coverage_error(labels, scores) FROM ranked;
INSERT INTO results SELECT average_precision(label, score), coverage_error(labels, scores) FROM ranked;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT count(*), count(DISTINCT ap) AS ap_different, count(DISTINCT ce) AS ce_different FROM results;
-- against their definitions in SQL
SELECT abs((SELECT min(ap) FROM results) -
           (SELECT sum(tp_here * tp::float8 / n) / sum(tp_here)
            FROM (SELECT tp_here, sum(tp_here) OVER w AS tp, sum(n_here) OVER w AS n
                  FROM (SELECT score, count(*) FILTER (WHERE label) AS tp_here, count(*) AS n_here
                        FROM ranked GROUP BY score) t
                  WINDOW w AS (ORDER BY score DESC)) u)) < 1e-12 AS average_precision_agrees;
SELECT (SELECT min(ce) FROM results) =
       (SELECT avg(coalesce((SELECT count(*) FROM unnest(scores) s
                             WHERE s >= (SELECT min(t.s) FROM unnest(labels, scores) t(l, s) WHERE t.l)), 0))::float8
        FROM ranked) AS coverage_error_agrees;
DROP TABLE ranked, results;

-- dbcv
CREATE TABLE blobs AS
SELECT i AS id, i % 3 AS cluster,
       ARRAY[10 * (i % 3) + ('x' || substr(md5('x' || i), 1, 8))::bit(32)::bigint / 4294967296.0,
             ('x' || substr(md5('y' || i), 1, 8))::bit(32)::bigint / 4294967296.0]::float8[] AS point
FROM generate_series(1, 300) i;
SELECT dbcv(point, cluster) BETWEEN 0.85 AND 1 AS good FROM blobs;
SELECT dbcv(point, id % 2) < 0 AS bad FROM blobs;
SELECT dbcv(point, CASE WHEN id % 10 = 0 THEN NULL ELSE cluster END) < dbcv(point, cluster) AS noise_costs FROM blobs;
SELECT dbcv(point, CASE WHEN id % 10 = 0 THEN NULL ELSE cluster END) =
       dbcv(point, CASE WHEN id % 10 = 0 THEN -1 ELSE cluster END) AS negative_is_noise FROM blobs;
SELECT dbcv(point, 0) IS NULL AS one_cluster, dbcv(point, NULL) IS NULL AS all_noise FROM blobs;
SELECT dbcv(point, cluster) IS NULL AS no_row FROM blobs WHERE false;
-- the order of the rows does not matter, unless the call orders them
SELECT count(DISTINCT v) AS different
FROM (SELECT dbcv(point, cluster) FROM (SELECT * FROM blobs ORDER BY id) b
      UNION ALL SELECT dbcv(point, cluster) FROM (SELECT * FROM blobs ORDER BY md5(id::text)) b
      UNION ALL SELECT dbcv(point, cluster + 7) FROM (SELECT * FROM blobs ORDER BY id DESC) b) t(v);
SELECT dbcv(point, cluster ORDER BY point, cluster) = dbcv(point, cluster) AS ordered_by_point FROM blobs;
SELECT dbcv(NULL, 1);
SELECT dbcv('{1,NaN}', 1);
SELECT dbcv('{1,NULL}', 1);
SELECT dbcv('{}', 1);
SELECT dbcv(p, 1) FROM (VALUES ('{1,2}'::float8[]), ('{1}')) v(p);
SELECT dbcv_accum(NULL, '{1}', 1);
DROP TABLE blobs;
