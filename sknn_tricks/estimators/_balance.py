"""Classes of different sizes: what a fit knows of them, does about them, and makes up for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sknn_tricks.estimators import _refusals as refusals
from sknn_tricks.estimators._class_weights import class_weights
from sknn_tricks.estimators._data import Data
from sknn_tricks.fused._balance import Balance
from sknn_tricks.losses import make_loss
from sknn_tricks.losses._focal import pull
from sknn_tricks.on_disk import OnDisk


@dataclass(frozen=True)
class ClassSizes:
    """The classes of a fit, which exclude each other.

    Parameters
    ----------
    shares : ndarray of float64, shape (O,)
        Of the rows, by weight; a class without any has that of half a row.
    drawn : ndarray of float64, shape (O,)
        How many times as often as by itself a row of each class comes in training.
    factors : ndarray of float64, shape (O,), or None
        What the weights are multiplied with by `class_weight`; of mean 1 over what comes.
    scale : float
        What the class weights were divided by, to become the factors.
    """

    shares: NDArray[np.float64]
    drawn: NDArray[np.float64]
    factors: NDArray[np.float64] | None
    scale: float

    @property
    def pressed(self) -> NDArray[np.float64]:
        """How many times as much as by itself each class counts in training."""
        return self.drawn if self.factors is None else self.drawn * self.factors

    @property
    def in_training(self) -> NDArray[np.float64]:
        """The shares as training sees them; positive, of sum 1."""
        seen = np.maximum(self.shares * self.pressed, 1e-12)
        return seen / seen.sum()

    def balance(self, batches: bool, start: int) -> Balance:
        """Return what a job is told of it."""
        factors = None if self.factors is None else tuple(self.factors.tolist())
        return Balance(factors, batches, start)


def class_sizes(
    codes: NDArray[np.intp],
    n_classes: int,
    weight: NDArray[np.float64] | None = None,
    class_weight: NDArray[np.float64] | None = None,
    batches: bool = False,
    scale: float | None = None,
) -> ClassSizes:
    """Return the sizes of the classes of a fit.

    Parameters
    ----------
    codes : ndarray of int, shape (N,)
        The place of each row's class.
    n_classes : int
        O.
    weight : ndarray of float64, shape (N,), or None
        Row weights, above 0.
    class_weight : ndarray of float64, shape (O,), or None
    batches : bool
        Whether each class has as many rows of an epoch.
    scale : float or None
        What class weights are divided by. None: their mean over the rows that come.

    Examples
    --------
    >>> sizes = class_sizes(np.array([0, 0, 0, 1]), 2, class_weight=np.array([1.0, 3.0]))
    >>> sizes.shares, sizes.factors, sizes.in_training
    (array([0.75, 0.25]), array([0.66666667, 2.        ]), array([0.5, 0.5]))
    """
    counts = np.bincount(codes, minlength=n_classes)
    sums = np.bincount(codes, weights=weight, minlength=n_classes).astype(np.float64)
    shares = np.maximum(sums, 0.5 * sums.sum() / len(codes))
    drawn = np.ones(n_classes)
    if batches:
        there = counts > 0
        drawn[there] = len(codes) / (there.sum() * counts[there])
    if class_weight is None:
        return ClassSizes(shares / shares.sum(), drawn, None, 1.0)
    if scale is None:
        scale = float((sums * drawn * class_weight).sum() / (sums * drawn).sum())
    with np.errstate(invalid="ignore"):
        return ClassSizes(shares / shares.sum(), drawn, class_weight / scale, scale)


def label_shares(y: NDArray[Any], weight: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the share of rows (N, O) that have each label, at least half a row's off 0 and 1."""
    return np.average(y, axis=0, weights=weight).clip(0.5 / len(y), 1 - 0.5 / len(y))


@dataclass(frozen=True)
class Calibration:
    """Turns logits into probabilities among rows whose classes have given shares.

    A net of any of our losses tells the probabilities among the rows as its training counted
    them, which is known. Elkan (2001), and Saerens, Latinne and Decaestecker (2002), for shares;
    Charoenphakdee et al. (2021) for the focal loss.

    Parameters
    ----------
    loss : callable
        That of the training.
    shift : ndarray of float64, shape (O,)
        Logarithm of how many times as much a class counts here as in training.
    """

    loss: Callable[..., Tensor]
    shift: NDArray[np.float64]

    def __call__(self, logits: Tensor) -> Tensor:
        """Return log-probabilities of logits (..., O) of float64."""
        if (offset := getattr(self.loss, "offset", None)) is not None:
            logits = logits + logits.new_tensor(offset)
        log = logits.log_softmax(dim=-1)
        if (gamma := getattr(self.loss, "gamma", None)) is not None:
            log = log - pull(log.exp(), log, gamma).log()
        return (log + torch.from_numpy(self.shift)).log_softmax(dim=-1)


def calibration(
    prior_correction: bool | dict[Any, float],
    loss: Callable[..., Tensor],
    sizes: ClassSizes,
    classes: NDArray[Any],
) -> Calibration | None:
    """Return what makes up for a training that counted the classes otherwise than they are.

    Parameters
    ----------
    prior_correction : bool, or dict of class to share
        True: to the shares of the data of the fit; a dict: to those shares.
    loss : callable
    sizes : ClassSizes
    classes : ndarray of shape (O,)

    Raises
    ------
    ValueError
        If a share is missing or not above 0, or a class had no part in the training.
    """
    if prior_correction is False:
        return None
    if (sizes.pressed == 0).any():
        raise ValueError(refusals.no_way_back(classes[sizes.pressed == 0]))
    shift = -np.log(sizes.pressed)
    if isinstance(prior_correction, dict):
        known = classes.tolist()
        prior = np.array([prior_correction.get(label, 0.0) for label in known], dtype=np.float64)
        if set(prior_correction) != set(known) or not (prior > 0).all():
            raise ValueError(refusals.no_shares(prior_correction, known))
        shift = shift + np.log(prior / prior.sum() / sizes.shares)
    return Calibration(loss, shift)


@dataclass(frozen=True)
class Imbalance:
    """What a fit does about the sizes of its classes.

    Parameters
    ----------
    loss : callable (outputs, target, weight) -> scalar Tensor
        With the shares of the classes, if it wants to know them.
    sizes : ClassSizes or None
        None where the classes do not exclude each other.
    calibration : Calibration or None
        Makes up for it in the probabilities.
    """

    loss: Callable[..., Tensor]
    sizes: ClassSizes | None = None
    calibration: Calibration | None = None


def imbalance(net: Any, data: Data, codes: NDArray[np.intp], before: Imbalance | None) -> Imbalance:
    """Return what a fit does about classes that exclude each other.

    Parameters
    ----------
    net : NetClassifier
    data : Data
    codes : ndarray of int, shape (N,)
        The place of each row's class.
    before : Imbalance or None
        Of the fit that this one goes on from: later classes are weighed against the first ones.

    Raises
    ------
    ValueError
        If parameters do not go together, or leave nothing to train on.
    """
    if net.balanced_batches and isinstance(data.X, OnDisk):
        raise ValueError(refusals.no_balance_on_disk())
    weights = None
    if net.class_weight is not None:
        weights = class_weights(net.class_weight, net.classes_, codes)
    scale = before.sizes.scale if before is not None and before.sizes is not None else None
    sizes = class_sizes(codes, len(net.classes_), data.weight, weights, net.balanced_batches, scale)
    if sizes.scale == 0:
        raise ValueError(refusals.no_weight_left(net.class_weight))
    loss = make_loss(net.loss, sizes.in_training.tolist())
    return Imbalance(loss, sizes, calibration(net.prior_correction, loss, sizes, net.classes_))


def label_imbalance(net: Any, data: Data) -> Imbalance:
    """Return what a fit does about the sizes of labels, several of which a row may have.

    Raises
    ------
    ValueError
        If something is asked for that only classes can have.
    """
    for name in ("balanced_batches", "prior_correction"):
        if getattr(net, name) is not False:
            raise ValueError(refusals.not_exclusive(name, getattr(net, name)))
    if net.balance_after and net.class_weight is not None:
        raise ValueError(refusals.not_exclusive("balance_after", net.balance_after))
    shares = label_shares(data.y, data.weight)
    return Imbalance(make_loss(net.loss, shares.tolist(), multilabel=True))
