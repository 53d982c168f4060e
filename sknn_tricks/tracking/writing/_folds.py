"""Which candidate a fold belongs to."""

from __future__ import annotations

from typing import Any, NamedTuple

from sknn_tricks.tracking.writing._candidate import Candidate, FitRecord


class Fold(NamedTuple):
    """One fit of a candidate on one split."""

    candidate: Candidate
    n_splits: int
    split: int

    @property
    def record(self) -> FitRecord:
        """What is known of the fit; made at the first look."""
        return self.candidate.folds.setdefault(self.split, FitRecord())


class Folds:
    """The candidates of a search, in the order of ``cv_results_``, and their folds.

    Candidates come in rounds: the iterations of a halving search, the batches of one with Optuna;
    other searches have a single one.

    Attributes
    ----------
    candidates : list of Candidate
    """

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self._rounds: dict[tuple[int, ...], tuple[int, int]] = {}  # path: first row, n_splits

    def begin_round(self, path: tuple[int, ...], n_fits: int, n_splits: int) -> None:
        """Expect the candidates of a round, which has `n_fits` fits of `n_splits` a candidate."""
        self._rounds[path] = (len(self.candidates), n_splits)
        self.expect(len(self.candidates) + n_fits // n_splits)

    def expect(self, n_candidates: int) -> None:
        """Have at least so many candidates."""
        self.candidates += map(Candidate, range(len(self.candidates), n_candidates))

    def find(self, place: dict[str, Any]) -> Fold | None:
        """Return the fold at a place; None for a place in a search that is not logged."""
        if (known := self._rounds.get(tuple(place["round"]))) is None:
            return None
        first_row, n_splits = known
        row, split = divmod(place["task"], n_splits)
        return Fold(self.candidates[first_row + row], n_splits, split)
