"""The views of a search: a leaderboard, a dashboard, its ten best, the effect of each factor."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sknn_tricks.tracking.views._charts import (
    Chart,
    bars,
    contour,
    dots,
    dots_by_param,
    lines,
    no_chart,
    parallel_coordinates,
)
from sknn_tricks.tracking.views._shape import SearchShape
from sknn_tricks.tracking.views._view import TEN_RUNS, Section, View

EFFECT = "effect-of-"
_MOST_FACTORS = 12  # nobody reads a chart of more
_MOST_GROUPS = 12
_MOST_COLUMNS = 30
_LONGEST_VALUE = 200
_CURVES = ("curve/valid_score", "curve/valid_loss", "curve/train_loss")
# a chart of each fold's every curve, and of each curve's spread, would bury the others
_CURVE = re.compile("curve/")
_CLUTTER = re.compile(r"fold_\d+/|curve/.*_std$")
_MOST_CLUTTER = 1000


@dataclass(frozen=True)
class Boards:
    """Compose the views of a search.

    Parameters
    ----------
    shape : SearchShape
    metrics : collection of str
        The metrics that its candidates have, named as in the store.
    """

    shape: SearchShape
    metrics: Collection[str]

    def every(self) -> Iterator[View]:
        """Yield all views, the most important first."""
        yield self.leaderboard()
        yield self.dashboard()
        yield self.ten_best()
        yield from map(self.effect, self._factors)

    def leaderboard(self) -> View:
        """List the candidates, best first."""
        return self._view("leaderboard", "Leaderboard", self._all_charts, is_chart=False)

    def dashboard(self) -> View:
        """Draw all candidates: which factors lead where, and how sure the scores are."""
        return self._view("dashboard", "Grid dashboard", self._all_charts)

    def ten_best(self) -> View:
        """Draw the learning curves and the folds of the ten best."""
        sections = [
            Section("Learning curves: mean over the folds", self._curves),
            Section(
                "Score, over the folds, and by its spread",
                [bars(self.shape.score), *self._by_fold, *self._by_spread],
            ),
        ]
        return self._view("ten-best", "Ten best", sections, shown=TEN_RUNS)

    def effect(self, factor: str) -> View:
        """Compare the values of one factor, each as the mean of its candidates."""
        values = self.shape.values(factor)
        name = f"Effect of {factor}"
        if len(values) > _MOST_GROUPS:  # as a search at random draws them: no two are alike
            sections = [Section("Score by value", [dots_by_param(factor, self.shape.score)], 1)]
            return self._view(_id_of(factor), name, sections)
        means = [bars(self.shape.score), *self._by_spread, *map(bars, self._known("fit_time"))]
        sections = [
            Section(f"Score by {factor}: mean of its candidates", means),
            Section("Learning curves: mean and range of the candidates", self._curves),
        ]
        folded = [value for value in values if len(value) <= _LONGEST_VALUE]
        return self._view(_id_of(factor), name, sections, group_by=factor, folded=folded)

    @property
    def _all_charts(self) -> list[Section]:
        return [
            Section("All candidates: factors and score", self._parallel, 1, 420),
            Section("Score by factor: a dot is a candidate", [*self._by_factor, *self._contour]),
            Section(
                "Score by its spread over the folds, by time and size",
                [*self._by_spread, *self._by_cost],
            ),
        ]

    @property
    def _factors(self) -> list[str]:
        return self.shape.compared[:_MOST_FACTORS]

    @property
    def _parallel(self) -> list[Chart]:
        return [parallel_coordinates(self._factors, self.shape.score)] if self._factors else []

    @property
    def _by_factor(self) -> list[Chart]:
        return [dots_by_param(factor, self.shape.score) for factor in self._factors]

    @property
    def _by_spread(self) -> list[Chart]:
        return [dots(name, self.shape.score) for name in self._known(self._spread)]

    @property
    def _by_cost(self) -> list[Chart]:
        return [dots(name, self.shape.score) for name in self._known("fit_time", "n_parameters")]

    @property
    def _contour(self) -> list[Chart]:
        fine = [name for name in self.shape.numeric if len(self.shape.values(name)) > 2]
        return [contour(fine[0], fine[1], self.shape.score)] if len(fine) > 1 else []

    @property
    def _curves(self) -> list[Chart]:
        return [lines(name) for name in self._known(*_CURVES)]

    @property
    def _by_fold(self) -> list[Chart]:
        return [lines(name) for name in self._known(f"fold_{self.shape.score.removeprefix('cv_')}")]

    @property
    def _spread(self) -> str:
        return f"{self.shape.score}_std"

    def _known(self, *names: str) -> list[str]:
        return [name for name in names if name in self.metrics]

    def _view(self, id: str, name: str, sections: Iterable[Section], **options: Any) -> View:
        drawn = [section for section in sections if section.charts]
        return View(
            id,
            name,
            runs=self.shape.candidates,
            sort_by=self.shape.score,
            is_ascending=not self.shape.greater_is_better,
            columns=self._columns,
            sections=[*drawn, *self._folded_sections(drawn)],
            **options,
        )

    @property
    def _columns(self) -> list[str]:
        score = self.shape.score
        first = self._known(f"{score}_rank", score, self._spread)
        params = [f"params.`{name}`" for name in self.shape.columns[:_MOST_COLUMNS]]
        last = self._known(f"{score}_min", f"{score}_max", "best_epoch", "fit_time", "n_parameters")
        return [*map(_metric, first), *params, *map(_metric, last)]

    def _folded_sections(self, drawn: Iterable[Section]) -> list[Section]:
        """Fold away the sections in which the page puts charts of all other metrics."""
        seen = {chart.get("metricKey") for section in drawn for chart in section.charts}
        clutter = [name for name in self.metrics if _CLUTTER.match(name)]
        left = set(self.metrics) - seen - set(clutter)
        curve = [Section("curve", [], is_open=False)] if any(map(_CURVE.match, left)) else []
        hidden = [no_chart(name) for name in clutter[:_MOST_CLUTTER]]
        return [*curve, Section("Model metrics", hidden, is_open=False)]


def _metric(name: str) -> str:
    return f"metrics.`{name}`"


def _id_of(factor: str) -> str:
    return EFFECT + re.sub(r"[^\w.-]", "-", factor)[:100]
