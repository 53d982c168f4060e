"""Files of images as an array-like X."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from numbers import Integral
from typing import Any, Self

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from sknn_tricks._messages import lookup, message
from sknn_tricks.on_disk._image_decoding import EXTENSIONS, MODES, BadImage, Decoder, is_image
from sknn_tricks.on_disk._image_files import ImageFiles
from sknn_tricks.on_disk._on_disk import OnDisk

# One decoder a core; more than these have the disk wait for them.
MOST_WORKERS = 8


class ImageFolder(OnDisk):
    """Images that stay in their files and are decoded as they are needed.

    An array-like X of bytes: `NetClassifier` and `NetRegressor`, the scalers of
    `sknn_tricks.preprocessing`, searches, cross-validations and `train_test_split` take it where
    they take `OnDisk`. An index gives a part of the rows without reading any.

    Parameters
    ----------
    paths : path of a folder, or sequence of paths
        Files of images, as a list or a column of a table; of a folder, all images in it and below
        it, by name.
    size : int or (int, int), default=None
        Height and width that each image is brought to, whatever its shape: one number is both.
        Bilinear, and antialiased where an image becomes smaller. None takes images as large as
        they are, which must be equal.
    mode : {"RGB", "L"}, default="RGB"
        Colours, rows of shape (H, W, 3), or grey, rows of shape (H, W). Of images of 16 bits, 0 to
        65,535 are 0 to 255. What is transparent loses that.
    n_workers : int, default=None
        Threads that decode, a window of rows ahead of the net. Default is as many as there are
        cores, 8 at most. 0 decodes when rows are asked for, in the thread that asks. The rows are
        the same, to the bit.

    Attributes
    ----------
    shape : tuple of int
        (N, H, W, 3) or (N, H, W).
    dtype : numpy.dtype
        uint8. Nets see shares of 255.
    paths : list of str
        Of the rows.

    Raises
    ------
    OSError
        If there are no images; later, if a file gives none when it is read.

    Notes
    -----
    Files have no neighbours, so the rows of an epoch come in any order, and a window of about four
    million numbers is in memory at a time, and the next one; data of no more than one window are
    decoded once. pillow lets go of the interpreter while it decodes, and threads, unlike processes,
    hand images over without a copy. Images are turned as their EXIF data say. JPEGs
    of more than twice the size are decoded at a half, a quarter or an eighth of theirs, as pillow's
    thumbnails are. pillow's bound on the pixels of an image holds.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sknn_tricks import ImageFolder
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, colour in (("cats", "black"), ("dogs", "white")):
    ...         Path(folder, name).mkdir()
    ...         for i in range(3):
    ...             Image.new("RGB", (40, 30), colour).save(Path(folder, name, f"{i}.png"))
    ...     X, y = ImageFolder.from_folder(folder, size=8)
    ...     print(X, y)
    ...     print(X[y == "dogs"], X[-1][0, 0], X.check())
    ImageFolder(shape=(6, 8, 8, 3), mode='RGB') ['cats' 'cats' 'cats' 'dogs' 'dogs' 'dogs']
    ImageFolder(shape=(3, 8, 8, 3), mode='RGB') [255 255 255] {}
    """

    _rows: ImageFiles

    def __init__(
        self,
        paths: Any,
        *,
        size: int | tuple[int, int] | None = None,
        mode: str = "RGB",
        n_workers: int | None = None,
    ) -> None:
        lookup(mode, dict.fromkeys(MODES), "mode")
        found = tuple(_files_of(paths))
        decoder = Decoder(_check_size(size), mode)
        self._rows = ImageFiles(found, decoder, _shape(decoder, found), _check_workers(n_workers))
        self._numbers = range(len(found))
        self._maps = ()

    @classmethod
    def from_folder(
        cls,
        folder: str | os.PathLike[str],
        *,
        size: int | tuple[int, int] | None = None,
        mode: str = "RGB",
        n_workers: int | None = None,
    ) -> tuple[Self, NDArray[np.str_]]:
        """Return the images of a folder whose subfolders are classes, and their classes.

        Parameters
        ----------
        folder : path
            Images count that are in subfolders, however deep: the topmost one is the class.
        size, mode, n_workers
            As of the class itself.

        Returns
        -------
        X : ImageFolder of shape (N, H, W, 3) or (N, H, W)
            By class and name.
        y : ndarray of str, shape (N,)

        Raises
        ------
        OSError
            If there is no such folder, or no image in a subfolder.
        """
        root = _check_folder(folder)
        classes = sorted(e.name for e in os.scandir(root) if e.is_dir() and e.name[0] != ".")
        images = {name: sorted(_images_below(os.path.join(root, name))) for name in classes}
        paths = [path for found in images.values() for path in found]
        if not paths:
            raise OSError(_no_classes(root))
        if empty := [name for name, found in images.items() if not found]:
            warnings.warn(_empty_classes(empty), stacklevel=2)
        y = np.repeat(list(images), [len(found) for found in images.values()])
        return cls(paths, size=size, mode=mode, n_workers=n_workers), y

    @property
    def paths(self) -> list[str]:
        """The files of the rows."""
        return [self._rows.paths[i] for i in self._numbers]

    def __repr__(self) -> str:
        return f"ImageFolder(shape={self.shape}, mode={self._rows.decoder.mode!r})"

    def check(self) -> dict[str, str]:
        """Decode each image once.

        Returns
        -------
        dict of str to str
            Of the files that give no row: their path, and why.
        """
        return self._rows.check([int(i) for i in self._numbers])


def _files_of(paths: Any) -> list[str]:
    """Return the files that a folder holds, or those of a sequence."""
    if isinstance(paths, str | os.PathLike):
        root = _check_folder(paths)
        found = sorted(_images_below(root))
        if not found:
            raise OSError(_no_images(root))
        return found
    found = list(paths)
    if not found or not all(isinstance(path, str | os.PathLike) for path in found):
        raise TypeError(_no_paths(found))
    return [os.fspath(path) for path in found]


def _images_below(folder: str) -> Iterator[str]:
    """Yield the images in a folder and below it; links are followed, but to no folder twice."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if name[0] != "."]
        yield from (os.path.join(place, name) for name in names if is_image(name))


def _check_folder(folder: str | os.PathLike[str]) -> str:
    if not os.path.isdir(folder):
        raise OSError(
            message(
                "There is no folder of that name",
                expected="a folder of images, or a list of their paths",
                got=f"{os.fspath(folder)!r}",
                todo="Correct the path; one image is a list of one path",
            )
        )
    return os.fspath(folder)


def _check_size(size: Any) -> tuple[int, int] | None:
    if size is None:
        return None
    pair = tuple(size) if isinstance(size, tuple | list) else (size, size)
    if len(pair) != 2 or not all(_is_count(n) and n > 0 for n in pair):
        raise ValueError(
            message(
                "size is none of an image",
                expected="an int above 0, a pair (H, W) of them, or None",
                got=f"size={size!r}",
                todo="Try size=224",
            )
        )
    return int(pair[0]), int(pair[1])


def _check_workers(n_workers: Any) -> int:
    if n_workers is None:
        return min(cpu_count(), MOST_WORKERS)
    if not _is_count(n_workers):
        raise ValueError(
            message(
                "n_workers is no number of threads",
                expected="an int from 0, or None for one on each core",
                got=f"n_workers={n_workers!r}",
                todo="Leave it out, or give 0 for no threads",
            )
        )
    return int(n_workers)


def _is_count(n: Any) -> bool:
    return isinstance(n, Integral) and not isinstance(n, bool) and int(n) >= 0


def _shape(decoder: Decoder, paths: tuple[str, ...]) -> tuple[int, ...]:
    """Return the shape of a row; without a size, of the first image that can be read."""
    why = ""
    for path in paths:
        try:
            return decoder.shape(path)
        except BadImage as error:
            why = why or f"{path}: {error}"
    raise OSError(
        message(
            "No file gives an image",
            expected="files that pillow can read",
            got=why,
            todo="Correct the paths",
        )
    )


def _no_paths(found: list[Any]) -> str:
    kind = next((type(e).__name__ for e in found if not isinstance(e, str | os.PathLike)), "none")
    return message(
        "ImageFolder has no paths",
        expected="a folder, or one path or more",
        got=kind,
        todo="Give arrays of pixels to the net as they are",
    )


def _no_images(folder: str) -> str:
    return message(
        f"There is no image in {folder}",
        expected="files such as .png, .jpg, .webp or .tif",
        got="none of them",
        todo="Correct the path, or give a list of files, whatever their names",
    )


def _empty_classes(names: list[str]) -> str:
    return message(
        "Some folders hold no image, and are no classes",
        expected=f"files that end in {', '.join(sorted(EXTENSIONS))}",
        got=f"none in {', '.join(map(repr, names))}",
        todo="Take the folders away, or convert their files",
    )


def _no_classes(folder: str) -> str:
    return message(
        f"There is no subfolder with images in {folder}",
        expected="one folder for each class, with its images",
        got="none",
        todo="Correct the path, or use ImageFolder(folder) for images without classes",
    )
