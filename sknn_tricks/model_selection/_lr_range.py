"""The learning rates that a net can take, tried at once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from sknn_tricks._messages import message
from sknn_tricks.estimators._base import BaseNet
from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.fused import fused_training
from sknn_tricks.fused._random import draw_seed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Share of what was learnt that makes no difference between rates.
ABOUT = 0.02

Losses = tuple[list[float], list[float]]


@dataclass(frozen=True)
class LRRangeTest:
    """What became of each learning rate.

    Attributes
    ----------
    lrs : ndarray of shape (R,)
        The rates, from the lowest.
    train_loss, valid_loss : ndarray of shape (R, n_epochs)
        After each epoch; NaN where the training diverged.
    """

    lrs: NDArray[np.float64]
    train_loss: NDArray[np.float64]
    valid_loss: NDArray[np.float64]

    @property
    def suggestion(self) -> float:
        """The middle of the rates that are about as good as the best, after the last epoch.

        Losses are means of three neighbours, so that a rate beside one that diverges is not good;
        about as good is within 2% of what was learnt. NaN if no training went well.
        """
        loss = _smoothed(self.valid_loss[:, -1])
        if not np.isfinite(loss).any():
            return np.nan
        best = int(loss.argmin())
        learnt = loss[0] - loss[best]
        good = loss <= loss[best] + (ABOUT * learnt if np.isfinite(learnt) else 0.0)
        first = last = best
        while first > 0 and good[first - 1]:
            first -= 1
        while last < len(loss) - 1 and good[last + 1]:
            last += 1
        return float(self.lrs[(first + last) // 2])

    def plot(self) -> Figure:
        """Draw the validation losses by learning rate.

        Returns
        -------
        matplotlib.figure.Figure
            Shown by a notebook, kept by its ``savefig``.
        """
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        n_epochs = self.valid_loss.shape[1]
        shown = sorted({0, n_epochs // 2, n_epochs - 1})
        for i, epoch in enumerate(shown):
            strength = 0.35 + 0.65 * (i + 1) / len(shown)
            line = self.valid_loss[:, epoch]
            name = f"epoch {epoch + 1}"
            axes.plot(self.lrs, line, "o-", color="C0", alpha=strength, ms=3, label=name)
        best = self.suggestion
        axes.axvline(best, color="C1", ls="--", label=f"suggestion {best:.2g}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="validation loss")
        axes.set_ylim(*_limits(self.valid_loss[:, shown]))
        axes.set_xlim(self.lrs[0], self.lrs[-1])
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        return figure


def lr_range_test(
    net: Any,
    X: Any,
    y: Any,
    *,
    lrs: Sequence[float] | None = None,
    n_epochs: int | None = None,
    validation_fraction: float = 0.2,
    n_jobs: int | None = None,
) -> LRRangeTest:
    """Train a net for some epochs at each of many learning rates, all of them at once.

    The nets have the same first weights, order of rows and held-out rows. Each rate stays what it
    is: there is no schedule and no warm-up. What is best in a few epochs is on the high side for
    a long training at a constant rate, and right for the peak of a schedule that ends low.

    Parameters
    ----------
    net : NetClassifier, NetRegressor, or Pipeline that ends with one
        It stays as it is. Steps of a pipeline are fitted once, to all rows.
    X, y
        As in `fit`.
    lrs : sequence of float, default=None
        The rates; None for 32 from 1e-5 to 1, at equal distances of their logarithms.
    n_epochs : int, default=None
        None for 5, or on few rows as many as make 100 steps.
    validation_fraction : float, default=0.2
        Share of the rows whose loss is watched, shuffled.
    n_jobs : int, default=None
        Cores to train on, as in `sknn_tricks.fused_training`.

    Returns
    -------
    LRRangeTest
        The losses, a suggestion, and a plot.

    Raises
    ------
    TypeError
        If there is no net at the end.
    ValueError
        If there are no rates, or data or parameters are not right.

    References
    ----------
    L. N. Smith (2017). Cyclical learning rates for training neural networks. WACV. There one rate
    rises from step to step; here each rate has a training, which does not depend on those before.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> test = lr_range_test(NetClassifier(random_state=0), X, y, n_epochs=20)
    >>> test.valid_loss.shape
    (32, 20)
    >>> 1e-4 < test.suggestion < 0.5
    True
    """
    net, X = _net_and_rows(net, X, y)
    rates = np.geomspace(1e-5, 1.0, 32) if lrs is None else np.array(lrs, dtype=np.float64)
    if rates.ndim != 1 or not len(rates):
        raise ValueError(_no_rates(lrs))
    rates.sort()
    if n_epochs is None:
        n_rows = (1 - validation_fraction) * len(X)
        n_epochs = max(5, round(100 / max(n_rows / net.batch_size, 1.0)))
    usual = {
        "max_epochs": n_epochs,
        "lr_schedule": "constant",
        "warmup": 0.0,
        "averaging": None,
        "n_members": 1,
        "warm_start": False,
        "verbose": 0,
        # Hold out the same rows for all, and train to the end.
        "early_stopping": True,
        "monitor": "loss",
        "patience": n_epochs,
        "validation_fraction": validation_fraction,
        "random_state": draw_seed(net.random_state),
    }
    nets = [clone(net).set_params(lr=float(lr), **usual) for lr in rates]
    with fused_training(n_jobs):
        losses = Parallel()(delayed(_losses)(each, X, y, n_epochs) for each in nets)
    return LRRangeTest(rates, *np.array(losses).swapaxes(0, 1))


def _net_and_rows(net: Any, X: Any, y: Any) -> tuple[BaseNet, Any]:
    """Return the net, and the rows as the steps before it make them."""
    if isinstance(net, Pipeline):
        *_, last = net.named_steps.values()
        if isinstance(last, BaseNet):
            before = clone(net[:-1])
            return last, before.fit_transform(X, y) if len(before) else X
    if isinstance(net, BaseNet):
        return net, X
    raise TypeError(
        message(
            "There is no net to test",
            expected="a NetClassifier or NetRegressor, or a Pipeline that ends with one",
            got=repr(net),
            todo="Give the net itself",
        )
    )


def _losses(net: BaseNet, X: Any, y: Any, n_epochs: int) -> Losses:
    """Return the losses of each epoch on the rows trained on, and on those held out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # high rates are part of the test
        try:
            net.fit(X, y)
        except DivergenceError:
            nothing = [np.nan] * n_epochs
            return nothing, nothing
    history = net.history_
    return [row["train_loss"] for row in history], [row["valid_loss"] for row in history]


def _smoothed(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means over neighbours, infinite beside one that diverged, unless all of them are."""
    known = np.where(np.isfinite(losses), losses, np.inf)
    padded = np.concatenate([known[:1], known, known[-1:]])
    mean = np.lib.stride_tricks.sliding_window_view(padded, 3).mean(axis=1)
    return mean if np.isfinite(mean).any() else known


def _limits(losses: NDArray[np.float64]) -> tuple[float, float]:
    """Return limits within which the curves can be told apart, whatever diverging rates do."""
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return 0.0, 1.0
    lowest, usual = finite.min(), np.median(finite)
    room = max(usual - lowest, 1e-12)
    return lowest - 0.1 * room, usual + 0.5 * room


def _no_rates(lrs: Any) -> str:
    return message(
        "There are no learning rates to test",
        expected="a sequence of rates above 0",
        got=f"lrs={lrs!r}",
        todo="Leave lrs out for 32 rates from 1e-5 to 1",
    )
