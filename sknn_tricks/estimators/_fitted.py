"""What a training leaves on an estimator: the net, and how it went."""

from __future__ import annotations

from typing import Any, Self

from sknn_tricks.estimators._history import mean_history, plain_epochs
from sknn_tricks.fused import Trained


class Fitted:
    """The part of an estimator that takes over what was trained.

    Attributes
    ----------
    net_ : Net
    history_ : list of dict
    best_epoch_, n_iter_ : int
    """

    net_: Any
    history_: list[dict[str, Any]]
    best_epoch_: int
    _n_epochs_of_fit: int

    def _take_over(self, trained: Trained, before: list[dict[str, Any]]) -> None:
        """Set the fitted attributes; `before` is the history up to this training."""
        self.net_, self.best_epoch_ = trained.net, trained.best_epoch
        new = plain_epochs(trained.net.history[len(before) :])
        self.history_ = [*before, *new]
        self._summarise(len(new))

    def _summarise(self, n_epochs: int) -> None:
        """Set what follows from the history, whose last so many epochs are of this fit."""
        self._n_epochs_of_fit = n_epochs
        self.n_iter_ = len(self.history_)
        self.loss_curve_ = [epoch["train_loss"] for epoch in self.history_]
        scores = [epoch["valid_score"] for epoch in self.history_ if "valid_score" in epoch]
        self.validation_scores_ = scores or None

    def _take_over_members(self, members: list[Self]) -> None:
        """Set the fitted attributes of an ensemble: the members, and means over them."""
        self.members_, self.net_ = members, members[0].net_
        self.history_ = mean_history([member.history_ for member in members])
        self.best_epoch_ = max(member.best_epoch_ for member in members)
        self._summarise(max(member._n_epochs_of_fit for member in members))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")
