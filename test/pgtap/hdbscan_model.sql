-- hdbscan_fit and hdbscan_predict: reproducible, consistent with hdbscan_cluster, parallel, cancellable
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(13);

\ir include/helpers.sql

CREATE TABLE points AS
SELECT i AS id, ARRAY[(i % 6) * 3 + noise(i, 1) * (1 + i % 6) + noise(i, 2),
                      CASE WHEN i % 10 = 0 THEN round(noise(i, 3)::numeric, 1)::float8 ELSE noise(i, 3) END + noise(i, 4)] AS features
FROM generate_series(1, 3000) i;
CREATE FUNCTION fit(query text, threads int) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN hdbscan_fit(query, min_cluster_size => 25);
END $$;
CREATE TABLE fitted AS SELECT fit('TABLE points', 1) AS model;
SELECT ok(fit('TABLE points', 2) = model, 'two threads give the same bytes') FROM fitted;
SELECT ok(fit('SELECT * FROM points ORDER BY md5(id::text)', 8) = model, 'so do eight and shuffled rows') FROM fitted;

-- the model is the clustering
CREATE TABLE clustered AS SELECT * FROM hdbscan_cluster('TABLE points', 25);
SELECT is((SELECT array_agg(size ORDER BY cluster) FROM fitted, hdbscan_clusters(model)),
          (SELECT array_agg(n ORDER BY cluster) FROM (SELECT cluster, count(*) AS n FROM clustered GROUP BY 1) c WHERE cluster IS NOT NULL),
          'its clusters have the sizes of hdbscan_cluster''s');
CREATE TABLE walk AS
WITH RECURSIVE tree AS (SELECT t.* FROM fitted, hdbscan_tree(model) t),
up AS (SELECT id, parent AS node FROM tree WHERE id IS NOT NULL
       UNION ALL SELECT up.id, tree.parent FROM up JOIN tree ON tree.child = up.node)
SELECT up.id, c.cluster FROM up JOIN (SELECT h.* FROM fitted, hdbscan_clusters(model) h) c ON c.tree_node = up.node;
SELECT is((SELECT count(*)::int FROM walk JOIN clustered USING (id) WHERE walk.cluster = clustered.cluster),
          (SELECT count(cluster)::int FROM clustered), 'the selected node above a point is its cluster');
SELECT is((SELECT count(*)::int FROM walk), (SELECT count(cluster)::int FROM clustered), 'and nothing is above noise');

-- predictions
CREATE TABLE predicted AS SELECT id, p.* FROM fitted, points, LATERAL hdbscan_predict(model, features) p;
SELECT is((SELECT count(*)::int FROM predicted p JOIN clustered c ON c.id = p.id::text WHERE c.cluster IS NOT NULL AND c.cluster IS DISTINCT FROM p.cluster),
          0, 'points of the training are predicted where they are');
SELECT ok((SELECT bool_and((cluster IS NULL) = (probability = 0) AND probability BETWEEN 0 AND 1) FROM predicted), 'noise has no probability');
SELECT is((SELECT count(*)::int FROM (SELECT id, (hdbscan_predict(model, features)).* FROM fitted, points ORDER BY md5(id::text)) s
           JOIN predicted p USING (id) WHERE s.cluster IS NOT DISTINCT FROM p.cluster AND s.probability = p.probability), 3000,
          'a prediction depends on its point alone');
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is((SELECT md5(string_agg(c || ' ' || pr, ',' ORDER BY id)) FROM
              (SELECT id, (p).cluster::text AS c, (p).probability::text AS pr
               FROM (SELECT id, hdbscan_predict((SELECT model FROM fitted), features) AS p FROM points OFFSET 0) r) s),
          (SELECT md5(string_agg(cluster::text || ' ' || probability::text, ',' ORDER BY id)) FROM predicted), 'workers predict the same');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- memory is asked for before the work, and refused with both numbers
SET LOCAL maintenance_work_mem = '1MB';
SELECT throws_like($$SELECT hdbscan_fit('SELECT id * 3 + k AS id, features FROM points, generate_series(0, 2) k')$$,
                   'clustering needs about % MB of memory, more than maintenance_work_mem allows (1.0 MB)');
SET LOCAL maintenance_work_mem = '512MB';

CREATE TABLE many AS
SELECT i AS id, ARRAY(SELECT noise(i, k) FROM generate_series(1, 10) k) AS features FROM generate_series(1, 40000) i;
SET LOCAL statement_timeout = 400;
SELECT isnt(canceled_after($$SELECT length(hdbscan_fit('TABLE many', 100, 60))$$), NULL, 'hdbscan_fit is cancelled');
SET LOCAL statement_timeout = 0;
SELECT ok(fit('TABLE points', 2) = model, 'the next statement works') FROM fitted;
SELECT throws_ok($$SELECT hdbscan_predict((SELECT model FROM fitted), ARRAY[1]::float8[])$$, '2202E');

SELECT * FROM finish();
ROLLBACK;
