"""CutMix (Yun et al., 2019): a box of each image is that of the row before it.

The order of the rows is random already, so any partner is as likely as another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks.augment._channels import layout_of
from sknn_tricks.fused._hooks import StackedTrick, Stream, Trick
from sknn_tricks.fused._job import Job
from sknn_tricks.fused._rows import Batch, Blend
from sknn_tricks.fused.stacks._batches import StackBatch
from sknn_tricks.fused.stacks._stack import Stack
from sknn_tricks.fused.tricks._turns import Turns
from sknn_tricks.regularisation._cutmix import draw_box, share_left

# Lines and columns.
Box = tuple[slice, slice]


class Boxes:
    """The boxes of one net, one a batch.

    Parameters
    ----------
    job : Job
    stream : callable (purpose) -> int
        Seeds of the member's random streams.
    """

    def __init__(self, job: Job, stream: Stream) -> None:
        self.layout: ImageLayout = layout_of(job.input_shape, job.spec, job.augment)
        self._alpha, self._turns = job.cutmix, Turns(job, stream)
        self._generator = np.random.Generator(np.random.SFC64(stream("cutmix")))

    def draw(self) -> Box | None:
        """Return the box of the next batch; None if it is left alone."""
        if not self._turns.is_cutmix():
            return None
        return draw_box(self.layout.height, self.layout.width, self._alpha, self._generator)

    def put(self, images: Tensor, box: Box) -> float:
        """Put the box of the row before into each image, in place; return the share that stays."""
        piece = self.layout.to_nchw(images)[:, :, *box]
        piece.copy_(piece.roll(1, dims=0))
        return share_left(self.layout.height, self.layout.width, box)


class CutMix(Trick):
    """Boxes of one net.

    Parameters
    ----------
    boxes : Boxes
    """

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes

    @classmethod
    def of(cls, job: Job, module: nn.Module, stream: Stream) -> Self | None:
        """Return the CutMix of a job."""
        return cls(Boxes(job, stream)) if job.cutmix else None

    def on_batch(self, batch: Batch) -> Batch:
        """Return the images with boxes of others."""
        if (box := self._boxes.draw()) is None:
            return batch
        x, target = batch[0].clone(), batch[1]
        share = self._boxes.put(x, box)
        weight = None if batch.weight is None else batch.weight.roll(1, dims=0)
        return batch.changed(x, Blend(target.roll(1, dims=0), weight, share))


class StackedCutMix(StackedTrick):
    """Boxes of each member's own.

    Parameters
    ----------
    boxes : list of Boxes or None
        Of each member; None cuts nothing.
    input_shape : tuple of int
        Shape of an image, which a stack has in one axis, padded.
    """

    def __init__(self, boxes: list[Boxes | None], input_shape: tuple[int, ...]) -> None:
        self._boxes, self._shape = boxes, input_shape

    @classmethod
    def of(cls, jobs: Sequence[Job], stack: Stack, streams: Sequence[Stream]) -> Self | None:
        """Return the CutMix of the jobs."""
        if not any(job.cutmix for job in jobs):
            return None
        boxes = [
            Boxes(job, stream) if job.cutmix else None
            for job, stream in zip(jobs, streams, strict=True)
        ]
        return cls(boxes, jobs[0].input_shape)

    def on_batch(self, batch: StackBatch) -> StackBatch:
        """Return the images with boxes of others; a member that cuts nothing keeps a share of 1."""
        weight = None if batch.weight is None else batch.weight.roll(1, dims=1)
        mine = zip(batch.x, self._boxes[batch.members], strict=True)
        shares = [self._cut(x, boxes) for x, boxes in mine]
        share = torch.tensor(shares, dtype=batch.x.dtype)[:, None]
        return replace(batch, blend=Blend(batch.target.roll(1, dims=1), weight, share))

    def _cut(self, x: Tensor, boxes: Boxes | None) -> float:
        """Put boxes into the images of a member (N, D), in place; return the share that stays."""
        box = None if boxes is None else boxes.draw()
        if boxes is None or box is None:
            return 1.0
        images = x[:, : torch.Size(self._shape).numel()].unflatten(1, self._shape)
        return boxes.put(images, box)

    def keep(self, index: Tensor) -> None:
        """Forget all members but those of that index."""
        self._boxes = [self._boxes[k] for k in index.tolist()]
