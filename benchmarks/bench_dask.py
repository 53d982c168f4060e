"""A search of about a minute: on this machine's own processes, and on a Dask cluster of two.

    python benchmarks/bench_dask.py [--epochs 200]

Both are started and warmed up before. Dask's profiler, which samples each worker a hundred times a
second, is off, as in `examples/on_a_cluster.py`. Needs the extra `dask`.
"""

from __future__ import annotations

import argparse
import warnings

import dask
import joblib
import numpy as np
from bench_search import searches, seconds
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_digits


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=200)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    X = X.astype("float32")
    search = searches("64-tricks")["fused"]
    search.fit(X, y)
    search.set_params(estimator__net__max_epochs=options.epochs)
    here = seconds(search, X, y)
    scores = search.cv_results_["mean_test_score"]
    joblib.externals.loky.get_reusable_executor().shutdown()
    with (
        dask.config.set({"distributed.worker.profile.enabled": False}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        search.set_params(estimator__net__max_epochs=1).fit(X, y)
        search.set_params(estimator__net__max_epochs=options.epochs)
        there = seconds(search, X, y)
    assert np.array_equal(scores, search.cv_results_["mean_test_score"])
    print("| two processes of this machine, s | two Dask workers, s | Dask / processes |")
    print("|---|---|---|")
    print(f"| {here:.1f} | {there:.1f} | {there / here:.2f} |")


if __name__ == "__main__":
    main()
