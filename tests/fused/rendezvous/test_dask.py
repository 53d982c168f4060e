"""Stacks on a Dask cluster: the same results, also where a worker is killed."""

import os
import signal
import threading
import time

import joblib
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from sknn_tricks import NetClassifier
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import MLP

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow

GRID = {"lr": [0.001, 0.01], "weight_decay": [0.0, 0.1], "module__dropout": [0.0, 0.3]}


@pytest.fixture(autouse=True)
def on_train():
    """Train for real here."""


@pytest.fixture
def cluster():
    """Two worker processes."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


@pytest.fixture
def search():
    net = NetClassifier(MLP((32,)), max_epochs=4, random_state=0)
    return GridSearchCV(net, GRID, cv=3, refit=False)


def scores(search):
    return search.cv_results_["mean_test_score"].tolist()


def test_on_a_cluster_results_are_the_same_to_the_bit(cluster, digits, search):
    with joblib.parallel_config(backend="dask"), fused_training() as fused:
        there = scores(search.fit(*digits))
    assert fused.report.n_nets == 24
    assert fused.report.n_stacks % 2 == 0
    with fused_training(n_jobs=1):
        assert there == scores(search.fit(*digits))


def test_stacks_are_trained_by_the_workers(cluster, digits, search):
    with (
        distributed.get_task_stream(client=cluster) as stream,
        joblib.parallel_config(backend="dask"),
        fused_training(),
    ):
        search.fit(*digits)
    trained_at = {task["worker"] for task in stream.data if "run_packed" in str(task["key"])}
    assert len(trained_at) == 2


def test_a_killed_workers_stack_is_trained_by_another(cluster, digits, search):
    search.set_params(estimator__max_epochs=40)
    with fused_training(n_jobs=1):
        here = scores(search.fit(*digits))

    def kill_one():
        while not any(cluster.processing().values()):
            time.sleep(0.01)
        time.sleep(0.3)
        os.kill(cluster.run(os.getpid).popitem()[1], signal.SIGKILL)

    killer = threading.Thread(target=kill_one)
    killer.start()
    with joblib.parallel_config(backend="dask"), fused_training() as fused:
        there = scores(search.fit(*digits))
    killer.join()
    assert fused.report.n_nets == 24
    assert there == here
