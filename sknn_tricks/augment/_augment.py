"""Transforms of images as one parameter of a net."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from torch import Tensor

from sknn_tricks._image_layout import image_layout
from sknn_tricks._read_once import ReadOnce
from sknn_tricks.augment._albumentation import Albumentation, is_of_albumentations
from sknn_tricks.augment._arrays import Images
from sknn_tricks.augment._as_list import as_list
from sknn_tricks.augment._chain import Chain
from sknn_tricks.augment._checks import check, is_number
from sknn_tricks.augment._draws import Draws

# Numbers of images that are augmented at once, by a call: they stay in the cache.
NUMBERS = 2**18


class Augment(ReadOnce, BaseEstimator):
    """Random changes of images that do not change what they show.

    As ``augment=Augment([...])`` of a `NetClassifier` or `NetRegressor` it changes the rows of each
    training step anew, and no others: what is validated, scored and predicted stays as it is, in
    each fold of a search. Called by itself, it changes images to look at.

    What becomes of an image depends on the seed, the epoch and the number of its row only: not on
    its batch, nor on which nets train beside this one. A row that is drawn twice in an epoch, as
    those of small classes are with ``balanced_batches=True``, is changed twice.

    Parameters
    ----------
    transforms : list of transforms, or one transform
        Done in this order: those of `sknn_tricks.augment`, and those of albumentations, which take
        one image at a time. Neighbours among `Rotate`, `Scale`, `Stretch`, `Shear` and
        `RandomResizedCrop` with the same `fill` resample an image once for all.
    strength : float, default=1.0
        By how much the ranges of our transforms are multiplied: angles, distances, sizes, spreads.
        0 leaves those with a range without effect. A range ends at its bound, however strong:
        angles of `Rotate` at 180 and of `Shear` at 89 degrees, distances and squares at the side of
        the image (less a pixel where it is reflected), areas at the whole image, amounts of
        `ColorJitter` at 1. Probabilities, `Flip` and albumentations' transforms stay as they are.
    channels : {"auto", "first", "last"}, default="auto"
        Which axis of images (H, W, C) or (C, H, W) has the channels: "auto" takes the one, last or
        first, that is 4 or less.
    n_workers : int, default=0
        Threads that prepare batches ahead of a net that trains alone; the result is the same to
        the bit. Worth it for transforms of albumentations, and for nets that are small beside
        their augmentation. Nets in a stack have no use for them.

    Examples
    --------
    >>> import numpy as np
    >>> from sknn_tricks import NetClassifier
    >>> from sknn_tricks.augment import Augment, Cutout, Flip, Shift
    >>> augment = Augment([Flip(), Shift(2), Cutout(8)])
    >>> augment(np.ones((10, 28, 28), np.uint8), random_state=0).shape
    (10, 28, 28)
    >>> net = NetClassifier(augment=augment).set_params(augment__strength=0.5)
    >>> net.augment.strength, augment.strength
    (0.5, 1.0)
    """

    def __init__(
        self,
        transforms: Any = (),
        *,
        strength: float = 1.0,
        channels: str = "auto",
        n_workers: int = 0,
    ) -> None:
        self.transforms = transforms
        self.strength = strength
        self.channels = channels
        self.n_workers = n_workers

    @property
    def transforms(self) -> Any:
        """The transforms."""
        return self._transforms

    @transforms.setter
    def transforms(self, transforms: Any) -> None:
        # scikit-learn cannot clone albumentations' objects, which have get_params of their own.
        if is_of_albumentations(transforms):
            transforms = Albumentation(transforms)
        if isinstance(transforms, list | tuple) and any(map(is_of_albumentations, transforms)):
            transforms = [
                Albumentation(each) if is_of_albumentations(each) else each for each in transforms
            ]
        self._transforms = transforms

    def __call__(self, images: Any, random_state: Any = None) -> Any:
        """Return augmented images.

        Parameters
        ----------
        images : array-like or Tensor, of shape (N, H, W), (N, H, W, C) or (N, C, H, W)
            Bytes (uint8), or other numbers.
        random_state : int, RandomState, Generator or None, default=None
            The same seed makes the same images of the same rows, whatever rows come after them.

        Returns
        -------
        ndarray or Tensor
            Of the same kind, dtype and shape; integers are rounded, and end where their dtype does:
            bytes at 0 and 255.

        Raises
        ------
        ValueError
            If these are no images, or a transform does not suit them.
        """
        rows = Images(images)
        chain = self.prepare(rows.shape[1:], of_bytes=rows.of_bytes)
        seed = _draw_seed(random_state)
        size = max(NUMBERS // max(int(np.prod(rows.shape[1:])), 1), 1)
        for start in range(0, len(rows), size):
            some = slice(start, min(start + size, len(rows)))
            numbers = np.arange(some.start, some.stop)
            rows[some] = chain(rows[some], Draws.of(seed, 0, numbers))
        return rows.result()

    def apply(self, x: Tensor, seed: int, epoch: int, rows: Any) -> Tensor:
        """Return images as they are in an epoch of a training.

        Parameters
        ----------
        x : Tensor of shape (N, H, W), (N, H, W, C) or (N, C, H, W)
            In floats; those that were bytes in [0, 1].
        seed, epoch : int, from 0 up
        rows : array of int, shape (N,)
            Numbers of the rows.

        Returns
        -------
        Tensor
            Of the same shape and dtype.
        """
        return self.prepare(tuple(x.shape[1:]))(x, Draws.of(seed, epoch, rows))

    def prepare(self, input_shape: tuple[int, ...], of_bytes: bool = False) -> Chain:
        """Return what augments images of one shape.

        Parameters
        ----------
        input_shape : tuple of int
            Shape of an image.
        of_bytes : bool, default=False
            Whether they were bytes: they are multiples of 1/255.

        Raises
        ------
        ValueError
            If a parameter is out of range, or does not suit such images.
        """
        finite = is_number(self.strength) and self.strength < float("inf")
        check(finite, self, "strength", "a number from 0 up", "strength=1.0")
        workers = isinstance(self.n_workers, Integral) and is_number(self.n_workers)
        check(workers, self, "n_workers", "a whole number from 0 up", "n_workers=2")
        layout = image_layout(input_shape, self.channels)
        transforms = as_list(self.transforms)
        for transform in transforms:
            transform.check(layout)
        if self.strength != 1:
            transforms = [transform.times(self.strength, layout) for transform in transforms]
        return Chain(transforms, layout, of_bytes)


def _draw_seed(random_state: Any) -> int:
    """Return a seed; numpy's global random state is not touched."""
    if random_state is None:
        random_state = np.random.default_rng()
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**62))
    return int(check_random_state(random_state).randint(2**31 - 1))
