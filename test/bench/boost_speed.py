#!/usr/bin/env python3
"""Speed of one fit next to XGBoost's histogram method and LightGBM.

    python3 boost_speed.py LIBRARY [DATA|none [ROWS [ROUNDS]]]

LIBRARY is the core library (make core gives it).  Needs numpy, scikit-learn,
xgboost and lightgbm; with DATA, a folder of songs.csv.gz, artists.csv.gz and
song_artists.csv.gz, pandas too: then songs with genres are timed as well.  ROWS
(200,000): how many are made up, and a quarter of it more to be held out; 0: only
songs.

100 trees of depth 6 (LightGBM: at most 64 leaves), eta 0.1, 256 bins, lambda 1,
min_child_weight 1, with 1 and 2 threads.  Programs take turns for ROUNDS (5) rounds;
of every program the run of median total counts, and the fastest and slowest are shown
beside it.  "bins" is what comes before the first tree, "fit" the trees.  LightGBM runs
row-wise and column-wise.
"""
import os
import sys
import tempfile
import time

import lightgbm as lgb
import numpy as np
import xgboost as xgb
from sklearn.metrics import average_precision_score

import boost

PARAMS = {"eta": 0.1, "max_depth": 6, "n_estimators": 100}


def made_up(n, held, d=14, seed=1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + held, d)).astype(np.float32)
    X[:, 3:6] = np.exp(X[:, 3:6])
    X[:, 6] = np.round(X[:, 6] * 4)
    signal = X[:, 0] + np.sin(2 * X[:, 1]) * X[:, 2] + (X[:, 3] > 1.5) - 0.5 * X[:, 7] * (X[:, 8] > 0) + X[:, 9] * X[:, 10]
    y = (signal + rng.normal(size=n + held) > 1.5).astype(np.uint8)
    return X, y, n


def songs(folder):
    from collections import Counter
    X, artist, labels = boost.load_songs(folder)
    genre = Counter(g for s in labels for g in s).most_common(1)[0][0]
    names = np.unique(artist)
    held = set(names[np.random.default_rng(0).random(len(names)) < 0.25])
    out = np.array([a in held for a in artist])
    order = np.concatenate([np.flatnonzero(~out), np.flatnonzero(out)])
    return X[order], np.array([genre in labels[i] for i in order], np.uint8), int((~out).sum())


def ours(run, X, y, m, threads):
    result = boost.ours(*run, X, y, dict(PARAMS, threads=threads), valid=len(y) - m)
    return result["bins"], result["fit"], result["margins"][m:]


def xgboost(run, X, y, m, threads):
    params = {"eta": 0.1, "max_depth": 6, "max_bin": 256, "tree_method": "hist", "objective": "binary:logistic",
              "nthread": threads}
    start = time.perf_counter()
    matrix = xgb.QuantileDMatrix(X[:m], y[:m], max_bin=256, nthread=threads)
    binned = time.perf_counter()
    booster = xgb.train(params, matrix, 100)
    end = time.perf_counter()
    return binned - start, end - binned, booster.inplace_predict(X[m:], predict_type="margin")


def lightgbm(wise):
    def run(_, X, y, m, threads):
        params = {"learning_rate": 0.1, "max_depth": 6, "num_leaves": 64, "max_bin": 255, "objective": "binary",
                  "num_threads": threads, "lambda_l2": 1, "min_sum_hessian_in_leaf": 1, "min_data_in_leaf": 1,
                  "verbose": -1, wise: True}
        start = time.perf_counter()
        data = lgb.Dataset(X[:m], y[:m], params=params).construct()
        binned = time.perf_counter()
        booster = lgb.train(params, data, 100)
        end = time.perf_counter()
        return binned - start, end - binned, booster.predict(X[m:], raw_score=True)
    return run


def compare(run, name, X, y, m, rounds):
    programs = {"ours": ours, "xgboost": xgboost, "lightgbm row-wise": lightgbm("force_row_wise"),
                "lightgbm column-wise": lightgbm("force_col_wise")}
    print("%s: %d rows, %d held out, %d features, %d of the held out positive" %
          (name, m, len(y) - m, X.shape[1], y[m:].sum()))
    for threads in (1, 2):
        runs = {program: [] for program in programs}
        for _ in range(rounds):
            for program, function in programs.items():
                runs[program].append(function(run, X, y, m, threads))
        for program, timed in runs.items():
            timed.sort(key=lambda r: r[0] + r[1])
            bins, fit, margins = timed[len(timed) // 2]
            print("  %d threads %-22s bins %.3f + fit %.3f = %.3f s (%.3f to %.3f)   average precision %.4f" %
                  (threads, program, bins, fit, bins + fit, sum(timed[0][:2]), sum(timed[-1][:2]),
                   average_precision_score(y[m:], margins)), flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        run = (boost.build(sys.argv[1], scratch), scratch)
        print("xgboost %s, lightgbm %s" % (xgb.__version__, lgb.__version__))
        rows = int(sys.argv[3]) if len(sys.argv) > 3 else 200000
        rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
        if rows > 0:
            compare(run, "made up", *made_up(rows, rows // 4), rounds)
        if len(sys.argv) > 2 and sys.argv[2] != "none":
            compare(run, os.path.basename(os.path.normpath(sys.argv[2])), *songs(sys.argv[2]), rounds)
