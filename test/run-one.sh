#!/bin/bash
# prove's interpreter in run-all.sh: runs one test, whatever it is, and prints TAP.
#   *.sql   pgTAP, in its own copy of the database gh_pgtap
#   *.sh    a script: TAP, or one test that passes when the script exits with 0
#   else    a unit-test program of the core
set -u
test=$1

from_script() {
	local log status
	log=$(mktemp)
	bash "$1" </dev/null >"$log" 2>&1
	status=$?
	if grep -qE '^1\.\.[0-9]' "$log"; then
		cat "$log"
	else
		sed 's/^/# /' "$log"
		[ $status -eq 0 ] || sed 's/^/# /' "$log" >&2
		[ $status -eq 0 ] && echo "ok 1 - $1" || echo "not ok 1 - $1"
		echo "1..1"
	fi
	rm -f "$log"
	return $status
}

from_pgtap() {
	local database
	database=gh_pgtap_$(basename "$1" .sql)
	dropdb --if-exists "$database" 2>/dev/null
	createdb -T gh_pgtap "$database" || return 1
	psql -X -q -A -t --pset pager=off -v ON_ERROR_STOP=1 -d "$database" -f "$1" 2>&1
	local status=$?
	dropdb "$database"
	return $status
}

case $test in
	*.sql) from_pgtap "$test" ;;
	*.sh) from_script "$test" ;;
	*) CMOCKA_MESSAGE_OUTPUT=TAP exec "$test" ;;
esac
