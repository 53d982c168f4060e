"""MLflow's autologging stands back where a callback logs.

``mlflow.autolog()`` replaces ``fit`` of scikit-learn's classes. What it writes of a search costs
twice the time of the search, and its runs stand beside those of the callback. Its wrapper begins
before any callback is called, so it is met at its own hook for loggers of events. All of MLflow's
private names that this needs are in this file; without them both log, as before.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

_FITS = {"fit", "fit_transform", "fit_predict"}
_lock = threading.Lock()
# By the ids of estimators that are being fitted: MLflow's training sessions that hide them, and
# those whose callbacks are set up, so that they will also be torn down.
_hidden: dict[int, Any] = {}
_paused_for: set[int] = set()
_disabled_before: list[bool] = []


def stand_in_front_of_autologging(is_logged: Callable[[Any], bool]) -> None:
    """Have autologging skip the fits of some estimators, if MLflow has been imported.

    Parameters
    ----------
    is_logged : callable
        Tells of an estimator that is about to be fitted whether somebody else logs it.
    """
    if "mlflow" not in sys.modules:  # then nobody has turned autologging on
        return
    try:
        from mlflow.utils.autologging_utils.events import AutologgingEventLogger
    except ImportError:
        return
    previous = AutologgingEventLogger._event_logger
    if getattr(previous, "is_gate", False):
        return
    gate = _gate_class()(is_logged, previous or AutologgingEventLogger())
    AutologgingEventLogger.set_logger(gate)


def pause_autologging(estimator: Any) -> None:
    """Turn autologging off, in all threads, until `resume_autologging` for the same estimator."""
    if not _is_on():
        return
    with _lock:
        _hide(estimator)
        if not _paused_for:
            _disabled_before[:] = [_utils()._AUTOLOGGING_GLOBALLY_DISABLED]
        _paused_for.add(id(estimator))
        _utils()._AUTOLOGGING_GLOBALLY_DISABLED = True


def resume_autologging(estimator: Any) -> None:
    """Undo `pause_autologging`; does nothing if that has been done."""
    with _lock:
        session = _hidden.pop(id(estimator), None)
        if session is not None:
            stack = type(session)._session_stack
            # not the last: autologging's own session of this fit may stand above it
            stack[:] = [other for other in stack if other is not session]
        if id(estimator) in _paused_for:
            _paused_for.remove(id(estimator))
            if not _paused_for:
                _utils()._AUTOLOGGING_GLOBALLY_DISABLED = _disabled_before[0]


def _hide(estimator: Any) -> None:
    """Make autologging take a fit for a part of one that is being logged."""
    from mlflow.sklearn import _SklearnTrainingSession

    if id(estimator) not in _hidden:
        session = _SklearnTrainingSession(estimator=estimator, allow_children=False)
        session.__enter__()
        _hidden[id(estimator)] = session


def _show_those_that_never_began() -> None:
    """Clean up after fits that were interrupted before their callbacks were set up."""
    for key in _hidden.keys() - _paused_for:
        resume_autologging(_hidden[key].estimator)


def _utils() -> Any:
    return sys.modules["mlflow.utils.autologging_utils"]


def _is_on() -> bool:
    utils = sys.modules.get("mlflow.utils.autologging_utils")
    if not hasattr(utils, "_AUTOLOGGING_GLOBALLY_DISABLED"):
        return False
    configs = getattr(utils, "AUTOLOGGING_INTEGRATIONS", {}).values()
    return any(not config.get("disable", True) for config in configs)


def _gate_class() -> type:
    from mlflow.utils.autologging_utils.events import AutologgingEventLogger

    class Gate(AutologgingEventLogger):
        """Passes all events on, and pauses autologging at those of fits that others log."""

        is_gate = True

        def __init__(self, is_logged: Callable[[Any], bool], previous: Any):
            self._is_logged = is_logged
            self._previous = previous
            self._session_id = None

        def log_autolog_called(self, *event: Any) -> None:
            self._previous.log_autolog_called(*event)

        def log_patch_function_start(self, *event: Any) -> None:
            session, _, function_name, args, _ = event
            if session.id != self._session_id:  # a new outermost call, so nothing is hidden
                self._session_id = session.id
                _show_those_that_never_began()
            if function_name in _FITS and args and self._is_logged(args[0]):
                with _lock:
                    _hide(args[0])
            self._previous.log_patch_function_start(*event)

        def log_patch_function_success(self, *event: Any) -> None:
            self._resume(event)
            self._previous.log_patch_function_success(*event)

        def log_patch_function_error(self, *event: Any) -> None:
            self._resume(event)
            self._previous.log_patch_function_error(*event)

        def log_original_function_start(self, *event: Any) -> None:
            self._previous.log_original_function_start(*event)

        def log_original_function_success(self, *event: Any) -> None:
            self._previous.log_original_function_success(*event)

        def log_original_function_error(self, *event: Any) -> None:
            self._resume(event)  # a fit that raised before its callbacks were set up
            self._previous.log_original_function_error(*event)

        def _resume(self, event: tuple[Any, ...]) -> None:
            _, _, function_name, args, *_ = event
            if function_name in _FITS and args:
                resume_autologging(args[0])

    return Gate
