"""Scale and whiten pictures on the disk, many times larger than the memory it takes.

    python benchmarks/bench_preprocess_memmap.py [--gigabytes 4]

A memmap of uint8 pictures of 3 x 8 x 8 (192 features) is scaled per channel, and whitened; then
all whitened rows are read once, to see that they are white. (The covariance costs
rows x features^2: pictures of 3 x 32 x 32 would take 16 times as long for each byte.) The work is
done in a process of its own; its peak is the most memory that was resident at once, all imports
included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SHAPE = (3, 8, 8)
CHUNK = 100_000


def write(path: Path, n_rows: int) -> None:
    """Write smooth pictures with noise, a chunk at a time."""
    rng = np.random.default_rng(0)
    smooth = rng.normal(size=(1000, *SHAPE)).cumsum(axis=-1).cumsum(axis=-2)
    smooth = (96 + 8 * smooth).clip(0, 191).astype(np.uint8)
    with open(path, "wb") as file:
        for start in range(0, n_rows, CHUNK):
            n = min(CHUNK, n_rows - start)
            noise = rng.integers(64, size=(n, *SHAPE), dtype=np.uint8)
            (smooth[rng.integers(1000, size=n)] + noise).tofile(file)
        file.flush()
        os.fsync(file.fileno())


def timed(seconds: dict[str, float], name: str, work: Callable[[], object]) -> None:
    """Note how long it takes."""
    start = time.perf_counter()
    work()
    seconds[name] = time.perf_counter() - start


def preprocess(path: Path, n_rows: int) -> None:
    """Scale, whiten, read; print the seconds of each, the peak, and how white the output is."""
    from sknn_tricks import OnDisk
    from sknn_tricks.preprocessing import StandardScalerND, Whitener

    def learn() -> None:
        for start in range(0, n_rows, CHUNK):
            white.partial_fit(scaled[start : start + CHUNK])

    def read() -> None:
        for start in range(0, n_rows, CHUNK):
            outcome.partial_fit(whitened[start : start + CHUNK])

    imports = peak()
    X = OnDisk(np.memmap(path, np.uint8, "r", shape=(n_rows, *SHAPE)))
    scaler, white = StandardScalerND(per="channel", channel_axis=1), Whitener("zca")
    outcome, seconds = Whitener(), {}
    timed(seconds, "StandardScalerND.fit", lambda: scaler.fit(X))
    scaled = scaler.transform(X)
    timed(seconds, "Whitener.partial_fit, of scaled rows", learn)
    whitened = white.transform(scaled)
    timed(seconds, "reading all rows, scaled and whitened, and their covariance", read)
    variance = outcome.explained_variance_[[0, -1]].tolist()
    found = {"seconds": seconds, "peak": peak(), "imports": imports, "variance": variance}
    print(json.dumps(found))


def peak() -> int:
    """Return the most bytes that were resident in this process."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def compare(gigabytes: float) -> None:
    """Write the file, and print a table."""
    n_rows = int(gigabytes * 1e9 / np.prod(SHAPE))
    with tempfile.TemporaryDirectory(dir=roomiest(gigabytes)) as folder:
        path = Path(folder) / "X.bin"
        write(path, n_rows)
        command = [sys.executable, __file__, "--path", str(path), "--rows", str(n_rows)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{n_rows:,} pictures of {SHAPE}, uint8, {gigabytes} GB\n")
    print("| | s | rows/s |\n|---|---|---|")
    for name, seconds in found["seconds"].items():
        print(f"| {name} | {seconds:.1f} | {n_rows / seconds:,.0f} |")
    print(f"\npeak {found['peak'] / 1e9:.2f} GB, of which imports {found['imports'] / 1e9:.2f} GB")
    most, least = found["variance"]
    print(f"variance of the output along any direction: {least:.7f} to {most:.7f}")


def roomiest(gigabytes: float) -> str:
    """Return the folder for temporary files on the disk with the most room."""
    folders = filter(os.path.isdir, [tempfile.gettempdir(), "/var/tmp", os.getcwd()])
    free = {folder: shutil.disk_usage(folder).free for folder in folders}
    best = max(free, key=lambda folder: free[folder])
    if free[best] < 1.2e9 * gigabytes:
        sys.exit(f"Not enough room for {gigabytes} GB: {free[best] / 1e9:.1f} GB in {best}.")
    return best


def main() -> None:
    """Compare, or do the work once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=4)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.path:
        preprocess(options.path, options.rows)
    else:
        compare(options.gigabytes)


if __name__ == "__main__":
    main()
