"""Classes of different sizes: losses, class weights, balanced batches, prior correction."""

import re

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss, recall_score
from sklearn.model_selection import GridSearchCV, train_test_split

from sknn_tricks import NetClassifier, OnDisk
from sknn_tricks.fused import fused_training
from sknn_tricks.losses import cross_entropy, effective_number, focal, logit_adjusted
from sknn_tricks.nets import MLP

REMEDIES = [
    {"class_weight": "balanced"},
    {"class_weight": "effective"},
    {"class_weight": effective_number(beta=0.9999)},
    {"class_weight": lambda counts: 1 / counts},
    {"balanced_batches": True},
    {"loss": "logit_adjusted"},
    {"loss": "focal", "class_weight": "balanced"},
    {"class_weight": "balanced", "balance_after": 0.5},
    {"balanced_batches": True, "balance_after": 0.5},
]


def overlapping(n_rows=3000, share=0.05, seed=0):
    """Two normal classes two standard deviations apart, one of them rare."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n_rows) < share).astype(int)
    return rng.normal(size=(n_rows, 2)) + 1.4 * y[:, None], y


def linear(**params):
    """A net that can know the truth of these classes, a linear one, and no more."""
    settings = {"max_epochs": 30, "batch_size": 64, "lr": 0.02, "weight_decay": 0.0}
    return NetClassifier(**({"module": MLP(hidden=()), "random_state": 0} | settings | params))


@pytest.fixture(scope="module")
def data():
    return overlapping()


@pytest.fixture(scope="module")
def plain(data):
    return linear().fit(*data)


# --- what it does ---------------------------------------------------------------------------


@pytest.mark.parametrize("remedy", REMEDIES)
def test_each_remedy_balances_the_decisions(data, plain, remedy):
    X, y = overlapping(seed=1)
    before = balanced_accuracy_score(y, plain.predict(X))
    after = balanced_accuracy_score(y, linear(**remedy).fit(*data).predict(X))
    assert before < 0.75
    assert after > before + 0.07


@pytest.mark.parametrize("remedy", [each for each in REMEDIES if each.get("loss") != "focal"])
def test_prior_correction_makes_up_for_each_remedy(data, plain, remedy):
    X, y = overlapping(seed=1)
    best = log_loss(y, plain.predict_proba(X))
    spoilt = linear(**remedy).fit(*data)
    mended = linear(**remedy, prior_correction=True).fit(*data)
    assert log_loss(y, spoilt.predict_proba(X)) > best + 0.05
    assert log_loss(y, mended.predict_proba(X)) < best + 0.01
    assert mended.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.015)
    np.testing.assert_array_equal(mended.predict(X), spoilt.predict(X))


@pytest.mark.parametrize(
    "remedy",
    [{"loss": "focal"}, {"loss": focal(5.0)}, {"loss": "focal", "class_weight": "balanced"}],
)
def test_prior_correction_makes_focal_nets_sure_again(data, plain, remedy):
    """What a focal loss makes of a probability is no linear function of the features."""
    X, y = overlapping(seed=1)
    spoilt, mended = (
        linear(**remedy, module=MLP((16,)), prior_correction=correct).fit(*data).predict_proba(X)
        for correct in (False, True)
    )
    best = log_loss(y, plain.predict_proba(X))
    assert log_loss(y, spoilt) > best + 0.05
    assert log_loss(y, mended) < best + 0.015


def test_corrected_probabilities_are_probabilities_and_have_their_logarithms(data):
    X = data[0]
    net = linear(loss="logit_adjusted", n_members=2, prior_correction=True, max_epochs=2)
    proba = net.fit(*data).predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(np.log(proba), net.predict_log_proba(X), rtol=1e-9)
    np.testing.assert_allclose(net.predict_proba_members(X).mean(axis=0), proba)


@pytest.mark.parametrize("remedy", [{}, {"class_weight": "balanced"}])
def test_a_prior_that_is_given_is_the_one_of_the_probabilities(data, remedy):
    X, y = overlapping(share=0.5, seed=1)
    net = linear(**remedy, prior_correction={0: 1, 1: 1}).fit(*data)
    assert net.predict_proba(X)[:, 1].mean() == pytest.approx(0.5, abs=0.03)
    assert log_loss(y, net.predict_proba(X)) < 0.4


def test_rows_that_were_resampled_beforehand_are_made_up_for(data):
    X, y = data
    rare = np.flatnonzero(y)
    index = np.concatenate([np.arange(len(y)), np.repeat(rare, 18)])
    shares = {0: 1 - y.mean(), 1: y.mean()}
    net = linear(prior_correction=shares).fit(X[index], y[index])
    assert net.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), abs=0.015)


def test_class_weights_are_corrected_by_the_formula(data):
    X, y = data
    by_class = {0: 1.0, 1: 7.0}
    biased = linear(class_weight=by_class).fit(X, y).predict_log_proba(X)
    mended = linear(class_weight=by_class, prior_correction=True).fit(X, y)
    wanted = log_softmax(biased - np.log([1.0, 7.0]), axis=1)
    np.testing.assert_allclose(mended.predict_log_proba(X), wanted, rtol=1e-9)


def test_an_adjusted_loss_is_corrected_by_its_own_offset(data):
    X, y = data
    net = linear(loss=logit_adjusted(tau=1.5), prior_correction=True, max_epochs=3).fit(X, y)
    logits = net.net_.forward(torch.from_numpy(X).float()).numpy()
    shares = np.array([1 - y.mean(), y.mean()])
    wanted = softmax(logits + 1.5 * np.log(shares), axis=1)
    np.testing.assert_allclose(net.predict_proba(X), wanted, rtol=1e-4)


def test_shares_are_those_of_the_weights(data):
    X, y = data
    weight = np.where(y == 1, 19.0, 1.0)
    net = linear(loss="logit_adjusted", max_epochs=2)
    by_weight = net.fit(X, y, sample_weight=weight)._imbalance.loss.shares
    share = weight[y == 1].sum() / weight.sum()
    np.testing.assert_allclose(by_weight, [1 - share, share])


@pytest.mark.parametrize("remedy", [{"class_weight": "balanced"}, {"balanced_batches": True}])
def test_what_is_balanced_already_is_not_adjusted_again(data, remedy):
    net = linear(loss="logit_adjusted", max_epochs=1, **remedy).fit(*data)
    np.testing.assert_allclose(net._imbalance.loss.shares, [0.5, 0.5])


def test_deferred_weights_leave_the_first_epochs_alone(data):
    curves = [
        linear(max_epochs=10, **params).fit(*data).loss_curve_
        for params in (
            {},
            {"class_weight": "balanced", "balance_after": 0.6},
            {"balanced_batches": True, "balance_after": 0.6},
        )
    ]
    for deferred in curves[1:]:
        assert deferred[:6] == curves[0][:6]
        assert deferred[6] > 1.5 * curves[0][6]


def test_focal_with_gamma_0_is_cross_entropy(data):
    X, y = data
    nets = [linear(loss=loss, max_epochs=2).fit(X, y) for loss in (focal(0.0), "cross_entropy")]
    np.testing.assert_allclose(nets[0].predict_proba(X), nets[1].predict_proba(X), rtol=1e-3)


def test_a_loss_of_the_users_own(data):
    def twice(outputs, target, weight=None):
        return 2 * cross_entropy(outputs, target, weight)

    with fused_training() as fused:
        net = linear(loss=twice, max_epochs=3).fit(*data)
    plain = linear(max_epochs=3).fit(*data)
    assert "there is no stacked form of its loss" in str(fused.report)
    assert net.loss_curve_[0] == pytest.approx(2 * plain.loss_curve_[0], rel=0.02)


def test_a_linear_net_with_an_adjusted_loss_is_a_logistic_regression_when_corrected(data):
    X, y = data
    net = linear(loss="logit_adjusted", prior_correction=True, lr=0.002, max_epochs=60).fit(X, y)
    peer = LogisticRegression(C=1e6).fit(X, y)
    np.testing.assert_allclose(net.predict_proba(X), peer.predict_proba(X), atol=0.05)


# --- where it goes --------------------------------------------------------------------------


def test_a_search_trains_them_fused_and_finds_what_the_stock_one_finds(data):
    X, y = (each[:400] for each in data)
    grid = [
        {"loss": ["cross_entropy", "logit_adjusted"], "class_weight": [None, "balanced"]},
        {"loss": [focal(1.0), focal(2.0)], "prior_correction": [False, True]},
        {"balanced_batches": [True], "balance_after": [0.0, 0.5]},
    ]
    net = NetClassifier(MLP((8,)), max_epochs=4, random_state=0)
    search = GridSearchCV(net, grid, cv=2, scoring="neg_log_loss", refit=False)
    with fused_training() as fused:
        scores = search.fit(X, y).cv_results_["mean_test_score"]
    stock = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(scores, stock)
    assert (fused.report.n_stacks, fused.report.n_alone) == (2, 0)


@pytest.mark.parametrize("loss", ["focal", focal(0.5), "logit_adjusted", "cross_entropy"])
def test_several_labels(loss):
    X, y = overlapping()
    Y = np.column_stack([y, X[:, 0] > 0])
    plain = NetClassifier(MLP((8,)), max_epochs=20, random_state=0).fit(X, Y)
    net = NetClassifier(MLP((8,)), loss=loss, max_epochs=20, random_state=0).fit(X, Y)
    recalls = [recall_score(y, each.predict(X)[:, 0]) for each in (plain, net)]
    assert net.predict(X)[:, 1] == pytest.approx(Y[:, 1], abs=1)
    if loss == "logit_adjusted":
        assert recalls[1] > recalls[0] + 0.3
    else:
        assert recalls[1] == pytest.approx(recalls[0], abs=0.15)


def test_effective_weights_of_labels_are_products_over_the_labels():
    X, y = overlapping(n_rows=300)
    Y = np.column_stack([y, X[:, 0] > 0]).astype(int)
    counts = [np.bincount(column) for column in Y.T]
    weight = np.prod(
        [effective_number()(n)[column] for n, column in zip(counts, Y.T, strict=True)], axis=0
    )
    nets = [
        linear(class_weight="effective", max_epochs=2).fit(X, Y),
        linear(max_epochs=2).fit(X, Y, sample_weight=weight),
    ]
    np.testing.assert_allclose(*(net.predict_proba(X) for net in nets))


def test_early_stopping_watches_the_loss_that_is_trained(data):
    X, y = data
    X_train, X_valid, y_train, y_valid = train_test_split(X, y, stratify=y, random_state=0)
    net = linear(loss="logit_adjusted", max_epochs=2)
    net.fit(X_train, y_train, validation_data=(X_valid, y_valid))
    logits = net.net_.forward(torch.from_numpy(X_valid).float())
    loss = logit_adjusted(shares=(1 - y_train.mean(), y_train.mean()))
    wanted = loss(logits, torch.from_numpy(y_valid)).item()
    assert net.history_[-1]["valid_loss"] == pytest.approx(wanted, rel=1e-5)


def test_the_weights_of_watched_rows_are_those_of_the_training(data):
    X, y = data
    common = y == 0
    net = linear(class_weight="balanced", max_epochs=1)
    net.fit(X, y, validation_data=(X[common], y[common]))
    factor = 0.5 / (1 - y.mean())
    logits = net.net_.forward(torch.from_numpy(X[common]).float())
    wanted = factor * cross_entropy(logits, torch.zeros(common.sum(), dtype=torch.int64)).item()
    assert net.history_[-1]["valid_loss"] == pytest.approx(wanted, rel=1e-5)


def test_partial_fit_takes_chunks_that_lack_a_class(data):
    X, y = data
    settings = {"loss": "logit_adjusted", "balanced_batches": True, "prior_correction": True}
    net = linear(**settings)
    for rows in (y == 0, y == 1, y >= 0):
        net.partial_fit(X[rows], y[rows], classes=[0, 1])
    assert np.isfinite(net.predict_log_proba(X)).all()


def test_another_loss_may_train_on_where_one_left_off(data):
    X, y = data
    net = linear(max_epochs=10, warm_start=True).fit(X, y)
    before = recall_score(y, net.predict(X))
    net.set_params(loss="logit_adjusted").fit(X, y)
    assert recall_score(y, net.predict(X)) > before + 0.3
    fresh = linear(max_epochs=10, loss="logit_adjusted", warm_start=True).fit(X, y)
    assert net.loss_curve_[-1] == pytest.approx(fresh.loss_curve_[-1], rel=0.05)


# --- what is refused ------------------------------------------------------------------------


def test_an_unknown_loss(data):
    with pytest.raises(ValueError, match="loss='focus' is not known") as caught:
        linear(loss="focus").fit(*data)
    assert str(caught.value) == (
        "loss='focus' is not known. Expected one of 'cross_entropy', 'focal', 'logit_adjusted'; "
        "got 'focus'. Did you mean 'focal'?"
    )


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"balanced_batches": True}, "balanced_batches=True"),
        ({"prior_correction": True}, "prior_correction=True"),
        ({"class_weight": "balanced", "balance_after": 0.8}, "balance_after=0.8"),
    ],
)
def test_what_several_labels_cannot_have(data, params, name):
    X, y = data
    with pytest.raises(ValueError, match="is for targets of one class a row") as caught:
        linear(**params).fit(X, np.column_stack([y, 1 - y]))
    short = name.partition("=")[0]
    assert str(caught.value) == (
        f"{short} is for targets of one class a row. Expected {short} left out for an indicator "
        f"matrix of labels; got {name}. Use class_weight, or loss='logit_adjusted' or 'focal'."
    )


def test_balanced_batches_of_rows_on_the_disk(mapped, small_windows):
    X, y = overlapping()
    with pytest.raises(ValueError, match="balanced_batches needs rows in memory") as caught:
        linear(balanced_batches=True).fit(OnDisk(mapped(X)), y)
    assert str(caught.value) == (
        "balanced_batches needs rows in memory. Expected an array, or balanced_batches=False; got "
        "rows on the disk, which are read in blocks. Use class_weight='balanced' or "
        "loss='logit_adjusted'."
    )


def test_a_class_without_weight_cannot_be_corrected(data):
    with pytest.raises(ValueError, match="cannot make up") as caught:
        linear(class_weight={0: 0.0, 1: 1.0}, prior_correction=True).fit(*data)
    assert str(caught.value) == (
        "prior_correction cannot make up for a class weight of 0. Expected class weights above 0; "
        "got 0 for [0]. Give these classes a weight, or set prior_correction=False."
    )


@pytest.mark.parametrize("prior", [{0: 0.9}, {0: 0.9, 1: 0.0}, {0: 0.9, 1: 0.05, 2: 0.05}])
def test_a_prior_names_each_class(data, prior):
    with pytest.raises(ValueError, match="prior_correction does not say") as caught:
        linear(prior_correction=prior).fit(*data)
    assert str(caught.value) == (
        "prior_correction does not say the share of each class. Expected a number above 0 for "
        f"each of [0, 1]; got {prior!r}. Give all shares, or True for those of the data."
    )


def test_a_list_of_class_weights_for_single_classes(data):
    text = "A list of class weights is for targets with several labels. Expected a dict of class "
    with pytest.raises(ValueError, match=re.escape(text)):
        linear(class_weight=[{0: 1.0, 1: 2.0}]).fit(*data)


def test_a_fit_that_is_refused_leaves_the_net_as_it_was(data, plain):
    X, y = data
    before = plain.predict_proba(X)
    with pytest.raises(ValueError, match="prior_correction"):
        plain.set_params(prior_correction={0: 1.0}).fit(X, y)
    plain.set_params(prior_correction=False)
    np.testing.assert_array_equal(plain.predict_proba(X), before)
