#!/bin/bash
# make demo: from a clean machine to explained predictions.
#
#   make demo                          a made-up catalogue of 20,000 songs
#   make demo DATA=folder              songs.csv.gz, artists.csv.gz, song_artists.csv.gz
#   ... MIN_FOLLOWERS=0                artists to learn from (default 1000 followers and more)
#   ... ITERATIONS=50                  steps of Bayesian optimisation (default 0)
#   ... GH_MEMORY=4GB                  maintenance_work_mem of the throw-away server
#   ... REPORT=file                    where the report goes (make demo: build/report.html)
set -u
set -o pipefail
start=$SECONDS
here=$(cd "$(dirname "$0")" && pwd)

data=${DATA:-}
if [ -n "$data" ]; then
	for table in songs artists song_artists; do
		if [ ! -r "$data/$table.csv.gz" ]; then
			echo "DATA=$data: $table.csv.gz is missing there or cannot be read." >&2
			exit 1
		fi
	done
	data=$(cd "$data" && pwd)
fi

. "$here/../../test/setup.sh"

prepare make gcc libc6-dev libnlopt-dev libopenblas0-pthread
say "PostgreSQL $GH_PGVERSION; building and installing genre_hier ..."
build
install_extension
start_server
say "A throw-away server runs in $GH_TMP; it goes away at the end."
REPORT=${REPORT:-$PWD/report.html} "$here/walk.sh" demo "$data" || exit 1
say ""
say "Done in $((SECONDS - start)) seconds."
