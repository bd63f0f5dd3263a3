#!/bin/bash
# run-docs.sh SOURCE [PAGE...]: runs every SQL example of README.md and docs/, in order,
# page by page, each in its own copy of the demo's database (songs, artists,
# song_artists and a trained model called default), and prints TAP.
#
#   ```sql          must run without an error
#   ```sql error    every statement's failure is what the page shows: the last must fail
#
# Without pages named it also looks at all links, and whether docs/internals.md knows
# every source file.
#
# The current folder then holds songs.csv, artists.csv and song_artists.csv, so that
# recipes of loading run too.  Server: PGHOST, PGPORT.
set -u
src=$(cd "$1" && pwd)
shift
cd "$src" || exit 1
pages=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/here"

if [ -z "$(psql -X -A -t -d postgres -c "SELECT 1 FROM pg_database WHERE datname = 'gh_demo'")" ]; then
	docs/demo/walk.sh gh_demo >"$work/demo.log" 2>&1 || {
		sed 's/^/# /' "$work/demo.log"
		echo "Bail out! the demo's database cannot be made"
		exit 1
	}
fi
for table in songs artists song_artists; do
	psql -X -q -d gh_demo -c "COPY $table TO STDOUT (FORMAT csv, HEADER true)" >"$work/here/$table.csv"
done

# The blocks of a page as one psql script that says where it is.
script_of() {
	awk -v page="$1" '
		!inside && /^ *```sql *$/ { inside = 1; errors = 0; printf "\\echo @ %s:%d\n", page, NR; next }
		!inside && /^ *```sql error *$/ {
			inside = errors = 1
			printf "\\echo @ %s:%d\n\\set ON_ERROR_STOP 0\n", page, NR
			next
		}
		inside && /^ *```/ {
			if (errors)
				print "\\if :ERROR\n\\else\n\\warn the last statement should have failed\n\\quit 3\n\\endif\n\\set ON_ERROR_STOP 1"
			inside = 0
			next
		}
		inside { print }' "$1"
}

n=0
failed=0
if [ ${#pages[@]} -eq 0 ]; then
	pages=(README.md docs/*.md docs/reference/*.md)
	n=1
	if test/check-pages.pl . >"$work/log" 2>&1; then
		echo "ok 1 - links, and the map of the sources"
	else
		echo "not ok 1 - links, and the map of the sources"
		sed 's/^/# /' "$work/log"
		failed=1
	fi
fi
for page in "${pages[@]}"; do
	[ -r "$page" ] || continue
	script_of "$page" >"$work/script.sql"
	blocks=$(grep -c '^\\echo @ ' "$work/script.sql")
	[ "$blocks" -gt 0 ] || continue
	n=$((n + 1))
	dropdb --if-exists gh_docs 2>/dev/null
	createdb -T gh_demo gh_docs || exit 1
	if (cd "$work/here" && PAGER="cat" psql -X -q -v ON_ERROR_STOP=1 -d gh_docs <"$work/script.sql" >"$work/log" 2>&1); then
		echo "ok $n - $page: $blocks examples"
	else
		echo "not ok $n - $page: $blocks examples"
		echo "# $(grep '^@ ' "$work/log" | tail -n 1)"
		tail -n 15 "$work/log" | sed 's/^/# /'
		failed=1
	fi
	dropdb gh_docs
done
echo "1..$n"
exit $failed
