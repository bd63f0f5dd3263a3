-- A made-up catalogue of about 20,000 songs by 2,000 artists in songs, artists and
-- song_artists, drawn from the figures of genres.sql.
--
-- Every number is a function of md5(what it is for), so the catalogue is the same
-- on every machine and in every version: no random(), no order of rows.

\ir genres.sql
\ir tables.sql

-- Uniform on (0, 1).
CREATE FUNCTION pg_temp.demo_uniform(key text) RETURNS float8
LANGUAGE sql IMMUTABLE AS
$$ SELECT (('x' || left(md5(key), 8))::bit(32)::bigint + 0.5) / 4294967296.0 $$;

-- Standard normal, near enough: eight 16-bit uniforms, summed exactly.
CREATE FUNCTION pg_temp.demo_normal(key text) RETURNS float8
LANGUAGE plpgsql IMMUTABLE AS
$$
DECLARE
    h CONSTANT bytea := decode(md5(key), 'hex');
BEGIN
    RETURN (256 * (get_byte(h, 0) + get_byte(h, 2) + get_byte(h, 4) + get_byte(h, 6)
                   + get_byte(h, 8) + get_byte(h, 10) + get_byte(h, 12) + get_byte(h, 14))
            + get_byte(h, 1) + get_byte(h, 3) + get_byte(h, 5) + get_byte(h, 7)
            + get_byte(h, 9) + get_byte(h, 11) + get_byte(h, 13) + get_byte(h, 15)
            - 8 * 32767.5::float8) / (65536 * sqrt(8 / 12.0::float8));
END
$$;

-- One draw of a feature: what spreads around `mean` by `spread` for the normal deviate z.
-- Features that pile up at zero and durations are log-normal with that mean and spread.
CREATE FUNCTION pg_temp.demo_draw(skewed boolean, mean float8, spread float8, z float8) RETURNS float8
LANGUAGE plpgsql IMMUTABLE AS
$$
DECLARE
    variance float8;
BEGIN
    IF NOT skewed THEN
        RETURN mean + spread * z;
    END IF;
    variance := ln(1 + (spread / mean) ^ 2);
    RETURN mean * exp(sqrt(variance) * z - variance / 2);
END
$$;

-- kind: skewed (log-normal), normal, yes or no, key, time.  energy: how much of the deviate
-- is shared with energy, since loud songs are energetic and not acoustic.
CREATE TEMPORARY TABLE demo_features AS
SELECT * FROM (VALUES
    (1, 'duration', 'skewed', 0.0, 30000, 1200000, 0), (2, 'acousticness', 'skewed', -0.55, 0, 0.99, 4),
    (3, 'danceability', 'normal', 0.0, 0.05, 0.98, 3), (4, 'energy', 'normal', 1.0, 0.01, 1, 3),
    (5, 'explicit', 'yes or no', 0.0, 0, 1, 0), (6, 'instrumentalness', 'skewed', 0.0, 0, 0.98, 5),
    (7, 'key', 'key', 0.0, 0, 11, 0), (8, 'liveness', 'skewed', 0.0, 0.01, 0.99, 4),
    (9, 'loudness', 'normal', 0.7, -40, 0, 3), (10, 'mode', 'yes or no', 0.0, 0, 1, 0),
    (11, 'speechiness', 'skewed', 0.0, 0.02, 0.95, 4), (12, 'tempo', 'normal', 0.0, 45, 220, 3),
    (13, 'time_signature', 'time', 0.0, 3, 5, 0), (14, 'valence', 'normal', 0.0, 0.03, 0.98, 3)
) AS f(number, feature, kind, energy, low, high, digits);

-- Artists: a first genre, drawn by how common it is (square root, so that rare ones are
-- heard), then up to four that are found together with it.
CREATE TEMPORARY TABLE demo_artists AS
WITH first_genre AS (
    SELECT DISTINCT ON (number) number, genre, followers
    FROM generate_series(1, 2000) AS number, demo_genres
    ORDER BY number, -ln(pg_temp.demo_uniform(format('first genre %s %s', number, genre))) / sqrt(artists)
), friends AS (
    SELECT genre_a AS genre, genre_b AS friend, artists FROM demo_pairs
    UNION ALL
    SELECT genre_b, genre_a, artists FROM demo_pairs
), further AS (
    SELECT number, friend, row_number() OVER (PARTITION BY number ORDER BY
               -ln(pg_temp.demo_uniform(format('further genre %s %s', number, friend))) / artists) AS place
    FROM first_genre JOIN friends USING (genre)
)
SELECT number, 'artist-' || lpad(number::text, 4, '0') AS artist_id, genre,
       genre || coalesce((SELECT array_agg(friend ORDER BY place) FROM further
                          WHERE further.number = first_genre.number AND place <=
                                (ARRAY[0, 1, 1, 1, 2, 2, 2, 3, 3, 4])[1 + floor(10 * pg_temp.demo_uniform('genres ' || number))::int]),
                         '{}') AS genres,
       greatest(20, round(followers * exp(1.4 * pg_temp.demo_normal('followers ' || number))))::bigint AS followers,
       least(60, greatest(2, round(exp(2.15 + 0.6 * pg_temp.demo_normal('songs ' || number)))))::int AS songs
FROM first_genre;

-- Names of two words: adjective number mod 50, noun number / 50.
INSERT INTO artists
SELECT artist_id,
       'The '
       || split_part('Amber Brass Broken Burning Cedar Cobalt Copper Crimson Crystal Distant Drifting Electric Emerald '
                     'Evening Faded Feral Frozen Gentle Gilded Golden Hidden Hollow Honest Iron Ivory Jade Lonely Lucky '
                     'Lunar Marble Midnight Neon Northern Paper Plastic Quiet Restless Rusty Sacred Salty Secret Silent '
                     'Silver Sleepless Southern Stolen Velvet Violet Wandering Wild', ' ', 1 + number % 50)
       || ' '
       || split_part('Anchors Arrows Avenues Beacons Bells Birds Bridges Canyons Captains Chords Comets Cousins Drums '
                     'Echoes Embers Engines Foxes Gardens Harbours Horizons Islands Kites Lanterns Letters Lions Machines '
                     'Meadows Mirrors Oceans Owls Pilots Ponies Radios Ravens Rivers Rockets Sailors Shadows Sparrows '
                     'Strangers Tigers', ' ', 1 + number / 50),
       CASE WHEN pg_temp.demo_uniform('known followers ' || number) > 0.03 THEN followers END,
       CASE WHEN pg_temp.demo_uniform('known genres ' || number) > 0.08 THEN genres
            WHEN number % 4 > 0 THEN '{}' END
FROM demo_artists;

-- What an artist's songs have in common: the profile of the genres, the first one counting
-- most, and the artist's own taste.
CREATE TEMPORARY TABLE demo_style AS
WITH profile AS (
    SELECT a.number, f.number AS f, f.feature, f.kind, f.energy AS share, f.low, f.high,
           avg(g.mean[f.number]) * 0.3 + max(g.mean[f.number]) FILTER (WHERE g.genre = a.genre) * 0.7 AS mean,
           -- The figure is about means of songs; about ten of them, the songs' own part in it is this.
           max(sqrt(greatest(g.artist_spread[f.number] ^ 2 - g.song_spread[f.number] ^ 2 / 10,
                             g.artist_spread[f.number] ^ 2 / 10))) FILTER (WHERE g.genre = a.genre) AS artist_spread,
           max(g.song_spread[f.number]) FILTER (WHERE g.genre = a.genre) AS song_spread
    FROM demo_artists a JOIN demo_genres g ON g.genre = ANY (a.genres), demo_features f
    GROUP BY a.number, f.number, f.feature, f.kind, f.energy, f.low, f.high
), taste AS (
    SELECT *, max(z) FILTER (WHERE feature = 'energy') OVER (PARTITION BY number) AS energy
    FROM (SELECT *, pg_temp.demo_normal(format('artist %s %s', number, feature)) AS z FROM profile) AS own
), style AS (
    SELECT *, least(high, greatest(low, pg_temp.demo_draw(kind = 'skewed', mean, artist_spread,
                        CASE share WHEN 1 THEN energy ELSE share * energy + sqrt(1 - share ^ 2) * z END))) AS centre
    FROM taste
)
SELECT number AS artist, f, feature, kind, share, low, high, centre,
       CASE kind WHEN 'skewed' THEN centre * song_spread / mean ELSE song_spread END AS spread
FROM style;

CREATE TEMPORARY TABLE demo_songs AS
SELECT number AS artist, format('song-%s-%s', lpad(number::text, 4, '0'), lpad(song::text, 2, '0')) AS song_id
FROM demo_artists, generate_series(1, songs) AS song;

INSERT INTO songs
WITH uniforms AS (
    SELECT *, CASE WHEN kind IN ('yes or no', 'key', 'time')
                   THEN pg_temp.demo_uniform(song_id || ' draw ' || feature) END AS u
    FROM demo_songs JOIN demo_style USING (artist)
), deviates AS (
    SELECT *, max(z) FILTER (WHERE feature = 'energy') OVER (PARTITION BY song_id) AS energy
    FROM (SELECT *, CASE WHEN u IS NULL THEN pg_temp.demo_normal(song_id || ' ' || feature) END AS z FROM uniforms) AS own
), drawn AS (
    SELECT song_id, f, CASE kind
               WHEN 'yes or no' THEN (u < centre)::int
               WHEN 'key' THEN floor(12 * u)
               WHEN 'time' THEN CASE WHEN u < 4 - centre THEN 3 WHEN u > 0.99 THEN 5 ELSE 4 END
               ELSE least(high, greatest(low, pg_temp.demo_draw(kind = 'skewed', centre, spread,
                        CASE share WHEN 1 THEN energy ELSE share * energy + sqrt(1 - share ^ 2) * z END)))
           END AS value
    FROM deviates
), lacking AS (
    -- One song in fifty lacks one feature.
    SELECT song_id, CASE WHEN pg_temp.demo_uniform(song_id || ' complete') < 0.02
                         THEN 1 + floor(14 * pg_temp.demo_uniform(song_id || ' lacks')) END AS lacks
    FROM demo_songs
), listed AS (
    SELECT song_id, array_agg(CASE WHEN f IS DISTINCT FROM lacks THEN round(value::numeric, digits) END ORDER BY f) AS v
    FROM drawn JOIN demo_features ON number = f JOIN lacking USING (song_id) GROUP BY song_id
)
SELECT song_id, v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13], v[14]
FROM listed ORDER BY song_id;

-- Most songs have one artist.  One artist in three belongs to a circle of three with the same
-- first genre: a third of their songs has a guest from it, a sixth both.
INSERT INTO song_artists
WITH placed AS (
    SELECT *, (row_number() OVER (PARTITION BY genre ORDER BY number) - 1) / 3 AS circle FROM demo_artists
), friends AS (
    SELECT host.number AS artist, guest.artist_id, (row_number() OVER (PARTITION BY host.number ORDER BY guest.number))::int AS place
    FROM placed host JOIN placed guest ON guest.genre = host.genre AND guest.circle = host.circle AND guest.number <> host.number
    WHERE pg_temp.demo_uniform(format('circle %s %s', host.genre, host.circle)) < 0.33
)
SELECT song_id, artist_id FROM demo_songs JOIN demo_artists ON artist = number
UNION ALL
SELECT song_id, artist_id FROM demo_songs JOIN friends USING (artist)
WHERE (ARRAY[place IN (1, 2), place = 1, place = 2, false, false, false])[1 + floor(6 * pg_temp.demo_uniform(song_id || ' guests'))::int]
ORDER BY 1, 2;

DROP TABLE demo_genres, demo_pairs, demo_features, demo_artists, demo_style, demo_songs;
ANALYZE songs, artists, song_artists;
