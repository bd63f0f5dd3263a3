#!/bin/bash
# Models outlive their database: a trusted install by an ordinary role into a schema of its
# own, dump and restore, a crash, a rolled-back training, two trainings of one name at once.
# Own throw-away server; the extension is the installed one.  Prints TAP.
set -u
here=$(cd "$(dirname "$0")" && pwd)
bin=$("${PG_CONFIG:-pg_config}" --bindir)
dir=$(mktemp -d)
n=0
failed=0

# PostgreSQL does not run as root.
server() {
	if [ "$(id -u)" -eq 0 ]; then
		(cd "$dir" && setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@")
	else
		"$@"
	fi
}

stop() {
	server "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
	rm -rf "$dir"
}
trap stop EXIT

sql() { # sql DATABASE ROLE STATEMENTS
	"$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$dir" -p 54399 -d "$1" -U "$2" -c 'SET client_min_messages = warning' -c "$3" 2>&1
}

is() { # is HAVE WANT NAME
	n=$((n + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $n - $3"
	else
		echo "not ok $n - $3"
		printf '# have: %s\n# want: %s\n' "$1" "$2"
		failed=1
	fi
}

start() { server "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w start >/dev/null; }

[ "$(id -u)" -ne 0 ] || chown postgres "$dir"
chmod 755 "$dir"
server "$bin/initdb" -D "$dir/data" -U boss -A trust -E UTF8 --no-locale >"$dir/initdb.log" 2>&1 ||
	{ cat "$dir/initdb.log"; echo "Bail out! initdb failed"; exit 1; }
echo "listen_addresses = ''
port = 54399
unix_socket_directories = '$dir'" >>"$dir/data/postgresql.conf"
start || { cat "$dir/log"; echo "Bail out! the server does not start"; exit 1; }

sql postgres boss 'CREATE ROLE keeper LOGIN' >/dev/null
for database in one two; do
	sql postgres boss "CREATE DATABASE $database OWNER keeper" >/dev/null
done

# an ordinary role, a schema of its own, nothing else on the search path
export PGOPTIONS='-c search_path=app'
is "$(sql one keeper 'CREATE SCHEMA app; CREATE SCHEMA music; CREATE EXTENSION genre_hier SCHEMA music;
	SELECT extowner::regrole FROM pg_extension WHERE extname = $$genre_hier$$')" keeper 'a trusted extension'
"$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -p 54399 -d one -U keeper -f "$here/../pgtap/include/catalogue.sql" >"$dir/load.log" 2>&1 ||
	{ cat "$dir/load.log"; echo "Bail out! the catalogue does not load"; exit 1; }
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
