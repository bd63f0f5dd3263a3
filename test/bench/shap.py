#!/usr/bin/env python3
"""Shapley values next to XGBoost's pred_contribs, shap's TreeExplainer and their definition.

    python3 shap.py LIBRARY

LIBRARY is the core library (make core gives it).  Needs numpy, xgboost and shap.
XGBoost trains; its trees, read from its JSON, go through our code and, as arrays,
through shap's own (given an XGBoost model, shap calls pred_contribs; with
feature_perturbation='tree_path_dependent' both follow the trees' covers).  Printed
per case: the largest difference to pred_contribs, to shap, to the enumeration of all
subsets (where the features are few), of the sum to the margin, and the processor
seconds of the three on one thread, the lesser of two runs in turns.
"""
import itertools
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import xgboost as xgb

HERE = os.path.dirname(os.path.abspath(__file__))
# "shap" is the package, not this file
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != HERE]
import shap  # noqa: E402

SOURCE = os.path.join(HERE, "..", "..", "src", "core")


def build(library, folder):
    program = os.path.join(folder, "shap_driver")
    subprocess.run(["cc", "-std=gnu11", "-O3", "-I" + SOURCE, os.path.join(HERE, "shap_driver.c"), library,
                    "-lnlopt", "-ldl", "-lm", "-lpthread", "-o", program], check=True)
    return program


def order_nodes(tree):
    """Old numbers in our order: siblings side by side, children after their parent."""
    order = [0]
    for node in order:
        if tree["left_children"][node] >= 0:
            order += [tree["left_children"][node], tree["right_children"][node]]
    return order


def read_trees(booster):
    """(base score, list of trees as dicts of arrays) from XGBoost's JSON."""
    model = json.loads(booster.save_raw("json"))
    learner = model["learner"]
    base = float(learner["learner_model_param"]["base_score"].strip("[]"))
    trees = []
    for t in learner["gradient_booster"]["model"]["trees"]:
        order = order_nodes(t)
        place = {old: new for new, old in enumerate(order)}
        pick = lambda name, kind: np.array([t[name][i] for i in order], dtype=kind)
        left = np.array([place[t["left_children"][i]] if t["left_children"][i] >= 0 else 0 for i in order], "<u4")
        leaf = left == 0
        condition = pick("split_conditions", "<f4")
        trees.append({
            "left": left,
            "feature": np.where(leaf, 0, pick("split_indices", "i8")).astype("<u2"),
            "default_left": np.where(leaf, 0, pick("default_left", "u1")).astype("u1"),
            "threshold": np.where(leaf, 0, condition).astype("<f4"),
            "value": np.where(leaf, condition, 0).astype("<f4"),
            "cover": pick("sum_hessian", "<f4"),
            "gain": pick("loss_changes", "<f4"),
        })
    return base, trees


def write_trees(path, features, base, trees):
    with open(path, "wb") as f:
        f.write(struct.pack("<IdI", features, base, len(trees)))
        for t in trees:
            f.write(struct.pack("<I", len(t["left"])))
            for name in ("left", "feature", "default_left", "threshold", "value", "cover", "gain"):
                f.write(t[name].tobytes())


def ours(program, folder, base, trees, X):
    n, d = X.shape
    paths = [os.path.join(folder, name) for name in ("trees", "rows", "values")]
    write_trees(paths[0], d, base, trees)
    X.astype("<f4").tofile(paths[1])
    out = subprocess.run([program, paths[0], paths[1], str(n), str(d), "1", paths[2]], check=True, text=True,
                         capture_output=True).stdout
    data = np.fromfile(paths[2], "<f8")
    return data[:n * (d + 1)].reshape(n, d + 1), data[n * (d + 1):], float(out)


def pred_contribs(booster, X):
    start = time.process_time()
    values = booster.predict(xgb.DMatrix(X, nthread=1), pred_contribs=True)
    return values, time.process_time() - start


def tree_explainer(base, trees):
    """shap's explainer of the trees as arrays."""
    arrays = []
    for t in trees:
        leaf, left = t["left"] == 0, t["left"].astype("i4")
        child = lambda c: np.where(leaf, -1, c).astype("i4")
        arrays.append({
            "children_left": child(left), "children_right": child(left + 1),
            "children_default": child(np.where(t["default_left"] == 1, left, left + 1)),
            "features": np.where(leaf, -1, t["feature"]).astype("i4"),
            # left is x <= threshold there, x < threshold here
            "thresholds": np.nextafter(t["threshold"].astype("f8"), -np.inf),
            "values": t["value"].astype("f8").reshape(-1, 1), "node_sample_weight": t["cover"].astype("f8"),
        })
    model = {"trees": arrays, "base_offset": math.log(base / (1 - base)), "tree_output": "raw_value",
             "objective": "binary_crossentropy", "input_dtype": np.float64, "internal_dtype": np.float64}
    return shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")


def shap_values(explainer, X):
    start = time.process_time()
    values = explainer.shap_values(X.astype("f8"), check_additivity=False)
    seconds = time.process_time() - start
    return np.column_stack([values.reshape(len(X), -1), np.full(len(X), float(np.ravel(explainer.expected_value)[0]))]), seconds


def expectation(t, node, x, known):
    left = t["left"][node]
    if left == 0:
        return float(t["value"][node])
    j = t["feature"][node]
    if j in known:
        goes = t["default_left"][node] if math.isnan(x[j]) else x[j] < t["threshold"][node]
        return expectation(t, left if goes else left + 1, x, known)
    cover = [float(t["cover"][k]) / float(t["cover"][node]) for k in (left, left + 1)]
    return cover[0] * expectation(t, left, x, known) + cover[1] * expectation(t, left + 1, x, known)


def definition(base, trees, x):
    """All subsets of the features."""
    d = len(x)
    game = {}
    for size in range(d + 1):
        for subset in itertools.combinations(range(d), size):
            game[subset] = math.log(base / (1 - base)) + sum(expectation(t, 0, x, subset) for t in trees)
    values = np.zeros(d + 1)
    values[d] = game[()]
    for subset, value in game.items():
        for j in set(range(d)) - set(subset):
            weight = math.factorial(len(subset)) * math.factorial(d - len(subset) - 1) / math.factorial(d)
            values[j] += weight * (game[tuple(sorted(subset + (j,)))] - value)
    return values


def data(rng, n, d, missing):
    X = rng.normal(size=(n, d)).astype("f4")
    score = X[:, 0] + np.sin(2 * X[:, 1 % d]) * X[:, 2 % d] + 0.5 * X[:, -1] ** 2 - 0.5
    y = (score + rng.normal(size=n) > 0).astype("i4")
    X[rng.random((n, d)) < missing] = np.nan
    return X, y


CASES = [
    # name, features, trees, parameters, share of missing values, rows to enumerate
    ("7 features, depth 6", 7, 20, {"max_depth": 6}, 0.0, 4),
    ("3 features, depth 8 (repeated)", 3, 30, {"max_depth": 8}, 0.1, 20),
    ("14 features, depth 6", 14, 100, {"max_depth": 6}, 0.05, 0),
    ("14 features, depth 10", 14, 50, {"max_depth": 10, "min_child_weight": 0}, 0.05, 0),
    ("14 features, 64 leaves", 14, 50, {"max_depth": 0, "max_leaves": 64, "grow_policy": "lossguide"}, 0.05, 0),
    ("40 features, depth 16", 40, 20, {"max_depth": 16, "min_child_weight": 0}, 0.05, 0),
]


def main():
    rng = np.random.default_rng(1)
    print("xgboost %s, shap %s" % (xgb.__version__, shap.__version__))
    print("%-32s %13s %9s %10s %10s %8s %13s %8s" %
          ("case", "pred_contribs", "shap", "definition", "sum-margin", "ours, s", "pred_contribs", "shap"))
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        program = build(sys.argv[1], folder)
        for name, d, n_trees, params, missing, enumerate_rows in CASES:
            X, y = data(rng, 4000, d, missing)
            X_test, _ = data(rng, 1000, d, missing)
            settings = dict(params, objective="binary:logistic", tree_method="hist", eta=0.3, nthread=1)
            booster = xgb.train(settings, xgb.DMatrix(X, y, nthread=1), n_trees)
            base, trees = read_trees(booster)
            explainer = tree_explainer(base, trees)
            seconds = [np.inf] * 3
            for _ in range(2):
                values, margins, time_ours = ours(program, folder, base, trees, X_test)
                theirs, time_theirs = pred_contribs(booster, X_test)
                explained, time_shap = shap_values(explainer, X_test)
                seconds = np.minimum(seconds, (time_ours, time_theirs, time_shap))
            peers = [np.abs(values - v).max() for v in (theirs, explained)]
            total = (np.abs(values.sum(axis=1) - margins) / (1 + np.abs(margins))).max()
            exact = max([np.abs(values[i] - definition(base, trees, X_test[i].tolist())).max()
                         for i in range(enumerate_rows)], default=float("nan"))
            worst = max(worst, *peers)
            print("%-32s %13.1e %9.1e %10.1e %10.1e %8.3f %13.3f %8.3f" % (name, *peers, exact, total, *seconds), flush=True)
    print("largest difference to a peer: %.1e" % worst)
    return 0 if worst < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
