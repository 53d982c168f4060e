"""What a finished fit leaves in MLflow beside its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sknn_tricks.tracking.artifacts._finished import Finished
from sknn_tricks.tracking.artifacts._model import log_model
from sknn_tricks.tracking.artifacts._pages import Pages
from sknn_tricks.tracking.artifacts._provenance import log_dataset, log_provenance, provenance
from sknn_tricks.tracking.views import SearchShape, write_views
from sknn_tricks.tracking.writing._candidate import Candidate
from sknn_tricks.tracking.writing._options import Options
from sknn_tricks.tracking.writing._runs import Runs
from sknn_tricks.tracking.writing._scores import main_metric

_Part = Callable[[Runs, str, Sequence[Candidate]], None]


class Findings:
    """Write what a finished fit found; each part for itself, so that one may fail alone.

    Parameters
    ----------
    client : mlflow.MlflowClient
    experiment_id : str
    options : Options
    finished : Finished

    Attributes
    ----------
    links : dict of str to str
        The links to the saved views of a search, once they are written.
    """

    def __init__(self, client: Any, experiment_id: str, options: Options, finished: Finished):
        self._client = client
        self._experiment_id = experiment_id
        self._options = options
        self._finished = finished
        self.links: dict[str, str] = {}
        self._made: Any = None

    def write(self, runs: Runs, run_id: str, candidates: Sequence[Candidate]) -> None:
        """Write all parts into a run; called when everything else of the fit is written.

        Raises
        ------
        Exception
            The first failure of a part, when all parts were tried.
        """
        failures = self._finished.failures
        for part in self._parts():
            try:
                part(runs, run_id, candidates)
            except Exception as error:
                failures.append((part.__name__.removeprefix("_write_"), error))
        if failures:
            what = "; ".join(f"{name}: {type(e).__name__}: {e}" for name, e in failures)
            runs.tag(run_id, "not_logged", what[:5000])
            raise failures[0][1]

    def _parts(self) -> list[_Part]:
        parts: list[_Part] = [self._write_provenance]
        if self._finished.search is not None:
            parts.append(self._write_views)
            if self._options.report:
                parts.append(self._write_report)
        if self._finished.out_of_fold is not None:
            parts.append(self._write_predictions)
        if self._options.log_model and self._finished.model is not None:
            parts.append(self._write_model)
        return parts

    def _write_provenance(self, runs: Runs, run_id: str, candidates: Sequence[Candidate]) -> None:
        done = self._finished
        weights = {} if done.sample_weight is None else {"sample_weight": done.sample_weight}
        found = provenance(done.estimator, done.X, done.y, done.splits or None, weights)
        log_provenance(self._client, run_id, found)
        log_dataset(self._client, [run_id], found)

    def _write_report(self, runs: Runs, run_id: str, candidates: Sequence[Candidate]) -> None:
        import pandas as pd

        report = self._report(candidates)
        with Pages(self._client, run_id) as pages:
            pages.table("leaderboard", report.leaderboard)
            pages.text("cv_results.csv", pd.DataFrame(self._finished.search.cv_results_).to_csv())
            if report.has_effects:
                pages.figure("effects", report.plot_effects())
            if report.has_interactions:
                pages.figure("interactions", report.plot_interactions())
            if report.has_curves:
                pages.figure("learning_curves", report.plot_curves())
            pages.log()
        runs.tag(run_id, "mlflow.note.content", report.to_markdown())

    def _write_views(self, runs: Runs, run_id: str, candidates: Sequence[Candidate]) -> None:
        factors: dict[str, list[str]] = {}
        for candidate in candidates:
            for name, text in candidate.params.items():
                factors.setdefault(name, []).append(text)
        by_weight = [factor.name for factor in self._report(candidates).factors]
        ranked = {name: factors[name] for name in by_weight if name in factors} | factors
        metric = main_metric(self._finished.search)
        assert metric is not None
        shape = SearchShape(run_id, metric, ranked)
        self.links = write_views(self._client, self._experiment_id, shape)

    def _write_predictions(self, runs: Runs, run_id: str, candidates: Sequence[Candidate]) -> None:
        out_of_fold = self._finished.out_of_fold
        report = out_of_fold.report(self._finished.sample_weight)
        with Pages(self._client, run_id) as pages:
            pages.table("out_of_fold", out_of_fold.table)
            pages.text("out_of_fold.md", report.to_markdown())
            for name, figure in report.figures().items():
                pages.figure(f"out_of_fold_{name}", figure)
            pages.log()

    def _write_model(self, runs: Runs, run_id: str, candidates: Sequence[Candidate]) -> None:
        done, name = self._finished, self._options.registered_model_name
        log_model(self._client, run_id, done.model, done.X, registered_model_name=name)

    def _report(self, candidates: Sequence[Candidate]) -> Any:
        from sknn_tricks.diagnostics import search_report

        if self._made is None:
            curves = {candidate.row: candidate.curves for candidate in candidates}
            self._made = search_report(self._finished.search, curves=curves)
        return self._made
