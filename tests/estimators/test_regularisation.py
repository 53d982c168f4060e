"""What the remedies against overfitting do to nets that have too few rows."""

import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.fused import fit_many, fused_training
from sknn_tricks.nets import MLP

REMEDIES = {
    "none": {},
    "dropout": {"module__dropout": 0.5},
    "weight_decay": {"weight_decay": 1.0},
    "l1": {"l1": 0.001},
    "elastic net": {"l1": 0.0005, "weight_decay": 0.5},
    "max_norm": {"max_norm": 1.0},
    "input_noise": {"input_noise": 0.3},
    "mixup": {"mixup": 1.0},
    "early_stopping": {"early_stopping": True, "validation_fraction": 0.2},
}
SEEDS = (0, 1)


@pytest.fixture(scope="module")
def digits():
    """Return 150 rows, a fifth of them with a wrong label, and 1647 rows to test with."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    labels, wrong = y[:150].copy(), rng.random(150) < 0.2
    labels[wrong] = rng.integers(0, 10, wrong.sum())
    return (X[:150] / 16, labels), (X[150:] / 16, y[150:])


@pytest.fixture(scope="module")
def nets(digits):
    """Return nets of each remedy, all trained at once."""
    usual = NetClassifier(
        MLP(hidden=(128,)), lr=0.005, weight_decay=0.0, batch_size=32, max_epochs=60
    )
    made = {
        (name, seed): clone(usual).set_params(**remedy, random_state=seed)
        for name, remedy in REMEDIES.items()
        for seed in SEEDS
    }
    fit_many([(net, *digits[0]) for net in made.values()])
    return made


def over_seeds(nets, name, function):
    return np.mean([function(nets[name, seed]) for seed in SEEDS])


def weights(net):
    return net.net_.module_.linear_0.weight.detach().numpy()


@pytest.mark.parametrize("remedy", [name for name in REMEDIES if name != "none"])
def test_a_remedy_helps_a_net_that_learns_wrong_labels_by_heart(nets, digits, remedy):
    train, test = digits
    assert over_seeds(nets, "none", lambda net: net.score(*train)) > 0.98
    assert over_seeds(nets, remedy, lambda net: net.score(*train)) < 0.97
    losses, scores = (
        [over_seeds(nets, name, function) for name in ("none", remedy)]
        for function in (
            lambda net: log_loss(test[1], net.predict_proba(test[0])),
            lambda net: net.score(*test),
        )
    )
    assert losses[1] < 0.9 * losses[0]
    assert scores[1] > scores[0] + 0.01


def test_l1_makes_weights_zero_and_l2_makes_them_small(nets):
    near_zero, length = (
        {name: over_seeds(nets, name, function) for name in ("none", "l1", "weight_decay")}
        for function in (lambda net: np.mean(np.abs(weights(net)) < 1e-3), _norm)
    )
    assert near_zero["l1"] > 0.3
    assert max(near_zero["none"], near_zero["weight_decay"]) < 0.03
    assert length["weight_decay"] < 0.7 * length["none"]


def _norm(net):
    return np.linalg.norm(weights(net))


def test_no_unit_is_longer_than_max_norm(nets):
    for seed in SEEDS:
        norms = {
            name: np.linalg.norm(weights(nets[name, seed]), axis=1) for name in ("none", "max_norm")
        }
        assert norms["max_norm"].max() < 1 + 1e-6
        assert norms["none"].max() > 1.5


def calibration_error(net, X, y, n_bins=10):
    """Return the expected calibration error (Guo et al., 2017)."""
    proba = net.predict_proba(X)
    sure, hit = proba.max(axis=1), net.classes_[proba.argmax(axis=1)] == y
    bins = np.minimum((sure * n_bins).astype(int), n_bins - 1)
    gaps = [
        np.mean(bins == i) * abs(hit[bins == i].mean() - sure[bins == i].mean())
        for i in np.unique(bins)
    ]
    return sum(gaps)


def test_smooth_labels_calibrate_a_net_that_is_too_sure():
    X, target = load_diabetes(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), target > np.median(target)
    shares = [0.0, 0.2]
    nets = {
        (share, seed): NetClassifier(
            MLP(hidden=(64, 64)),
            label_smoothing=share,
            weight_decay=0.0,
            batch_size=32,
            max_epochs=40,
            random_state=seed,
        )
        for share in shares
        for seed in SEEDS
    }
    fit_many([(net, X[:221], y[:221]) for net in nets.values()])
    error, loss = (
        [over_seeds(nets, share, function) for share in shares]
        for function in (
            lambda net: calibration_error(net, X[221:], y[221:]),
            lambda net: log_loss(y[221:], net.predict_proba(X[221:])),
        )
    )
    assert error[0] > 0.15
    assert error[1] < 0.7 * error[0]
    assert loss[1] < 0.75 * loss[0]


@pytest.mark.parametrize(
    "grid",
    [
        {"clip_value": [None, 0.01, 0.1], "max_norm": [None, 1.0]},
        {"input_noise": [0.0, 0.1], "mixup": [0.0, 0.2, 1.0]},
        {"l1": [0.0, 1e-3], "weight_decay": [0.0, 0.1], "decay_biases": [False, True]},
    ],
    ids=lambda grid: " ".join(grid),
)
def test_a_search_over_remedies_trains_fused(class_data, classifier, grid):
    search = GridSearchCV(classifier(max_epochs=3), grid, cv=2, refit=False)
    with fused_training() as fused:
        search.fit(*class_data)
    assert fused.report.n_alone == 0
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    one = clone(search.estimator).set_params(**search.cv_results_["params"][-1])
    alone = GridSearchCV(one, {}, cv=2, refit=False).fit(*class_data)
    last = search.cv_results_["mean_test_score"][-1]
    assert alone.cv_results_["mean_test_score"][0] == last


@pytest.mark.parametrize("estimator", [NetClassifier, NetRegressor])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clip_value", 0.0),
        ("max_norm", 0.0),
        ("max_norm", "3"),
        ("input_noise", -0.1),
        ("mixup", -1.0),
        ("decay_biases", "yes"),
        ("monitor", 3),
    ],
)
def test_values_out_of_range_are_refused(estimator, name, value, class_data):
    text = f"The '{name}' parameter of {estimator.__name__} must be"
    with pytest.raises(ValueError, match=re.escape(text)):
        estimator(**{name: value}).fit(*class_data)
