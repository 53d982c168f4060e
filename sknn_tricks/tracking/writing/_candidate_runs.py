"""The runs of a search's candidates, nested below the run of the search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sknn_tricks.tracking.writing._candidate import Candidate, FitRecord
from sknn_tricks.tracking.writing._runs import Entry, Runs
from sknn_tricks.tracking.writing._scores import Point

_FOLD_SCORE = "fold_"


class CandidateRuns:
    """Write candidates: first what their fits showed, later their scores.

    Parameters
    ----------
    runs : Runs
        Where to write.
    parent_id : str
        The run of the search.
    began : float
        When the search began; for candidates of which no fold was seen.
    fold_runs : bool
        Whether each fold gets a run of its own, below its candidate's.
    """

    def __init__(self, runs: Runs, parent_id: str, began: float, fold_runs: bool = False):
        self._runs = runs
        self._parent_id = parent_id
        self._began = began
        self._fold_runs = fold_runs

    def write(
        self,
        candidate: Candidate,
        status: str,
        now: float,
        points: Iterable[Point] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Create a candidate's run with its parameters and curves, and end it."""
        own_tags = {**self._tags("candidate", self._parent_id, candidate), **(tags or {})}
        times = candidate.began(default=self._began), candidate.ended(default=now)
        every = [*candidate.points(), *points]
        self._write_run(candidate, candidate.name, own_tags, times, status, candidate.params, every)
        self._write_folds(candidate, status, now)

    def score(
        self,
        candidate: Candidate,
        params: dict[str, str],
        points: list[Point],
        tags: dict[str, str],
        status: str,
        now: float,
    ) -> dict[str, Entry]:
        """Write whatever of a candidate is not yet written.

        Returns
        -------
        dict of str to Entry
            What else is to be logged to which run: its scores.
        """
        new = {name: text for name, text in params.items() if name not in candidate.params}
        name_before = candidate.name
        candidate.params |= new
        if candidate.run_id is None:
            self.write(candidate, status, now, points, tags)
            return self._scores_of_folds(candidate, new, points)
        if candidate.name != name_before:
            self._runs.rename(candidate.run_id, candidate.name)
        if status != "FINISHED":
            self._runs.end(candidate.run_id, status, candidate.ended(default=now))
        of_folds = self._scores_of_folds(candidate, new, points)
        return {candidate.run_id: (new, points, tags), **of_folds}

    def _write_folds(self, candidate: Candidate, status: str, now: float) -> None:
        if self._fold_runs:
            for index, fold in sorted(candidate.folds.items()):
                self._write_fold(candidate, index, fold, status, now)

    def _write_fold(
        self, candidate: Candidate, index: int, fold: FitRecord, status: str, now: float
    ) -> None:
        tags = self._tags("fold", candidate.run_id or "", candidate) | {"fold": str(index)}
        times = self._began if fold.began is None else fold.began, fold.ended or now
        facts = [Point(name, value) for name, value in fold.facts().items()]
        its_status = status if fold.ended is None else "FINISHED"
        every = [*fold.points(), *facts]
        self._write_run(fold, f"fold {index}", tags, times, its_status, candidate.params, every)

    def _write_run(
        self,
        of: Candidate | FitRecord,
        name: str,
        tags: Mapping[str, str],
        times: tuple[float, float],
        status: str,
        params: Mapping[str, str],
        points: list[Point],
    ) -> None:
        of.run_id = self._runs.write_whole(name, tags, times, status, params, points)
        if of.run_id is None:
            of.run_id = self._runs.create(name, times[0], tags)
            self._runs.log(of.run_id, params, points)
            self._runs.end(of.run_id, status, times[1])

    def _scores_of_folds(
        self, candidate: Candidate, new: dict[str, str], points: list[Point]
    ) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for index, fold in candidate.folds.items():
            mine = [p._replace(step=0) for p in points if _is_of_fold(p, index)]
            if fold.run_id is not None and mine:
                entries[fold.run_id] = (new, mine, {})
        return entries

    def _tags(self, kind: str, parent_id: str, candidate: Candidate) -> dict[str, str]:
        return {
            "mlflow.parentRunId": parent_id,
            "kind": kind,
            "candidate": str(candidate.row),
        }


class OnlyCandidate(CandidateRuns):
    """Write a cross-validation: its one candidate is the run itself, which somebody else ends."""

    def write(
        self,
        candidate: Candidate,
        status: str,
        now: float,
        points: Iterable[Point] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log the curves, the scores if they are known, and the runs of the folds."""
        candidate.run_id = self._parent_id
        self._runs.log(self._parent_id, {}, [*candidate.points(), *points], tags)
        self._write_folds(candidate, status, now)

    def score(
        self,
        candidate: Candidate,
        params: dict[str, str],
        points: list[Point],
        tags: dict[str, str],
        status: str,
        now: float,
    ) -> dict[str, Entry]:
        """Write what is not yet written; return the scores."""
        if candidate.run_id is None:
            self.write(candidate, status, now, points, tags)
            return self._scores_of_folds(candidate, {}, points)
        of_folds = self._scores_of_folds(candidate, {}, points)
        return {self._parent_id: ({}, points, tags), **of_folds}


def _is_of_fold(point: Point, index: int) -> bool:
    return point.name.startswith(_FOLD_SCORE) and point.step == index
