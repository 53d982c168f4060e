"""The classifier."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks
from sklearn.utils import Tags

from sknn_tricks._sklearn_private import Interval, StrOptions
from sknn_tricks._unchanged import unchanged_on_error
from sknn_tricks.estimators import _refusals as refusals
from sknn_tricks.estimators._base import BaseNet
from sknn_tricks.estimators._class_predictions import ClassPredictions
from sknn_tricks.estimators._class_weights import BY_NAME


class NetClassifier(ClassifierMixin, ClassPredictions, BaseNet):
    """A neural net that classifies.

    Binary and multi-class targets have one logit a class, softmax and cross-entropy; multi-label
    targets (an indicator matrix) have one logit a label, sigmoid and binary cross-entropy.

    Parameters
    ----------
    module : spec, torch.nn.Module class or instance, or None, default=None
        What the net is: `sknn_tricks.nets.MLP`, `sknn_tricks.nets.ResMLP`,
        `sknn_tricks.nets.TorchModule`, or a module of your own that maps (N, D) to logits (N, O).
        None stands for ``MLP()``. An instance is copied for each fit.
    init : str or callable, default="auto"
        How the weights are drawn: "auto" (by activation; a module of your own keeps its own);
        by the size of a layer "kaiming_normal", "kaiming_out_normal", "lecun_normal",
        "xavier_in_normal", "xavier_normal", each also as "..._uniform"; "orthogonal"; by some rows
        of the training "lsuv", "unit_variance"; whatever the layer "constant", "identity",
        "large_normal", "normal", "small_normal", "sparse", "truncated_normal", "zeros"; a name of
        your own (`sknn_tricks.init.register`), a scheme such as
        ``sknn_tricks.init.normal(std=0.05)``, or a function ``scheme(weight, gain, generator)`` of
        your own that fills the weight of one layer in place.
    bias_init : float, default=0.0
        What biases are at the beginning.
    optimizer : str or callable, default="adamw"
        "adagrad", "adam", "adamw", "momentum", "nesterov", "rmsprop", "sgd", or a
        ``torch.optim.Optimizer`` class.
    lr : float, default=0.005
        Learning rate.
    lr_schedule : str or callable, default="constant"
        How `lr` goes on, from step to step of a `fit` of `max_epochs`: "constant", "cosine",
        "cosine_restarts", "coslog4", "cyclic", "exponential", "flat_cosine", "inverse_sqrt",
        "linear", "multi_step", "one_cycle", "plateau", "step", one of `sknn_tricks.schedules` with
        settings of its own, or a function of a `sknn_tricks.schedules.Moment` that gives a factor.
    warmup : float, default=0.0
        Share of the training in which `lr` rises from 0, before the schedule begins.
    lr_scaling : {"linear", "sqrt"} or None, default=None
        Whether `lr` is for batches of 128 rows, and grows with the rows of a batch ("linear") or
        their square root.
    weight_decay : float, default=0.01
        L2 penalty on the weights of layers, not on biases or normalisation parameters. "adamw"
        takes it apart from the gradient, as steps of ``lr * weight_decay``; the others add it to
        the gradient, where the same number is a stronger penalty.
    weight_decay_schedule : str or callable, default="constant"
        How `weight_decay` goes on; one of those of `lr_schedule`.
    decay_biases : bool, default=False
        Whether `weight_decay` and `l1` are for biases and normalisation parameters as well.
    momentum : float, default=0.9
        Of the optimizers "momentum" and "nesterov".
    betas : pair of float, default=(0.9, 0.999)
        Of "adam" and "adamw": decay of the running means of gradients and of their squares.
    clip_norm : float or None, default=None
        Bound on the norm of each step's gradient: a longer one is scaled down to it.
    clip_value : float or None, default=None
        Bound on each entry of the gradient, taken before that on the norm.
    max_norm : float or None, default=None
        Bound on the norm of the weights into each unit of linear and convolutional layers, kept
        after each step.
    l1 : float, default=0.0
        L1 penalty on the weights of layers, in the gradient, so that losses can be compared.
        Together with `weight_decay` it is an elastic net; under "adam" and the like both are
        divided by the size of the gradients, under "adamw" L1 alone is.
    dropout_schedule : str or callable, default="constant"
        How the rates of dropout, and of all else that the net drops, go on; one of those of
        `lr_schedule`, with factors up to 1.
    input_noise : float, default=0.0
        Standard deviation of the normal noise that is added to each feature in each step of
        training, in the units of X.
    mixup : float, default=0.0
        Parameter alpha of mixup (Zhang et al., 2018): batches are blended with themselves, in
        shares drawn from Beta(alpha, alpha), and so are their losses, which is what the history
        then has as "train_loss". 0 blends nothing.
    tta : {"flip", "five_crop", "ten_crop"}, Augment, list, TTA or None, default=None
        Test-time augmentation of images: predictions are means over several views of each image,
        see `sknn_tricks.estimators.TTA`. It has no part in training, nor in what `monitor` sees,
        and may be set on a fitted net.
    augment : Augment, list of transforms, str or None, default=None
        Random changes of images in training: `sknn_tricks.augment.Augment`, a list of its
        transforms or albumentations', or "shift", "flip_shift", "flip_shift_cutout". Rows of
        training are changed anew in each epoch; what is validated, watched or predicted is not.
        Its parameters are searchable as ``augment__strength``, ``augment__transforms``...
    cutmix : float, default=0.0
        Parameter alpha of CutMix (Yun et al., 2019): a box of each image is that of another one of
        the batch, its share of the image being drawn from Beta(alpha, alpha), and losses are
        blended by that share, as with `mixup`. 0 cuts nothing. With `mixup` as well, either of
        the two is done to a batch, both as likely.
    averaging : str, object or None, default=None
        "ema", "swa", "snapshots", or one of `sknn_tricks.averaging` with settings of its own.
        With "ema" and "swa" the net has, after each epoch, an average of its weights so far: that
        is validated, and kept by early stopping. Training itself goes on from the weights as they
        are, in `partial_fit` and with `warm_start` too, unless early stopping went back to an
        earlier epoch. With "snapshots" the net is the last of several along the training, whose
        predictions are averaged; instead of a constant `lr`, each has a cycle of its own.
    batch_size : int, default=128
        Rows of a batch, N. A last batch of one row joins the one before.
    max_epochs : int, default=80
        Passes over the data.
    early_stopping : bool, default=False
        Hold out rows, watch their loss (or see `monitor`), stop when it no longer gets better,
        keep the best weights.
    validation_fraction : float, default=0.1
        Share of the rows that early stopping holds out: shuffled, stratified.
    patience : int, default=10
        Epochs without a better loss, or score, until early stopping stops.
    tol : float, default=0.0
        How much lower a loss, or higher a score, must be to count as better.
    monitor : str or callable, default="loss"
        What early stopping watches: "loss", or a scorer as in ``cross_val_score``: a name, or a
        function ``scorer(estimator, X, y)`` of which higher is better. It sees this estimator as
        the net stands after each epoch, and counts all watched rows alike. That takes some
        milliseconds an epoch, more than a small net's training in a stack. Without
        `early_stopping` it means nothing.
    loss : str or callable, default="cross_entropy"
        "cross_entropy", "focal", "logit_adjusted", one of `sknn_tricks.losses` with settings of
        its own, such as ``logit_adjusted(tau=1.5)``, or a function (outputs, target, weight) ->
        scalar Tensor.
    label_smoothing : float, default=0.0
        Share of each target that is spread over all classes, in training.
    class_weight : dict, list of dict, "balanced", "effective", callable or None, default=None
        Weight of each class; multiplied with `sample_weight`. "balanced" as in scikit-learn,
        "effective" as `sknn_tricks.losses.effective_number`, or a function of the classes'
        numbers of rows.
    balanced_batches : bool, default=False
        Whether each class has as many rows of an epoch as another: rows of small classes come
        more than once, each time augmented anew, and some of large ones do not come. An epoch
        remains as long as it is.
    balance_after : float, default=0.0
        Share of `max_epochs` that is trained before `class_weight` and `balanced_batches` set
        in: deferred re-weighting (Cao et al., 2019) is 0.8.
    prior_correction : bool or dict of class to share, default=False
        Whether `predict_proba` makes up for what the loss, `class_weight` and `balanced_batches`
        do to it, so that it fits rows whose classes have the shares of the data of `fit`; a dict:
        those shares, of rows resampled beforehand. `predict` stays as the net decides.
    callbacks : list of skorch callbacks or None, default=None
        Copied for each fit.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit. The module, optimizer, callbacks
        and device stay those of the first; the other parameters may change in between.
    n_members : int, default=1
        Nets of a deep ensemble: they differ in their random streams, are trained as one stack,
        and their predictions are averaged.
    bagging : bool, default=False
        Whether each net trains on as many rows drawn with replacement.
    dtype : {"float32", "float64"}, default="float32"
        Precision of weights and data.
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
        The trained skorch net; ``net_.module_`` is the torch module.
    classes_ : ndarray of shape (O,)
        The classes; for multi-label targets the numbers of the labels.
    history_ : list of dict
        For each epoch "epoch", "train_loss", "dur" in seconds and, with validation rows,
        "valid_loss" and "valid_score" (accuracy, by `class_weight` where that is given), and
        "monitor" where a score is watched.
    loss_curve_ : list of float
        Mean training loss of each epoch, in nats, without penalties.
    validation_scores_ : list of float or None
        Accuracy on the validation rows after each epoch.
    members_ : list of NetClassifier
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
    NetRegressor : The same for numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sknn_tricks import NetClassifier
    >>> from sknn_tricks.nets import MLP
    >>> X, y = load_iris(return_X_y=True)
    >>> net = NetClassifier(MLP(hidden=(16,), dropout=0.1), lr=0.01, random_state=0)
    >>> pipe = make_pipeline(StandardScaler(), net).fit(X, y)
    >>> pipe.score(X, y) > 0.95
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseNet._parameter_constraints,
        "loss": [str, callable],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "class_weight": [dict, list, StrOptions(set(BY_NAME)), callable, None],
        "balanced_batches": ["boolean"],
        "balance_after": [Interval(Real, 0, 1, closed="left")],
        "prior_correction": ["boolean", dict],
    }
    _y_numeric = False

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
        loss: Any = "cross_entropy",
        label_smoothing: float = 0.0,
        class_weight: Any = None,
        balanced_batches: bool = False,
        balance_after: float = 0.0,
        prior_correction: bool | dict[Any, float] = False,
        callbacks: Any = None,
        warm_start: bool = False,
        n_members: int = 1,
        bagging: bool = False,
        dtype: str = "float32",
        device: Any = "auto",
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            module,
            init=init,
            bias_init=bias_init,
            optimizer=optimizer,
            lr=lr,
            lr_schedule=lr_schedule,
            warmup=warmup,
            lr_scaling=lr_scaling,
            weight_decay=weight_decay,
            weight_decay_schedule=weight_decay_schedule,
            decay_biases=decay_biases,
            momentum=momentum,
            betas=betas,
            clip_norm=clip_norm,
            clip_value=clip_value,
            max_norm=max_norm,
            l1=l1,
            dropout_schedule=dropout_schedule,
            input_noise=input_noise,
            mixup=mixup,
            augment=augment,
            cutmix=cutmix,
            tta=tta,
            averaging=averaging,
            batch_size=batch_size,
            max_epochs=max_epochs,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            tol=tol,
            monitor=monitor,
            callbacks=callbacks,
            warm_start=warm_start,
            n_members=n_members,
            bagging=bagging,
            dtype=dtype,
            device=device,
            verbose=verbose,
            random_state=random_state,
        )
        self.loss = loss
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.balanced_batches = balanced_batches
        self.balance_after = balance_after
        self.prior_correction = prior_correction

    @with_callbacks
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one epoch on these rows, on from where the net stands; nothing stops it early.

        Rates stay what they are set to: a schedule must know how long a training will be.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (O,), default=None
            All the classes that will ever come; needed at the first call.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the first call lacks `classes`, or a later one brings others.
        """
        if classes is None and not hasattr(self, "classes_"):
            raise ValueError(refusals.no_classes())
        with unchanged_on_error(self):
            return self._fit(
                X,
                y,
                sample_weight,
                max_epochs=1,
                resume=True,
                classes=classes,
                scheduled=False,
            )

    def _own_settings(self) -> dict[str, Any]:
        return {"label_smoothing": self.label_smoothing}

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
