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
from scipy.stats import gmean
from sklearn.base import clone, is_classifier
from torch import Tensor, nn

from sknn_tricks.estimators._ensemble import members_to_train
from sknn_tricks.fused._random import draw_seed
from sknn_tricks.fused._rows import predict_batch
from sknn_tricks.nets import MLP
from sknn_tricks.transfer._backbone import as_backbone
from sknn_tricks.transfer._choice import CLASSES_OF_NUMBERS, MOST_ROWS, Sample, choose
from sknn_tricks.transfer._features import (
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
from sknn_tricks.transfer._whole import at_zero, layered, new_head, scale_of, sequential, take_over

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
        module = backbone.module.to(self._sample.rows)
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
        n_rows = len(data) / CLASSES_OF_NUMBERS
        if classes:
            n_rows = gmean(np.unique(data.y, return_counts=True)[1])
        x = some_rows(data.X[index], self._net.dtype, n).to(self._net._device)
        return Sample(x, data.y[index], classes, index, float(n_rows))

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
            features = scaled_(features, scale)
            head = self._estimator_of_head(features[self._sample.index])
            train(head, features, data.y, data.weight, watched)
        whole = sequential(dict(body.named_children()), {"scale": scale.to(net._device)})
        net._foreign = self._foreign
        take_over(net, head, members_to_train(net, resume=False), whole)
        return self._finished(net)

    def _estimator_of_head(self, features: NDArray[Any]) -> Any:
        """Return what is trained on features: from a linear model on, or as the user says."""
        head = clone(self._net).set_params(tta=None)
        if self._starts_linear:
            head.set_params(module=self._linear_head(features))
        return head

    @property
    def _starts_linear(self) -> bool:
        """Whether a head on frozen features starts as a linear model of the sample."""
        return self._tuner.head is None and self._net.init == "auto"

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
        features = self._features_of_sample(body)
        scale = scale_of(features)
        if unfreeze_every < math.inf:
            head = at_zero(self._new_head())
        elif self._starts_linear:
            head = self._linear_head(scaled_(features, scale))
        else:
            head = self._new_head(self._net.init, torch.from_numpy(scaled_(features, scale)))
        flat, decay = {**self._flat, "scale": scale}, self._tuner.lr_decay
        return layered(self._layers, self.choice.n_kept, flat, head, decay, unfreeze_every)

    def _linear_head(self, features: NDArray[Any]) -> nn.Module:
        """Return a head that does what a linear model does that has seen the sample.

        Its outputs are 0 where the net itself holds rows out, as the model would have seen them.
        """
        net, sample = self._net, self._sample
        if net.early_stopping and self._given[3] is None:
            return at_zero(self._new_head())
        kind = "classes" if sample.classes else "labels" if is_classifier(net) else "numbers"
        data = self._data.take(sample.index)
        factors, weight = net._class_factors(data), data.weight
        if factors is not None:
            weight = factors if weight is None else factors * weight
        targets = net._encode(sample.targets)
        return linear_head(features, targets, net._n_outputs, kind=kind, weight=weight)

    @torch.no_grad()
    def _features_of_sample(self, body: nn.Module) -> NDArray[Any]:
        rows = self._sample.rows.clone()  # it may work in place
        batches = rows.split(predict_batch(tuple(rows.shape[1:])))
        return torch.cat([body.eval()(batch).cpu() for batch in batches]).numpy()

    def _new_head(self, init: Any = "auto", features: Tensor | None = None) -> nn.Module:
        net, n_features = self._net, math.prod(shape_of_features(self.feature_shape))
        seed = draw_seed(net.random_state)
        return new_head(self._head(), n_features, net._n_outputs, seed, init, features)

    def _head(self) -> Any:
        return MLP(hidden=()) if self._tuner.head is None else self._tuner.head
