"""How much memory there is, and how much a parked fit takes."""

from __future__ import annotations

from sknn_tricks.fused._job import Job
from sknn_tricks.fused._rows import Rows

# Where the system does not say.
CAUTIOUS = 2 << 30

# A fit that waits holds its rows about so many times: what the fold took of X, what the
# preprocessing made of it, the float32 copy, and what will be scored.
COPIES = 4


def available_bytes(meminfo: str = "/proc/meminfo") -> int:
    """Return how many bytes can be had without swapping.

    Parameters
    ----------
    meminfo : str
        The file that says so, on Linux.

    Returns
    -------
    int
        8 GiB where there is no such file.
    """
    try:
        with open(meminfo) as lines:
            sizes = dict(line.split(":") for line in lines)
        return int(sizes["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return 4 * CAUTIOUS


def job_bytes(job: Job) -> int:
    """Return about how many bytes a fit holds while it waits for its job.

    Parameters
    ----------
    job : Job

    Returns
    -------
    int
    """
    sets = [job.train] if job.valid is None else [job.train, job.valid]
    return COPIES * sum(_held(rows) for rows in sets)


def _held(rows: Rows) -> int:
    """Return how many bytes the rows take; beside those of x, what belongs to them is little."""
    if rows.on_disk and rows.target is not None:
        return rows.x.nbytes + rows.target.nbytes
    return rows.x.nbytes
