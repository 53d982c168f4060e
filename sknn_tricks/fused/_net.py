"""The skorch net that trains: skorch's own loop, without its cost per batch."""

from __future__ import annotations

import copy
import dis
import math
from collections.abc import Callable
from typing import Any, Self, cast

import torch
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer, PrintLog
from skorch.utils import to_tensor
from torch import Tensor, nn

from sknn_tricks.fused._balance import NO_BALANCE, Balance, Orders
from sknn_tricks.fused._courses import Courses, PlainRates
from sknn_tricks.fused._hooks import NOTHING, Hooks
from sknn_tricks.fused._job import Cancelled, Epochs, Loss
from sknn_tricks.fused._random import stream_seed
from sknn_tricks.fused._rows import Batch, OrderedBatches, Rows, ShuffledBatches, predict_batch
from sknn_tricks.fused._stopping import check_finite

OWN = ("module_", "optimizer_", "callbacks_")
BATCH_HOOKS = ("on_batch_begin", "on_batch_end", "on_grad_computed")


class StopTraining(Exception):
    """Leaves skorch's loop after an epoch."""


class Criterion(nn.Module):
    """A loss function as a module."""

    def __init__(self, loss: Loss) -> None:
        super().__init__()
        self.loss = loss
        self.label_smoothing = 0.0
        self.factors: tuple[float, ...] | None = None

    def forward(self, outputs: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """Return the mean loss of a batch; smooth labels and class factors are for training."""
        if not self.training:
            return self.loss(outputs, target, weight)
        if self.factors is not None:
            factor = outputs.new_tensor(self.factors)[target]
            weight = factor if weight is None else factor * weight
        if self.label_smoothing:
            return self.loss(outputs, target, weight, self.label_smoothing)
        return self.loss(outputs, target, weight)


class Net(NeuralNet):
    """An ordinary skorch net whose data are `Rows`.

    Everything that a skorch user knows works on it: ``module_``, ``history``, ``forward``,
    ``predict_proba``, ``save_params``, callbacks. It differs where skorch is slow or would
    surprise: batches are slices, epochs are shuffled by a generator of the net's own, losses are
    read once an epoch unless a callback listens to batches, and an interrupt is an interrupt.

    Parameters
    ----------
    *args, **kwargs
        skorch's. ``criterion`` is a function (outputs, target, weight) -> scalar, ``optimizer``
        one (module, lr) -> optimiser.
    seed : int, default=0
        Where its random streams start.
    label_smoothing : float, default=0.0
        Share of each target that is spread over all classes in training.
    balance : Balance, default=NO_BALANCE
        What is done about classes of different sizes.
    score : callable (outputs, target, weight) -> float, or None
        Taken on the validation rows after each epoch, as ``valid_score``.
    """

    # Only set while `run` is at work.
    valid_: Rows | None = None
    epochs_: Epochs | None = None
    stop_requested_ = False
    is_cancelled_: Callable[[], bool] | None = None
    # The epoch, from 1, whose weights the module has.
    kept_epoch_ = 0
    # The weights to go on from, where the module has an average, and the steps that are in that.
    last_: dict[str, Tensor] | None = None
    n_averaged_ = 0
    # Weights of earlier epochs, whose predictions are averaged with the module's.
    snapshots_: tuple[dict[str, Tensor], ...] = ()
    tricks_: Hooks = NOTHING
    # Whether uint8 are bytes, to be shares of 255, as in its first training.
    of_bytes_ = False
    # How the rates go on, and, in skorch's loop, what sets them.
    courses_: Courses | None = None
    rates_: PlainRates | None = None

    def __init__(
        self,
        *args: Any,
        seed: int = 0,
        label_smoothing: float = 0.0,
        balance: Balance = NO_BALANCE,
        score: Callable[[Tensor, Any, Tensor | None], float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.seed = seed
        self.label_smoothing = label_smoothing
        self.balance = balance
        self.score = score

    @property
    def _default_callbacks(self) -> list[tuple[str, Callback]]:
        printed = [("print_log", PrintLog())] if self.verbose else []
        return [("epoch_timer", EpochTimer()), *printed]

    def initialize_history(self) -> Net:
        """Start a new history."""
        super().initialize_history()
        self.best_losses_: dict[str, float] = {}
        return self

    def initialize_criterion(self) -> Net:
        """Wrap the loss, a function, in a module: skorch saves criteria as modules."""
        self.criterion_ = Criterion(self.criterion)
        return self

    def initialize_optimizer(self, triggered_directly: None = None) -> Net:
        """Make the optimiser of the module's parameters."""
        self.optimizer_ = self.optimizer(self.module_, lr=self.lr)
        return self

    def run(
        self,
        train: Rows,
        valid: Rows | None,
        max_epochs: int,
        epochs: Epochs | None = None,
    ) -> None:
        """Train in skorch's loop, on from where the net stands."""
        self.begin(train, valid, epochs)
        if self.courses_ is not None and not self.courses_.is_constant:
            self.rates_ = PlainRates(self.courses_, self.module_, self.optimizer_)
        try:
            self.fit_loop(train, epochs=max_epochs)
        except StopTraining:
            pass
        except BaseException:
            self._forget_training()
            raise
        self.end(train)

    def begin(self, train: Rows, valid: Rows | None, epochs: Epochs | None) -> None:
        """Begin a training."""
        self.valid_, self.epochs_, self.stop_requested_ = valid, epochs, False
        self.notify("on_train_begin", X=train, y=train.target)
        if self.last_ is not None:
            self.module_.load_state_dict(self.last_)
        self.last_, self.n_averaged_, self.snapshots_ = None, 0, ()

    def end(self, train: Rows) -> None:
        """End a training."""
        for trick in self.tricks_.tricks:
            trick.save(self)
        self._forget_training()
        self.notify("on_train_end", X=train, y=train.target)
        self._set_training(False)

    def _forget_training(self) -> None:
        if self.rates_ is not None:
            self.rates_.reset()
        self.valid_ = self.epochs_ = self.is_cancelled_ = self.courses_ = self.rates_ = None
        self.tricks_ = NOTHING

    def twin(self) -> Self:
        """Return a copy to predict with, or to go on training, that leaves this net as it is.

        ``copy.deepcopy`` would take skorch's way through pickle, which not all modules can go.
        """
        copies: dict[int, Any] = {}  # shared, so that the optimiser's parameters are the module's
        own = {name: copy.deepcopy(getattr(self, name), copies) for name in OWN}
        own_memory(own["module_"])
        own["criterion_"] = copy.copy(self.criterion_)
        # Epochs that are over do not change any more.
        record = {"history_": copy.copy(self.history_), "best_losses_": dict(self.best_losses_)}
        idle = dict.fromkeys(("valid_", "epochs_", "is_cancelled_", "courses_", "rates_"))
        twin = type(self).__new__(type(self))
        twin.__dict__ = {**vars(self), **own, "module": own["module_"], **record, **idle}
        twin.tricks_ = NOTHING
        return twin

    def notify(self, method_name: str, **kwargs: Any) -> None:
        """Call the hooks, then stop if one asked for it after an epoch."""
        if method_name == "on_epoch_begin" and self.courses_ is not None:
            self.courses_.begin_epoch()
        if method_name == "on_epoch_begin" and self.epochs_ is not None:
            self.epochs_.begin()
        try:
            super().notify(method_name, **kwargs)
        except KeyboardInterrupt as interrupt:
            if method_name != "on_epoch_end" or not _raised_by_callback(interrupt):
                raise
            self.stop_requested_ = True
        if method_name == "on_epoch_end":
            check_finite(self)
            if self.courses_ is not None:
                self.courses_.end_epoch(self.history[-1])
            if self.epochs_ is not None and self.epochs_.end(self):
                self.stop_requested_ = True
            if self.stop_requested_:
                raise StopTraining

    def get_split_datasets(self, X: Any, y: Any = None, **_: Any) -> tuple[Rows, Rows | None]:
        """Return the rows for training and validation; the latter were settled beforehand."""
        return self.get_dataset(X, y), self.valid_

    def get_dataset(self, X: Any, y: Any = None) -> Rows:
        """Return X and y as Rows."""
        if isinstance(X, Rows):
            return X
        dtype = next((p.dtype for p in self.module_.parameters()), torch.float32)
        x, target = to_tensor(X, device=self.device), None
        if y is not None:
            target = to_tensor(y, device=self.device)
        if self.of_bytes_ and x.dtype == torch.uint8:
            return Rows(x, target, dtype=dtype)
        return Rows(x.to(dtype), target)

    def get_iterator(
        self, dataset: Rows, training: bool = False
    ) -> ShuffledBatches | OrderedBatches:
        """Return what yields the batches."""
        if not training:
            return OrderedBatches(dataset, predict_batch(tuple(dataset.x.shape[1:])))
        seed = stream_seed(self.seed, "shuffle", len(self.history))
        generator = torch.Generator().manual_seed(seed)
        orders = Orders(dataset, self.balance, generator)
        return ShuffledBatches(dataset, self.batch_size, orders)

    def run_single_epoch(
        self, iterator: Any, training: bool, prefix: str, step_fn: Any, **fit_params: Any
    ) -> None:
        """Run one epoch of training or validation and record its mean loss."""
        if iterator is None:
            return
        if not training:
            self._validate(iterator)
            return
        self._settle_criterion(iterator.epoch)
        if self.rates_ is not None:
            self.rates_.begin_epoch()
        for begin in self.tricks_.on_epoch_begin:
            begin(iterator.epoch)
        batches = iterator
        for prepare in self.tricks_.on_batches:
            batches = prepare(batches)
        if self._batches_are_watched():
            super().run_single_epoch(batches, training, prefix, self._watched_step, **fit_params)
            recorded = self.history[-1, "batches", :, "train_loss"]
            self.record_loss("train_loss", _mean(recorded, iterator.sizes))
        else:
            if not self.module_.training:
                self._set_training(True)
            losses = [step_fn(batch, **fit_params)["loss"].detach() for batch in batches]
            self.record_loss("train_loss", _mean(torch.stack(losses).tolist(), iterator.sizes))
            self.history.new_batch()  # skorch's checkpoints look for a last batch
        for end in self.tricks_.on_epoch_end:
            end()

    def _settle_criterion(self, epoch: int) -> None:
        """Give the criterion what this training wants of it in an epoch, from 0."""
        balanced = epoch >= self.balance.start
        self.criterion_.label_smoothing = self.label_smoothing
        self.criterion_.factors = self.balance.factors if balanced else None

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        """Compute the loss of one batch and the gradients."""
        if self.is_cancelled_ is not None and self.is_cancelled_():
            raise Cancelled
        for change in self.tricks_.on_batch:
            batch = change(batch)
        x, target = batch
        outputs = self.module_(x)
        loss = self.criterion_(outputs, target, batch.weight)
        if (blend := batch.blend) is not None:
            other = self.criterion_(outputs, blend.target, blend.weight)
            loss = torch.lerp(other, loss, blend.share)
        loss.backward()
        for change in self.tricks_.on_grads:
            change()
        return {"loss": loss, "y_pred": outputs}

    def train_step(self, batch: Batch, **fit_params: Any) -> Any:
        """Make one step."""
        if self.rates_ is not None:
            self.rates_.begin_step()
        step = super().train_step(batch, **fit_params)
        for change in self.tricks_.on_update:
            change()
        return step

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Return the loss on the validation rows as the net stands."""
        self._set_training(False)
        rows = cast(Rows, self.valid_)
        batches = self.get_iterator(rows)
        outputs = torch.cat([self._validation_outputs(batch) for batch in batches])
        return self.criterion_(outputs, rows.target, rows.weight).item()

    @torch.no_grad()
    def _validate(self, iterator: OrderedBatches) -> None:
        self._set_training(False)
        watched, rows = self._batches_are_watched(), iterator.rows
        step = self._watched_validation_step if watched else self._validation_outputs
        outputs = torch.cat([step(batch) for batch in iterator])
        loss = self.criterion_(outputs, rows.target, rows.weight)
        self.record_loss("valid_loss", loss.item())
        if self.score is not None:
            self.history.record("valid_score", self.score(outputs, rows.target, rows.weight))

    def _watched_step(self, batch: Batch, **fit_params: Any) -> dict[str, Tensor]:
        self._set_training(True)  # a callback may have predicted since the last batch
        return self.train_step(batch, **fit_params)

    def _validation_outputs(self, batch: Batch) -> Tensor:
        return self.module_(batch[0].clone())  # a module may work in place

    def _watched_validation_step(self, batch: Batch) -> Tensor:
        self.notify("on_batch_begin", batch=batch, training=False)
        outputs = self._validation_outputs(batch)
        loss = self.criterion_(outputs, batch[1], batch.weight)
        self.history.record_batch("valid_loss", loss.item())
        self.history.record_batch("valid_batch_size", len(outputs))
        self.notify("on_batch_end", batch=batch, training=False, loss=loss, y_pred=outputs)
        return outputs

    def record_loss(self, name: str, loss: float) -> None:
        """Record a loss, and for skorch's callbacks whether it is the best so far."""
        best = self.best_losses_.get(name, math.inf)
        self.history.record(name, loss)
        self.history.record(f"{name}_best", loss < best)
        self.best_losses_[name] = min(loss, best)

    def _batches_are_watched(self) -> bool:
        return any(
            getattr(type(callback), hook) is not getattr(Callback, hook)
            for _, callback in self.callbacks_
            for hook in BATCH_HOOKS
        )


class ClassifierNet(ClassifierMixin, Net):
    """A net whose prediction is the most likely class, as a number from 0.

    skorch's callbacks may then use any scorer for classifiers.

    Attributes
    ----------
    classes_ : ndarray of int, shape (O,)
    """

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the number of the most likely class of each row."""
        return self.predict_proba(X).argmax(axis=1)


def own_memory(module: nn.Module) -> None:
    """Give a module, whose tensors may be views of something larger, memory of its own."""
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = tensor.data.clone(memory_format=torch.contiguous_format)


def softmax(outputs: Tensor) -> Tensor:
    """Turn logits (N, O) into probabilities."""
    return outputs.softmax(dim=1)


def _mean(losses: list[float], sizes: list[int]) -> float:
    return sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / sum(sizes)


def _raised_by_callback(interrupt: KeyboardInterrupt) -> bool:
    """Tell a callback's way of stopping, a KeyboardInterrupt of its own, from the user's Ctrl-C."""
    trace = interrupt.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not isinstance(trace.tb_frame.f_locals.get("self"), Callback):
        return False
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == dis.opmap["RAISE_VARARGS"]
