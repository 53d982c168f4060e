"""What `import sknn_tricks` adds to `import torch, sklearn, skorch`, and what it leaves alone.

    python benchmarks/bench_import.py [--rounds 7]

Each import runs in a new Python, in turn; the difference of the medians is what we add.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

PEERS = "import torch, sklearn, skorch"
OURS = PEERS + "; import sknn_tricks, sknn_tricks.preprocessing, sknn_tricks.tracking"
HEAVY = ("mlflow", "albumentations", "matplotlib", "imblearn")


def seconds(code: str) -> float:
    """Return how long a new Python takes to run `code`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the times and the heavy modules that were loaded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    seconds(OURS)
    rounds = [(seconds(PEERS), seconds(OURS)) for _ in range(options.rounds)]
    peers, ours = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{PEERS}: {peers:.2f} s")
    print(f"with sknn_tricks: {ours:.2f} s, that is {ours - peers:+.2f} s")
    code = f"{OURS}; import sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    print(f"loaded of {HEAVY}: {loaded.stdout.decode().strip()}")


if __name__ == "__main__":
    main()
