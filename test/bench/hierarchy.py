#!/usr/bin/env python3
"""What the choices of a hierarchy are worth on real songs, and its scores next to scikit-learn's.

    python3 hierarchy.py contexts DATA [--splits N]
    python3 hierarchy.py combines LIBRARY DATA [--splits N]
    python3 hierarchy.py starts LIBRARY DATA [--splits N]

DATA is a folder of songs.csv.gz, artists.csv.gz and song_artists.csv.gz, LIBRARY the
core library (make core gives it).  Every part loads DATA into a database of its own
(PGHOST, PGPORT, PGUSER; the extension must be installed).  Needs psycopg2, numpy,
pandas and scikit-learn.

contexts: train_hierarchy() with context => 'song' and 'artist', both with combine =>
'blend', untuned, a split by artists for every seed.  Printed: average precision and
coverage error of all classifiers, and paired differences to vanilla and to 'song'.

combines: the hierarchy of one search for supergenres, trained through the core on
splits by artist; ways to join P(supergenre), P(genre | supergenre) and the flat
P(genre), among them some that are not offered because they are no better.  The scores
of the evaluation, of every classifier and node, are computed again by scikit-learn from
the predictions; the exit status is 1 when one differs by 1e-12 or more.

starts: searches of parameters (50 trials, five folds by artist, raced as in training)
with and without what was found for the node above as an early trial; for the first
--genres of --supergenres supergenres below their supergenre, a search per seed up to
--splits, and for the first of each among all songs (vanilla: from both nodes' findings).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import songs
from protocol import load

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..", "src", "core")
CLASSIFIERS = ["vanilla", "hierarchical", "hierarchical_hint", "blend"]


def mean_and_error(values):
    values = np.asarray(values)
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")


# ---- contexts ----------------------------------------------------------------

def train_in_sql(cursor, context, seed, min_followers):
    cursor.execute("SELECT classifier, average_precision, coverage_error, min_coverage_error, genres, supergenres "
                   "FROM train_hierarchy(context => %s, combine => 'blend', iterations => 0, seed => %s, min_followers => %s)",
                   (context, seed, min_followers))
    rows = cursor.fetchall()
    return {r[0]: np.array(r[1:3]) for r in rows}, rows[0][3:]


def contexts(options):
    connection = load(options.data)
    cursor = connection.cursor()
    cursor.execute("SET maintenance_work_mem = '2GB'; SET client_min_messages = warning; SET genre_hier.progress_interval = 0;"
                   "SET genre_hier.threads = %d" % options.threads)
    got = {context: {c: [] for c in CLASSIFIERS} for context in ("song", "artist")}
    for seed in range(1, options.splits + 1):
        for context in got:
            scores, (least, genres, supergenres) = train_in_sql(cursor, context, seed, options.min_followers)
            print("seed %d, %s: %d supergenres, %d genres, minimum of the coverage error %.3f; %s" %
                  (seed, context, supergenres, genres, least,
                   ", ".join("%s %.4f / %.3f" % (c, *scores[c]) for c in CLASSIFIERS)), flush=True)
            for c in CLASSIFIERS:
                got[context][c].append(scores[c])
    print("| context | classifier | average precision | coverage error | AP - vanilla | coverage - vanilla, % | "
          "AP - song | coverage - song, % |")
    for context in got:
        for c in CLASSIFIERS:
            mine, flat, song = (np.array(x) for x in (got[context][c], got[context]["vanilla"], got["song"][c]))
            print("| %s | %s | %.4f ± %.4f | %.3f ± %.3f | %+.4f ± %.4f | %+.1f ± %.1f | %+.4f ± %.4f | %+.1f ± %.1f |" % (
                context, c, *mean_and_error(mine[:, 0]), *mean_and_error(mine[:, 1]),
                *mean_and_error(mine[:, 0] - flat[:, 0]), *mean_and_error(100 * (mine[:, 1] / flat[:, 1] - 1)),
                *mean_and_error(mine[:, 0] - song[:, 0]), *mean_and_error(100 * (mine[:, 1] / song[:, 1] - 1))))
    return 0


# ---- through the core ----------------------------------------------------------

def build(library, folder):
    program = os.path.join(folder, "hierarchy_driver")
    subprocess.run(["cc", "-std=gnu11", "-O3", "-I" + SOURCE, os.path.join(HERE, "hierarchy_driver.c"), library,
                    "-lnlopt", "-ldl", "-lm", "-lpthread", "-o", program], check=True)
    return program


class Catalogue:
    """Complete songs with a kept genre: features, artists, genres, and the supergenre of every kept genre."""

    def __init__(self, options):
        cursor = load(options.data).cursor()
        cursor.execute("SET maintenance_work_mem = '2GB'; SET client_min_messages = warning")
        # supergenres of all artists: what is compared shares them
        cursor.execute("SELECT count(*) FROM train_hierarchy('plan', iterations => 0, validation_fraction => 0, "
                       "min_followers => %s, params => '{\"n_estimators\": 1, \"max_depth\": 1}')", (options.min_followers,))
        cursor.execute("SELECT node, parent FROM genre_models, model_nodes(model) WHERE is_genre ORDER BY 2, 1")
        self.hierarchy = cursor.fetchall()
        cursor.execute("SELECT ARRAY[%s]::float8[], array_agg(DISTINCT a.artist_id ORDER BY a.artist_id), array_agg(DISTINCT g) "
                       "FROM songs s JOIN song_artists USING (song_id) JOIN artists a USING (artist_id), unnest(a.genres) g "
                       "WHERE num_nulls(%s) = 0 GROUP BY song_id ORDER BY song_id" %
                       (", ".join("s." + f for f in songs.FEATURES), ", ".join("s." + f for f in songs.FEATURES)))
        number = {genre: i for i, (genre, _) in enumerate(self.hierarchy)}
        rows = [(x, artists, [number[g] for g in genres if g in number]) for x, artists, genres in cursor.fetchall()]
        rows = [r for r in rows if r[2]]
        self.X = np.array([r[0] for r in rows], "<f4")
        self.artists = [r[1] for r in rows]
        self.genres = [r[2] for r in rows]
        first = {a: i for i, a in enumerate(sorted({r[1][0] for r in rows}))}
        self.group = np.array([first[r[1][0]] for r in rows], "<u4")

    def split(self, seed):
        """1: validation, a fifth of the first artists; 0: training; 2: shares an artist with those."""
        held = np.random.default_rng(seed).random(self.group.max() + 1) < 0.2
        valid = held[self.group]
        known = {a for i in np.flatnonzero(valid) for a in self.artists[i]}
        aside = np.array([not v and not known.isdisjoint(a) for v, a in zip(valid, self.artists)])
        return np.where(valid, 1, np.where(aside, 2, 0)).astype("u1")


def train(program, folder, catalogue, use):
    """Trained on use == 0, the others held out: nodes, what the evaluation says, and the probabilities of use == 1."""
    keep = np.flatnonzero(use < 2)
    genres = [catalogue.genres[i] for i in keep]
    catalogue.X[keep].tofile(os.path.join(folder, "rows.f32"))
    use[keep].tofile(os.path.join(folder, "valid.u8"))
    np.cumsum([0] + [len(g) for g in genres]).astype("<u8").tofile(os.path.join(folder, "begin.u64"))
    np.array([g for row in genres for g in row], "<u4").tofile(os.path.join(folder, "labels.u32"))
    with open(os.path.join(folder, "hierarchy.txt"), "w", encoding="utf-8") as f:
        f.writelines("%s\t%s\n" % pair for pair in catalogue.hierarchy)
    out = subprocess.run([program, "train", folder, str(len(keep)), str(catalogue.X.shape[1])], check=True,
                         capture_output=True, text=True).stdout
    parent, name, order, said = [], [], [], {}
    for line in out.splitlines():
        word = line.split(" ")
        if word[0] == "node":
            parent.append(int(word[2]))
            name.append(" ".join(word[3:]))
        elif word[0] == "genre":
            order.append(int(word[1]))
        elif word[0] == "score":
            said[word[1]] = [float(w) for w in word[2:]]
        else:
            said[int(word[1]), word[2]] = [float(w) for w in word[3:]]
    parent, order = np.array(parent), np.array(order)
    line = {pair: i for i, pair in enumerate(catalogue.hierarchy)}
    column = [line[name[v], name[parent[v]]] for v in order]
    valid = np.flatnonzero(use == 1)
    truth = np.zeros((len(valid), len(order)), np.uint8)
    for i, row in enumerate(valid):
        truth[i, catalogue.genres[row]] = 1
    read = lambda file, width: np.fromfile(os.path.join(folder, file), "<f8").reshape(len(valid), width)
    return {"parent": parent, "order": order, "said": said, "truth": truth[:, column],
            "conditional": read("conditional.f64", len(parent)), "joint": read("joint.f64", len(parent)),
            "flat": read("flat.f64", len(order))}


def all_scores(run):
    """{classifier: (truth, scores)} over all nodes, NaN where a classifier has none."""
    parent, order = run["parent"], run["order"]
    truth = np.zeros_like(run["conditional"], dtype=np.uint8)
    truth[:, order] = run["truth"]
    for v in reversed(range(len(parent))):
        if parent[v] >= 0:
            truth[:, parent[v]] |= truth[:, v]
    product, hint, flat, blend = run["conditional"].copy(), run["conditional"].copy(), *(np.full_like(run["joint"], np.nan) for _ in "ab")
    for v in range(len(parent)):
        if parent[v] >= 0:
            product[:, v] = product[:, parent[v]] * run["conditional"][:, v]
            hint[:, v] = np.where(truth[:, parent[v]], run["conditional"][:, v], 0)
    hint[:, parent < 0] = np.nan
    flat[:, order] = run["flat"]
    blend[:, order] = run["joint"][:, order]
    return truth, {"vanilla": flat, "hierarchical": product, "hierarchical_hint": hint, "blend": blend}


def compare_with_sklearn(run):
    """(figures compared, largest difference) of the evaluation and scikit-learn on the same predictions."""
    from sklearn.metrics import average_precision_score, coverage_error
    truth, scores = all_scores(run)
    order, said = run["order"], run["said"]
    differences = []
    for c in CLASSIFIERS:
        s = scores[c]
        aps = []
        for v in range(s.shape[1]):
            if np.isnan(s[0, v]) or not truth[:, v].any():
                continue
            ap = average_precision_score(truth[:, v], s[:, v])
            kin = order if v in order else np.setdiff1d(np.arange(s.shape[1]), order)
            rows = truth[:, v] == 1
            own = np.tile((kin == v).astype(int), (rows.sum(), 1))
            differences += [ap - said[v, c][0], coverage_error(own, s[rows][:, kin]) - said[v, c][1]]
            if v in order:
                aps.append(ap)
        differences += [np.mean(aps) - said[c][0], coverage_error(run["truth"], s[:, order]) - said[c][1],
                        run["truth"].sum(axis=1).mean() - said[c][2]]
    return len(differences), np.abs(differences).max()


def joined(run):
    """Ways to join the probabilities of a genre: supergenre's s, the genre's given it c, the flat one f."""
    order = run["order"]
    s, c, f = run["conditional"][:, run["parent"][order]], run["conditional"][:, order], run["flat"]
    hint = all_scores(run)[1]["hierarchical_hint"][:, order]
    return {"vanilla: f": f, "product: s c": s * c, "blend: mean log-odds of s c and f": run["joint"][:, order],
            "mean of s c and f": (s * c + f) / 2, "arithmetic: (s + c) / 2": (s + c) / 2, "least: min(s, c)": np.minimum(s, c),
            "none: c": c, "with hint": hint}


def combines(options):
    from sklearn.metrics import average_precision_score, coverage_error
    catalogue = Catalogue(options)
    got, compared, worst = {}, 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        program = build(options.library, folder)
        for seed in range(1, options.splits + 1):
            run = train(program, folder, catalogue, catalogue.split(seed))
            count, difference = compare_with_sklearn(run)
            compared, worst = compared + count, max(worst, difference)
            for way, scores in joined(run).items():
                ap = np.mean([average_precision_score(run["truth"][:, g], scores[:, g])
                              for g in range(scores.shape[1]) if run["truth"][:, g].any()])
                got.setdefault(way, []).append((ap, coverage_error(run["truth"], scores)))
    got = {way: np.array(x) for way, x in got.items()}
    flat = got["vanilla: f"]
    print("%d songs, %d supergenres, %d genres, %d splits by artist" %
          (len(catalogue.X), len({s for _, s in catalogue.hierarchy}), len(catalogue.hierarchy), options.splits))
    print("| way | average precision | coverage error | AP - vanilla | coverage - vanilla, % |")
    for way, x in got.items():
        print("| %s | %.4f | %.3f | %+.4f ± %.4f | %+.1f ± %.1f |" % (
            way, *x.mean(axis=0), *mean_and_error(x[:, 0] - flat[:, 0]), *mean_and_error(100 * (x[:, 1] / flat[:, 1] - 1))))
    print("%d figures of the evaluation computed again by scikit-learn: largest difference %.1e" % (compared, worst))
    return 0 if worst < 1e-12 else 1


# ---- starts --------------------------------------------------------------------

FOLDS, TRIALS, MARKS = 5, 50, (10, 25, 50)
BASE = "n_estimators=100"
SEARCHED = ("max_depth", "eta", "min_child_weight", "gamma", "lambda", "alpha", "subsample", "colsample_bytree")


def search(program, folder, catalogue, rows, y, seed, starts):
    """Best score after 10, 25 and 50 trials, fits, and the best parameters as a start for others."""
    catalogue.X[rows].tofile(os.path.join(folder, "rows.f32"))
    y[rows].astype("u1").tofile(os.path.join(folder, "labels.u8"))
    catalogue.group[rows].tofile(os.path.join(folder, "groups.u32"))
    out = subprocess.run([program, "tune", folder, str(len(rows)), str(catalogue.X.shape[1]), str(FOLDS), str(TRIALS),
                          str(seed), BASE] + starts, check=True, capture_output=True, text=True).stdout
    trials = [(float(score), int(folds), json.loads(params)) for score, folds, params in
              (line.split(" ", 2) for line in out.splitlines())]
    most = max(folds for _, folds, _ in trials)
    score = [s if folds == most else -np.inf for s, folds, _ in trials]
    best = trials[int(np.argmax(score))][2]
    return ([max(score[:n]) for n in MARKS], sum(folds for _, folds, _ in trials),
            ",".join("%s=%r" % (name, best[name]) for name in SEARCHED))


def report_starts(name, without, given):
    """Rows are searches; columns best after 10, 25, 50 and fits."""
    without, given = np.array(without), np.array(given)
    for label, x in (("without", without), ("with", given)):
        print("| %s, %s | %s | %.0f |" % (name, label, " | ".join("%.4f" % m for m in x[:, :3].mean(axis=0)), x[:, 3].mean()))
    print("| %s, difference | %s | |" % (name, " | ".join("%+.4f ± %.4f" % mean_and_error(d) for d in (given - without)[:, :3].T)))
    print("%s: after 10 trials with a start at least as good as after %s without in %s of %d searches" % (
        name, ", ".join(map(str, MARKS)), ", ".join(str((given[:, 0] >= without[:, i]).sum()) for i in range(3)), len(given)), flush=True)


def starts(options):
    catalogue = Catalogue(options)
    supergenres = sorted({s for _, s in catalogue.hierarchy})
    member = lambda g: np.array([g in row for row in catalogue.genres])
    got = {("genres", w): [] for w in (False, True)} | {("vanilla", w): [] for w in (False, True)}
    use = catalogue.split(1)
    train_rows = np.flatnonzero(use == 0)
    with tempfile.TemporaryDirectory() as folder:
        program = build(options.library, folder)
        for s in supergenres[:options.supergenres]:
            below = [i for i, (_, parent) in enumerate(catalogue.hierarchy) if parent == s]
            is_s = np.any([member(g) for g in below], axis=0)
            _, _, parent_start = search(program, folder, catalogue, train_rows, is_s, 1, [])
            for k, g in enumerate(below[:options.genres]):
                y = member(g)
                rows = train_rows[is_s[train_rows]]
                for seed in range(1, options.splits + 1):
                    for given in (False, True):
                        best, fits, own = search(program, folder, catalogue, rows, y, seed, [parent_start] if given else [])
                        got["genres", given].append(best + [fits])
                    if k == 0 and seed == 1:
                        for given in (False, True):
                            best, fits, _ = search(program, folder, catalogue, train_rows, y, seed,
                                                   [parent_start, own] if given else [])
                            got["vanilla", given].append(best + [fits])
                print("%s below %s: %d of %d songs; %s" % (catalogue.hierarchy[g][0], s, y[rows].sum(), len(rows), ", ".join(
                    "%s %s" % ("with" if w else "without", " ".join("%.4f" % m for m in np.mean(got["genres", w][-options.splits:], axis=0)[:3]))
                    for w in (False, True))), flush=True)
    print("| searches | after 10 | 25 | 50 | fits |")
    for name in ("genres", "vanilla"):
        report_starts(name, got[name, False], got[name, True])
    return 0


def main():
    parser = argparse.ArgumentParser()
    parts = parser.add_subparsers(dest="part", required=True)
    for name, function in (("contexts", contexts), ("combines", combines), ("starts", starts)):
        part = parts.add_parser(name)
        part.set_defaults(function=function)
        if name != "contexts":
            part.add_argument("library")
        part.add_argument("data")
        part.add_argument("--splits", type=int, default=5)
        part.add_argument("--threads", type=int, default=1)
        part.add_argument("--min-followers", type=int, default=1000)
        if name == "starts":
            part.add_argument("--supergenres", type=int, default=6)
            part.add_argument("--genres", type=int, default=2)
    options = parser.parse_args()
    os.environ["THREADS"] = str(options.threads)
    return options.function(options)


if __name__ == "__main__":
    sys.exit(main())
