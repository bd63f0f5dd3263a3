# The walk of make demo on the made-up catalogue; its database is the template of the
# documentation's examples.
REPORT=$GH_TMP/report.html docs/demo/walk.sh gh_demo >"$GH_TMP/demo.log" 2>&1
status=$?
[ $status -eq 0 ] || sed 's/^/# /' "$GH_TMP/demo.log"
echo "1..7"
n=0
check() {
	n=$((n + 1))
	if eval "$2"; then echo "ok $n - $1"; else echo "not ok $n - $1"; fi
}
check "the demo runs" '[ $status -eq 0 ]'
check "the catalogue has 20,000 songs by 2,000 artists" '[ "$(psql -X -A -t -d gh_demo -c "SELECT (SELECT count(*) BETWEEN 19000 AND 23000 FROM songs) AND (SELECT count(*) = 2000 FROM artists)")" = t ]'
check "the catalogue is the same on every machine" '[ "$(psql -X -A -t -d gh_demo -f test/checks/demo-digest.sql)" = "$(cat test/checks/demo-digest.txt)" ]'
check "the three rows of the study are there" '[ "$(grep -cE "^ +(vanilla|hierarchical|hierarchical_hint) +\|" "$GH_TMP/demo.log")" -eq 3 ]'
check "three songs are ranked" '[ "$(grep -cE "^ +[123] +\| +[1-5] +\|" "$GH_TMP/demo.log")" -eq 15 ]'
check "no error, no warning" '! grep -qE "ERROR|WARNING|FATAL" "$GH_TMP/demo.log"'
# three figures of the whole, three examples, two for each of the (at most twelve) largest supergenres
figures="SELECT 6 + 2 * least(12, count(*)) FROM genre_models AS m, model_nodes(m.model) AS n WHERE NOT n.is_genre"
check "the report is written, and where is said" 'grep -qF "$GH_TMP/report.html" "$GH_TMP/demo.log" &&
	[ "$(grep -c "<figure>" "$GH_TMP/report.html")" = "$(psql -X -A -t -d gh_demo -c "$figures")" ]'
