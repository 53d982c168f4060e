"""One fit while it is logged, in the process that runs it."""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import replace
from typing import Any

from sknn_tricks._param_names import describe
from sknn_tricks._sklearn_private import (
    RecordedSplits,
    record_splits,
    stop_recording_splits,
)
from sknn_tricks.tracking.artifacts._findings import Findings
from sknn_tricks.tracking.artifacts._finished import Finished, finished_folds
from sknn_tricks.tracking.listening._background import Background
from sknn_tricks.tracking.listening._channel import Address, Message, close_topic, open_topic
from sknn_tricks.tracking.stores._direct_client import direct_client
from sknn_tricks.tracking.stores._outages import loss_note
from sknn_tricks.tracking.stores._patient import PatientClient
from sknn_tricks.tracking.stores._store import Store
from sknn_tricks.tracking.writing._journal import Journal
from sknn_tricks.tracking.writing._kinds import default_name, described, first_params, kind_of
from sknn_tricks.tracking.writing._options import Options
from sknn_tricks.tracking.writing._orphans import close_orphans, process_tags
from sknn_tricks.tracking.writing._runs import Runs

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
    options : Options

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
        options: Options,
    ):
        client, self.experiment_id = store.open(experiment)
        self._client = PatientClient(direct_client(client, store), store)
        self._options = options
        self._folds: Finished | None = None
        self._splits: RecordedSplits | None = None
        self._findings: Findings | None = None
        runs = Runs(self._client, self.experiment_id, options.tags)
        began = time.time()  # loading MLflow is no part of the fit
        note = f"```python\n{described(estimator)!r}"[:_LONGEST_NOTE] + "\n```"
        run_tags = {**process_tags(), "kind": kind_of(estimator), "mlflow.note.content": note}
        name = options.run_name or default_name(estimator)
        with store.explained(experiment):
            close_orphans(client, self.experiment_id)
            self.run_id = runs.create(name, began, run_tags)
        self.is_done = False
        self._topic = context.root_uuid.hex
        self._writer = Background(Journal(runs, self.run_id, began, options).take, self._client)
        self.address: Address = open_topic(self._topic, self.take)
        self.tell({"what": "fit", "params": first_params(estimator)})

    def take(self, message: Message) -> None:
        """Have a message of a fit written: with the end of its fold, all before it."""
        self._writer.put(message, soon=message["what"] == "end")

    def tell(self, message: Message) -> None:
        """Have a message of this process written."""
        self._writer.put(message)

    def watch_splits(self, search: Any) -> None:
        """Have the rows of a search's folds remembered; they differ each time without a seed."""
        self._splits = record_splits(search) or self._splits

    def finish_folds(self, search: Any, X: Any, y: Any, metadata: Any) -> None:
        """Take what folds have shown, while the data are at hand; of the first search only."""
        stop_recording_splits(search)
        if self._folds is not None:
            return
        weight = (metadata or {}).get("sample_weight")
        splits = self._splits.splits if self._splits is not None else []
        self._folds = finished_folds(search, X, y, weight, splits, self._options)

    def finish(self, estimator: Any, X: Any, y: Any) -> None:
        """Have what the whole fit found written: it came to its end."""
        self.is_done = True
        whole = described(estimator)
        if self._folds is None:
            done = Finished(whole, whole, X, y)
        elif self._folds.estimator is estimator:
            done = replace(self._folds, estimator=whole)
        else:  # a search within a pipeline
            done = replace(self._folds, estimator=estimator, model=estimator)
        self._findings = Findings(self._client, self.experiment_id, self._options, done)
        self.tell({"what": "findings", "write": self._findings.write})

    @property
    def links(self) -> dict[str, str]:
        """The links to the saved views, if a search was logged and the session is closed."""
        return {} if self._findings is None else self._findings.links

    def close(self) -> None:
        """Write what is left and end the run, within a fit that may just be failing."""
        if self._writer.is_copy:  # a fork of the fit's process that leaves through its frames
            return
        error = None if self.is_done else sys.exception()
        status = "FINISHED" if self.is_done else _status_of(error)
        close_topic(self._topic)
        closing = {"what": "close", "status": status, "error": _line(error), "time": time.time()}
        self._writer.put(closing)
        has_ended = self._writer.close()
        if self._writer.n_lost or not has_ended:
            lost = self._writer.n_lost, self._writer.n_told, self._client.incomplete
            note = loss_note(self._writer.error, *lost)
            warnings.warn(note, RuntimeWarning, stacklevel=2)


def _status_of(error: BaseException | None) -> str:
    # what is no Exception is somebody's wish to stop: Ctrl-C, or the end of the interpreter
    return "FAILED" if error is None or isinstance(error, Exception) else "KILLED"


def _line(error: BaseException | None) -> str:
    return "" if error is None else describe(f"{type(error).__name__}: {error}")[:500]
