"""A stack's steps: what one costs per member, and its share of what the machine can multiply.

    python benchmarks/bench_stack.py [--epochs 8]

One thread. The peak is measured beside it: batched products of the sizes of the middle layer. A
member's step is three products for each layer (forward, gradient of the weights, gradient of the
input; the first layer has no use for the last one).
"""

from __future__ import annotations

import argparse
import math
import time
from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from sknn_tricks._padding import padded
from sknn_tricks.fused import Job, Rows, Task
from sknn_tricks.fused._cpu import no_denormals, one_thread
from sknn_tricks.fused._member import Member
from sknn_tricks.fused.stacks._stack_net import StackNet
from sknn_tricks.losses import cross_entropy
from sknn_tricks.nets import MLP

NETS = {
    "32-32 plain": ((32, 32), 64, False),
    "32-32 BatchNorm + dropout": ((32, 32), 64, True),
    "64-64 plain": ((64, 64), 128, False),
    "64-64 BatchNorm + dropout": ((64, 64), 128, True),
    "256-256 plain": ((256, 256), 256, False),
}


def jobs(n_members, hidden, batch, tricks, epochs):
    """Return the jobs of a stack, on digits."""
    X, y = load_digits(return_X_y=True)
    rows = Rows(
        torch.from_numpy(StandardScaler().fit_transform(X).astype(np.float32)),
        torch.from_numpy(y),
    )
    task = Task(cross_entropy, lambda *_: 0.0, torch.Tensor.softmax, math.log(10), n_classes=10)
    spec = MLP(hidden, batch_norm=tricks, dropout=0.2 if tricks else 0.0)
    return [
        Job(
            spec=spec, input_shape=(64,), n_outputs=10, train=rows, valid=None, task=task,
            init="auto", optimizer="adam", lr=1e-3, weight_decay=0.0, l1=0.0, batch_size=batch,
            max_epochs=epochs, stopping=None, seed=seed, device=torch.device("cpu"),
            dtype=torch.float32,
        )
        for seed in range(n_members)
    ]  # fmt: skip


class TimedNet(StackNet):
    """Notes the time of each epoch of training."""

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run an epoch."""
        start = time.perf_counter()
        super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
        if training:
            self.history.record("seconds", time.perf_counter() - start)


def seconds_a_step(n_members, hidden, batch, tricks, epochs) -> float:
    """Return the shortest time of a step, of one member."""
    net = TimedNet(
        [Member(job) for job in jobs(n_members, hidden, batch, tricks, epochs)], lambda: False
    )
    net.run()
    return min(net.history[:, "seconds"]) / n_members / -(-1797 // batch)


def products(hidden, batch) -> float:
    """Return the floating-point operations of the products of a member's step."""
    sizes = [64, *hidden, 10]
    layers = [padded(a) * padded(b) for a, b in pairwise(sizes)]
    return 2 * batch * (3 * sum(layers) - layers[0])


def peak(hidden, batch) -> float:
    """Return the operations a second of batched products of the middle layer's sizes."""
    x, weight = torch.randn(16, batch, hidden[0]), torch.randn(16, hidden[0], hidden[1])
    out = torch.empty(16, batch, hidden[1])
    times = []
    for _ in range(30):
        start = time.perf_counter()
        for _ in range(20):
            torch.bmm(x, weight, out=out)
        times.append(time.perf_counter() - start)
    return 20 * 16 * 2 * batch * hidden[0] * hidden[1] / min(times)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--sizes", default="1,8,16,32,64")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    print(f"| us per member and step | {' | '.join(map(str, sizes))} | share of peak |")
    print("|---" * (len(sizes) + 2) + "|")
    with one_thread(), no_denormals():
        seconds_a_step(2, (32, 32), 64, True, 1)
        for name, (hidden, batch, tricks) in NETS.items():
            taken = [seconds_a_step(size, hidden, batch, tricks, options.epochs) for size in sizes]
            share = products(hidden, batch) / min(taken) / peak(hidden, batch)
            cells = " | ".join(f"{1e6 * each:.0f}" for each in taken)
            print(f"| {name} | {cells} | {share:.0%} |", flush=True)


if __name__ == "__main__":
    main()
