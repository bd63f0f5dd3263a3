-- train_hierarchy with the artist's means as features, and as a blend
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT plan(22);
\ir include/catalogue.sql

CREATE FUNCTION trained(name text, songs text, threads int, OUT bytes text, OUT rows text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	SELECT string_agg(t::text, ' ') INTO rows FROM train_hierarchy(name, songs => songs, supergenres => 'my_supergenres', context => 'artist',
		combine => 'blend', features => '{tempo,energy,danceability}', iterations => 0, params => '{"n_estimators": 8}') t;
	SELECT md5(model) INTO bytes FROM genre_models m WHERE m.name = trained.name ORDER BY version DESC LIMIT 1;
END $$;

CREATE TABLE once AS SELECT * FROM trained('near', 'songs', 1);
SELECT is((SELECT string_agg(substring(r, '^\((\w+)'), ' ') FROM once, regexp_split_to_table(rows, ' (?=\()') r),
	'vanilla hierarchical hierarchical_hint blend', 'the blend has a row of its own');
SELECT is(trained('near', 'songs', 3)::text, once::text, 'three threads give the same bytes') FROM once;
CREATE TABLE shuffled AS SELECT * FROM songs ORDER BY md5(song_id);
SELECT is((trained('other', 'shuffled', 2)).bytes, bytes, 'and so do shuffled rows') FROM once;
SELECT is((SELECT model_features(model) FROM genre_models WHERE name = 'near' AND version = 1),
	'{tempo,energy,danceability,artist_tempo,artist_energy,artist_danceability}', 'features of song and artist');
SELECT is((SELECT params ->> 'context' || '/' || (params ->> 'combine') || '/' || features::text FROM genre_models WHERE name = 'near' AND version = 1),
	'artist/blend/{tempo,energy,danceability}', 'the registry says so');
SELECT is((SELECT count(*) FROM model_metrics('near') WHERE classifier = 'blend'),
	(SELECT count(*) FROM model_metrics('near') WHERE classifier = 'vanilla'), 'metrics of the blend per genre');

-- a song's features, by hand: its own, and the means over the complete songs of its first artist
CREATE TABLE by_hand AS
SELECT s.song_id, ARRAY[tempo, energy, danceability]::float8[] AS own, m.mean
FROM songs s LEFT JOIN LATERAL (SELECT min(artist_id COLLATE "C") AS artist_id FROM song_artists l WHERE l.song_id = s.song_id) f ON true
LEFT JOIN LATERAL (SELECT ARRAY[avg(t.tempo), avg(t.energy), avg(t.danceability)]::float8[] AS mean
	FROM songs t JOIN song_artists l USING (song_id) WHERE l.artist_id = f.artist_id AND t.danceability IS NOT NULL) m ON true;
SELECT is((SELECT count(*) FROM by_hand b, genre_models g, predict_genres(b.song_id, 'near', 3) p, predict_genres(g.model, own || mean, 3) v
	WHERE g.name = 'near' AND g.version = 1 AND b.song_id < 'song0100' AND v.rank = p.rank
	AND (v.genre, round(v.probability::numeric, 9)) = (p.genre, round(p.probability::numeric, 9))), 3 * 99::bigint,
	'songs are predicted with the means of their artists');
SELECT ok((SELECT bool_and(abs(v.value - (own || mean)[v.n]) < 1e-6) AND count(*) = 6 FROM by_hand,
	LATERAL (SELECT *, row_number() OVER () AS n FROM shap_values('song0001', 'genre:genre1a', 'near')) v WHERE song_id = 'song0001'),
	'SHAP values of song and artist');
INSERT INTO songs (song_id, tempo, energy) VALUES ('lonely', 120, 0.5);
SELECT is((SELECT count(*) FROM predict_genres('lonely', 'near', 5)), 5::bigint, 'a song without an artist has no means');
SELECT is((SELECT count(value) FROM shap_values('lonely', 'genre1a', 'near')), 2::bigint, 'they are missing values');
DELETE FROM songs WHERE song_id = 'lonely';
SELECT ok(plot_shap_summary('genre1a', 'near', sample => 50) LIKE '<svg%artist_tempo%', 'pictures of many songs know the means');
SELECT ok(plot_decision('song0001', 'genre1a', 'near') LIKE '<svg%artist_tempo%', 'and that of one');

-- the blend lies between its parts
CREATE TABLE parts AS
SELECT p.genre, p.probability AS blended, p.supergenre_probability * p.conditional_probability AS product
FROM predict_genres('song0001', 'near') p;
SELECT ok((SELECT count(*) = 18 AND bool_and(blended > 0 AND blended < 1) AND bool_or(abs(blended - product) > 1e-3) FROM parts),
	'probabilities are no plain products');
SELECT is((SELECT count(*) FROM train_hierarchy('plain', supergenres => 'my_supergenres', features => '{tempo,energy}', iterations => 0,
	params => '{"n_estimators": 2}')), 3::bigint, 'without it the rows are three');

-- a sample of the songs
CREATE FUNCTION sampled(name text, most int, seed int, threads int = 2) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('genre_hier.threads', threads::text, true);
	RETURN (SELECT training_songs + validation_songs FROM train_hierarchy(name, supergenres => 'my_supergenres', features => '{tempo,energy}',
		split_by => 'song', iterations => 0, seed => seed, params => jsonb_build_object('n_estimators', 2, 'max_songs', most)) LIMIT 1);
END $$;
SELECT ok(sampled('some', 600, 1) BETWEEN 580 AND 600, 'max_songs (some of the sample have no kept genre)');
SELECT is(sampled('all', 100000, 1), sampled('all', 2000000, 1), 'more than there are');
SELECT is(sampled('again', 600, 1, 3), sampled('some', 600, 1), 'the same number again');
SELECT is((SELECT count(DISTINCT md5(model)) FROM genre_models WHERE name IN ('some', 'again')), 1::bigint, 'the same bytes for one seed');
SELECT is(sqlstate_of('SELECT train_hierarchy(params => ''{"max_songs": 0}'')'), '22023', 'none at all');

-- errors
SELECT is(sqlstate_of('SELECT train_hierarchy(context => ''album'')'), '22023', 'an unknown context');
SELECT is(sqlstate_of('SELECT train_hierarchy(combine => ''sum'')'), '22023', 'an unknown combination');
ALTER TABLE songs ADD COLUMN artist_tempo float8;
SELECT is(sqlstate_of('SELECT train_hierarchy(features => ''{tempo,artist_tempo}'', context => ''artist'')'), '22023', 'a name twice');

SELECT * FROM finish();
ROLLBACK;
