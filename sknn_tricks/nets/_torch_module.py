"""A user's own torch module as a spec."""

from __future__ import annotations

import copy
import inspect
import math
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from sknn_tricks._messages import message

# The names under which module classes ask for their sizes.
INPUT_NAMES = ("n_inputs", "n_features", "in_features", "input_size", "input_dim", "in_dim")
OUTPUT_NAMES = (
    "n_outputs",
    "n_classes",
    "num_classes",
    "out_features",
    "output_size",
    "output_dim",
    "out_dim",
)


class TorchModule(BaseEstimator):
    r"""A ``torch.nn.Module`` class of the user's own, with searchable parameters.

    The class is given the sizes that it asks for by name: ``input_shape`` (a tuple), the number of
    input features as ``n_inputs``, ``n_features``, ``in_features``, ``input_size``, ``input_dim``
    or ``in_dim``, and the number of outputs as ``n_outputs``, ``n_classes``, ``num_classes``,
    ``out_features``, ``output_size``, ``output_dim`` or ``out_dim``. Parameters given here win.
    The module maps (N, \*input_shape) to logits or predictions (N, O).

    Parameters
    ----------
    cls : class
        The module's class.
    **params : dict
        Its arguments, searchable as ``module__<name>``.

    Examples
    --------
    >>> from torch import nn
    >>> class Small(nn.Sequential):
    ...     def __init__(self, n_features, n_outputs, width=16):
    ...         super().__init__(nn.Linear(n_features, width), nn.ReLU(),
    ...                          nn.Linear(width, n_outputs))
    >>> TorchModule(Small, width=4).build(input_shape=(3,), n_outputs=2)
    Small(
      (0): Linear(in_features=3, out_features=4, bias=True)
      (1): ReLU()
      (2): Linear(in_features=4, out_features=2, bias=True)
    )
    """

    foreign = True

    def __init__(self, cls: type[nn.Module], **params: Any) -> None:
        self.cls = cls
        self._params = params

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the class and its arguments; with `deep`, also defaults that were not given."""
        given = {"cls": self.cls, **self._params}
        return {**_defaults(self.cls), **given} if deep and isinstance(self.cls, type) else given

    def set_params(self, **params: Any) -> TorchModule:
        """Set arguments of the class (or ``cls`` itself) and return self."""
        cls = params.pop("cls", self.cls)
        _check_names(cls, params)
        self.cls = cls
        self._params = {**self._params, **params}
        return self

    def build(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
        """Make the torch module for rows of shape `input_shape` and `n_outputs` outputs, O."""
        if not isinstance(self.cls, type):
            raise TypeError(
                message(
                    "TorchModule takes a class",
                    expected="a subclass of torch.nn.Module",
                    got=repr(self.cls),
                    todo="Give an instance as the module itself: module=instance",
                )
            )
        _check_names(self.cls, self._params)
        offered: dict[str, Any] = {"input_shape": input_shape}
        offered |= dict.fromkeys(INPUT_NAMES, math.prod(input_shape))
        offered |= dict.fromkeys(OUTPUT_NAMES, n_outputs)
        asked = _arguments(self.cls)
        sizes = {name: size for name, size in offered.items() if name in asked}
        # Copies: a module among the parameters is not to be trained in place.
        return self.cls(**{**sizes, **copy.deepcopy(self._params)})

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        arguments = [f"{name}={value!r}" for name, value in self._params.items()]
        return f"TorchModule({', '.join([self.cls.__name__, *arguments])})"[:N_CHAR_MAX]


class ModuleInstance:
    """A ready module of the user's own: copied for each fit, so the user's stays as it is.

    Parameters
    ----------
    module : torch.nn.Module
        The module, with the weights to start from.
    """

    foreign = True

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def build(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
        """Return a copy; the sizes are the module's own affair."""
        return copy.deepcopy(self.module)


def _check_names(cls: type[nn.Module], params: dict[str, Any]) -> None:
    unknown = [name for name in params if not _accepts(cls, name)]
    if unknown:
        raise ValueError(
            message(
                f"{cls.__name__} has no argument {unknown[0]!r}",
                expected=f"one of {sorted(_arguments(cls))}",
                got=f"{unknown[0]}={params[unknown[0]]!r}",
                todo="Correct the name",
            )
        )


def _arguments(cls: type[nn.Module]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(cls).parameters)


def _accepts(cls: type[nn.Module], name: str) -> bool:
    arguments = _arguments(cls)
    return name in arguments or any(p.kind is p.VAR_KEYWORD for p in arguments.values())


def _defaults(cls: type[nn.Module]) -> dict[str, Any]:
    arguments = _arguments(cls).items()
    return {name: p.default for name, p in arguments if p.default is not p.empty}
