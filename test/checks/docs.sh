# Every SQL example of README.md and docs/ runs, links lead somewhere, the map of the sources is complete.
exec test/run-docs.sh .
