"""From messages to runs: which candidate a fold belongs to, and when its run is written."""

from __future__ import annotations

from typing import Any

from sknn_tricks.tracking._candidate import Candidate, Curve, FitRecord
from sknn_tricks.tracking._candidate_runs import CandidateRuns
from sknn_tricks.tracking._channel import Message
from sknn_tricks.tracking._names import describe, short_names
from sknn_tricks.tracking._runs import Runs
from sknn_tricks.tracking._scores import ROUND_PARAMS, candidate_params, has_failed, score_points


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
    """

    def __init__(self, runs: Runs, run_id: str, began: float):
        self._runs = runs
        self._run_id = run_id
        self._candidate_runs = CandidateRuns(runs, run_id, began)
        self._candidates: list[Candidate] = []
        self._rounds: dict[tuple[int, ...], tuple[int, int]] = {}  # path: first row, n_splits
        self._outer: dict[str, FitRecord] = {}
        self._short: dict[str, str] = {}
        self._owner: tuple[int, ...] | None = None
        self._logged: set[str] = set()

    def take(self, message: Message) -> None:
        """Take one message of `_observe`, or ``{"what": "close", "status": ..., "time": ...}``."""
        getattr(self, f"_take_{message['what']}")(message)

    def _take_fit(self, message: Message) -> None:
        self._describe(message["params"])

    def _take_round(self, message: Message) -> None:
        if self._introduce(message):
            self._learn_names(message["names"])
            self._expect(message["n_before"])  # rows that the table begins with
            self._rounds[message["path"]] = (len(self._candidates), message["n_splits"])
            self._expect(len(self._candidates) + message["n_fits"] // message["n_splits"])

    def _take_begin(self, message: Message) -> None:
        if record := self._record(message["place"]):
            record.began = message["time"]
            candidate, _, _ = self._find(message["place"])
            candidate.params |= self._shortened(message["params"])

    def _take_curve(self, message: Message) -> None:
        if record := self._record(message["place"]):
            record.curves.append(Curve(message["step"], message["rows"], message["began"]))

    def _take_end(self, message: Message) -> None:
        place = message["place"]
        if record := self._record(place):
            record.ended = message["time"]
            candidate, n_splits, _ = self._find(place)
            if candidate.n_ended == n_splits:
                self._candidate_runs.write(candidate, "FINISHED", message["time"])

    def _take_results(self, message: Message) -> None:
        if not self._introduce(message):
            return
        table = message["table"]
        self._learn_names(sorted({name for params in table["params"] for name in params}))
        self._expect(len(table["params"]))
        for row, candidate in enumerate(self._candidates):
            self._score(candidate, table, row, message["time"])
        self._log_best(message["best"], table)

    def _take_close(self, message: Message) -> None:
        try:
            self._write_rest(message["status"], message["time"])
            if message["error"]:
                self._runs.tag(self._run_id, "error", message["error"])
        finally:
            self._runs.end(self._run_id, message["status"], message["time"])

    def _write_rest(self, status: str, now: float) -> None:
        for candidate in self._candidates:
            if candidate.run_id is None and candidate.folds:
                self._candidate_runs.write(candidate, status, now)
        if self._candidates:
            self._describe({"n_candidates": str(len(self._candidates))})
        for part, record in self._outer.items():
            points = record.points("refit/" if part == "refit" else "")
            self._runs.log(self._run_id, points=points)

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

    def _expect(self, n_candidates: int) -> None:
        self._candidates += map(Candidate, range(len(self._candidates), n_candidates))

    def _record(self, place: dict[str, Any]) -> FitRecord | None:
        if place["part"] != "fold":
            return self._outer.setdefault(place["part"], FitRecord())
        if tuple(place["round"]) not in self._rounds:
            return None
        candidate, _, split = self._find(place)
        return candidate.folds.setdefault(split, FitRecord())

    def _find(self, place: dict[str, Any]) -> tuple[Candidate, int, int]:
        first_row, n_splits = self._rounds[tuple(place["round"])]
        row, split = divmod(place["task"], n_splits)
        return self._candidates[first_row + row], n_splits, split

    def _score(self, candidate: Candidate, table: dict[str, Any], row: int, now: float) -> None:
        searched = {name: describe(v) for name, v in candidate_params(table, row).items()}
        failed = has_failed(table, row) or candidate.has_unended
        self._candidate_runs.score(
            candidate,
            self._shortened(searched),
            score_points(table, row),
            "FAILED" if failed else "FINISHED",
            now,
        )

    def _log_best(self, best: dict[str, Any], table: dict[str, Any]) -> None:
        if (row := best["row"]) is None:
            return
        params = self._shortened({n: describe(v) for n, v in table["params"][row].items()})
        best_params = {f"best_{name}": text for name, text in params.items()}
        self._runs.log(self._run_id, best_params, best["points"])
        self._runs.tag(self._run_id, "best_run_id", self._candidates[row].run_id or "")
