-- A small catalogue, the same on every machine: 6 groups of 40 artists with 3 genres each,
-- about 1,300 songs; missing values, unknown and small followings, artists without genres, duets.
\ir helpers.sql

CREATE TABLE artists AS
SELECT 'artist' || lpad(a::text, 3, '0') AS artist_id, 'Artist ' || a AS name,
       CASE WHEN a % 41 = 0 THEN NULL WHEN a % 43 = 0 THEN 12 ELSE 1000 + a * 7 END::bigint AS followers,
       CASE WHEN a % 37 = 0 THEN '{}'
            ELSE ARRAY(SELECT 'genre' || a % 6 || g FROM unnest('{a,b,c}'::text[]) g
                       WHERE g = 'a' OR noise(a || 'has' || g) < CASE g WHEN 'b' THEN 0.5 ELSE 0.3 END) END AS genres
FROM generate_series(1, 240) a;

-- six places in the space of features, with room between them
CREATE FUNCTION feature(f int, artist int, song int, low float8, high float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT low + (high - low) * (0.6 * noise('place' || artist % 6 || '/' || f)
	+ 0.2 * noise('artist' || artist || '/' || f) + 0.2 * noise('song' || song || '/' || f)) $$;

CREATE TABLE songs AS
SELECT 'song' || lpad(s::text, 4, '0') AS song_id,
       round(feature(1, a, s, 100000, 400000)) AS duration, feature(2, a, s, 0, 1) AS acousticness,
       CASE WHEN s % 97 = 0 THEN NULL ELSE feature(3, a, s, 0, 1) END AS danceability,
       feature(4, a, s, 0, 1)::real AS energy, (noise('explicit' || s) < 0.1 + 0.1 * (a % 6))::int AS explicit,
       CASE WHEN s % 101 = 0 THEN 'NaN' ELSE feature(5, a, s, 0, 1) END AS instrumentalness,
       floor(12 * noise('key' || s))::smallint AS key, feature(6, a, s, 0, 1)::numeric(6, 4) AS liveness,
       feature(7, a, s, -40, 0) AS loudness, (noise('mode' || s) < 0.6)::int AS mode, feature(8, a, s, 0, 0.5) AS speechiness,
       feature(9, a, s, 60, 200) AS tempo, 3 + floor(2 * noise('signature' || s))::int AS time_signature,
       feature(10, a, s, 0, 1) AS valence
FROM generate_series(1, 1300) s, LATERAL (SELECT 1 + floor(240 * noise('of' || s))::int AS a) of;

CREATE TABLE song_artists AS
SELECT 'song' || lpad(s::text, 4, '0') AS song_id, 'artist' || lpad(a::text, 3, '0') AS artist_id
FROM generate_series(1, 1300) s, LATERAL (SELECT 1 + floor(240 * noise('of' || s))::int AS a
	UNION SELECT 1 + floor(240 * noise('with' || s))::int WHERE s % 20 = 0) of;

ALTER TABLE songs ADD PRIMARY KEY (song_id);
ALTER TABLE artists ADD PRIMARY KEY (artist_id);
ALTER TABLE song_artists ADD PRIMARY KEY (song_id, artist_id);
ANALYZE songs, artists, song_artists;

CREATE TABLE my_supergenres AS
SELECT 'genre' || n || g AS genre, 'place ' || n AS supergenre FROM generate_series(0, 5) n, unnest('{a,b,c}'::text[]) g;

-- features of a song as the model takes them
CREATE FUNCTION features_of(song text) RETURNS float8[] LANGUAGE sql STABLE AS
$$ SELECT ARRAY[duration, acousticness, danceability, energy, explicit, instrumentalness, key, liveness::float8, loudness,
	mode, speechiness, tempo, time_signature, valence] FROM songs WHERE song_id = song $$;
