"""The same random_state gives the same net; nobody else's random numbers are touched."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from torch import nn

from sknn_tricks.nets import MLP

# Run here and in a process of its own: prints a digest of weights and predictions of two nets.
SCRIPT = """
import hashlib
from sklearn.datasets import make_classification
from torch import nn
from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP

class OwnModule(nn.Sequential):
    def __init__(self, n_features, n_outputs):
        super().__init__(nn.Linear(n_features, 16), nn.Tanh(), nn.Dropout(0.3),
                         nn.Linear(16, n_outputs))

def digest(module):
    X, y = make_classification(n_samples=120, random_state=0)
    net = NetClassifier(module, max_epochs=4, early_stopping=True, batch_size=32, random_state=0)
    net.fit(X, y)
    weights = [value.numpy().tobytes() for value in net.net_.module_.state_dict().values()]
    return hashlib.sha256(b"".join([*weights, net.predict_proba(X).tobytes()])).hexdigest()

digests = [digest(MLP((16, 16), batch_norm=True, dropout=0.3)), digest(OwnModule)]
print(*digests)
"""


class OwnModule(nn.Sequential):
    """A user's own module that draws from torch's global random state."""

    def __init__(self, n_features, n_outputs):
        super().__init__(
            nn.Linear(n_features, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, n_outputs)
        )


MODULES = {"mlp": MLP((8,), batch_norm=True, dropout=0.3), "own module": OwnModule}


@pytest.fixture(params=MODULES.values(), ids=MODULES)
def net(request, classifier):
    """Return a net with every random stream there is."""
    return classifier(request.param, early_stopping=True)


def test_fits_in_one_process_are_equal(net, class_data, weights):
    X, y = class_data
    one, two = clone(net).fit(X, y), clone(net).fit(X, y)
    np.testing.assert_array_equal(weights(one), weights(two))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))
    assert one.loss_curve_ == two.loss_curve_


def test_fits_in_two_processes_are_equal():
    here = {}
    exec(SCRIPT, here)
    there = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.split() == here["digests"]


def test_another_seed_gives_another_net(net, class_data, weights):
    one, two = (clone(net).set_params(random_state=seed).fit(*class_data) for seed in (0, 1))
    assert not np.array_equal(weights(one), weights(two))


def test_no_seed_gives_another_net_each_time(net, class_data, weights):
    net.set_params(random_state=None)
    one, two = clone(net).fit(*class_data), clone(net).fit(*class_data)
    assert not np.array_equal(weights(one), weights(two))


def test_a_random_state_object_is_drawn_from(net, class_data, weights):
    def fit_twice():
        net.set_params(random_state=np.random.RandomState(5))
        return [weights(net.fit(*class_data)), weights(net.fit(*class_data))]

    one, again = fit_twice(), fit_twice()
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(*one)


@pytest.mark.parametrize("random_state", [0, None])
def test_global_random_states_are_left_alone(random_state, net, class_data):
    numpy_before, torch_before = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    net.set_params(random_state=random_state).fit(*class_data).predict(class_data[0])
    np.testing.assert_equal(np.random.get_state(), numpy_before)  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), torch_before)


def test_global_random_states_are_left_alone_by_a_fit_that_fails(net, class_data):
    torch_before = torch.get_rng_state()
    with pytest.raises(ValueError, match="diverged"):
        net.set_params(optimizer="sgd", lr=1e30).fit(*class_data)
    assert torch.equal(torch.get_rng_state(), torch_before)


def test_seeding_the_globals_changes_nothing(net, class_data, weights):
    results = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        results.append(weights(clone(net).fit(*class_data)))
    np.testing.assert_array_equal(*results)


def test_fits_in_threads_are_the_fits_one_after_another(net, class_data, weights):
    nets = [clone(net).set_params(random_state=seed) for seed in range(6)]
    expected = [weights(clone(one).fit(*class_data)) for one in nets]
    with Parallel(n_jobs=2, backend="threading") as parallel:
        fitted = parallel(delayed(one.fit)(*class_data) for one in nets)
    np.testing.assert_array_equal([weights(one) for one in fitted], expected)


@pytest.mark.parametrize("module", [MLP((8,)), MLP((64, 64), batch_norm=True, dropout=0.3)])
def test_the_number_of_threads_changes_nothing(module, class_data, classifier, weights):
    before = torch.get_num_threads()
    results = []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            results.append(weights(classifier(module).fit(*class_data)))
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*results)


def test_predictions_in_threads_are_the_predictions_one_after_another(class_data, classifier):
    X, y = class_data
    net = classifier(MLP((8,), activation=Rendezvous)).fit(X, y)
    expected = net.predict_proba(X)
    with Parallel(n_jobs=2, backend="threading") as parallel:
        for _ in range(20):
            for proba in parallel(delayed(net.predict_proba)(X) for _ in range(2)):
                np.testing.assert_array_equal(proba, expected)
    assert {parameter.dtype for parameter in net.net_.module_.parameters()} == {torch.float32}


class Rendezvous(nn.Tanh):
    """Gives other threads the time to get into the same module."""

    def forward(self, x):
        if not self.training:
            time.sleep(0.005)
        return super().forward(x)
