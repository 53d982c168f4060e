"""One training of a FineTuner, from its data to the fitted whole net."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from torch import nn

from sknn_tricks.estimators._ensemble import members_to_train
from sknn_tricks.fused._random import draw_seed
from sknn_tricks.fused._rows import predict_batch
from sknn_tricks.nets import MLP
from sknn_tricks.transfer._backbone import as_backbone
from sknn_tricks.transfer._choice import CLASSES_OF_NUMBERS, MOST_ROWS, Sample, choose
from sknn_tricks.transfer._features import (
    Forward,
    check_scale,
    computed,
    extractor_of,
    flat_layers,
    scaled_,
    shape_behind,
    shape_of_features,
    some_rows,
)
from sknn_tricks.transfer._layers import take_apart
from sknn_tricks.transfer._start import linear_head
from sknn_tricks.transfer._whole import layered, new_head, scale_of, sequential, take_over

Train = Callable[..., Any]


class Training:
    """One training.

    Parameters
    ----------
    tuner : FineTuner
    net : NetClassifier or NetRegressor
        With the settings of the training; it is to become the fitted whole.
    X, y, sample_weight, validation_data
        As they were given to `fit`.

    Attributes
    ----------
    choice : Choice
    cut : str
    feature_shape : tuple of int
    """

    def __init__(
        self, tuner: Any, net: Any, X: Any, y: Any, sample_weight: Any, validation_data: Any
    ) -> None:
        self._tuner, self._net = tuner, net
        self._given = X, y, sample_weight, validation_data
        net.set_params(module=self._head())._validate_params()
        self._data = net._learn_from_data(X, y, sample_weight, None, resume=False)
        backbone = as_backbone(tuner.backbone, tuner.module, net.input_shape_)
        check_scale(backbone, self._data.X)
        self._foreign = backbone.foreign
        self._sample = self._some_rows()
        module = backbone.module.to(self._sample.rows.dtype)
        self._layers = take_apart(module, self._sample.rows[:2])
        self.choice = choose(tuner.strategy, self._layers, tuner.cut, self._sample)
        self._kept = self._layers.first(self.choice.n_kept)
        self.cut = list(self._kept)[-1]
        self.feature_shape = shape_behind(self._kept, self._sample.rows[:2])
        self._flat = flat_layers(self.feature_shape)

    def _some_rows(self) -> Sample:
        """Return rows to look at, at random, but always the same."""
        data, n = self._data, min(len(self._data), MOST_ROWS)
        index = np.sort(np.random.default_rng(0).permutation(len(data))[:n])
        classes = is_classifier(self._net) and data.y.ndim == 1
        n_kinds = len(np.unique(data.y)) if classes else CLASSES_OF_NUMBERS
        x = some_rows(data.X[index], self._net.dtype, n)
        return Sample(x, data.y[index], classes, len(data) / n_kinds)

    def run(self, train: Train) -> Any:
        """Return the fitted whole net.

        Parameters
        ----------
        train : callable (estimator, X, y, sample_weight, validation_data) -> estimator
            Fits an estimator.
        """
        if self.choice.strategy == "pretrained_init":
            head = {"head": self._new_head()}
            return self._train_whole(train, sequential(self._kept, self._flat, head))
        if self.choice.strategy == "fine_tune":
            return self._train_whole(train, self._layered(self._tuner.unfreeze_every))
        if self._net.augment is None and not self._net.cutmix:
            return self._train_head(train)
        # Each step has other images, and so other features.
        return self._train_whole(train, self._layered(math.inf))

    def _train_head(self, train: Train) -> Any:
        """Train a head on the features of all rows, which are computed once."""
        net, data, validation_data = self._net, self._data, self._given[3]
        body = sequential(self._kept, self._flat).requires_grad_(False)
        extractor = extractor_of(net, body.to(net._device))
        with tempfile.TemporaryDirectory() as folder:
            features = computed(extractor, data.X, net.dtype, Path(folder, "training"))
            scale = scale_of(features)
            watched = None
            if validation_data is not None:
                given = net._check_validation_data(validation_data)
                seen = computed(extractor, given.X, net.dtype, Path(folder, "validation"))
                watched = scaled_(seen, scale), given.y
            head = self._estimator_of_head(body, scale)
            train(head, scaled_(features, scale), data.y, data.weight, watched)
        whole = sequential(dict(body.named_children()), {"scale": scale.to(net._device)})
        net._foreign = self._foreign
        take_over(net, head, members_to_train(net, resume=False), whole)
        return self._finished(net)

    def _estimator_of_head(self, body: nn.Module, scale: nn.Module) -> Any:
        """Return what is trained on features: from a linear model on, or as the user says."""
        head = clone(self._net).set_params(tta=None)
        if self._tuner.head is None and head.init == "auto":
            head.set_params(module=self._linear_head(body, scale))
        return head

    def _train_whole(self, train: Train, module: nn.Module) -> Any:
        """Train body and head as one module."""
        # Its weights are drawn, or pretrained, already.
        net = clone(self._net).set_params(module=module, init="auto")
        return self._finished(train(net, *self._given))

    def _finished(self, net: Any) -> Any:
        """Return a fitted net as one that has its module by itself."""
        for each in {id(each): each for each in (net, *getattr(net, "members_", []))}.values():
            each.module, each._foreign = each.net_.module_, self._foreign
        return net

    def _layered(self, unfreeze_every: float) -> nn.Module:
        """Return body and head, of which parts learn later, or never."""
        body = sequential(self._kept, self._flat)
        scale = scale_of(self._features_of_sample(body))
        is_frozen = unfreeze_every == math.inf
        head = self._linear_head(body, scale) if is_frozen else self._new_head(at_zero=True)
        flat, decay = {**self._flat, "scale": scale}, self._tuner.lr_decay
        return layered(self._layers, self.choice.n_kept, flat, head, decay, unfreeze_every)

    @torch.no_grad()
    def _linear_head(self, body: nn.Module, scale: nn.Module) -> nn.Module:
        """Return a head that does what a linear model does that has seen some rows."""
        if self._tuner.head is not None:
            return self._new_head(at_zero=True)
        net, sample = self._net, self._sample
        features = scale(torch.from_numpy(self._features_of_sample(body))).numpy()
        kind = "classes" if sample.classes else "labels" if is_classifier(net) else "numbers"
        return linear_head(features, net._encode(sample.targets), net._n_outputs, kind=kind)

    @torch.no_grad()
    def _features_of_sample(self, body: nn.Module) -> NDArray[Any]:
        rows = self._sample.rows.to(Forward(body).device, copy=True)  # it may work in place
        batches = rows.split(predict_batch(tuple(rows.shape[1:])))
        return torch.cat([body.eval()(batch).cpu() for batch in batches]).numpy()

    def _new_head(self, at_zero: bool = False) -> nn.Module:
        net, n_features = self._net, math.prod(shape_of_features(self.feature_shape))
        seed = draw_seed(net.random_state)
        return new_head(self._head(), n_features, net._n_outputs, seed, at_zero)

    def _head(self) -> Any:
        return MLP(hidden=()) if self._tuner.head is None else self._tuner.head
