"""The multi-layer perceptron."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from sknn_tricks._messages import message
from sknn_tricks._read_once import ReadOnce
from sknn_tricks.nets._activations import make_activation
from sknn_tricks.nets._checks import as_list, check_rate, check_rates, is_a
from sknn_tricks.nets._drop_connect import DropConnect
from sknn_tricks.nets._dropout import Dropout
from sknn_tricks.nets._norms import as_norm


class MLP(ReadOnce, BaseEstimator):
    """A multi-layer perceptron: ``[Linear -> norm -> activation -> dropout] x n -> Linear``.

    This holds parameters only; `build` makes the torch module. As ``module=MLP(...)`` of a
    `NetClassifier` its parameters are searchable as ``module__hidden``, ``module__dropout``...

    Parameters
    ----------
    hidden : int or sequence of int, default=(100,)
        Width of each hidden layer. An empty sequence makes a linear model.
    activation : str, class or torch.nn.Module, default="relu"
        "elu", "gelu", "leaky_relu", "mish", "prelu", "prelu_per_feature", "relu", "rrelu", "selu",
        "sigmoid", "silu", "softplus", "swish", "tanh", a ``torch.nn.Module`` class, or a module
        with settings of its own, such as ``nn.LeakyReLU(0.2)``.
    dropout : float or sequence of float, default=0.0
        Share of the activations that are dropped in training, in [0, 1): one rate for all hidden
        layers or one for each. Source: Srivastava et al., 2014.
    batch_norm : bool, default=False
        Short for ``norm="batch"``.
    norm : str, spec or callable, default=None
        What each hidden layer is normalised with: "batch" (each feature over the batch), "layer"
        (each row), "group" (each row in groups of features), one of these with settings of its
        own such as ``BatchNorm(momentum=0.01)``, whose parameters are searchable as
        ``module__norm__momentum``, or a function that makes a module from the width. torch's
        ``BatchNorm1d``, ``BatchNorm2d``, ``LayerNorm`` and ``GroupNorm`` are taken for these.
        Source: Ioffe and Szegedy, 2015; Ba et al., 2016; Wu and He, 2018.
    norm_after_activation : bool, default=False
        Normalise behind the activation, not between the affine map and the activation.
    input_dropout : float, default=0.0
        Share of the input's features that are dropped in training, in [0, 1).
    drop_connect : float or sequence of float, default=0.0
        Share of the weights of hidden layers that are dropped in a step of training, in [0, 1):
        one rate for all hidden layers or one for each. Source: Wan et al., 2013.

    Examples
    --------
    >>> MLP(hidden=(8, 4), dropout=0.2).build(input_shape=(3,), n_outputs=2)
    Sequential(
      (linear_0): Linear(in_features=3, out_features=8, bias=True)
      (activation_0): ReLU()
      (dropout_0): Dropout(p=0.2, inplace=False)
      (linear_1): Linear(in_features=8, out_features=4, bias=True)
      (activation_1): ReLU()
      (dropout_1): Dropout(p=0.2, inplace=False)
      (output): Linear(in_features=4, out_features=2, bias=True)
    )
    """

    foreign = False

    def __init__(
        self,
        hidden: int | Sequence[int] = (100,),
        activation: str | type[nn.Module] | nn.Module = "relu",
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        norm: Any = None,
        norm_after_activation: bool = False,
        input_dropout: float = 0.0,
        drop_connect: float | Sequence[float] = 0.0,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.norm = norm
        self.norm_after_activation = norm_after_activation
        self.input_dropout = input_dropout
        self.drop_connect = drop_connect

    def build(self, input_shape: tuple[int, ...], n_outputs: int) -> nn.Sequential:
        r"""Make the torch module.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of one row. More than one axis is flattened first.
        n_outputs : int
            Width of the output, O.

        Returns
        -------
        torch.nn.Sequential
            Maps (N, \*input_shape) to (N, O). The weights are torch's default draw.

        Raises
        ------
        ValueError
            If a width, a rate, the activation or the norm is none.
        """
        widths = self._widths()
        dropped = check_rates("dropout", self.dropout, len(widths), "hidden layer")
        cut = check_rates("drop_connect", self.drop_connect, len(widths), "hidden layer")
        at_input = check_rate("input_dropout", self.input_dropout)
        norm = self._norm()
        make_activation(self.activation)  # complains of a wrong name also where there is no layer
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if len(input_shape) > 1:
            layers["flatten"] = nn.Flatten()
        if at_input:
            layers["input_dropout"] = Dropout(at_input)
        sizes = [math.prod(input_shape), *widths]
        for i, (size_in, size_out) in enumerate(pairwise(sizes)):
            parts = self._hidden(size_in, size_out, norm, dropped[i], cut[i])
            layers.update((f"{kind}_{i}", part) for kind, part in parts)
        layers["output"] = nn.Linear(sizes[-1], n_outputs)
        return nn.Sequential(layers)

    def _hidden(
        self,
        size_in: int,
        size_out: int,
        norm: Callable[[int], nn.Module] | None,
        dropped: float,
        cut: float,
    ) -> list[tuple[str, nn.Module]]:
        """Return the parts of a hidden layer with their kinds."""
        linear = DropConnect(size_in, size_out, p=cut) if cut else nn.Linear(size_in, size_out)
        parts = [("activation", make_activation(self.activation, size_out))]
        if norm is not None:
            parts.insert(1 if self.norm_after_activation else 0, ("norm", norm(size_out)))
        if dropped:
            parts.append(("dropout", Dropout(dropped)))
        return [("linear", linear), *parts]

    def _norm(self) -> Callable[[int], nn.Module] | None:
        """Return what makes the normalisation layer of a width."""
        if not self.batch_norm:
            return as_norm(self.norm)
        if self.norm not in (None, "batch"):
            raise ValueError(
                message(
                    "batch_norm=True and norm ask for two normalisations",
                    expected="one of them",
                    got=f"norm={self.norm!r}",
                    todo="Leave batch_norm out; it is short for norm='batch'",
                )
            )
        return as_norm("batch")

    def _widths(self) -> list[int]:
        widths = as_list(self.hidden, Integral)
        if widths is None or not all(is_a(width, Integral) and width >= 1 for width in widths):
            raise ValueError(
                message(
                    "hidden has a width that no layer can have",
                    expected="whole numbers from 1 up",
                    got=f"hidden={self.hidden!r}",
                    todo="Give each hidden layer's width, such as hidden=(64, 64)",
                )
            )
        return [int(width) for width in widths]
