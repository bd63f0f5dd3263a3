#!/bin/bash
# make test-browser: the report and the pictures of the demo in a headless Chromium.
# PICTURES=folder keeps a screenshot of each.  Server, packages: as make test.
set -u
set -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../setup.sh"

prepare make gcc libc6-dev libnlopt-dev libopenblas0-pthread chromium fonts-liberation python3 python3-websocket
build
install_extension
start_server
export PGOPTIONS='-c client_min_messages=warning'
pages=$GH_TMP/pages
mkdir -m 755 "$pages"
REPORT=$pages/report.html quietly "$GH_SRC/docs/demo/walk.sh" browser
draw() { # FILE STATEMENT
	psql -X -q -A -t -v ON_ERROR_STOP=1 -d browser -c "$2" >"$pages/$1" || die "failed: $2"
}
# A genre's classifier, the grid, and names that somebody may have given.
draw grid.svg "SELECT plot_grid(\$\$SELECT * FROM hdbscan_grid('SELECT id, embedding AS features FROM umap_project(''SELECT artist_id
	AS id, features FROM artist_features()'', min_dist => 0)', '{20,40,60,80}', '{5,10,20}')\$\$)"
draw decision.svg "SELECT plot_decision(song_id, 'genre:pop') FROM songs ORDER BY song_id COLLATE \"C\" LIMIT 1"
draw summary.svg "SELECT plot_shap_summary('genre:pop', sample => 5000)"
draw paths.svg "SELECT plot_shap_paths('genre:pop', sample => 5000)"
name="E'<script>alert(1)</script> \"\\'&'' \\U0001F3B8 \\u05E9\\u05DC\\u05D5\\u05DD \\u0645\\u0631\\u062D\\u0628\\u0627 ' || repeat('long ', 1900)"
psql -X -q -A -t -v ON_ERROR_STOP=1 -d browser -c "SELECT rename_supergenre('default', node, $name) FROM genre_models AS m,
	model_nodes(m.model) WHERE NOT is_genre LIMIT 1" >/dev/null || die "failed: renaming a supergenre"
draw hostile.html "SELECT model_report()"

failed=0
# Debian's Python: another one first on the path would not see its packages.
/usr/bin/python3 "$here/check.py" "$pages"/*.html "$pages"/*.svg || failed=1
# The check itself: what is wrong in this page must be found.
unset PICTURES
/usr/bin/python3 "$here/check.py" "$here/broken.html" >"$GH_TMP/broken"
for complaint in 'console: console' 'console: exception' 'loads file:.*nothing.png' 'the page is 2000 wide' 'a-t is not there once' \
	'"one": no mark' '"over another" and "label" lie on each other' 'is over the edge' '"faint" does not stand out' \
	'"two": .* wide in a place of' '"two": no words' '"pale" does not stand out' 'skips a level'; do
	if [ "$(grep -c "$complaint" "$GH_TMP/broken")" -lt 4 ]; then
		echo "not ok: not found in broken.html: $complaint"
		failed=1
	fi
done
[ $failed -eq 0 ] && echo "Browser tests passed." || echo "Browser tests FAILED."
exit $failed
