"""What may be given as ``module``, and the spec it stands for."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import nn

from sknn_tricks._messages import message
from sknn_tricks.nets._mlp import MLP
from sknn_tricks.nets._torch_module import ModuleInstance, TorchModule


@runtime_checkable
class Spec(Protocol):
    """Parameters of a net, and how to build it.

    Attributes
    ----------
    foreign : bool
        Whether the module is the user's code. Then ``init="auto"`` leaves its weights alone, it
        may draw from torch's global random state, and it predicts in its own precision.
    """

    foreign: bool

    def build(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
        """Make the torch module."""


def as_spec(module: Any) -> Spec:
    """Return the spec that `module` stands for.

    Parameters
    ----------
    module : None, spec, torch.nn.Module class or torch.nn.Module
        ``None`` stands for ``MLP()``, a class for ``TorchModule(cls)``, an instance for itself.

    Returns
    -------
    spec
        An object with ``build(input_shape, n_outputs)``.

    Raises
    ------
    TypeError
        If it is none of these.

    Examples
    --------
    >>> as_spec(None)
    MLP()
    """
    if module is None:
        return MLP()
    if isinstance(module, type) and issubclass(module, nn.Module):
        return TorchModule(module)
    if isinstance(module, nn.Module):
        return ModuleInstance(module)
    if isinstance(module, Spec) and not isinstance(module, type):
        return module
    raise TypeError(
        message(
            "module is nothing that makes a net",
            expected="a spec such as MLP(), a torch.nn.Module class or instance, or None",
            got=repr(module),
            todo="Wrap a class that needs arguments as TorchModule(cls, **params)",
        )
    )
