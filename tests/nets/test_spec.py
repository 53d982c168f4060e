import re

import pytest
from torch import nn

from sknn_tricks.nets import MLP, ModuleInstance, TorchModule, as_spec


class OwnSpec:
    foreign = False

    def build(self, input_shape, n_outputs):
        return nn.Linear(input_shape[0], n_outputs)


class NoSpec:
    def build(self, input_shape, n_outputs):
        return nn.Linear(input_shape[0], n_outputs)


def test_none_stands_for_the_default_mlp():
    spec = as_spec(None)
    assert type(spec) is MLP
    assert spec.get_params() == MLP().get_params()


def test_a_class_stands_for_a_torch_module_of_it():
    spec = as_spec(nn.Linear)
    assert type(spec) is TorchModule
    assert spec.get_params(deep=False) == {"cls": nn.Linear}


def test_an_instance_stands_for_itself():
    module = nn.Linear(3, 2)
    spec = as_spec(module)
    assert type(spec) is ModuleInstance
    assert spec.module is module


@pytest.mark.parametrize("spec", [MLP(hidden=3), TorchModule(nn.Linear), OwnSpec()])
def test_a_spec_is_taken_as_it_is(spec):
    assert as_spec(spec) is spec


@pytest.mark.parametrize("module", [3, "mlp", [nn.Linear(3, 2)], MLP, OwnSpec, int, NoSpec()])
def test_anything_else_is_refused(module):
    text = (
        "module is nothing that makes a net. Expected a spec such as MLP(), a torch.nn.Module "
        f"class or instance, or None; got {module!r}. Wrap a class that needs arguments as "
        "TorchModule(cls, **params)."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        as_spec(module)
