#!/usr/bin/env python3
"""Average precision of equal parameters next to XGBoost's histogram method and LightGBM, over many data sets.

    python3 boost_quality.py LIBRARY [--only NAME] [--seeds N] [DATA ...]

LIBRARY is the core library (make core gives it).  Needs numpy, scikit-learn, xgboost
and lightgbm; with DATA, folders of songs.csv.gz, artists.csv.gz and
song_artists.csv.gz, pandas too.

100 trees of depth 6 (LightGBM: at most 64 leaves), eta 0.1, 256 bins, lambda 1,
min_child_weight 1.  Average precision on rows held out, all programs on the same data.
Which of two nearly equal splits wins hangs on where exactly features are cut, and
everything below follows: so one data set says little.  Printed per kind of data: the
means, the paired differences to ours with their standard errors, the deviation of
xgboost's difference between data sets and of ours with 255 instead of 256 bins, and
the largest difference to xgboost when ours is given xgboost's cuts (the features
replaced by the numbers of its bins), which leaves nothing else to differ in.

made up: boost_speed.py's, 50,000 held out.  zeros: eight features that are zero in a
share of the rows and gamma distributed in the others, of which half say something.
songs: genres of all sizes; a quarter of the artists are held out, another one per split.
"""
import argparse
import os
import tempfile

import numpy as np
import xgboost as xgb
import lightgbm as lgb
from sklearn.metrics import average_precision_score

import boost
from boost_speed import PARAMS, made_up

HELD = 50000


def zeros(n, held, share, seed, d=8):
    rng = np.random.default_rng(seed)
    X = rng.gamma(1.0, 1.0, size=(n + held, d)).astype(np.float32)
    zero = rng.random(X.shape) < share
    X[zero] = 0
    signal = np.where(zero, 0, 2 * np.sin(3 * X) + (X > 1))[:, :d // 2].sum(axis=1)
    return X, (signal + 0.7 * rng.logistic(size=n + held) > 1.5).astype(np.uint8), n


def ours(run, X, y, m, **more):
    return boost.ours(*run, X, y, dict(PARAMS, threads=1, **more), valid=len(y) - m)["margins"][m:]


def xgboost(X, y, m):
    """Margins of the rows held out, and the features as numbers of its bins."""
    matrix = xgb.QuantileDMatrix(X[:m], y[:m], max_bin=256, nthread=1)
    booster = xgb.train({"eta": 0.1, "max_depth": 6, "max_bin": 256, "tree_method": "hist", "objective": "binary:logistic",
                         "nthread": 1}, matrix, PARAMS["n_estimators"])
    begin, cuts = matrix.get_quantile_cut()
    codes = [np.searchsorted(cuts[a:b - 1], X[:, f], side="right") for f, (a, b) in enumerate(zip(begin, begin[1:]))]
    return booster.inplace_predict(X[m:], predict_type="margin"), np.stack(codes, axis=1).astype(np.float32)


def lightgbm(X, y, m):
    params = {"learning_rate": 0.1, "max_depth": 6, "num_leaves": 64, "max_bin": 255, "objective": "binary",
              "num_threads": 1, "lambda_l2": 1, "min_sum_hessian_in_leaf": 1, "min_data_in_leaf": 1, "verbose": -1,
              "force_row_wise": True}
    return lgb.train(params, lgb.Dataset(X[:m], y[:m], params=params), PARAMS["n_estimators"]).predict(X[m:], raw_score=True)


def precisions(run, X, y, m):
    theirs, codes = xgboost(X, y, m)
    margins = (ours(run, X, y, m), theirs, lightgbm(X, y, m), ours(run, X, y, m, max_bin=255), ours(run, codes, y, m))
    return [average_precision_score(y[m:], values) for values in margins]


def report(name, rows):
    rows = np.array(rows)
    d = rows - rows[:, :1]
    error = d.std(axis=0, ddof=1) / np.sqrt(len(rows))
    print("| %s | %d | %.4f | %.4f | %.4f | %+.4f ± %.4f | %+.4f ± %.4f | %.4f | %.4f | %.1e |" % (
        name, len(rows), *rows[:, :3].mean(axis=0), d[:, 1].mean(), error[1], d[:, 2].mean(), error[2],
        d[:, 1].std(ddof=1), d[:, 3].std(ddof=1), np.abs(rows[:, 4] - rows[:, 1]).max()), flush=True)


def songs(run, folder, n_genres, splits):
    """Rows of precisions, for genres evenly spread over the 120 commonest."""
    from collections import Counter
    X, artist, labels = boost.load_songs(folder)
    common = [g for g, _ in Counter(g for s in labels for g in s).most_common(120)]
    names = np.unique(artist)
    rows = []
    for split in range(splits):
        held = set(names[np.random.default_rng(split).random(len(names)) < 0.25])
        out = np.array([a in held for a in artist])
        order, m = np.concatenate([np.flatnonzero(~out), np.flatnonzero(out)]), int((~out).sum())
        for genre in [common[int(i)] for i in np.linspace(0, 119, n_genres)]:
            y = np.array([genre in labels[i] for i in order], np.uint8)
            if y[:m].sum() >= 20 and y[m:].sum() >= 5:
                rows.append(precisions(run, X[order], y, m))
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("data", nargs="*")
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_intermixed_args()
    seeds = range(1, options.seeds + 1)
    kinds = {"made up, 50,000 rows": lambda seed: made_up(50000, HELD, seed=seed),
             "made up, 200,000 rows": lambda seed: made_up(200000, HELD, seed=seed)}
    for share in (0.5, 0.8, 0.95):
        kinds["zeros, %.0f %% of 30,000 rows" % (100 * share)] = lambda seed, share=share: zeros(30000, HELD, share, seed)
    print("xgboost %s, lightgbm %s" % (xgb.__version__, lgb.__version__))
    print("| data | sets | ours | xgboost | lightgbm | xgboost - ours | lightgbm - ours | deviation | of 255 bins | equal cuts |")
    with tempfile.TemporaryDirectory() as scratch:
        run = (boost.build(options.library, scratch), scratch)
        for name, make in kinds.items():
            if options.only in name:
                report(name, [precisions(run, *make(seed)) for seed in seeds])
        for folder in options.data:
            report(os.path.basename(os.path.normpath(folder)), songs(run, folder, 12, max(2, options.seeds // 4)))


if __name__ == "__main__":
    main()
