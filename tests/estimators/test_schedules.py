"""Rates that go on along the training, as a user of the estimators meets them."""

import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.fused import fused_training
from sknn_tricks.fused.rendezvous import fit_many
from sknn_tricks.losses import REGRESSION_LOSSES, huber, squared_error
from sknn_tricks.nets import MLP
from sknn_tricks.schedules import SCHEDULES, cosine, multi_step, step

NAMES = ("lr_schedule", "weight_decay_schedule", "dropout_schedule")
SCHEDULED = {"lr_schedule": "one_cycle", "warmup": 0.2, "dropout_schedule": "linear"}


def some(moment):
    """Schedule of the user's own."""
    return 1 / (1 + moment.epoch)


# --- parameters -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_one_grid_search_over_all_schedules_is_one_stack(class_data, classifier, name):
    net = classifier(MLP(hidden=(8,), dropout=0.2), weight_decay=0.1, max_epochs=2)
    search = GridSearchCV(net, {name: [*SCHEDULES, some]}, cv=2, refit=False)
    with fused_training(n_jobs=1) as fused:
        search.fit(*class_data)
    assert (fused.report.n_nets, fused.report.n_stacks) == (2 * (len(SCHEDULES) + 1), 1)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_name_is_the_schedule_of_that_name(class_data, classifier, weights):
    named, given, other = (
        weights(classifier(lr_schedule=schedule).fit(*class_data))
        for schedule in ("cosine", cosine(), "linear")
    )
    assert (named == given).all()
    assert (named != other).any()


def test_schedules_survive_clone_and_set_params(classifier):
    net = clone(classifier(lr_schedule=multi_step((2, 3)), warmup=0.1))
    assert net.lr_schedule == multi_step((2, 3))
    assert net.set_params(lr_schedule=step(every=2)).lr_schedule == step(every=2)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_name(class_data, classifier, name):
    net = classifier(**{name: "cosinus"})
    for fit in (net.fit, lambda X, y: net.partial_fit(X, y, classes=[0, 1, 2])):
        with pytest.raises(ValueError, match=f"{name}='cosinus' is not known.*Did you mean"):
            fit(*class_data)
    assert not hasattr(net, "net_")


def test_milestones_beyond_the_training(class_data, classifier):
    text = (
        "multi_step(milestones=(3, 30), gamma=0.1) is longer than the training. Expected epochs "
        "below max_epochs=5; got milestones=(3, 30). Give fewer epochs, or shares of the training "
        "such as 0.5."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        classifier(lr_schedule=multi_step((3, 30))).fit(*class_data)


@pytest.mark.parametrize("params", [{"warmup": 1.0}, {"warmup": -0.1}, {"lr_scaling": "log"}])
def test_values_out_of_range(class_data, classifier, params):
    with pytest.raises(ValueError, match=f"The '{next(iter(params))}' parameter of NetClassifier"):
        classifier(**params).fit(*class_data)


# --- going on -------------------------------------------------------------------------------


def test_partial_fit_has_no_schedule(class_data, classifier, weights):
    X, y = class_data
    net, plain = classifier(**SCHEDULED), classifier()
    for each in (net, plain):
        for _ in range(3):
            each.partial_fit(X, y, classes=[0, 1, 2])
    assert (weights(net) == weights(plain)).all()


def test_partial_fit_knows_the_size_of_the_batch(class_data, classifier, weights):
    X, y = class_data
    scaled = classifier(lr=0.02, lr_scaling="linear").partial_fit(X, y, classes=[0, 1, 2])
    plain = classifier(lr=0.02 * 32 / 128).partial_fit(X, y, classes=[0, 1, 2])
    assert (weights(scaled) == weights(plain)).all()


def test_each_fit_of_a_warm_start_has_the_whole_schedule(number_data, regressor, weights):
    net = regressor(warm_start=True, lr_schedule=lambda moment: float(moment.epoch == 0))
    moved = []
    before = weights(net.fit(*number_data))
    for _ in range(2):
        after = weights(net.fit(*number_data))
        moved.append((after != before).any())
        before = after
    assert moved == [True, True]


# --- losses of numbers ----------------------------------------------------------------------


@pytest.mark.parametrize("loss", [*REGRESSION_LOSSES, huber(0.5)], ids=str)
def test_a_regressor_takes_each_loss(number_data, regressor, loss):
    net = regressor(loss=loss, max_epochs=60).fit(*number_data)
    assert net.score(*number_data) > 0.9


def test_one_grid_search_over_deltas_is_one_stack(number_data, regressor):
    search = GridSearchCV(regressor(), {"loss": [huber(d) for d in (0.1, 1, 5)]}, cv=2, refit=False)
    with fused_training(n_jobs=1) as fused:
        search.fit(*number_data)
    assert (fused.report.n_stacks, fused.report.n_alone) == (1, 0)


def test_a_loss_of_the_users_own_trains_alone(number_data, regressor, weights):
    def own(outputs, target, weight):
        return squared_error(outputs, target, weight)

    with fused_training() as fused:
        net = regressor(loss=own).fit(*number_data)
    assert fused.report.n_alone == 1
    plain = weights(regressor().fit(*number_data))
    assert weights(net) == pytest.approx(plain, rel=1e-3, abs=1e-4)


def test_a_wrong_name_of_a_loss(number_data, regressor):
    with pytest.raises(ValueError, match=r"loss='hubber' is not known\..*Did you mean 'huber'"):
        regressor(loss="hubber").fit(*number_data)


def test_robust_losses_are_not_led_astray_by_wrong_targets():
    X, y = load_diabetes(return_X_y=True)
    errors = {"squared_error": [], "huber": [], "absolute_error": []}
    fits, tests = [], []
    for seed in range(5):
        split = train_test_split(StandardScaler().fit_transform(X), y, random_state=seed)
        X_train, X_test, y_train, y_test = split
        wrong = np.random.default_rng(seed).random(len(y_train)) < 0.05
        y_train = np.where(wrong, 10 * y_train, y_train)  # a digit too many
        for loss in errors:
            net = NetRegressor(MLP(hidden=(16,)), loss=loss, max_epochs=40, random_state=seed)
            fits.append((net, X_train, y_train))
            tests.append((loss, X_test, y_test))
    for net, (loss, X_test, y_test) in zip(fit_many(fits), tests, strict=True):
        errors[loss].append(mean_absolute_error(y_test, net.predict(X_test)))
    squared, robust, absolute = (np.mean(each) for each in errors.values())
    assert robust < 0.9 * squared
    assert absolute < 0.9 * squared


# --- what they are good for -----------------------------------------------------------------


def mean_scores(settings, n_seeds=5, **params):
    """Return the mean accuracy on half of the digits for each setting."""
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    fits, tests = [], []
    for seed in range(n_seeds):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.5, random_state=seed, stratify=y
        )
        for each in settings:
            net = NetClassifier(MLP(hidden=(64, 64)), random_state=seed, **params, **each)
            fits.append((net, X_train, y_train))
            tests.append((X_test, y_test))
    scores = [net.score(*test) for net, test in zip(fit_many(fits), tests, strict=True)]
    return np.reshape(scores, (n_seeds, len(settings))).mean(axis=0)


def test_one_cycle_takes_a_higher_rate_and_ends_better_after_as_many_epochs():
    settings = [
        {"lr_schedule": schedule, "lr": lr}
        for schedule in ("constant", "one_cycle")
        for lr in (0.02, 0.05)
    ]
    low, high, _, cycle = mean_scores(settings, optimizer="momentum", batch_size=16, max_epochs=20)
    assert high < low
    assert cycle > high + 0.01
    assert cycle > low


def test_a_rate_that_grows_with_the_batch_makes_up_for_large_batches():
    settings = [{"batch_size": 128}, {"batch_size": 898}]
    scaled = [{**settings[1], "lr_scaling": "linear"}]
    small, large, grown = mean_scores(
        [*settings, *scaled], optimizer="momentum", lr=0.05, max_epochs=20
    )
    assert large < small - 0.04
    assert grown > small - 0.02
