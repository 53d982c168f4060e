"""The runs of a search's candidates, nested below the run of the search."""

from __future__ import annotations

from collections.abc import Iterable

from sknn_tricks.tracking._candidate import Candidate
from sknn_tricks.tracking._runs import Runs
from sknn_tricks.tracking._scores import Point


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
    """

    def __init__(self, runs: Runs, parent_id: str, began: float):
        self._runs = runs
        self._parent_id = parent_id
        self._began = began

    def write(
        self,
        candidate: Candidate,
        status: str,
        now: float,
        points: Iterable[Point] = (),
    ) -> None:
        """Create a candidate's run with its parameters and curves, and end it."""
        tags = {
            "mlflow.parentRunId": self._parent_id,
            "kind": "candidate",
            "candidate": str(candidate.row),
        }
        began = candidate.began(default=self._began)
        candidate.run_id = self._runs.create(candidate.name, began, tags)
        self._runs.log(candidate.run_id, candidate.params, [*candidate.points(), *points])
        self._runs.end(candidate.run_id, status, candidate.ended(default=now))

    def score(
        self,
        candidate: Candidate,
        params: dict[str, str],
        points: list[Point],
        status: str,
        now: float,
    ) -> None:
        """Log a candidate's scores, and whatever of it is not yet logged."""
        new = {name: text for name, text in params.items() if name not in candidate.params}
        name_before = candidate.name
        candidate.params |= new
        if candidate.run_id is None:
            self.write(candidate, status, now, points)
            return
        self._runs.log(candidate.run_id, new, points)
        if candidate.name != name_before:
            self._runs.rename(candidate.run_id, candidate.name)
        if status != "FINISHED":
            self._runs.end(candidate.run_id, status, candidate.ended(default=now))
