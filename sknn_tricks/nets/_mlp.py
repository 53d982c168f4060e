"""The multi-layer perceptron."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from sknn_tricks._messages import message
from sknn_tricks._read_once import ReadOnce
from sknn_tricks.nets._activations import make_activation
from sknn_tricks.nets._dropout import Dropout


class MLP(ReadOnce, BaseEstimator):
    """A multi-layer perceptron: ``[Linear -> BatchNorm -> activation -> dropout] x n -> Linear``.

    This holds parameters only; `build` makes the torch module. As ``module=MLP(...)`` of a
    `NetClassifier` its parameters are searchable as ``module__hidden``, ``module__dropout``...

    Parameters
    ----------
    hidden : int or sequence of int, default=(100,)
        Width of each hidden layer. An empty sequence makes a linear model.
    activation : str or class, default="relu"
        "elu", "gelu", "leaky_relu", "relu", "selu", "sigmoid", "silu", "tanh", or a
        ``torch.nn.Module`` class.
    dropout : float or sequence of float, default=0.0
        Share of the activations that are dropped in training, in [0, 1): one rate for all hidden
        layers or one for each. Source: Srivastava et al., 2014.
    batch_norm : bool, default=False
        Normalise each feature over the batch, between the affine map and the activation.
        Source: Ioffe and Szegedy, 2015.

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
        activation: str | type[nn.Module] = "relu",
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
    ) -> None:
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout
        self.batch_norm = batch_norm

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
            If a width, a rate or the activation is none.
        """
        widths = self._widths()
        rates = self._rates(len(widths))
        make_activation(self.activation)  # complains of a wrong name also where there is no layer
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if len(input_shape) > 1:
            layers["flatten"] = nn.Flatten()
        sizes = [math.prod(input_shape), *widths]
        for i, (size_in, size_out) in enumerate(pairwise(sizes)):
            layers[f"linear_{i}"] = nn.Linear(size_in, size_out)
            if self.batch_norm:
                layers[f"norm_{i}"] = nn.BatchNorm1d(size_out)
            layers[f"activation_{i}"] = make_activation(self.activation)
            if rates[i] > 0:
                layers[f"dropout_{i}"] = Dropout(rates[i])
        layers["output"] = nn.Linear(sizes[-1], n_outputs)
        return nn.Sequential(layers)

    def _widths(self) -> list[int]:
        widths = _as_list(self.hidden, Integral)
        if widths is None or not all(_is(width, Integral) and width >= 1 for width in widths):
            raise ValueError(
                message(
                    "hidden has a width that no layer can have",
                    expected="whole numbers from 1 up",
                    got=f"hidden={self.hidden!r}",
                    todo="Give each hidden layer's width, such as hidden=(64, 64)",
                )
            )
        return [int(width) for width in widths]

    def _rates(self, n_layers: int) -> list[float]:
        rates = _as_list(self.dropout, Real)
        fits = rates is not None and (_is(self.dropout, Real) or len(rates) == n_layers)
        if not fits or not all(_is(rate, Real) and 0 <= rate < 1 for rate in rates):
            raise ValueError(
                message(
                    "dropout does not fit the net",
                    expected=f"one rate in [0, 1), or {n_layers} of them, one per hidden layer",
                    got=f"dropout={self.dropout!r}",
                    todo="A rate is the share that is dropped, such as dropout=0.2",
                )
            )
        return [float(rate) for rate in rates] * (n_layers if _is(self.dropout, Real) else 1)


def _as_list(value: Any, kind: type) -> Any:
    """Return one value of that kind, or several, as a list; None if it is neither."""
    if _is(value, kind):
        return [value]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else None


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
