"""Where a fit ran: versions, machine, and the state of the code."""

from __future__ import annotations

import getpass
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from sknn_tricks.tracking.artifacts._requirements import installed

PACKAGES = ("sknn-tricks", "scikit-learn", "torch", "skorch", "numpy", "scipy", "mlflow")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    known = {package: installed(package) for package in PACKAGES}
    found = {package: version for package, version in known.items() if version is not None}
    return {"python": platform.python_version(), **found}


def machine() -> dict[str, Any]:
    """Return the platform, and what arithmetic may depend on."""
    parts = (platform.system(), platform.release(), platform.machine())  # platform() runs uname
    found: dict[str, Any] = {"platform": "-".join(parts), "cpus": os.cpu_count()}
    if (torch := sys.modules.get("torch")) is not None:
        found["vectors"] = torch.backends.cpu.get_cpu_capability()
        found["cuda"] = torch.version.cuda
    return found


def code(folder: Path | None = None) -> dict[str, str]:
    """Return the script that runs, who runs it, and the git commit of a folder.

    Parameters
    ----------
    folder : Path, default=None
        Any folder of a working tree; ``None`` means the working directory. Changes that are not
        committed go unseen: to see them git would have to look at every file.

    Returns
    -------
    dict of str to str
        ``script``; ``user``, ``commit`` and ``branch`` where they are known.
    """
    found = {"script": Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "interactive"}
    with suppress(ImportError, KeyError, OSError):  # a container may have no name for its user
        found["user"] = getpass.getuser()
    try:
        return found | _head((folder or Path.cwd()).resolve())
    except (OSError, UnicodeDecodeError):
        return found


def _head(folder: Path) -> dict[str, str]:
    """Read a repository's files, as starting git takes longer than all else here."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return _head_of(_git_folder(each / ".git"))
    return {}


def _git_folder(place: Path) -> Path:
    if place.is_dir():
        return place
    # of a worktree or submodule, a file that says where
    return place.parent / place.read_text("utf-8").strip().removeprefix("gitdir: ")


def _head_of(git: Path) -> dict[str, str]:
    head = (git / "HEAD").read_text("utf-8").strip()
    if not head.startswith("ref: "):
        return {"commit": head}
    reference = head.removeprefix("ref: ")
    shared = git / "commondir"
    every = [git, git / shared.read_text("utf-8").strip()] if shared.exists() else [git]
    commits = (_commit(each, reference) for each in every)
    commit = next((found for found in commits if found), None)
    branch = {"branch": reference.removeprefix("refs/heads/")}
    return branch if commit is None else {"commit": commit, **branch}


def _commit(git: Path, reference: str) -> str | None:
    if (git / reference).is_file():
        return (git / reference).read_text("utf-8").strip()
    if not (git / "packed-refs").is_file():
        return None
    with (git / "packed-refs").open(encoding="utf-8") as lines:
        pairs = (line.split() for line in lines)
        return next((pair[0] for pair in pairs if pair[1:] == [reference]), None)
