-- umap_project: reproducible, faithful, cancellable
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(24);

\ir include/helpers.sql

CREATE TABLE points AS
SELECT i AS id, i % 5 AS part, ARRAY(SELECT noise(i, k) + CASE WHEN k = i % 5 THEN 4 ELSE 0 END FROM generate_series(1, 8) k) AS features
FROM generate_series(1, 1500) i;

-- the same bytes for any number of threads and any order of the rows
CREATE FUNCTION digest(query text, threads int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN (SELECT md5(string_agg(id || embedding::text, ' ' ORDER BY id COLLATE "C")) FROM umap_project(query, n_epochs => 60));
END $$;
CREATE TABLE one AS SELECT digest('TABLE points', 1) AS d;
SELECT is(digest('TABLE points', 2), d, 'two threads') FROM one;
SELECT is(digest('TABLE points', 8), d, 'eight threads') FROM one;
SELECT is(digest('SELECT * FROM points ORDER BY md5(id::text)', 8), d, 'shuffled rows') FROM one;
SELECT is(digest('SELECT features, id FROM points ORDER BY id DESC', 1), d, 'reversed rows and columns') FROM one;
SELECT is((SELECT count(DISTINCT md5(string_agg)) FROM (
	SELECT string_agg(id || xy::text, ' ' ORDER BY id) FROM
		(SELECT id, umap_project(features, n_epochs => 60) OVER () AS xy FROM points) p
	UNION ALL SELECT string_agg(id || xy::text, ' ' ORDER BY id) FROM
		(SELECT id, umap_project(features, n_epochs => 60) OVER () AS xy FROM (SELECT * FROM points ORDER BY md5(id::text)) s) p) t), 1::bigint,
	'the window form does not depend on the order of the rows');

-- neighbours stay neighbours: share of each point's 10 nearest in the projection that are of its own group
CREATE TABLE projected AS SELECT p.*, u.embedding AS e FROM umap_project('TABLE points') u JOIN points p ON p.id::text = u.id;
SELECT ok((SELECT avg((n.part = a.part)::int) > 0.97 FROM (SELECT * FROM projected WHERE id % 10 = 0) a
	CROSS JOIN LATERAL (SELECT part FROM projected b WHERE b.id <> a.id
		ORDER BY (a.e[1] - b.e[1]) ^ 2 + (a.e[2] - b.e[2]) ^ 2 LIMIT 10) n), 'groups stay together');
SELECT ok((SELECT count(DISTINCT e) FROM projected) = 1500, 'no two points fall together');

-- parallel plans
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is(digest('SELECT id, features FROM points WHERE part >= 0', 2), d, 'a query that runs in parallel') FROM one;
SELECT is((SELECT md5(string_agg(id || embedding::text, ' ' ORDER BY id COLLATE "C"))
           FROM umap_project('SELECT id, feature_avg(features) AS features FROM points GROUP BY id', n_epochs => 60)), d,
          'a query that aggregates in parallel') FROM one;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- A statement's cancellation is answered at any moment: 50 drawn over the time that a whole run takes, in every stage of it.
-- How soon is printed, not asserted; after each the backend works and no thread is left.
SET LOCAL maintenance_work_mem = '512MB';
SET LOCAL genre_hier.threads = 2;
CREATE TABLE many AS
SELECT i AS id, ARRAY(SELECT noise(i, k) FROM generate_series(1, 12) k) AS features FROM generate_series(1, 10000) i;
CREATE FUNCTION threads() RETURNS int LANGUAGE sql AS
$$ SELECT substring(pg_read_file('/proc/self/status') FROM 'Threads:\s+(\d+)')::int $$;
CREATE TABLE whole AS SELECT threads() AS threads, clock_timestamp() AS begun;
SELECT count(*) = 10000 AS warmed FROM umap_project('TABLE many', n_epochs => 60) \gset
ALTER TABLE whole ADD COLUMN took float8;
UPDATE whole SET took = extract(epoch FROM clock_timestamp() - begun) * 1000;
CREATE TABLE moments AS SELECT i, 1 + (noise(i, 99) * took)::int AS timeout, NULL::float8 AS after, NULL::int AS threads
FROM whole, generate_series(1, 50) i;
-- a moment that came after the end, when the machine has become faster, is tried again at half the time; none so early that
-- a busy machine has not even begun the call
SELECT command FROM moments, generate_series(0, 6) attempt, LATERAL (VALUES
	(1, format('SELECT set_config(''statement_timeout'', greatest(30, timeout >> %s)::text, true) FROM moments WHERE i = %s', attempt, i)),
	(2, format('UPDATE moments SET timeout = greatest(30, timeout >> %s), after = canceled_after($$SELECT count(*) FROM umap_project(''TABLE many'', n_epochs => 60)$$), threads = threads() WHERE i = %s AND after IS NULL', attempt, i)),
	(3, 'SET LOCAL statement_timeout = 0')) c (step, command)
ORDER BY i, attempt, step \gexec
SELECT is(count(after), 50::bigint, 'cancelled at 50 moments') FROM moments;
SELECT is(count(*), 0::bigint, 'no thread is left') FROM moments, whole WHERE moments.threads <> whole.threads;
SELECT diag(format('cancelled at %s moments of a run of %s ms: answered after %s ms in the median, %s ms at worst', count(after),
	(SELECT round(took) FROM whole), round(percentile_cont(0.5) WITHIN GROUP (ORDER BY after - timeout)), round(max(after - timeout))))
FROM moments;
SET LOCAL statement_timeout = 300;
SELECT isnt(canceled_after($$SELECT sum(xy[1]) FROM (SELECT umap_project(features, n_epochs => 20000) OVER () AS xy FROM many) s$$),
	NULL, 'the window form, too');
SET LOCAL statement_timeout = 0;
SELECT is(digest('TABLE points', 2), d, 'the next statement works') FROM one;

-- a fitted model: the same bytes for any threads and order, the same places in any plan
CREATE FUNCTION model_of(query text, threads int) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN umap_fit(query, n_epochs => 60);
END $$;
CREATE TABLE fitted AS SELECT model_of('TABLE points', 1) AS model;
SELECT is(md5(model_of('TABLE points', 2)), md5(model), 'a model by two threads') FROM fitted;
SELECT is(md5(model_of('SELECT features, id FROM points ORDER BY md5(id::text)', 8)), md5(model), 'a model by eight threads of shuffled rows')
FROM fitted;
CREATE TABLE placed AS SELECT id, umap_transform(model, features) AS xy FROM points, fitted WHERE id <= 300;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SELECT is((SELECT md5(string_agg(id || umap_transform((SELECT model FROM fitted), features)::text, ' ' ORDER BY id DESC))
           FROM points WHERE id <= 300),
          (SELECT md5(string_agg(id || xy::text, ' ' ORDER BY id DESC)) FROM placed), 'the same places in a parallel plan');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
CREATE TABLE plain AS SELECT * FROM umap_project('TABLE points', n_epochs => 60);
SELECT cmp_ok((SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY sqrt((xy[1] - embedding[1]) ^ 2 + (xy[2] - embedding[2]) ^ 2))
               FROM placed p JOIN plain ON plain.id = p.id::text), '<',
              (SELECT sqrt((max(embedding[1]) - min(embedding[1])) ^ 2 + (max(embedding[2]) - min(embedding[2])) ^ 2) / 100 FROM plain),
              'half of the training points stay within a hundredth of the picture''s size');
SELECT throws_ok($$SELECT umap_transform((SELECT model FROM fitted), ARRAY[1, 2]::float8[])$$, '2202E');
SELECT throws_ok($$SELECT umap_transform((SELECT substr(model, 1, 9000) FROM fitted), ARRAY[1]::float8[])$$, '22P03');

-- trustworthiness: the same for any threads and order, and soon cancelled
CREATE FUNCTION trust(query text, threads int) RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN trustworthiness(query);
END $$;
SELECT is(trust('SELECT p.id, features, embedding FROM points p JOIN plain ON plain.id = p.id::text', 1),
          trust('SELECT p.id, embedding, features FROM points p JOIN plain ON plain.id = p.id::text ORDER BY md5(p.id::text)', 8),
          'trustworthiness by any number of threads');
SELECT throws_ok($$SELECT trustworthiness('SELECT id, features, features AS embedding FROM points', 750)$$, '22023');
SET LOCAL statement_timeout = 300;
SELECT isnt(canceled_after($$SELECT trustworthiness('SELECT id, features, features AS embedding FROM many', 2000)$$), NULL,
	'trustworthiness can be cancelled');
SELECT isnt(canceled_after($$SELECT umap_fit('TABLE many', n_epochs => 20000)$$), NULL, 'so can umap_fit');
SET LOCAL statement_timeout = 0;

-- progress is told at an interval, and silence is silence
SET LOCAL genre_hier.progress_interval = 0;
SELECT lives_ok($$SELECT count(*) FROM umap_project('SELECT * FROM points WHERE id < 50')$$, 'without progress');

SELECT * FROM finish();
ROLLBACK;
