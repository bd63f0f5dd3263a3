-- hierarchy_grid: projections and clusters in one table; refusals; dbcv over all pairs
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS genre_hier;
\set SHOW_CONTEXT never

CREATE FUNCTION noise(i int, k int) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT ('x' || substr(md5(i || '/' || k), 1, 8))::bit(32)::bigint / 4294967296.0 $$;
-- three spots in four dimensions
CREATE TABLE spots AS
SELECT lpad(i::text, 4, '0') AS id, ARRAY(SELECT (i % 3 * (k + 1) % 5) * 4 + noise(i, k) FROM generate_series(1, 4) k) AS features
FROM generate_series(1, 240) i;

SELECT n_neighbors, min_dist, trustworthiness BETWEEN 0.9 AND 1 AS trust, min_cluster_size, min_samples,
       cluster_selection_method AS method, dbcv BETWEEN -1 AND 1 AS dbcv, relative_validity BETWEEN -1 AND 1 AS relative_validity,
       clusters > 1 AS clusters, smallest >= min_cluster_size AS smallest, largest < 240 AS largest,
       mean_size * clusters + noise AS rows, noise_fraction = noise / 240.0 AS noise
FROM hierarchy_grid('TABLE spots', '{15,10}', '{0.1,0}', '{60,20}', '{5}', '{eom}', n_epochs => 50);
-- NULL min_samples: each min_cluster_size's own
SELECT DISTINCT n_neighbors, min_cluster_size, min_samples
FROM hierarchy_grid('TABLE spots', '{10}', '{0}', '{20,30}', NULL, n_epochs => 20) ORDER BY 2;
-- other numbers of components; the rest of the options
SELECT clusters > 1 AS clusters FROM hierarchy_grid('TABLE spots', '{10}', '{0.2}', '{20}', '{5}', '{eom}', n_components => 3, spread => 1.5,
	n_epochs => 50, learning_rate => 0.5, negative_sample_rate => 3, init => 'pca', standardize => false,
	cluster_selection_epsilon => 0.1, max_cluster_size => 0, allow_single_cluster => false, alpha => 1, seed => 7);
-- few rows
SELECT n_neighbors, trustworthiness, clusters, smallest, noise, noise_fraction
FROM hierarchy_grid('SELECT * FROM spots LIMIT 3', '{10}', '{0}', '{2}', '{1}', '{eom}', n_epochs => 20);
SELECT n_neighbors, trustworthiness, dbcv, clusters, noise, noise_fraction
FROM hierarchy_grid('SELECT * FROM spots LIMIT 1', '{10}', '{0}', '{2}', '{1}', '{eom}');
SELECT n_neighbors, trustworthiness, dbcv, clusters, noise, noise_fraction
FROM hierarchy_grid('SELECT * FROM spots WHERE false', '{10}', '{0}', '{2}', '{1}', '{eom}');

-- parameters are checked before the query runs
SELECT * FROM hierarchy_grid('TABLE absent', '{1}', '{0}', '{20}', '{5}');
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{2}', '{20}', '{5}');
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{0}', '{1}', '{5}');
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{0}', '{20}', '{0}');
SELECT * FROM hierarchy_grid('TABLE absent', '{}', '{0}', '{20}', '{5}');
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{}', '{20}', '{5}');
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{NULL}', '{20}', '{5}');
SELECT * FROM hierarchy_grid('TABLE absent', NULL, '{0}', '{20}', '{5}');
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{0}', '{20}', '{5}', '{oem}');
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{0}', '{20}', '{5}', init => 'zero');
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{0}', '{20}', '{5}', n_epochs => 0);
SELECT * FROM hierarchy_grid('TABLE absent', '{10}', '{0}', '{20}', '{5}', seed => NULL);
SELECT count(*) FROM hierarchy_grid('TABLE absent', array_fill(10, ARRAY[50000]), array_fill(0.1::float8, ARRAY[50000]), '{20}', '{5}');
SELECT * FROM hierarchy_grid('SELECT id FROM spots', '{10}', '{0}', '{20}', '{5}');

-- dbcv over all pairs of points
SELECT dbcv(features, (id::int % 3)) = dbcv(features, (id::int % 3), true) AS same FROM spots;
SELECT dbcv(features, 1, NULL) FROM spots;
SELECT dbcv(features, 1, id > '0007') FROM spots;
SELECT dbcv(features, 1, true) IS NULL AS one_cluster, dbcv(features, NULL, true) IS NULL AS none FROM spots;

DROP TABLE spots;
DROP FUNCTION noise;
