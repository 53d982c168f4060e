"""Which way of using a pretrained net suits new data, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sknn_tricks._image_layout import image_layout
from sknn_tricks.fused._rows import predict_batch
from sknn_tricks.transfer import _refusals as refusals
from sknn_tricks.transfer._features import flat_layers
from sknn_tricks.transfer._layers import Layers
from sknn_tricks.transfer._linear_score import linear_score

# Rows that are looked at, and cuts that are compared: a second or two.
MOST_ROWS, MOST_CUTS = 1000, 6
# Rows of a class from which all layers are better trained than only a head, and from which those of
# different data are better trained at one rate. Measured on small nets, by
# benchmarks/bench_transfer.py: with 3 rows both are as good, with 20 the former is better by 0.01
# to 0.02; with 2,000 different ones, one rate by 0.002.
SOME, MANY = 5, 500
# As many classes are numbers taken for.
CLASSES_OF_NUMBERS = 10
# How much better a linear model must be to count as better, in standard errors of its score.
CLEARLY = 1.0
# What share of the error with the rows themselves features must save, at least.
LEAST_GAIN = 0.1
RAW = "the rows themselves"


@dataclass(frozen=True)
class Choice:
    """How a pretrained net is used.

    Parameters
    ----------
    strategy : str
    n_kept : int
        Layers of the backbone that are kept.
    reason : str
        A sentence.
    scores : mapping of str to float
        What linear models score, by the layer behind which they have their features.
    """

    strategy: str
    n_kept: int
    reason: str
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """Rows to look at.

    Parameters
    ----------
    rows : Tensor of shape (N, ...)
        As a net sees them.
    targets : ndarray of shape (N,) or (N, O)
    classes : bool
        Whether the targets are classes that exclude each other.
    index : ndarray of int, shape (N,)
        Which of all rows these are.
    n_rows : float
        How many rows a class has in all, as a geometric mean: of 1,000 and of 3 rows that is 55,
        and many classes are not few data for a rare one among them. Of numbers, a part of
        `CLASSES_OF_NUMBERS`.
    """

    rows: Tensor
    targets: NDArray[Any]
    classes: bool
    index: NDArray[Any]
    n_rows: float

    @property
    def measure(self) -> str:
        """What linear models are scored by."""
        return "accuracy" if self.classes else "R^2"

    @property
    def score_of_nothing(self) -> float:
        """What the largest class alone, or the mean, scores."""
        if not self.classes:
            return 0.0
        sizes = np.unique(self.targets, return_counts=True)[1]
        return float(sizes.max() / sizes.sum())


def choose(strategy: str, layers: Layers, cut: Any, sample: Sample) -> Choice:
    """Return how a pretrained net is to be used.

    Parameters
    ----------
    strategy : str
        "auto", or what the user decided.
    layers : Layers
    cut : None, str or int
        The user's.
    sample : Sample

    Raises
    ------
    ValueError
        If the net is to be cut earlier, and has no earlier layer.
    """
    n_kept = layers.place(cut)
    if strategy != "auto" and (strategy != "truncate" or cut is not None):
        return Choice(strategy, n_kept, f"strategy={strategy!r} was asked for.")
    earlier = layers.earlier_cuts() if cut is None else []
    if strategy == "truncate" and not earlier:
        raise ValueError(refusals.no_earlier_cut(layers.names))
    cuts = [*_spread(earlier), n_kept]
    scores = layer_scores(layers, cuts, sample)
    if strategy == "truncate":
        best = max(cuts[:-1], key=lambda n: scores[layers.names[n - 1]])
        return Choice("truncate", best, _of_cut(layers, best, scores, sample), scores)
    return _auto(layers, cuts, scores, sample)


def _auto(layers: Layers, cuts: Sequence[int], scores: dict[str, float], sample: Sample) -> Choice:
    """Return the choice among the four cases of small or large, similar or different data."""
    of_cut = {n: scores[layers.names[n - 1]] for n in cuts}
    last, best = cuts[-1], max(cuts, key=lambda n: of_cut[n])  # of equal ones the first
    known = {layers.names[n - 1]: of_cut[n] for n in dict.fromkeys((last, best))}
    if sample.n_rows < SOME:
        strategy = "linear_probe" if best == last else "truncate"
        finding = f"the best features are those behind {layers.names[best - 1]!r}"
        reason = _reason(strategy, finding, known, scores[RAW], sample)
        return Choice(strategy, best, reason, scores)
    margin = CLEARLY * standard_error(of_cut[last], len(sample.rows))
    without = max(scores[RAW], sample.score_of_nothing)
    gains = of_cut[last] - without > max(margin, LEAST_GAIN * (1 - without))
    similar = gains and of_cut[best] <= of_cut[last] + margin
    strategy = "fine_tune" if similar or sample.n_rows < MANY else "pretrained_init"
    finding = f"they look {'similar to' if similar else 'different from'} those of the backbone"
    return Choice(strategy, last, _reason(strategy, finding, known, scores[RAW], sample), scores)


def _reason(
    strategy: str, finding: str, known: Mapping[str, float], raw: float, sample: Sample
) -> str:
    """Return how many data there are, a finding, and the scores of linear models it is from."""
    size = "few" if sample.n_rows < SOME else "some" if sample.n_rows < MANY else "many"
    rows = f"about {sample.n_rows:.0f} rows a class"
    if not sample.classes:
        rows = f"{sample.n_rows * CLASSES_OF_NUMBERS:.0f} rows"
    found = ", ".join(
        f"{score:.2f} on the features behind {name!r}" for name, score in known.items()
    )
    return (
        f"{strategy}: there are {size} data ({rows}), and {finding}: "
        f"linear models have a leave-one-out {sample.measure} of {found}, and {raw:.2f} on {RAW}."
    )


def _of_cut(layers: Layers, n: int, scores: Mapping[str, float], sample: Sample) -> str:
    name = layers.names[n - 1]
    return (
        f"strategy='truncate' was asked for; of the earlier layers, a linear model on the features "
        f"behind {name!r} has the highest leave-one-out {sample.measure}, {scores[name]:.2f}."
    )


def standard_error(score: float, n_rows: int) -> float:
    """Return the standard error of a share of rows; for R^2 it is about as rough.

    Examples
    --------
    >>> standard_error(0.5, 100)
    0.05
    """
    share = min(max(score, 0.0), 1.0)
    return float(np.sqrt(share * (1 - share) / n_rows))


@torch.no_grad()
def layer_scores(layers: Layers, cuts: Sequence[int], sample: Sample) -> dict[str, float]:
    """Return what linear models score on the features of each cut, and on the rows themselves."""
    found: dict[str, list[Tensor]] = {RAW: []}
    for x in sample.rows.split(predict_batch(tuple(sample.rows.shape[1:]))):
        found[RAW].append(_flat(_as_maps(x)))
        x = x.clone()
        for n, (name, layer) in enumerate(layers.first(max(cuts)).items(), start=1):
            x = layer(x)
            if n in cuts:
                found.setdefault(name, []).append(_flat(x).clone())
    return {
        name: linear_score(torch.cat(parts).cpu().numpy(), sample.targets, classes=sample.classes)
        for name, parts in found.items()
    }


def _flat(x: Tensor) -> Tensor:
    return nn.Sequential(*flat_layers(tuple(x.shape[1:])).values())(x)


def _as_maps(x: Tensor) -> Tensor:
    """Return rows that may be images as (N, C, H, W), so that the right axes are averaged over."""
    try:
        return image_layout(tuple(x.shape[1:])).to_nchw(x)
    except ValueError:  # no images, or nobody can tell
        return x


def _spread(cuts: Sequence[int]) -> list[int]:
    """Return some cuts if there are many, from the first to the last."""
    if len(cuts) < MOST_CUTS:
        return list(cuts)
    return [cuts[round(i)] for i in np.linspace(0, len(cuts) - 1, MOST_CUTS - 1)]
