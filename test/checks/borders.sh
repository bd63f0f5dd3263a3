# The core knows nothing of PostgreSQL and links without it.
exec make -s check-borders
