#!/usr/bin/env python3
"""Search of parameters next to scikit-optimize's BayesSearchCV and Optuna.

    python3 tune.py LIBRARY DATA [GENRE [SEEDS [ITERATIONS [SONGS]]]]

LIBRARY is the core library (make core gives it), DATA a folder of songs.csv.gz,
artists.csv.gz and song_artists.csv.gz; SONGS of them are drawn, whole artists at a
time.  GENRE may be "genre/sibling,sibling,...": a node of a hierarchy, of the songs
that have one of these genres.  Needs numpy, pandas, scikit-optimize and optuna.

Everyone searches the same space on the same folds (by artist) and is told the mean
average precision over five folds of our trees, or with METRIC=logloss in the
environment minus their mean log-loss.  Their number comes to the peers in
three ways: by our early stopping, so that only the order in which parameters are
tried differs; always 100, as XGBClassifier has it in BayesSearchCV, which cannot
stop early; or searched, as a ninth dimension.  Ours is run with hopeless trials
given up and in every fold.  Printed: the best score after 10, 25 and 50 trials and
after 125 fits (25 trials in all folds), median of the seeds, and the fits made.
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

import songs

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "src", "core")
FOLDS = 5
TREES = 100
# name, low, high, logarithmic; integers are those whose bounds are
SPACE = [("max_depth", 3, 10, False), ("eta", 0.01, 0.3, True), ("min_child_weight", 0.5, 50.0, True),
         ("gamma", 1e-4, 10.0, True), ("lambda", 1e-3, 100.0, True), ("alpha", 1e-4, 10.0, True),
         ("subsample", 0.5, 1.0, False), ("colsample_bytree", 0.4, 1.0, False)]
# how peers come to a number of trees: name, command of the driver, more of the space
WAYS = [("early stopping", "score", []), ("%d trees" % TREES, "fixed", []),
        ("trees searched", "fixed", [("n_estimators", 10, TREES, False)])]


def build(library, folder):
    program = os.path.join(folder, "tune_driver")
    subprocess.run(["cc", "-std=gnu11", "-O3", "-I" + SOURCE, os.path.join(HERE, "tune_driver.c"), library,
                    "-lnlopt", "-ldl", "-lm", "-lpthread", "-o", program], check=True)
    return program


def write(program, folder, X, y, group, seed=1):
    """Rows, labels and folds for the driver; returns the folds."""
    X.astype("<f4").tofile(os.path.join(folder, "rows.f32"))
    y.astype("u1").tofile(os.path.join(folder, "labels.u8"))
    group.astype("<u4").tofile(os.path.join(folder, "groups.u32"))
    subprocess.run([program, "folds", folder, str(len(y)), str(FOLDS), str(seed)], check=True)
    return np.fromfile(os.path.join(folder, "folds.u8"), dtype="u1")


def ours(program, folder, shape, iterations, seed, race):
    """(seconds, score, folds) of every trial."""
    out = subprocess.run([program, "tune", folder, str(shape[0]), str(shape[1]), str(FOLDS), str(iterations), str(seed),
                          "race" if race else "exhaustive", "n_estimators=%d" % TREES],
                         check=True, capture_output=True, text=True).stdout
    return [(float(a), float(b), int(c)) for a, b, c, *_ in (line.split() for line in out.splitlines())]


class Score:
    """The score of parameters in all folds, asked of the driver."""

    def __init__(self, program, folder, shape, command):
        self.process = subprocess.Popen([program, command, folder, str(shape[0]), str(shape[1]), str(FOLDS)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, params):
        words = ["%s=%r" % item for item in {"n_estimators": TREES, **params}.items()]
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline().split()[1])


def skopt_search(score, space, iterations, seed):
    from skopt import BayesSearchCV
    from skopt.space import Integer, Real
    dimensions = {n: Integer(a, b) if isinstance(a, int) else Real(a, b, "log-uniform" if log else "uniform")
                  for n, a, b, log in space}
    integers = {n for n, a, _, _ in space if isinstance(a, int)}
    # the optimiser that the class itself asks
    search = BayesSearchCV(None, dimensions)
    search.optimizer_kwargs_ = {"random_state": seed}
    optimizer = search._make_optimizer(dimensions)
    names = sorted(dimensions)
    scores = []
    for _ in range(iterations):
        x = optimizer.ask()
        params = {n: int(v) if n in integers else float(v) for n, v in zip(names, x)}
        scores.append(score(params))
        optimizer.tell(x, -scores[-1])
    return scores


def optuna_search(score, space, iterations, seed):
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    scores = []

    def objective(trial):
        params = {n: trial.suggest_int(n, a, b) if isinstance(a, int) else trial.suggest_float(n, a, b, log=log)
                  for n, a, b, log in space}
        scores.append(score(params))
        return scores[-1]

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=iterations)
    return scores


def best_after(scores, fits=None):
    """Best score after 10, 25 and 50 trials, and after half as many fits as 50 trials in all folds make."""
    fits = fits or [FOLDS] * len(scores)
    half = int(np.searchsorted(np.cumsum(fits), 25 * FOLDS, side="right"))
    return [max(scores[:n]) for n in (10, 25, 50, half)]


def report(name, rows, fits):
    median = np.median(np.array(rows), axis=0)
    print("| %s | %s | %d |" % (name, " | ".join("%.4f" % m for m in median), np.median(fits)), flush=True)


def main():
    import warnings
    warnings.filterwarnings("ignore")
    library, data = sys.argv[1:3]
    genre = sys.argv[3] if len(sys.argv) > 3 else "mellow gold"
    seeds = range(1, 1 + int(sys.argv[4] if len(sys.argv) > 4 else 5))
    iterations = int(sys.argv[5]) if len(sys.argv) > 5 else 50
    X, group, labels = songs.load(data)
    genre, _, siblings = genre.partition("/")
    if siblings:
        node = np.array([not l.isdisjoint(siblings.split(",")) for l in labels])
        X, labels = X[node], [l for l, k in zip(labels, node) if k]
        group = np.unique(group[node], return_inverse=True)[1].astype("<u4")
    y = np.array([genre in l for l in labels])
    most = int(sys.argv[6]) if len(sys.argv) > 6 else 6000
    drawn = np.random.RandomState(0).permutation(group.max() + 1)
    keep = np.isin(group, drawn[np.cumsum(np.bincount(group)[drawn]) <= most])
    X, group, y = X[keep], group[keep], y[keep]
    with tempfile.TemporaryDirectory() as folder:
        program = build(library, folder)
        write(program, folder, X, y, group)
        print("%s: %d songs, %d positive" % (genre, len(y), y.sum()))
        print("| search | after 10 | 25 | 50 | 125 fits | fits of 50 |")
        for name, race in (("ours", True), ("ours, every fold", False)):
            runs = [ours(program, folder, X.shape, iterations, seed, race) for seed in seeds]
            report(name, [best_after([s if f == FOLDS else -np.inf for _, s, f in run], [f for _, _, f in run]) for run in runs],
                   [sum(f for _, _, f in run) for run in runs])
        for way, command, more in WAYS:
            score = Score(program, folder, X.shape, command)
            for name, search in (("BayesSearchCV", skopt_search), ("Optuna, TPE", optuna_search)):
                runs = [search(score, SPACE + more, iterations, seed) for seed in seeds]
                report("%s, %s" % (name, way), [best_after(run) for run in runs], [FOLDS * len(run) for run in runs])


if __name__ == "__main__":
    main()
