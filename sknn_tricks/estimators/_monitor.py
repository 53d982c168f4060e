"""What early stopping watches: a scorer that sees the net as an estimator, in the user's units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from numpy.typing import NDArray
from sklearn.metrics import get_scorer, get_scorer_names
from torch import Tensor

from sknn_tricks._messages import lookup, message
from sknn_tricks._unchanged import OF_CALLBACKS
from sknn_tricks.fused import Rows
from sknn_tricks.on_disk import OnDisk

# What an estimator does not need to predict, or what is another net's.
NOT_SHOWN = frozenset(
    {
        *("net_", "members_", "history_", "loss_curve_", "validation_scores_", "best_epoch_"),
        *("n_iter_", "_n_epochs_of_fit"),
        *("_skl_callbacks", "_parent_callback_ctx", *OF_CALLBACKS),
        "feature_names_in_",  # rows to watch have no names any more
    }
)
SHOWN_AS = {"callbacks": None, "random_state": None, "tta": None, "verbose": 0}


@dataclass(frozen=True)
class Watched:
    """Rows to watch.

    Parameters
    ----------
    rows : Rows
    y : ndarray of shape (N,) or (N, O)
        Their targets as the user has them.
    """

    rows: Rows
    y: NDArray[Any]


@dataclass(frozen=True)
class Monitor:
    """The score of a net in training on the rows that it watches.

    Parameters
    ----------
    scorer : str or callable (estimator, X, y) -> float
        Higher is better.
    y : ndarray of shape (N,) or (N, O)
        Targets of the rows.
    kind : type
        Of the estimator.
    known : dict
        What the estimator knows beside a net.
    """

    scorer: str | Callable[..., Any]
    y: NDArray[Any]
    kind: type
    known: Mapping[str, Any]

    def __call__(self, net: Any) -> float:
        """Return the score.

        Parameters
        ----------
        net : Net
            In training; its module is put into evaluation mode.

        Raises
        ------
        TypeError
            If the scorer returns no number.
        """
        view: Any = object.__new__(self.kind)
        view.__dict__ = {**self.known, "net_": net}
        score = scorer_of(self.scorer)(view, _rows_of(net.valid_), self.y)
        if not isinstance(score, Real):
            raise TypeError(_no_number(self.scorer, score))
        return float(score)


def monitor_of(estimator: Any, y: NDArray[Any]) -> Monitor | None:
    """Return what an estimator, which has learnt of its data, is to watch; None for the loss."""
    if isinstance(estimator.monitor, str) and estimator.monitor == "loss":
        return None
    known = {name: each for name, each in vars(estimator).items() if name not in NOT_SHOWN}
    return Monitor(estimator.monitor, y, type(estimator), known | SHOWN_AS)


def check_monitor(monitor: Any) -> None:
    """Raise if there is no scorer of that name.

    Raises
    ------
    ValueError
        Saying which one was probably meant.
    """
    if isinstance(monitor, str):
        lookup(monitor, dict.fromkeys(["loss", *get_scorer_names()]), "monitor")


def scorer_of(scorer: Any) -> Callable[..., Any]:
    """Return a scorer by its name, or as it is."""
    return get_scorer(scorer) if isinstance(scorer, str) else scorer


def _rows_of(rows: Rows) -> NDArray[Any] | OnDisk:
    x = rows.x
    return x.detach().cpu().numpy() if isinstance(x, Tensor) else x.rows


def _no_number(scorer: Any, score: Any) -> str:
    return message(
        "monitor gave no score",
        expected="a function (estimator, X, y) that returns a number, higher for better",
        got=f"{type(score).__name__} from {scorer!r}",
        todo="Give one scorer, such as monitor='roc_auc'",
    )
