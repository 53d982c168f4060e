"""The callback that a user sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sklearn.exceptions import NotFittedError

from sknn_tricks._callback_warnings import (
    expect_steps_without_callbacks,
    stop_expecting_steps_without_callbacks,
)
from sknn_tricks._messages import message
from sknn_tricks.tracking.listening._channel import Address, Message, post
from sknn_tricks.tracking.listening._observe import (
    always_searched_names,
    at_begin,
    at_end,
    at_results,
    at_round,
)
from sknn_tricks.tracking.stores._autolog import (
    pause_autologging,
    resume_autologging,
    stand_in_front_of_autologging,
)
from sknn_tricks.tracking.stores._links import experiment_url, ui_command
from sknn_tricks.tracking.stores._names import check_names
from sknn_tricks.tracking.stores._store import Store, find_store
from sknn_tricks.tracking.writing._options import Options
from sknn_tricks.tracking.writing._scores import main_metric
from sknn_tricks.tracking.writing._session import Session

# The fits that this process is running and logging. A session has a thread and connections, so
# it stays out of the callback, which is pickled to workers.
_sessions: dict[str, Session] = {}
_DASHBOARD = "Grid dashboard"


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
      (``net__module__dropout`` is ``dropout``); ``cv_<scorer>`` with ``_std``, ``_min``,
      ``_max`` and ``_rank``, with ``score`` for the scorer where there is only one;
      ``fold_<scorer>`` with the fold as step; the curves over the epochs, of each fold
      (``fold_0/valid_loss``) and their mean and spread (``curve/valid_loss``,
      ``curve/valid_loss_std``); ``best_epoch``, ``n_parameters``, ``fit_time`` and
      ``score_time`` in seconds; the whole configuration as ``config.json``. A candidate with a
      fold that failed is marked FAILED. Its run appears when its last fold ends, its scores when
      the search ends. Each iteration of a halving search has candidates of its own, with
      ``iter`` and ``n_resources``. At the end the search's run gets a note, a leaderboard,
      figures, and the experiment gets views: a leaderboard, a dashboard and the effect of each
      factor, to which `links_` has the links;
    - a **cross-validation** by `sknn_tricks.model_selection.cross_validate`, with the callback
      in its `callbacks`, becomes one run with what a candidate has;
    - any **other fit** becomes a run with the parameters that are not at their default, and the
      curves ``train_loss``, ``valid_loss``, ...

    What was fitted last is logged as a model, in MLflow's format and as the safe file of
    `sknn_tricks.save`; digests of data and folds, seeds and versions say what it came from.

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
    fold_runs : bool, default=False
        Whether each fold has a run of its own below its candidate.
    report : bool, default=True
        Whether a search gets a note, tables and figures.
    out_of_fold : bool, default=None
        Whether to add the predictions of the winner for the rows that each fold held out:
        confusion, ROC, calibration or residuals. Its folds are fitted once more for it. None
        does so where nets train fused, which then costs one stack more. Of what ``fit`` was
        given besides `X` and `y`, this pass knows ``sample_weight`` only.
    log_model : bool, default=True
        Whether to log the refitted best of a search, or what else was fitted, as a model.
    registered_model_name : str, default=None
        Make the model a new version of this registered model, too.
    print_link : bool, default=True
        Whether to print where to look at a search when it has ended.

    Attributes
    ----------
    experiment_id_ : str
        MLflow's id of the experiment.
    run_id_ : str
        MLflow's id of the latest run: the search's, or that of the other fit.
    links_ : dict of str to str
        The links to the views of the latest search, by their names.
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
    Runs have the tag ``kind``: ``search``, ``candidate``, ``fold``, ``cross_validation`` or
    ``fit``. In MLflow's search box, ``tags.kind = "candidate"`` shows all candidates without
    their parents. A number that is not finite is left out.

    Estimators without scikit-learn's callback support have no curves; scikit-learn's warning
    about them is silenced during the fit. Runs of a process that was killed outright are closed
    as KILLED by the next fit in the experiment. MLflow's autologging stands back for what the
    callback logs; turn it on before the callback is made. MLflow itself reports usage over the
    network unless ``MLFLOW_DISABLE_TELEMETRY`` is ``true``.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sknn_tricks.tracking import MLflowCallback
    >>> folder = tempfile.TemporaryDirectory()
    >>> uri = f"sqlite:///{folder.name}/mlflow.db"
    >>> callback = MLflowCallback("demo", tracking_uri=uri, print_link=False)
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
    'http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning&...=dashboard'
    >>> list(callback.links_)
    ['Leaderboard', 'Grid dashboard', 'Ten best', 'Effect of n_neighbors']
    >>> folder.cleanup()
    """

    # Nets train in other processes where nobody follows their epochs; ours are read at the end.
    listens_to_epochs = False

    def __init__(
        self,
        experiment: str,
        *,
        tracking_uri: str | None = None,
        run_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        fold_runs: bool = False,
        report: bool = True,
        out_of_fold: bool | None = None,
        log_model: bool = True,
        registered_model_name: str | None = None,
        print_link: bool = True,
    ):
        self.experiment = experiment
        self.tracking_uri = tracking_uri
        self.run_name = run_name
        self.tags = tags
        self.fold_runs = fold_runs
        self.report = report
        self.out_of_fold = out_of_fold
        self.log_model = log_model
        self.registered_model_name = registered_model_name
        self.print_link = print_link
        self._tickets: dict[str, _Ticket] = {}
        stand_in_front_of_autologging(_has_callback)

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
        """The page to open, on the store's server or on the one that `ui_command` starts.

        After a search its dashboard, else the experiment's page.
        """
        page = experiment_url(self._store_used().uri, self.experiment_id_, self._best_first)
        return self.links_.get(_DASHBOARD, page)

    def _where_to_look(self) -> str:
        served = f" (served by: {command})" if (command := self.ui_command) else ""
        return f"The search in MLflow{served}\n  {self.url}"

    @property
    def ui_command(self) -> str | None:
        """What to type to look at the runs, None if the store is itself a server."""
        store = self._store_used()
        return ui_command(store.uri, find_store(None).uri)

    def setup(self, estimator: Any, context: Any) -> None:
        """Open the store and begin a run; called by scikit-learn."""
        self._check_params()
        stand_in_front_of_autologging(_has_callback)  # for the fits to come
        pause_autologging(estimator)
        store = find_store(self.tracking_uri)
        session = Session(store, self.experiment, estimator, context, self._options())
        _sessions[context.root_uuid.hex] = session
        self._tickets[context.root_uuid.hex] = _Ticket(session.address)
        self.links_: dict[str, str] = {}
        self.tracking_uri_, self._best_first = store.uri, main_metric(estimator)
        self.experiment_id_, self.run_id_ = session.experiment_id, session.run_id
        expect_steps_without_callbacks()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Take note of a task that begins; called by scikit-learn."""
        if (session := _sessions.get(context.root_uuid.hex)) is not None:
            for announced in at_round(estimator, context):
                self._read_in_folds(context, always_searched_names(estimator))
                session.watch_splits(estimator)
                session.tell(announced)
        if (ticket := self._tickets.get(context.root_uuid.hex)) is not None:
            self._post(context, ticket, at_begin(estimator, context, ticket.searched))

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, X: Any, y: Any, metadata: Any
    ) -> None:
        """Take note of a task that ends; called by scikit-learn."""
        if (ticket := self._tickets.get(context.root_uuid.hex)) is not None:
            self._post(context, ticket, at_end(estimator, context))
        if (session := _sessions.get(context.root_uuid.hex)) is not None:
            for found in at_results(estimator, context):
                session.tell(found)
                session.finish_folds(estimator, X, y, metadata)
            if context.parent is None:
                session.finish(estimator, X, y)

    def teardown(self, estimator: Any, context: Any) -> None:
        """End the run; called by scikit-learn, also when the fit raised."""
        resume_autologging(estimator)
        self._tickets.pop(context.root_uuid.hex, None)
        session = _sessions.pop(context.root_uuid.hex, None)
        if not _sessions:
            stop_expecting_steps_without_callbacks()
        if session is not None:
            session.close()
            self.links_ = session.links
            if self.print_link and self.links_:
                print(self._where_to_look())

    def _read_in_folds(self, context: Any, names: Iterable[str]) -> None:
        topic = context.root_uuid.hex
        self._tickets[topic] = self._tickets[topic]._replace(searched=tuple(names))

    def _post(self, context: Any, ticket: _Ticket, messages: Iterable[Message]) -> None:
        for each in messages:
            post(ticket.address, context.root_uuid.hex, each)

    def _options(self) -> Options:
        return Options(
            run_name=self.run_name,
            tags=self.tags or {},
            fold_runs=self.fold_runs,
            report=self.report,
            out_of_fold=self.out_of_fold,
            log_model=self.log_model,
            registered_model_name=self.registered_model_name,
            print_link=self.print_link,
        )

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
        for name in ("tracking_uri", "run_name", "registered_model_name"):
            if not isinstance(getattr(self, name), str | None):
                raise TypeError(_not_this(name, getattr(self, name), "a string or None"))
        model = self.registered_model_name
        if model is not None and (not model.strip() or {"/", ":"} & set(model)):
            expected = 'a name that is not empty, without "/" and ":"'
            raise ValueError(_not_this("registered_model_name", model, expected))
        for name in ("fold_runs", "report", "log_model", "print_link"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(_not_this(name, getattr(self, name), "True or False"))
        if not isinstance(self.out_of_fold, bool | None):
            raise TypeError(_not_this("out_of_fold", self.out_of_fold, "True, False or None"))
        if not isinstance(self.tags, Mapping | None):
            raise TypeError(_not_this("tags", self.tags, "a dict of strings or None"))
        check_names(self.experiment, self.run_name, self.tags or {})


def _has_callback(estimator: Any) -> bool:
    callbacks = getattr(estimator, "_skl_callbacks", ())
    return any(isinstance(callback, MLflowCallback) for callback in callbacks)


def _not_this(name: str, value: object, expected: str) -> str:
    return message(
        f"{name}={value!r} cannot be used",
        expected=expected,
        got=repr(value),
        todo=f"Call MLflowCallback with another {name}",
    )
