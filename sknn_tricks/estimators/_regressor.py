"""The regressor."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.callback import with_callbacks
from sklearn.utils import Tags
from torch import Tensor

from sknn_tricks._messages import message
from sknn_tricks._unchanged import unchanged_on_error
from sknn_tricks.estimators._base import BaseNet
from sknn_tricks.estimators._data import Data
from sknn_tricks.estimators._scores import r2
from sknn_tricks.fused import Task
from sknn_tricks.losses import squared_error


class NetRegressor(RegressorMixin, BaseNet):
    """A neural net that predicts numbers.

    Targets are standardised inside, so one learning rate suits all units; predictions are in
    the user's units, computed in float64.

    Parameters
    ----------
    module : spec, torch.nn.Module class or instance, or None, default=None
        What the net is: `sknn_tricks.nets.MLP`, `sknn_tricks.nets.TorchModule`, or a module of
        your own that maps (N, D) to (N, O). None stands for ``MLP()``. An instance is copied for
        each fit.
    init : str or callable, default="auto"
        How the weights are drawn: "auto" (by activation; a module of your own keeps its own),
        "constant", "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform",
        "normal", "orthogonal", "xavier_normal", "xavier_uniform", "zeros", a scheme such as
        ``sknn_tricks.init.normal(std=0.05)``, or a function ``scheme(weight, gain, generator)`` of
        your own that fills the weight of one layer in place.
    optimizer : str or callable, default="adamw"
        "adagrad", "adam", "adamw", "momentum", "nesterov", "rmsprop", "sgd", or a
        ``torch.optim.Optimizer`` class.
    lr : float, default=0.005
        Learning rate.
    weight_decay : float, default=0.01
        L2 penalty on the weights of layers, not on biases or normalisation parameters. "adamw"
        takes it apart from the gradient, as steps of ``lr * weight_decay``; the others add it to
        the gradient, where the same number is a stronger penalty.
    momentum : float, default=0.9
        Of the optimizers "momentum" and "nesterov".
    betas : pair of float, default=(0.9, 0.999)
        Of "adam" and "adamw": decay of the running means of gradients and of their squares.
    clip_norm : float or None, default=None
        Bound on the norm of each step's gradient: a longer one is scaled down to it.
    l1 : float, default=0.0
        L1 penalty on the same weights.
    batch_size : int, default=128
        Rows of a batch, N. A last batch of one row joins the one before.
    max_epochs : int, default=80
        Passes over the data.
    early_stopping : bool, default=False
        Hold out rows, watch their loss, stop when it no longer falls, keep the best weights.
    validation_fraction : float, default=0.1
        Share of the rows that early stopping holds out, shuffled.
    patience : int, default=10
        Epochs without a better validation loss until early stopping stops.
    tol : float, default=0.0
        How much lower a validation loss must be to count as better.
    callbacks : list of skorch callbacks or None, default=None
        Copied for each fit.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit, and with its target scale. The
        module, optimizer, callbacks and device stay those of the first; the other parameters may
        change in between.
    n_members : int, default=1
        Nets of a deep ensemble: they differ in their random streams, are trained as one stack,
        and their predictions are averaged.
    bagging : bool, default=False
        Whether each net trains on as many rows drawn with replacement.
    dtype : {"float32", "float64"}, default="float32"
        Precision of weights and data in training.
    device : str or torch.device, default="auto"
        "auto" is a CUDA device where there is one, else the CPU.
    verbose : int, default=0
        Above 0, a line an epoch is printed.
    random_state : int, RandomState instance or None, default=None
        Start of all random streams: weights, order of rows, dropout, held-out rows. torch's and
        numpy's global random states are left alone.

    Attributes
    ----------
    net_ : sknn_tricks.fused._net.Net
        The trained skorch net; ``net_.module_`` is the torch module, whose outputs are in
        standardised units.
    target_mean_, target_scale_ : ndarray of shape (O,)
        Mean and standard deviation of the targets given to `fit` (1 where they are constant).
        `partial_fit` takes them from its first call.
    history_ : list of dict
        For each epoch "epoch", "train_loss", "dur" in seconds and, with validation rows,
        "valid_loss" and "valid_score" (R^2).
    loss_curve_ : list of float
        Mean training loss of each epoch: squared error in standardised units, without penalties.
    validation_scores_ : list of float or None
        R^2 on the validation rows after each epoch.
    members_ : list of NetRegressor
        The fitted single nets of an ensemble, each to the bit what it is when fitted by itself.
        The other attributes are means over them, and ``net_`` is the first one's. Only for
        ``n_members > 1``.
    best_epoch_ : int
        The epoch, from 1, whose weights are kept: the last, or early stopping's best.
    n_iter_ : int
        Epochs trained.
    input_shape_ : tuple of int
        Shape of one row.
    n_features_in_, feature_names_in_ : int, ndarray of str
        As everywhere in scikit-learn.

    See Also
    --------
    NetClassifier : The same for classes.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknn_tricks import NetRegressor
    >>> from sknn_tricks.nets import MLP
    >>> X, y = load_diabetes(return_X_y=True)
    >>> net = NetRegressor(MLP(hidden=(16,)), random_state=0)
    >>> pipe = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> pipe.score(X, y) > 0.5
    True
    """

    _y_numeric = True

    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch on these rows, on from where the net stands; nothing stops it early.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`. The first call's targets set the scale for all.

        Returns
        -------
        self
        """
        with unchanged_on_error(self):
            return self._fit(X, y, sample_weight, max_epochs=1, resume=True)

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return the predicted targets.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)

        Returns
        -------
        ndarray of float64, shape (N,) or (N, O)
            In the units of the targets in `fit`.
        """
        return self._in_units(self._outputs(X).mean(dim=0)) + self._shift

    def predict_std(self, X: Any) -> NDArray[np.float64]:
        """Return how far the members of the ensemble are apart.

        Parameters
        ----------
        X : array-like of shape (N, D) or (N, ...)

        Returns
        -------
        ndarray of float64, shape (N,) or (N, O)
            Standard deviation of the members' predictions, in the units of the targets; 0 for a
            single net. It says how unsure the fit is there, not how noisy the targets are.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> net = NetRegressor(n_members=3, max_epochs=2, random_state=0).fit(X, y)
        >>> net.predict_std(X).shape
        (442,)
        """
        return self._in_units(self._outputs(X).std(dim=0, correction=0))

    def _in_units(self, outputs: Tensor) -> NDArray[np.float64]:
        """Return outputs (N, O) in the scale and shape of the targets."""
        scaled = outputs.numpy() * self.target_scale_
        return scaled if self._targets_2d else scaled[:, 0]

    @property
    def _shift(self) -> Any:
        return self.target_mean_ if self._targets_2d else self.target_mean_[0]

    # --- what targets mean ------------------------------------------------------------------

    def _check_y(self, y: NDArray[Any]) -> NDArray[Any]:
        if y.dtype.kind in "US":
            raise ValueError(
                message(
                    "y holds text",
                    expected="numbers",
                    got=f"such as {y.ravel()[0]!s}",
                    todo="Convert it with y.astype(float), or use NetClassifier for labels",
                )
            )
        return y.astype(np.float64)

    def _learn_target(self, data: Data, classes: Any, resume: bool) -> None:
        if resume:
            self._check_n_targets(data.y)
            return
        self._targets_2d = data.y.ndim == 2
        columns = data.y.reshape(len(data), -1)
        self.target_mean_ = np.average(columns, axis=0, weights=data.weight)
        with np.errstate(over="ignore"):
            variance = np.average((columns - self.target_mean_) ** 2, axis=0, weights=data.weight)
        # A constant target's variance is rounding error: dividing by it would blow that up.
        floor = (10 * np.finfo(np.float64).eps * np.abs(self.target_mean_)) ** 2
        self.target_scale_ = np.where(variance > floor, np.sqrt(variance), 1.0)
        if not np.isfinite(self.target_scale_).all():
            raise ValueError(
                message(
                    "y is too large to be standardised",
                    expected="targets below 1e150",
                    got=f"up to {np.abs(columns).max():.3g}",
                    todo="Choose a larger unit for the targets",
                )
            )

    def _check_n_targets(self, y: NDArray[Any]) -> None:
        n_targets = y.reshape(len(y), -1).shape[1]
        if n_targets != self._n_outputs:
            raise ValueError(
                message(
                    "y has another number of targets than before",
                    expected=f"{self._n_outputs}",
                    got=f"{n_targets}",
                    todo="Give the same targets, or fit anew with warm_start=False",
                )
            )

    def _encode(self, y: NDArray[Any]) -> NDArray[Any]:
        self._check_n_targets(y)
        columns = y.reshape(len(y), -1)
        return ((columns - self.target_mean_) / self.target_scale_).astype(self.dtype)

    def _labels(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return None

    @property
    def _n_outputs(self) -> int:
        return len(self.target_mean_)

    def _task(self) -> Task:
        return Task(squared_error, r2, Tensor.clone, 1.0)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
