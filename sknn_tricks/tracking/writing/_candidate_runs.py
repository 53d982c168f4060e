"""The runs of a search's candidates, nested below the run of the search."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sknn_tricks.tracking.writing._candidate import Candidate, FitRecord
from sknn_tricks.tracking.writing._runs import Runs
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
        began = candidate.began(default=self._began)
        candidate.run_id = self._runs.create(candidate.name, began, own_tags)
        self._runs.log(candidate.run_id, candidate.params, [*candidate.points(), *points])
        self._runs.end(candidate.run_id, status, candidate.ended(default=now))
        self._write_folds(candidate, status, now)

    def score(
        self,
        candidate: Candidate,
        params: dict[str, str],
        points: list[Point],
        tags: dict[str, str],
        status: str,
        now: float,
    ) -> None:
        """Log a candidate's scores, and whatever of it is not yet logged."""
        new = {name: text for name, text in params.items() if name not in candidate.params}
        name_before = candidate.name
        candidate.params |= new
        if candidate.run_id is None:
            self.write(candidate, status, now, points, tags)
        else:
            self._runs.log(candidate.run_id, new, points, tags)
            if candidate.name != name_before:
                self._runs.rename(candidate.run_id, candidate.name)
            if status != "FINISHED":
                self._runs.end(candidate.run_id, status, candidate.ended(default=now))
        self._score_folds(candidate, new, points)

    def _write_folds(self, candidate: Candidate, status: str, now: float) -> None:
        if self._fold_runs:
            for index, fold in sorted(candidate.folds.items()):
                self._write_fold(candidate, index, fold, status, now)

    def _write_fold(
        self, candidate: Candidate, index: int, fold: FitRecord, status: str, now: float
    ) -> None:
        tags = self._tags("fold", candidate.run_id or "", candidate) | {"fold": str(index)}
        began = self._began if fold.began is None else fold.began
        fold.run_id = self._runs.create(f"fold {index}", began, tags)
        facts = [Point(name, value) for name, value in fold.facts().items()]
        self._runs.log(fold.run_id, candidate.params, [*fold.points(), *facts])
        has_ended = fold.ended is not None
        self._runs.end(fold.run_id, "FINISHED" if has_ended else status, fold.ended or now)

    def _score_folds(self, candidate: Candidate, new: dict[str, str], points: list[Point]) -> None:
        for index, fold in candidate.folds.items():
            mine = [p._replace(step=0) for p in points if _is_of_fold(p, index)]
            if fold.run_id is not None and mine:
                self._runs.log(fold.run_id, new, mine)

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
    ) -> None:
        """Log the scores."""
        if candidate.run_id is None:
            self.write(candidate, status, now, points, tags)
        else:
            self._runs.log(self._parent_id, {}, points, tags)
        self._score_folds(candidate, {}, points)


def _is_of_fold(point: Point, index: int) -> bool:
    return point.name.startswith(_FOLD_SCORE) and point.step == index
