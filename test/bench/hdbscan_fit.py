"""Fit and prediction of HDBSCAN*: genre_hier against hdbscan, fast_hdbscan and scikit-learn, side by side.

    python test/bench/hdbscan_fit.py POINTS D [--size 50] [--samples 15] [--threads 1 2] [--peers hdbscan fast sklearn]
                                     [--rows N] [--parity SETTINGS] [--core build/core/libgenre_hier_core.a]

POINTS is a file of D float64 coordinates per point, for example what
numpy.asarray(umap.UMAP().fit_transform(x), float).tofile(file) writes; --rows
takes the first N of them.  Every library runs in a process of its own, after a
run on 5,000 points that compiles what it compiles; the faster of two fits
counts.  Memory is what the process grew by.  "exact" is hdbscan with
approx_min_span_tree=False.  scikit-learn counts the point
itself as a neighbour, so it is given one more.

Ties: see hdbscan.py.  Where labels differ, hdbscan is also given our spanning
tree, and then must label and predict as ours does.  New points are points of
the training moved by a little noise, and as many from the whole box.
--parity compares labels, probabilities, outlier scores and persistence for so
many random settings and data sets instead.

Needs numpy, hdbscan, fast_hdbscan and scikit-learn, a C compiler, and the core
library (make core).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings

# the file beside this one is called like the package it measures
sys.path = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]

import numpy as np  # noqa: E402

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))


def resident(field):
    for line in open("/proc/self/status"):
        if line.startswith(field):
            return int(line.split()[1]) / 1024


def child(library, path, d, rows, size, samples, threads, out):
    points = np.fromfile(path).reshape(-1, d)[:rows]
    if library in ("hdbscan", "exact"):
        from hdbscan import HDBSCAN

        def make():
            return HDBSCAN(min_cluster_size=size, min_samples=samples, core_dist_n_jobs=threads,
                           approx_min_span_tree=library == "hdbscan")
    elif library == "fast":
        from fast_hdbscan import HDBSCAN

        def make():
            return HDBSCAN(min_cluster_size=size, min_samples=samples)
    else:
        from sklearn.cluster import HDBSCAN

        def make():
            return HDBSCAN(min_cluster_size=size, min_samples=samples + 1, n_jobs=threads)
    chosen = np.random.default_rng(0).choice(len(points), min(5000, len(points)), replace=False)
    make().fit(points[chosen])
    before = resident("VmRSS")
    best = np.inf
    for run in range(2):
        start = time.time()
        model = make().fit(points)
        best = min(best, time.time() - start)
        if best > 20:
            break
    model.labels_.astype(np.int32).tofile(out)
    persistence = getattr(model, "cluster_persistence_", None)
    json.dump({"seconds": best, "memory": resident("VmHWM") - before,
               "persistence": None if persistence is None else [float(p) for p in persistence]}, sys.stdout)


class Driver:
    def __init__(self, core):
        self.folder = tempfile.mkdtemp(prefix="gh_bench_")
        self.program = os.path.join(self.folder, "driver")
        subprocess.check_call(["cc", "-O2", "-I", os.path.join(HERE, "..", "..", "src", "core"), "-o", self.program,
                               os.path.join(HERE, "hdbscan_driver.c"), core, "-lnlopt", "-ldl", "-lm", "-lpthread"])

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *arguments):
        text = subprocess.check_output([self.program, *map(str, arguments)], text=True)
        return {k: float(v) for k, v in (line.split("=") for line in text.split())}

    def results(self, name, n):
        data = open(self.path(name), "rb").read()
        return np.frombuffer(data, np.int32, n), np.frombuffer(data, np.float64, n, 4 * n)


def on_our_tree(points, edges, size, samples):
    """An hdbscan model whose spanning tree is ours."""
    import hdbscan
    from hdbscan._hdbscan_linkage import label
    from hdbscan.hdbscan_ import _tree_to_labels

    model = hdbscan.HDBSCAN(min_cluster_size=size, min_samples=samples)
    labels, probabilities, persistence, condensed, _ = _tree_to_labels(
        None, label(np.ascontiguousarray(edges)), size, "eom", False, False, 0.0, 0.0, 0)
    model._raw_data, model.labels_, model.probabilities_ = points, labels, probabilities
    model.cluster_persistence_, model._condensed_tree = persistence, condensed
    model._metric_kwargs = {}
    model.generate_prediction_data()
    return model


def new_points(points, n):
    rng = np.random.default_rng(1)
    low, high = points.min(axis=0), points.max(axis=0)
    near = points[rng.integers(len(points), size=n // 2)] + rng.normal(size=(n // 2, points.shape[1])) * (high - low) / 500
    return np.ascontiguousarray(np.vstack([near, rng.uniform(low, high, size=(n - n // 2, points.shape[1]))]))


def parity(driver, cells):
    """hdbscan on our spanning trees of random points, for every parameter, in 1 to 50 dimensions."""
    from hdbscan._hdbscan_linkage import label
    from hdbscan._hdbscan_tree import outlier_scores
    from hdbscan.hdbscan_ import _tree_to_labels

    worst = {"labels": 0, "probabilities": 0.0, "outlier scores": 0.0, "persistence": 0.0}
    for cell in range(cells):
        rng = np.random.default_rng(cell)
        d = int(rng.choice([1, 2, 3, 5, 14, 30, 50]))
        n = int(rng.integers(50, 2500))
        centres = rng.normal(size=(int(rng.integers(1, 9)), d)) * rng.uniform(1, 6)
        points = centres[rng.integers(len(centres), size=n)] + rng.normal(size=(n, d)) * rng.uniform(0.1, 1, size=(n, 1))
        points[: n // 5] = rng.uniform(-10, 10, size=(n // 5, d))
        if cell % 5 == 0:
            points = np.round(points, 1)
        size, samples = int(rng.integers(2, 30)), int(rng.integers(1, 25))
        method = ["eom", "leaf"][int(rng.integers(2))]
        epsilon = float(rng.choice([0, 0, rng.uniform(0, 3)]))
        most = int(rng.choice([0, 0, n // 4]))
        single, alpha = bool(rng.integers(2)), float(rng.choice([1, 1, 0.7, 1.6]))
        points.tofile(driver.path("points"))
        driver.run("fit", driver.path("points"), n, d, driver.path("model"), 2, size, samples, method, epsilon, most,
                   int(single), alpha)
        driver.run("edges", driver.path("points"), n, d, driver.path("edges"), 1, samples, alpha)
        labels, probabilities, persistence, condensed, _ = _tree_to_labels(
            None, label(np.fromfile(driver.path("edges")).reshape(-1, 3)), size, method, single, False, epsilon, 0.0, most)
        ours = np.fromfile(driver.path("model.labels"), np.int32, n)
        strengths, scores = np.fromfile(driver.path("model.labels"), offset=4 * n).reshape(2, n)
        if (labels != ours).any():
            print("labels differ:", cell, n, d, size, samples, method, epsilon, most, single, alpha)
        worst["labels"] += int((labels != ours).sum())
        for name, a, b in [("probabilities", probabilities, strengths), ("outlier scores", outlier_scores(condensed), scores),
                           ("persistence", persistence, np.fromfile(driver.path("model.clusters")))]:
            # hdbscan's score is NaN where a lambda is infinite
            if len(a) != len(b):
                worst[name] = np.inf
            elif np.isfinite(a).any():
                worst[name] = max(worst[name], float(np.nanmax(np.abs(a - b))))
    print(f"{cells} random settings, hdbscan on our spanning trees: {worst}")


def compare_predictions(driver, points, options):
    import hdbscan

    n, d = points.shape
    queries = new_points(points, 30000)
    queries.tofile(driver.path("queries"))
    result = driver.run("predict", driver.path("queries"), len(queries), d, driver.path("predicted"), 1,
                        driver.path("model"))
    ours, ours_probability = driver.results("predicted", len(queries))
    driver.run("edges", driver.path("points"), n, d, driver.path("edges"), 1, options.samples, 1.0)
    model = on_our_tree(points, np.fromfile(driver.path("edges")).reshape(-1, 3), options.size, options.samples)
    labels, probabilities = driver.results("model.labels", n)
    persistence = np.fromfile(driver.path("model.clusters"))
    print(f"  hdbscan on our spanning tree: {(model.labels_ != labels).sum()} labels differ, "
          f"probabilities by {np.abs(model.probabilities_ - probabilities).max():.1e}, "
          f"persistence by {np.abs(model.cluster_persistence_ - persistence).max() if len(persistence) else 0:.1e}")
    start = time.time()
    theirs, theirs_probability = hdbscan.approximate_predict(model, queries)
    seconds = time.time() - start
    differ = theirs != ours
    same = ~differ
    print(f"  30,000 new points: ours {result['seconds']:.3f} s and {result['read_seconds']:.3f} s to read the model "
          f"({result['bytes'] / 1e6:.1f} MB); approximate_predict {seconds:.1f} s; "
          f"{differ.sum()} labels differ, probabilities of the others by "
          f"{np.abs(theirs_probability - ours_probability)[same].max():.1e}")
    if differ.any():
        explain(model, queries[differ], theirs[differ], ours[differ], options.samples)


def explain(model, queries, theirs, ours, samples):
    """Which of the known reasons stand behind the labels that differ.

    hdbscan takes for a cluster's node the lowest one that a point of it ends in.  Where none ends in the
    selected node itself that is one of its children: the others then count as noise, and since labels are
    given in the order of these nodes, they are not those of the clustering any more.
    """
    data, tree = model.prediction_data_, model._condensed_tree
    distance, index = data.tree.query(queries, k=2 * samples)
    mutual = np.maximum(np.maximum(data.core_distances[index], distance[:, [samples]]), distance)
    nearest = distance[np.arange(len(queries)), mutual.argmin(axis=1)][:, None]
    tied = ((mutual == mutual.min(axis=1, keepdims=True)) & (distance == nearest)).sum(axis=1) > 1
    noise = (theirs == -1) & (ours >= 0)
    ends = tree["child_size"] == 1
    meant = {n: model.labels_[tree["child"][ends & (tree["parent"] == node)][0]]
             for n, node in data.reverse_cluster_map.items() if n in set(theirs)}
    renumbered = np.array([n >= 0 and meant[n] == mine for n, mine in zip(theirs, ours)])
    print(f"    of those {noise.sum()} called noise by hdbscan alone, {renumbered.sum()} the same cluster under another "
          f"number, {(tied & ~noise & ~renumbered).sum()} with equally near neighbours, "
          f"{(~noise & ~renumbered & ~tied).sum()} for other reasons")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("points")
    parser.add_argument("d", type=int)
    parser.add_argument("--size", type=int, default=50)
    parser.add_argument("--samples", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", nargs="*", default=["hdbscan", "fast", "sklearn"])
    parser.add_argument("--rows", type=int)
    parser.add_argument("--core", default="build/core/libgenre_hier_core.a")
    parser.add_argument("--parity", type=int)
    parser.add_argument("--child", nargs=2)
    options = parser.parse_args()
    if options.child:
        return child(options.child[0], options.points, options.d, options.rows, options.size, options.samples,
                     options.threads[0], options.child[1])

    from importlib.metadata import version
    from sklearn.metrics import adjusted_rand_score

    if options.parity:
        return parity(Driver(options.core), options.parity)
    points = np.ascontiguousarray(np.fromfile(options.points).reshape(-1, options.d)[:options.rows])
    n, d = points.shape
    driver = Driver(options.core)
    points.tofile(driver.path("points"))
    print(f"{n} points of {d} dimensions, {len(np.unique(points, axis=0))} distinct; min_cluster_size {options.size}, "
          f"min_samples {options.samples}")
    for threads in options.threads:
        ours = driver.run("fit", driver.path("points"), n, d, driver.path("model"), threads, options.size, options.samples)
        print(f"  genre_hier, {threads} thread(s): {ours['seconds']:.3f} s, {ours['peak'] / 1e6:.0f} MB "
              f"(estimated {ours['estimate'] / 1e6:.0f}), {int(ours['clusters'])} clusters", flush=True)
        labels, _ = driver.results("model.labels", n)
        for peer in options.peers:
            environment = dict(os.environ, NUMBA_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads))
            command = [sys.executable, os.path.abspath(__file__), options.points, str(d), "--size", str(options.size),
                       "--samples", str(options.samples), "--threads", str(threads), "--child", peer, driver.path("peer")]
            if options.rows:
                command += ["--rows", str(options.rows)]
            result = json.loads(subprocess.check_output(command, env=environment).split(b"\n")[-1])
            theirs = np.fromfile(driver.path("peer"), np.int32)
            package = {"fast": "fast_hdbscan", "sklearn": "scikit-learn", "exact": "hdbscan"}.get(peer, peer)
            print(f"  {package} {version(package)}{' exact' if peer == 'exact' else ''}, {threads} thread(s): {result['seconds']:.2f} s, "
                  f"{result['memory']:.0f} MB, {theirs.max() + 1} clusters, "
                  f"adjusted Rand index {adjusted_rand_score(theirs, labels):.6f}", flush=True)
            if result["persistence"] and theirs.max() == labels.max():
                mine = np.fromfile(driver.path("model.clusters"))
                print(f"    persistence differs by up to {np.abs(np.sort(mine) - np.sort(result['persistence'])).max():.1e}")
    compare_predictions(driver, points, options)


if __name__ == "__main__":
    main()
