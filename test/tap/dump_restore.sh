#!/bin/bash
# Models outlive their database: a trusted install by an ordinary role into a schema of its
# own, dump and restore, a crash, a rolled-back training, two trainings of one name at once.
# Own throw-away server; the extension is the installed one.  Prints TAP.
set -u
. "$(dirname "$0")/include/server.sh"

sql postgres boss 'CREATE ROLE keeper LOGIN' >/dev/null
for database in one two; do
	sql postgres boss "CREATE DATABASE $database OWNER keeper" >/dev/null
done

# an ordinary role, a schema of its own, nothing else on the search path
export PGOPTIONS='-c search_path=app'
is "$(sql one keeper 'CREATE SCHEMA app; CREATE SCHEMA music; CREATE EXTENSION genre_hier SCHEMA music;
	SELECT extowner::regrole FROM pg_extension WHERE extname = $$genre_hier$$')" keeper 'a trusted extension'
load_catalogue one keeper
train="music.train_hierarchy('kept', iterations => 0, params => '{\"n_estimators\": 10}')"
is "$(sql one keeper "SELECT count(*) FROM $train")" 3 'trained by its owner'

state="SELECT md5(string_agg(name || version || created_by || created_at || params || metrics || md5(model), ' ' ORDER BY name, version))
	FROM music.genre_models"
answers="SELECT md5(string_agg(p::text || (SELECT string_agg(v::text, ' ') FROM music.shap_values(song_id, 'genre:' || p.genre, 'kept') v), ' '
	ORDER BY song_id, rank)) FROM songs, music.predict_genres(song_id, 'kept', 3) p WHERE song_id < 'song0100'"
before=$(sql one keeper "$state")
answered=$(sql one keeper "$answers")

# another role needs grants
sql one boss 'CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA music, app TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA app TO guest' >/dev/null
is "$(sql one guest "SELECT music.predict_genres('song0001', 'kept')" | grep -c 'GRANT SELECT ON music.genre_models TO guest')" 1 'a guest is told the grant'
is "$(sql one keeper 'GRANT SELECT ON music.genre_models TO guest' && sql one guest "SELECT count(*) FROM music.predict_genres('song0001', 'kept', 5)")" 5 \
	'which the owner of the extension can give'

# dump and restore, both by the owner
"$bin/pg_dump" -h "$dir" -p 54399 -U keeper one >"$dir/dump.sql" 2>"$dir/dump.log"
is "$?$(cat "$dir/dump.log")" 0 'dumped'
sql one boss 'DROP OWNED BY guest' >/dev/null
grep -v -E '^(GRANT|REVOKE) .* guest;$' "$dir/dump.sql" | "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -p 54399 -d two -U keeper >"$dir/restore.log" 2>&1
is "$?$(grep ERROR "$dir/restore.log")" 0 'restored'
is "$(sql two keeper "$state")" "$before" 'the registry is the same'
is "$(sql two keeper "$answers")" "$answered" 'predictions and explanations are the same'
is "$(sql two keeper "SELECT count(*) FROM $train; SELECT max(version) FROM music.genre_models" | tr '\n' ' ')" '3 2 ' 'the next training is version 2'
is "$(sql two keeper 'SELECT count(DISTINCT md5(model)) FROM music.genre_models')" 1 'of the same bytes'

# a training rolled back, a crash
is "$(sql one keeper "BEGIN; SELECT count(*) FROM $train; ROLLBACK; SELECT count(*) FROM music.genre_models" | tr '\n' ' ')" '3 1 ' \
	'rolled back, and gone'
server "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null
start
is "$(sql one keeper "$state")" "$before" 'there after a crash'
is "$(sql one keeper "$answers")" "$answered" 'and answers as before'

# two trainings of one name at once
for i in 1 2 3; do
	sql one keeper "SELECT count(*) FROM $train" >"$dir/train.$i" &
done
wait
is "$(cat "$dir"/train.? | tr '\n' ' ')" '3 3 3 ' 'three trainings at once'
is "$(sql one keeper 'SELECT array_agg(version ORDER BY version) FROM music.genre_models')" '{1,2,3,4}' 'have three versions'

# gone with the extension
is "$(sql two keeper 'DROP EXTENSION genre_hier; SELECT to_regclass($$music.genre_models$$) IS NULL')" t 'dropped'
echo "1..$n"
exit $failed
