"""A saved view of MLflow's runs page: which runs, which columns, which charts."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sknn_tricks.tracking.views._charts import Chart

_ALL_RUNS = "SHOW_ALL"
TEN_RUNS = "FIRST_10_RUNS"
_RUN_NAME = "attributes.`Run Name`"
_LAST_COLUMNS = ("runDateAndNestInfo", "duration")


@dataclass(frozen=True)
class Section:
    """A part of the charts' page, which can be folded.

    Parameters
    ----------
    name : str
        Its title.
    charts : sequence of Chart
    columns : int, default=3
        How many charts stand side by side.
    height : int, default=360
        Height of a chart in pixels.
    is_open : bool, default=True
        Whether the charts are seen at first.
    """

    name: str
    charts: Sequence[Chart]
    columns: int = 3
    height: int = 360
    is_open: bool = True


@dataclass(frozen=True)
class View:
    """One entry of the menu "Views".

    Parameters
    ----------
    id : str
        What its link ends with. A view with the same id is replaced.
    name : str
        What the menu calls it.
    runs : str
        Its runs, in MLflow's filter language.
    sort_by : str
        The metric that sorts the runs.
    is_ascending : bool, default=False
        Whether the least comes first.
    columns : sequence of str
        Columns of the table, from the left, such as ``"metrics.`cv_score`"``.
    sections : sequence of Section
        The charts.
    group_by : str, default=None
        The parameter whose values are averaged over.
    folded : sequence of str
        The values of which the runs are not listed one by one.
    shown : str
        Which runs are in the charts.
    is_chart : bool, default=True
        Whether its link opens the charts, else the table.
    """

    id: str
    name: str
    runs: str
    sort_by: str
    is_ascending: bool = False
    columns: Sequence[str] = ()
    sections: Sequence[Section] = ()
    group_by: str | None = None
    folded: Sequence[str] = ()
    shown: str = _ALL_RUNS
    is_chart: bool = True

    def to_tag(self, now: int) -> str:
        """Return the text of the experiment's tag that makes this view.

        Parameters
        ----------
        now : int
            Milliseconds since the epoch; the menu lists the latest first.
        """
        packed = zlib.compress(json.dumps(self.state).encode())
        state = "deflate;" + base64.b64encode(packed).decode()
        return json.dumps({"name": self.name, "createdAt": now, "updatedAt": now, "state": state})

    @property
    def state(self) -> dict[str, Any]:
        """What the page restores."""
        return {**self._facets, **self._table, **self._chart_page}

    @property
    def _facets(self) -> dict[str, Any]:
        return {
            "searchFilter": self.runs,
            "orderByKey": f"metrics.`{self.sort_by}`",
            "orderByAsc": self.is_ascending,
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "datasetsFilter": [],
            "modelVersionFilter": "All Runs",
        }

    @property
    def _table(self) -> dict[str, Any]:
        order = [_RUN_NAME, *self.columns, *_LAST_COLUMNS]
        return {
            "selectedColumns": list(self.columns),
            "columnOrder": order,
            "columnWidths": {column: _width(column) for column in order},
            "runsHiddenMode": self.shown,
            "groupBy": self._grouping,
            "groupsExpanded": {f"param.{self.group_by}.{value}": False for value in self.folded},
            "viewMaximized": False,
            "runListHidden": False,
        }

    @property
    def _grouping(self) -> Mapping[str, Any] | None:
        if self.group_by is None:
            return None
        key = {"mode": "param", "groupByData": self.group_by}
        return {"aggregateFunction": "average", "groupByKeys": [key]}

    @property
    def _chart_page(self) -> dict[str, Any]:
        return {
            "compareRunCharts": self._charts,
            "compareRunSections": [_section(i, s) for i, s in enumerate(self.sections)],
            "isAccordionReordered": True,  # or it would be sorted by name
            "useGroupedValuesInCharts": True,
            "hideEmptyCharts": True,
            "globalLineChartConfig": {
                "xAxisKey": "step",
                "lineSmoothness": 0,
                "selectedXAxisMetricKey": "",
            },
        }

    @property
    def _charts(self) -> list[Chart]:
        return [
            _chart(section, place, chart)
            for section, entry in enumerate(self.sections)
            for place, chart in enumerate(entry.charts)
        ]


def _chart(section: int, place: int, chart: Chart) -> Chart:
    return {
        "uuid": f"{section}-{place}",
        "metricSectionId": str(section),
        "runsCountToCompare": 100,
        "deleted": False,
        "isGenerated": False,
        **chart,
    }


def _section(index: int, section: Section) -> dict[str, Any]:
    return {
        "uuid": str(index),
        "name": section.name,
        "display": section.is_open,
        "columns": section.columns,
        "cardHeight": section.height,
        "isReordered": False,
        "deleted": False,
        "isGenerated": False,
    }


def _width(column: str) -> int:
    """Return pixels: names and values of parameters are longer than numbers are worth."""
    if column == _RUN_NAME:
        return 260
    return 97 if column.startswith("metrics.") else 125
