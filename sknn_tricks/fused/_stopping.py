"""Early stopping that keeps the best weights, and the detection of training gone astray."""

from __future__ import annotations

import math
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback
from torch import Tensor, nn

from sknn_tricks._messages import message
from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused._job import Stopping


class BestWeights(Callback):
    """Stops when the validation loss no longer falls, or a score no longer rises.

    It brings the best weights back.

    Parameters
    ----------
    stopping : Stopping

    Attributes
    ----------
    best_epoch_ : int
        The epoch, from 1, whose weights are kept.
    """

    def __init__(self, stopping: Stopping) -> None:
        self.stopping = stopping

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Forget any training before, but for the weights it left."""
        self.best_loss_, self.best_epoch_, self.best_state_ = math.inf, 0, None
        self.n_before_ = len(net.history)
        if self.n_before_ > 0:
            monitor = self.stopping.monitor
            loss = net.validation_loss() if monitor is None else _as_loss(monitor(net))
            self.best_loss_, self.best_epoch_ = loss, net.kept_epoch_
            self.best_state_ = _copied(net.module_)

    def on_epoch_end(self, net: Any, **kwargs: Any) -> None:
        """Keep the weights if they are the best so far; stop if none were for long."""
        epoch, loss = net.history[-1, ("epoch", "valid_loss")]
        if self.stopping.monitor is not None:
            score = self.stopping.monitor(net)
            net.history.record("monitor", score)
            loss = _as_loss(score)
        if self.best_state_ is None or loss < self.best_loss_ - self.stopping.tol:
            self.best_loss_, self.best_epoch_ = loss, epoch
            self.best_state_ = _copied(net.module_)
        elif epoch - max(self.best_epoch_, self.n_before_) >= self.stopping.patience:
            net.stop_requested_ = True

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Put the best weights back."""
        if self.best_state_ is not None:
            net.module_.load_state_dict(self.best_state_)
            self.best_state_ = None
            if self.best_epoch_ < len(net.history):
                # An average is gone on with only where it ended.
                net.last_, net.n_averaged_ = None, 0


def _as_loss(score: float) -> float:
    """Return what falls as a score rises; one that is NaN is worse than any other."""
    return math.inf if math.isnan(score) else -score


def _copied(module: nn.Module) -> dict[str, Tensor]:
    # Not deepcopy: the weights of a member of a stack are views of all members' weights.
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def check_finite(net: Any) -> None:
    """Raise if a loss of the last epoch is no finite number."""
    row = net.history[-1]
    for name, kind in {"train_loss": "training", "valid_loss": "validation"}.items():
        if not math.isfinite(row.get(name, 0.0)):
            raise DivergenceError(
                message(
                    f"Training diverged in epoch {row['epoch']}",
                    expected=f"a finite {kind} loss",
                    got=f"{row[name]} with lr={net.lr:g}",
                    todo=_REMEDY,
                )
            )


def check_finite_weights(net: Any) -> None:
    """Raise if the last step, whose loss nobody has seen, broke the weights."""
    if not all(parameter.isfinite().all() for parameter in net.module_.parameters()):
        raise DivergenceError(
            message(
                f"Training diverged in epoch {len(net.history)}",
                expected="finite weights",
                got=f"weights that are not, with lr={net.lr:g}",
                todo=_REMEDY,
            )
        )


def warnings_if_astray(net: Any, constant_loss: float) -> tuple[Warning, ...]:
    """Return a warning if training ended far worse than a constant prediction would be.

    That is twice its loss, or ten times while a net has had few epochs to get there.
    """
    limit = constant_loss * (2 if len(net.history) >= 10 else 10)
    losses = net.history[:, "train_loss"]
    if losses[-1] <= limit:
        return ()
    since = max((i + 1 for i, loss in enumerate(losses) if loss <= limit), default=0) + 1
    text = message(
        f"Training went astray: the loss has been far above a constant prediction's "
        f"since epoch {since}",
        expected=f"a training loss below {constant_loss:.3g}",
        got=f"{losses[-1]:.3g} with lr={net.lr:g}",
        todo=_REMEDY,
    )
    return (ConvergenceWarning(text),)


_REMEDY = "Try a smaller lr, standardised inputs (StandardScaler) or another init"
