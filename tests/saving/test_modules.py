"""Nets of the user's own modules, and of torch's."""

import numpy as np
import pytest
import torch
from torch import nn

from sknn_tricks import save
from sknn_tricks.nets import TorchModule


class Small(nn.Module):
    def __init__(self, n_features, n_outputs, width=4, activation=None):
        super().__init__()
        self.first, self.last = nn.Linear(n_features, width), nn.Linear(width, n_outputs)
        self.activation = nn.functional.gelu if activation is None else activation
        self.scale, self.names = nn.Parameter(torch.ones(width)), ("a", {"b": 1})
        self.register_buffer("shift", torch.zeros(width, dtype=torch.float64), persistent=False)

    def forward(self, x):
        hidden = self.activation(self.first(x)) * self.scale + self.shift.to(x.dtype)
        return self.last(hidden)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.square = nn.Linear(4, 4)
        self.layers = nn.ModuleList([self.square, nn.ReLU(), self.square])
        self.last = nn.Linear(4, 3, bias=False)
        self.last.weight = nn.Parameter(self.square.weight[:3].detach().clone())
        self.also = self.last.weight

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.last(x)


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 5, num_layers=2, batch_first=True)
        self.last = nn.Linear(5, 3)

    def forward(self, x):
        return self.last(self.lstm(x.reshape(len(x), 2, 2))[0][:, -1])


OWN = {"Small": Small, "Tied": Tied, "Recurrent": Recurrent}
MODULES = {
    "a class": TorchModule(Small, width=6),
    "an instance": Small(4, 3),
    "shared parts": Tied(),
    "recurrent": Recurrent(),
    "layers of torch": nn.Sequential(
        nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 3, 2), nn.Flatten(), nn.Dropout(0.2), nn.Linear(9, 3)
    ),
    "a transformer": nn.Sequential(
        nn.Unflatten(1, (1, 4)),
        nn.TransformerEncoderLayer(4, 2, 8, batch_first=True),
        nn.Flatten(),
        nn.Linear(4, 3),
    ),
}


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_a_module_is_the_same_to_the_bit(module, again, classifier, iris):
    X, y = iris
    net = classifier(module).fit(X, y)
    loaded = again(net, modules=OWN)
    np.testing.assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))
    assert repr(loaded.net_.module_) == repr(net.net_.module_)
    loaded.partial_fit(X, y), net.partial_fit(X, y)
    np.testing.assert_array_equal(loaded.predict_proba(X), net.predict_proba(X))


def test_layers_of_torch_need_no_class(again, classifier, iris):
    net = classifier(MODULES["layers of torch"]).fit(*iris)
    np.testing.assert_array_equal(again(net).predict_proba(iris[0]), net.predict_proba(iris[0]))


def test_what_was_shared_is_shared_again(again, classifier, iris):
    module = again(classifier(Tied()).fit(*iris), modules=OWN).net_.module_
    assert module.layers[0] is module.layers[2] is module.square
    assert module.also is module.last.weight


def test_frozen_parameters_and_passing_buffers_stay_so(again, classifier, iris):
    own = Small(4, 3)
    own.first.requires_grad_(False)
    module = again(classifier(own).fit(*iris), modules=OWN).net_.module_
    frozen = {name for name, each in module.named_parameters() if not each.requires_grad}
    assert frozen == {"first.weight", "first.bias"}
    assert "shift" not in module.state_dict()
    assert isinstance(module.shift, torch.Tensor)


def test_parameters_of_a_class_stay_searchable(again, classifier, iris):
    net = classifier(TorchModule(Small, width=3)).fit(*iris)
    loaded = again(net, modules=OWN).set_params(module__width=2).fit(*iris)
    assert loaded.net_.module_.first.out_features == 2


def test_a_class_of_the_users_must_be_given(again, classifier, iris):
    net = classifier(TorchModule(Small)).fit(*iris)
    with pytest.raises(ValueError, match="a class of your own") as error:
        again(net, modules={"Tied": Tied})
    assert str(error.value) == (
        "The net is made of a class of your own, 'Small', which no file holds. Expected "
        "modules={'Small': Small}; got classes called 'Tied'. Give the class that it was trained "
        "with."
    )


def test_what_is_given_must_be_a_class(again, classifier, iris):
    with pytest.raises(ValueError, match=r"^modules\['Small'\] is no class of modules"):
        again(classifier(TorchModule(Small)).fit(*iris), modules={"Small": "Small"})


def test_a_class_that_is_given_is_not_called(again, classifier, iris):
    net = classifier(TorchModule(Small)).fit(*iris)

    class Other(nn.Module):
        def __init__(self):
            raise AssertionError

        forward = Small.forward

    np.testing.assert_array_equal(
        again(net, modules={"Small": Other}).predict_proba(iris[0]), net.predict_proba(iris[0])
    )


def _two_of_a_name():
    class Small(nn.Linear):
        pass

    return nn.Sequential(TwoNames(4, 4), Small(4, 3))


class TwoNames(Small):
    pass


TwoNames.__name__ = "Small"


class Doing(nn.Linear):
    def __init__(self, what):
        super().__init__(4, 3)
        self.what = what


def _hooked():
    module = nn.Linear(4, 3)
    module.register_forward_hook(lambda *args: None)
    return module


REFUSED = {
    "two classes of a name": (_two_of_a_name, "Two classes of modules are called 'Small'"),
    "hooks": (_hooked, "is a module with functions attached"),
    "a function": (lambda: Doing(lambda x: x), "what of Doing is a function of your own"),
    "an object": (lambda: Doing(object()), "what of Doing holds what has no place in a file"),
    "half floats": (
        lambda: Doing(torch.zeros(2, dtype=torch.bfloat16)),
        "what of Doing is an array of numbers that no file holds",
    ),
}


@pytest.mark.parametrize(("make", "error"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_written_is_refused(make, error, classifier, tmp_path):
    with pytest.raises(ValueError, match=error):
        save(classifier(make()), tmp_path / "net")
    assert not list(tmp_path.iterdir())


def test_rows_that_a_module_takes_are_its_own_affair(again, classifier):
    series = np.random.default_rng(0).normal(size=(30, 2, 2)).astype(np.float32)
    net = classifier(Recurrent()).fit(series, np.arange(30) % 3)
    np.testing.assert_array_equal(
        again(net, modules=OWN).predict_proba(series), net.predict_proba(series)
    )
