#!/usr/bin/env python3
"""The study's whole protocol next to the Python stack: 50 trials in 5 folds for every classifier.

    python3 protocol.py [--classifiers N] [--peers NAME,...] [--iterations N] [--threads N] DATA

DATA is a folder of songs.csv.gz, artists.csv.gz and song_artists.csv.gz.  Ours is
train_hierarchy() in full in a database of its own (PGHOST, PGPORT, PGUSER; the
extension must be installed).  The Python stack is scikit-optimize's BayesSearchCV
over xgboost's histogram method, and Optuna's TPE as another tuner; each searches for
N of our classifiers, of small to large training sets, on songs drawn as ours were
(whole artists, as many songs).  A line through seconds and songs, which has the cost
of a search that is the same for any number of songs as its constant, gives the
seconds of all classifiers.  Needs psycopg2, numpy, pandas, xgboost, scikit-learn,
scikit-optimize and optuna.
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
    """Seconds of the training, and its classifiers: (name, songs, positives, genres that are positive, genres of the songs)."""
    connection = load(data)
    cursor = connection.cursor()
    cursor.execute("SET genre_hier.threads = %d; SET maintenance_work_mem = '4GB'; SET client_min_messages = warning" % threads)
    start = time.perf_counter()
    cursor.execute("SELECT * FROM train_hierarchy(iterations => %s)", (iterations,))
    rows = cursor.fetchall()
    seconds = time.perf_counter() - start
    cursor.execute("SELECT n.node, n.parent, n.is_genre, n.positives, n.negatives FROM genre_models, model_nodes(model) n")
    nodes = cursor.fetchall()
    for row in rows:
        print("| %s | %.4f | %.3f | %.3f |" % row[:4])
    below, training = {}, rows[0][6]
    for name, parent, is_genre, _, _ in nodes:
        if is_genre:
            below.setdefault(parent, set()).add(name)
    everything = set().union(*below.values())
    classifiers = []
    for name, parent, is_genre, positives, negatives in nodes:
        genres = {name} if is_genre else below[name]
        scope = below[parent] if parent is not None else everything
        classifiers.append((name, positives + negatives, positives, genres, scope))
        if is_genre:
            classifiers.append((name + " (vanilla)", training, positives, genres, everything))
    print("ours: %.0f s, %d iterations, %d threads, %d supergenres, %d genres, %d classifiers, %d training songs, %d on average" %
          (seconds, iterations, threads, rows[0][5], rows[0][4], len(classifiers), training,
           np.mean([c[1] for c in classifiers])))
    return seconds, classifiers


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


def draw(labels, group, classifier, rng):
    """Rows of whole artists, about as many as the classifier trained on, and their classes."""
    _, n, _, genres, scope = classifier
    inside = np.flatnonzero([len(l & scope) > 0 for l in labels])
    place = rng.permutation(group.max() + 1)[group[inside]]
    keep = inside[(np.cumsum(np.bincount(place)) <= n)[place]]
    return keep, np.array([len(labels[i] & genres) > 0 for i in keep], dtype=int)


def peers(data, classifiers, number, names, iterations, threads):
    """Per peer: seconds of all classifiers."""
    searches = {"BayesSearchCV": skopt_search, "Optuna": optuna_search}
    X, group, labels = songs.load(data)
    rng = np.random.RandomState(0)
    ordered = sorted((c for c in classifiers if 50 <= c[2] <= c[1] / 2), key=lambda c: c[1])
    chosen = [ordered[int(i)] for i in np.linspace(0, len(ordered) - 1, number)]
    times = {name: [] for name in names}
    # worker processes are started before anything is timed
    few = rng.permutation(len(X))[:200]
    for name in names:
        searches[name](X[few], np.arange(200) % 2, np.arange(200) // 2 % 5, 2, threads)
    for classifier in chosen:
        keep, y = draw(labels, group, classifier, rng)
        folds = (rng.permutation(group.max() + 1) % 5)[group[keep]]
        for name in names:
            start = time.perf_counter()
            best = searches[name](X[keep], y, folds, iterations, threads)
            times[name].append((len(y), time.perf_counter() - start))
            print("%s, %s: %d of %d songs, %.1f s, best score %.4f" %
                  (name, classifier[0], y.sum(), len(y), times[name][-1][1], best), flush=True)
    sizes = np.array([c[1] for c in classifiers])
    whole = {}
    for name in names:
        n, seconds = np.array(times[name]).T
        slope, constant = np.polyfit(n, seconds, 1)
        whole[name] = (constant + slope * sizes).sum()
        print("%s: %.1f s and %.2f s a thousand songs" % (name, constant, slope * 1000))
    return whole


def main():
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--classifiers", type=int, default=4)
    parser.add_argument("--peers", default="BayesSearchCV,Optuna")
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    seconds, classifiers = ours(options.data, options.iterations, options.threads)
    names = [n for n in options.peers.split(",") if n]
    for name, whole in peers(options.data, classifiers, options.classifiers, names, options.iterations, options.threads).items():
        print("%s: all classifiers %.0f s, %.1f times ours" % (name, whole, whole / seconds))


if __name__ == "__main__":
    main()
