"""One file of an image as an array of bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODES = ("RGB", "L")
EXTENSIONS = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
MOST_OF_16_BITS = 65535


class BadImage(Exception):
    """Says in plain words why a file gives no image."""


@dataclass(frozen=True)
class Decoder:
    """Reads images of one size and kind.

    Parameters
    ----------
    size : tuple of int, (H, W), or None
        None takes images as large as they are.
    mode : {"RGB", "L"}
        Colours or grey.
    """

    size: tuple[int, int] | None
    mode: str

    def shape(self, path: str) -> tuple[int, ...]:
        """Return the shape of an image, (H, W, 3) or (H, W).

        Raises
        ------
        BadImage
            If the file gives none.
        """
        height, width = self.size or _size(path)
        return (height, width, 3) if self.mode == "RGB" else (height, width)

    def __call__(self, path: str) -> NDArray[np.uint8]:
        """Return an image, upright and in its size.

        Raises
        ------
        BadImage
            If the file gives none.
        """
        from PIL import Image, ImageOps

        with _opened(path) as image:
            if self.size is not None:
                # A JPEG of more than twice the size is decoded at a half, a quarter or an eighth.
                image.draft(None, (2 * max(self.size), 2 * max(self.size)))
            image = _in_mode(ImageOps.exif_transpose(image), self.mode)
            if self.size is not None and image.size != self.size[::-1]:
                image = image.resize(self.size[::-1], Image.Resampling.BILINEAR)
            return np.asarray(image)


def is_image(path: str) -> bool:
    """Whether a file has the name of an image, and is not hidden.

    Examples
    --------
    >>> is_image("a/b.JPG"), is_image("a/.b.jpg"), is_image("a/b.txt")
    (True, False, False)
    """
    name = os.path.basename(path)
    return not name.startswith(".") and Path(name).suffix.lower() in EXTENSIONS


def _size(path: str) -> tuple[int, int]:
    """Return height and width of an image as it stands upright; only its head is read."""
    with _opened(path) as image:
        width, height = image.size
        lies = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        return (width, height) if lies else (height, width)


@contextmanager
def _opened(path: str) -> Iterator[Any]:
    """Open an image; whatever goes wrong while it is read is a BadImage."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            yield image
    except FileNotFoundError:
        raise BadImage("there is no such file") from None
    except UnidentifiedImageError:
        raise BadImage("it is no image") from None
    except MemoryError:
        raise
    # pillow's plugins raise what they like on damaged data.
    except Exception as error:
        raise BadImage(" ".join(str(error).split()) or type(error).__name__) from error


def _in_mode(image: Any, mode: str) -> Any:
    """Return an image of colours or grey; what is transparent loses that."""
    if image.mode == "F":
        raise BadImage("its numbers are floats, of an unknown range")
    if image.mode.startswith("I"):  # 16 bits, which pillow would cut off at 255
        from PIL import Image

        numbers = np.asarray(image)
        if numbers.min() < 0 or numbers.max() > MOST_OF_16_BITS:
            raise BadImage("its numbers are of more than 16 bits, of an unknown range")
        image = Image.fromarray((numbers // 257).astype(np.uint8))
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")  # or pillow would warn
    return image if image.mode == mode else image.convert(mode)
