"""plot_projection against umap.plot: time and size of a picture of many points.

    python test/bench/plot.py [--points 228000] [--clusters 20] [--out FOLDER]

Blobs of points with a cluster each and a tenth of noise.  Ours runs in the server
of PGHOST and PGPORT (psql, database postgres, a temporary table; the extension
must be installed there), the median of three calls, reading the rows included.
The peer draws the same points by umap.plot.points with their labels and saves an
SVG, after a first picture that compiles it; it turns more points than fit its
picture into an image.  Needs numpy and umap-learn[plot].  --out keeps both files.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

# a file beside this one is called like a package it measures
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]

import numpy as np  # noqa: E402

warnings.filterwarnings("ignore")


def blobs(n, clusters):
    random = np.random.default_rng(42)
    centres = random.uniform(-10, 10, (clusters, 2))
    label = random.integers(0, clusters, n)
    xy = centres[label] + random.normal(0, 1, (n, 2)) * random.uniform(0.2, 1, clusters)[label, None]
    noise = random.random(n) < 0.1
    xy[noise] = random.uniform(-12, 12, (noise.sum(), 2))
    label[noise] = -1
    return xy, label


def ours(xy, label, folder):
    rows = os.path.join(folder, "rows.csv")
    picture = os.path.join(folder, "ours.svg")
    np.savetxt(rows, np.c_[xy, label], delimiter=",", fmt=["%.9g", "%.9g", "%d"])
    query = "SELECT ARRAY[x, y] AS embedding, nullif(c, -1) AS cluster FROM rows"
    script = f"""\\timing on
CREATE EXTENSION IF NOT EXISTS genre_hier;
CREATE TEMP TABLE rows (x float8, y float8, c int);
\\copy rows FROM '{rows}' (FORMAT csv)
\\o {picture}
""" + f"SELECT plot_projection('{query}');\n" * 3
    said = subprocess.run(["psql", "-XqAtd", "postgres", "-v", "ON_ERROR_STOP=1"], input=script, capture_output=True,
                          text=True, check=True).stdout
    times = [float(line.split()[1]) / 1000 for line in said.splitlines() if line.startswith("Time:")][-3:]
    return statistics.median(times), os.path.getsize(picture) // 3


def peer(xy, label, folder):
    import matplotlib
    matplotlib.use("Agg")
    import umap
    import umap.plot

    def draw(some, labels, file):
        model = umap.UMAP()
        model.embedding_ = some.astype(np.float32)
        model._raw_data = np.zeros((len(some), 2))
        axes = umap.plot.points(model, labels=labels, width=1000, height=1000)
        axes.figure.savefig(file)

    picture = os.path.join(folder, "peer.svg")
    draw(xy[:20000], label[:20000], picture)
    begun = time.perf_counter()
    draw(xy, label, picture)
    return time.perf_counter() - begun, os.path.getsize(picture)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=228000)
    parser.add_argument("--clusters", type=int, default=20)
    parser.add_argument("--out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.out or temporary
        os.makedirs(folder, exist_ok=True)
        xy, label = blobs(args.points, args.clusters)
        print(f"{args.points} points in {args.clusters} clusters")
        for name, draw in (("plot_projection", ours), ("umap.plot", peer)):
            seconds, size = draw(xy, label, folder)
            print(f"{name:16s} {seconds:8.2f} s {size / 1000:9.0f} kB", flush=True)


if __name__ == "__main__":
    main()
