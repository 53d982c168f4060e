"""Shrinkage: whitening with few rows for many features."""

import re

import numpy as np
import pytest
from sklearn.covariance import ledoit_wolf, oas, shrunk_covariance
from sklearn.preprocessing import StandardScaler

from sknn_tricks.preprocessing import Whitener

THEIRS = {
    "oas": oas,
    "ledoit_wolf": ledoit_wolf,
    0.3: lambda X: (shrunk_covariance(np.cov(X, rowvar=False, ddof=0), 0.3), 0.3),
}
rules = pytest.mark.parametrize("rule", list(THEIRS))
methods = pytest.mark.parametrize("method", ["pca", "zca", "zca_cor"])


def correlated(n_samples, n_features, seed=0):
    mix = np.random.default_rng(1).normal(size=(n_features, n_features)) / n_features**0.5
    X = np.random.default_rng(seed).normal(size=(n_samples, n_features))
    return X @ (np.eye(n_features) + mix)


def largest_variance(Z):
    return np.linalg.eigvalsh(np.cov(Z, rowvar=False))[-1]


@rules
@methods
def test_what_is_whitened_is_the_shrunk_matrix_of_sklearn(method, rule):
    X = correlated(40, 8)
    whitener = Whitener(method, shrinkage=rule).fit(X)
    scaled = StandardScaler().fit_transform(X) if method == "zca_cor" else X
    theirs, amount = THEIRS[rule](scaled)
    sd = X.std(axis=0) if method == "zca_cor" else np.ones(8)
    covariance = theirs * np.outer(sd, sd) * (40 / 39)  # the divisor here is rows - 1
    assert whitener.shrinkage_ == pytest.approx(amount)
    W = whitener.whitening_
    np.testing.assert_allclose(W.T @ covariance @ W, np.eye(8), atol=1e-10)


@rules
@pytest.mark.parametrize("method", ["pca", "zca_cor"])
def test_rows_that_were_not_fitted_are_not_blown_up(method, rule):
    X, X_test = correlated(300, 256), correlated(3000, 256, seed=2)
    plain = largest_variance(Whitener(method).fit(X).transform(X_test))
    shrunk = largest_variance(Whitener(method, shrinkage=rule).fit(X).transform(X_test))
    assert plain > 100
    assert shrunk < 6


@rules
@methods
def test_fewer_rows_than_features_keep_every_direction(method, rule):
    X, X_test = correlated(20, 50), correlated(1000, 50, seed=2)
    whitener = Whitener(method, shrinkage=rule).fit(X)
    assert whitener.n_components_ == 50
    np.testing.assert_allclose(
        whitener.inverse_transform(whitener.transform(X_test)), X_test, atol=1e-9
    )
    assert largest_variance(whitener.transform(X_test)) < 20


@methods
def test_no_shrinkage_is_shrinkage_zero(method):
    X = correlated(100, 5)
    np.testing.assert_array_equal(
        Whitener(method, shrinkage=0.0).fit_transform(X), Whitener(method).fit_transform(X)
    )
    assert Whitener(method).fit(X).shrinkage_ == 0


def test_full_shrinkage_only_rotates_and_scales():
    X = correlated(100, 5)
    Z = Whitener("zca", shrinkage=1.0).fit_transform(X)
    centred = X - X.mean(axis=0)
    np.testing.assert_allclose(Z, centred / np.sqrt(X.var(axis=0, ddof=1).mean()))
    Z = Whitener("zca_cor", shrinkage=1.0).fit_transform(X)
    np.testing.assert_allclose(Z, centred / X.std(axis=0, ddof=1))


def test_many_rows_are_hardly_shrunk():
    X = correlated(20_000, 5)
    for rule in ("oas", "ledoit_wolf"):
        assert Whitener(shrinkage=rule).fit(X).shrinkage_ < 0.01


@pytest.mark.parametrize("rule", ["oas", "ledoit_wolf"])
def test_constant_features(rule):
    X = correlated(50, 5)
    X[:, 2] = 0.1
    whitener = Whitener("zca", shrinkage=rule).fit(X)
    # A variance that was never seen counts as the share of the mean variance that is mixed in.
    variance = whitener.shrinkage_ * X.var(axis=0, ddof=1).sum() / 5
    np.testing.assert_allclose(whitener.transform(X + 1)[:, 2], 1 / np.sqrt(variance))
    assert (Whitener("zca_cor", shrinkage=rule).fit(X).transform(X + 1)[:, 2] == 0).all()


@pytest.mark.parametrize("rule", ["oas", "ledoit_wolf", 0.5])
@methods
def test_one_feature(method, rule):
    X = correlated(50, 1)
    whitener = Whitener(method, shrinkage=rule)
    assert np.var(whitener.fit_transform(X), ddof=1) == pytest.approx(1)


def test_unknown_rule():
    text = (
        "shrinkage='ledoit-wolf' is not known. Expected one of 'ledoit_wolf', 'oas'; got "
        "'ledoit-wolf'. Did you mean 'ledoit_wolf'?"
    )
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        Whitener(shrinkage="ledoit-wolf").fit(correlated(50, 3))


def test_true_is_no_amount():
    text = (
        "shrinkage=True is not known. Expected one of 'ledoit_wolf', 'oas'; got True. "
        "Choose one of these names."
    )
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        Whitener(shrinkage=True).fit(correlated(50, 3))
