-- hdbscan_fit, hdbscan_predict, hdbscan_clusters, hdbscan_tree
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never

-- three square groups of 100, 60 and 40 points and ten far away
CREATE TABLE groups (id text PRIMARY KEY, features float8[]);
INSERT INTO groups
SELECT to_char(i, 'FM0000'),
       ARRAY[CASE WHEN i <= 100 THEN 0 WHEN i <= 160 THEN 20 WHEN i <= 200 THEN 40 ELSE 1000 * (i - 200) END
             + ('x' || substr(md5('x' || i), 1, 8))::bit(32)::bigint / 4294967296.0,
             ('x' || substr(md5('y' || i), 1, 8))::bit(32)::bigint / 4294967296.0]
FROM generate_series(1, 210) i;
CREATE TABLE fitted AS SELECT hdbscan_fit('TABLE groups', min_cluster_size => 20, min_samples => 5) AS model;

SELECT cluster, tree_node, size, persistence > 0 AND persistence <= 1 AS persistence, birth_lambda < death_lambda AS lives,
       round((persistence * size * max(death_lambda) OVER ())::numeric, 6) = round(stability::numeric, 6) AS stable
FROM fitted, hdbscan_clusters(model) ORDER BY cluster;
-- every point is a child once, and names its row; what leaves a node is what came into it
SELECT count(*), count(id), count(DISTINCT child), min(parent), max(child) FILTER (WHERE id IS NOT NULL) AS last_point
FROM fitted, hdbscan_tree(model);
SELECT child, id, size FROM fitted, hdbscan_tree(model) WHERE id IN ('0001', '0002', '0210') ORDER BY child;
SELECT count(*) FROM (
	SELECT n.child FROM fitted, hdbscan_tree(model) n WHERE n.id IS NULL
	EXCEPT SELECT n.child FROM fitted, hdbscan_tree(model) n JOIN
		(SELECT parent, sum(size) AS leaving FROM fitted, hdbscan_tree(model) GROUP BY parent) l ON l.parent = n.child
	WHERE l.leaving = n.size) wrong;

-- the points of the training go where they are, new ones to their neighbours, far ones nowhere
SELECT c.cluster, count(*), bool_and(c.cluster IS NOT DISTINCT FROM p.cluster) AS own
FROM hdbscan_cluster('TABLE groups', 20, 5) c JOIN groups g USING (id), fitted, LATERAL hdbscan_predict(model, features) p
GROUP BY 1 ORDER BY 1;
SELECT (hdbscan_predict(model, '{0.5,0.5}')).cluster AS a, (hdbscan_predict(model, '{20.5,0.5}')).cluster AS b,
       (hdbscan_predict(model, '{40.5,0.5}')).cluster AS c FROM fitted;
SELECT * FROM fitted f, LATERAL hdbscan_predict(f.model, '{500,-500}') p(nowhere, never) WHERE false;
SELECT p.* FROM fitted, LATERAL hdbscan_predict(model, '{500,-500}') p;
SELECT hdbscan_predict(NULL, '{1,2}'), hdbscan_predict(model, NULL) FROM fitted;
SELECT count(*) FROM hdbscan_tree(NULL), hdbscan_clusters(NULL);
-- numbers of other types
SELECT (hdbscan_predict(model, ARRAY[0.5::float4, 0.5])).cluster FROM fitted;

SELECT model_info(model) - 'bytes' FROM fitted;
SELECT model_features(model) FROM fitted;
SELECT model_info(hdbscan_fit('TABLE groups', 30, NULL, 'leaf', 0.25, 90, true, 1.5)) -> 'training' AS every_parameter;
-- no clusters, one point
SELECT count(*), (SELECT count(*) FROM hdbscan_clusters(m)) AS clusters
FROM (SELECT hdbscan_fit('SELECT 1 AS id, ARRAY[1.5] AS features') AS m) f, hdbscan_tree(m) GROUP BY m;
SELECT p.* FROM (SELECT hdbscan_fit('SELECT 1 AS id, ARRAY[1.5] AS features') AS m) f, LATERAL hdbscan_predict(m, '{1.5}') p;
-- ids in any script
SELECT id FROM (SELECT hdbscan_fit('SELECT ''Björk '' || chr(127925) || i AS id, ARRAY[i]::float8[] AS features FROM generate_series(1, 2) i') AS m) f,
	hdbscan_tree(m) ORDER BY child;

SELECT hdbscan_predict(model, '{1,2,3}') FROM fitted;
SELECT hdbscan_predict(model, '{1,NaN}') FROM fitted;
SELECT hdbscan_predict(model, '{1,NULL}') FROM fitted;
SELECT hdbscan_predict(model, '{{1},{2}}') FROM fitted;
SELECT hdbscan_predict(substr(model, 1, 400), '{1,2}') FROM fitted;
SELECT hdbscan_predict(set_byte(model, 300, 1 - least(get_byte(model, 300), 1)), '{1,2}') FROM fitted;
SELECT hdbscan_predict('\x00', '{1,2}');
SELECT count(*) FROM hdbscan_tree('\x00');
SELECT umap_transform(model, '{1,2}') FROM fitted;
SELECT hdbscan_fit('SELECT * FROM groups WHERE false');
SELECT hdbscan_fit('TABLE groups', min_samples => 0);
SELECT hdbscan_fit('TABLE groups', min_cluster_size => 1);
SELECT hdbscan_fit('TABLE groups', cluster_selection_method => 'oem');
SELECT hdbscan_fit(NULL);
SELECT hdbscan_fit('SELECT id FROM groups');

DROP TABLE groups, fitted;
