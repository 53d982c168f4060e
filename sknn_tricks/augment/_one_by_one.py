"""A transform of albumentations at work: image by image, each with its own random numbers."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks._image_layout import ImageLayout
from sknn_tricks._messages import message
from sknn_tricks.augment._draws import Draws
from sknn_tricks.augment._transform import Transform

if TYPE_CHECKING:
    from sknn_tricks.augment._albumentation import Albumentation


class Worker:
    """An object of albumentations with generators that are set for each image.

    To set the state of a generator takes a microsecond; a new one for each image takes ten times
    as long.

    Parameters
    ----------
    transform : transform of albumentations
    """

    def __init__(self, transform: Any) -> None:
        self._transform = transform
        self._bits = np.random.PCG64(0)
        self._state: Any = self._bits.state
        self._random = random.Random()
        transform.set_random_state(np.random.Generator(self._bits), self._random)

    def __call__(self, image: NDArray[Any], words: tuple[int, int]) -> NDArray[Any]:
        """Return a changed image (H, W, C), given 128 random bits."""
        self._state["state"]["state"] = words[0] << 64 | words[1]
        self._bits.state = self._state
        self._random.seed(words[0])
        return self._transform(image=image)["image"]


class OneByOne(Transform):
    """What changes images in the way of albumentations.

    Parameters
    ----------
    albumentation : Albumentation
    of_bytes : bool
        Whether images were bytes: then they go in as bytes.
    """

    unit_range = True

    def __init__(self, albumentation: Albumentation, of_bytes: bool) -> None:
        self.albumentation, self.of_bytes = albumentation, of_bytes
        self.name = albumentation.name
        self._workers = threading.local()  # each thread sets generators of its own

    def check(self, layout: ImageLayout) -> None:
        """Raise if it does not suit such images; it is tried on a grey one."""
        x = torch.full((1, layout.n_channels, layout.height, layout.width), 128 / 255)
        for row in range(4):  # it may do nothing to one of them
            self.change(x, Draws.of(0, 0, np.array([row])))

    def __call__(self, x: Tensor, draws: Draws) -> Tensor:
        """Return the images, as many of them changed as the transform itself says."""
        return self.change(x, draws)

    def change(self, x: Tensor, draws: Draws) -> Tensor:
        """Return changed images (N, C, H, W)."""
        images = self._to_arrays(x)
        words = zip(draws.words().tolist(), draws.words().tolist(), strict=True)
        changed = [self._one(image, each) for image, each in zip(images, words, strict=True)]
        return self._from_arrays(np.stack(changed), x)

    def _one(self, image: NDArray[Any], words: tuple[int, int]) -> NDArray[Any]:
        if not hasattr(self._workers, "worker"):
            self._workers.worker = Worker(self.albumentation.make())
        try:
            changed = self._workers.worker(image, words)
        except Exception as error:
            raise ValueError(self._refuses(image, f"{type(error).__name__}: {error}")) from error
        if changed.shape != image.shape or changed.dtype != image.dtype:
            raise ValueError(
                self._refuses(image, f"one of shape {changed.shape} and dtype {changed.dtype}")
            )
        return changed

    def _refuses(self, image: NDArray[Any], got: str) -> str:
        return message(
            f"{self.name} of albumentations does not suit these images",
            expected=f"an image of shape {image.shape} and dtype {image.dtype}, as it was given",
            got=got,
            todo="Take another transform, or let one after it bring the size back",
        )

    def _to_arrays(self, x: Tensor) -> NDArray[Any]:
        """Return images as (N, H, W, C), bytes if they were bytes."""
        x = (x * 255).round().to(torch.uint8) if self.of_bytes else x.float()
        return x.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def _from_arrays(self, images: NDArray[Any], like: Tensor) -> Tensor:
        x = torch.from_numpy(images).permute(0, 3, 1, 2).to(like.device, like.dtype)
        return (x / 255 if self.of_bytes else x).contiguous()
