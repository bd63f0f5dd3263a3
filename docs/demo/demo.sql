-- From songs to explained predictions.  Reads songs, artists and song_artists; the
-- variables min_followers and iterations come from walk.sh.
\pset border 1
\pset footer off
\pset linestyle ascii
\pset null '-'
\pset format wrapped
\pset columns 132

\echo
\echo '== The catalogue'
SELECT (SELECT count(*) FROM songs) AS songs,
       (SELECT count(*) FROM artists) AS artists,
       (SELECT count(*) FROM artists WHERE genres <> '{}') AS "artists with genres",
       (SELECT count(DISTINCT genre) FROM artists, unnest(genres) AS genre) AS genres;

\echo '== Training: supergenres, then one classifier per supergenre and genre'
\set QUIET on
CREATE TEMPORARY TABLE result AS
SELECT * FROM train_hierarchy(min_followers => :min_followers, iterations => :iterations);

-- The model just trained, its genres, and the songs of each genre.
CREATE TEMPORARY TABLE model AS
SELECT model FROM genre_models WHERE name = 'default' ORDER BY version DESC LIMIT 1;
CREATE TEMPORARY TABLE node AS
SELECT n.* FROM model, model_nodes(model.model) AS n;
CREATE TEMPORARY TABLE labelled AS
SELECT DISTINCT song_id, node AS genre, parent AS supergenre
FROM song_artists JOIN artists USING (artist_id), unnest(genres) AS g JOIN node ON is_genre AND node = g;

\echo
\echo '== Supergenres found'
SELECT l.supergenre, count(DISTINCT song_id) AS songs,
       (SELECT count(*) FROM artists WHERE genres && array_agg(DISTINCT l.genre)) AS artists,
       (SELECT string_agg(genre, ', ' ORDER BY artists DESC, genre COLLATE "C")
        FROM (SELECT n.node AS genre, (SELECT count(*) FROM artists WHERE n.node = ANY (genres)) AS artists
              FROM node n WHERE n.is_genre AND n.parent = l.supergenre) AS g) AS "commonest genres"
FROM labelled l GROUP BY l.supergenre ORDER BY songs DESC, l.supergenre;

\echo '== Validation on artists that took no part in training'
SELECT classifier, round(average_precision::numeric, 4) AS "average precision",
       round(coverage_error::numeric, 3) AS "coverage error", round(min_coverage_error::numeric, 3) AS "its minimum",
       genres, supergenres, training_songs AS "training songs", validation_songs AS "validation songs"
FROM result;

-- A song of each of the three largest supergenres, of no other if there is one, picked by
-- chance (md5), all features known.
CREATE TEMPORARY TABLE picked AS
WITH complete AS (
    SELECT song_id, supergenre, count(*) OVER (PARTITION BY song_id) AS supergenres
    FROM (SELECT DISTINCT song_id, supergenre FROM labelled) AS l JOIN songs USING (song_id)
    WHERE num_nulls(duration, acousticness, danceability, energy, explicit, instrumentalness, key, liveness, loudness,
                    mode, speechiness, tempo, time_signature, valence) = 0
), one AS (
    SELECT DISTINCT ON (supergenre) supergenre, song_id, count(*) OVER (PARTITION BY supergenre) AS size
    FROM complete ORDER BY supergenre, supergenres, md5(song_id)
)
SELECT row_number() OVER (ORDER BY size DESC, supergenre) AS number, song_id, supergenre
FROM one ORDER BY size DESC, supergenre LIMIT 3;

\echo '== Three songs and their likeliest genres'
SELECT p.number AS song, p.song_id, a.name AS artist,
       CASE WHEN length(a.genres) > 75 THEN left(a.genres, 72) || '...' ELSE a.genres END AS "genres of the artist"
FROM picked p CROSS JOIN LATERAL
     (SELECT name, array_to_string(genres, ', ') AS genres FROM song_artists JOIN artists USING (artist_id)
      WHERE song_artists.song_id = p.song_id AND genres && (SELECT array_agg(node) FROM node WHERE is_genre)
      ORDER BY artist_id COLLATE "C" LIMIT 1) AS a
ORDER BY 1;

SELECT p.number AS song, g.rank, g.genre, g.supergenre, round(g.probability::numeric, 3) AS probability,
       round(g.supergenre_probability::numeric, 3) AS "P(supergenre)",
       round(g.conditional_probability::numeric, 3) AS "P(genre | supergenre)"
FROM picked p, predict_genres(p.song_id, top_k => 5) AS g
ORDER BY 1, 2;

SELECT g.supergenre AS song_supergenre, p.song_id AS song_id
FROM picked p, predict_genres(p.song_id, top_k => 1) AS g WHERE p.number = 1
\gset

\echo '== Why song 1 is, or is not,' :song_supergenre '(SHAP values in log-odds: base value + sum = the classifier''s answer)'
SELECT feature, trim_scale(round(value::numeric, 3)) AS value, round(shap_value::numeric, 3) AS "SHAP value",
       CASE WHEN shap_value < 0 THEN '-' ELSE '+' END || repeat('#', round(abs(shap_value) * 10)::int) AS " "
FROM shap_values(:'song_id', 'supergenre:' || :'song_supergenre')
ORDER BY abs(shap_value) DESC, feature;
SELECT round(min(base_value)::numeric, 3) AS "base value", round(sum(shap_value)::numeric, 3) AS "sum of SHAP values",
       round((1 / (1 + exp(-min(base_value) - sum(shap_value))))::numeric, 3) AS "probability of the supergenre"
FROM shap_values(:'song_id', 'supergenre:' || :'song_supergenre');
