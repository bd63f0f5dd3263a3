#!/bin/bash
# Training on a server where other things happen: readers and writers of the registry,
# cancels, terminated backends, lost clients, dropped databases, read-only transactions,
# a standby, row security, a hostile search path, and one failure after another.
# Own throw-away server; the extension is the installed one.  Prints TAP.
set -u
. "$(dirname "$0")/include/server.sh"

version=$(sql postgres boss 'SHOW server_version_num')
sql postgres boss 'CREATE ROLE keeper LOGIN' >/dev/null
sql postgres boss 'CREATE DATABASE one OWNER keeper' >/dev/null
sql postgres boss 'CREATE DATABASE two' >/dev/null
sql one keeper 'CREATE SCHEMA app; CREATE SCHEMA music; CREATE EXTENSION genre_hier SCHEMA music' >/dev/null
export PGOPTIONS='-c search_path=app'
load_catalogue one keeper
sql one keeper 'CREATE TABLE parents AS SELECT DISTINCT g AS genre, $$super$$ || substr(g, 6, 1) AS supergenre FROM artists, unnest(genres) g' >/dev/null
quick="iterations => 0, supergenres => 'parents', params => '{\"n_estimators\": 3, \"max_depth\": 3}'"
sql one keeper "SELECT music.train_hierarchy('kept', $quick)" >/dev/null
stored="SELECT array_agg(name || version ORDER BY name, version) FROM music.genre_models"

# A training that nobody waits for the end of, in the background; returns when it has begun.
long_training() { # long_training [STATEMENT]
	PGOPTIONS='-c search_path=app -c genre_hier.threads=2' "$bin/psql" -X -q -A -t -v VERBOSITY=sqlstate -h "$dir" -p 54399 -d one -U keeper \
		${1:+-c "$1"} -c "SELECT count(*) FROM music.train_hierarchy('long', iterations => 10000, supergenres => 'parents')" \
		>"$dir/long.log" 2>&1 &
	long=$!
	for _ in $(seq 600); do
		pid=$(sql postgres boss "SELECT pid FROM pg_stat_activity WHERE datname = 'one' AND query LIKE '%10000%'")
		# its title says so when the fits have begun
		[ -n "$pid" ] && grep -qa 'genre_hier training' "/proc/$pid/cmdline" 2>/dev/null && return
		sleep 0.1
	done
}

running() { sql postgres boss "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid AND state = 'active'"; }

gone() { # within 20 s
	for _ in $(seq 200); do
		[ "$(sql postgres boss "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid")" = 0 ] && echo gone && return
		sleep 0.1
	done
	echo "still there"
}

# while a training runs
long_training
is "$(sql one keeper "SET lock_timeout = '5s'; SELECT count(*) FROM music.predict_genres('song0001', 'kept', 5)")" 5 'readers do not wait for it'
is "$(sql one keeper "SET lock_timeout = '5s'; SELECT count(*) FROM music.train_hierarchy('long', $quick)")" 3 'nor does a training of the same name'
is "$(PGOPTIONS='-c statement_timeout=60s' sql postgres boss 'DROP DATABASE two')" '' \
	'nor does DROP DATABASE of another'
is "$(running)" 1 'and it still runs'
if [ "$version" -ge 140000 ]; then
	sql postgres boss "SELECT pg_log_backend_memory_contexts($pid)" >/dev/null
	for _ in $(seq 100); do
		grep -q 'Grand total' "$dir/log" && break
		sleep 0.1
	done
	is "$(grep -c 'Grand total' "$dir/log") $(running)" '1 1' 'it tells of its memory when it is asked to'
fi
is "$(sql postgres boss "SELECT pg_cancel_backend($pid)")" t 'cancelled'
wait $long
is "$(grep ERROR "$dir/long.log")" 'ERROR:  57014' 'which is an error'

long_training
sql postgres boss "SELECT pg_terminate_backend($pid)" >/dev/null
wait $long
is "$(grep FATAL "$dir/long.log" | head -1)" 'FATAL:  57P01' 'terminated'

long_training "SET statement_timeout = '3s'"
wait $long
is "$(grep ERROR "$dir/long.log")" 'ERROR:  57014' 'out of time'

# notices would find out too
if [ "$version" -ge 140000 ]; then
	long_training "SET client_connection_check_interval = '100ms'; SET genre_hier.progress_interval = 0"
	kill -9 $long
	wait $long 2>/dev/null
	is "$(gone)" gone 'a client that is gone ends it'
fi
is "$(sql one keeper "$stored")" '{kept1,long1}' 'none of them stored anything'

# the same session goes on, and keeps nothing of fifty trainings that fail at the last step
sql one boss "CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'refused' USING ERRCODE = 'GH001'; END \$\$;
	CREATE TRIGGER refuse BEFORE INSERT ON music.genre_models FOR EACH ROW WHEN (NEW.name = 'failed') EXECUTE FUNCTION app.refuse();
	CREATE FUNCTION app.fails() RETURNS text LANGUAGE plpgsql AS \$\$
	BEGIN
		PERFORM music.train_hierarchy('failed', $quick);
		RETURN 'trained';
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END \$\$" >/dev/null
if [ "$version" -ge 140000 ]; then
	is "$(sql one boss "CREATE FUNCTION app.in_use() RETURNS bigint LANGUAGE sql AS 'SELECT sum(used_bytes)::bigint FROM pg_backend_memory_contexts';
		CREATE TEMPORARY TABLE used AS SELECT 0 AS round, in_use() AS bytes;
		SELECT f, count(*) FROM generate_series(1, 10) i, fails() f GROUP BY f; INSERT INTO used SELECT 1, in_use();
		SELECT f, count(*) FROM generate_series(1, 50) i, fails() f GROUP BY f; INSERT INTO used SELECT 2, in_use();
		SELECT max(bytes) FILTER (WHERE round = 2) - max(bytes) FILTER (WHERE round = 1) < 10000 FROM used" | tr '\n' ' ')" \
		'GH001|10 GH001|50 t ' 'failures leave no memory behind'
fi

# where nothing can be stored, before the work
is "$(sql one keeper "BEGIN READ ONLY; SELECT music.train_hierarchy('long', iterations => 10000)" | head -1)" \
	'ERROR:  cannot execute train_hierarchy() in a read-only transaction' 'a read-only transaction'
is "$(sql one keeper "SELECT * FROM music.train_hierarchy('kept', $quick, songs => 'nosongs')" | head -1)" \
	'ERROR:  table "nosongs" does not exist' 'a table that is not there'

# row security and grants
sql one boss 'CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA music, app TO guest; GRANT SELECT ON app.artists, app.song_artists, app.parents TO guest;
	GRANT SELECT, INSERT ON music.genre_models TO guest' >/dev/null
is "$(sql one guest "SELECT music.train_hierarchy('guests', $quick)" | head -1)" 'ERROR:  permission denied for table songs' 'songs that one may not read'
sql one keeper "ALTER TABLE songs ENABLE ROW LEVEL SECURITY; GRANT SELECT ON songs TO guest;
	CREATE POLICY half ON songs FOR SELECT TO guest USING (song_id < 'song0650')" >/dev/null
seen="SELECT training_songs + validation_songs FROM music.train_hierarchy('guests', split_by => 'song', $quick) LIMIT 1"
sql one keeper "CREATE VIEW halved AS SELECT * FROM songs WHERE song_id < 'song0650'" >/dev/null
is "$(sql one guest "$seen")" "$(sql one keeper "SELECT training_songs + validation_songs FROM music.train_hierarchy('half', split_by => 'song', $quick,
	songs => 'halved') LIMIT 1")" 'songs that a policy hides are not trained on'

# names that others put before the server's own
sql one boss "CREATE SCHEMA evil; CREATE FUNCTION evil.caught() RETURNS boolean LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'caught'; END \$\$;
	CREATE FUNCTION evil.equal(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT evil.caught()';
	CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.equal);
	CREATE FUNCTION evil.coarse(float8, float8) RETURNS boolean LANGUAGE sql AS 'SELECT evil.caught()';
	CREATE OPERATOR evil.>= (LEFTARG = float8, RIGHTARG = float8, FUNCTION = evil.coarse);
	CREATE FUNCTION evil.cardinality(text[]) RETURNS int LANGUAGE sql AS 'SELECT evil.caught()::int';
	CREATE FUNCTION evil.hashtext(text) RETURNS int LANGUAGE sql AS 'SELECT evil.caught()::int';
	CREATE AGGREGATE evil.max(int) (SFUNC = int4larger, STYPE = int, INITCOND = '2000000000');
	CREATE DOMAIN evil.text AS varchar CHECK (evil.caught());
	GRANT USAGE ON SCHEMA evil TO keeper" >/dev/null
is "$(PGOPTIONS='-c search_path=evil,pg_catalog,app' sql one keeper "SELECT count(*) FROM music.train_hierarchy('kept', $quick);
	SELECT count(*) FROM music.predict_genres('song0001', 'kept', 5); SELECT count(*) > 0 FROM music.model_metrics('kept')" | tr '\n' ' ')" '3 5 t ' \
	'a hostile search path is not asked'
is "$(sql one keeper "SELECT count(DISTINCT md5(model)), max(version) FROM music.genre_models WHERE name = 'kept'")" '1|2' 'and the model is the same'

# a standby predicts and fits, and says at once that it cannot store
before=$(sql one keeper "SELECT md5(string_agg(p::text, ' ' ORDER BY rank)) FROM music.predict_genres('song0002', 'kept') p")
mkdir "$dir/standby.parent"
[ "$(id -u)" -ne 0 ] || chown postgres "$dir/standby.parent"
server "$bin/pg_basebackup" -h "$dir" -p 54399 -U boss -D "$dir/standby.parent/data" -R -c fast >"$dir/backup.log" 2>&1
echo 'port = 54398' >>"$dir/standby.parent/data/postgresql.conf"
server "$bin/pg_ctl" -D "$dir/standby.parent/data" -l "$dir/standby.log" -w start >/dev/null
standby() {
	"$bin/psql" -X -q -A -t -h "$dir" -p 54398 -d one -U keeper -c 'SET client_min_messages = warning' -c "$1" 2>&1
}
is "$(standby "SELECT md5(string_agg(p::text, ' ' ORDER BY rank)) FROM music.predict_genres('song0002', 'kept') p")" "$before" 'a standby predicts the same'
is "$(standby "SELECT music.train_hierarchy('long', iterations => 10000)")" 'ERROR:  cannot execute train_hierarchy() in a read-only transaction' \
	'and refuses to train'
server "$bin/pg_ctl" -D "$dir/standby.parent/data" -m immediate -w stop >/dev/null

# its own database, by force
long_training
is "$(sql postgres boss 'DROP DATABASE one WITH (FORCE)')" '' 'its database is dropped by force'
wait $long
is "$(grep FATAL "$dir/long.log" | head -1)" 'FATAL:  57P01' 'and the training ends'
echo "1..$n"
exit $failed
