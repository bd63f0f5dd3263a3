#!/bin/bash
# check-borders.sh SOURCE LIBRARY LINKS...: src/core knows nothing of PostgreSQL, and the
# core library needs nothing beyond libc, libm, libpthread, libdl and NLopt.
set -u
src=$1
library=$2
shift 2
status=0

fail() {
	printf '%s\n' "$@" >&2
	status=1
}

found=$(grep -rnE 'postgres\.h|palloc|ereport|elog|Datum' "$src/src/core")
[ -z "$found" ] || fail "src/core speaks of PostgreSQL:" "$found"

found=$(grep -rnE '\b(longjmp|setjmp|printf|puts|putchar|fprintf|perror|abort|exit) *\(' "$src/src/core" --include='*.[ch]' |
	grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)|snprintf|format\(printf')
[ -z "$found" ] || fail "src/core prints, jumps or exits:" "$found"

found=$(grep -rnE '#include [<"](postgres|fmgr|utils/|executor/|access/|catalog/|pg/)' "$src/src/core")
[ -z "$found" ] || fail "src/core includes the host's headers:" "$found"

# Everything undefined must be found in the named libraries: the whole archive links alone.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'int main(void) { return 0; }' >"$work/main.c"
"${CC:-cc}" -o "$work/main" "$work/main.c" -Wl,--whole-archive "$library" -Wl,--no-whole-archive "$@" 2>"$work/log" ||
	fail "the core library does not link by itself:" "$(cat "$work/log")"

# Every symbol that others can see is gh_*.
found=$(nm -g --defined-only "$library" | awk 'NF == 3 && $3 !~ /^gh_/ { print $3 }' | sort -u)
[ -z "$found" ] || fail "symbols of the core that are not gh_*:" "$found"

found=$(find "$src/src" -name '*.[ch]' -exec wc -l {} + | awk '$2 != "total" && $1 > 900')
[ -z "$found" ] || fail "files over 900 lines:" "$found"

found=$(grep -rnIE 'TODO|FIXME|XXX' "$src/src" "$src/sql" --include='*.[ch]' --include='*.sql' | grep -vE 'XX0|XXXXXX')
[ -z "$found" ] || fail "unfinished business:" "$found"

[ $status -ne 0 ] || echo "borders: kept"
exit $status
