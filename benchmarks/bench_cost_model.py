"""What a net's training costs, from its sizes: a model of two numbers, fitted and checked.

    python benchmarks/bench_cost_model.py

A row's passage through a member of a full stack takes so long for each multiply-add, and so long
for each activation (one thread). Both numbers are fitted to some nets and checked on two others, of
sizes in between and of another depth. `docs/scaling.md` reckons with them.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from bench_stack import seconds_a_step
from scipy.optimize import nnls

from sknn_tricks._padding import padded
from sknn_tricks.fused._cpu import no_denormals, one_thread

N_FEATURES, N_OUTPUTS = 64, 10
FITTED = [((32, 32), 64), ((32, 32), 256), ((64, 64), 128), ((128, 128), 128), ((256, 256), 256)]
CHECKED = [((96, 96), 128), ((64, 64, 64, 64), 256)]


def counts(hidden: tuple[int, ...]) -> tuple[float, float]:
    """Return the multiply-adds (forwards and backwards) and the activations of a row."""
    sizes = [padded(size) for size in (N_FEATURES, *hidden, N_OUTPUTS)]
    layers = [a * b for a, b in pairwise(sizes)]
    return 3 * sum(layers) - layers[0], sum(sizes)


def seconds_a_row(hidden: tuple[int, ...], batch: int) -> float:
    """Measure it, in a stack of 32."""
    return min(seconds_a_step(32, hidden, batch, False, 6) for _ in range(3)) / batch


def main() -> None:
    """Print the model and how well it does."""
    with one_thread(), no_denormals():
        measured = {net: seconds_a_row(*net) for net in FITTED + CHECKED}
    features = np.array([counts(hidden) for hidden, _ in FITTED])
    target = np.array([measured[net] for net in FITTED])
    # Relative errors count, not absolute ones.
    (product, number), _ = nnls(features / target[:, None], np.ones(len(target)))
    print(f"{product:.2e} s a multiply-add, {number:.2e} s an activation\n")
    print("| net | batch | measured, us a row | model | model / measured | |")
    print("|---|---|---|---|---|---|")
    for net in FITTED + CHECKED:
        hidden, batch = net
        model = float(np.dot(counts(hidden), (product, number)))
        name = "-".join(map(str, hidden))
        which = "checked" if net in CHECKED else "fitted"
        print(
            f"| {name} | {batch} | {1e6 * measured[net]:.2f} | {1e6 * model:.2f} | "
            f"{model / measured[net]:.2f} | {which} |"
        )


if __name__ == "__main__":
    main()
