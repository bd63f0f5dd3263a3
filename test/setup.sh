# Sourced by docs/demo/run.sh and test/run-all.sh: packages, build, a throw-away server.
#
# Never touches an existing cluster: the server lives in a folder of mktemp, listens
# on a socket in it and nowhere else, and goes away with the script.

GH_SRC=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

die() {
	say "$@"
	exit 1
}

# Runs a command as root, by sudo where needed.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		return 127
	fi
}

# ---- packages ------------------------------------------------------------

packaged() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

# need PACKAGE...: installs those that are missing.
need() {
	local package missing=()
	command -v dpkg-query >/dev/null || return 0 # not Debian: the compiler will name what it lacks
	for package in "$@"; do
		packaged "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	say "Packages to install: ${missing[*]}"
	if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
		die "They are missing, and neither root nor sudo is at hand to install them. Ask someone who may:"$'\n' \
			"   apt-get install ${missing[*]}"
	fi
	update_lists
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" \
		</dev/null >"$GH_LOG" 2>&1 ||
		{
			tail -n 20 "$GH_LOG" >&2
			die "apt-get could not install: ${missing[*]}"
		}
}

update_lists() {
	[ -n "${GH_LISTS_FRESH:-}" ] && return 0
	as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q </dev/null >"$GH_LOG" 2>&1 ||
		say "apt-get update failed; going on with the package lists there are."
	GH_LISTS_FRESH=1
}

# prepare PACKAGE...: installs these and chooses the server, which PG_CONFIG names; else the
# newest installed one; else the distribution's own version.  In a package's name NN is the
# server's version.  Sets PG_CONFIG, GH_PGVERSION and GH_PGBIN.
prepare() {
	local packages=("$@")
	if [ -n "${PG_CONFIG:-}" ]; then
		need $(printf '%s\n' "${packages[@]}" | grep -v NN)
	else
		GH_PGVERSION=$(ls -d /usr/lib/postgresql/*/bin/postgres 2>/dev/null | cut -d/ -f5 | sort -n | tail -n 1)
		[ -n "$GH_PGVERSION" ] || GH_PGVERSION=$(packaged_version)
		[ -n "$GH_PGVERSION" ] || die "No PostgreSQL found: PG_CONFIG=/path/to/pg_config names one."
		packages+=(postgresql-NN postgresql-server-dev-NN)
		need "${packages[@]//NN/$GH_PGVERSION}"
		PG_CONFIG=/usr/lib/postgresql/$GH_PGVERSION/bin/pg_config
	fi
	GH_PGVERSION=$("$PG_CONFIG" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
	GH_PGBIN=$("$PG_CONFIG" --bindir)
	export PG_CONFIG PATH="$GH_PGBIN:$PATH"
}

# The version that the distribution packages; the lists may have to be fetched first.
packaged_version() {
	local version
	command -v apt-cache >/dev/null || return 0
	version=$(apt-cache show postgresql 2>/dev/null | sed -n 's/^Version: \([0-9]*\).*/\1/p' | sort -n | tail -n 1)
	if [ -z "$version" ]; then
		update_lists
		version=$(apt-cache show postgresql 2>/dev/null | sed -n 's/^Version: \([0-9]*\).*/\1/p' | sort -n | tail -n 1)
	fi
	echo "$version"
}

# ---- build and install ---------------------------------------------------

# quietly COMMAND...: shows its output only when it fails.
quietly() {
	"$@" </dev/null >"$GH_LOG" 2>&1 || {
		cat "$GH_LOG" >&2
		die "failed: $*"
	}
}

build() { quietly make -C "$GH_SRC" -j"$(nproc)" PG_CONFIG="$PG_CONFIG" "$@"; }

# Installs into the server's own folders: before PostgreSQL 18 an extension can be nowhere else.
install_extension() {
	local lib share
	lib=$("$PG_CONFIG" --pkglibdir)
	share=$("$PG_CONFIG" --sharedir)/extension
	if [ -w "$lib" ] && [ -w "$share" ]; then
		build install
	elif [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
		die "$lib and $share cannot be written to, and neither root nor sudo is at hand." \
			$'\n'"Install as root (make install), or build against a server of your own: PG_CONFIG=/path/to/pg_config"
	else
		quietly as_root make -C "$GH_SRC" PG_CONFIG="$PG_CONFIG" COPT="${COPT:-}" install # sudo passes no environment
	fi
}

# ---- the throw-away server -----------------------------------------------

# PostgreSQL refuses to run as root: root lends the work to postgres, or to nobody.
as_server_user() ( # in a folder that this user may look into
	cd / || exit 1
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
	elif command -v runuser >/dev/null; then
		runuser -u "$GH_SERVER_USER" -- "$@"
	else
		setpriv --reuid="$GH_SERVER_USER" --regid="$GH_SERVER_USER" --clear-groups -- "$@"
	fi
)

start_server() {
	GH_SERVER_USER=$(id -un)
	if [ "$(id -u)" -eq 0 ]; then
		GH_SERVER_USER=postgres
		id -u postgres >/dev/null 2>&1 || GH_SERVER_USER=nobody
		chown "$GH_SERVER_USER" "$GH_TMP/server"
	fi
	quietly as_server_user "$GH_PGBIN/initdb" -D "$GH_TMP/server/data" -U postgres -A trust -E UTF8 --locale=C --no-sync
	cat >>"$GH_TMP/server/data/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$GH_TMP/server'
		port = 5432
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		shared_buffers = 256MB
		maintenance_work_mem = $GH_MEMORY
		log_min_messages = warning
		log_statement = none
	CONF
	quietly as_server_user "$GH_PGBIN/pg_ctl" -D "$GH_TMP/server/data" -l "$GH_TMP/server/log" -w start
	GH_SERVER_STARTED=1
	unset PGSERVICE PGDATABASE PGPASSWORD PGOPTIONS PGHOSTADDR
	export PGHOST=$GH_TMP/server PGPORT=5432 PGUSER=postgres
}

clean_up() {
	local status=$?
	trap - EXIT INT TERM HUP
	if [ -n "${GH_SERVER_STARTED:-}" ]; then
		as_server_user "$GH_PGBIN/pg_ctl" -D "$GH_TMP/server/data" -m immediate -w stop >/dev/null 2>&1
	fi
	rm -rf "$GH_TMP"
	exit "$status"
}

# A socket's path has at most 107 bytes, so the folder is in /tmp whatever TMPDIR says.
GH_TMP=$(mktemp -d /tmp/genre_hier.XXXXXX) || exit 1
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 711 "$GH_TMP"
mkdir -m 700 "$GH_TMP/server"
GH_LOG=$GH_TMP/log
GH_MEMORY=${GH_MEMORY:-4GB}
# The caller's make must not lend its flags (-n, -j, T=...) to the makes in here.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES MAKELEVEL
