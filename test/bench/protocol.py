#!/usr/bin/env python3
"""The study's whole protocol next to the Python stack: 50 trials in 5 folds for every classifier.

    python3 protocol.py [--ours] [--peers [CLASSIFIERS]] [--iterations N] [--threads N] DATA

DATA is a folder of songs.csv.gz, artists.csv.gz and song_artists.csv.gz.  --ours runs
train_hierarchy() in full in a database of its own (PGHOST, PGPORT, PGUSER; the
extension must be installed) and prints seconds, scores and the classifiers.  --peers
measures scikit-optimize's BayesSearchCV over xgboost's histogram method, and Optuna's
TPE, on a few genres (vanilla classifiers, all training songs) and extrapolates to as
many songs in fits as ours had: seconds times the sum of songs over all classifiers by
the songs of those measured.  Both in one run when neither is named.  Needs psycopg2,
numpy, pandas, xgboost, scikit-learn, scikit-optimize and optuna.
"""
import argparse
import os
import time
import warnings

import numpy as np

import songs
from tune import SPACE

HERE = os.path.dirname(os.path.abspath(__file__))
DATABASE = "genre_hier_protocol"


def connect(database):
    import psycopg2
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    return connection


def load(data):
    """The three tables in a new database."""
    import gzip
    server = connect("postgres")
    server.cursor().execute("DROP DATABASE IF EXISTS " + DATABASE)
    server.cursor().execute("CREATE DATABASE " + DATABASE)
    connection = connect(DATABASE)
    cursor = connection.cursor()
    cursor.execute("CREATE EXTENSION genre_hier")
    cursor.execute("CREATE TABLE songs (song_id text PRIMARY KEY, %s)" % ", ".join(f + " float8" for f in songs.FEATURES))
    cursor.execute("CREATE TABLE artists (artist_id text PRIMARY KEY, name text, followers bigint, genres text[])")
    cursor.execute("CREATE TABLE song_artists (song_id text, artist_id text, PRIMARY KEY (song_id, artist_id))")
    for table in ("songs", "artists", "song_artists"):
        with gzip.open(os.path.join(data, table + ".csv.gz"), "rt", encoding="utf-8") as file:
            cursor.copy_expert("COPY %s FROM STDIN (FORMAT csv, HEADER true)" % table, file)
    cursor.execute("ANALYZE")
    return connection


def ours(data, iterations, threads):
    """Seconds, and (songs in fits, supergenres, genres) of the training."""
    connection = load(data)
    cursor = connection.cursor()
    cursor.execute("SET genre_hier.threads = %d; SET maintenance_work_mem = '4GB'; SET client_min_messages = warning" % threads)
    start = time.perf_counter()
    cursor.execute("SELECT * FROM train_hierarchy(iterations => %s)", (iterations,))
    rows = cursor.fetchall()
    seconds = time.perf_counter() - start
    cursor.execute("SELECT n.is_genre AND n.parent IS NOT NULL, n.positives + n.negatives FROM genre_models, model_nodes(model) n")
    nodes = cursor.fetchall()
    for row in rows:
        print("| %s | %.4f | %.3f | %.3f |" % row[:4])
    training = rows[0][6]
    work = sum(n for _, n in nodes) + training * sum(genre for genre, _ in nodes)
    print("ours: %.0f s, %d iterations, %d threads, %d supergenres, %d genres, %d classifiers, %d training songs" %
          (seconds, iterations, threads, rows[0][5], rows[0][4], len(nodes) + sum(genre for genre, _ in nodes), training))
    return seconds, work, training


def skopt_search(X, y, folds, iterations, threads):
    import xgboost as xgb
    from sklearn.model_selection import PredefinedSplit
    from skopt import BayesSearchCV
    from skopt.space import Integer, Real
    names = {"eta": "learning_rate", "lambda": "reg_lambda", "alpha": "reg_alpha"}
    space = {names.get(n, n): Integer(a, b) if isinstance(a, int) else Real(a, b, "log-uniform" if log else "uniform")
             for n, a, b, log in SPACE}
    search = BayesSearchCV(xgb.XGBClassifier(tree_method="hist", n_estimators=100, n_jobs=1), space, n_iter=iterations,
                           cv=PredefinedSplit(folds), scoring="average_precision", n_jobs=threads, random_state=1)
    search.fit(X, y)
    return search.best_score_


def optuna_search(X, y, folds, iterations, threads):
    import optuna
    import xgboost as xgb
    from sklearn.model_selection import PredefinedSplit, cross_val_score
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        params = {n: trial.suggest_int(n, a, b) if isinstance(a, int) else trial.suggest_float(n, a, b, log=log)
                  for n, a, b, log in SPACE}
        model = xgb.XGBClassifier(tree_method="hist", n_estimators=100, n_jobs=1, **params)
        return cross_val_score(model, X, y, cv=PredefinedSplit(folds), scoring="average_precision", n_jobs=threads).mean()

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(objective, n_trials=iterations)
    return study.best_value


def peers(data, classifiers, iterations, threads, training):
    """Seconds per search of the genres measured, by peer."""
    X, group, labels = songs.load(data)
    rng = np.random.RandomState(0)
    artists = rng.permutation(group.max() + 1)
    keep = np.isin(group, artists[np.cumsum(np.bincount(group)[artists]) <= training])
    X, group = X[keep], group[keep]
    labels = [l for l, k in zip(labels, keep) if k]
    folds = (rng.permutation(group.max() + 1) % 5)[group]
    count = {}
    for l in labels:
        for g in l:
            count[g] = count.get(g, 0) + 1
    ordered = sorted(count, key=lambda g: (-count[g], g))
    seconds = {}
    for genre in [ordered[int(i)] for i in np.linspace(2, 60, classifiers)]:
        y = np.array([genre in l for l in labels], dtype=int)
        for name, search in (("BayesSearchCV", skopt_search), ("Optuna", optuna_search)):
            start = time.perf_counter()
            best = search(X, y, folds, iterations, threads)
            seconds.setdefault(name, []).append(time.perf_counter() - start)
            print("%s, %s: %d of %d songs, %.1f s, best score %.4f" %
                  (name, genre, y.sum(), len(y), seconds[name][-1], best), flush=True)
    return {name: np.mean(s) for name, s in seconds.items()}, len(X)


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--ours", action="store_true")
    parser.add_argument("--peers", type=int, nargs="?", const=2, default=0, metavar="CLASSIFIERS")
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    both = not options.ours and not options.peers
    mine = ours(options.data, options.iterations, options.threads) if options.ours or both else None
    training = mine[2] if mine else 10596
    if options.peers or both:
        means, n = peers(options.data, options.peers or 2, options.iterations, options.threads, training)
        for name, mean in means.items():
            print("%s: %.1f s a search over %d songs with %d threads" % (name, mean, n, options.threads))
            if mine:
                whole = mean * mine[1] / n
                print("  all classifiers: %.0f s, %.1f times ours" % (whole, whole / mine[0]))


if __name__ == "__main__":
    main()
