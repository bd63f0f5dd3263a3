-- hierarchy_grid: what single projections and grids give, for any threads and row order; cancellation
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(10);

\ir include/helpers.sql

CREATE TABLE points AS
SELECT i AS id, ARRAY(SELECT (i % 5 * (k + 2) % 7) * 1.5 + noise(i, k) * (1 + i % 5) FROM generate_series(1, 6) k) AS features
FROM generate_series(1, 600) i;

CREATE FUNCTION digest(query text, threads int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN (SELECT md5(string_agg(g::text, ' ')) FROM hierarchy_grid(query, '{8,16}', '{0,0.2}', '{10,40}', '{4,12}', n_epochs => 40) g);
END $$;
CREATE TABLE one AS SELECT digest('TABLE points', 1) AS d;
SELECT is(digest('TABLE points', 2), d, 'two threads') FROM one;
SELECT is(digest('SELECT * FROM points ORDER BY md5(id::text)', 5), d, 'five threads and shuffled rows') FROM one;

CREATE TABLE grid AS
SELECT row_number() OVER () AS place, g.*
FROM hierarchy_grid('TABLE points', '{8,16}', '{0,0.2}', '{10,40}', '{4,12}', n_epochs => 40) g;
SELECT is((SELECT count(*)::int FROM grid), 2 * 2 * 2 * 2 * 2, 'every combination');
SELECT is((SELECT array_agg(place ORDER BY array_position('{8,16}', n_neighbors), array_position('{0,0.2}'::float8[], min_dist),
                            array_position('{10,40}', min_cluster_size), array_position('{4,12}', min_samples),
                            array_position('{eom,leaf}', cluster_selection_method)) FROM grid),
          (SELECT array_agg(i) FROM generate_series(1::bigint, 32) i), 'in the order of the arrays');
-- one projection after the other
CREATE TABLE single AS
SELECT p.n_neighbors, p.min_dist, p.query, g.*
FROM (SELECT DISTINCT n_neighbors, min_dist,
             format('SELECT id, embedding AS features FROM umap_project(''TABLE points'', %s, min_dist => %s, n_epochs => 40)', n_neighbors, min_dist) AS query
      FROM grid) p, LATERAL hdbscan_grid(p.query, '{10,40}', '{4,12}') g;
SELECT is((SELECT count(*)::int FROM grid g JOIN single s USING (n_neighbors, min_dist, min_cluster_size, min_samples, cluster_selection_method)
           WHERE g.dbcv = s.dbcv AND g.relative_validity = s.relative_validity AND g.clusters = s.clusters AND g.noise = s.noise), 32,
          'each row is that of a projection and a grid of its own, to the last bit');
CREATE TABLE means AS SELECT k, avg(f), stddev_pop(f) AS sd FROM points, unnest(features) WITH ORDINALITY x(f, k) GROUP BY k;
CREATE TABLE judged AS
SELECT n_neighbors, min_dist, trustworthiness(format('SELECT p.id, s.z AS features, u.embedding FROM (%s) s JOIN points p USING (id) JOIN (%s) u ON u.id = p.id::text', z, u)) AS t
FROM (SELECT DISTINCT n_neighbors, min_dist,
             format('SELECT id, embedding FROM umap_project(''TABLE points'', %s, min_dist => %s, n_epochs => 40)', n_neighbors, min_dist) AS u,
             'SELECT id, ARRAY(SELECT (f - m) / s FROM unnest(features, (SELECT array_agg(avg ORDER BY k) FROM means), (SELECT array_agg(sd ORDER BY k) FROM means)) x(f, m, s)) AS z FROM points' AS z
      FROM grid) g;
SELECT ok((SELECT bool_and(abs(g.trustworthiness - j.t) < 1e-9) FROM grid g JOIN judged j USING (n_neighbors, min_dist)), 'trustworthiness is that of the z-scores');

-- the best row, used
CREATE TABLE best AS SELECT * FROM grid ORDER BY dbcv DESC NULLS LAST, place LIMIT 1;
SELECT is((SELECT count(DISTINCT c.cluster)::int FROM best b, LATERAL hdbscan_cluster(
             format('SELECT id, embedding AS features FROM umap_project(''TABLE points'', %s, min_dist => %s, n_epochs => 40)', b.n_neighbors, b.min_dist),
             b.min_cluster_size, b.min_samples, b.cluster_selection_method) c), clusters, 'the best row leads to its clusters') FROM best;

-- memory is estimated before the work, and a cancel comes through
SET LOCAL maintenance_work_mem = '1MB';
SELECT throws_like($$SELECT count(*) FROM hierarchy_grid('SELECT i AS id, ARRAY[i % 100, i / 100] AS features FROM generate_series(1, 20000) i', '{15}', '{0}', '{20}', '{5}')$$,
	'%grid of projections%', 'too little memory');
SET LOCAL maintenance_work_mem = '512MB';
CREATE TABLE many AS SELECT i AS id, ARRAY(SELECT noise(i, k) FROM generate_series(1, 5) k) AS features FROM generate_series(1, 20000) i;
CREATE FUNCTION canceled(command text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN false;
EXCEPTION WHEN query_canceled THEN
	RETURN true;
END $$;
SET LOCAL statement_timeout = 700;
SELECT ok(canceled($$SELECT count(*) FROM hierarchy_grid('TABLE many', '{15,30}', '{0}', '{20}', '{5}')$$), 'hierarchy_grid is cancelled');
SET LOCAL statement_timeout = 0;
SELECT is(digest('TABLE points', 2), d, 'the next statement works') FROM one;
SELECT * FROM finish();
ROLLBACK;
