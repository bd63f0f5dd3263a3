-- bad input: a message, its SQLSTATE, and what to do about it
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never

-- SQLSTATE of a failing command
CREATE FUNCTION state_of(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;

-- the text of the query
SELECT * FROM umap_project('');
SELECT * FROM umap_project('  -- nothing');
SELECT * FROM umap_project('SELECT 1 AS id; SELECT 2 AS id');
SELECT * FROM umap_project('CREATE TABLE t (x int)');
SELECT * FROM umap_project('EXPLAIN SELECT 1');
SELECT * FROM umap_project('SELECT 1 AS id INTO t');
SELECT * FROM umap_project('SELEC 1');
SELECT * FROM umap_project('SELECT * FROM missing_table');
SELECT * FROM umap_project(NULL);

-- its columns: checked before a row is read
SELECT * FROM umap_project('SELECT 1 AS ID, 1/0 AS x');
SELECT * FROM umap_project('SELECT 1 AS id, 2 AS features');
SELECT * FROM umap_project('SELECT 1 AS id, ''{1}''::text[] AS features');
SELECT * FROM umap_project('SELECT 1 AS id, 2 AS id, ARRAY[1.0] AS features');
SELECT * FROM hdbscan_cluster('SELECT ARRAY[1.0] AS features');
SELECT * FROM hdbscan_grid('SELECT 1 AS id', '{5}', '{5}');

-- its rows
SELECT * FROM umap_project('SELECT NULL::int AS id, ARRAY[1.0] AS features');
SELECT * FROM umap_project('SELECT ''a "b"'' AS id, NULL::real[] AS features');
SELECT * FROM umap_project('SELECT i AS id, CASE WHEN i < 3 THEN ARRAY[1, 2] ELSE ARRAY[1, NULL] END AS features FROM generate_series(1, 5) i');
SELECT * FROM umap_project('SELECT 7 AS id, ''{1,NaN}''::real[] AS features');
SELECT * FROM umap_project('SELECT 7 AS id, ''{-Infinity,1}''::float8[] AS features');
SELECT * FROM umap_project('SELECT i AS id, array_fill(1.5, ARRAY[i]) AS features FROM generate_series(1, 5) i');
SELECT * FROM umap_project('SELECT 1 AS id, ''{}''::float8[] AS features');
SELECT * FROM umap_project('SELECT 1 AS id, ''{{1,2},{3,4}}''::float8[] AS features');
SELECT * FROM umap_project('SELECT i % 2 AS id, ARRAY[i] AS features FROM generate_series(1, 5) i');
SELECT state_of($$SELECT * FROM umap_project('SELECT 1 AS id, ARRAY[1e400::numeric] AS features')$$) AS beyond_float8;
SELECT * FROM umap_project('SELECT 1 AS id, ARRAY[1 / (i - 3)] AS features FROM generate_series(1, 5) i');

-- parameters
CREATE TABLE bad (i int, parameter text);
INSERT INTO bad VALUES (1, 'n_neighbors => 1'), (2, 'n_neighbors => -5'), (3, 'n_components => 0'), (4, 'n_components => 1000'),
	(5, 'min_dist => -0.1'), (6, 'min_dist => ''NaN'''), (7, 'min_dist => 2'), (8, 'spread => 0'), (9, 'spread => ''Infinity'''),
	(10, 'n_epochs => 0'), (11, 'n_epochs => -1'), (12, 'learning_rate => 0'), (13, 'learning_rate => ''NaN'''),
	(14, 'negative_sample_rate => -1'), (15, 'init => ''pcb'''), (16, 'init => NULL'), (17, 'standardize => NULL'),
	(18, 'seed => NULL'), (19, 'n_neighbors => NULL'), (20, 'nonsense => 1');
SELECT parameter, state_of(format('SELECT * FROM umap_project(''SELECT 1 AS id, ARRAY[1.0] AS features'', %s)', parameter))
FROM bad ORDER BY i;
TRUNCATE bad;
INSERT INTO bad VALUES (1, 'min_cluster_size => 1'), (2, 'min_cluster_size => -3'), (3, 'min_samples => 0'), (4, 'min_samples => -1'),
	(5, 'cluster_selection_method => ''oem'''), (6, 'cluster_selection_method => NULL'), (7, 'cluster_selection_epsilon => -1'),
	(8, 'cluster_selection_epsilon => ''NaN'''), (9, 'max_cluster_size => -1'), (10, 'allow_single_cluster => NULL'),
	(11, 'alpha => 0'), (12, 'alpha => ''NaN'''), (13, 'alpha => -1'), (14, 'min_cluster_size => NULL');
SELECT parameter, state_of(format('SELECT * FROM hdbscan_cluster(''SELECT 1 AS id, ARRAY[1.0] AS features'', %s)', parameter)),
       state_of(format('SELECT hdbscan_cluster(ARRAY[1.0], %s) OVER ()', parameter)) AS state_of_window
FROM bad ORDER BY i;
TRUNCATE bad;
INSERT INTO bad VALUES (1, 'NULL, ''{5}'''), (2, '''{}'', ''{5}'''), (3, '''{5,NULL}'', ''{5}'''), (4, '''{5}'', ''{}'''),
	(5, '''{5}'', ''{NULL}'''), (6, '''{1}'', ''{5}'''), (7, '''{5}'', ''{0}'''), (8, '''{5}'', ''{5}'', ''{eom,loaf}'''),
	(9, '''{5}'', ''{5}'', ''{}'''), (10, '''{5}'', ''{5}'', NULL');
SELECT parameter, state_of(format('SELECT * FROM hdbscan_grid(''SELECT 1 AS id, ARRAY[1.0] AS features'', %s)', parameter))
FROM bad ORDER BY i;
DROP TABLE bad;
-- some of them in full
SELECT * FROM umap_project('SELECT 1 AS id, ARRAY[1.0] AS features', n_neighbors => NULL);
SELECT * FROM umap_project('SELECT 1 AS id, ARRAY[1.0] AS features', init => 'pcb');
SELECT * FROM umap_project('SELECT 1 AS id, ARRAY[1.0] AS features', n_epochs => 0);
SELECT * FROM hdbscan_cluster('SELECT 1 AS id, ARRAY[1.0] AS features', cluster_selection_method => 'oem');
SELECT * FROM hdbscan_cluster('SELECT 1 AS id, ARRAY[1.0] AS features', min_samples => 0);
SELECT * FROM hdbscan_grid('SELECT 1 AS id, ARRAY[1.0] AS features', '{5,NULL}', '{5}');

-- memory: the rows and the work are held to maintenance_work_mem
SET maintenance_work_mem = '1MB';
SELECT state_of($$SELECT * FROM umap_project('SELECT i AS id, array_fill(i, ARRAY[20]) AS features FROM generate_series(1, 20000) i')$$) AS rows;
SELECT state_of($$SELECT * FROM umap_project('SELECT i AS id, ARRAY[i] AS features FROM generate_series(1, 9000) i')$$) AS work;
RESET maintenance_work_mem;

-- what may not write does not
CREATE TABLE target (x int);
SELECT state_of($$SELECT * FROM umap_project('WITH w AS (INSERT INTO target VALUES (1) RETURNING x) SELECT x AS id, ARRAY[1.0] AS features FROM w')$$);
SELECT count(*) FROM target;
DROP TABLE target;

-- rights are the caller's
CREATE TABLE secret AS SELECT 1 AS id, ARRAY[1.0] AS features;
CREATE ROLE regress_genre_hier_reader;
GRANT USAGE ON SCHEMA public TO regress_genre_hier_reader;
SET ROLE regress_genre_hier_reader;
SELECT * FROM umap_project('TABLE secret');
SET genre_hier.max_threads = 1;
RESET ROLE;
DROP TABLE secret;
REVOKE ALL ON SCHEMA public FROM regress_genre_hier_reader;
DROP ROLE regress_genre_hier_reader;

-- settings
SHOW genre_hier.threads;
SHOW genre_hier.max_threads;
SHOW genre_hier.progress_interval;
SELECT state_of('SET genre_hier.threads = -1'), state_of('SET genre_hier.threads = 257'), state_of('SET genre_hier.max_threads = -1'),
       state_of('SET genre_hier.progress_interval = ''-1s''');
DROP FUNCTION state_of(text);
