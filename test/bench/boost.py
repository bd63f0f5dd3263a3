#!/usr/bin/env python3
"""Boosted trees next to XGBoost's histogram method.

    python3 boost.py LIBRARY [DATA]

LIBRARY is the core library (make core gives it).  Needs numpy and xgboost; with
DATA, a folder of songs.csv.gz, artists.csv.gz and song_artists.csv.gz, pandas too.

1. Split for split: at most 256 distinct values per feature and no sampling
   must give the trees that XGBoost gives.
2. With DATA: average precision on held-out artists for three genres with equal
   parameters, and the time of one fit on one thread.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import xgboost as xgb

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "src", "core")


def build(library, folder):
    program = os.path.join(folder, "boost_driver")
    subprocess.run(["cc", "-std=gnu11", "-O3", "-I" + SOURCE, os.path.join(HERE, "boost_driver.c"), library,
                    "-lnlopt", "-ldl", "-lm", "-lpthread", "-o", program], check=True)
    return program


def read_model(path):
    """Trees as dicts of arrays, from the bytes of gh_booster_write()."""
    data = open(path, "rb").read()
    features, base, n_trees = struct.unpack_from("<IdI", data, 0)
    at, trees = 16, []
    for _ in range(n_trees):
        (n,) = struct.unpack_from("<I", data, at)
        at += 4
        tree = {}
        for name, kind in (("left", "<u4"), ("feature", "<u2"), ("default_left", "u1"), ("threshold", "<f4"),
                           ("value", "<f4"), ("cover", "<f4"), ("gain", "<f4")):
            tree[name] = np.frombuffer(data, kind, n, at)
            at += n * np.dtype(kind).itemsize
        trees.append(tree)
    assert at == len(data)
    return base, trees


def ours(program, folder, X, y, params, weights=None, valid=0):
    X.astype("<f4").tofile(os.path.join(folder, "rows.f32"))
    y.astype("u1").tofile(os.path.join(folder, "labels.u8"))
    path = os.path.join(folder, "weights.f32")
    if weights is not None:
        weights.astype("<f4").tofile(path)
    elif os.path.exists(path):
        os.unlink(path)
    out = subprocess.run([program, folder, str(len(y)), str(X.shape[1]), str(valid)] +
                         ["%s=%s" % item for item in params.items()], check=True, capture_output=True, text=True).stdout
    bins, fit, n_trees, memory = out.split()
    base, trees = read_model(os.path.join(folder, "model.bin"))
    margins = np.fromfile(os.path.join(folder, "margins.f64"))
    return {"bins": float(bins), "fit": float(fit), "base": base, "trees": trees, "margins": margins,
            "memory": float(memory)}


def theirs(X, y, params, weights=None):
    params = dict(params, tree_method="hist", objective="binary:logistic", nthread=1)
    rounds = params.pop("n_estimators", 100)
    start = time.perf_counter()
    matrix = xgb.QuantileDMatrix(X, y, weight=weights, max_bin=params.get("max_bin", 256), nthread=1)
    binned = time.perf_counter()
    booster = xgb.train(params, matrix, rounds)
    fit = time.perf_counter() - binned
    model = json.loads(booster.save_raw("json"))
    trees = model["learner"]["gradient_booster"]["model"]["trees"]
    return {"bins": binned - start, "fit": fit, "trees": trees, "booster": booster}


def compare_trees(a, b, missing):
    """Number of trees equal split for split, and what differs in the first that is not."""
    for i, (t, u) in enumerate(zip(a, b)):
        left = np.array(u["left_children"])
        left[left < 0] = 0
        inner = left > 0
        if len(left) != len(t["left"]) or (left != t["left"]).any():
            return i, "shape"
        if (np.array(u["split_indices"])[inner] != t["feature"][inner]).any():
            return i, "feature"
        threshold = np.array(u["split_conditions"], np.float32)
        if (threshold[inner] != t["threshold"][inner]).any():
            return i, "threshold"
        # XGBoost's rounding makes it try (and keep) directions of values that no row of the node lacks
        if missing and (np.array(u["default_left"])[inner] != t["default_left"][inner]).any():
            return i, "direction"
        if not np.allclose(threshold[~inner], t["value"][~inner], rtol=1e-4, atol=1e-6):
            return i, "leaf"
    return len(a), ""


def parity(program, folder):
    rng = np.random.default_rng(7)
    cases = [
        ("plain", 20000, 14, 250, 0.0, {}),
        ("256 values", 20000, 8, 256, 0.0, {}),
        ("few values", 5000, 6, 8, 0.0, {"max_depth": 4}),
        ("missing", 20000, 8, 200, 0.2, {}),
        ("256 and missing", 20000, 8, 256, 0.2, {}),
        ("alpha, gamma", 20000, 8, 250, 0.1, {"alpha": 2.0, "gamma": 1.5, "min_child_weight": 5}),
        ("max_delta_step", 20000, 8, 250, 0.1, {"max_delta_step": 0.5}),
        ("scale_pos_weight", 20000, 8, 250, 0.1, {"scale_pos_weight": 5.0}),
        ("monotone", 20000, 8, 250, 0.1, {"monotone_constraints": "(1,-1,0,0,1,0,0,0)"}),
        ("max_leaves", 20000, 8, 250, 0.1, {"max_leaves": 20}),
        ("lossguide", 20000, 8, 250, 0.1, {"grow_policy": "lossguide", "max_leaves": 31, "max_depth": 0}),
        ("lossguide, depth", 20000, 8, 250, 0.1, {"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 5}),
        ("weights", 20000, 8, 250, 0.1, {"lambda": 3.0}),
        ("deep", 20000, 8, 250, 0.0, {"max_depth": 10, "min_child_weight": 0.1}),
        ("small", 300, 8, 250, 0.1, {"min_child_weight": 0}),
    ]
    print("split for split with XGBoost %s (equal trees / trees)" % xgb.__version__)
    for name, n, d, values, missing, extra in cases:
        X = rng.integers(0, values, (n, d)).astype(np.float32) / 7
        signal = np.sin(X[:, 0] / 5) + X[:, 1] * X[:, 2] / 300 - (X[:, 3] > 10)
        y = (signal + rng.normal(size=n) > 1).astype(np.uint8)
        X[rng.random(X.shape) < missing] = np.nan
        weights = rng.choice([0.5, 1.0, 2.25, 3.7], n).astype(np.float32) if name == "weights" else None
        params = dict({"eta": 0.3, "n_estimators": 100}, **extra)
        a, b = ours(program, folder, X, y, params, weights), theirs(X, y, params, weights)
        same, what = compare_trees(a["trees"], b["trees"], missing > 0)
        matrix = xgb.DMatrix(X)
        gap = np.abs(a["margins"] - b["booster"].predict(matrix, output_margin=True)).max()
        print("  %-20s %3d / %d %-10s margins within %.1e   fit %.3f s, xgboost %.3f s" %
              (name, same, len(b["trees"]), what, gap, a["fit"], b["fit"]))


def load_songs(folder):
    """Features, first artist and the sets of genres of songs whose artists have genres."""
    import pandas as pd
    songs = pd.read_csv(os.path.join(folder, "songs.csv.gz"))
    artists = pd.read_csv(os.path.join(folder, "artists.csv.gz"), keep_default_na=False)
    links = pd.read_csv(os.path.join(folder, "song_artists.csv.gz"))
    features = [c for c in songs.columns if c != "song_id"]
    genres = {a: set(g.strip("{}").replace('"', "").split(",")) - {""}
              for a, g in zip(artists.artist_id, artists.genres)}
    of_song, first = {}, {}
    for song, artist in zip(links.song_id, links.artist_id):
        of_song.setdefault(song, set()).update(genres.get(artist, ()))
        first.setdefault(song, artist)
    songs = songs.dropna(subset=features)
    songs = songs[[bool(of_song.get(s)) for s in songs.song_id]]
    return (songs[features].to_numpy(np.float32), np.array([first[s] for s in songs.song_id]),
            [of_song[s] for s in songs.song_id])


def equal_cuts(Z, m):
    """Every feature as the number of its training quantile, 0 to 255."""
    quantiles = np.quantile(Z[:m], np.arange(1, 256) / 256, axis=0, method="inverted_cdf")
    return np.stack([np.searchsorted(quantiles[:, f], Z[:, f], side="right") for f in range(Z.shape[1])],
                    axis=1).astype(np.float32)


def songs(program, folder, data):
    from collections import Counter
    from sklearn.metrics import average_precision_score
    X, artist, labels = load_songs(data)
    counts = Counter(g for s in labels for g in s)
    ranked = [g for g, _ in counts.most_common()]
    chosen = [ranked[0], ranked[len(ranked) // 40], ranked[len(ranked) // 12]]
    names = np.unique(artist)
    params = {"eta": 0.1, "max_depth": 6, "n_estimators": 150, "lambda": 1}
    print("songs: %d, features: %d; %s" % (X.shape[0], X.shape[1], params))
    print("  average precision on held-out artists, mean of 10 splits (lowest - highest); the last column has both")
    print("  trained on features cut to the same 256 values, so that the difference is not that of the cuts")
    print("  %-18s %6s  %-24s %-24s %-18s %-24s %s" % ("genre", "songs", "ours", "xgboost", "mean difference",
                                                      "seconds (bins + fit)", "equal cuts"))
    for genre in chosen:
        gaps = []
        for split in range(10):
            rng = np.random.default_rng(split)
            held = set(names[rng.random(len(names)) < 0.25])
            out = np.array([a in held for a in artist])
            order = np.concatenate([np.flatnonzero(~out), np.flatnonzero(out)])
            Z, y = X[order], np.array([genre in labels[i] for i in order], np.uint8)
            m = int((~out).sum())
            a = ours(program, folder, Z, y, params, valid=len(y) - m)
            b = theirs(Z[:m], y[:m], params)
            ap = average_precision_score(y[m:], a["margins"][m:])
            bp = average_precision_score(y[m:], b["booster"].inplace_predict(Z[m:], predict_type="margin"))
            cut = equal_cuts(Z, m) if split < 3 else None
            same = np.nan if cut is None else abs(
                average_precision_score(y[m:], ours(program, folder, cut, y, params, valid=len(y) - m)["margins"][m:]) -
                average_precision_score(y[m:], theirs(cut[:m], y[:m], params)["booster"].inplace_predict(
                    cut[m:], predict_type="margin")))
            gaps.append((ap, bp, a["bins"], a["fit"], b["bins"], b["fit"], same))
        g = np.array(gaps)
        gap = g[:, 0] - g[:, 1]
        print("  %-18s %6d  %.4f (%.4f - %.4f) %.4f (%.4f - %.4f) %+.4f (se %.4f) %.2f+%.2f, xgboost %.2f+%.2f  %.1e" %
              (genre, counts[genre], g[:, 0].mean(), g[:, 0].min(), g[:, 0].max(), g[:, 1].mean(), g[:, 1].min(),
               g[:, 1].max(), gap.mean(), gap.std(ddof=1) / np.sqrt(len(gap)), *np.median(g[:, 2:6], axis=0),
               np.nanmax(g[:, 6])))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        driver = build(sys.argv[1], scratch)
        parity(driver, scratch)
        if len(sys.argv) > 2:
            songs(driver, scratch, sys.argv[2])
