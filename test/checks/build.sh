# Builds outside the source folder, and cleans up after itself.
set -eu -o pipefail
src=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A copy without what has been built, so that a write into the source shows.
git -C "$src" ls-files -z 2>/dev/null | tar -C "$src" --null -T - -cf - 2>/dev/null | tar -C "$work" --one-top-level=source -xf - ||
	tar -C "$src" --exclude=./build --exclude=./.git --exclude='*.so' -cf - . | tar -C "$work" --one-top-level=source -xf -
listing() { (cd "$1" && find . -type f -exec cksum {} + | sort -k3); }
listing "$work/source" >"$work/before"

echo "1..3"
mkdir "$work/elsewhere"
cd "$work/elsewhere"
if make -s -f "$work/source/Makefile" -j2 all >"$work/log" 2>&1 && [ -f genre_hier.so ] &&
	make -s -f "$work/source/Makefile" install DESTDIR="$work/root" >>"$work/log" 2>&1 &&
	find "$work/root" -name genre_hier.control | grep -q .; then
	echo "ok 1 - builds and installs from another folder"
else
	sed 's/^/# /' "$work/log"
	echo "not ok 1 - builds and installs from another folder"
fi
listing "$work/source" | cmp -s - "$work/before" && echo "ok 2 - the source folder stays as it was" ||
	echo "not ok 2 - the source folder stays as it was"
make -s -f "$work/source/Makefile" clean >/dev/null 2>&1
left=$(find . -type f)
[ -z "$left" ] && echo "ok 3 - make clean leaves nothing" || {
	echo "# left: $left"
	echo "not ok 3 - make clean leaves nothing"
}
