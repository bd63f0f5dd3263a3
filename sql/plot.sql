-- Pictures: what they hold, errors.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;

-- the texts of a class, as they are written
CREATE FUNCTION texts(svg text, class text) RETURNS SETOF text LANGUAGE sql AS
$$ SELECT m[1] FROM regexp_matches(svg, '<text class="' || class || '"[^>]*>([^<]*)', 'g') m $$;

-- six points in two clusters, one of noise
CREATE TABLE points (id int, embedding float8[], cluster int, label text);
INSERT INTO points VALUES (1, '{0,0}', 0, 'one'), (2, '{0.1,0}', 0, NULL), (3, '{5,5}', 1, 'R&B <3'), (4, '{5.1,5}', 1, NULL),
	(5, '{5,5.1}', 1, NULL), (6, '{9,0}', NULL, 'outside');
SELECT texts(plot_projection('TABLE points', 'Six "points"'), c) FROM unnest('{t,s,n halo,c halo,a}'::text[]) c;
SELECT plot_projection('TABLE points') = plot_projection('SELECT * FROM points ORDER BY id DESC') AS same;
SELECT texts(plot_projection('SELECT embedding FROM points'), 's');
SELECT texts(plot_projection('SELECT embedding, CASE cluster WHEN 0 THEN ''rock'' ELSE ''pop'' END AS cluster FROM points'), 'n halo');
-- numbers as the packages of Python write noise; NULL, NaN and infinite places are left out; more dimensions
SELECT texts(plot_projection($$SELECT embedding, cluster FROM (VALUES ('{1,2}'::float8[], -1), ('{1,2}', 3), ('{NaN,2}', 3),
	('{1,Infinity}', 3), (NULL, 3), ('{NULL,1}', 3)) AS p (embedding, cluster)$$), 's');
SELECT texts(plot_projection('SELECT ''{1,2,3}''::float4[] AS embedding'), 's');
SELECT texts(plot_projection('SELECT embedding FROM points WHERE false'), c) FROM unnest('{t,s,m}'::text[]) c;

SELECT plot_projection(NULL);
SELECT plot_projection('SELECT 1 AS x');
SELECT plot_projection('SELECT ''{1}''::float8[] AS embedding');
SELECT plot_projection('SELECT ''{1,2}''::float8[] AS embedding UNION ALL SELECT ''{1,2,3}''');
SELECT plot_projection('SELECT ''{1,2}''::float8[] AS embedding, g AS cluster FROM generate_series(1, 65536) g');
SELECT plot_projection('DROP TABLE points');

-- grids
CREATE TABLE grid AS SELECT * FROM hdbscan_grid('SELECT id, ARRAY[(id % 4) * 10 + (id % 7) * .1, (id % 5) * .1] AS features
	FROM generate_series(1, 100) id', '{5,10,20}', '{2,5}');
SELECT texts(plot_grid('TABLE grid'), c) FROM unnest('{t,s}'::text[]) c;
SELECT plot_grid('TABLE grid') = plot_grid('SELECT * FROM grid ORDER BY dbcv DESC, min_samples') AS same;
SELECT texts(plot_grid('SELECT * FROM grid WHERE false'), c) FROM unnest('{t,s,m}'::text[]) c;
SELECT texts(plot_grid('SELECT ''NaN''::float8 AS dbcv, NULL::int AS clusters, 0.5 AS noise_fraction'), c) FROM unnest('{s,m}'::text[]) c;
SELECT texts(plot_grid('SELECT 15 AS n_neighbors, 0.1::float8 AS min_dist, 40 AS min_cluster_size, 10 AS min_samples,
	''leaf'' AS cluster_selection_method, 0.4::float8 AS dbcv, 7 AS clusters, 0.25::float8 AS noise_fraction'), 's') LIMIT 2;
SELECT plot_grid('SELECT 1 AS dbcv');
SELECT plot_grid('SELECT 1 AS dbcv, 1 AS clusters, 1 AS noise_fraction, g AS cluster_selection_method FROM generate_series(1, 9) g');

-- hierarchies
SELECT plot_hierarchy('no such model');
SELECT plot_hierarchy(NULL);

DROP TABLE points, grid;
DROP FUNCTION texts(text, text);
