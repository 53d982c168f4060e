"""What augmentations cost: ours, on batches, and albumentations', image by image.

    python benchmarks/bench_augment.py [--rounds 5]

Microseconds an image, in batches of 128, one thread. The last line of a table is a whole step's
work: bytes to augmented floats. What it costs a training is in bench_images.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from _measure import ratio, times_in_turn

from sknn_tricks.augment import (
    Albumentation,
    Augment,
    ColorJitter,
    ColorNoise,
    Crop,
    Cutout,
    Flip,
    Noise,
    RandomResizedCrop,
    Rotate,
    Scale,
    Shift,
)
from sknn_tricks.augment._draws import Draws

BATCH, TIMES = 128, 10
SHAPES = ((28, 28, 1), (32, 32, 3))
STEP = ("flip", "crop of a frame", "cutout")
Way = Callable[[], object]


def make_pairs(side: int) -> dict[str, tuple[object, Albumentation]]:
    """Return our transforms and albumentations' for the same, by name."""
    pixels = {"x": (-4, 4), "y": (-4, 4)}
    frame = {"height": side, "width": side, "pad_if_needed": True}
    hole = (side // 2, side // 2)
    holes = {"num_holes_range": (1, 1), "hole_height_range": hole, "hole_width_range": hole}
    area = {"size": (side, side), "scale": (0.25, 1.0)}
    pairs = {
        "flip": (Flip(), ("HorizontalFlip", {"p": 0.5})),
        "shift": (Shift(4), ("Affine", {"translate_px": pixels})),
        "crop of a frame": (Crop(4), ("RandomCrop", frame)),
        "rotation": (Rotate(15), ("Rotate", {"limit": 15})),
        "scale": (Scale((0.8, 1.25)), ("Affine", {"scale": (0.8, 1.25)})),
        "resized crop": (RandomResizedCrop(), ("RandomResizedCrop", area)),
        "colour jitter": (ColorJitter(), ("ColorJitter", {})),
        "PCA colour noise": (ColorNoise(), ("FancyPCA", {})),
        "noise": (Noise(0.1), ("GaussNoise", {"std_range": (0.1, 0.1)})),
        "cutout": (Cutout(side // 2), ("CoarseDropout", holes)),
    }
    return {
        name: (ours, Albumentation(theirs, **{"p": 1.0, **settings}))
        for name, (ours, (theirs, settings)) in pairs.items()
    }


def make_ways(images: torch.Tensor, ours: object, theirs: list[Albumentation]) -> dict[str, Way]:
    """Return both ways to augment a batch of floats, or with several transforms of bytes."""
    chain, made = Augment(ours).prepare(tuple(images.shape[1:])), [each.make() for each in theirs]
    x, arrays, draws = images.float() / 255, images.numpy(), Draws.of(0, 0, np.arange(BATCH))

    def augmented(image: np.ndarray) -> np.ndarray:
        for transform in made:
            image = transform(image=image)["image"]
        return image

    def step() -> torch.Tensor:
        return torch.from_numpy(np.stack([augmented(image) for image in arrays])).float() / 255

    if len(made) > 1:
        return {"ours": lambda: chain(images.float() / 255, draws), "theirs": step}
    return {
        "ours": lambda: chain(x, draws),
        "theirs": lambda: [augmented(image) for image in arrays],
    }


def print_line(name: str, ways: dict[str, Way], rounds: int) -> float:
    """Print a line of the table; return by which factor ours is faster."""
    often = {way: lambda run=run: [run() for _ in range(TIMES)] for way, run in ways.items()}
    times = times_in_turn(often, rounds)
    mine, other = (1e6 * median(times[way]) / BATCH / TIMES for way in ("ours", "theirs"))
    factor = ratio(times, "theirs", "ours")
    print(f"| {name} | {mine:.1f} | {other:.1f} | {factor:.1f} |", flush=True)
    return factor


def main() -> None:
    """Print a table for each shape of images."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    for shape in SHAPES:
        images = torch.randint(256, (BATCH, *shape), dtype=torch.uint8, generator=generator)
        pairs = make_pairs(shape[0])
        print(f"\n| {shape} | ours | albumentations | factor |\n|---|---|---|---|")
        for name, (ours, theirs) in pairs.items():
            print_line(name, make_ways(images, ours, [theirs]), rounds)
        chosen = [pairs[name] for name in STEP]
        both = make_ways(images, [ours for ours, _ in chosen], [theirs for _, theirs in chosen])
        print_line("flip, crop, cutout of bytes", both, rounds)


if __name__ == "__main__":
    main()
