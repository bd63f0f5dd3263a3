#!/usr/bin/env python3
"""Training as the songs grow: memory of the server process, seconds, and how soon it can be cancelled.

    python3 scale.py [--rows N ...] [--artists N] [--genres N] [--fit] [--iterations N] [--trees N]
                     [--threads N ...] [--memory SIZE] [--cancel N] [--keep]

Makes a catalogue of N songs, 14 features (real), in a database of its own (PGHOST,
PGPORT, PGUSER; the extension must be installed), and trains train_hierarchy() on it
(--fit: hierarchy_fit() on the same rows): genres in three supergenres, so that the time
of one tree shows.  Prints the peak of the process's own memory (RssAnon, sampled every
10 ms: without the shared buffers; and what it had before the call), what the training said that it would need, and
seconds for reading and for training, each also per song; for training by the number of
rows in trees, which is known when nothing is tuned.  --cancel N: N runs more, each
cancelled at a moment of its own; prints how long the server took.  --keep leaves the
database, which the next run uses.  Needs psycopg2.
"""
import argparse
import os
import random
import re
import subprocess
import threading
import time

import psycopg2

DATABASE = "genre_hier_scale"
FEATURES = ("duration acousticness danceability energy explicit instrumentalness key liveness loudness mode "
            "speechiness tempo time_signature valence").split()


def connect(database):
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    return connection


def songs_made():
    """Songs, artists and genres of the database that is there."""
    server = connect("postgres").cursor()
    server.execute("SELECT count(*) FROM pg_database WHERE datname = %s", (DATABASE,))
    if server.fetchone()[0] == 0:
        return None
    cursor = connect(DATABASE).cursor()
    cursor.execute("SELECT songs, artists, genres FROM made")
    return cursor.fetchone()


def make(rows, artists, genres):
    """A genre shifts the means of some features; artists have one or two genres, a few have most songs."""
    if songs_made() == (rows, artists, genres):
        return
    server = connect("postgres").cursor()
    server.execute("DROP DATABASE IF EXISTS " + DATABASE)
    server.execute("CREATE DATABASE " + DATABASE)
    cursor = connect(DATABASE).cursor()
    cursor.execute("CREATE EXTENSION genre_hier; SELECT setseed(0.5)")
    cursor.execute("CREATE UNLOGGED TABLE artists AS SELECT 'artist ' || a AS artist_id, 5000::bigint AS followers,"
                   " CASE WHEN a %% 5 = 0 THEN ARRAY['genre ' || a %% %s, 'genre ' || (a + 1) %% %s]"
                   " ELSE ARRAY['genre ' || a %% %s] END AS genres FROM generate_series(0, %s - 1) a",
                   (genres, genres, genres, artists))
    values = ", ".join("(sin((a %% %d) * %d + %d) + 3 * random())::real AS %s" % (genres, j % 5 + 1, j, f)
                       for j, f in enumerate(FEATURES))
    cursor.execute("CREATE UNLOGGED TABLE songs AS SELECT i AS song_id, a AS artist, %s FROM"
                   " (SELECT i, (%d * power(random(), 2))::bigint AS a FROM generate_series(1::bigint, %d) i OFFSET 0) s"
                   % (values, artists - 1, rows))
    cursor.execute("CREATE UNLOGGED TABLE song_artists AS SELECT song_id, 'artist ' || artist AS artist_id FROM songs")
    cursor.execute("CREATE TABLE supergenres AS SELECT 'genre ' || g AS genre, 'supergenre ' || g %% 3 AS supergenre"
                   " FROM generate_series(0, %s - 1) g", (genres,))
    cursor.execute("CREATE TABLE made AS SELECT %s AS songs, %s AS artists, %s AS genres", (rows, artists, genres))
    cursor.execute("ANALYZE")


def make_rows():
    """What hierarchy_fit() reads, ready in one table and in the order of the ids: its time is its own."""
    cursor = connect(DATABASE).cursor()
    cursor.execute("CREATE UNLOGGED TABLE IF NOT EXISTS rows AS SELECT s.song_id AS id, ARRAY[%s] AS features, a.genres,"
                   " s.artist AS fold_group FROM songs s JOIN artists a ON a.artist_id = 'artist ' || s.artist"
                   " ORDER BY s.song_id::text COLLATE \"C\"" % ", ".join("s." + f for f in FEATURES))


class Watch(threading.Thread):
    """The peak of a process's own memory, what it had of it at first, and the peak of its whole resident size."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.path = "/proc/%d/status" % pid
        self.own = self.whole = self.first = 0
        self.ended = False

    def run(self):
        while not self.ended:
            try:
                with open(self.path) as file:
                    status = file.read()
            except FileNotFoundError:
                break
            if "RssAnon" not in status:
                break
            own = int(re.search(r"RssAnon:\s+(\d+)", status).group(1))
            self.first = self.first or own
            self.own = max(self.own, own)
            self.whole = int(re.search(r"VmHWM:\s+(\d+)", status).group(1))
            time.sleep(0.01)


def statement(fit, iterations, trees, params):
    params = '{"n_estimators": %d, "max_depth": 6%s}' % (trees, params)
    if not fit:
        return ("SELECT * FROM train_hierarchy(supergenres => 'supergenres', iterations => %d, folds => 5, params => '%s')"
                % (iterations, params))
    return ("SELECT length(hierarchy_fit('TABLE rows', 'TABLE supergenres', iterations => %d, folds => 5, params => '%s'))"
            % (iterations, params))


def settings(threads, memory):
    return ("LOAD 'genre_hier'; SET genre_hier.threads = %d; SET maintenance_work_mem = '%s';"
            " SET genre_hier.progress_interval = '1s'" % (threads, memory))


def train(args, rows, threads):
    """One run in psql, whose notices come as they are sent; seconds in all."""
    psql = subprocess.Popen(["psql", "-XAtq", "-d", DATABASE, "-c", "SELECT pg_backend_pid()", "-c",
                             settings(threads, args.memory), "-c",
                             statement(args.fit, args.iterations, args.trees, args.params)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watch = Watch(int(psql.stdout.readline()))
    watch.start()
    start = began = time.perf_counter()
    announced, classifiers = float("nan"), ""
    for line in psql.stderr:
        found = re.search(r"training: (\d+ classifiers on \d+ rows, \d+ rows held out); about ([\d.]+) MB", line)
        if found is not None:
            began, classifiers, announced = time.perf_counter(), found.group(1), float(found.group(2))
        elif "the memory allowed" in line or "ERROR" in line:
            print("  " + line.strip())
    end = time.perf_counter()
    watch.ended = True
    watch.join()
    psql.wait()
    print("| %d | %d | %d | %.0f (%.0f, %.0f) | %.0f | %.1f | %.2f | %.1f | %.2f | %s" %
          (rows, threads, args.iterations, watch.own / 1024, watch.first / 1024, watch.whole / 1024, announced, began - start,
           1e6 * (began - start) / rows, end - began, 1e6 * (end - began) / rows, classifiers), flush=True)
    return end - start


def processor(pid):
    """Seconds of processor of all threads of a process so far."""
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cancel(args, threads, seconds):
    """How long after pg_cancel_backend() the client has its error, spread over a run of so many seconds; by the clock and
    by the processor that the server process still used, which says more where the machine has other work."""
    waits = []
    for i in range(args.cancel):
        connection = connect(DATABASE)
        cursor = connection.cursor()
        cursor.execute(settings(threads, args.memory))
        moment = (i + random.random()) / args.cancel * seconds
        asked = []

        def ask(pid=connection.info.backend_pid):
            server = connect("postgres").cursor()
            time.sleep(moment)
            asked.extend((processor(pid), time.perf_counter()))
            server.execute("SELECT pg_cancel_backend(%d)" % pid)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            cursor.execute(statement(args.fit, args.iterations, args.trees, args.params))
            print("  ended before %.1f s" % moment)
        except psycopg2.errors.QueryCanceled:
            wait = time.perf_counter() - asked[1]
            used = processor(connection.info.backend_pid) - asked[0]
            waits.append((wait, used, moment, connection.notices[-1].strip() if connection.notices else "reading"))
        thread.join()
        connection.close()
    waits.sort()
    print("cancelled at %d moments within %.0f s: median %.0f ms, worst %.0f ms; most processor used after it %.0f ms" %
          (len(waits), seconds, 1e3 * waits[len(waits) // 2][0], 1e3 * waits[-1][0], 1e3 * max(w[1] for w in waits)))
    for wait, used, moment, last in waits[-3:]:
        print("  %.0f ms (%.0f of processor) at %.1f s, after \"%s\"" % (1e3 * wait, 1e3 * used, moment, last), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100000, 1000000])
    parser.add_argument("--artists", type=int, default=0, help="0: one for a hundred songs")
    parser.add_argument("--genres", type=int, default=5)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--iterations", type=int, default=0)
    parser.add_argument("--trees", type=int, default=10)
    parser.add_argument("--params", default="", help='more of params, such as \', "max_songs": 1000000\'')
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--cancel", type=int, default=0)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--database", default=DATABASE)
    args = parser.parse_args()
    globals()["DATABASE"] = args.database
    print("| songs | threads | trials | MB (at first, with shared) | announced | reading s | us/song | training s | us/song |")
    for rows in args.rows:
        make(rows, args.artists or max(rows // 100, 100), args.genres)
        if args.fit:
            make_rows()
        for threads in args.threads:
            seconds = train(args, rows, threads)
            if args.cancel > 0:
                cancel(args, threads, seconds)
    if not args.keep:
        connect("postgres").cursor().execute("DROP DATABASE " + DATABASE)


if __name__ == "__main__":
    main()
