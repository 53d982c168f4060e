"""What NetClassifier and NetRegressor share: X, y to a Job, and a trained net to outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_array

from sknn_tricks._read_once import ReadOnce
from sknn_tricks._sklearn_private import (
    check_sample_weight,
    has_epoch_listeners,
)
from sknn_tricks._unchanged import unchanged_on_error
from sknn_tricks.estimators import _refusals as refusals
from sknn_tricks.estimators._augment import with_own_augment
from sknn_tricks.estimators._beyond import in_reading_order, validate_rows, x_of
from sknn_tricks.estimators._constraints import CONSTRAINTS
from sknn_tricks.estimators._data import Data, hold_out, to_tensor
from sknn_tricks.estimators._ensemble import bootstrap, members_to_train
from sknn_tricks.estimators._epochs import EpochTasks, Following
from sknn_tricks.estimators._fitted import Fitted
from sknn_tricks.estimators._monitor import Watched, check_monitor, monitor_of
from sknn_tricks.estimators._precision import dtype_name
from sknn_tricks.estimators._prediction import Prediction
from sknn_tricks.estimators._settings import find_device, settings_of
from sknn_tricks.estimators._tta import views_of, with_own_tta
from sknn_tricks.fused import Job, Rows, Stopping
from sknn_tricks.fused._balance import NO_BALANCE, Balance
from sknn_tricks.fused._courses import unscheduled
from sknn_tricks.fused._random import draw_seed, stream_seed
from sknn_tricks.fused.rendezvous import train_together
from sknn_tricks.nets import as_spec


class BaseNet(Fitted, Prediction, ReadOnce, CallbackSupportMixin, BaseEstimator):
    """Base of the estimators. A subclass says what targets mean.

    A subclass writes ``_check_y``, ``_learn_target``, ``_encode``, ``_labels`` and ``_task``, and
    may write ``_row_weights``, ``_class_factors``, ``_balance`` and ``_own_settings``.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS

    def __init__(
        self,
        module: Any = None,
        *,
        init: Any = "auto",
        bias_init: float = 0.0,
        optimizer: Any = "adamw",
        lr: float = 0.005,
        lr_schedule: Any = "constant",
        warmup: float = 0.0,
        lr_scaling: str | None = None,
        weight_decay: float = 0.01,
        weight_decay_schedule: Any = "constant",
        decay_biases: bool = False,
        momentum: float = 0.9,
        betas: tuple[float, float] = (0.9, 0.999),
        clip_norm: float | None = None,
        clip_value: float | None = None,
        max_norm: float | None = None,
        l1: float = 0.0,
        dropout_schedule: Any = "constant",
        input_noise: float = 0.0,
        mixup: float = 0.0,
        augment: Any = None,
        cutmix: float = 0.0,
        tta: Any = None,
        averaging: Any = None,
        batch_size: int = 128,
        max_epochs: int = 80,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        tol: float = 0.0,
        monitor: Any = "loss",
        callbacks: Any = None,
        warm_start: bool = False,
        n_members: int = 1,
        bagging: bool = False,
        dtype: str = "float32",
        device: Any = "auto",
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.module = module
        self.init = init
        self.bias_init = bias_init
        self.optimizer = optimizer
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.warmup = warmup
        self.lr_scaling = lr_scaling
        self.weight_decay = weight_decay
        self.weight_decay_schedule = weight_decay_schedule
        self.decay_biases = decay_biases
        self.momentum = momentum
        self.betas = betas
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.max_norm = max_norm
        self.l1 = l1
        self.dropout_schedule = dropout_schedule
        self.input_noise = input_noise
        self.mixup = mixup
        self.augment = augment
        self.cutmix = cutmix
        self.tta = tta
        self.averaging = averaging
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.tol = tol
        self.monitor = monitor
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.n_members = n_members
        self.bagging = bagging
        self.dtype = dtype
        self.device = device
        self.verbose = verbose
        self.random_state = random_state

    # --- parameters -------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep`, also those of the module as ``module__<name>``."""
        params = super().get_params(deep=deep)
        if deep and (self.module is None or isinstance(self.module, type)):
            inner = cast(BaseEstimator, as_spec(self.module)).get_params()
            params |= {f"module__{name}": value for name, value in inner.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of the module as ``module__<name>``, of `augment`, `tta` likewise.

        What was given as `module`, `augment` or `tta` is never changed: this estimator gets its own
        copy.
        """
        if any(name.startswith("module__") for name in params):
            spec = as_spec(params.pop("module", self.module))
            if not hasattr(spec, "set_params"):
                raise ValueError(refusals.no_params(spec, params))
            params["module"] = clone(spec)
        if any(name.startswith("augment__") for name in params):
            params = with_own_augment(params, self.augment)
        if any(name.startswith("tta__") for name in params):
            params = with_own_tta(params, self.tta)
        return super().set_params(**params)

    # --- fitting ----------------------------------------------------------------------------

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> Self:
        """Train the net.

        Parameters
        ----------
        X : array-like or OnDisk, of shape (N, D) or (N, ...)
            Rows, of any numeric type; sparse matrices are refused (use ``X.toarray()``). A
            ``numpy.memmap`` or another large array that is not in memory is read by blocks, which
            makes the order of rows another one: see `sknn_tricks.OnDisk`. uint8 of three or more
            axes are images: they stay bytes in memory and on the disk, and the net sees shares of
            255, to the bit those of ``X.astype(dtype) / 255``. It then takes integers as bytes
            wherever it is given rows, and floats as shares, which must be about from 0 to 1. Files
            of images come as `sknn_tricks.ImageFolder`.
        y : array-like of shape (N,) or (N, O)
            Classification: labels of any type, or an indicator matrix of labels. Regression:
            numbers; predictions will have the same number of axes.
        sample_weight : array-like of shape (N,), default=None
            Row weights. A row of weight 0 counts as absent.
        validation_data : pair (X, y), default=None
            Rows to watch after each epoch, and for early stopping in place of a held-out share.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If data or parameters are not right. The estimator is then as it was before.
        DivergenceError
            If a training loss is no finite number.
        """
        with unchanged_on_error(self):
            return self._fit(
                X,
                y,
                sample_weight,
                max_epochs=self.max_epochs,
                resume=self.warm_start,
                early_stopping=self.early_stopping,
                validation_data=validation_data,
            )

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        max_epochs: int,
        resume: bool,
        early_stopping: bool = False,
        validation_data: tuple[Any, Any] | None = None,
        classes: Any = None,
        scheduled: bool = True,
    ) -> Self:
        self._validate_params()
        check_monitor(self.monitor)
        resume = resume and hasattr(self, "net_")
        data = self._learn_from_data(X, y, sample_weight, classes, resume)
        stopping = Stopping(self.patience, self.tol) if early_stopping else None
        watched = None
        if validation_data is not None:
            watched = self._watched(self._check_validation_data(validation_data))
        members = members_to_train(self, resume)
        jobs = [member._job(data, max_epochs, stopping, watched, resume) for member in members]
        if not scheduled:
            jobs = [unscheduled(job) for job in jobs]

        context = self._init_callback_context(max_subtasks=max_epochs)
        hooks = {"estimator": self, **data.hooks()}
        context.call_on_fit_task_begin(**hooks)
        if has_epoch_listeners(context):
            # Of an ensemble, the first member tells of its epochs.
            first = EpochTasks(context, hooks)
            others = [replace(job, epochs=Following(first)) for job in jobs[1:]]
            jobs = [replace(jobs[0], epochs=first), *others]
        for member, trained in zip(members, train_together(*jobs), strict=True):
            member._take_over(trained, member.history_ if resume else [])
        if members != [self]:
            self._take_over_members(members)
        context.call_on_fit_task_end(**hooks, reconstruction_attributes=dict)
        return self

    def _job(
        self,
        data: Data,
        max_epochs: int,
        stopping: Stopping | None,
        watched: Watched | None,
        resume: bool,
    ) -> Job:
        """Return what trains this single net; it may be given rows to watch."""
        seed = self.net_.seed if resume else draw_seed(self.random_state)
        rows, watched = self._split(data, stopping, watched, seed)
        if stopping is not None and watched is not None:
            stopping = replace(stopping, monitor=monitor_of(self, watched.y))
        return Job(
            train=rows,
            valid=None if watched is None else watched.rows,
            max_epochs=max_epochs,
            stopping=stopping,
            seed=seed,
            start=self.net_ if resume else None,
            balance=self._balance(max_epochs),
            **settings_of(self),
            **self._own_settings(),
        )

    def _learn_from_data(
        self, X: Any, y: Any, sample_weight: Any, classes: Any, resume: bool
    ) -> Data:
        """Return the checked data; a fit that starts anew learns their shape, targets and scale."""
        if resume and self.dtype != (before := dtype_name(self.net_.module_)):
            raise ValueError(refusals.other_dtype(self.dtype, before))
        self._device = torch.device(self.net_.device) if resume else find_device(self.device)
        data = self._check_data(X, y, sample_weight, reset=not resume)
        if not resume:
            self.__dict__.pop("members_", None)
            self.input_shape_ = data.X.shape[1:]
            self._foreign = as_spec(self.module).foreign
        self._check_shape(data.X)
        # Complains before anything is trained.
        views_of(self.tta, self.input_shape_, self._of_bytes, self.module, self.augment)
        self._learn_target(data, classes, resume)
        if not resume:  # later data are weighed against the first ones
            weight = self._row_weights(data)
            self._mean_weight = 1.0 if weight is None else weight.mean()
        return data

    def _check_data(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> Data:
        """Return X in the net's dtype, y, and the weights; rows of weight 0 are left out."""
        of_y = {"multi_output": True, "y_numeric": self._y_numeric}
        X, y = validate_rows(self, X, y, reset=reset, dtype=self.dtype, **of_y)
        if issparse(y):
            check_array(y, input_name="y")  # says that it must be dense
        y = self._check_y(y)
        if sample_weight is None:
            return Data(X, y, None)
        weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        return Data(X, y, weight).without_absent()

    def _split(
        self, data: Data, stopping: Stopping | None, watched: Watched | None, seed: int
    ) -> tuple[Rows, Watched | None]:
        """Return the rows to train on and those to watch."""
        if watched is not None or stopping is None:
            return self._rows(self._bagged(data, seed)), watched
        kept, held_out = hold_out(
            len(data), self.validation_fraction, self._labels(data.y), stream_seed(seed, "split")
        )
        train = self._rows(self._bagged(data.take(kept), seed))
        return train, self._watched(data.take(held_out))

    def _watched(self, data: Data) -> Watched:
        data = in_reading_order(data)
        return Watched(self._rows(data, watched=True), data.y)

    def _bagged(self, data: Data, seed: int) -> Data:
        return data.take(bootstrap(len(data), seed)) if self.bagging else data

    def _check_validation_data(self, validation_data: tuple[Any, Any]) -> Data:
        if not (isinstance(validation_data, tuple | list) and len(validation_data) == 2):
            raise ValueError(refusals.no_pair(validation_data))
        data = self._check_data(*validation_data, None, reset=False)
        self._check_shape(data.X)
        return data

    def _rows(self, data: Data, watched: bool = False) -> Rows:
        """Return the rows as tensors on the device, the targets as the loss wants them.

        The weights of the classes are in those of rows to watch; a job has them for the others.
        """
        data = in_reading_order(data)
        weight, held = self._row_weights(data), None
        if weight is not None:
            weight = weight / self._mean_weight
        if watched and (factors := self._class_factors(data)) is not None:
            weight = factors if weight is None else factors * weight
        if weight is not None:
            held = to_tensor(weight).to(self._device, getattr(torch, self.dtype))
        target = to_tensor(self._encode(data.y)).to(self._device)
        x = x_of(data, self.dtype, self._device, self._of_bytes)
        return Rows(x, target, held, getattr(torch, self.dtype))

    def _row_weights(self, data: Data) -> NDArray[Any] | None:
        return data.weight

    def _class_factors(self, data: Data) -> NDArray[Any] | None:
        return None

    def _balance(self, max_epochs: int) -> Balance:
        return NO_BALANCE

    def _own_settings(self) -> dict[str, Any]:
        return {}
