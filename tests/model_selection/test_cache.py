"""Searches that are killed go on where they were, and end as if nothing had been."""

import json
import random
import signal
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score

from sknn_tricks import NetClassifier
from sknn_tricks.fused import Cache, fused_training
from sknn_tricks.model_selection import (
    FusedGridSearchCV,
    FusedHalvingRandomSearchCV,
    FusedRandomizedSearchCV,
)
from sknn_tricks.nets import MLP

GRID = {"lr": [0.001, 0.01, 0.1], "module__hidden": [(4,), (5,)], "weight_decay": [0.0, 0.1]}
N_NETS = 12 * 3 + 1

# A search that is killed once so many nets are kept; without a number it ends and tells.
SCRIPT = """
import json, os, signal, sys
from sklearn.datasets import load_iris
from sknn_tricks import NetClassifier
from sknn_tricks.fused import Cache
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import MLP

folder, n_kept, grid = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
keep, kept = Cache.keep, []

def keep_and_die(self, path, trained):
    if len(kept) == n_kept:
        os.kill(os.getpid(), signal.SIGKILL)
    keep(self, path, trained)
    kept.append(path)

Cache.keep = keep_and_die
net = NetClassifier(MLP((4,)), max_epochs=3, random_state=0)
search = FusedGridSearchCV(net, grid, cv=3, n_jobs=1, cache=folder)
search.fit(*load_iris(return_X_y=True))
scores = search.cv_results_["mean_test_score"].tolist()
print(json.dumps([search.report_.n_nets, search.report_.n_cached, scores]))
"""


@pytest.fixture
def net():
    return NetClassifier(MLP((4,)), max_epochs=3, random_state=0)


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture
def undisturbed(net, iris):
    """Return the scores of a search by stock scikit-learn."""
    return GridSearchCV(net, GRID, cv=3).fit(*iris).cv_results_["mean_test_score"].tolist()


def start(folder, n_kept=-1, before=""):
    command = [sys.executable, "-c", before + SCRIPT, str(folder), str(n_kept), json.dumps(GRID)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_search_that_is_killed_three_times_ends_as_if_undisturbed(tmp_path, undisturbed):
    n_kept = 0
    for _ in range(3):
        killed_after = random.randrange(1, 9)
        process = start(tmp_path, killed_after)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors
        n_kept += killed_after
    out, errors = start(tmp_path).communicate()
    n_nets, n_cached, scores = json.loads(out)
    assert (n_nets, n_cached) == (N_NETS - n_kept, n_kept), errors
    assert scores == undisturbed


@pytest.mark.slow
def test_two_processes_share_a_cache(tmp_path, undisturbed):
    processes = [start(tmp_path) for _ in range(2)]
    for process in processes:
        out, errors = process.communicate()
        assert json.loads(out)[2] == undisturbed, errors
    assert json.loads(start(tmp_path).communicate()[0])[:2] == [0, N_NETS]


@pytest.mark.slow
def test_with_a_full_disk_the_search_goes_on_and_says_so(tmp_path, undisturbed):
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    out, errors = start(tmp_path, before=full).communicate()
    assert json.loads(out)[2] == undisturbed, errors
    assert errors.count("Trained nets cannot be written to the cache") == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "make",
    [
        lambda net, cache: FusedGridSearchCV(net, GRID, cv=3, cache=cache),
        lambda net, cache: FusedRandomizedSearchCV(
            net, GRID, n_iter=3, cv=3, random_state=0, cache=cache
        ),
        lambda net, cache: FusedHalvingRandomSearchCV(
            net, GRID, n_candidates=4, cv=3, random_state=0, cache=cache
        ),
    ],
    ids=["grid", "random", "halving"],
)
def test_a_search_again_trains_nothing(net, iris, tmp_path, make):
    first, again = (make(net, tmp_path).fit(*iris) for _ in range(2))
    assert first.report_.n_cached == 0
    assert (again.report_.n_nets, again.report_.n_cached) == (0, first.report_.n_nets)
    for name, values in first.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(values, again.cv_results_[name])
    X, _ = iris
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert first.best_estimator_.history_ == again.best_estimator_.history_


def test_another_class_finds_the_same_nets(net, iris, tmp_path):
    with fused_training(cache=tmp_path):
        scores = cross_val_score(net.set_params(lr=0.01), *iris, cv=3)
    search = FusedGridSearchCV(net, {"lr": [0.01, 0.1]}, cv=3, cache=Cache(tmp_path)).fit(*iris)
    assert (search.report_.n_nets, search.report_.n_cached) == (3 + 1, 3)
    assert search.cv_results_["mean_test_score"][0] == scores.mean()


def test_a_larger_grid_trains_what_is_new(net, iris, tmp_path):
    FusedGridSearchCV(net, {"lr": [0.01]}, cv=3, refit=False, cache=tmp_path).fit(*iris)
    search = FusedGridSearchCV(net, {"lr": [0.1, 0.01]}, cv=3, refit=False, cache=tmp_path)
    assert search.fit(*iris).report_.n_cached == 3


def test_members_of_an_ensemble_are_kept_each(net, iris, tmp_path):
    with fused_training(cache=tmp_path):
        net.set_params(n_members=2).fit(*iris)
    with fused_training(cache=tmp_path) as fused:
        net.set_params(n_members=2).fit(*iris)
    assert (fused.report.n_nets, fused.report.n_cached) == (0, 2)


def test_an_inner_block_gives_the_outer_one_its_cache(net, iris, tmp_path):
    with fused_training() as outer:
        assert outer.cache is None
        FusedGridSearchCV(net, {"lr": [0.01]}, cv=3, cache=tmp_path).fit(*iris)
        assert outer.cache.folder == tmp_path


def test_a_wrong_cache(net, iris):
    with pytest.raises(TypeError, match="cache is nothing to keep nets in"):
        FusedGridSearchCV(net, {"lr": [0.01]}, cache=3).fit(*iris)
