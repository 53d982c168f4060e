"""Epochs as tasks of scikit-learn's callbacks."""

from __future__ import annotations

from typing import Any

from sklearn import config_context, get_config


class EpochTasks:
    """Tells scikit-learn's callbacks when an epoch begins and ends.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        The fit's context.
    hooks : dict
        What every hook is told: the estimator and its data.

    Attributes
    ----------
    has_stopped : bool
        Whether a callback has wanted training to stop.
    """

    has_stopped = False

    def __init__(self, context: Any, hooks: dict[str, Any]) -> None:
        self._context = context
        self._hooks = hooks
        # Training may run in another thread, and the configuration is the thread's.
        self._config = get_config()

    def begin(self) -> None:
        """Begin the next epoch."""
        self._epoch = self._context.subcontext(task_name="epoch")
        with config_context(**self._config):
            self._epoch.call_on_fit_task_begin(**self._hooks)

    def end(self, net: Any) -> bool:
        """End the epoch; True if a callback wants training to stop."""
        # Copying the net is for those callbacks only that ask for an estimator to predict with.
        state = lambda: {"net_": net.twin()}  # noqa: E731
        # For our own callbacks: they need no copy to know how the net does.
        self._epoch.history_row = net.history[-1]
        with config_context(**self._config):
            self.has_stopped |= self._epoch.call_on_fit_task_end(
                **self._hooks, reconstruction_attributes=state
            )
        return self.has_stopped


class Following:
    """Stops the training of an ensemble's further members where that of the first was stopped.

    Parameters
    ----------
    first : EpochTasks
        Of the member that tells of its epochs.
    """

    def __init__(self, first: EpochTasks) -> None:
        self._first = first

    def begin(self) -> None:
        """Tell nobody."""

    def end(self, net: Any) -> bool:
        """Return whether the first one was to stop."""
        return self._first.has_stopped
