"""Random layers of K members as one: each member has a random stream of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from sknn_tricks._padding import padded
from sknn_tricks.fused.stacks._layers import Layer
from sknn_tricks.fused.stacks._maps import Features
from sknn_tricks.nets._seeded import draw_bits


class SeededLayer(Layer):
    """Base of layers that draw random bits in training.

    Bits are drawn for several steps at once. `draw` must be told how many will use them, so that a
    member draws the same bits in any company: those of the plain layer.

    Attributes
    ----------
    steps : iterator of Tensor of int16, shape (K, ...)
        The bits of the next steps.
    factor : Tensor of float64, shape (K, 1, 1), or None
        What schedules multiply the rates `p` with in a step.
    """

    factor: Tensor | None = None

    def __init__(self, modules: Sequence[Any], width: Features) -> None:
        super().__init__(modules, width)
        self.generators: list[np.random.SFC64] = []
        self.steps: Iterator[Tensor] = iter(())

    @classmethod
    def signature(cls, module: nn.Module) -> Hashable:
        """Return the same for all rates."""
        return cls.stands_for[0].__name__

    @abstractmethod
    def drawn(self, n_rows: int) -> tuple[int, int]:
        """Return the shape of a member's bits for a step with so many rows."""

    def start(self, seeds: Sequence[int], dtype: torch.dtype) -> None:
        """Start each member's random stream."""
        self.generators = [np.random.SFC64(seed) for seed in seeds]
        # Rates stay exact, to be multiplied with a schedule's factor.
        cast = {name: t.to(dtype) for name, t in self.settings.items() if name != "p"}
        self.settings |= cast

    def bytes_a_step(self, n_rows: int) -> int:
        """Return the memory that the bits of a step need."""
        height, width = self.drawn(n_rows)
        return 2 * len(self.generators) * height * padded(width)

    def draw(self, n_steps: int, n_rows: int) -> None:
        """Draw the bits of the next steps."""
        height, width = self.drawn(n_rows)
        shape = (n_steps, len(self.generators), height, padded(width))
        bits = np.empty(shape, dtype=np.int16)
        for k, generator in enumerate(self.generators):
            bits[:, k] = draw_bits(generator, n_steps, height, width)
        self.steps = iter(torch.from_numpy(bits))

    def of(self, members: slice) -> Self:
        """Return the layer of some members only, with their random streams."""
        part = super().of(members)
        part.generators = self.generators[members]
        return part

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        super().keep(index)
        self.generators = [self.generators[k] for k in index.tolist()]
