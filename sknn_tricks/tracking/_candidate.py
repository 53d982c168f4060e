"""What is known of one candidate of a search while its folds are fitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from sknn_tricks.tracking._scores import Point

_NOT_CURVES = {"epoch", "dur"}
_LONGEST_NAME = 100


@dataclass
class Curve:
    """The history of one net: its pipeline step, a dict an epoch, and when its fit began."""

    step: str
    rows: list[dict[str, float]]
    began: float

    def points(self, prefix: str) -> Iterator[Point]:
        """Yield ``<prefix><metric>`` with the epoch as step, at the time the epoch ended."""
        time = self.began
        for index, row in enumerate(self.rows, start=1):
            time += row.get("dur", 0.0)
            epoch = int(row.get("epoch", index))
            for name in row.keys() - _NOT_CURVES:
                yield Point(prefix + name, row[name], epoch, time)


@dataclass
class FitRecord:
    """One fit: a fold, a refit, or the fit of an estimator that is no search."""

    began: float | None = None
    ended: float | None = None
    curves: list[Curve] = field(default_factory=list)

    def points(self, prefix: str = "") -> Iterator[Point]:
        """Yield the curves; all but the last, the final estimator's, under the name of its step."""
        for curve in self.curves[:-1]:
            yield from curve.points(f"{prefix}{curve.step}/")
        for curve in self.curves[-1:]:
            yield from curve.points(prefix)


@dataclass
class Candidate:
    """One row of ``cv_results_`` to be: its folds, parameters (short name to text) and run."""

    row: int
    folds: dict[int, FitRecord] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    run_id: str | None = None

    @property
    def name(self) -> str:
        """The parameters as one line, or the row while they are unknown."""
        line = ", ".join(f"{name}={text}" for name, text in sorted(self.params.items()))
        if not line:
            return f"candidate {self.row}"
        return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 3] + "..."

    @property
    def n_ended(self) -> int:
        """How many folds have ended."""
        return sum(fold.ended is not None for fold in self.folds.values())

    @property
    def has_unended(self) -> bool:
        """Whether a fold began and did not end, as one that raised an error."""
        return self.n_ended < len(self.folds)

    def began(self, default: float) -> float:
        """When the first fold began."""
        return min((f.began for f in self.folds.values() if f.began is not None), default=default)

    def ended(self, default: float) -> float:
        """When the last fold ended."""
        return max((f.ended for f in self.folds.values() if f.ended is not None), default=default)

    def points(self) -> Iterator[Point]:
        """Yield the curves of all folds as ``fold_<i>/<metric>``."""
        for index, fold in sorted(self.folds.items()):
            yield from fold.points(f"fold_{index}/")
