"""Charts of MLflow's runs page, as the JSON that its saved views hold.

The format is not documented: these are the keys that the page of MLflow 3.17 writes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Chart = dict[str, Any]


def parallel_coordinates(params: Sequence[str], metric: str) -> Chart:
    """Draw each run as a line across parameters to a metric; hidden runs, too."""
    return {
        "type": "PARALLEL",
        "selectedParams": list(params),
        "selectedMetrics": [metric],
        "showAllRuns": True,
    }


def bars(metric: str) -> Chart:
    """Draw a bar for each run or group."""
    return {"type": "BAR", "metricKey": metric, "displayName": metric}


def dots_by_param(param: str, metric: str) -> Chart:
    """Draw a metric over a parameter, a dot for each run or group."""
    return {"type": "SCATTER", "xaxis": _axis(param, "PARAM"), "yaxis": _axis(metric, "METRIC")}


def dots(x_metric: str, y_metric: str) -> Chart:
    """Draw a metric over another one, a dot for each run or group."""
    return {
        "type": "SCATTER",
        "xaxis": _axis(x_metric, "METRIC"),
        "yaxis": _axis(y_metric, "METRIC"),
    }


def contour(x_param: str, y_param: str, metric: str) -> Chart:
    """Draw a metric as colour over two numeric parameters."""
    return {
        "type": "CONTOUR",
        "xaxis": _axis(x_param, "PARAM"),
        "yaxis": _axis(y_param, "PARAM"),
        "zaxis": _axis(metric, "METRIC"),
    }


def lines(metric: str) -> Chart:
    """Draw a metric over its steps, a line for each run or group."""
    return {
        "type": "LINE",
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "xAxisKey": "step",
        "selectedXAxisMetricKey": "",
        "xAxisScaleType": "linear",
        "scaleType": "linear",
        "yAxisKey": "metric",
        "yAxisExpressions": [],
        "range": {},
        "lineSmoothness": 0,
        "ignoreOutliers": False,
        "useGlobalLineSmoothing": True,
        "useGlobalXaxisKey": True,
    }


def no_chart(metric: str) -> Chart:
    """Keep the page from adding a chart of its own for a metric."""
    return {"type": "BAR", "metricKey": metric, "deleted": True}


def _axis(key: str, kind: str) -> dict[str, str]:
    return {"key": key, "type": kind}
