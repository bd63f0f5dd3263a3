# pg_regress: each topic of sql/ is one test.
make -s installcheck >"$GH_TMP/regress.log" 2>&1
status=$?
awk '
	/^(test|ok|not ok|#)? ?.* \.\.\. / {
		n++
		name = $2
		print (/ \.\.\. ok/ ? "ok " : "not ok ") n " - pg_regress " name
	}' "$GH_TMP/regress.log"
count=$(grep -c ' \.\.\. ' "$GH_TMP/regress.log")
if [ $status -eq 0 ]; then
	echo "ok $((count + 1)) - pg_regress as a whole"
else
	echo "not ok $((count + 1)) - pg_regress as a whole"
	sed 's/^/# /' "$GH_TMP/regress.log"
	[ ! -f regression.diffs ] || sed 's/^/# /' regression.diffs
fi
echo "1..$((count + 1))"
