"""The grid search of genre_hier with exact DBCV against the peers, cell by cell.

    python test/bench/grid.py DATA [--small FILE] [--large FILE] [--rows 228000] [--cells 4] [--large-cells 1]
                              [--threads 2] [--core build/core/libgenre_hier_core.a]

Two sets of points in the plane: (a) the projection of the artists' means in DATA (a
folder with songs.csv.gz, artists.csv.gz and song_artists.csv.gz), (b) the
projection of --rows points resampled from the same means with noise of a
twentieth of a standard deviation.  Both are made by our UMAP unless given as files
of float64 pairs.  The grid has 10 min_samples x 20 min_cluster_size x 2 methods.

Ours runs the whole grid.  Of the peers some cells spread over the grid are
measured, a fit by hdbscan, fast_hdbscan and scikit-learn, and hdbscan's
validity_index of hdbscan's labels; their mean times 400 is the extrapolation.  On
(b) they are the cells with the fewest and smallest clusters: a lower bound.
Seconds of the processor are given beside those of the clock, for machines that
are not quiet.  DBCV is compared on hdbscan's labels; on (b), cells whose largest
cluster has more than --most points are left out: a matrix of its distances would
be needed.  Needs numpy, pandas, scikit-learn, hdbscan and fast_hdbscan, a C
compiler, and the core library (make core).
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings

# a file here is called like a package that is measured
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

warnings.filterwarnings("ignore")

SAMPLES = [5 * i for i in range(1, 11)]
SIZES = [10 * i for i in range(1, 21)]

# of (b), where the peers are cheapest: few clusters, none of them large
LARGE_CELLS = [(200, 50, "leaf"), (200, 30, "leaf")]


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
        self.threads = str(threads)
        here = os.path.dirname(os.path.abspath(__file__))
        for name in ("hdbscan", "umap"):
            subprocess.check_call(
                ["cc", "-O2", "-I", os.path.join(here, "..", "..", "src", "core"), "-o", self.path(name),
                 os.path.join(here, name + "_driver.c"), core, "-lnlopt", "-ldl", "-lm", "-lpthread"])

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, program, *arguments):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = subprocess.check_output([self.path(program), *map(str, arguments)], text=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = {}
        for line in text.splitlines():
            name, _, value = line.partition("=")
            if name in ("seconds", "peak", "dbcv", "defined", "dbcv_seconds"):
                result[name] = float(value)
        result["cpu"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return result

    def write(self, name, values):
        values.tofile(self.path(name))
        return self.path(name)

    def project(self, points):
        n, d = points.shape
        self.run("umap", self.write("points", points), n, d, self.path("out"), self.threads, 15, 2, 0.1, 0, "spectral", 42)
        return np.fromfile(self.path("out")).reshape(-1, 2)

    def grid(self, points):
        result = self.run("hdbscan", "grid", self.write("points", points), len(points), 2, self.path("out"), self.threads,
                          ",".join(map(str, SIZES)), ",".join(map(str, SAMPLES)))
        return np.loadtxt(self.path("out"), ndmin=2), result

    def dbcv(self, points, labels):
        return self.run("hdbscan", "dbcv", self.write("points", points), len(points), 2,
                        self.write("labels", labels.astype(np.int32)), self.threads)


class Clock:
    def __enter__(self):
        self.start = time.time(), time.process_time()
        return self

    def __exit__(self, *_):
        self.wall = time.time() - self.start[0]
        self.cpu = time.process_time() - self.start[1]


def fit_hdbscan(points, size, samples, method):
    import hdbscan

    # exact, as ours is
    return hdbscan.HDBSCAN(min_cluster_size=size, min_samples=samples, cluster_selection_method=method,
                           approx_min_span_tree=False).fit(points).labels_


def fit_fast(points, size, samples, method):
    import fast_hdbscan

    return fast_hdbscan.HDBSCAN(min_cluster_size=size, min_samples=samples, cluster_selection_method=method).fit(points).labels_


def fit_sklearn(points, size, samples, method):
    from sklearn.cluster import HDBSCAN

    # it counts the point itself
    return HDBSCAN(min_cluster_size=size, min_samples=samples + 1, cluster_selection_method=method).fit(points).labels_


def spread_cells(count):
    """Cells over the whole grid, from the middle of each of `count` parts, the methods in turn."""
    pairs = [(size, samples) for samples in SAMPLES for size in SIZES]
    return [(*pairs[int((i + 0.5) * len(pairs) / count)], ("eom", "leaf")[i % 2]) for i in range(count)]


def largest(labels):
    return np.bincount(labels[labels >= 0]).max() if (labels >= 0).any() else 0


def compare(name, points, cells, most, driver, slow):
    from hdbscan.validity import validity_index

    table, ours = driver.grid(points)
    n_cells = len(table)
    print(f"\n{name}: {len(points)} points, {n_cells} cells\nours: {ours['seconds']:.2f} s, {ours['cpu']:.2f} s of processor, "
          f"peak memory {ours['peak'] / 1e6:.0f} MB; {(table[:, 4] > -2).sum()} cells with a DBCV, "
          f"{int(table[:, 3].min())} to {int(table[:, 3].max())} clusters")
    others = {"hdbscan": fit_hdbscan, "fast_hdbscan": fit_fast}
    if slow:
        others["scikit-learn"] = fit_sklearn
    for fit in others.values():
        fit(points[:2000], 10, 5, "eom")
    times = {other: [] for other in others}
    scores = []
    worst = 0.0
    print(" mcs  ms method clusters  largest | s of clock (processor): " + ", ".join(others) + ", validity_index | |DBCV difference|")
    for size, samples, method in cells:
        line = []
        for other, fit in others.items():
            with Clock() as clock:
                labels = fit(points, size, samples, method)
            times[other].append((clock.wall, clock.cpu))
            line.append(f"{clock.wall:.2f} ({clock.cpu:.2f})")
            if other == "hdbscan":
                theirs = labels
        difference = "left out"
        if theirs.max() >= 1 and largest(theirs) <= most:
            with Clock() as clock:
                value = validity_index(points, theirs.astype(np.int64))
            scores.append((clock.wall, clock.cpu))
            line.append(f"{clock.wall:.2f} ({clock.cpu:.2f})")
            same = driver.dbcv(points, theirs)
            worst = max(worst, abs(same["dbcv"] - value))
            difference = f"{abs(same['dbcv'] - value):.1e}"
        print(f"{size:4d} {samples:3d} {method:6s} {theirs.max() + 1:8d} {largest(theirs):8d} | {', '.join(line)} | {difference}", flush=True)
    wall, cpu = np.mean(scores, axis=0) if scores else (0.0, 0.0)
    for other in others:
        a, b = np.mean(times[other], axis=0)
        print(f"{other} + validity_index, {n_cells} cells extrapolated: {n_cells * (a + wall):.0f} s ({n_cells * (b + cpu):.0f} s of processor): "
              f"{n_cells * (a + wall) / ours['seconds']:.0f} times ours ({n_cells * (b + cpu) / ours['cpu']:.0f} by processor)")
    print(f"largest difference of DBCV: {worst:.1e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--small")
    parser.add_argument("--large")
    parser.add_argument("--rows", type=int, default=228000)
    parser.add_argument("--cells", type=int, default=4)
    parser.add_argument("--large-cells", type=int, default=1, choices=range(len(LARGE_CELLS) + 1))
    parser.add_argument("--most", type=int, default=20000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--core", default="build/core/libgenre_hier_core.a")
    parser.add_argument("--min-followers", type=int, default=0)
    options = parser.parse_args()

    from importlib.metadata import version

    print(", ".join(f"{p} {version(p)}" for p in ("hdbscan", "fast_hdbscan", "scikit-learn")), f"; {options.threads} threads for ours")
    driver = Driver(options.core, options.threads)
    if options.small and options.large:
        means = None
    else:
        means = artist_points(options.data, options.min_followers)
    small = np.fromfile(options.small).reshape(-1, 2) if options.small else driver.project(means)
    compare("(a) the projection of the artists", small, spread_cells(options.cells), options.most, driver, True)
    if options.large_cells == 0:
        return
    if options.large:
        large = np.fromfile(options.large).reshape(-1, 2)
    else:
        random = np.random.default_rng(1)
        rows = means[random.integers(0, len(means), options.rows)]
        large = driver.project(rows + 0.05 * random.standard_normal(rows.shape))
    compare("(b) the projection of the resampled artists", large, LARGE_CELLS[:options.large_cells], options.most, driver, False)


if __name__ == "__main__":
    main()
