#!/bin/bash
# run-pgtap.sh SOURCE [NAME]: pgTAP tests by pg_prove on a running server (PGHOST, PGPORT),
# in a database of their own.
set -eu
src=$1
shift
files=("$src"/test/pgtap/${1:-*}.sql)
dropdb --if-exists gh_pgtap_check 2>/dev/null
createdb gh_pgtap_check
psql -X -q -v ON_ERROR_STOP=1 -d gh_pgtap_check -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION genre_hier'
status=0
pg_prove -d gh_pgtap_check "${files[@]}" || status=$?
dropdb gh_pgtap_check
exit $status
