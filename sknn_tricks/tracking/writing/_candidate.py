"""What is known of one candidate of a search while its folds are fitted."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sknn_tricks.tracking.writing._scores import Point

_NOT_CURVES = {"epoch", "dur"}
_LONGEST_NAME = 100


@dataclass
class Curve:
    """The history of one net: its pipeline step, a dict an epoch, and when its fit ended.

    Attributes
    ----------
    step : str
    rows : list of dict
    ended : float
        In seconds since the epoch of the clock.
    best_epoch : int or None
        The epoch whose weights were kept, if the net says so.
    n_parameters : int or None
        The number of its weights, if it has some.
    """

    step: str
    rows: list[dict[str, float]]
    ended: float
    best_epoch: int | None = None
    n_parameters: int | None = None

    def points(self) -> Iterator[Point]:
        """Yield all numbers, with the epoch as step, at the time the epoch ended.

        Times count back from the end of the fit: one that waited for others before it trained
        has its epochs where they were.
        """
        time = self.ended - sum(row.get("dur", 0.0) for row in self.rows)
        for index, row in enumerate(self.rows, start=1):
            time += row.get("dur", 0.0)
            epoch = int(row.get("epoch", index))
            for name in row.keys() - _NOT_CURVES:
                yield Point(name, row[name], epoch, time)

    def facts(self) -> dict[str, float]:
        """Return ``best_epoch`` and ``n_parameters``, as far as they are known."""
        facts = {"best_epoch": self._find_best_epoch(), "n_parameters": self.n_parameters}
        return {name: value for name, value in facts.items() if value is not None}

    def _find_best_epoch(self) -> int | None:
        if self.best_epoch is not None or not self.rows:
            return self.best_epoch
        losses = [row.get("valid_loss", math.nan) for row in self.rows]
        finite = [i for i, loss in enumerate(losses) if math.isfinite(loss)]
        best = min(finite, key=losses.__getitem__) if finite else len(losses) - 1
        return int(self.rows[best].get("epoch", best + 1))


@dataclass
class FitRecord:
    """One fit: a fold, a refit, or the fit of an estimator that is no search."""

    began: float | None = None
    ended: float | None = None
    curves: list[Curve] = field(default_factory=list)
    run_id: str | None = None

    def points(self, prefix: str = "") -> Iterator[Point]:
        """Yield the curves; all but the last, the final estimator's, under the name of its step."""
        for curve in self.curves:
            under = prefix if curve is self.curves[-1] else f"{prefix}{curve.step}/"
            yield from (point._replace(name=under + point.name) for point in curve.points())

    def facts(self) -> dict[str, float]:
        """Return the facts of the final estimator."""
        return self.curves[-1].facts() if self.curves else {}


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
    def curves(self) -> list[list[dict[str, float]]]:
        """The history of the last step of each fold: one list a fold, one dict an epoch."""
        folds = (fold for _, fold in sorted(self.folds.items()))
        return [fold.curves[-1].rows if fold.curves else [] for fold in folds]

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
        """Yield the curves of all folds, their mean and std, and the facts of the nets.

        That is ``fold_<i>/<metric>``, ``curve/<metric>`` and ``curve/<metric>_std`` with the epoch
        as step, ``best_epoch`` as the mean over the folds, and ``n_parameters``.
        """
        every: list[Point] = []
        for index, fold in sorted(self.folds.items()):
            of_fold = list(fold.points())
            every += of_fold
            yield from (point._replace(name=f"fold_{index}/{point.name}") for point in of_fold)
        yield from mean_curves(every)
        yield from mean_facts(fold.facts() for fold in self.folds.values())


def mean_curves(points: Iterable[Point]) -> Iterator[Point]:
    """Yield mean and std over folds, ``curve/<name>`` and ``curve/<name>_std``, of each epoch.

    Folds that stopped earlier, or whose number is not finite, do not count in an epoch. The std is
    that of scikit-learn's scores, divided by the number of folds.

    Examples
    --------
    >>> for point in mean_curves([Point("loss", 1.0, 1), Point("loss", 3.0, 1)]):
    ...     print(point.name, point.value, point.step)
    curve/loss 2.0 1
    curve/loss_std 1.0 1
    """
    groups: dict[tuple[str, int], list[Point]] = defaultdict(list)
    for point in points:
        if math.isfinite(point.value):
            groups[point.name, point.step].append(point)
    for (name, step), group in groups.items():
        mean = sum(point.value for point in group) / len(group)
        variance = sum((point.value - mean) ** 2 for point in group) / len(group)
        time = max((point.time for point in group if point.time is not None), default=None)
        yield Point(f"curve/{name}", mean, step, time)
        yield Point(f"curve/{name}_std", math.sqrt(variance), step, time)


def mean_facts(facts: Iterable[dict[str, float]]) -> Iterator[Point]:
    """Yield the mean over folds of each fact.

    Examples
    --------
    >>> list(mean_facts([{"best_epoch": 3}, {"best_epoch": 4}]))
    [Point(name='best_epoch', value=3.5, step=0, time=None)]
    """
    values: dict[str, list[float]] = defaultdict(list)
    for each in facts:
        for name, value in each.items():
            values[name].append(value)
    for name, of_folds in values.items():
        yield Point(name, sum(of_folds) / len(of_folds))
