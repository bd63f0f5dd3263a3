# clang finds nothing to warn about.
exec make -s check-clang
