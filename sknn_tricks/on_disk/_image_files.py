"""Image files as rows: decoded when they are read, by threads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sknn_tricks._messages import message
from sknn_tricks.on_disk._image_decoding import BadImage, Decoder


@dataclass(frozen=True)
class ImageFiles:
    """Rows that are files of images.

    Parameters
    ----------
    paths : tuple of str
    decoder : Decoder
    row_shape : tuple of int
        Of each image.
    n_workers : int
        Threads that decode; pillow lets go of the interpreter while it does. 0 decodes in the
        thread that reads.
    """

    paths: tuple[str, ...]
    decoder: Decoder
    row_shape: tuple[int, ...]
    n_workers: int

    can_travel = True
    # Any file is read as fast as its neighbour.
    scattered = True

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows, and shape of one."""
        return len(self.paths), *self.row_shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""
        return np.dtype(np.uint8)

    @property
    def reads_ahead(self) -> bool:
        """Whether rows may be read before they are needed, in another thread."""
        return self.n_workers > 0

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Return some rows that follow each other."""
        return self.gather(np.arange(start, stop))

    def gather(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Return the rows of these numbers.

        Raises
        ------
        OSError
            If files give no image of the right size: naming the first, and how many there are.
        """
        wanted, places = np.unique(numbers, return_inverse=True)
        images = np.empty((len(wanted), *self.row_shape), np.uint8)
        bad = self._decode(wanted.tolist(), images)
        if bad:
            raise OSError(_bad_files(bad, len(wanted)))
        return images if np.array_equal(wanted, numbers) else images[places]

    def check(self, numbers: Sequence[int]) -> dict[str, str]:
        """Return why some files give no row, by their paths; all are decoded once."""
        return self._decode(numbers, None)

    def _decode(self, numbers: Sequence[int], images: NDArray[Any] | None) -> dict[str, str]:
        """Put images into memory, if any is given; return what is wrong with files, by path."""

        def put(place: int) -> str | None:
            try:
                image = self._image(self.paths[numbers[place]])
            except BadImage as error:
                return str(error)
            if images is not None:
                images[place] = image
            return None

        found = self._each(put, len(numbers))
        return {self.paths[i]: why for i, why in zip(numbers, found, strict=True) if why}

    def _image(self, path: str) -> NDArray[Any]:
        image = self.decoder(path)
        if image.shape != self.row_shape:
            sizes = " x ".join(map(str, image.shape[:2])), " x ".join(map(str, self.row_shape[:2]))
            raise BadImage("its size is {}, not {}; give size=(H, W)".format(*sizes))
        return image

    def _each(self, function: Any, n: int) -> list[Any]:
        if self.n_workers < 2 or n < 2:
            return list(map(function, range(n)))
        with ThreadPoolExecutor(min(self.n_workers, n)) as threads:
            return list(threads.map(function, range(n)))

    def is_same(self, other: Any) -> bool:
        """Whether others are the same rows, whoever decodes them."""
        return isinstance(other, ImageFiles) and (
            (self.paths, self.decoder, self.row_shape)
            == (other.paths, other.decoder, other.row_shape)
        )

    def identity(self) -> list[Any] | None:
        """Return plain values that no other rows have; None if a file is gone."""
        known = hashlib.blake2b(digest_size=32)
        try:
            for path in self.paths:
                status = os.stat(path)
                file = os.path.realpath(path), status.st_size, status.st_mtime_ns
                known.update(repr(file).encode())
        except OSError:
            return None
        return [known.hexdigest(), self.decoder.mode, list(self.row_shape)]


def _bad_files(bad: dict[str, str], n_read: int) -> str:
    path, why = next(iter(bad.items()))
    others = f", and {len(bad) - 1} more of {n_read} files that were read" if len(bad) > 1 else ""
    return message(
        f"The file {path} gives no row{others}",
        expected="an image that pillow can read",
        got=why,
        todo="ImageFolder.check() lists all such files: mend them, or leave them out",
    )
