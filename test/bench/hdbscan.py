"""HDBSCAN*, DBCV and the grid of genre_hier against the hdbscan package, side by side.

    python test/bench/hdbscan.py DATA [--threads 2] [--core build/core/libgenre_hier_core.a]

DATA is a folder with songs.csv.gz, artists.csv.gz and song_artists.csv.gz.  The
points are the artists' means of the 14 features as z-scores (artists with genres
and at least --min-followers followers), and a 2-D umap-learn projection of them.
Needs numpy, pandas, scikit-learn, hdbscan and umap-learn, a C compiler, and the
core library (make core).

Mutual reachability has many equal weights, and the order in which they are
joined decides where a cluster splits.  hdbscan leaves that order to its search
and to an unstable sort; ours is (weight, lower index, higher index).  So labels
can differ although both spanning trees are minimal: the table shows the weights
of both, how many are tied, how well hdbscan agrees with itself under its other
algorithm, and what hdbscan makes of our tree.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import warnings

# this file is called like the package it measures
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

warnings.filterwarnings("ignore")

# min_cluster_size, min_samples, method, epsilon, max_cluster_size, allow_single_cluster
SETTINGS_14D = [
    (5, 3, "eom", 0.0, 0, False),
    (5, 1, "leaf", 0.0, 0, False),
    (10, 5, "eom", 0.0, 0, True),
    (4, 2, "leaf", 1.2, 0, False),
    (15, 2, "eom", 0.0, 0, False),
]
SETTINGS_2D = [
    (20, 10, "eom", 0.0, 0, False),
    (50, 5, "leaf", 0.0, 0, False),
    (10, 10, "eom", 0.3, 0, False),
    (15, 30, "eom", 0.0, 300, False),
    (100, 15, "eom", 0.0, 0, True),
]


def artist_points(folder, min_followers):
    songs = pd.read_csv(os.path.join(folder, "songs.csv.gz"))
    artists = pd.read_csv(os.path.join(folder, "artists.csv.gz"), keep_default_na=False)
    links = pd.read_csv(os.path.join(folder, "song_artists.csv.gz"))
    features = [c for c in songs.columns if c != "song_id"]
    songs = songs.dropna(subset=features)
    followers = pd.to_numeric(artists.followers, errors="coerce").fillna(0)
    artists = artists[(artists.genres != "{}") & (artists.genres != "") & (followers >= min_followers)]
    joined = links.merge(songs, on="song_id").merge(artists[["artist_id"]], on="artist_id")
    means = joined.groupby("artist_id")[features].mean().sort_index().to_numpy(np.float64)
    spread = means.std(axis=0)
    spread[spread == 0] = 1
    return np.ascontiguousarray((means - means.mean(axis=0)) / spread)


class Driver:
    def __init__(self, core, threads):
        self.folder = tempfile.mkdtemp(prefix="gh_bench_")
        self.program = os.path.join(self.folder, "driver")
        self.threads = str(threads)
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.check_call(
            ["cc", "-O2", "-I", os.path.join(here, "..", "..", "src", "core"), "-o", self.program,
             os.path.join(here, "hdbscan_driver.c"), core, "-lnlopt", "-ldl", "-lm", "-lpthread"])

    def run(self, *arguments):
        text = subprocess.check_output([self.program, *map(str, arguments)], text=True)
        return {k: float(v) for k, v in (line.split("=") for line in text.split())}

    def points_file(self, points):
        path = os.path.join(self.folder, "points")
        np.ascontiguousarray(points, np.float64).tofile(path)
        return path

    def cluster(self, points, setting, alpha=1.0):
        n, d = points.shape
        out = os.path.join(self.folder, "out")
        size, samples, method, epsilon, most, single = setting
        result = self.run("cluster", self.points_file(points), n, d, out, self.threads, size, samples, method,
                          epsilon, most, int(single), alpha)
        data = open(out, "rb").read()
        labels = np.frombuffer(data, np.int32, n)
        rest = np.frombuffer(data, np.float64, 2 * n, 4 * n)
        return labels, rest[:n], rest[n:], result

    def dbcv(self, points, labels):
        path = os.path.join(self.folder, "labels")
        labels.astype(np.int32).tofile(path)
        return self.run("dbcv", self.points_file(points), *points.shape, path, self.threads)

    def edges(self, points, samples, alpha=1.0):
        out = os.path.join(self.folder, "edges")
        self.run("edges", self.points_file(points), *points.shape, out, self.threads, samples, alpha)
        return np.fromfile(out, np.float64).reshape(-1, 3)

    def grid(self, points, sizes, samples):
        n, d = points.shape
        out = os.path.join(self.folder, "grid")
        result = self.run("grid", self.points_file(points), n, d, out, self.threads,
                          ",".join(map(str, sizes)), ",".join(map(str, samples)))
        return np.loadtxt(out, ndmin=2), result


def peer_fit(points, setting, algorithm="best"):
    import hdbscan

    size, samples, method, epsilon, most, single = setting
    model = hdbscan.HDBSCAN(min_cluster_size=size, min_samples=samples, cluster_selection_method=method,
                            cluster_selection_epsilon=epsilon, max_cluster_size=most, algorithm=algorithm,
                            allow_single_cluster=single, approx_min_span_tree=False, gen_min_span_tree=True)
    start = time.time()
    model.fit(points)
    return model, time.time() - start


def peer_on_tree(edges, setting):
    """What hdbscan makes of a spanning tree that is handed to it."""
    from hdbscan._hdbscan_linkage import label
    from hdbscan._hdbscan_tree import outlier_scores
    from hdbscan.hdbscan_ import _tree_to_labels

    size, _, method, epsilon, most, single = setting
    labels, probabilities, _, condensed, _ = _tree_to_labels(
        None, label(np.ascontiguousarray(edges)), size, method, single, False, epsilon, 0.0, most)
    return labels, probabilities, outlier_scores(condensed)


def peer_relative_validity(edges, labels):
    import hdbscan

    model = hdbscan.HDBSCAN(gen_min_span_tree=True)
    model.labels_ = labels.astype(np.int64)
    model._min_spanning_tree = edges
    return model.relative_validity_


def validity(points, labels, exact):
    """hdbscan's validity_index; exact: with distances that are not off by the dot product's rounding."""
    from hdbscan.validity import validity_index
    from scipy.spatial.distance import cdist

    start = time.time()
    labels = labels.astype(np.int64)
    if labels.max() < 1:
        return float("nan"), 0.0
    if exact:
        value = validity_index(cdist(points, points), labels, metric="precomputed", d=points.shape[1])
    else:
        value = validity_index(points, labels)
    return value, time.time() - start


def distance(a, b):
    return float(np.nanmax(np.abs(a - b)))


def compare(name, points, settings, driver):
    from sklearn.metrics import adjusted_rand_score

    print(f"""
{name}: {points.shape[0]} points ({len(np.unique(points, axis=0))} distinct), {points.shape[1]} dimensions
 rand: adjusted Rand index of our labels and hdbscan's; prims: of hdbscan's own two algorithms
 weights: largest difference of the sorted weights of the two spanning trees; ties: edges of equal weight
 on our tree: labels that differ, and largest differences, when hdbscan is given our spanning tree""")
    print(" mcs  ms method  eps  max one | clusters    noise      rand     prims    weights   ties |"
          " on our tree: labels prob    outlier | seconds ours hdbscan")
    rows = []
    for setting in settings:
        size, samples, method, epsilon, most, single = setting
        ours, probabilities, scores, result = driver.cluster(points, setting)
        model, seconds = peer_fit(points, setting)
        theirs = model.labels_
        prims, _ = peer_fit(points, setting, "prims_kdtree")
        edges = driver.edges(points, samples)
        weights = distance(np.sort(edges[:, 2]), np.sort(model.minimum_spanning_tree_.to_numpy()[:, 2]))
        ties = len(edges) - len(np.unique(edges[:, 2]))
        labels, probs, outliers = peer_on_tree(edges, setting)
        print(f"{size:4d} {samples:3d} {method:6s} {epsilon:4.1f} {most:4d} {int(single):3d} |"
              f" {ours.max() + 1:4d}/{theirs.max() + 1:<4d} {(ours < 0).sum():4d}/{(theirs < 0).sum():<4d}"
              f" {adjusted_rand_score(theirs, ours):.6f}  {adjusted_rand_score(theirs, prims.labels_):.6f}"
              f"  {weights:.1e} {ties:6d} |"
              f"             {(labels != ours).sum():6d} {distance(probs, probabilities):.1e} {distance(outliers, scores):.1e} |"
              f"        {result['seconds']:.3f}  {seconds:.3f}")
        rows.append((setting, theirs))
    print(" mcs  ms method |      dbcv   validity_index   |diff|    exact distances  |diff|  | seconds ours hdbscan")
    for setting, theirs in rows:
        value, seconds = validity(points, theirs, False)
        exact, _ = validity(points, theirs, True)
        same = driver.dbcv(points, theirs)
        ours = same["dbcv"] if same["defined"] else float("nan")
        print(f"{setting[0]:4d} {setting[1]:3d} {setting[2]:6s} | {ours:12.9f} {value:12.9f}    {abs(ours - value):.1e}"
              f"   {exact:12.9f}     {abs(ours - exact):.1e} |        {same['dbcv_seconds']:.3f}  {seconds:.3f}")


def compare_grid(points, sizes, samples, driver):
    cells, result = driver.grid(points, sizes, samples)
    worst_dbcv = worst_relative = 0.0
    seconds = 0.0
    for row in cells:
        setting = (int(row[0]), int(row[1]), "leaf" if row[2] else "eom", 0.0, 0, False)
        _, fit_seconds = peer_fit(points, setting)
        labels = driver.cluster(points, setting)[0]
        value, value_seconds = validity(points, labels, False)
        seconds += fit_seconds + value_seconds
        if labels.max() >= 1:
            worst_dbcv = max(worst_dbcv, abs(value - row[4]))
        if labels.max() >= 0:
            relative = peer_relative_validity(driver.edges(points, setting[1]), labels)
            worst_relative = max(worst_relative, abs(relative - row[5]))
    print(f"\ngrid of {len(cells)} settings, {points.shape[0]} x {points.shape[1]}: ours {result['seconds']:.2f} s, "
          f"hdbscan one by one {seconds:.2f} s\n largest difference on our labels: dbcv {worst_dbcv:.1e}, "
          f"relative validity {worst_relative:.1e}; our peak memory {result['peak'] / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--core", default="build/core/libgenre_hier_core.a")
    parser.add_argument("--min-followers", type=int, default=1000)
    parser.add_argument("--no-grid", action="store_true")
    options = parser.parse_args()

    import hdbscan
    import umap
    from importlib.metadata import version

    print(f"hdbscan {version('hdbscan')}, umap-learn {version('umap-learn')}, {options.threads} threads for ours")
    driver = Driver(options.core, options.threads)
    points = artist_points(options.data, options.min_followers)
    compare("artist means (z-scores)", points, SETTINGS_14D, driver)
    flat = umap.UMAP(n_neighbors=30, min_dist=0.0, random_state=42).fit_transform(points).astype(np.float64)
    compare("their umap-learn projection", flat, SETTINGS_2D, driver)
    if not options.no_grid:
        compare_grid(flat, [10, 20, 40, 80], [1, 5, 15], driver)


if __name__ == "__main__":
    main()
