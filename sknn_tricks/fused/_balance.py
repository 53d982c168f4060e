"""How a training makes up for classes of different sizes: which rows come, how much they count."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sknn_tricks.fused._rows import Rows


@dataclass(frozen=True)
class Balance:
    """What a training does about the classes.

    Parameters
    ----------
    factors : tuple of float, of length O, or None
        What a row's weight is multiplied with, by its class.
    batches : bool
        Whether each class has as many rows of an epoch as another.
    start : int
        The epoch of the training, from 0, from which on; before, the rows are as they are.
    """

    factors: tuple[float, ...] | None = None
    batches: bool = False
    start: int = 0


NO_BALANCE = Balance()


class Orders:
    """Draws the order of rows of each epoch.

    Parameters
    ----------
    rows : Rows
    balance : Balance
    generator : torch.Generator
        On the CPU.
    """

    def __init__(self, rows: Rows, balance: Balance, generator: torch.Generator) -> None:
        self._n_rows = len(rows)
        self._balance = balance
        self.generator = generator
        self._classes: list[Tensor] = []
        if balance.batches:
            assert rows.target is not None
            target = rows.target.cpu()
            self._classes = [(target == c).nonzero()[:, 0] for c in target.unique()]

    def draw(self, epoch: int) -> Tensor:
        """Return the numbers of the rows of an epoch, int64 (N,), in a random order.

        Each row comes once. Of balanced classes, a small one's rows come several times and some
        of a large one's do not come; as rarely as can be.
        """
        return self.draw_numbered(epoch)[0]

    def draw_numbered(self, epoch: int) -> tuple[Tensor, Tensor]:
        """Return the same, and numbers that tell each time that a row comes from the others.

        One of these times has the row's own number, each other one as many more as there are rows.
        """
        if self._classes and epoch >= self._balance.start:
            numbers = self._balanced()
            return numbers % self._n_rows, numbers
        order = torch.randperm(self._n_rows, generator=self.generator)
        return order, order

    def _balanced(self) -> Tensor:
        least, rest = divmod(self._n_rows, len(self._classes))
        one_more = self._permuted(torch.arange(len(self._classes)))[:rest].tolist()
        drawn = [
            self._cycled(rows, least + (c in one_more)) for c, rows in enumerate(self._classes)
        ]
        return self._permuted(torch.cat(drawn))

    def _cycled(self, rows: Tensor, n: int) -> Tensor:
        """Return so many of the rows; each comes again when all have come."""
        full, rest = divmod(n, len(rows))
        again = self._n_rows * torch.arange(full + 1)[:, None]
        whole = (rows + again[:full]).flatten()
        return torch.cat([whole, self._permuted(rows)[:rest] + again[full]])

    def _permuted(self, rows: Tensor) -> Tensor:
        return rows[torch.randperm(len(rows), generator=self.generator)]
