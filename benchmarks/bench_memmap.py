"""One epoch over a memmap that is larger than the memory it may take, and over rows in memory.

    python benchmarks/bench_memmap.py [--gigabytes 6] [--memory-gigabytes 1] [--cold] [--rounds 1]

Each fit runs in a process of its own, so that the peak (VmHWM: all pages that were resident at
once, mapped pages of files among them) is its own. Rows in memory are the first of the same file.
With --cold, the system forgets the file before each fit over the memmap, so that all of it comes
from the disk; without, as much is in the system's cache as has room there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP

CHUNK = 100_000


def write(folder: Path, n_rows: int, n_features: int) -> None:
    """Write X and y, which a net can learn, a chunk at a time."""
    rng = np.random.default_rng(0)
    direction = rng.normal(size=n_features).astype(np.float32)
    y = np.empty(n_rows, np.int64)
    with open(folder / "X.bin", "wb") as file:
        for start in range(0, n_rows, CHUNK):
            X = rng.standard_normal((min(CHUNK, n_rows - start), n_features), dtype=np.float32)
            y[start : start + len(X)] = X @ direction > 0
            X.tofile(file)
        file.flush()
        os.fsync(file.fileno())
    np.save(folder / "y.npy", y)


def forget(path: Path) -> None:
    """Let the system drop a file from its cache."""
    handle = os.open(path, os.O_RDONLY)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def peak() -> int:
    """Return the most bytes that were resident in this process."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])


def fit(folder: Path, n_rows: int, n_features: int, in_memory: bool) -> None:
    """Train one epoch, and print how long it took and how much memory."""
    net = NetClassifier(MLP(hidden=(64, 64)), max_epochs=1, random_state=0)
    rng = np.random.default_rng(0)
    net.fit(rng.normal(size=(1000, n_features)), rng.integers(2, size=1000))
    y = np.load(folder / "y.npy")[:n_rows]
    if in_memory:
        X = np.fromfile(folder / "X.bin", np.float32, n_rows * n_features).reshape(n_rows, -1)
    else:
        X = np.memmap(folder / "X.bin", np.float32, "r", shape=(n_rows, n_features))
    before, start = peak(), time.perf_counter()
    net.fit(X, y)
    seconds = time.perf_counter() - start
    print(
        json.dumps({"rows": n_rows / seconds, "seconds": seconds, "before": before, "peak": peak()})
    )


def measured(folder: Path, n_rows: int, n_features: int, kind: str) -> dict[str, float]:
    """Fit in a process of its own."""
    command = [sys.executable, __file__, "--fit", kind, "--folder", str(folder)]
    sizes = ["--rows", str(n_rows), "--features", str(n_features)]
    done = subprocess.run([*command, *sizes], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def roomiest() -> str:
    """Return the folder for temporary files on the disk with the most room."""
    folders = [tempfile.gettempdir(), "/var/tmp", os.getcwd()]
    return max(filter(os.path.isdir, folders), key=lambda folder: shutil.disk_usage(folder).free)


def compare(options: argparse.Namespace) -> None:
    """Write the file, and print a table."""
    n_rows, n_fewer = (
        int(gigabytes * 1e9 / 4 / options.features)
        for gigabytes in (options.gigabytes, options.memory_gigabytes)
    )
    ratios = []
    with tempfile.TemporaryDirectory(dir=roomiest()) as name:
        folder = Path(name)
        write(folder, n_rows, options.features)
        print("| rows | million rows | s | rows/s | peak, GB | before, GB |\n" + 6 * "|---" + "|")
        for _ in range(options.rounds):
            speeds = []
            for kind, n in (("memory", n_fewer), ("memmap", n_rows)):
                if options.cold and kind == "memmap":
                    forget(folder / "X.bin")
                found = measured(folder, n, options.features, kind)
                speeds.append(found["rows"])
                print(
                    f"| {kind} | {n / 1e6:.1f} | {found['seconds']:.1f} | {found['rows']:,.0f} | "
                    f"{found['peak'] / 1e9:.2f} | {found['before'] / 1e9:.2f} |",
                    flush=True,
                )
            ratios.append(speeds[1] / speeds[0])
    print(f"memmap / memory: {statistics.median(ratios):.2f}")


def main() -> None:
    """Compare, or fit once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=6)
    parser.add_argument("--memory-gigabytes", type=float, default=1)
    parser.add_argument("--features", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--fit", choices=["memory", "memmap"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        fit(options.folder, options.rows, options.features, options.fit == "memory")
    else:
        compare(options)


if __name__ == "__main__":
    main()
