"""A folder of trained nets that several processes may use at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sknn_tricks._messages import message
from sknn_tricks.fused._job import Job, Trained
from sknn_tricks.fused._packed import pack, unpack
from sknn_tricks.fused.cache._digest import NoAddress, digest
from sknn_tricks.fused.cache._files import Damaged, from_bytes, to_bytes

# What is left after the oldest nets had to go: not all of the bound, or each new net would search
# the folder.
LEFT = 0.9


class Cache:
    """Trained nets in a folder, found again by what they were trained from.

    The address of a net is the digest of its job: settings, seed, data. A search that runs again,
    whatever class drove it, finds the nets that it trained before. Files are safetensors with a
    JSON header, written whole or not at all; a damaged one counts as none.

    Parameters
    ----------
    folder : path
        Made when the first net is written.
    max_bytes : int or None, default=None
        Bound on the size of all files; the nets that were not used for longest go first.
        None for no bound.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sknn_tricks import NetClassifier
    >>> from sknn_tricks.model_selection import FusedGridSearchCV
    >>> search = FusedGridSearchCV(
    ...     NetClassifier(max_epochs=2, random_state=0), {"lr": [0.1, 0.01]}, cv=3,
    ...     cache=Cache(tempfile.mkdtemp(), max_bytes=10**8),
    ... )
    >>> search.fit(*load_iris(return_X_y=True)).report_.n_cached
    0
    >>> search.fit(*load_iris(return_X_y=True)).report_.n_cached
    7

    Attributes
    ----------
    has_failed : bool
        Somebody was told that nets cannot be written.
    """

    def __init__(self, folder: str | os.PathLike[str], max_bytes: int | None = None) -> None:
        self.folder = Path(folder)
        self.max_bytes = max_bytes
        self._n_bytes: int | None = None
        self.has_failed = False

    def __repr__(self) -> str:
        bound = "" if self.max_bytes is None else f", max_bytes={self.max_bytes}"
        return f"Cache({str(self.folder)!r}{bound})"

    def addresses(self, jobs: Sequence[Job]) -> list[Path | None]:
        """Return the file of each job's net, None for a job that cannot be told from others."""
        known: dict[int, str] = {}
        return [self._address(job, known) for job in jobs]

    def _address(self, job: Job, known: dict[int, str]) -> Path | None:
        try:
            name = digest(job, known)
        except NoAddress:
            return None
        return self.folder / name[:2] / f"{name[2:]}.safetensors"

    def find(self, path: Path | None, job: Job) -> Trained | None:
        """Return the job's net if it was trained before."""
        if path is None:
            return None
        try:
            trained = unpack(from_bytes(path.read_bytes()), job)
            os.utime(path)
        except FileNotFoundError:
            return None
        except (Damaged, ValueError, RuntimeError):  # the latter of weights in other shapes
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        except OSError:
            return None
        return trained

    def keep(self, path: Path | None, trained: Trained) -> None:
        """Write a trained net; one that failed is to be tried again.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        if path is None or trained.net is None or (data := to_bytes(pack(trained))) is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.replace(unfinished, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(unfinished)
            raise
        self._make_room(len(data))

    def _make_room(self, n_bytes: int) -> None:
        """Remove the nets that were not used for longest, if there are too many."""
        if self.max_bytes is None:
            return
        if self._n_bytes is not None:
            self._n_bytes += n_bytes
        if self._n_bytes is None or self._n_bytes > self.max_bytes:
            self._n_bytes = _shrink(self.folder, self.max_bytes)


def _shrink(folder: Path, max_bytes: int) -> int:
    """Remove the oldest files if there are more bytes than that; return how many are left."""
    files = []
    for path in folder.glob("??/*"):
        with contextlib.suppress(OSError):  # another process was faster
            status = path.stat()
            files.append((status.st_mtime_ns, status.st_size, path))
    n_bytes = sum(size for _, size, _ in files)
    if n_bytes <= max_bytes:
        return n_bytes
    for _, size, path in sorted(files):
        if n_bytes <= LEFT * max_bytes:
            break
        with contextlib.suppress(OSError):
            path.unlink()
        n_bytes -= size
    return n_bytes


def as_cache(cache: str | os.PathLike[str] | Cache | None) -> Cache | None:
    """Return the cache that a folder or a Cache stands for."""
    if cache is None or isinstance(cache, Cache):
        return cache
    if isinstance(cache, str | os.PathLike):
        return Cache(cache)
    raise TypeError(
        message(
            "cache is nothing to keep nets in",
            expected="a folder, a sknn_tricks.fused.Cache, or None",
            got=repr(cache),
            todo='Give a folder, such as cache="nets"',
        )
    )
