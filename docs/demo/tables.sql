-- The three tables of a catalogue.  Ids may also be bigint, the features of any
-- numeric type, and more columns are welcome.

CREATE TABLE songs (
    song_id          text PRIMARY KEY,
    duration         integer,           -- milliseconds
    acousticness     real,
    danceability     real,
    energy           real,
    explicit         smallint,          -- 0 or 1
    instrumentalness real,
    key              smallint,          -- 0 = C ... 11 = B
    liveness         real,
    loudness         real,              -- dB, negative
    mode             smallint,          -- 0 = minor, 1 = major
    speechiness      real,
    tempo            real,              -- beats per minute
    time_signature   smallint,
    valence          real);

CREATE TABLE artists (
    artist_id text PRIMARY KEY,
    name      text,
    followers bigint,
    genres    text[]);

CREATE TABLE song_artists (
    song_id   text NOT NULL,
    artist_id text NOT NULL,
    PRIMARY KEY (song_id, artist_id));
