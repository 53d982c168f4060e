"""What there is to draw of a search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sknn_tricks._param_names import clean


@dataclass(frozen=True)
class SearchShape:
    """What the views of a search need to know of it.

    Parameters
    ----------
    run_id : str
        The run of the search; its candidates are nested in it.
    metric : str
        What ranks the candidates, such as ``"cv_score"``.
    factors : mapping of str to sequence of str
        The values tried of each searched parameter, names and values as they were logged. The
        factor that matters most comes first, if that is known.
    greater_is_better : bool, default=True
        Whether the best candidate has the largest number.

    Examples
    --------
    >>> factors = {"init": ["normal", "zeros"], "lr": ["0.1", "1.0"], "solver": ["adam"]}
    >>> shape = SearchShape("1f", "cv_score", factors)
    >>> shape.columns, shape.compared, shape.numeric
    (['init', 'lr', 'solver'], ['init', 'lr'], ['lr'])
    """

    run_id: str
    metric: str
    factors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    greater_is_better: bool = True

    @property
    def score(self) -> str:
        """The metric, named as in the store."""
        return clean(self.metric)

    @property
    def candidates(self) -> str:
        """The runs of the candidates, in MLflow's filter language."""
        return f"tags.kind = 'candidate' and tags.`mlflow.parentRunId` = '{self.run_id}'"

    @property
    def columns(self) -> list[str]:
        """All factors, named as in the store."""
        return list(self._tried)

    @property
    def compared(self) -> list[str]:
        """The factors of which several values were tried."""
        return [name for name, values in self._tried.items() if len(values) > 1]

    @property
    def numeric(self) -> list[str]:
        """The factors of which several values were tried, numbers all of them."""
        return [name for name in self.compared if all(map(_is_number, self._tried[name]))]

    def values(self, name: str) -> list[str]:
        """Return the values tried of one factor, named as in the store."""
        return self._tried[name]

    @property
    def _tried(self) -> dict[str, list[str]]:
        return {clean(name): list(dict.fromkeys(values)) for name, values in self.factors.items()}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
