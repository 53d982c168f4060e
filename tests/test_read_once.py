"""Signatures are read once, and are still the right ones."""

import inspect

import pytest
from sklearn.base import clone

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.nets import MLP


@pytest.mark.parametrize("kind", [NetClassifier, NetRegressor, MLP])
def test_the_kept_signature_is_the_functions(kind):
    parameters = dict(inspect.signature(kind.__init__).parameters)
    code = kind.__init__.__code__
    n_named = code.co_argcount + code.co_kwonlyargcount
    assert list(parameters) == list(code.co_varnames[:n_named])


def test_a_subclass_has_its_own_parameters():
    class Deeper(NetClassifier):
        def __init__(self, module=None, *, depth=1, random_state=None):
            super().__init__(module, random_state=random_state)
            self.depth = depth

    class Deepest(Deeper):
        pass

    own = {"module": None, "depth": 3, "random_state": None}
    assert Deeper(depth=3).get_params(deep=False) == own
    assert clone(Deepest(depth=3)).get_params(deep=False) == own
