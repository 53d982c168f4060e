"""From rows to the outputs of a trained net, of all its members and snapshots."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from sknn_tricks.estimators import _refusals as refusals
from sknn_tricks.estimators._beyond import by_blocks, validate_rows
from sknn_tricks.estimators._forward import modules_of, outputs_of
from sknn_tricks.estimators._mc_dropout import dropping_nets
from sknn_tricks.estimators._precision import dtype_name, predicts_in
from sknn_tricks.estimators._tta import seen_through, views_of
from sknn_tricks.fused._random import draw_seed
from sknn_tricks.on_disk import OnDisk


class Prediction:
    """The part of an estimator that computes outputs.

    Attributes
    ----------
    net_ : Net
    input_shape_ : tuple of int
    """

    net_: Any
    input_shape_: tuple[int, ...]
    # Nets that were pickled before these were there have none.
    module: Any = None
    tta: Any = None
    augment: Any = None
    _foreign: bool
    # Whether it was fitted on images of bytes.
    _of_bytes = False

    @torch.no_grad()
    def _outputs(self, X: Any) -> Tensor:
        """Return the outputs of each member, or snapshot, as float64 (V, K, N, O) on the CPU.

        The first axis is that of the views of `tta`: one without it.

        They are computed in float64, where the rows beside a row change its last digits only; a
        foreign module, and one with convolutions, computes in its own precision.
        """
        X, dtype = self._rows_to_predict(X)
        views = views_of(self.tta, self.input_shape_, self._of_bytes, self.module, self.augment)
        modules = seen_through(views, self._modules())
        forward = lambda x: torch.stack(  # noqa: E731
            [outputs_of(net, module, x, len(X), self._foreign) for net, module in modules]
        )
        found = by_blocks(X, dtype, self._of_bytes, forward)
        return found.unflatten(0, (len(views), -1))

    @torch.no_grad()
    def _dropout_outputs(self, X: Any, n_draws: int, random_state: Any) -> Tensor:
        """Return outputs with dropout as float64 (n_draws, N, O), of each member so many."""
        X, dtype = self._rows_to_predict(X)
        if not isinstance(n_draws, Integral) or n_draws < 1:
            raise ValueError(refusals.no_draws(n_draws))
        nets = dropping_nets(self._modules(), self._foreign, draw_seed(random_state))
        forward = lambda x: torch.cat([net(x, n_draws, len(X)) for net in nets])  # noqa: E731
        return by_blocks(X, dtype, self._of_bytes, forward)

    def _modules(self) -> list[tuple[Any, nn.Module]]:
        """Return what predicts, and the net that it is of."""
        nets = [member.net_ for member in getattr(self, "members_", [self])]
        return [(net, module) for net in nets for module in modules_of(net, self._foreign)]

    def _rows_to_predict(self, X: Any) -> tuple[NDArray[Any] | OnDisk, str]:
        """Return checked rows, and the precision to read them in, from a disk."""
        check_is_fitted(self)
        module = self.net_.module_
        own, dtype = dtype_name(module), predicts_in(module, self._foreign)
        X = validate_rows(self, X, reset=False, dtype=dtype)
        self._check_shape(X)
        # Bytes become the shares that they were in training.
        return X, own if self._of_bytes and X.dtype.kind in "iu" else dtype

    def _check_shape(self, X: NDArray[Any] | OnDisk) -> None:
        if X.shape[1:] != self.input_shape_:
            raise ValueError(refusals.other_shape(X.shape[1:], self.input_shape_))
