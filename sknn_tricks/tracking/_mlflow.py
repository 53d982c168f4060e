"""The callback that a user sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sklearn.exceptions import NotFittedError

from sknn_tricks._messages import message
from sknn_tricks.tracking._channel import Address, Message, post
from sknn_tricks.tracking._links import experiment_url, ui_command
from sknn_tricks.tracking._observe import (
    always_searched_names,
    at_begin,
    at_end,
    at_results,
    at_round,
)
from sknn_tricks.tracking._quiet import (
    expect_steps_without_callbacks,
    stop_expecting_steps_without_callbacks,
)
from sknn_tricks.tracking._scores import main_metric
from sknn_tricks.tracking._session import Session
from sknn_tricks.tracking._store import Store, find_store

# The fits that this process is running and logging. A session has a thread and connections, so
# it stays out of the callback, which is pickled to workers.
_sessions: dict[str, Session] = {}


class _Ticket(NamedTuple):
    """What a worker needs to take part: where to post, and which parameters to read."""

    address: Address
    searched: tuple[str, ...] = ()


class MLflowCallback:
    """Log a search with all its candidates, or a single fit, to MLflow.

    Set it on the outermost estimator. It finds its way to every net below, in worker processes
    too, and writes from the main process, on a thread of its own:

    - a **search** becomes a run (type, ``cv``, ``scoring``, sizes, ``best_<parameter>``,
      ``best_cv_<scorer>``, the curves of its refit as ``refit/train_loss``), with a nested run
      for each candidate: the searched parameters, under the shortest name that is clear
      (``net__module__dropout`` is ``dropout``); the curves of all folds over the epochs
      (``fold_0/train_loss``, ``fold_0/valid_loss``, ...); ``cv_<scorer>``,
      ``cv_<scorer>_std`` and ``cv_<scorer>_rank``, with ``score`` for the scorer where
      there is only one; ``fold_<scorer>`` with the fold as step; ``fit_time`` and
      ``score_time`` in seconds. A candidate with a fold that failed is marked FAILED. Its run
      appears when its last fold ends, its scores when the search ends. Each iteration of a
      halving search has candidates of its own, with ``iter`` and ``n_resources``;
    - any **other fit** becomes a run with the parameters that are not at their default, and the
      curves ``train_loss``, ``valid_loss``, ...

    A fit that raises ends as FAILED, one that is interrupted as KILLED; what was complete stays.

    Parameters
    ----------
    experiment : str
        Name of the MLflow experiment; made if there is none.
    tracking_uri : str, default=None
        The store. ``None`` means the environment variable ``MLFLOW_TRACKING_URI`` and, without
        it, the file ``mlruns/mlflow.db`` in the working directory.
    run_name : str, default=None
        Name of the run. ``None`` means the classes that are fitted.
    tags : dict of str to str, default=None
        Tags for all runs of a fit.

    Attributes
    ----------
    experiment_id_ : str
        MLflow's id of the experiment.
    run_id_ : str
        MLflow's id of the latest run: the search's, or that of the other fit.
    tracking_uri_ : str
        The store that was used.

    Raises
    ------
    TypeError, ValueError
        When a fit begins, if a parameter is not as described.
    RuntimeError
        When a fit begins, if the store cannot be opened. A store that fails later does not
        stop the fit, which then ends with a RuntimeWarning.

    See Also
    --------
    sklearn.callback.ProgressBar : Shows the same tasks as bars.

    Notes
    -----
    Runs have the tag ``kind``: ``search``, ``candidate`` or ``fit``. In MLflow's search box,
    ``tags.kind = "candidate"`` shows all candidates without their parents. A number that is not
    finite is left out.

    Estimators without scikit-learn's callback support have no curves; scikit-learn's warning
    about them is silenced during the fit. A process that is killed outright leaves its run
    RUNNING. MLflow itself reports usage over the network unless ``MLFLOW_DISABLE_TELEMETRY``
    is ``true``.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sknn_tricks.tracking import MLflowCallback
    >>> folder = tempfile.TemporaryDirectory()
    >>> callback = MLflowCallback("demo", tracking_uri=f"sqlite:///{folder.name}/mlflow.db")
    >>> search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=3)
    >>> search = search.set_callbacks(callback).fit(*load_iris(return_X_y=True))
    >>> from mlflow import MlflowClient
    >>> candidates = MlflowClient(callback.tracking_uri_).search_runs(
    ...     [callback.experiment_id_], "tags.kind = 'candidate'", order_by=["params.n_neighbors"])
    >>> for run in candidates:
    ...     print(run.data.params, round(run.data.metrics["cv_score"], 2))
    {'n_neighbors': '1'} 0.96
    {'n_neighbors': '5'} 0.98
    >>> callback.url
    'http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&orderByKey=...'
    >>> folder.cleanup()
    """

    def __init__(
        self,
        experiment: str,
        *,
        tracking_uri: str | None = None,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
    ):
        self.experiment = experiment
        self.tracking_uri = tracking_uri
        self.run_name = run_name
        self.tags = tags
        self._tickets: dict[str, _Ticket] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.experiment!r})"

    def __getstate__(self) -> dict[str, Any]:
        # a copy: another thread may begin a fit while this one is being pickled
        return {**self.__dict__, "_tickets": dict(self._tickets)}

    @property
    def max_propagation_depth(self) -> None:
        """How deep the callback is handed down: without a limit."""
        return None

    @property
    def url(self) -> str:
        """The experiment's page, on its server or on the one that `ui_command` starts.

        After a search its candidates are listed there, best first.
        """
        return experiment_url(self._store_used().uri, self.experiment_id_, self._best_first)

    @property
    def ui_command(self) -> str | None:
        """What to type to look at the runs, None if the store is itself a server."""
        store = self._store_used()
        return ui_command(store.uri, store.artifacts)

    def setup(self, estimator: Any, context: Any) -> None:
        """Open the store and begin a run; called by scikit-learn."""
        self._check_params()
        store = find_store(self.tracking_uri)
        session = Session(
            store, self.experiment, estimator, context, self.run_name, self.tags or {}
        )
        _sessions[context.root_uuid.hex] = session
        self._tickets[context.root_uuid.hex] = _Ticket(session.address)
        self.tracking_uri_, self._best_first = store.uri, main_metric(estimator)
        self.experiment_id_, self.run_id_ = session.experiment_id, session.run_id
        expect_steps_without_callbacks()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Take note of a task that begins; called by scikit-learn."""
        if (session := _sessions.get(context.root_uuid.hex)) is not None:
            for announced in at_round(estimator, context):
                self._read_in_folds(context, always_searched_names(estimator))
                session.tell(announced)
        if (ticket := self._tickets.get(context.root_uuid.hex)) is not None:
            self._post(context, ticket, at_begin(estimator, context, ticket.searched))

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Take note of a task that ends; called by scikit-learn."""
        if (ticket := self._tickets.get(context.root_uuid.hex)) is not None:
            self._post(context, ticket, at_end(estimator, context))
        if (session := _sessions.get(context.root_uuid.hex)) is not None:
            for found in at_results(estimator, context):
                session.tell(found)
            session.is_done |= context.parent is None

    def teardown(self, estimator: Any, context: Any) -> None:
        """End the run; called by scikit-learn, also when the fit raised."""
        self._tickets.pop(context.root_uuid.hex, None)
        session = _sessions.pop(context.root_uuid.hex, None)
        if not _sessions:
            stop_expecting_steps_without_callbacks()
        if session is not None:
            session.close()

    def _read_in_folds(self, context: Any, names: Iterable[str]) -> None:
        topic = context.root_uuid.hex
        self._tickets[topic] = self._tickets[topic]._replace(searched=tuple(names))

    def _post(self, context: Any, ticket: _Ticket, messages: Iterable[Message]) -> None:
        for each in messages:
            post(ticket.address, context.root_uuid.hex, each)

    def _store_used(self) -> Store:
        if not hasattr(self, "tracking_uri_"):
            raise NotFittedError(
                message(
                    "No fit has been logged yet",
                    expected="a fit with this callback",
                    got="none",
                    todo="Set it with estimator.set_callbacks(callback) and call fit",
                )
            )
        return Store(self.tracking_uri_)

    def _check_params(self) -> None:
        if not isinstance(self.experiment, str):
            raise TypeError(_not_this("experiment", self.experiment, "the name of an experiment"))
        if not self.experiment.strip():
            raise ValueError(_not_this("experiment", self.experiment, "a name that is not empty"))
        for name in ("tracking_uri", "run_name"):
            if not isinstance(getattr(self, name), str | None):
                raise TypeError(_not_this(name, getattr(self, name), "a string or None"))
        if not isinstance(self.tags, Mapping | None):
            raise TypeError(_not_this("tags", self.tags, "a dict of strings or None"))


def _not_this(name: str, value: object, expected: str) -> str:
    return message(
        f"{name}={value!r} cannot be used",
        expected=expected,
        got=repr(value),
        todo=f"Call MLflowCallback with another {name}",
    )
