"""Parameters: nested names, clones and pickles."""

import pickle

import numpy as np
import pytest
import skorch
import torch
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.nets import MLP, TorchModule


class Tiny(nn.Module):
    """A user's own module, with an argument of its own."""

    def __init__(self, n_features, n_outputs, width=4):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, width), nn.Tanh(), nn.Linear(width, n_outputs)
        )

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize("estimator", [NetClassifier, NetRegressor])
def test_default_module_has_the_parameters_of_an_mlp(estimator):
    params = estimator().get_params()
    assert params["module"] is None
    assert {name[8:] for name in params if name.startswith("module__")} == set(MLP().get_params())


def test_set_params_reaches_the_default_module():
    net = NetClassifier().set_params(module__dropout=0.3, module__hidden=(5,))
    assert (net.module.dropout, net.module.hidden) == (0.3, (5,))


def test_set_params_reaches_through_a_pipeline():
    pipe = Pipeline([("scale", StandardScaler()), ("net", NetClassifier(MLP(hidden=(4,))))])
    pipe.set_params(net__module__dropout=0.3, net__lr=0.1)
    assert pipe.get_params()["net__module__dropout"] == 0.3
    assert pipe.get_params()["net__lr"] == 0.1


@pytest.mark.parametrize("spec", [MLP(hidden=(4,)), TorchModule(Tiny, width=4)])
def test_set_params_never_changes_the_users_spec(spec):
    before = spec.get_params()
    name = next(name for name in before if name in ("hidden", "width"))
    net = NetClassifier(spec).set_params(**{f"module__{name}": 7})
    assert spec.get_params() == before
    assert net.get_params()[f"module__{name}"] == 7


def test_set_params_takes_a_new_module_and_its_parameter_at_once():
    spec = MLP(hidden=(4,))
    net = NetClassifier().set_params(module=spec, module__dropout=0.1)
    assert (net.module.hidden, net.module.dropout, spec.dropout) == ((4,), 0.1, 0.0)


def test_set_params_without_nested_names_keeps_the_users_object():
    spec = MLP(hidden=(4,))
    assert NetClassifier().set_params(module=spec).module is spec


def test_a_module_class_shows_its_arguments_as_parameters():
    net = NetClassifier(Tiny)
    assert net.get_params()["module__width"] == 4
    assert net.set_params(module__width=9).module.build((3,), 2).layers[0].out_features == 9


def test_changing_parameters_leaves_a_fitted_net_as_it_is(class_data, classifier):
    X, y = class_data
    net = classifier().fit(X, y)
    before = net.predict_proba(X)
    net.set_params(module__hidden=(3,), lr=1.0, dtype="float64")
    np.testing.assert_array_equal(net.predict_proba(X), before)


MODULES = {
    "none": None,
    "mlp": MLP(hidden=(8,), batch_norm=True, dropout=0.2),
    "class": Tiny,
    "spec": TorchModule(Tiny, width=6),
    "instance": nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3)),
}


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_clone_of_a_fitted_net_is_unfitted_and_trains_to_the_same_weights(
    module, class_data, weights
):
    net = NetClassifier(module, max_epochs=2, random_state=0).fit(*class_data)
    copy = clone(net)
    assert not hasattr(copy, "net_")
    np.testing.assert_array_equal(weights(copy.fit(*class_data)), weights(net))


def test_a_module_instance_is_never_trained_itself(class_data, classifier):
    module = nn.Linear(6, 3)
    before = module.weight.detach().clone()
    classifier(module).fit(*class_data)
    assert torch.equal(module.weight, before)


def test_callbacks_are_copied_for_each_fit(number_data, regressor):
    callback = skorch.callbacks.EarlyStopping(monitor="train_loss")
    net = regressor(callbacks=[("stop", callback)])
    state = dict(vars(callback))
    net.fit(*number_data)
    assert vars(callback) == state
    clone(net).fit(*number_data)
    assert vars(callback) == state


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_pickle_keeps_predictions_bitwise(module, class_data):
    X, y = class_data
    net = NetClassifier(module, max_epochs=2, random_state=0).fit(X, y)
    copy = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(copy.predict_proba(X), net.predict_proba(X))


def test_warm_start_after_unpickling_goes_on_as_without(number_data, regressor, weights):
    net = regressor(MLP(hidden=(8,), dropout=0.2), warm_start=True, optimizer="momentum")
    copy = pickle.loads(pickle.dumps(net.fit(*number_data)))
    np.testing.assert_array_equal(weights(copy.fit(*number_data)), weights(net.fit(*number_data)))
    assert copy.n_iter_ == net.n_iter_ == 10


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_notebooks_show_the_net(module):
    net = NetClassifier(module, lr=0.25)
    assert "0.25" in repr(net)
    assert "NetClassifier" in net._repr_html_()
