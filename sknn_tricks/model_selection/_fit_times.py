"""What a fit took, where it spent most of its time waiting for others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joblib import parallel_config

from sknn_tricks.fused import fused_training
from sknn_tricks.fused.rendezvous import FusedBackend, Fusion


@contextmanager
def fused_with_fit_times(n_jobs: int | None, cache: Any = None) -> Iterator[Fusion]:
    """Train together, and have each fit's time be its own: that of its steps and of its net.

    Parameters
    ----------
    n_jobs : int or None
        Cores, as in `fused_training`.
    cache : folder, Cache or None, default=None

    Yields
    ------
    Fusion
    """
    with fused_training(n_jobs, cache) as fusion:
        backend = FusedBackend(fusion=fusion, on_result=_take_off_idle_time)
        with parallel_config(backend=backend):
            yield fusion


def _take_off_idle_time(result: Any, idle: float) -> None:
    """Correct what a fold of a cross-validation returned, if this is one that tells times."""
    if isinstance(result, dict) and "fit_time" in result:
        result["fit_time"] = max(0.0, result["fit_time"] - idle)
