#!/bin/bash
# check-clang.sh SOURCE FLAGS AVX2 AVX512 PG-FLAGS: every C file through clang, warnings
# as errors.  PG-FLAGS hold the paths of the server's headers.
set -u
src=$1
clang=${CLANG:-$(command -v clang || ls /usr/bin/clang-[0-9]* 2>/dev/null | sort -V | tail -n 1)}
if [ -z "$clang" ]; then
	echo "clang is not installed (apt-get install clang, or CLANG=/path/to/clang)" >&2
	exit 1
fi

check() { # FLAGS FILES... : the flags are words to split
	local flags=$1
	shift
	[ $# -eq 0 ] && return 0
	# shellcheck disable=SC2086
	printf '%s\0' "$@" | xargs -0 -n 8 -P "$(nproc)" "$clang" -fsyntax-only -Werror $flags
}

cd "$src" || exit 1
shopt -s nullglob
plain=()
avx2=()
avx512=()
for file in src/core/*/*.c; do
	case $file in
		*_avx2.c) avx2+=("$file") ;;
		*_avx512.c) avx512+=("$file") ;;
		*) plain+=("$file") ;;
	esac
done
status=0
check "$2 -Isrc/core" "${plain[@]}" || status=1
check "$2 $3 -Isrc/core" "${avx2[@]}" || status=1
check "$2 $4 -Isrc/core" "${avx512[@]}" || status=1
check "$2 -Isrc/core -Itest/core" test/core/*.c || status=1
# The server's headers name gcc's own attributes; what is wrong in them is not ours to say.
check "$2 ${5//-I\//-isystem /} -Isrc/core -Isrc/pg" src/*.c src/pg/*.c || status=1
[ $status -ne 0 ] || echo "clang: no warnings"
exit $status
