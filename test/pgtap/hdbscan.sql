-- hdbscan_cluster, hdbscan_grid and dbcv: reproducible, consistent, cancellable
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(19);

\ir include/helpers.sql

-- groups of different density; every tenth coordinate is rounded, so that distances tie
CREATE TABLE points AS
SELECT i AS id, ARRAY[(i % 6) * 3 + noise(i, 1) * (1 + i % 6) + noise(i, 2),
                      CASE WHEN i % 10 = 0 THEN round(noise(i, 3)::numeric, 1)::float8 ELSE noise(i, 3) END + noise(i, 4)] AS features
FROM generate_series(1, 3000) i;

CREATE FUNCTION digest(query text, threads int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN (SELECT md5(string_agg(c::text, ' ' ORDER BY id COLLATE "C")) FROM hdbscan_cluster(query, min_cluster_size => 25) c);
END $$;
CREATE FUNCTION grid_digest(query text, threads int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN (SELECT md5(string_agg(g::text, ' ')) FROM hdbscan_grid(query, '{10,25,60}', '{5,25}') g);
END $$;
CREATE TABLE one AS SELECT digest('TABLE points', 1) AS d, grid_digest('TABLE points', 1) AS g;
SELECT is(digest('TABLE points', 2), d, 'two threads') FROM one;
SELECT is(digest('TABLE points', 8), d, 'eight threads') FROM one;
SELECT is(digest('SELECT * FROM points ORDER BY md5(id::text)', 8), d, 'shuffled rows') FROM one;
SELECT is(grid_digest('TABLE points', 2), g, 'the grid with two threads') FROM one;
SELECT is(grid_digest('SELECT * FROM points ORDER BY md5(id::text)', 8), g, 'the grid with eight threads and shuffled rows') FROM one;
SELECT is((SELECT count(DISTINCT labels) FROM (
	SELECT string_agg(coalesce(c::text, '-'), ' ' ORDER BY id) AS labels FROM
		(SELECT id, hdbscan_cluster(features, 25) OVER () AS c FROM points) p
	UNION ALL SELECT string_agg(coalesce(c::text, '-'), ' ' ORDER BY id) FROM
		(SELECT id, hdbscan_cluster(features, 25) OVER () AS c FROM (SELECT * FROM points ORDER BY md5(id::text)) s) p) t), 1::bigint,
	'the window form does not depend on the order of the rows');

-- the grid says what the single functions say
CREATE TABLE cells AS SELECT * FROM hdbscan_grid('TABLE points', '{10,25,60}', '{5,25}');
SELECT is((SELECT count(*)::int FROM cells), 12, 'every combination');
CREATE TABLE single AS
SELECT g.min_cluster_size, g.min_samples, g.cluster_selection_method, s.*
FROM cells g, LATERAL (
	SELECT dbcv(p.features, c.cluster ORDER BY c.id COLLATE "C") AS dbcv, count(DISTINCT c.cluster)::int AS clusters,
	       count(*) - count(c.cluster) AS noise
	FROM hdbscan_cluster('TABLE points', g.min_cluster_size, g.min_samples, g.cluster_selection_method) c
	JOIN points p ON p.id::text = c.id) s;
SELECT is((SELECT count(*)::int FROM cells JOIN single USING (min_cluster_size, min_samples, cluster_selection_method)
           WHERE cells.dbcv = single.dbcv), 12, 'its dbcv is the aggregate''s, to the last bit');
SELECT is((SELECT count(*)::int FROM cells JOIN single USING (min_cluster_size, min_samples, cluster_selection_method)
           WHERE cells.clusters = single.clusters AND cells.noise = single.noise), 12, 'its counts are the clusterings''');
SELECT ok((SELECT bool_and(noise_fraction = noise / 3000.0 AND mean_size * clusters + noise = 3000 AND smallest <= mean_size
                           AND mean_size <= largest) FROM cells), 'its sizes add up');

-- parallel plans
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is(digest('SELECT id, features FROM points WHERE id > 0', 2), d, 'a query that runs in parallel') FROM one;
SELECT is((SELECT dbcv(features, id % 3) FROM points WHERE id > 0), (SELECT dbcv(features, id % 3 ORDER BY features, id % 3) FROM points),
          'dbcv over a parallel scan is dbcv in its canonical order');
-- the whole aggregate in a worker, where one thread runs
CREATE FUNCTION score() RETURNS float8 LANGUAGE sql AS $$ SELECT dbcv(features, (id % 3)::int) FROM points $$;
CREATE FUNCTION score_plan() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN RETURN QUERY EXECUTE 'EXPLAIN (costs off) SELECT dbcv(features, (id % 3)::int) FROM points'; END $$;
CREATE TABLE scored AS SELECT score() AS v;
SELECT count(set_config(name, 'on', true)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \g /dev/null
SELECT isnt((SELECT count(*)::int FROM score_plan() p WHERE p LIKE '%Gather%'), 0, 'the plan runs in a worker');
SELECT is(score(), v, 'a worker finds the same dbcv') FROM scored;
SELECT count(set_config(name, 'off', true)) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \g /dev/null
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- a statement's cancellation reaches every stage soon, and the next statement works
SET LOCAL maintenance_work_mem = '512MB';
CREATE TABLE many AS
SELECT i AS id, ARRAY(SELECT noise(i, k) FROM generate_series(1, 10) k) AS features FROM generate_series(1, 40000) i;
SET LOCAL statement_timeout = 400;
SELECT isnt(canceled_after($$SELECT count(*) FROM hdbscan_cluster('TABLE many', 100, 60)$$), NULL,
	'hdbscan_cluster is cancelled');
SELECT isnt(canceled_after($$SELECT count(*) FROM hdbscan_grid('TABLE many', '{100,200}', '{10,20,40,60}')$$), NULL,
	'hdbscan_grid is cancelled');
SET LOCAL statement_timeout = 600;
SELECT isnt(canceled_after($$SELECT dbcv(features, (id % 2)::int) FROM many$$), NULL, 'dbcv is cancelled');
SELECT isnt(canceled_after($$SELECT sum(c) FROM (SELECT hdbscan_cluster(features, 100, 60) OVER () AS c FROM many) s$$), NULL,
	'the window form is cancelled');
SET LOCAL statement_timeout = 0;
SELECT is(digest('TABLE points', 2), d, 'the next statement works') FROM one;

SELECT * FROM finish();
ROLLBACK;
