"""Nets come back as they were: to the bit, and able to go on."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_multilabel_classification

from sknn_tricks import NetClassifier, load, losses, schedules
from sknn_tricks.averaging import ema, snapshots, swa
from sknn_tricks.init import lsuv, normal, variance_scaling
from sknn_tricks.init._schemes import orthogonal
from sknn_tricks.nets import MLP, BatchNorm, GroupNorm, ResMLP
from sknn_tricks.saving._load import from_bytes
from sknn_tricks.saving._save import to_bytes

LOOSE = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def assert_same(first, second):
    """Assert that two values are equal, down to estimators, arrays and modules within."""
    assert type(first) is type(second)
    if isinstance(first, dict):
        assert list(first) == list(second)
        for key in first:
            assert_same(first[key], second[key])
    elif isinstance(first, list | tuple):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_same(one, other)
    elif isinstance(first, torch.nn.Module):
        assert repr(first) == repr(second)
        assert_same(dict(first.state_dict()), dict(second.state_dict()))
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, np.ndarray):
        np.testing.assert_array_equal(first, second)
        assert first.dtype == second.dtype
    elif hasattr(first, "get_params"):
        assert_same(first.get_params(), second.get_params())
    elif isinstance(first, float) and first != first:
        assert second != second
    elif isinstance(first, np.random.RandomState):
        assert_same(first.get_state(), second.get_state())
    else:
        assert first == second


def assert_goes_on_alike(first, second, X, y):
    """Assert that both train on to the same bits, epoch by epoch."""
    for net in (first, second):
        net.partial_fit(X, y)
        net.set_params(warm_start=True).fit(X, y)
    losses = [[epoch["train_loss"] for epoch in net.history_] for net in (first, second)]
    assert losses[0] == losses[1]
    assert_same(dict(first.net_.module_.state_dict()), dict(second.net_.module_.state_dict()))


SETTINGS = {
    "plain": {},
    "everything random": {
        "module": MLP(hidden=(8, 6), dropout=0.3, input_dropout=0.1, drop_connect=0.1, norm="batch")
    },
    "residual": {"module": ResMLP(width=8, drop_path=0.2, dropout=0.1, activation="rrelu")},
    "layers with settings": {
        "module": MLP(hidden=(8,), activation=torch.nn.LeakyReLU(0.3), norm=GroupNorm(groups=2))
    },
    "classes": {
        "module": MLP(hidden=(8,), activation=torch.nn.Tanh, norm=BatchNorm(momentum=0.3)),
        "optimizer": torch.optim.RMSprop,
    },
    "learnt slopes": {"module": MLP(hidden=(8,), activation="prelu_per_feature")},
    "sgd": {"optimizer": "nesterov", "lr": 0.05, "momentum": 0.8},
    "adagrad": {"optimizer": "adagrad"},
    "schemes": {"init": variance_scaling("out", "uniform"), "lr_schedule": schedules.step(0.5)},
    "a function of ours": {"init": orthogonal},
    "a scheme that sees data": {"init": lsuv(), "bias_init": 0.1},
    "ema": {"averaging": ema(decay=0.9), "module": MLP(hidden=(8,), batch_norm=True)},
    "swa": {"averaging": swa(start=0.5), "max_epochs": 4},
    "snapshots": {"averaging": snapshots(n=2), "max_epochs": 4},
    "ensemble": {"n_members": 3, "bagging": True},
    "early stopping": {"early_stopping": True, "patience": 1, "max_epochs": 5, "lr": 0.1},
    "weights": {"class_weight": {0: 1.0, 1: 2.0, 2: 3.0}, "prior_correction": True},
    "a loss of shares": {"loss": losses.logit_adjusted(tau=0.5), "prior_correction": True},
    "shares": {"prior_correction": {0: 0.5, 1: 0.25, 2: 0.25}, "balanced_batches": True},
    "effective": {"class_weight": losses.effective_number(0.9), "balance_after": 0.5},
    "float64": {"dtype": "float64", "lr_scaling": "sqrt", "clip_norm": 1.0, "mixup": 0.2},
    "a RandomState": {"random_state": np.random.RandomState(5), "init": normal(0.2)},
}


@pytest.mark.parametrize("params", SETTINGS.values(), ids=SETTINGS)
def test_a_net_is_the_same_to_the_bit(params, again, classifier, iris):
    X, y = iris
    net = classifier(**params).fit(X, y)
    loaded = again(net)
    assert_same(loaded.predict_proba_members(X), net.predict_proba_members(X))
    assert_same(loaded.predict(X), net.predict(X))
    assert_same(loaded.get_params(), net.get_params())
    assert_same(loaded.history_, net.history_)
    assert_same(list(loaded.net_.history), list(net.net_.history))
    assert_same(loaded.classes_, net.classes_)
    assert vars(loaded).keys() == vars(net).keys()
    assert_goes_on_alike(loaded, net, X, y)


def test_a_clone_fits_to_the_same_bits(again, classifier, iris):
    net = classifier(ResMLP(width=8, dropout=0.2), random_state=np.random.RandomState(1)).fit(*iris)
    fits = [clone(each).fit(*iris).predict_proba(iris[0]) for each in (again(net), net)]
    assert_same(*fits)


def test_the_rates_of_the_latest_training_stay(again, classifier, iris):
    net = classifier().fit(*iris)
    net.set_params(warm_start=True, lr=0.1, weight_decay=0.5, betas=(0.5, 0.6)).fit(*iris)
    groups = [
        [{name: rate for name, rate in group.items() if name != "params"} for group in groups]
        for groups in (each.net_.optimizer_.param_groups for each in (again(net), net))
    ]
    assert_same(*groups)
    assert groups[0][0]["lr"] == 0.1


def test_labels_may_be_texts(again, classifier, iris):
    names = np.array(["setosa", "versicolor", "virginica"])
    net = classifier().fit(iris[0], names[iris[1]])
    assert_same(again(net).predict(iris[0]), net.predict(iris[0]))


def test_several_labels(again, classifier):
    X, y = make_multilabel_classification(60, 5, random_state=0)
    net = classifier(loss="focal").fit(X, y)
    assert_same(again(net).predict_proba(X), net.predict_proba(X))


@pytest.mark.parametrize("n_targets", [1, 2])
def test_a_regressor(again, regressor, n_targets):
    X, y = load_diabetes(return_X_y=True)
    y = y if n_targets == 1 else np.column_stack([y, -y])
    net = regressor(loss="huber", n_members=2).fit(X, y)
    loaded = again(net)
    assert_same(loaded.predict(X), net.predict(X))
    assert_same(loaded.predict_std(X), net.predict_std(X))
    loaded.partial_fit(X, y), net.partial_fit(X, y)
    assert_same(loaded.predict(X), net.predict(X))


def test_parameters_that_were_changed_since_the_fit_leave_the_net_as_it_is(again, classifier, iris):
    X, y = iris
    net = classifier(MLP(hidden=(8,), dropout=0.4)).fit(X, y)
    net.set_params(module__hidden=(3, 3), module__dropout=0.0, optimizer="sgd")
    loaded = again(net)
    assert_same(loaded.predict_proba(X), net.predict_proba(X))
    assert repr(loaded.net_.module_) == repr(net.net_.module_)
    assert loaded.module.hidden == (3, 3)
    draws = [each.predict_proba_dropout(X, 2, random_state=0) for each in (loaded, net)]
    assert_same(*draws)


def test_rows_of_any_shape(again, classifier):
    images = np.random.default_rng(0).normal(size=(40, 3, 4, 4)).astype(np.float32)
    net = classifier().fit(images, np.arange(40) % 2)
    assert_same(again(net).predict_proba(images), net.predict_proba(images))


@pytest.mark.parametrize("n_members", [1, 2])
def test_a_net_of_another_device_is_on_the_cpu(n_members, classifier, iris, changed):
    def elsewhere(config):
        nets = [config["estimator"], *config["estimator"]["attributes"].get("members_", [])]
        for each in nets:
            each["attributes"]["_device"]["device"] = "cuda:1"

    X, y = iris
    net = classifier(n_members=n_members).fit(X, y)
    loaded = load(changed(net, elsewhere))
    assert_same(loaded.predict_proba(X), net.predict_proba(X))
    assert_goes_on_alike(loaded, net, X, y)


def test_an_estimator_that_is_not_fitted(again, classifier, iris):
    loaded = again(classifier(MLP(hidden=(5,))))
    assert not hasattr(loaded, "net_")
    assert_same(*(net.fit(*iris).predict_proba(iris[0]) for net in (loaded, clone(loaded))))


def test_callbacks_that_listen_are_left_out(again, classifier, iris):
    class Listening:
        def setup(self, *args, **kwargs): ...

        def on_fit_task_begin(self, *args, **kwargs): ...

        def on_fit_task_end(self, *args, **kwargs):
            return False

        def teardown(self, *args, **kwargs): ...

    net = classifier().set_callbacks(Listening()).fit(*iris)
    loaded = again(net)
    assert "_skl_callbacks" not in vars(loaded)
    assert "_skl_callbacks" in vars(net)


def test_what_an_estimator_asks_of_metadata_routing_stays(again, classifier, iris):
    from sklearn import config_context

    with config_context(enable_metadata_routing=True):
        net = classifier().fit(*iris).set_fit_request(sample_weight="w")
        routing = again(net).get_metadata_routing()
    assert routing.fit.requests["sample_weight"] == "w"
    assert routing.score.requests["sample_weight"] is None


def test_the_net_that_was_saved_stays_as_it_is(again, classifier, iris):
    net = classifier(MLP(hidden=(4,), dropout=0.2)).fit(*iris)
    before = pickle.dumps(net.net_.module_.state_dict()), copy.deepcopy(net.get_params())
    again(net).partial_fit(*iris)
    assert pickle.dumps(net.net_.module_.state_dict()) == before[0]
    assert_same(net.get_params(), before[1])


NUMBERS = st.floats(1e-6, 1e3)
PARAMETERS = st.fixed_dictionaries(
    {
        "lr": st.floats(1e-300, 1e300),
        "betas": st.tuples(st.floats(0, 0.999), st.floats(0, 0.999)),
        "clip_norm": st.none() | NUMBERS | st.just(float("inf")),
        "init": st.sampled_from(["auto", "lsuv"]) | st.builds(normal, NUMBERS),
        "lr_schedule": st.sampled_from(["cosine", schedules.multi_step((0.5, 3)), "step"]),
        "class_weight": st.none() | st.dictionaries(st.integers() | st.text(), NUMBERS),
        "averaging": st.none() | st.builds(ema, st.floats(0, 1)),
        "random_state": st.none() | st.integers(0, 2**32 - 1),
        "validation_fraction": st.builds(np.float64, st.floats(0, 1)),
        "batch_size": st.integers(1, 10**30) | st.builds(np.int32, st.integers(1, 2**31 - 1)),
        "loss": st.sampled_from(["focal", losses.cross_entropy]) | st.builds(losses.focal, NUMBERS),
        "verbose": st.booleans(),
        "device": st.sampled_from(["auto", torch.device("cpu"), torch.device("cuda:1")]),
    }
)


@LOOSE
@given(PARAMETERS, st.lists(st.integers(1, 9), max_size=3), st.floats(0, 0.9))
def test_parameters_come_back(params, hidden, dropout):
    net = NetClassifier(MLP(hidden=tuple(hidden), dropout=dropout), **params)
    data = to_bytes(net)
    loaded = from_bytes(data, "here", (), {})
    assert_same(loaded.get_params(), net.get_params())
    assert to_bytes(loaded) == data
