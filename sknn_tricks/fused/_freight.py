"""Jobs on their way to other processes: each array of theirs travels once.

joblib's backends know an array again by its identity, as long as it is an argument of the task:
Dask sends it to each worker once, loky maps a large one into all processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks.fused._job import Job
from sknn_tricks.fused._rows import Rows
from sknn_tricks.fused._sources import Source

# Instead of a job's rows: of their x, target and weight, which of the task's arrays it is; and what
# bytes become.
Places = tuple[tuple[int | None, ...], torch.dtype]


@dataclass(frozen=True)
class Load:
    """The jobs of one task.

    Parameters
    ----------
    jobs : list of Job
        Without their rows.
    train, valid : list of places or None
        Of each job.
    arrays : list of ndarray
        All that the rows consist of; a Source in place of what is not in memory.
    """

    jobs: list[Job]
    train: list[Places | None]
    valid: list[Places | None]
    arrays: list[NDArray[Any] | Source]


class Loader:
    """Makes loads whose arrays are the same objects wherever the data are the same."""

    def __init__(self) -> None:
        self._arrays: dict[int, NDArray[Any] | Source] = {}

    def load(self, jobs: Sequence[Job]) -> Load:
        """Return the load of these jobs."""
        places: dict[int, int] = {}
        arrays: list[NDArray[Any] | Source] = []

        def stow(tensor: Tensor | Source | None) -> int | None:
            if tensor is None:
                return None
            if id(tensor) not in places:
                places[id(tensor)] = len(arrays)
                arrays.append(self._arrays.setdefault(id(tensor), _as_array(tensor)))
            return places[id(tensor)]

        def places_of(rows: Rows | None) -> Places | None:
            return None if rows is None else (tuple(map(stow, rows.parts)), rows.dtype)

        train = [places_of(job.train) for job in jobs]
        valid = [places_of(job.valid) for job in jobs]
        bare: Any = {"train": None, "valid": None}
        return Load([replace(job, **bare) for job in jobs], train, valid, arrays)


def unload(
    jobs: Sequence[Job],
    train: Sequence[Places | None],
    valid: Sequence[Places | None],
    arrays: Sequence[NDArray[Any] | Source],
) -> list[Job]:
    """Return the jobs with their rows; those of equal places share them."""
    tensors = [each if isinstance(each, Source) else _as_tensor(each) for each in arrays]
    known: dict[Places, Rows] = {}

    def rows_of(places: Places | None) -> Rows | None:
        if places is None:
            return None
        if places not in known:
            parts, dtype = places
            x, target, weight = (None if i is None else tensors[i] for i in parts)
            known[places] = Rows(x, target, weight, dtype)  # type: ignore[arg-type]
        return known[places]

    each = zip(jobs, map(rows_of, train), map(rows_of, valid), strict=True)
    return [replace(job, train=rows, valid=watched) for job, rows, watched in each]  # type: ignore[arg-type]


def _as_array(tensor: Tensor | Source) -> NDArray[Any] | Source:
    return tensor.numpy() if isinstance(tensor, Tensor) else tensor


def _as_tensor(array: NDArray[Any]) -> Tensor:
    # What loky maps into memory cannot be written to, which torch would warn of.
    return torch.from_numpy(array if array.flags.writeable else array.copy())
