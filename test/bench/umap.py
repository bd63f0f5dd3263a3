"""UMAP of genre_hier against umap-learn, side by side.

    python test/bench/umap.py DATA [--threads 2] [--seeds 3] [--core build/core/libgenre_hier_core.a] [--picture FILE]

DATA is a folder with songs.csv.gz, artists.csv.gz and song_artists.csv.gz.  The
points are the artists' means of the 14 features as z-scores (artists with genres
and at least --min-followers followers).  For each setting and seed both project
the points; trustworthiness and continuity at 15 neighbours are scikit-learn's
(of the projection, and with the two spaces swapped), on --sample points when
there are more, chosen before projecting.  umap-learn is compiled by a first call
that is not timed; with a seed it uses one thread.  Needs numpy, pandas,
scikit-learn and umap-learn, a C compiler, and the core library (make core).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

# this file is called like the package it measures
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from sklearn.manifold import trustworthiness  # noqa: E402

warnings.filterwarnings("ignore")

# n_neighbors, min_dist
SETTINGS = [(15, 0.1), (30, 0.0)]
NEIGHBOURS = 15
ALLOWED = 0.005


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
             os.path.join(here, "umap_driver.c"), core, "-lnlopt", "-ldl", "-lm", "-lpthread"])

    def project(self, points, setting, seed):
        n, d = points.shape
        source = os.path.join(self.folder, "points")
        out = os.path.join(self.folder, "out")
        points.tofile(source)
        text = subprocess.check_output(
            [self.program, source, str(n), str(d), out, self.threads, str(setting[0]), "2", str(setting[1]), "0",
             "spectral", str(seed)], text=True)
        lines = [line.split("=", 1) for line in text.splitlines()]
        notes = [value for name, value in lines if name == "note"]
        return np.fromfile(out).reshape(n, 2), float(dict(lines)["seconds"]), notes

    def close(self):
        shutil.rmtree(self.folder)


def peer_project(points, setting, seed):
    import umap

    model = umap.UMAP(n_neighbors=setting[0], min_dist=setting[1], random_state=seed)
    start = time.time()
    embedding = model.fit_transform(points)
    return embedding, time.time() - start


def scores(points, embedding, sample):
    p, e = points[sample], embedding[sample]
    return trustworthiness(p, e, n_neighbors=NEIGHBOURS), trustworthiness(e, p, n_neighbors=NEIGHBOURS)


def draw(pictures, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(SETTINGS), 2, figsize=(14, 7 * len(SETTINGS)), squeeze=False)
    for row, setting in enumerate(SETTINGS):
        for column, (name, embedding) in enumerate(pictures[setting]):
            axes[row][column].scatter(*embedding.T, s=3, alpha=0.4, linewidths=0)
            axes[row][column].set_title("%s, n_neighbors %d, min_dist %g" % (name, *setting))
    figure.tight_layout()
    figure.savefig(path, dpi=60)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--min-followers", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sample", type=int, default=6000)
    parser.add_argument("--core", default=os.path.join(here, "..", "..", "build", "core", "libgenre_hier_core.a"))
    parser.add_argument("--picture")
    options = parser.parse_args()

    points = artist_points(options.data, options.min_followers)
    n = len(points)
    sample = np.arange(n)
    if n > options.sample:
        sample = np.sort(np.random.default_rng(0).choice(n, options.sample, replace=False))
    print("%d points, %d coordinates, scores on %d points, %d threads" %
          (n, points.shape[1], len(sample), options.threads))
    driver = Driver(options.core, options.threads)
    # as many points as umap-learn needs to take the path of the real run
    peer_project(points[:min(n, 5000)], SETTINGS[0], 0)
    print("%11s %8s %4s | %10s %10s | %10s %10s | %8s %8s" % (
        "n_neighbors", "min_dist", "seed", "trust ours", "umap-learn", "cont. ours", "umap-learn", "s ours", "s umap"))
    worst, pictures = 1.0, {}
    for setting in SETTINGS:
        rows = []
        for seed in range(1, options.seeds + 1):
            ours, our_time, notes = driver.project(points, setting, seed)
            theirs, their_time = peer_project(points, setting, seed)
            pictures.setdefault(setting, [("genre_hier", ours), ("umap-learn", theirs)])
            t, c = scores(points, ours, sample)
            peer_t, peer_c = scores(points, theirs, sample)
            rows.append((t, peer_t, c, peer_c, our_time, their_time))
            print("%11d %8g %4d | %10.5f %10.5f | %10.5f %10.5f | %8.2f %8.2f" % (*setting, seed, *rows[-1]), flush=True)
        mean = np.mean(rows, axis=0)
        print("%11d %8g mean | %10.5f %10.5f | %10.5f %10.5f | %8.2f %8.2f" % (*setting, *mean))
        for note in notes:
            print("      " + note)
        worst = min(worst, mean[0] - mean[1])
    driver.close()
    if options.picture:
        draw(pictures, options.picture)
    print("least difference of the means: %+.5f (allowed %+.5f)" % (worst, -ALLOWED))
    return 0 if worst >= -ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
