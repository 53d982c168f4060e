"""What tracking costs: searches untracked, with MLflowCallback, and with mlflow's autolog.

    python benchmarks/bench_tracking.py [--rounds 3] [--parts small,large,ui]

small: digits, a stock GridSearchCV of our net, 24 candidates x 3 folds x 8 epochs, one core.
large: FusedGridSearchCV, 768 candidates x 5 folds x 20 epochs, two cores, untracked and tracked.
ui: seconds from the command to the page.

Each search runs in a fresh process, after MLflow is loaded and a first net is trained, into a
fresh store that exists already; its time is that of the whole `fit`, all runs written. The first
one in a process opens the store and loads matplotlib; a small one is run again.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
from mlflow import MlflowClient, sklearn
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import MLP
from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores._store import Store

INITS = ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"]
SMALL = {
    "net__init": INITS,
    "net__module__dropout": [0.0, 0.2, 0.5],
    "net__weight_decay": [0.0, 1e-2],
}
LARGE = {
    "net__init": INITS,
    "net__module__dropout": [0.0, 0.2, 0.5],
    "net__weight_decay": [0.0, 1e-4, 1e-3, 1e-2],
    "net__lr": [1e-4 * 1.4**i for i in range(16)],
}
WAYS = {
    "small": ("untracked", "MLflowCallback", "autolog"),
    "large": ("untracked", "MLflowCallback"),
}


def make_search(part: str) -> GridSearchCV:
    """Return a search."""
    epochs = {"small": 8, "large": 20}[part]
    module = MLP(hidden=(64, 64), batch_norm=True)
    net = NetClassifier(module, max_epochs=epochs, random_state=0)
    pipe = Pipeline([("scale", StandardScaler()), ("net", net)])
    if part == "small":
        return GridSearchCV(pipe, SMALL, cv=3, n_jobs=1)
    return FusedGridSearchCV(pipe, LARGE, cv=5, n_jobs=2, refit=False)


def fit_here(part: str, way: str, uri: str) -> list[float]:
    """Return the seconds of a fit in this process, and of the same again if it is small."""
    warnings.simplefilter("ignore")
    X, y = load_digits(return_X_y=True)
    X = X.astype("float32")
    search = make_search(part)
    # the first training loads libraries, and starts the processes of a fused search
    first = {name: values[:2] for name, values in search.param_grid.items()}
    make_search(part).set_params(param_grid=first).fit(X, y)
    if way == "MLflowCallback":
        search.set_callbacks(MLflowCallback("demo", tracking_uri=uri, print_link=False))
    if way == "autolog":
        os.environ["MLFLOW_TRACKING_URI"] = uri
        sklearn.autolog(silent=True)
    seconds = []
    for _ in range({"small": 2, "large": 1}[part]):
        start = time.perf_counter()
        search.fit(X, y)
        seconds.append(time.perf_counter() - start)
    return seconds


def run_way(part: str, way: str) -> tuple[list[float], str]:
    """Return the seconds of fits in a fresh process, and what is in the store afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        uri = f"sqlite:///{folder}/mlflow.db"
        Store(uri).open("demo")
        command = [sys.executable, Path(__file__).resolve(), "--child", part, way, uri]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=folder)
        return json.loads(done.stdout.splitlines()[-1]), describe_store(uri)


def describe_store(uri: str) -> str:
    """Return how many candidates, folds and epochs of folds a store has."""
    client = MlflowClient(tracking_uri=uri)
    experiments = [each.experiment_id for each in client.search_experiments()]
    nested = client.search_runs(experiments, "tags.`mlflow.parentRunId` LIKE '%'", max_results=5000)
    runs = [run for run in nested if "train_loss" not in run.data.metrics]
    folds = [
        (run, name) for run in runs for name in run.data.metrics if name.endswith("/train_loss")
    ]
    curves = [(run, name) for run, name in folds if name.startswith("fold_")]
    if not curves:
        return f"{len(runs)} candidates, 0 folds, 0 epochs"
    run, name = curves[0]
    n_epochs = len(client.get_metric_history(run.info.run_id, name))
    return f"{len(runs)} candidates, {len(curves)} folds, {len(curves) * n_epochs} epochs"


def compare(part: str, rounds: int) -> None:
    """Print what each way takes."""
    ways = WAYS[part]
    results = [{way: run_way(part, way) for way in ways} for _ in range(rounds)]
    n_fits = len(results[0]["untracked"][0])
    print(f"\n| {part} | search | seconds | more | of untracked | in the store |")
    print("|---|---|---|---|---|---|")
    for way in ways:
        for fit in range(n_fits):
            pairs = [(each[way][0][fit], each["untracked"][0][fit]) for each in results]
            seconds = statistics.median(mine for mine, _ in pairs)
            more = statistics.median(mine - plain for mine, plain in pairs)
            ratio = statistics.median(mine / plain for mine, plain in pairs)
            times = f"{seconds:.2f} | {more:+.2f} | {ratio:.2f}"
            print(f"| {way} | {fit + 1} of {n_fits} | {times} | {results[0][way][1]} |")


def time_ui(rounds: int) -> None:
    """Print how long the UI takes to answer."""
    seconds = statistics.median(seconds_to_page() for _ in range(rounds))
    print(f"\nUI: {seconds:.1f} s from the command to the page")


def seconds_to_page() -> float:
    """Return the seconds from the command to its first page."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        uri = f"sqlite:///{Path(folder)}/mlflow.db"
        Store(uri).open("demo")
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, "-m", "sknn_tricks", "ui", "--port", str(port)]
        start = time.perf_counter()
        env = {**os.environ, "MLFLOW_TRACKING_URI": uri, "BROWSER": "true"}
        server = subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            while not answers(f"http://127.0.0.1:{port}/"):
                if server.poll() is not None:
                    raise RuntimeError("the UI has ended")
                time.sleep(0.05)
            return time.perf_counter() - start
        finally:
            server.terminate()
            server.wait()


def answers(url: str) -> bool:
    """Tell whether a page is there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", default="small,large,ui")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(fit_here(*options.child)))
        return
    for part in options.parts.split(","):
        if part == "ui":
            time_ui(options.rounds)
        else:
            compare(part, options.rounds)


if __name__ == "__main__":
    main()
