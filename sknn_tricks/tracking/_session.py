"""One fit while it is logged, in the process that runs it."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any

from sknn_tricks._messages import message
from sknn_tricks._sklearn_private import BaseSearchCV
from sknn_tricks.tracking._background import Background
from sknn_tricks.tracking._channel import Address, Message, close_topic, open_topic
from sknn_tricks.tracking._journal import Journal
from sknn_tricks.tracking._names import changed_params, class_names, describe, short_names
from sknn_tricks.tracking._runs import Runs
from sknn_tricks.tracking._store import Store

_LONGEST_NOTE = 5000


class Session:
    """The run of one fit, and the thread that writes it.

    Parameters
    ----------
    store : Store
    experiment : str
    estimator : estimator
        The outermost estimator, about to be fitted.
    context : sklearn.callback.CallbackContext
        Its root task.
    run_name : str or None
    tags : mapping of str to str

    Attributes
    ----------
    experiment_id, run_id : str
    address : Address
        Where workers post their messages.
    is_done : bool
        Whether the fit came to its end.
    """

    def __init__(
        self,
        store: Store,
        experiment: str,
        estimator: Any,
        context: Any,
        run_name: str | None,
        tags: Mapping[str, str],
    ):
        client, self.experiment_id = store.open(experiment)
        runs = Runs(client, self.experiment_id, tags)
        kind = "search" if isinstance(estimator, BaseSearchCV) else "fit"
        params = _fit_params(estimator) if kind == "fit" else {}
        began = time.time()  # loading MLflow is no part of the fit
        note = f"```python\n{estimator!r}"[:_LONGEST_NOTE] + "\n```"
        run_tags = {"kind": kind, "mlflow.note.content": note}
        self.run_id = runs.create(run_name or _default_name(estimator), began, run_tags)
        self.is_done = False
        self._topic = context.root_uuid.hex
        self._writer = Background(Journal(runs, self.run_id, began).take)
        self.address: Address = open_topic(self._topic, self._writer.put)
        self.tell({"what": "fit", "params": params})

    def tell(self, message: Message) -> None:
        """Have a message of this process written."""
        self._writer.put(message)

    def close(self) -> None:
        """Write what is left and end the run, within a fit that may just be failing."""
        error = None if self.is_done else sys.exception()
        status = "FINISHED" if self.is_done else _status_of(error)
        close_topic(self._topic)
        closing = {"what": "close", "status": status, "error": _line(error), "time": time.time()}
        self._writer.put(closing)
        self._writer.close()
        if self._writer.error is not None:
            warnings.warn(_not_all_written(self._writer.error), RuntimeWarning, stacklevel=2)


def _default_name(estimator: Any) -> str:
    if isinstance(estimator, BaseSearchCV):
        return f"{type(estimator).__name__}: {class_names(estimator.estimator)}"
    return class_names(estimator)


def _fit_params(estimator: Any) -> dict[str, str]:
    params = changed_params(estimator)
    short = short_names(params, taken=["estimator"])
    changed = {short[name]: describe(value) for name, value in params.items()}
    return {"estimator": class_names(estimator), **changed}


def _status_of(error: BaseException | None) -> str:
    # what is no Exception is somebody's wish to stop: Ctrl-C, or the end of the interpreter
    return "FAILED" if error is None or isinstance(error, Exception) else "KILLED"


def _line(error: BaseException | None) -> str:
    return "" if error is None else describe(f"{type(error).__name__}: {error}")[:500]


def _not_all_written(error: Exception) -> str:
    return message(
        "Not all of this fit could be written to MLflow; the fit itself is unharmed",
        expected="a store that can be written to all the time",
        got=f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}",
        todo="Look for a full disk, a store that was moved or a server that is down",
    )
