-- hdbscan_cluster, over a query and over a window, and hdbscan_grid
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never

-- three square groups of 100, 60 and 40 points and ten far away
CREATE TABLE spots (id text PRIMARY KEY, features float8[]);
INSERT INTO spots
SELECT to_char(i, 'FM0000'),
       ARRAY[CASE WHEN i <= 100 THEN 0 WHEN i <= 160 THEN 20 WHEN i <= 200 THEN 40 ELSE 1000 * (i - 200) END
             + ('x' || substr(md5('x' || i), 1, 8))::bit(32)::bigint / 4294967296.0,
             ('x' || substr(md5('y' || i), 1, 8))::bit(32)::bigint / 4294967296.0]
FROM generate_series(1, 210) i;

SELECT cluster, count(*), min(id), max(id), bool_and(probability BETWEEN 0 AND 1) AS probabilities,
       bool_and((cluster IS NULL) = (probability = 0)) AS noise_is_improbable,
       bool_and(outlier_score BETWEEN 0 AND 1) AS outlier_scores
FROM hdbscan_cluster('SELECT id, features FROM spots', min_cluster_size => 20) GROUP BY cluster ORDER BY 3;
SELECT count(*) AS rows, count(cluster) AS clustered, bool_and(probability > 0) AS p
FROM hdbscan_cluster('SELECT id, features FROM spots', min_cluster_size => 20, min_samples => 5,
                     cluster_selection_method => 'leaf') WHERE cluster IS NOT NULL;
-- every parameter reaches the core
SELECT count(DISTINCT cluster) FROM hdbscan_cluster('TABLE spots', min_cluster_size => 50);
SELECT count(DISTINCT cluster) FROM hdbscan_cluster('TABLE spots', 20, cluster_selection_epsilon => 25);
SELECT count(DISTINCT cluster), max(n) FROM (SELECT cluster, count(*) AS n
	FROM hdbscan_cluster('TABLE spots', 20, max_cluster_size => 80) GROUP BY 1) t WHERE cluster IS NOT NULL;
SELECT count(DISTINCT cluster) FROM hdbscan_cluster('SELECT * FROM spots WHERE id <= ''0100''', 40);
SELECT count(DISTINCT cluster) FROM hdbscan_cluster('SELECT * FROM spots WHERE id <= ''0100''', 40, allow_single_cluster => true);
SELECT count(DISTINCT cluster) FROM hdbscan_cluster('TABLE spots', 20, alpha => 2.0);

-- few rows
SELECT * FROM hdbscan_cluster('SELECT * FROM spots WHERE false');
SELECT id, cluster, probability FROM hdbscan_cluster('SELECT * FROM spots WHERE id = ''0001''');
SELECT id, cluster, probability FROM hdbscan_cluster('SELECT * FROM spots WHERE id < ''0004''');
-- equal points
SELECT cluster, count(*) FROM hdbscan_cluster('SELECT i AS id, ''{1,2}''::float8[] AS features FROM generate_series(1, 20) i')
GROUP BY 1;

-- the window form: the partition's own rows, keys of any type, NULL for noise
SELECT cluster, count(*), min(id), max(id)
FROM (SELECT id, hdbscan_cluster(features, min_cluster_size => 20) OVER () AS cluster FROM spots) s
GROUP BY cluster ORDER BY 3;
SELECT part, count(DISTINCT cluster) AS clusters, count(*) - count(cluster) AS noise
FROM (SELECT id <= '0160' AS part, hdbscan_cluster(features, 20) OVER (PARTITION BY id <= '0160') AS cluster FROM spots) s
GROUP BY part ORDER BY part;
-- both forms agree on what belongs together
SELECT count(*) AS rows, count(DISTINCT (q.cluster, w.cluster)) AS pairs
FROM hdbscan_cluster('TABLE spots', 20) q
JOIN (SELECT id, hdbscan_cluster(features, 20) OVER () AS cluster FROM spots) w USING (id);
-- options may be computed, as long as they are constant
SELECT count(DISTINCT cluster) FROM (SELECT hdbscan_cluster(features, (SELECT 20)) OVER () AS cluster FROM spots) s;
SELECT hdbscan_cluster(features, length(id)) OVER () IS NULL AS noise FROM spots WHERE id = '0001';
SELECT hdbscan_cluster(features, id::int) OVER () FROM spots;
SELECT hdbscan_cluster(nullif(features, features)) OVER () FROM spots;
SELECT hdbscan_cluster(features) FROM spots;

-- the grid: every combination, in order; dbcv is the aggregate's on the same labels
SELECT min_cluster_size, min_samples, cluster_selection_method AS method, clusters, smallest, largest,
       round(mean_size::numeric, 2) AS mean_size, noise, round(noise_fraction::numeric, 4) AS noise_fraction,
       dbcv BETWEEN -1 AND 1 AS dbcv, relative_validity BETWEEN -1 AND 1 AS relative_validity
FROM hdbscan_grid('TABLE spots', min_cluster_size => '{20,50}', min_samples => '{5,10}');
SELECT g.min_cluster_size, g.min_samples, g.cluster_selection_method, g.dbcv = d.dbcv AS same
FROM hdbscan_grid('TABLE spots', '{20,30}', '{5,10}') g,
     LATERAL (SELECT dbcv(s.features, c.cluster ORDER BY s.id COLLATE "C")
              FROM hdbscan_cluster('TABLE spots', g.min_cluster_size, g.min_samples, g.cluster_selection_method) c
              JOIN spots s USING (id)) d(dbcv);
-- NULL min_samples: each min_cluster_size's own
SELECT min_cluster_size, min_samples FROM hdbscan_grid('TABLE spots', '{20,30}', NULL, '{eom}');
-- no clusters: sizes and scores are NULL
SELECT * FROM hdbscan_grid('SELECT * FROM spots WHERE id > ''0200''', '{20}', '{5}', '{eom}');
SELECT * FROM hdbscan_grid('SELECT * FROM spots WHERE false', '{20}', '{5}', '{eom}');
SELECT count(*), count(DISTINCT clusters)
FROM hdbscan_grid('SELECT * FROM spots WHERE id <= ''0100''', '{40}', '{5}', '{eom}', allow_single_cluster => true);

DROP TABLE spots;
