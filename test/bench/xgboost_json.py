#!/usr/bin/env python3
"""boost_export and boost_import next to XGBoost, several versions of it.

    python3 xgboost_json.py PYTHON [PYTHON ...]

Every PYTHON is an interpreter that has numpy and some version of xgboost (a
virtual environment's bin/python).  The server is psql's default one (PGHOST,
PGPORT, PGUSER, PGDATABASE) with the extension installed.

1. Models trained here go through boost_export into each version: the largest
   difference of the probabilities.
2. Models that each version trains and saves, as JSON and as UBJSON, go through boost_import: the same.
3. A model of early stopping, cut at its best iteration or not.
4. Models that cannot be imported must be refused.
"""
import json
import os
import subprocess
import sys
import tempfile

ROWS = 2000
FEATURES = 5

FITS = {
    "plain": ({}, None),
    "names": ({"n_estimators": 30, "max_depth": 4}, ["tempo", "énergie \"x\"", "c", "d", "e"]),
    "lossguide, weights of positives": (
        {"grow_policy": "lossguide", "max_leaves": 40, "max_depth": 0, "scale_pos_weight": 3}, None),
    "base score": ({"base_score": 0.07, "n_estimators": 20}, None),
    "deep": ({"max_depth": 12, "min_child_weight": 0, "n_estimators": 20}, None),
}


# ---- in the interpreter of a version --------------------------------------

def child(folder):
    import numpy as np
    import xgboost as xgb
    X = np.fromfile(os.path.join(folder, "rows.f32"), "<f4").reshape(ROWS, FEATURES)
    y = np.fromfile(os.path.join(folder, "labels.u8"), "u1")
    for name in FITS:
        booster = xgb.Booster()
        booster.load_model(bytearray(open(os.path.join(folder, name + ".json"), "rb").read()))
        matrix = xgb.DMatrix(X, feature_names=FITS[name][1])
        p = booster.predict(matrix)
        p.astype("<f8").tofile(os.path.join(folder, name + ".theirs"))
        # what it saves after loading is good as well
        open(os.path.join(folder, name + ".again.json"), "wb").write(booster.save_raw("json"))

    def save(name, booster, matrix, **kind):
        for format in ("json", "ubj"):
            open(os.path.join(folder, "%s.own.%s" % (name, format)), "wb").write(booster.save_raw(format))
        booster.predict(matrix, **kind).astype("<f8").tofile(os.path.join(folder, name + ".own"))

    plain = xgb.DMatrix(X, y)
    named = xgb.DMatrix(X, y, feature_names=["a", "b b", "c\"", "dé", "e"])
    logistic = {"objective": "binary:logistic", "nthread": 1}
    accepted = {
        "hist": (dict(logistic, tree_method="hist"), plain),
        "names": (dict(logistic, tree_method="hist"), named),
        "exact, pruned": (dict(logistic, tree_method="exact", gamma=2, max_depth=8), plain),
        "base_score 0.5": (dict(logistic, base_score=0.5), plain),
        "base_score 0.02": (dict(logistic, base_score=0.02), plain),
        "forest of 3": (dict(logistic, num_parallel_tree=3, subsample=0.7), plain),
        "lossguide": (dict(logistic, tree_method="hist", grow_policy="lossguide", max_leaves=50, max_depth=0), plain),
    }
    refused = {
        "dart": (dict(logistic, booster="dart", rate_drop=0.1), plain),
        "gblinear": (dict(logistic, booster="gblinear"), plain),
        "regression": ({"objective": "reg:squarederror"}, plain),
        "softprob": ({"objective": "multi:softprob", "num_class": 3}, xgb.DMatrix(X, np.arange(ROWS) % 3)),
    }
    for name, (params, matrix) in accepted.items():
        save(name, xgb.train(params, matrix, 40), matrix)
    half = xgb.DMatrix(X[::2], y[::2]), xgb.DMatrix(X[1::2], y[1::2])
    for name, trees in (("early stopping", 1), ("early stopping, forest of 3", 3)):
        stopped = xgb.train(dict(logistic, num_parallel_tree=trees, subsample=0.7), half[0], 200, evals=[(half[1], "rest")],
                            early_stopping_rounds=10, verbose_eval=False)
        save(name, stopped, plain)
        save(name + " (best)", stopped, plain, iteration_range=(0, stopped.best_iteration + 1))
    for name, (params, matrix) in refused.items():
        for format in ("json", "ubj"):
            open(os.path.join(folder, "%s.bad.%s" % (name, format)), "wb").write(
                xgb.train(params, matrix, 5).save_raw(format))
    if xgb.__version__ >= "2":
        pair = np.stack([y, 1 - y], axis=1)
        multi = xgb.train(dict(logistic, tree_method="hist", multi_strategy="multi_output_tree"), xgb.DMatrix(X, pair), 3)
        open(os.path.join(folder, "vector leaves.bad.json"), "wb").write(multi.save_raw("json"))
        pairs = xgb.train(dict(logistic, tree_method="hist"), xgb.DMatrix(X, pair), 3)
        open(os.path.join(folder, "two targets.bad.json"), "wb").write(pairs.save_raw("json"))
    codes = np.nan_to_num(np.floor(np.abs(X)), nan=0)
    matrix = xgb.DMatrix(codes, y, feature_types=["c"] * FEATURES, enable_categorical=True)
    categories = xgb.train(dict(logistic, tree_method="hist", max_cat_to_onehot=1), matrix, 3)
    open(os.path.join(folder, "categories.bad.json"), "wb").write(categories.save_raw("json"))
    print(xgb.__version__)


# ---- in the server --------------------------------------------------------

def psql(script):
    run = subprocess.run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], input=script, text=True,
                         capture_output=True)
    return run.returncode, run.stdout, run.stderr


def prepare(folder):
    import numpy as np
    rng = np.random.default_rng(3)
    X = rng.normal(size=(ROWS, FEATURES)).astype("<f4")
    X[:, 4] = np.round(X[:, 4])
    y = (X[:, 0] + np.sin(3 * X[:, 1]) * X[:, 2] + rng.normal(size=ROWS) > 0.7).astype("u1")
    X[rng.random(X.shape) < 0.1] = np.nan
    X.tofile(os.path.join(folder, "rows.f32"))
    y.tofile(os.path.join(folder, "labels.u8"))
    with open(os.path.join(folder, "rows.sql"), "w") as out:
        out.write("CREATE TEMPORARY TABLE rows (id int, label boolean, features float8[]);\nCOPY rows FROM stdin;\n")
        for i in range(ROWS):
            cells = ",".join("NULL" if np.isnan(v) else repr(float(v)) for v in X[i])
            out.write("%d\t%s\t{%s}\n" % (i, "t" if y[i] else "f", cells))
        out.write("\\.\n")
    return open(os.path.join(folder, "rows.sql")).read()


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def export(folder, rows):
    import numpy as np
    ours = {}
    for name, (params, names) in FITS.items():
        array = "NULL" if names is None else "ARRAY[%s]" % ",".join(map(quote, names))
        status, out, err = psql(rows + """
            CREATE TEMPORARY TABLE m AS SELECT boost_fit('TABLE rows', %s, %s) AS model;
            SELECT boost_export(model) FROM m;
            SELECT string_agg(boost_predict(model, features)::text, ' ' ORDER BY id) FROM m, rows;
            """ % (quote(json.dumps(params)), array))
        assert status == 0, err
        text, values = out.strip().split("\n")
        open(os.path.join(folder, name + ".json"), "w").write(text)
        ours[name] = np.array(values.split(), float)
    return ours


def imported(rows, path):
    import numpy as np
    if path.endswith(".ubj"):
        model = "decode('%s', 'hex')" % open(path, "rb").read().hex()
    else:
        model = quote(open(path, encoding="utf-8").read())
    status, out, err = psql(rows + """
        SET standard_conforming_strings = on;
        CREATE TEMPORARY TABLE m AS SELECT boost_import(%s, best_iteration => %s) AS model;
        SELECT string_agg(boost_predict(model, features)::text, ' ' ORDER BY id) FROM m, rows;""" % (model, "(best)" in path))
    return np.array(out.split(), float) if status == 0 else err.strip()


def main(interpreters):
    import numpy as np
    worst = 0.0
    for python in interpreters:
        with tempfile.TemporaryDirectory() as folder:
            rows = prepare(folder)
            ours = export(folder, rows)
            run = subprocess.run([python, os.path.abspath(__file__), "--child", folder], text=True, capture_output=True)
            if run.returncode != 0:
                print(python, run.stderr[-2000:])
                return 1
            print("xgboost", run.stdout.strip().split("\n")[-1])
            for name in FITS:
                theirs = np.fromfile(os.path.join(folder, name + ".theirs"))
                again = imported(rows, os.path.join(folder, name + ".again.json"))
                gaps = np.abs(theirs - ours[name]).max(), np.abs(again - ours[name]).max()
                worst = max(worst, *gaps)
                print("  exported %-34s %.1e, saved there and imported again %.1e" % (name, *gaps))
            for file in sorted(os.listdir(folder)):
                stem, format = os.path.splitext(file)
                if stem.endswith(".own"):
                    result = imported(rows, os.path.join(folder, file))
                    if isinstance(result, str):
                        print("  imported %-34s %s" % (file, result))
                        return 1
                    gap = np.abs(result - np.fromfile(os.path.join(folder, stem))).max()
                    worst = max(worst, gap)
                    print("  imported %-34s %-5s %.1e" % (stem[:-4], format[1:], gap))
                elif stem.endswith(".bad"):
                    result = imported(rows, os.path.join(folder, file))
                    if not isinstance(result, str):
                        print("  %s was imported" % file)
                        return 1
                    print("  refused  %-34s %-5s %s" % (stem[:-4], format[1:], result.split("DETAIL:")[-1].strip()))
    print("largest difference: %.1e" % worst)
    return 0 if worst < 1e-6 else 1


if __name__ == "__main__":
    if sys.argv[1] == "--child":
        child(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))
