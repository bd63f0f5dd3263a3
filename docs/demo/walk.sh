#!/bin/bash
# walk.sh DATABASE [FOLDER]: creates the database on the server of PGHOST and PGPORT,
# loads the catalogue, walks through demo.sql, and writes the model's report to the file
# that REPORT names.
set -eu
set -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
database=$1
data=${2:-}
psql=(psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -d "$database")

createdb -T template0 -E UTF8 "$database"
"${psql[@]}" -c 'CREATE EXTENSION genre_hier'
if [ -n "$data" ]; then
	echo "Loading $data ..."
	"${psql[@]}" -f "$here/tables.sql"
	for table in songs artists song_artists; do
		# The header names the columns, whatever their order.
		IFS= read -r columns < <(gzip -dc "$data/$table.csv.gz")
		gzip -dc "$data/$table.csv.gz" |
			"${psql[@]}" -c "\\copy $table (${columns%$'\r'}) FROM pstdin (FORMAT csv, HEADER true)"
	done
	"${psql[@]}" -c 'ANALYZE'
else
	echo "Making up a catalogue ..."
	"${psql[@]}" -f "$here/generate.sql"
fi

# From standard input psql shows notices without file and line; they are the progress.
stdbuf -oL "${psql[@]}" -v min_followers="${MIN_FOLLOWERS:-1000}" -v iterations="${ITERATIONS:-0}" \
	<"$here/demo.sql" 2>&1 | sed -u 's/^NOTICE:  /    /'

if [ -n "${REPORT:-}" ]; then
	mkdir -p "$(dirname "$REPORT")"
	PGOPTIONS='-c client_min_messages=warning' "${psql[@]}" -A -t -c 'SELECT model_report()' >"$REPORT"
	printf '\n== The report, with every figure\nOpen it in a browser: %s\n' "$REPORT"
fi
