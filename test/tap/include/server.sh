# Sourced by the scripts next to this folder: a throw-away server of their own, with the
# extension that is installed.  Sets bin and dir; functions server, sql, is, start, load_catalogue.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
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

load_catalogue() { # load_catalogue DATABASE ROLE
	"$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -p 54399 -d "$1" -U "$2" -f "$here/../../pgtap/include/catalogue.sql" >"$dir/load.log" 2>&1 ||
		{ cat "$dir/load.log"; echo "Bail out! the catalogue does not load"; exit 1; }
}
