"""Transfer learning as one estimator."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import Tags, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sknn_tricks._read_once import ReadOnce
from sknn_tricks._sklearn_private import Interval, StrOptions
from sknn_tricks.estimators import NetClassifier
from sknn_tricks.estimators._base import BaseNet
from sknn_tricks.transfer import _refusals as refusals
from sknn_tricks.transfer._cloning import KeepsBackbone
from sknn_tricks.transfer._training import Training

STRATEGIES = ("auto", "fine_tune", "linear_probe", "pretrained_init", "truncate")


def _if_net_has(name: str) -> Callable[[Any], bool]:
    def check(self: Any) -> bool:
        getattr(getattr(self, "estimator_", None) or self._net(), name)
        return True

    return check


class FineTuner(KeepsBackbone, CallbackSupportMixin, MetaEstimatorMixin, ReadOnce, BaseEstimator):
    """Train a net on new data, from one that was trained on others: transfer learning.

    Parameters
    ----------
    backbone : fitted NetClassifier, NetRegressor or FineTuner, torch.nn.Module, path or callable
        What was trained before. It stays as it is, also where this estimator is cloned; among the
        values of a search, wrap an estimator in ``sklearn.frozen.FrozenEstimator``. A path is of a
        file that `sknn_tricks.save` wrote, or of weights (safetensors, or a state dict that
        ``torch.save`` wrote; no code in it is run), for which `module` is needed; a mapping of
        names to tensors is such weights, too. A function is called without arguments, such as
        ``functools.partial(timm.create_model, "resnet18", pretrained=True)``.
    estimator : NetClassifier or NetRegressor, default=None
        With the settings of the training, whether of classes or of numbers; its parameters are
        searchable as ``estimator__lr``, ``estimator__augment``... Its `module` has no part in it,
        and its `init` is for the heads of "linear_probe" and "truncate". None stands for
        ``NetClassifier()``.
    strategy : str, default="auto"
        "linear_probe": the backbone without its head is frozen, and a new head is trained on its
        features. "truncate": the same with features of an earlier layer. "fine_tune": all layers
        are trained, with a new head. "pretrained_init": the same, as if from scratch: all at once
        and at one rate. "auto": chosen by the size of the data and by how much the backbone's
        features are worth there; see Notes.
    cut : None, str or int, default=None
        Behind which layer the backbone is cut: a name, or how many of its parts at the top to keep
        (below 0: to leave out). None: in front of its head, a linear layer at its end; for
        "truncate" behind the earlier layer with the best features.
    head : spec, default=None
        The new head, such as ``MLP(hidden=(64,))``, from flat features to the outputs. None stands
        for one linear layer.
    lr_decay : float, default=0.8
        For "fine_tune": factor of the learning rate from each layer to the one in front of it.
        Source: Howard and Ruder, 2018.
    unfreeze_every : int, default=1
        For "fine_tune": after how many epochs one layer more learns, from the head to the input.
        0: all learn from the first epoch. Layers whose turn does not come within `max_epochs` stay
        as they are. Source: Howard and Ruder, 2018.
    module : spec or torch.nn.Module, default=None
        The net that weights in a file are of.

    Attributes
    ----------
    estimator_ : NetClassifier or NetRegressor
        The whole net, fitted, with its ``history_`` and all else that such an estimator has. What
        is set on it, such as ``estimator_.set_params(tta="flip")``, takes effect.
    net_ : Net
        The skorch net; ``net_.module_`` is the torch module, body and head, for use anywhere.
    strategy_ : str
        The one that was used.
    reason_ : str
        Why, in a sentence.
    cut_ : str
        The last layer of the backbone that was kept.
    feature_shape_ : tuple of int
        Shape of its output for one row.
    layer_scores_ : dict of str to float
        What linear models score on the features of some layers; empty where nothing had to be
        chosen.
    classes_ : ndarray of shape (O,)
        For classes.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Notes
    -----
    "auto" goes by how many rows there are of each class, and whether they are similar to those of
    the backbone [1]_:

    ================  ===============  =================
    rows of a class   similar          different
    ================  ===============  =================
    less than 5       "linear_probe"   "truncate"
    5 to 499          "fine_tune"      "fine_tune"
    500 or more       "fine_tune"      "pretrained_init"
    ================  ===============  =================

    The bounds are measured, on small convolutional nets; of numbers, ten times as many rows count.
    Of classes of different sizes it is the geometric mean. Similar are data on which a linear model
    does clearly better with the features of the last hidden layer than with the rows themselves,
    and not clearly worse than with those of an earlier layer. It is a ridge regression whose
    leave-one-out score is known in closed form, on up to 1,000 rows; clearly is one standard error,
    and a tenth less error than with the rows. With few rows nothing is that clear: "truncate" it is
    if an earlier layer has better features, or as good ones.
    Large backbones with few rows are quicker, and may be better, left frozen: a search over
    `strategy` tells.

    Frozen features are computed once, standardised, and the head is trained on them as a net of its
    own, so that heads of a search train as one stack; where they are more than a gigabyte, they are
    kept on the disk meanwhile. `mixup` and `input_noise` are then done to features. Where
    `augment` or `cutmix` change the images of each step, the features are computed in each step.

    A linear head on frozen features starts as the ridge regression on up to 1,000 rows, where
    `init` is "auto", and is as good as that from its first epoch; with `early_stopping` and no
    `validation_data` at outputs of 0, as the regression would have seen what is held out. The
    members of an ensemble start with the same head. A head that is trained together
    with the body starts with outputs of 0 [2]_, of "pretrained_init" as heads do. Layers that do
    not learn yet are in evaluation mode. Nets with rates of their own for each layer train alone,
    not in a stack.

    References
    ----------
    .. [1] J. Yosinski, J. Clune, Y. Bengio, H. Lipson, "How transferable are features in deep
       neural networks?", NeurIPS 2014.
    .. [2] A. Kolesnikov et al., "Big transfer (BiT): general visual representation learning", ECCV
       2020.
    .. [3] J. Howard, S. Ruder, "Universal language model fine-tuning for text classification",
       ACL 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknn_tricks import NetClassifier
    >>> from sknn_tricks.nets import MLP
    >>> from sknn_tricks.transfer import FineTuner
    >>> X, y = load_digits(return_X_y=True)
    >>> X, old = X / 16, y < 5
    >>> net = NetClassifier(MLP((64, 32)), max_epochs=10, random_state=0).fit(X[old], y[old])
    >>> tuner = FineTuner(net, NetClassifier(max_epochs=20, random_state=0), strategy="fine_tune")
    >>> tuner.fit(X[~old][:100], y[~old][:100]).score(X[~old][100:], y[~old][100:]) > 0.8
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "backbone": "no_validation",
        "estimator": "no_validation",
        "strategy": [StrOptions(set(STRATEGIES))],
        "cut": [str, Integral, None],
        "head": "no_validation",
        "lr_decay": [Interval(Real, 0, None, closed="neither")],
        "unfreeze_every": [Interval(Integral, 0, None, closed="left")],
        "module": "no_validation",
    }

    def __init__(
        self,
        backbone: Any,
        estimator: Any = None,
        *,
        strategy: str = "auto",
        cut: Any = None,
        head: Any = None,
        lr_decay: float = 0.8,
        unfreeze_every: int = 1,
        module: Any = None,
    ) -> None:
        self.backbone = backbone
        self.estimator = estimator
        self.strategy = strategy
        self.cut = cut
        self.head = head
        self.lr_decay = lr_decay
        self.unfreeze_every = unfreeze_every
        self.module = module

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        validation_data: tuple[Any, Any] | None = None,
    ) -> Self:
        """Train on new data.

        Parameters
        ----------
        X : array-like or OnDisk, of shape (N, ...)
            Rows as the backbone takes them.
        y : array-like of shape (N,) or (N, O)
            Targets, for the kind of `estimator`.
        sample_weight : array-like of shape (N,), default=None
            Row weights.
        validation_data : pair (X, y), default=None
            As for `NetClassifier`.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If the backbone is nothing that holds a net.
        ValueError
            If it is not fitted, its weights are not those of `module`, it cannot take the rows, or
            data or parameters are not right. The estimator is then as it was before.
        """
        self._validate_params()
        net = clone(self._net())
        context = self._init_callback_context(max_subtasks=1)
        context.call_on_fit_task_begin(estimator=self, X=X, y=y)

        def train(estimator: Any, *data: Any) -> Any:
            """Train a net, as a step that callbacks hear of."""
            task = context.subcontext(task_name="fit-estimator")
            with task.propagate_callback_context(estimator):
                task.call_on_fit_task_begin(estimator=self, X=X, y=y)
                estimator.fit(*data)
                task.call_on_fit_task_end(estimator=self, X=X, y=y)
            return estimator

        training = Training(self, net, X, y, sample_weight, validation_data)
        estimator = training.run(train)
        self.estimator_ = estimator
        self.strategy_, self.reason_ = training.choice.strategy, training.choice.reason
        self.layer_scores_ = dict(training.choice.scores)
        self.cut_, self.feature_shape_ = training.cut, training.feature_shape
        context.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; deep ones also of the estimator that None stands for."""
        params = super().get_params(deep)
        if deep and self.estimator is None:
            inner = self._net().get_params()
            params |= {f"estimator__{name}": value for name, value in inner.items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of the estimator as ``estimator__<name>``."""
        nested = any(name.startswith("estimator__") for name in params)
        if nested and params.get("estimator", self.estimator) is None:
            params["estimator"] = NetClassifier()
        return super().set_params(**params)

    def _net(self) -> BaseNet:
        """Return the estimator, or what stands for it."""
        net = NetClassifier() if self.estimator is None else self.estimator
        if not isinstance(net, BaseNet):
            raise ValueError(refusals.no_estimator(net))
        return net

    # --- what the net does ------------------------------------------------------------------

    def predict(self, X: Any) -> NDArray[Any]:
        """Return what the net predicts; see `NetClassifier.predict`, `NetRegressor.predict`.

        Parameters
        ----------
        X : array-like of shape (N, ...)

        Returns
        -------
        ndarray of shape (N,) or (N, O)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @available_if(_if_net_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array-like of shape (N, ...)

        Returns
        -------
        ndarray of float64, shape (N, O)
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(_if_net_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (N, ...)

        Returns
        -------
        ndarray of float64, shape (N, O)
        """
        check_is_fitted(self)
        return self.estimator_.predict_log_proba(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of classes, R^2 of numbers.

        Parameters
        ----------
        X : array-like of shape (N, ...)
        y : array-like of shape (N,) or (N, O)
        sample_weight : array-like of shape (N,), default=None
            Row weights.

        Returns
        -------
        float
        """
        check_is_fitted(self)
        return self.estimator_.score(X, y, sample_weight)

    @property
    def net_(self) -> Any:
        """The trained skorch net."""
        return self._of_net("net_")

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels of the classes."""
        return self._of_net("classes_")

    @property
    def n_features_in_(self) -> int:
        """Length of the second axis of X."""
        return self._of_net("n_features_in_")

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the columns."""
        return self._of_net("feature_names_in_")

    def _of_net(self, name: str) -> Any:
        if "estimator_" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name} before it is fitted.")
        return getattr(self.estimator_, name)

    def __sklearn_is_fitted__(self) -> bool:
        return "estimator_" in vars(self)

    def __sklearn_tags__(self) -> Tags:
        net = NetClassifier() if self.estimator is None else self.estimator
        return deepcopy(get_tags(net))
