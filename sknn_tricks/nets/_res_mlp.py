"""The multi-layer perceptron of residual blocks."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from sklearn.base import BaseEstimator
from torch import nn

from sknn_tricks._messages import message
from sknn_tricks._read_once import ReadOnce
from sknn_tricks.nets._activations import make_activation
from sknn_tricks.nets._checks import check_rate, check_rising_rates, check_width, is_a
from sknn_tricks.nets._drop_path import DropPath
from sknn_tricks.nets._dropout import Dropout
from sknn_tricks.nets._norms import as_norm
from sknn_tricks.nets._residual import Residual


class ResMLP(ReadOnce, BaseEstimator):
    """A deep multi-layer perceptron of pre-norm residual blocks.

    ``Linear -> [x + (norm -> Linear -> activation -> dropout -> Linear -> drop_path)(x)] x n ->
    norm -> activation -> Linear``. As each block adds to what came before, the gradient reaches
    the first layer however many there are.

    This holds parameters only; `build` makes the torch module. As ``module=ResMLP(...)`` of a
    `NetClassifier` its parameters are searchable as ``module__width``, ``module__n_blocks``...

    Parameters
    ----------
    width : int, default=128
        Features between the blocks.
    n_blocks : int, default=2
        How many blocks.
    expansion : float, default=2.0
        Width within a block, as a multiple of `width`.
    activation : str, class or torch.nn.Module, default="relu"
        As for `MLP`.
    norm : str, spec or callable, default="batch"
        None, "batch", "layer", "group", or one with settings of its own; as for `MLP`.
    dropout : float, default=0.0
        Share of the activations within a block that are dropped in training, in [0, 1).
    drop_path : float or sequence of float, default=0.0
        Stochastic depth: at what rate the last block is left out in training, in [0, 1); the rate
        rises from block to block in equal steps. A sequence has a rate for each block.
        Source: Huang et al., 2016.
    drop_path_mode : {"row", "batch"}, default="row"
        Whether each row leaves out blocks of its own, or all rows of a batch the same ones.
    starts_at_zero : bool, default=True
        The last layer of each block starts with weights of 0, whatever the init, so that each
        block starts as the identity. Source: Goyal et al., 2017; Zhang et al., 2019.

    References
    ----------
    .. [1] Y. Gorishniy, I. Rubachev, V. Khrulkov, A. Babenko, "Revisiting deep learning models for
       tabular data", NeurIPS 2021: the ResNet for tables.
    .. [2] K. He, X. Zhang, S. Ren, J. Sun, "Identity mappings in deep residual networks", ECCV
       2016: normalisation first.

    Examples
    --------
    >>> ResMLP(width=8, n_blocks=1, dropout=0.2).build(input_shape=(3,), n_outputs=2)
    Sequential(
      (input): Linear(in_features=3, out_features=8, bias=True)
      (block_0): Residual(
        (norm): BatchNorm1d(8, eps=1e-05, momentum=0.1, affine=True, bias=True, \
track_running_stats=True)
        (linear_0): Linear(in_features=8, out_features=16, bias=True)
        (activation): ReLU()
        (dropout): Dropout(p=0.2, inplace=False)
        (linear_1): Linear(in_features=16, out_features=8, bias=True)
      )
      (norm): BatchNorm1d(8, eps=1e-05, momentum=0.1, affine=True, bias=True, \
track_running_stats=True)
      (activation): ReLU()
      (output): Linear(in_features=8, out_features=2, bias=True)
    )
    """

    foreign = False

    def __init__(
        self,
        width: int = 128,
        n_blocks: int = 2,
        expansion: float = 2.0,
        activation: str | type[nn.Module] | nn.Module = "relu",
        norm: Any = "batch",
        dropout: float = 0.0,
        drop_path: float | Sequence[float] = 0.0,
        drop_path_mode: str = "row",
        starts_at_zero: bool = True,
    ) -> None:
        self.width = width
        self.n_blocks = n_blocks
        self.expansion = expansion
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.drop_path = drop_path
        self.drop_path_mode = drop_path_mode
        self.starts_at_zero = starts_at_zero

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
            If a size, a rate, the activation or the norm is none.
        """
        width, n_blocks = check_width("width", self.width), check_width("n_blocks", self.n_blocks)
        inner, norm = self._inner(width), as_norm(self.norm)
        check_rate("dropout", self.dropout)
        DropPath(mode=self.drop_path_mode)  # complains of a wrong mode in any case
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if len(input_shape) > 1:
            layers["flatten"] = nn.Flatten()
        layers["input"] = nn.Linear(math.prod(input_shape), width)
        rates = check_rising_rates("drop_path", self.drop_path, n_blocks, "block")
        for i, rate in enumerate(rates):
            layers[f"block_{i}"] = self._block(width, inner, norm, rate)
        if norm is not None:
            layers["norm"] = norm(width)
        layers["activation"] = make_activation(self.activation, width)
        layers["output"] = nn.Linear(width, n_outputs)
        return nn.Sequential(layers)

    def _block(
        self, width: int, inner: int, norm: Callable[[int], nn.Module] | None, rate: float
    ) -> Residual:
        """Return a block that is left out at that rate."""
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        if norm is not None:
            layers["norm"] = norm(width)
        layers["linear_0"] = nn.Linear(width, inner)
        layers["activation"] = make_activation(self.activation, inner)
        if self.dropout:
            layers["dropout"] = Dropout(self.dropout)
        layers["linear_1"] = nn.Linear(inner, width)
        if rate:
            layers["drop_path"] = DropPath(rate, self.drop_path_mode)
        return Residual(layers, starts_at_zero=self.starts_at_zero)

    def _inner(self, width: int) -> int:
        """Return the width within a block."""
        if not (is_a(self.expansion, Real) and self.expansion * width >= 1):
            raise ValueError(
                message(
                    "expansion leaves no features within a block",
                    expected=f"a number from {1 / width:g} up",
                    got=f"expansion={self.expansion!r}",
                    todo="The usual ones are between 1 and 4",
                )
            )
        return round(self.expansion * width)
