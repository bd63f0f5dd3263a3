# Every SQL example of README.md and docs/ runs.
exec test/run-docs.sh .
