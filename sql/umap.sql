-- umap_project, over a query and over a window, umap_fit, umap_transform, trustworthiness
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never

-- four groups in five dimensions
CREATE TABLE groups AS
SELECT i AS id, i % 4 AS part,
       ARRAY(SELECT CASE WHEN k = i % 4 THEN 5 ELSE 0 END
                    + ('x' || substr(md5(i || '/' || k), 1, 8))::bit(32)::bigint / 4294967296.0
             FROM generate_series(0, 4) k)::float8[] AS features
FROM generate_series(1, 200) i;

-- groups stay apart: every point's nearest neighbour is of its own group
CREATE TABLE projected AS
SELECT g.id, g.part, p.embedding FROM umap_project('SELECT id, features FROM groups') p JOIN groups g ON g.id::text = p.id;
SELECT count(*), count(DISTINCT embedding) AS places, min(array_length(embedding, 1)) AS components FROM projected;
SELECT count(*) AS strays
FROM projected a
CROSS JOIN LATERAL (SELECT part FROM projected b WHERE b.id <> a.id
                    ORDER BY (a.embedding[1] - b.embedding[1]) ^ 2 + (a.embedding[2] - b.embedding[2]) ^ 2 LIMIT 1) n
WHERE n.part <> a.part;

-- the same every time, whatever the rows' order and the threads
SET genre_hier.threads = 1;
CREATE TABLE again AS SELECT * FROM umap_project('SELECT id, features FROM groups ORDER BY md5(id::text)');
SET genre_hier.threads = 3;
SELECT count(*) AS different
FROM umap_project('SELECT id, features FROM groups ORDER BY id DESC') p JOIN again a USING (id)
WHERE p.embedding <> a.embedding;
RESET genre_hier.threads;
SELECT count(*) > 190 AS other_seed_other_places
FROM umap_project('SELECT id, features FROM groups', seed => 7) p JOIN again a USING (id) WHERE p.embedding <> a.embedding;
SELECT bool_and(id >= before) AS by_id
FROM (SELECT id COLLATE "C" AS id, lag(id COLLATE "C") OVER () AS before FROM umap_project('TABLE groups', n_epochs => 5)) t;

-- every parameter reaches the core
SELECT name, count(*) FILTER (WHERE p.embedding <> a.embedding) > 150 AS matters
FROM again a, LATERAL (
	SELECT 'n_neighbors' AS name, * FROM umap_project('TABLE groups', n_neighbors => 5)
	UNION ALL SELECT 'min_dist', * FROM umap_project('TABLE groups', min_dist => 0.5)
	UNION ALL SELECT 'spread', * FROM umap_project('TABLE groups', spread => 2)
	UNION ALL SELECT 'n_epochs', * FROM umap_project('TABLE groups', n_epochs => 50)
	UNION ALL SELECT 'learning_rate', * FROM umap_project('TABLE groups', learning_rate => 0.5)
	UNION ALL SELECT 'negative_sample_rate', * FROM umap_project('TABLE groups', negative_sample_rate => 2)
	UNION ALL SELECT 'init pca', * FROM umap_project('TABLE groups', init => 'pca')
	UNION ALL SELECT 'init random', * FROM umap_project('TABLE groups', init => 'random')
	UNION ALL SELECT 'standardize', * FROM umap_project('TABLE groups', standardize => false)) p
WHERE p.id = a.id GROUP BY name ORDER BY name;
SELECT DISTINCT array_length(embedding, 1) FROM umap_project('TABLE groups', n_components => 3, n_epochs => 10);

-- few rows, equal rows, more neighbours than rows, a constant column
SELECT count(*) FROM umap_project('SELECT * FROM groups WHERE false');
SELECT * FROM umap_project('SELECT * FROM groups WHERE id = 1');
SELECT count(*), bool_and(embedding[1] BETWEEN -1e6 AND 1e6 AND embedding[2] BETWEEN -1e6 AND 1e6) AS finite
FROM umap_project('SELECT * FROM groups WHERE id <= 2');
SELECT count(*), bool_and(embedding[1] BETWEEN -1e6 AND 1e6 AND embedding[2] BETWEEN -1e6 AND 1e6) AS finite
FROM umap_project('SELECT * FROM groups WHERE id <= 10', n_neighbors => 50);
SELECT count(*), bool_and(embedding[1] BETWEEN -1e6 AND 1e6 AND embedding[2] BETWEEN -1e6 AND 1e6) AS finite
FROM umap_project('SELECT id, ''{1,2,3}''::float8[] AS features FROM groups');
SELECT count(*), bool_and(embedding[1] BETWEEN -1e6 AND 1e6 AND embedding[2] BETWEEN -1e6 AND 1e6) AS finite
FROM umap_project('SELECT id, features || 7::float8 AS features FROM groups');

-- the window form composes, keeps the key's own type, and works per partition
SELECT count(*), count(DISTINCT xy) AS places FROM (SELECT id + 1, umap_project(features) OVER () AS xy FROM groups) p;
SELECT part, count(*), min(array_length(xy, 1)) AS components
FROM (SELECT part, umap_project(features, n_components => 1, n_neighbors => 5) OVER (PARTITION BY part) AS xy FROM groups) p
GROUP BY part ORDER BY part;
-- rows in any order get the same points
SELECT count(*) AS different
FROM (SELECT id, umap_project(features) OVER () AS xy FROM (SELECT * FROM groups ORDER BY id) g) a
JOIN (SELECT id, umap_project(features) OVER () AS xy FROM (SELECT * FROM groups ORDER BY md5(id::text)) g) b USING (id)
WHERE a.xy <> b.xy;
-- clusters of a projection in one query; a materialised view refreshes with nothing on the search path
CREATE MATERIALIZED VIEW found AS
SELECT id, part, xy, hdbscan_cluster(xy, min_cluster_size => 20) OVER () AS cluster
FROM (SELECT id, part, umap_project(features, min_dist => 0) OVER () AS xy FROM groups) p;
REFRESH MATERIALIZED VIEW found;
SELECT count(DISTINCT cluster) >= 4 AS every_group_found, count(DISTINCT (part, cluster)) = count(DISTINCT cluster) AS none_mixed
FROM found WHERE cluster IS NOT NULL;
SELECT umap_project(features, n_neighbors => id) OVER () FROM groups;
SELECT umap_project(nullif(features, features)) OVER () FROM groups;
SELECT umap_project(features) FROM groups;
-- an untyped literal is the text of a query
SELECT count(*) FROM umap_project('SELECT 1 AS id, ARRAY[1.5] AS features');


-- a fitted model takes new points, and its own on their places
CREATE TABLE fitted AS SELECT umap_fit('SELECT id, features FROM groups') AS model;
SELECT length(model), model_info(model), model_features(model) FROM fitted;
WITH box AS (
	SELECT sqrt((max(embedding[1]) - min(embedding[1])) ^ 2 + (max(embedding[2]) - min(embedding[2])) ^ 2) AS diagonal FROM projected)
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY moved / diagonal) < 0.01 AS half_in_place,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY moved / diagonal) < 0.05 AS most_near
FROM box, (SELECT sqrt((p.embedding[1] - xy[1]) ^ 2 + (p.embedding[2] - xy[2]) ^ 2) AS moved
           FROM (SELECT id, umap_transform(model, features) AS xy FROM groups, fitted) t JOIN projected p USING (id)) m;
-- new points join their groups
SELECT count(*) FILTER (WHERE n.part <> t.part) AS strays, count(*)
FROM (SELECT i % 4 AS part,
             umap_transform(model, ARRAY(SELECT CASE WHEN k = i % 4 THEN 5.5 ELSE 0.5 END + i / 500.0 * (k % 2) FROM generate_series(0, 4) k)) AS xy
      FROM fitted, generate_series(1, 100) i OFFSET 0) t
CROSS JOIN LATERAL (SELECT part FROM projected p
                    ORDER BY (p.embedding[1] - xy[1]) ^ 2 + (p.embedding[2] - xy[2]) ^ 2 LIMIT 1) n;
-- a point's place depends on no other, and a NULL has none
SELECT count(*) AS different
FROM fitted, groups g JOIN (SELECT id, umap_transform(model, features) AS xy FROM groups, fitted ORDER BY md5(id::text)) t USING (id)
WHERE g.id <= 20 AND umap_transform(model, features) <> xy;
SELECT umap_transform(model, NULL), umap_transform(NULL, ARRAY[1.5]) FROM fitted;
SELECT array_length(umap_transform(umap_fit('TABLE groups', n_components => 3, n_epochs => 10, standardize => false), '{1,2,3,4,5}'), 1);
SELECT model_info(umap_fit('TABLE groups', 5, 1, 0.25, 2, 40, 0.5, 3, 'pca', false, -7)) -> 'training' AS every_parameter;
SELECT umap_transform(umap_fit('SELECT 1 AS id, ARRAY[1.5] AS features'), '{1.5}') AS one_point;
-- what cannot be
SELECT umap_transform(model, '{1,2}') FROM fitted;
SELECT umap_transform(model, '{1,2,3,4,NULL}') FROM fitted;
SELECT umap_transform(model, '{1,2,3,4,NaN}') FROM fitted;
SELECT umap_transform(model, '{1,2,-Infinity,4,5}') FROM fitted;
SELECT umap_transform(model, '{{1,2},{3,4}}') FROM fitted;
SELECT umap_transform(substr(model, 1, 200), '{1,2,3,4,5}') FROM fitted;
SELECT umap_transform(set_byte(model, 300, 1 - least(get_byte(model, 300), 1)), '{1,2,3,4,5}') FROM fitted;
SELECT umap_transform('\x00', '{1,2,3,4,5}');
SELECT boost_predict(model, '{1,2,3,4,5}') FROM fitted;
SELECT umap_fit('SELECT * FROM groups WHERE false');
SELECT umap_fit('TABLE groups', n_neighbors => 1);
SELECT umap_fit('TABLE groups', n_epochs => 0);
SELECT umap_fit('TABLE groups', n_epochs => 100001);
SELECT umap_fit('TABLE groups', init => 'middle');
SELECT umap_fit(NULL);

-- trustworthiness: a faithful picture, the projection, no picture at all
SELECT trustworthiness('SELECT id, features, features AS embedding FROM groups') AS faithful,
       trustworthiness('SELECT id, features, embedding FROM groups JOIN projected USING (id)') > 0.9 AS projection,
       trustworthiness('SELECT id, features, ARRAY[id * 7919 % 211] AS embedding FROM groups') < 0.7 AS none;
-- five points on a line and their ends folded together: by hand, 1 - 2 / (5 * 1 * 6) * (3 + 0 + 0 + 0 + 3)
SELECT trustworthiness($$SELECT * FROM (VALUES (1, '{0}'::float8[], '{0}'::float8[]), (2, '{1.1}', '{1.1}'), (3, '{2.3}', '{2.3}'),
                                               (4, '{3.6}', '{3.6}'), (5, '{5}', '{-0.5}')) v (id, features, embedding)$$, 1);
-- the order of the rows has no say, nor have the threads; a sample stands for all
SET genre_hier.threads = 1;
SELECT trustworthiness('SELECT id, features, embedding FROM groups JOIN projected USING (id) ORDER BY id') =
       trustworthiness('SELECT embedding, id, features FROM groups JOIN projected USING (id) ORDER BY md5(id::text)') AS by_id;
CREATE TABLE trust AS
SELECT trustworthiness('SELECT id, features, embedding FROM groups JOIN projected USING (id)') AS exact,
       trustworthiness('SELECT id, features, embedding FROM groups JOIN projected USING (id)', sample => 100) AS sampled;
SET genre_hier.threads = 3;
SELECT exact = trustworthiness('SELECT id, features, embedding FROM groups JOIN projected USING (id)') AS same,
       sampled = trustworthiness('SELECT id, features, embedding FROM groups JOIN projected USING (id)', sample => 100) AS same_sample,
       exact = trustworthiness('SELECT id, features, embedding FROM groups JOIN projected USING (id)', sample => 1000) AS all_of_them,
       sampled <> exact AND abs(sampled - exact) < 0.02 AS near
FROM trust;
RESET genre_hier.threads;
SELECT trustworthiness('SELECT id, features, features AS embedding FROM groups', 100);
SELECT trustworthiness('SELECT id, features, features AS embedding FROM groups', 0);
SELECT trustworthiness('SELECT id, features, features AS embedding FROM groups', sample => 0);
SELECT trustworthiness('SELECT id, features, features AS embedding FROM groups WHERE false');
SELECT trustworthiness('SELECT id, features FROM groups');
SELECT trustworthiness('SELECT id % 100 AS id, features, features AS embedding FROM groups');
SELECT trustworthiness('SELECT id, features, features[1:id % 3 + 1] AS embedding FROM groups ORDER BY id');
SELECT trustworthiness('SELECT id, features, ARRAY[NULL::float8] AS embedding FROM groups ORDER BY id');

DROP TABLE fitted, trust;
DROP MATERIALIZED VIEW found;
DROP TABLE groups, projected, again;
