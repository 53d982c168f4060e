"""What a net *is*: small parameter holders that build plain torch modules."""

from sknn_tricks.nets._activations import ACTIVATIONS, make_activation
from sknn_tricks.nets._dropout import Dropout
from sknn_tricks.nets._mlp import MLP
from sknn_tricks.nets._spec import as_spec
from sknn_tricks.nets._torch_module import ModuleInstance, TorchModule

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "Dropout",
    "ModuleInstance",
    "TorchModule",
    "as_spec",
    "make_activation",
]
