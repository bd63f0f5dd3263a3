"""UMAP of genre_hier against umap-learn, side by side.

    python test/bench/umap.py --data a --catalogue FOLDER [--peer seeded] [--pictures FOLDER]

Data:
  a  the artists of a catalogue: means of the 14 features as z-scores.  FOLDER
     has songs.csv.gz, artists.csv.gz and song_artists.csv.gz; artists with
     genres and at least --min-followers followers.
  b  228,000 points: a's drawn with replacement, plus normal noise of 0.1.
  c  228,000 points of a 14-dimensional normal distribution, the worst case.
--points FILE takes the points from a file of doubles instead (rows of --columns).
--quick takes 5,000 points for b and c.

Ours is run on every number of --threads (2 takes turns with the peer in the
same run; the result must be the same bytes); the peer (--peer seeded, unseeded
or none) once for every seed, in a process of its own, after a first call that
compiles it.  A peer's embedding that --reuse-embedding names is scored instead
of made; --save-embedding FILE keeps one.  Both get the same n_neighbors,
min_dist and epochs.

Scores: trustworthiness at 15 neighbours and the share of the 15 nearest points
that are still among the 15 nearest in the embedding, of --anchors points drawn
by chance, exactly ranked among all points, with the standard error over the
anchors.  Needs numpy and umap-learn (pandas for a and b, matplotlib for
pictures), a C compiler, and the core library (make core).
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

# this file is called like the package it measures
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]

import numpy as np  # noqa: E402

warnings.filterwarnings("ignore")

NEIGHBOURS = 15
RESAMPLED = 228000
NOISE = 0.1
HERE = os.path.dirname(os.path.abspath(__file__))


# ---- points -----------------------------------------------------------------

def artist_points(folder, min_followers):
    import pandas as pd

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


def read_points(options):
    n = 5000 if options.quick else RESAMPLED
    if options.points:
        return np.fromfile(options.points).reshape(-1, options.columns)
    if options.data == "c":
        return np.random.default_rng(7).standard_normal((n, 14))
    points = artist_points(options.catalogue, options.min_followers)
    if options.data == "a":
        return points
    random = np.random.default_rng(0)
    points = points[random.integers(len(points), size=n)]
    return points + NOISE * random.standard_normal(points.shape)


# ---- scores -----------------------------------------------------------------

def squares(rows, anchors):
    """Squared distances from some rows to all, as sums of squared differences."""
    out = np.zeros((len(anchors), len(rows)))
    for column in rows.T:
        out += (column[anchors][:, None] - column[None, :]) ** 2
    return out


def scores(points, embedding, anchors):
    """Trustworthiness and neighbour recall: mean and standard error of each."""
    n, k = len(points), NEIGHBOURS
    trust, recall = [], []
    for part in np.array_split(anchors, max(1, len(anchors) * n // 20_000_000)):
        low = squares(embedding.astype(np.float64), part)
        low[np.arange(len(part)), part] = np.inf
        nearest = np.argpartition(low, k, axis=1)[:, :k]
        high = squares(points, part)
        high[np.arange(len(part)), part] = -1
        for row, chosen in zip(high, nearest):
            reach = np.sort(row[chosen])
            ranks = np.searchsorted(np.sort(row[row <= reach[-1]]), reach)  # the point itself is rank 0
            trust.append(1 - 2 * n / (n * k * (2 * n - 3 * k - 1)) * np.maximum(ranks - k, 0).sum())
            recall.append(np.mean(ranks <= k))
    return [(np.mean(s), np.std(s) / np.sqrt(len(s))) for s in (trust, recall)]


# ---- ours -------------------------------------------------------------------

class Driver:
    def __init__(self, core):
        self.folder = tempfile.mkdtemp(prefix="gh_bench_")
        self.program = os.path.join(self.folder, "driver")
        subprocess.check_call(
            ["cc", "-O2", "-I", os.path.join(HERE, "..", "..", "src", "core"), "-o", self.program,
             os.path.join(HERE, "umap_driver.c"), core, "-lnlopt", "-ldl", "-lm", "-lpthread"])

    def project(self, source, points, options, threads, seed):
        n, d = points.shape
        out = os.path.join(self.folder, "out")
        text = subprocess.check_output(
            [self.program, source, str(n), str(d), out, str(threads), str(options.n_neighbors), "2",
             str(options.min_dist), str(options.epochs), "spectral", str(seed)], text=True)
        found = {"notes": [], "stages": {}}
        for name, value in (line.split("=", 1) for line in text.splitlines()):
            if name == "note":
                found["notes"].append(value)
            elif name == "stage":
                stage, seconds = value.rsplit(" ", 1)
                stage = "neighbours" if stage == "nearest neighbours" else stage.replace("umap: ", "")
                found["stages"][stage] = found["stages"].get(stage, 0) + float(seconds)
            else:
                found[name] = float(value)
        return np.fromfile(out).reshape(n, 2), found

    def close(self):
        shutil.rmtree(self.folder)


# ---- the peer ---------------------------------------------------------------

def peer_child(arguments):
    """In a process of its own: source n d out seed n_neighbors min_dist epochs."""
    import umap

    source, n, d, out, seed, n_neighbors, min_dist, epochs = arguments
    points = np.fromfile(source).reshape(int(n), int(d))
    keywords = {"n_neighbors": int(n_neighbors), "min_dist": float(min_dist), "n_epochs": int(epochs),
                "random_state": None if seed == "none" else int(seed)}
    # as many points as it needs to take the path of the real run
    umap.UMAP(**dict(keywords, n_epochs=20)).fit(points[:5000])
    umap.umap_.ts = lambda: "at %.3f" % time.time()
    start = time.time()
    embedding = umap.UMAP(verbose=True, **keywords).fit_transform(points)
    end = time.time()
    embedding.astype(np.float64).tofile(out)
    with open("/proc/self/status") as status:
        resident = re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)
    print(json.dumps({"start": start, "end": end, "rss": 1024 * int(resident)}))


def peer_project(source, points, options, seed):
    n, d = points.shape
    out = source + ".peer"
    text = subprocess.run(
        [sys.executable, os.path.abspath(__file__), "--child", source, str(n), str(d), out, str(seed),
         str(options.n_neighbors), str(options.min_dist), str(options.epochs)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    last = json.loads(text.strip().splitlines()[-1])
    times = {what: float(at) for at, what in re.findall(r"at ([0-9.]+) (.*)", text)}
    nearest = times.get("Finished Nearest Neighbor Search", last["start"])
    layout = times.get("Construct embedding", nearest)
    last["seconds"] = last["end"] - last["start"]
    last["stages"] = {"neighbours": nearest - last["start"], "graph": layout - nearest,
                      "start and layout": last["end"] - layout}
    return np.fromfile(out).reshape(n, 2), last


# ---- the report -------------------------------------------------------------

def show(name, found, score):
    trust, recall = score
    print("%-24s %8.2f s %7.0f MB   trustworthiness %.4f +- %.4f   recall %.4f +- %.4f" % (
        name, found.get("seconds", float("nan")), found.get("rss", float("nan")) / 1e6, *trust, *recall))
    if found.get("stages"):
        print("      " + ", ".join("%s %.2f s" % pair for pair in found["stages"].items()), flush=True)


def draw(pictures, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(pictures), figsize=(10 * len(pictures), 10), squeeze=False)
    for axis, (name, embedding) in zip(axes[0], pictures):
        size = 4 if len(embedding) < 50000 else 0.3
        axis.scatter(*embedding.T, s=size, alpha=0.4, linewidths=0)
        axis.set_title(name)
        axis.set_aspect("equal")
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def run(options, points, source, driver):
    n = len(points)
    anchors = np.sort(np.random.default_rng(1).choice(n, min(options.anchors, n), replace=False))
    pictures, means = [], []
    for seed in range(1, options.seeds + 1):
        first = None
        for threads in options.threads:
            ours, found = driver.project(source, points, options, threads, seed)
            assert first is None or np.array_equal(first, ours), "other bytes with other threads"
            if first is None:
                score = scores(points, ours, anchors)
                first = ours
            show("genre_hier, %d thread%s" % (threads, "s" if threads > 1 else ""), found, score)
        print("      peak %.1f MB of its own, estimate %.1f MB" % (found["peak"] / 1e6, found["estimate"] / 1e6))
        for note in found["notes"]:
            print("      " + note)
        pair = [score[0][0], score[1][0], found["seconds"]]
        if seed == 1:
            pictures.append(("genre_hier", ours))
        if options.reuse_embedding:
            theirs, other = np.fromfile(options.reuse_embedding).reshape(n, 2), {}
        elif options.peer != "none":
            theirs, other = peer_project(source, points, options, seed if options.peer == "seeded" else "none")
        else:
            means.append(pair)
            continue
        peer_score = scores(points, theirs, anchors)
        show("umap-learn, %s" % (os.path.basename(options.reuse_embedding) if options.reuse_embedding else
                                 options.peer), other, peer_score)
        means.append(pair + [peer_score[0][0], peer_score[1][0], other.get("seconds", float("nan"))])
        if seed == 1:
            pictures.append(("umap-learn", theirs))
            if options.save_embedding:
                theirs.tofile(options.save_embedding)
    mean = np.mean(means, axis=0)
    if len(means) > 1:
        error = np.std(means, axis=0, ddof=1) / np.sqrt(len(means))
        print("mean of %d seeds (standard error over seeds): trustworthiness %.4f (%.4f), recall %.4f (%.4f)" % (
            len(means), mean[0], error[0], mean[1], error[1]))
    if len(mean) > 3:
        print("ours - theirs: trustworthiness %+.4f, recall %+.4f; theirs / ours: %.1f x" % (
            mean[0] - mean[3], mean[1] - mean[4], mean[5] / mean[2]))
    if options.pictures:
        os.makedirs(options.pictures, exist_ok=True)
        draw(pictures, os.path.join(options.pictures, "umap_%s.png" % options.data))


def main():
    if sys.argv[1:2] == ["--child"]:
        return peer_child(sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", choices=["a", "b", "c"], required=True)
    parser.add_argument("--catalogue")
    parser.add_argument("--points")
    parser.add_argument("--columns", type=int, default=14)
    parser.add_argument("--min-followers", type=int, default=0)
    parser.add_argument("--threads", type=lambda text: [int(t) for t in text.split(",")], default=[1, 2])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--peer", choices=["seeded", "unseeded", "none"], default="none")
    parser.add_argument("--reuse-embedding")
    parser.add_argument("--save-embedding")
    parser.add_argument("--n-neighbors", type=int, default=15)
    parser.add_argument("--min-dist", type=float, default=0.1)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--anchors", type=int, default=2000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pictures")
    parser.add_argument("--core", default=os.path.join(HERE, "..", "..", "build", "core", "libgenre_hier_core.a"))
    options = parser.parse_args()

    if options.data != "c" and not options.points and not options.catalogue:
        parser.error("--catalogue or --points is needed for data a and b")
    points = read_points(options)
    print("data %s: %d points, %d coordinates, n_neighbors %d, min_dist %g, %d epochs" %
          (options.data, *points.shape, options.n_neighbors, options.min_dist, options.epochs), flush=True)
    driver = Driver(options.core)
    try:
        source = os.path.join(driver.folder, "points")
        points.tofile(source)
        run(options, points, source, driver)
    finally:
        driver.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
