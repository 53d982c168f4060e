"""The file: a zip whose bytes depend on the content only, and that nothing can grow out of."""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from sknn_tricks.saving._refusals import Damaged, no_folder

# What a zip begins with.
ZIP = b"PK\x03\x04"
# The first time that a zip can name.
EPOCH = (1980, 1, 1, 0, 0, 0)


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of some files, not compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return buffer.getvalue()


def read_zip(data: bytes, names: re.Pattern[str]) -> dict[str, bytes]:
    """Return the files of a zip.

    Parameters
    ----------
    data : bytes
    names : re.Pattern
        That of all files it may have.

    Raises
    ------
    Damaged
        If it is no zip such as `zip_bytes` makes: files of other names, or twice of one, and
        compressed ones, which might grow without bounds.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check(entries, names, len(data))
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Damaged(error) from error


def _check(entries: list[zipfile.ZipInfo], names: re.Pattern[str], n_bytes: int) -> None:
    for entry in entries:
        if not names.fullmatch(entry.filename):
            raise Damaged(f"it has a file {entry.filename!r}")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise Damaged(f"{entry.filename!r} is compressed")
    if len({entry.filename for entry in entries}) < len(entries):
        raise Damaged("it has a file twice")
    if sum(entry.file_size for entry in entries) > n_bytes:
        raise Damaged("it declares more bytes than it has")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; one that is there is replaced.

    Raises
    ------
    OSError
        If it cannot be written. A file that was there is then as it was.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(no_folder(path.parent))
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        # A new file beside it, not of tempfile's making: those are for the user's eyes only.
        unfinished = Path(folder) / path.name
        with open(unfinished, "wb") as file:
            file.write(data)
            file.flush()
            with contextlib.suppress(OSError):  # some file systems cannot
                os.fsync(file.fileno())
        os.replace(unfinished, path)
