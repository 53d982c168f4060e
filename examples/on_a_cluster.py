"""A search on a Dask cluster: the same search, in one more block.

    python examples/on_a_cluster.py                       # two worker processes on this machine
    python examples/on_a_cluster.py tcp://scheduler:8786  # your cluster

Needs ``pip install "sknn-tricks[dask]"``, on the workers too. Scalers, scores and all else of the
search run here; the stacks of nets are trained by the workers. Each has the data sent once. Dask's
profiler, which samples each worker a hundred times a second, would cost some of them a tenth.
"""

import sys

import dask
import joblib
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import MLP

GRID = {
    "netclassifier__init": ["xavier_normal", "kaiming_normal"],
    "netclassifier__module__dropout": [0.0, 0.2],
    "netclassifier__weight_decay": [0.0, 0.01, 0.1],
}


def connect() -> Client:
    """Return a client of the cluster named on the command line, or of one made for this run."""
    if len(sys.argv) > 1:
        return Client(sys.argv[1])
    dask.config.set({"distributed.worker.profile.enabled": False})
    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    )
    return Client(cluster)


def main() -> None:
    """Search."""
    net = NetClassifier(MLP((64, 64), batch_norm=True), max_epochs=20, random_state=0)
    search = GridSearchCV(make_pipeline(StandardScaler(), net), GRID, cv=5)
    with connect(), joblib.parallel_config(backend="dask"), fused_training() as fused:
        search.fit(*load_digits(return_X_y=True))
    print(fused.report)
    print(search.best_params_, round(search.best_score_, 4))


if __name__ == "__main__":
    main()
