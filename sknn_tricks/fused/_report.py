"""What was trained with what."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass

logger = logging.getLogger("sknn_tricks.fused")


@dataclass(frozen=True)
class Batch:
    """Nets that were trained at once.

    Parameters
    ----------
    n_nets : int
    seconds : float
        From the first step to the last.
    alone : str or None
        Why a net trained outside of the stacks; None for a stack.
    """

    n_nets: int
    seconds: float
    alone: str | None = None

    def __str__(self) -> str:
        nets = f"stack of {self.n_nets}" if self.alone is None else f"1 net alone ({self.alone})"
        return f"{nets}; {self.seconds:.1f} s"


class Report:
    """What was trained with what; printed, it says so in some lines.

    Each batch is also logged as it ends, to the logger "sknn_tricks.fused" at the level INFO.

    Attributes
    ----------
    batches : list of Batch
        In the order in which they ended.
    n_cached : int
        Nets that were not trained but found in the cache.

    Examples
    --------
    >>> report = Report()
    >>> report.add(Batch(20, 2.5))
    >>> report.add(Batch(2, 0.5))
    >>> report.add(Batch(1, 0.25, alone="warm_start"))
    >>> report
    22 nets in 2 stacks of 2 to 20, 1 alone; 3.2 s
    1 alone: warm_start
    >>> report.n_nets, report.n_stacks, report.n_alone, report.seconds
    (23, 2, 1, 3.25)
    """

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.n_cached = 0

    def add(self, batch: Batch) -> None:
        """Note a batch; any thread may do so."""
        self.batches.append(batch)  # which is atomic: a lock would keep searches from pickling
        logger.info("%s", batch)

    def add_cached(self, n_nets: int) -> None:
        """Note nets that came from the cache; fits of several threads take turns with it."""
        if n_nets:
            self.n_cached += n_nets
            logger.info("%s from the cache", _count(n_nets, "net"))

    @property
    def n_nets(self) -> int:
        """How many nets were trained."""
        return sum(batch.n_nets for batch in self.batches)

    @property
    def n_stacks(self) -> int:
        """How many stacks they were in."""
        return len(self._stack_sizes())

    @property
    def n_alone(self) -> int:
        """How many were in none."""
        return len(self.batches) - self.n_stacks

    @property
    def seconds(self) -> float:
        """How long all this took, added up."""
        return sum(batch.seconds for batch in self.batches)

    def __repr__(self) -> str:
        sizes = self._stack_sizes()
        span = f" of {_span(sizes)}" if sizes else ""
        stacks = f"{sum(sizes)} nets in {_count(len(sizes), 'stack')}{span}"
        reasons = Counter(batch.alone for batch in self.batches if batch.alone is not None)
        cached = f", {self.n_cached} from the cache" if self.n_cached else ""
        head = f"{stacks}, {self.n_alone} alone{cached}; {self.seconds:.1f} s"
        return "\n".join([head, *(f"{n} alone: {why}" for why, n in reasons.most_common())])

    def _stack_sizes(self) -> list[int]:
        return [batch.n_nets for batch in self.batches if batch.alone is None]


def _span(sizes: list[int]) -> str:
    return str(min(sizes)) if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
