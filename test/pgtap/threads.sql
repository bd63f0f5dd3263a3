-- After LOAD and after every function, also a failed or cancelled one, the backend has one thread
-- (Linux: /proc shows them).
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(14);

\ir include/helpers.sql

LOAD 'genre_hier';
CREATE FUNCTION threads() RETURNS int LANGUAGE sql AS $$ SELECT count(*)::int FROM pg_ls_dir('/proc/self/task') $$;
SELECT is(threads(), 1, 'LOAD starts none');

CREATE TABLE points AS
SELECT i AS id, ARRAY(SELECT noise(i, k) + 3 * (i % 3) FROM generate_series(1, 14) k) AS features FROM generate_series(1, 3000) i;
SET LOCAL genre_hier.threads = 8;
SET LOCAL maintenance_work_mem = '256MB';

CREATE FUNCTION failed(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN query_canceled OR OTHERS THEN
	RETURN SQLSTATE;
END $$;

DO $$ BEGIN PERFORM count(*) FROM umap_project('TABLE points', n_epochs => 20); END $$;
SELECT is(threads(), 1, 'umap_project leaves none');
DO $$ BEGIN PERFORM umap_project(features, n_epochs => 20) OVER () FROM points; END $$;
SELECT is(threads(), 1, 'umap_project over a window leaves none');
DO $$ BEGIN PERFORM count(*) FROM hdbscan_cluster('TABLE points'); END $$;
SELECT is(threads(), 1, 'hdbscan_cluster leaves none');
DO $$ BEGIN PERFORM hdbscan_cluster(features) OVER () FROM points; END $$;
SELECT is(threads(), 1, 'hdbscan_cluster over a window leaves none');
DO $$ BEGIN PERFORM count(*) FROM hdbscan_grid('TABLE points', '{5,50}', '{5,10}'); END $$;
SELECT is(threads(), 1, 'hdbscan_grid leaves none');
DO $$ BEGIN PERFORM dbcv(features, (id % 3)::int), average_precision(id % 3 = 0, id), coverage_error('{t,f}', '{1,2}'), feature_avg(features) FROM points; END $$;
SELECT is(threads(), 1, 'the aggregates leave none');

-- errors before and in the work
SELECT is(failed($$SELECT count(*) FROM umap_project('TABLE points', n_neighbors => 0)$$), '22023', 'a wrong parameter fails');
SET LOCAL maintenance_work_mem = '2MB';
SELECT is(failed($$SELECT count(*) FROM umap_project('TABLE points', n_neighbors => 200)$$), '54000', 'too little memory fails');
SELECT is(threads(), 1, 'errors leave none');
SET LOCAL maintenance_work_mem = '256MB';
SET LOCAL statement_timeout = 300;
SELECT is(failed($$SELECT count(*) FROM umap_project('TABLE points', n_epochs => 100000)$$), '57014', 'a timeout cancels');
SET LOCAL statement_timeout = 0;
SELECT is(threads(), 1, 'a cancelled call leaves none');

-- the caps
SET LOCAL genre_hier.max_threads = 1;
SELECT lives_ok($$SELECT count(*) FROM hdbscan_cluster('TABLE points')$$, 'one thread is enough');
SELECT is(threads(), 1, 'and leaves none');

SELECT * FROM finish();
ROLLBACK;
