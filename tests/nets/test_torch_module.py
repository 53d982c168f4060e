import pickle
import re
from inspect import Parameter, Signature

import pytest
import torch
from sklearn.base import BaseEstimator, clone
from torch import nn

from sknn_tricks.nets import ModuleInstance, TorchModule

INPUT_NAMES = ["n_inputs", "n_features", "in_features", "input_size", "input_dim", "in_dim"]
OUTPUT_NAMES = [
    *("n_outputs", "n_classes", "num_classes", "out_features"),
    *("output_size", "output_dim", "out_dim"),
]


class Told(nn.Module):
    """Remembers what it was told."""

    def __init__(self, **told):
        super().__init__()
        self.told = told


def asking(*names):
    """Return a module class with these arguments."""
    signature = Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in names])
    return type("Asking", (Told,), {"__signature__": signature})


class Small(nn.Sequential):
    def __init__(self, n_features, n_outputs, width=16, activation=nn.ReLU):
        super().__init__(nn.Linear(n_features, width), activation(), nn.Linear(width, n_outputs))


class Sized(nn.Module):
    """Has defaults for its sizes."""

    def __init__(self, in_features=784, num_classes=10):
        super().__init__()
        self.layer = nn.Linear(in_features, num_classes)


class Head(nn.Module):
    def __init__(self, n_outputs, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(3, n_outputs)


class Holder(BaseEstimator):
    """As our estimators hold a spec."""

    def __init__(self, module=None):
        self.module = module


def exactly(text):
    return f"^{re.escape(text)}$"


# --- sizes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INPUT_NAMES)
def test_the_number_of_features_goes_by_each_of_its_names(name):
    assert TorchModule(asking(name)).build((2, 3), 5).told == {name: 6}


@pytest.mark.parametrize("name", OUTPUT_NAMES)
def test_the_number_of_outputs_goes_by_each_of_its_names(name):
    assert TorchModule(asking(name)).build((2, 3), 5).told == {name: 5}


def test_the_shape_of_a_row_is_given_as_a_tuple():
    built = TorchModule(asking("input_shape", "n_classes")).build((2, 3), 5)
    assert built.told == {"input_shape": (2, 3), "n_classes": 5}


def test_nothing_is_given_that_is_not_asked_for():
    assert TorchModule(asking()).build((2, 3), 5).told == {}


def test_a_class_that_takes_anything_is_told_only_what_was_given():
    assert TorchModule(Told, width=3).build((2, 3), 5).told == {"width": 3}


def test_given_arguments_win_over_the_sizes():
    net = TorchModule(Small, n_features=7, n_outputs=4).build((3,), 2)
    assert (net[0].in_features, net[2].out_features) == (7, 4)


def test_the_sizes_win_over_the_defaults_of_the_class():
    layer = TorchModule(Sized).build((3,), 2).layer
    assert (layer.in_features, layer.out_features) == (3, 2)


def test_a_layer_of_torch_is_a_class_like_any_other():
    layer = TorchModule(nn.Linear, bias=False).build((3,), 2)
    assert layer.weight.shape == (2, 3)
    assert layer.bias is None


def test_each_build_is_a_net_of_its_own():
    spec = TorchModule(Small)
    first, second = spec.build((3,), 2), spec.build((3,), 2)
    assert not torch.equal(first[0].weight, second[0].weight)


def test_a_module_among_the_arguments_is_copied_for_each_build():
    backbone = nn.Linear(3, 3)
    spec = TorchModule(Head, backbone=backbone)
    first, second = spec.build((3,), 2), spec.build((3,), 2)
    assert torch.equal(first.backbone.weight, backbone.weight)
    with torch.no_grad():
        first.backbone.weight.zero_()
    assert backbone.weight.abs().min() > 0
    assert second.backbone.weight.abs().min() > 0


# --- parameters -----------------------------------------------------------------------------


def test_get_params_lists_the_class_the_arguments_and_the_defaults():
    assert TorchModule(Small, width=4).get_params() == {
        "cls": Small,
        "width": 4,
        "activation": nn.ReLU,
    }


def test_get_params_without_deep_lists_only_what_was_given():
    assert TorchModule(Small, width=4).get_params(deep=False) == {"cls": Small, "width": 4}


def test_set_params_changes_the_next_build_and_keeps_the_rest():
    spec = TorchModule(Small, width=4)
    assert spec.set_params(activation=nn.Tanh) is spec
    net = spec.build((3,), 2)
    assert net[0].out_features == 4
    assert type(net[1]) is nn.Tanh


def test_set_params_takes_a_new_class_with_its_arguments():
    spec = TorchModule(nn.Linear).set_params(cls=Small, width=4)
    assert type(spec.build((3,), 2)) is Small


def test_set_params_refuses_an_unknown_name_and_changes_nothing():
    spec = TorchModule(Small, width=4)
    text = (
        "Small has no argument 'widht'. Expected one of ['activation', 'n_features', 'n_outputs', "
        "'width']; got widht=3. Correct the name."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        spec.set_params(activation=nn.Tanh, widht=3)
    assert spec.get_params(deep=False) == {"cls": Small, "width": 4}


def test_set_params_takes_any_name_where_the_class_does():
    assert TorchModule(Told).set_params(anything=3).build((3,), 2).told == {"anything": 3}


def test_a_clone_is_equal_and_independent():
    spec = TorchModule(Small, width=4)
    copy = clone(spec)
    assert copy.get_params() == spec.get_params()
    copy.set_params(width=9)
    assert spec.build((3,), 2)[0].out_features == 4
    assert copy.build((3,), 2)[0].out_features == 9


def test_its_arguments_are_searchable_from_an_estimator_around_it():
    holder = Holder(TorchModule(Small, width=4))
    assert holder.get_params()["module__activation"] is nn.ReLU
    copy = clone(holder).set_params(module__width=9)
    assert copy.module.build((3,), 2)[0].out_features == 9
    assert holder.module.build((3,), 2)[0].out_features == 4


def test_it_survives_pickling():
    spec = pickle.loads(pickle.dumps(TorchModule(nn.Linear, bias=False)))
    assert spec.get_params(deep=False) == {"cls": nn.Linear, "bias": False}


def test_repr_shows_the_class_and_the_arguments():
    assert repr(TorchModule(Small)) == "TorchModule(Small)"
    assert repr(TorchModule(Small, width=4, n_outputs=2)) == (
        "TorchModule(Small, width=4, n_outputs=2)"
    )


def test_repr_of_long_arguments_is_cut():
    spec = TorchModule(Told, text="x" * 2000)
    assert repr(spec) == "TorchModule(Told, text='" + "x" * 676


def test_it_is_shown_in_a_notebook():
    assert "TorchModule" in TorchModule(Small, width=4)._repr_html_()


def test_it_is_a_foreign_module():
    assert TorchModule(Small).foreign is True


# --- instances ------------------------------------------------------------------------------


def test_an_instance_is_copied_so_that_the_users_own_stays_as_it_is():
    own = nn.Linear(3, 2)
    before = own.weight.detach().clone()
    spec = ModuleInstance(own)
    built = spec.build((9,), 9)
    assert torch.equal(built.weight, before)
    with torch.no_grad():
        built.weight.zero_()
    assert torch.equal(own.weight, before)
    assert torch.equal(spec.build((9,), 9).weight, before)


def test_an_instance_is_a_foreign_module():
    assert ModuleInstance(nn.Linear(3, 2)).foreign is True


def test_an_instance_in_place_of_a_class_is_refused():
    spec = TorchModule(nn.Linear(3, 2))
    assert list(spec.get_params()) == ["cls"]
    with pytest.raises(TypeError) as raised:
        spec.build((3,), 2)
    assert str(raised.value) == (
        "TorchModule takes a class. Expected a subclass of torch.nn.Module; got Linear("
        "in_features=3, out_features=2, bias=True). Give an instance as the module itself: "
        "module=instance."
    )
