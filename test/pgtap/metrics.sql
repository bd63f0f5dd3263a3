-- average_precision and coverage_error: the definitions, any plan, any order
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(13);

\ir include/helpers.sql

-- values of scikit-learn 1.x for the same input
SELECT is(round(average_precision(l, s)::numeric, 12), 0.833333333333, 'the example of scikit-learn''s page')
FROM (VALUES (false, 0.1), (false, 0.4), (true, 0.35), (true, 0.8)) v(l, s);
SELECT is(round(average_precision(l, s)::numeric, 12), 0.755555555556, 'equal scores are one threshold')
FROM (VALUES (true, 0.5), (false, 0.5), (true, 0.2), (false, 0.1), (false, 0.2), (true, 0.9)) v(l, s);
SELECT is(coverage_error(l, s), 2.5::float8, 'coverage error of scikit-learn''s page')
FROM (VALUES ('{t,f,f}'::boolean[], '{0.75,0.5,1}'::float8[]), ('{f,f,t}', '{1,0.2,0.1}')) v(l, s);

CREATE TABLE ranked AS
SELECT i, ('x' || substr(md5('l' || i), 1, 2))::bit(8)::int < 40 AS label,
       (('x' || substr(md5('s' || i), 1, 4))::bit(16)::int % 1500)::float8 AS score,
       ARRAY(SELECT ('x' || substr(md5(i || '/' || k), 1, 2))::bit(8)::int < 60 FROM generate_series(1, 9) k) AS labels,
       ARRAY(SELECT (('x' || substr(md5(i || '+' || k), 1, 2))::bit(8)::int % 50)::float8 FROM generate_series(1, 9) k) AS scores
FROM generate_series(1, 15000) i;
ANALYZE ranked;

-- oracles in SQL
CREATE TABLE truth AS
SELECT (SELECT sum(tp_here * tp::float8 / n) / sum(tp_here)
        FROM (SELECT tp_here, sum(tp_here) OVER w AS tp, sum(n_here) OVER w AS n
              FROM (SELECT score, count(*) FILTER (WHERE label) AS tp_here, count(*) AS n_here FROM ranked GROUP BY score) t
              WINDOW w AS (ORDER BY score DESC)) u) AS ap,
       (SELECT avg(coalesce((SELECT count(*) FROM unnest(scores) s
                             WHERE s >= (SELECT min(t.s) FROM unnest(labels, scores) t(l, s) WHERE t.l)), 0))::float8 FROM ranked) AS ce;
SET LOCAL max_parallel_workers_per_gather = 0;
CREATE TABLE serial AS SELECT average_precision(label, score) AS ap, coverage_error(labels, scores) AS ce FROM ranked;
SELECT ok(abs(serial.ap - truth.ap) < 1e-12, 'average precision agrees with its definition') FROM serial, truth;
SELECT ok(abs(serial.ce - truth.ce) < 1e-12, 'coverage error agrees with its definition') FROM serial, truth;
SELECT is((SELECT average_precision(label, score ORDER BY md5(i::text)) FROM ranked), ap, 'shuffled rows: the same average precision') FROM serial;
SELECT is((SELECT average_precision(label, score ORDER BY label, i) FROM ranked), ap, 'positives last: the same average precision') FROM serial;
SELECT is((SELECT coverage_error(labels, scores ORDER BY md5(i::text)) FROM ranked), ce, 'shuffled rows: the same coverage error') FROM serial;

SET LOCAL max_parallel_workers_per_gather = 4;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT isnt((SELECT count(*)::int FROM plan_of('SELECT average_precision(label, score), coverage_error(labels, scores) FROM ranked') p
             WHERE p LIKE '%Partial Aggregate%'), 0, 'the plan aggregates in parallel');
SELECT is((SELECT average_precision(label, score) FROM ranked), ap, 'parallel: the same average precision') FROM serial;
SELECT is((SELECT coverage_error(labels, scores) FROM ranked), ce, 'parallel: the same coverage error') FROM serial;

-- a cluster's nodes pass bigint[] as text
CREATE AGGREGATE partial_coverage(boolean[], float8[]) (SFUNC = coverage_error_accum, STYPE = bigint[], INITCOND = '{0,0,-1}');
CREATE AGGREGATE combined_coverage(bigint[]) (SFUNC = coverage_error_combine, STYPE = bigint[], INITCOND = '{0,0,-1}', FINALFUNC = coverage_error_final);
SELECT is((SELECT combined_coverage(s::text::bigint[]) FROM (SELECT partial_coverage(labels, scores) AS s FROM ranked GROUP BY i % 11) t), ce,
          'eleven shards, combined from text') FROM serial;
SELECT throws_ok($$SELECT combined_coverage('{-1,2,3}')$$, '22023', NULL, 'a forged state is refused');

SELECT * FROM finish();
ROLLBACK;
