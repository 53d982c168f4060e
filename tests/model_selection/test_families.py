"""A search over each family of tricks is fused, and finds what the stock search finds."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.averaging import AVERAGES
from sknn_tricks.fused import fused_training
from sknn_tricks.init import SCHEMES
from sknn_tricks.losses import LOSSES, REGRESSION_LOSSES
from sknn_tricks.nets import ACTIVATIONS, MLP, NORMS, ResMLP
from sknn_tricks.optim import OPTIMIZERS
from sknn_tricks.schedules import SCHEDULES

DROPPING = MLP((6,), dropout=0.2, input_dropout=0.1, drop_connect=0.1)
FAMILIES = {
    "inits": {"init": ["auto", *SCHEMES]},
    "bias_init": {"bias_init": [0.0, 0.01]},
    "activations": {"module__activation": [*ACTIVATIONS]},
    "norms": {"module__norm": [None, *NORMS], "module__norm_after_activation": [False, True]},
    "dropout": {"module__dropout": [0.0, 0.2], "module__input_dropout": [0.0, 0.1]},
    "drop_connect": {"module__drop_connect": [0.0, 0.2, 0.5]},
    "nets": {"module": [MLP((6,)), ResMLP(8)]},
    "ResMLP": {"module": [ResMLP(8)], "module__drop_path": [0.0, 0.3]},
    "optimizers": {"optimizer": [*OPTIMIZERS]},
    "momentum": {"optimizer": ["momentum"], "momentum": [0.5, 0.9]},
    "betas": {"betas": [(0.9, 0.999), (0.8, 0.99)]},
    "schedules": {"lr_schedule": [*SCHEDULES]},
    "warm-up": {"warmup": [0.0, 0.3], "lr_scaling": [None, "linear", "sqrt"]},
    "weight decay": {
        "weight_decay": [0.0, 0.1],
        "weight_decay_schedule": ["constant", "flat_cosine"],
        "decay_biases": [False, True],
    },
    "dropout_schedule": {"module": [DROPPING], "dropout_schedule": ["constant", "linear"]},
    "clipping": {"clip_norm": [None, 0.1], "clip_value": [None, 0.01]},
    "penalties": {"l1": [0.0, 0.01], "max_norm": [None, 1.0]},
    "noise": {"input_noise": [0.0, 0.1], "mixup": [0.0, 0.4]},
    "averages": {"averaging": [None, *AVERAGES]},
    "losses": {"loss": [*LOSSES], "label_smoothing": [0.0, 0.1]},
    "classes": {"class_weight": [None, "balanced", "effective"], "balanced_batches": [False, True]},
    "stopping": {"early_stopping": [True], "monitor": ["loss", "accuracy"], "patience": [1, 3]},
}
FAMILIES_OF_NUMBERS = {"losses": {"loss": [*REGRESSION_LOSSES]}}


def assert_fused(net, grid, X, y):
    """Compare a fused search with a stock one; no net of it trains alone."""
    X = StandardScaler().fit_transform(X)
    X, y = X[::2], y[::2]
    net.set_params(max_epochs=5, batch_size=32, random_state=0)
    search = GridSearchCV(net, grid, cv=2, refit=False, error_score="raise")
    with fused_training() as fused:
        search.fit(X, y)
    assert ", 0 alone" in repr(fused.report)
    assert fused.report.n_nets == 2 * len(search.cv_results_["params"])
    scores = search.cv_results_["mean_test_score"].copy()
    np.testing.assert_array_equal(scores, search.fit(X, y).cv_results_["mean_test_score"])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", FAMILIES)
def test_of_classifiers(family):
    net = NetClassifier(MLP((6,)))
    assert_fused(net, FAMILIES[family], *load_iris(return_X_y=True))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("family", FAMILIES_OF_NUMBERS)
def test_of_regressors(family):
    net = NetRegressor(MLP((6,)))
    assert_fused(net, FAMILIES_OF_NUMBERS[family], *load_diabetes(return_X_y=True))
