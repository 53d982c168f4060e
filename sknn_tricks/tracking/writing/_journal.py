"""From messages to runs: when what is written."""

from __future__ import annotations

from typing import Any

from sknn_tricks._param_names import describe, short_names
from sknn_tricks.tracking.listening._channel import Message
from sknn_tricks.tracking.writing._candidate import Curve, FitRecord, mean_facts
from sknn_tricks.tracking.writing._candidate_runs import CandidateRuns, OnlyCandidate
from sknn_tricks.tracking.writing._config import candidate_configs, config_text
from sknn_tricks.tracking.writing._folds import Folds
from sknn_tricks.tracking.writing._options import Options
from sknn_tricks.tracking.writing._runs import Entry, Runs
from sknn_tricks.tracking.writing._scores import (
    ROUND_PARAMS,
    candidate_params,
    candidate_tags,
    has_failed,
    score_points,
)

CONFIG_FILE = "config.json"


class Journal:
    """Keep the run of one fit and, if it is a search, those of its candidates.

    Messages are taken one at a time, by one thread. A candidate's run is written when its last
    fold ends; its scores follow when the search has its results.

    Parameters
    ----------
    runs : Runs
        Where to write.
    run_id : str
        The run of the whole fit.
    began : float
        When the fit began, in seconds since the epoch.
    options : Options
    """

    def __init__(self, runs: Runs, run_id: str, began: float, options: Options):
        self._runs = runs
        self._run_id = run_id
        self._began = began
        self._options = options
        self._candidate_runs = CandidateRuns(runs, run_id, began, options.fold_runs)
        self._folds = Folds()
        self._outer: dict[str, FitRecord] = {}
        self._short: dict[str, str] = {}
        self._owner: tuple[int, ...] | None = None
        self._logged: set[str] = set()

    @property
    def curves(self) -> dict[int, list[list[dict[str, float]]]]:
        """The curves of each candidate so far, by its row: one list a fold, one dict an epoch."""
        return {candidate.row: candidate.curves for candidate in self._folds.candidates}

    def take(self, message: Message) -> None:
        """Take one message of `_observe`, or one of these.

        - ``{"what": "fit", "params": ...}``: parameters of the whole fit, by their short names;
        - ``{"what": "findings", "write": ...}``: a callable ``(runs, run_id, candidates)`` that
          writes what follows from all that was taken before;
        - ``{"what": "close", "status": ..., "error": ..., "time": ...}``: the end.
        """
        getattr(self, f"_take_{message['what']}")(message)

    def _take_fit(self, message: Message) -> None:
        self._describe(message["params"])

    def _take_config(self, message: Message) -> None:
        self._runs.write_files(CONFIG_FILE, {self._run_id: config_text(message["estimator"])})

    def _take_round(self, message: Message) -> None:
        if not self._introduce(message):
            return
        if message["is_one"]:
            args = (self._runs, self._run_id, self._began, self._options.fold_runs)
            self._candidate_runs = OnlyCandidate(*args)
        self._learn_names(message["names"])
        self._folds.expect(message["n_before"])  # rows that the table begins with
        self._folds.begin_round(message["path"], message["n_fits"], message["n_splits"])

    def _take_begin(self, message: Message) -> None:
        if fold := self._folds.find(message["place"]):
            fold.record.began = message["time"]
            fold.candidate.params |= self._shortened(message["params"])

    def _take_curve(self, message: Message) -> None:
        if record := self._record(message["place"]):
            record.curves.append(
                Curve(
                    message["step"],
                    message["rows"],
                    message["time"],
                    message["best_epoch"],
                    message["n_parameters"],
                )
            )

    def _take_end(self, message: Message) -> None:
        if (fold := self._folds.find(message["place"])) is None:
            return
        record, candidate = fold.record, fold.candidate
        record.ended = message["time"]
        if record.began is not None:  # it began to work when others let it
            record.began = min(record.began + message["idle"], record.ended)
        # a forked child that leaves through the frames of its parent tells of the same end
        if candidate.run_id is None and candidate.n_ended == fold.n_splits:
            self._candidate_runs.write(candidate, "FINISHED", message["time"])

    def _take_results(self, message: Message) -> None:
        if not self._introduce(message):
            return
        table = message["table"]
        self._learn_names(sorted({name for params in table["params"] for name in params}))
        self._folds.expect(len(table["params"]))
        scores: dict[str, Entry] = {}
        try:
            for row in range(len(table["params"])):
                scores |= self._score(table, row, message["time"])
        finally:  # of those before one that could not be written, too
            self._runs.log_all(scores)
        self._log_best(message["best"], table)

    def _take_configs(self, message: Message) -> None:
        if message["owner"] == self._owner:
            texts = candidate_configs(message["estimator"], message["table"]["params"])
            run_ids = [candidate.run_id for candidate in self._folds.candidates]
            self._runs.write_files(
                CONFIG_FILE,
                {run_id: text for run_id, text in zip(run_ids, texts, strict=True) if run_id},
            )

    def _take_findings(self, message: Message) -> None:
        message["write"](self._runs, self._run_id, self._folds.candidates)

    def _take_close(self, message: Message) -> None:
        try:
            self._write_rest(message["status"], message["time"])
            if message["error"]:
                self._runs.tag(self._run_id, "error", message["error"])
        finally:
            self._runs.end(self._run_id, message["status"], message["time"])

    def _write_rest(self, status: str, now: float) -> None:
        for candidate in self._folds.candidates:
            if candidate.run_id is None and candidate.folds:
                self._candidate_runs.write(candidate, status, now)
        if self._folds.candidates and not isinstance(self._candidate_runs, OnlyCandidate):
            self._describe({"n_candidates": str(len(self._folds.candidates))})
        for part, record in self._outer.items():
            prefix = "refit/" if part == "refit" else ""
            facts = [p._replace(name=prefix + p.name) for p in mean_facts([record.facts()])]
            self._runs.log(self._run_id, points=[*record.points(prefix), *facts])

    def _introduce(self, message: Message) -> bool:
        """Log what kind of search it is, once; a second search beside the first is left out."""
        if self._owner is None:
            self._owner = message["owner"]
            self._describe(message["params"])
        return self._owner == message["owner"]

    def _describe(self, params: dict[str, str]) -> None:
        # MLflow refuses a second value for a parameter
        new = {name: text for name, text in params.items() if name not in self._logged}
        self._logged |= new.keys()
        self._runs.log(self._run_id, new)

    def _learn_names(self, names: list[str]) -> None:
        every = short_names(dict.fromkeys([*self._short, *names]), taken=ROUND_PARAMS)
        self._short = every | self._short  # what is logged keeps its name

    def _shortened(self, params: dict[str, str]) -> dict[str, str]:
        return {self._short.get(name, name): text for name, text in params.items()}

    def _record(self, place: dict[str, Any]) -> FitRecord | None:
        if place["part"] != "fold":
            return self._outer.setdefault(place["part"], FitRecord())
        fold = self._folds.find(place)
        return None if fold is None else fold.record

    def _score(self, table: dict[str, Any], row: int, now: float) -> dict[str, Entry]:
        candidate = self._folds.candidates[row]
        searched = {name: describe(v) for name, v in candidate_params(table, row).items()}
        failed = has_failed(table, row) or candidate.has_unended
        return self._candidate_runs.score(
            candidate,
            self._shortened(searched),
            score_points(table, row),
            candidate_tags(table, row),
            "FAILED" if failed else "FINISHED",
            now,
        )

    def _log_best(self, best: dict[str, Any], table: dict[str, Any]) -> None:
        if (row := best["row"]) is None:
            return
        params = self._shortened({n: describe(v) for n, v in table["params"][row].items()})
        best_params = {f"best_{name}": text for name, text in params.items()}
        best_run = {"best_run_id": self._folds.candidates[row].run_id or ""}
        self._runs.log(self._run_id, best_params, best["points"], best_run)
