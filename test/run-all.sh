#!/bin/bash
# make test: from a clean machine through every test there is, on a throw-away server.
# The last lines are prove's; the exit status is 0 only when everything passed.
#
#   make test ONLY='pgtap/umap docs'    the tests whose names hold one of the words
set -u
set -o pipefail
. "$(dirname "$0")/setup.sh"
cd "$GH_SRC" || exit 1

prepare make gcc clang libc6-dev binutils perl libnlopt-dev libopenblas0-pthread libcmocka-dev postgresql-NN-pgtap
say "PostgreSQL $GH_PGVERSION; building with warnings as errors ..."
export COPT=-Werror
build all core-tests
install_extension
start_server
createdb gh_pgtap || exit 1
quietly psql -X -q -v ON_ERROR_STOP=1 -d gh_pgtap -c 'CREATE EXTENSION pgtap' -c 'CREATE EXTENSION genre_hier'

shopt -s nullglob
tests=()
for test in build/core/test/test_* test/checks/*.sh test/pgtap/*.sql test/tap/*.sh; do
	case $test in *.d | *.o) continue ;; esac
	if [ -n "${ONLY:-}" ]; then
		for word in $ONLY; do
			case $test in *"$word"*) tests+=("$test") && break ;; esac
		done
	else
		tests+=("$test")
	fi
done
[ ${#tests[@]} -gt 0 ] || die "no test is called so: $ONLY"
export GH_TMP
prove --timer --exec "$GH_SRC/test/run-one.sh" "${tests[@]}" </dev/null
