#!/bin/bash
# Runs unit-test programs of the core: run-core.sh plain|asan|tsan|valgrind PROGRAM...
# prove prints the result of each and the closing lines.
set -u
mode=$1
shift
if [ $# -eq 0 ]; then
	echo "no unit test found" >&2
	exit 1
fi
export CMOCKA_MESSAGE_OUTPUT=TAP
# A library's own threads and caches are not ours to answer for; leaks of ours are.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=1
run=''
if [ "$mode" = valgrind ]; then
	run="valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"
fi
# An empty --exec runs each program directly.
exec prove --timer --exec "$run" "$@"
