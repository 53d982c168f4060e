"""Write the views of a search into its experiment."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from sknn_tricks.tracking.stores._links import run_page, view_page, view_url
from sknn_tricks.tracking.views._boards import EFFECT, Boards
from sknn_tricks.tracking.views._shape import SearchShape
from sknn_tricks.tracking.views._view import View

_VIEW = "mlflow.sharedViewState."
_NOTE = "mlflow.note.content"
_KIND = "mlflow.experimentKind"
_LONGEST_TAG = 20_000
_NOTE_BEGIN = "**The latest search:** "


def write_views(client: Any, experiment_id: str, shape: SearchShape) -> dict[str, str]:
    """Write the views of a search into its experiment, where MLflow's page lists them.

    They take the place of those of the search before: an experiment shows its latest search.
    Views that users saved stay. The experiment's description gets links to the search's run
    and to all views, unless a user has written one.

    Parameters
    ----------
    client : mlflow.MlflowClient
    experiment_id : str
    shape : SearchShape
        A search whose candidates are logged.

    Returns
    -------
    dict of str to str
        The link of each view by its name, the most important first.

    Notes
    -----
    The format of a view is MLflow's own and not documented: it was read from MLflow 3.17. A page
    that does not understand it opens without the view.
    """
    tags = client.get_experiment(experiment_id).tags
    metrics = _metrics(client, experiment_id, shape)
    views = _that_fit(Boards(shape, metrics).every())
    new = _view_tags(views) | _page_tags(tags, experiment_id, shape.run_id, views)
    for key, text in new.items():
        client.set_experiment_tag(experiment_id, key, text)
    for key in _outdated(tags, views):
        client.delete_experiment_tag(experiment_id, key)
    return {
        view.name: view_url(client.tracking_uri, experiment_id, view.id, charts=view.is_chart)
        for view in views
    }


def _metrics(client: Any, experiment_id: str, shape: SearchShape) -> list[str]:
    """Return the metrics of the best candidate, which has all of them."""
    order = "DESC" if shape.greater_is_better else "ASC"
    best = client.search_runs(
        [experiment_id],
        shape.candidates,
        max_results=1,
        order_by=[f"metrics.`{shape.score}` {order}"],
    )
    return sorted(best[0].data.metrics) if best else []


def _that_fit(views: Iterable[View]) -> list[View]:
    """Leave out what the store would refuse, and a second view of the same id."""
    by_id = {view.id: view for view in views}
    return [view for view in by_id.values() if len(view.to_tag(_now())) <= _LONGEST_TAG]


def _view_tags(views: list[View]) -> dict[str, str]:
    latest = _now()  # which the menu lists first
    return {_VIEW + view.id: view.to_tag(latest - place) for place, view in enumerate(views)}


def _now() -> int:
    return time.time_ns() // 10**6


def _page_tags(
    tags: dict[str, str], experiment_id: str, run_id: str, views: list[View]
) -> dict[str, str]:
    """Have the page open on runs, not on language models, and its description list the views."""
    new = {} if _KIND in tags else {_KIND: "custom_model_development"}
    if tags.get(_NOTE, _NOTE_BEGIN).startswith(_NOTE_BEGIN):
        pages = {"Report": run_page(experiment_id, run_id)} | {
            view.name: view_page(experiment_id, view.id, charts=view.is_chart) for view in views
        }
        new[_NOTE] = _NOTE_BEGIN + " · ".join(f"[{name}]({page})" for name, page in pages.items())
    return new


def _outdated(tags: dict[str, str], views: list[View]) -> set[str]:
    ours = {key for key in tags if key.startswith(_VIEW + EFFECT)}
    return ours - {_VIEW + view.id for view in views}
