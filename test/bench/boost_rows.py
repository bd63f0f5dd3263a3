#!/usr/bin/env python3
"""One fit as rows grow, 10^4 to 10^7, next to XGBoost and LightGBM: seconds of a row and tree, and memory.

    python3 boost_rows.py LIBRARY [ROUNDS [EXPONENTS]]

LIBRARY is the core library (make core gives it).  Needs numpy, xgboost and lightgbm.
Made-up rows of 14 features, 20 trees of depth 6, eta 0.1, 256 bins, 2 threads; ROUNDS
(3) rounds in which the programs take turns, each fit in a process of its own; medians.
EXPONENTS (4,5,6,7) are those of the rows.  Memory is what the bins and the fit take over
the rows themselves: of ours the most that was lent out, of the peers the growth of the
process's peak, so that their figure of few rows is that of their threads.
"""
import multiprocessing
import os
import resource
import sys
import tempfile
import time

import numpy as np

import boost
from boost_speed import made_up

TREES, THREADS = 20, 2
PARAMS = {"eta": 0.1, "max_depth": 6, "n_estimators": TREES, "threads": THREADS}


def ours(run, X, y):
    result = boost.ours(*run, X, y, PARAMS)
    return result["bins"], result["fit"], result["memory"] / 1e6


def measured(function):
    """The peers: seconds of bins and trees and MB, from a process that did nothing else."""
    def child(pipe, X, y):
        function(X[:1000], y[:1000])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        bins, fit = function(X, y)
        pipe.send((bins, fit, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3))

    def run(_, X, y):
        here, there = multiprocessing.Pipe()
        process = multiprocessing.Process(target=child, args=(there, X, y))
        process.start()
        there.close()
        result = here.recv()
        process.join()
        return result
    return run


@measured
def xgboost(X, y):
    import xgboost as xgb
    params = {"eta": 0.1, "max_depth": 6, "max_bin": 256, "tree_method": "hist", "objective": "binary:logistic",
              "nthread": THREADS}
    start = time.perf_counter()
    matrix = xgb.QuantileDMatrix(X, y, max_bin=256, nthread=THREADS)
    binned = time.perf_counter()
    xgb.train(params, matrix, TREES)
    return binned - start, time.perf_counter() - binned


@measured
def lightgbm(X, y):
    import lightgbm as lgb
    params = {"learning_rate": 0.1, "max_depth": 6, "num_leaves": 64, "max_bin": 255, "objective": "binary",
              "num_threads": THREADS, "lambda_l2": 1, "min_sum_hessian_in_leaf": 1, "min_data_in_leaf": 1,
              "verbose": -1, "force_row_wise": True}
    start = time.perf_counter()
    data = lgb.Dataset(X, y, params=params).construct()
    binned = time.perf_counter()
    lgb.train(params, data, TREES)
    return binned - start, time.perf_counter() - binned


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    exponents = [int(e) for e in sys.argv[3].split(",")] if len(sys.argv) > 3 else [4, 5, 6, 7]
    programs = {"ours": ours, "xgboost": xgboost, "lightgbm": lightgbm}
    with tempfile.TemporaryDirectory() as scratch:
        run = (boost.build(sys.argv[1], scratch), scratch)
        for exponent in exponents:
            X, y, n = made_up(10 ** exponent, 0)
            runs = {program: [] for program in programs}
            for _ in range(rounds):
                for program, function in programs.items():
                    runs[program].append(function(run, X, y))
            for program, timed in runs.items():
                bins, fit, memory = np.median(np.array(timed), axis=0)
                print("10^%d rows, %-8s bins %.3f s, fit %.3f s, %.3f us a row and tree, %.1f MB" %
                      (exponent, program, bins, fit, 1e6 * fit / n / TREES, memory), flush=True)


if __name__ == "__main__":
    main()
