"""What is refused, and in which words."""

import re

import numpy as np
import pytest
import torch
from sklearn.callback import ProgressBar
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from torch import nn

from sknn_tricks import NetClassifier
from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.init import SCHEMES
from sknn_tricks.nets import ACTIVATIONS as BY_NAME
from sknn_tricks.nets import MLP, TorchModule

INITS = ", ".join(repr(name) for name in sorted([*SCHEMES, "auto"]))
ACTIVATIONS = ", ".join(repr(name) for name in sorted(BY_NAME))
OPTIMIZERS = "'adagrad', 'adam', 'adamw', 'momentum', 'nesterov', 'rmsprop', 'sgd'"
A_RATE = "A rate is the share that is dropped, such as dropout=0.2."
A_WIDTH = "Give each hidden layer's width, such as hidden=(64, 64)."
A_MODULE = (
    "module is nothing that makes a net. Expected a spec such as MLP(), a torch.nn.Module class or "
    "instance, or None; got {}. Wrap a class that needs arguments as TorchModule(cls, **params)."
)


class WrongWidth(nn.Linear):
    def __init__(self, n_features):
        super().__init__(n_features, 7)


class NoAxis(nn.Linear):
    def __init__(self, n_features):
        super().__init__(n_features, 1)

    def forward(self, x):
        return super().forward(x)[:, 0]


class Pair(nn.Linear):
    def __init__(self, n_features, n_outputs):
        super().__init__(n_features, n_outputs)

    def forward(self, x):
        return super().forward(x), None


def shape_text(wanted, got):
    return (
        f"The module's output has the wrong shape. Expected (N, O) = {wanted} for 2 rows; "
        f"got {got}. Let forward return one logit per class (classification) or one value per "
        "target (regression)."
    )


def rates_text(n_layers, got):
    expected = f"one rate in [0, 1), or {n_layers} of them, one per hidden layer"
    return f"dropout does not fit the net. Expected {expected}; got dropout={got}. {A_RATE}"


def widths_text(got):
    return (
        "hidden has a width that no layer can have. Expected whole numbers from 1 up; "
        f"got hidden={got}. {A_WIDTH}"
    )


REFUSED_SETTINGS = {
    "init with a typing error": (
        {"init": "kaiming_norml"},
        f"init='kaiming_norml' is not known. Expected one of {INITS}; got 'kaiming_norml'. "
        "Did you mean 'kaiming_normal'?",
    ),
    "activation with a typing error": (
        {"module": MLP(activation="rleu")},
        f"activation='rleu' is not known. Expected one of {ACTIVATIONS}; got 'rleu'. "
        "Did you mean 'relu'?",
    ),
    "optimizer with a typing error": (
        {"optimizer": "adm"},
        f"optimizer='adm' is not known. Expected one of {OPTIMIZERS}; got 'adm'. "
        "Did you mean 'adam'?",
    ),
    "optimizer unlike any": (
        {"optimizer": "zzz"},
        f"optimizer='zzz' is not known. Expected one of {OPTIMIZERS}; got 'zzz'. "
        "Choose one of these names.",
    ),
    "negative dropout": ({"module": MLP(dropout=-0.1)}, rates_text(1, "-0.1")),
    "dropout of everything": ({"module": MLP(dropout=1.0)}, rates_text(1, "1.0")),
    "dropout of None": ({"module": MLP(dropout=None)}, rates_text(1, "None")),
    "too few rates": ({"module": MLP((8, 8), dropout=(0.1,))}, rates_text(2, "(0.1,)")),
    "hidden of 0": ({"module": MLP(hidden=0)}, widths_text("0")),
    "hidden of half a unit": ({"module": MLP(hidden=2.5)}, widths_text("2.5")),
    "hidden of None": ({"module": MLP(hidden=None)}, widths_text("None")),
    "hidden with a float": ({"module": MLP(hidden=(8, 8.0))}, widths_text("(8, 8.0)")),
    "module that returns another width": (
        {"module": WrongWidth},
        shape_text("(2, 3)", "(2, 7) from WrongWidth"),
    ),
    "module that returns one axis": ({"module": NoAxis}, shape_text("(2, 3)", "(2,) from NoAxis")),
    "module that returns a pair": ({"module": Pair}, shape_text("(2, 3)", "tuple from Pair")),
    "module for another number of features": (
        {"module": nn.Linear(5, 3)},
        "The module cannot take the data. Expected a forward that takes one tensor such as (2, 6); "
        "got RuntimeError from Linear: mat1 and mat2 shapes cannot be multiplied (2x6 and 5x3). "
        "Build the module for this many features, or flatten its input.",
    ),
    "batches of one row under BatchNorm": (
        {"module": MLP(batch_norm=True), "batch_size": 1},
        "BatchNorm cannot train on 1 sample at a time. Expected batches of 2 samples or more; "
        "got n_samples=150, batch_size=1. Give more rows, a larger batch_size, or "
        "a net without BatchNorm.",
    ),
    "optimizer class without weight decay": (
        {"optimizer": torch.optim.LBFGS, "weight_decay": 0.5},
        "<class 'torch.optim.lbfgs.LBFGS'> knows no weight decay. Expected weight_decay=0; "
        "got weight_decay=0.5. Choose another optimizer, such as 'adamw'.",
    ),
}


@pytest.mark.parametrize(("params", "text"), REFUSED_SETTINGS.values(), ids=REFUSED_SETTINGS)
def test_setting_is_refused(params, text, class_data):
    with pytest.raises(ValueError, match="Expected") as caught:
        NetClassifier(**{"max_epochs": 2, **params}).fit(*class_data)
    assert str(caught.value) == text


@pytest.mark.parametrize("module", ["mlp", MLP, 3])
def test_what_is_no_module_is_refused(module, class_data):
    with pytest.raises(TypeError) as caught:
        NetClassifier(module).fit(*class_data)
    assert str(caught.value) == A_MODULE.format(repr(module))


def test_an_argument_that_the_users_module_does_not_have_is_refused(class_data):
    text = (
        "WrongWidth has no argument 'wdth'. Expected one of ['n_features']; got wdth=3. "
        "Correct the name."
    )
    with pytest.raises(ValueError, match="wdth") as caught:
        NetClassifier(WrongWidth).set_params(module__wdth=3)
    assert str(caught.value) == text
    with pytest.raises(ValueError, match="wdth") as caught:
        NetClassifier(TorchModule(WrongWidth, wdth=3)).fit(*class_data)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "params",
    [
        {"lr": 0}, {"lr": "fast"}, {"weight_decay": -1}, {"l1": -1}, {"batch_size": 0},
        {"max_epochs": 0}, {"validation_fraction": 1.0}, {"patience": 0}, {"tol": -1e-9},
        {"dtype": "float16"}, {"early_stopping": "yes"}, {"random_state": "zero"}, {"init": 3},
        {"class_weight": "balance"}, {"bias_init": float("nan")},
    ],
    ids=str,
)  # fmt: skip
def test_a_parameter_out_of_range_is_refused_by_name(params, class_data):
    [name] = params
    with pytest.raises(ValueError, match=f"The '{name}' parameter of NetClassifier must be"):
        NetClassifier(**params).fit(*class_data)


def test_a_parameter_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"Invalid parameter 'drop' for estimator MLP\(\)"):
        NetClassifier().set_params(module__drop=0.1)


def test_learning_rate_so_large_that_the_loss_overflows(number_data, regressor):
    net = regressor(optimizer="sgd", lr=1e6)
    with pytest.raises(DivergenceError) as caught:
        net.fit(*number_data)
    assert str(caught.value) == (
        "Training diverged in epoch 1. Expected a finite training loss; got nan with lr=1e+06. "
        "Try a smaller lr, standardised inputs (StandardScaler) or another init."
    )


def test_learning_rate_so_large_that_training_goes_astray(number_data, regressor):
    with pytest.warns(ConvergenceWarning) as caught:
        net = regressor(optimizer="adam", lr=1e6).fit(*number_data)
    [warning] = caught
    assert re.fullmatch(
        r"Training went astray: the loss has been far above a constant prediction's since epoch "
        r"1\. Expected a training loss below 1; got \d\.\d+e\+\d\d with lr=1e\+06\. "
        r"Try a smaller lr, standardised inputs \(StandardScaler\) or another init\.",
        str(warning.message),
    )
    assert np.isfinite(net.predict(number_data[0])).all()


@pytest.mark.parametrize("method", ["predict", "predict_proba", "score"])
def test_a_net_that_was_not_fitted_says_so(method, class_data):
    X, y = class_data
    arguments = (X, y) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match="This NetClassifier instance is not fitted yet"):
        getattr(NetClassifier(), method)(*arguments)


@pytest.mark.parametrize("device", ["gpu", "cuda:7"])
def test_a_device_that_is_not_there_is_refused(device, class_data, classifier):
    if device.startswith("cuda") and torch.cuda.is_available():
        device = "cuda:x"
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text follows
        classifier(device=device).fit(*class_data)
    assert str(caught.value) == (
        "There is no such device here. Expected 'auto', 'cpu', or 'cuda' where torch finds a CUDA "
        f"device; got device={device!r}. Leave it at 'auto' to take what there is."
    )


def test_a_class_weight_below_0_is_refused(class_data, classifier):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text follows
        classifier(class_weight={0: -1.0, 1: 1.0, 2: 1.0}).fit(*class_data)
    assert str(caught.value) == (
        "class_weight has a weight below 0. Expected weights of 0 or more; got "
        "class_weight={0: -1.0, 1: 1.0, 2: 1.0}. Correct the weights."
    )


def test_targets_too_large_to_be_standardised_are_refused(number_data, regressor):
    X, y = number_data
    with pytest.raises(ValueError, match=r"^y is too large to be standardised. Expected targets"):
        regressor().fit(X, y * 1e160)


@pytest.mark.parametrize("entry", [3, ("name", 3), ProgressBar()])
def test_a_callback_that_is_not_skorchs_is_refused(entry, class_data, classifier):
    with pytest.raises(TypeError) as caught:
        classifier(callbacks=[entry]).fit(*class_data)
    assert str(caught.value) == (
        "callbacks has an entry that is no callback of skorch. Expected instances of "
        f"skorch.callbacks.Callback, or pairs (name, callback); got {entry!r}. Set callbacks of "
        "scikit-learn, such as MLflowCallback, with estimator.set_callbacks."
    )


def test_parameters_of_a_ready_module_cannot_be_set():
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text follows
        NetClassifier(torch.nn.Linear(3, 2)).set_params(module__bias=False)
    assert str(caught.value) == (
        "A module that is already made has no parameters to set. Expected "
        "module=TorchModule(cls, **params), whose parameters can be set; got module__bias=False "
        "for Linear. Give its class as TorchModule(cls) instead of an instance."
    )


def test_class_weights_of_classes_that_are_not_there_are_refused(class_data, classifier):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text follows
        classifier(class_weight={0: 2.0, 99: 2.0}).fit(*class_data)
    assert str(caught.value) == (
        "class_weight names classes that are not there. Expected some of [0, 1, 2]; got [99]. "
        "Correct the names; a class that is not named has weight 1."
    )


def test_text_targets_of_a_regressor_are_refused(number_data, regressor):
    X, y = number_data
    with pytest.raises(ValueError, match=r"^y holds text. Expected numbers; got such as "):
        regressor().fit(X, y.astype(str))
