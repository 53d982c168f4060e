import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf, oas, shrunk_covariance
from sklearn.preprocessing import StandardScaler

from sknn_tricks.preprocessing.whitening._covariance import covariance_of, shrink, shrinkage_of
from sknn_tricks.preprocessing.whitening._moments import Moments

THEIRS = {"oas": oas, "ledoit_wolf": ledoit_wolf}
rules = pytest.mark.parametrize("rule", sorted(THEIRS))
kinds = pytest.mark.parametrize("fourth", [None, "rows", "features"])


def skewed(n_rows=60, n_features=7, seed=0):
    """Rows with heavy tails, far from zero: odd and even moments matter."""
    rng = np.random.default_rng(seed)
    return rng.exponential(size=(n_rows, n_features)) @ rng.normal(size=(n_features,) * 2) + 7


def in_parts(X, cuts, fourth=None):
    first, *others = (Moments.of(rows, fourth=fourth) for rows in np.split(X, cuts))
    return sum(others, start=first)


def assert_same(moments, others):
    assert moments.n_rows == others.n_rows
    assert_close(moments.mean, others.mean)
    assert_close(moments.scatter, others.scatter)
    if others.fourth is not None:
        fourth = others.fourth.fourth
        assert_close(moments.fourth.fourth, fourth)
        # Third powers of both signs cancel out: their rounding is that of their size.
        size = others.n_rows ** (1 / 4) * fourth.max() ** (3 / 4)
        assert_close(moments.fourth.third, others.fourth.third, size)


def assert_close(found, expected, size=None):
    size = np.abs(expected).max() if size is None else size
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * size)


# --- moments --------------------------------------------------------------------------------


@kinds
@settings(max_examples=50, deadline=None)
@given(
    n_rows=st.integers(2, 80),
    n_features=st.integers(1, 6),
    cuts=st.lists(st.integers(1, 79), max_size=10, unique=True),
    seed=st.integers(0, 100),
)
def test_moments_of_parts_add_up_to_those_of_all(fourth, n_rows, n_features, cuts, seed):
    X = skewed(n_rows, n_features, seed)
    cuts = sorted(cut for cut in cuts if cut < n_rows)
    assert_same(in_parts(X, cuts, fourth), Moments.of(X, fourth=fourth))


@kinds
def test_moments_add_up_row_by_row_from_far_apart(fourth):
    X = skewed() + 1000 * np.arange(60)[:, None]
    assert_same(in_parts(X, range(1, 60), fourth), Moments.of(X, fourth=fourth))


@kinds
def test_order_of_the_parts_is_nothing(fourth):
    a, b = Moments.of(skewed(30), fourth=fourth), Moments.of(skewed(7, seed=1), fourth=fourth)
    assert_same(a + b, b + a)


def test_moments_are_those_of_their_definition():
    X = skewed()
    centred = X - X.mean(axis=0)
    moments = in_parts(X, [20], fourth="features")
    np.testing.assert_allclose(moments.scatter, centred.T @ centred)
    np.testing.assert_allclose(
        moments.fourth.third, np.einsum("nd,ne->de", centred**2, centred), atol=1e-8
    )
    np.testing.assert_allclose(
        moments.fourth.fourth, np.einsum("nd,ne->de", centred**2, centred**2)
    )
    of_rows = in_parts(X, [20], fourth="rows").fourth
    length = np.square(centred).sum(axis=1)
    np.testing.assert_allclose(of_rows.third, [length @ centred])
    np.testing.assert_allclose(of_rows.fourth, [[length @ length]])


def test_the_coarsest_resolution_counts():
    X = skewed()
    both = Moments.of(X, resolution=1e-7) + Moments.of(X)
    assert both.resolution == 1e-7


def test_moments_of_float16_are_summed_in_float64():
    X = np.full((3000, 2), 60000, np.float16)
    X[::2, 0] = 50000
    moments = Moments.of(X)
    np.testing.assert_array_equal(moments.mean, X.astype(np.float64).mean(axis=0))
    assert moments.scatter.dtype == np.float64


@kinds
def test_too_large_numbers_are_seen(fourth):
    assert Moments.of(skewed(), fourth=fourth).is_finite
    assert not Moments.of(skewed() * 1e200, fourth=fourth).is_finite
    # A fourth power is too large earlier.
    assert Moments.of(skewed() * 1e100, fourth=fourth).is_finite == (fourth is None)


# --- covariance -----------------------------------------------------------------------------


def test_covariance_is_numpys():
    X = skewed()
    np.testing.assert_allclose(covariance_of(in_parts(X, [1, 5])), np.cov(X, rowvar=False))


def test_constant_features_have_no_covariance_at_all():
    X = skewed()
    X[:, 2] = 0.1
    covariance = covariance_of(in_parts(X, [10, 11, 40]))
    assert (covariance[2] == 0).all()
    assert (covariance[:, 2] == 0).all()
    assert np.count_nonzero(covariance) == 36


def test_features_that_vary_by_rounding_have_no_covariance_at_all():
    X = skewed()
    X[:, 2] = [0.3, 0.1 + 0.2] * 30
    assert np.ptp(X[:, 2]) > 0
    covariance = covariance_of(Moments.of(X))
    assert (covariance[2] == 0).all()
    assert (covariance[:, 2] == 0).all()


def test_nothing_varies():
    with pytest.raises(ValueError, match=r"^X does not vary"):
        covariance_of(Moments.of(np.full((10, 3), 1e9 / 3)))


# --- shrinkage ------------------------------------------------------------------------------


def shrunk(X, rule, cuts, standardised):
    """Return covariance (divisor rows) and amount as the Whitener computes them."""
    moments = in_parts(X, cuts, "features" if standardised else "rows")
    covariance = covariance_of(moments)
    scale = 1 / np.sqrt(np.diag(covariance)) if standardised else np.ones(len(covariance))
    matrix = covariance * np.outer(scale, scale)
    amount = shrinkage_of(rule, matrix, moments, scale)
    divisor = 1 if standardised else (len(X) - 1) / len(X)
    return shrink(matrix, amount, scale) * divisor, amount


@rules
@settings(max_examples=40, deadline=None)
@given(
    n_rows=st.integers(3, 80),
    n_features=st.integers(1, 30),
    log_scale=st.integers(-20, 20),
    standardised=st.booleans(),
    seed=st.integers(0, 100),
)
def test_shrunk_covariance_is_sklearns(rule, n_rows, n_features, log_scale, standardised, seed):
    X = skewed(n_rows, n_features, seed) * 10.0**log_scale
    theirs, amount = THEIRS[rule](StandardScaler().fit_transform(X) if standardised else X)
    ours, our_amount = shrunk(X, rule, [1, n_rows - 1], standardised)
    assert our_amount == pytest.approx(amount, abs=1e-10)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10 * np.abs(theirs).max())


@pytest.mark.parametrize("amount", [0.0, 0.3, 1.0])
def test_a_number_shrinks_as_sklearn_does(amount):
    X = skewed()
    covariance = covariance_of(Moments.of(X))
    found = shrink(covariance, amount, np.ones(7))
    np.testing.assert_allclose(found, shrunk_covariance(np.cov(X.T), amount), atol=1e-12)
    assert shrinkage_of(amount, covariance, Moments.of(X), np.ones(7)) == amount


def test_none_is_no_shrinkage():
    assert shrinkage_of(None, np.eye(3), Moments.of(skewed(9, 3)), np.ones(3)) == 0


@rules
def test_constant_features_do_not_count_among_standardised_ones(rule):
    X = skewed()
    with_constant = np.insert(X, 3, 5.0, axis=1)
    moments = Moments.of(with_constant, fourth="features")
    covariance = covariance_of(moments)
    sd = np.sqrt(np.diag(covariance))
    scale = np.divide(1, sd, out=np.zeros(8), where=sd > 0)
    matrix = covariance * np.outer(scale, scale)
    amount = shrinkage_of(rule, matrix, moments, scale)
    assert amount == pytest.approx(THEIRS[rule](StandardScaler().fit_transform(X))[1])
    diagonal = np.diag(shrink(matrix, amount, scale))
    np.testing.assert_allclose(diagonal, [1, 1, 1, 0, 1, 1, 1, 1])


@rules
def test_features_alike_and_independent_are_shrunk_wholly(rule):
    # The corners of a cube: the covariance is a multiple of the identity already.
    X = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1]), float).reshape(3, -1).T
    _, amount = shrunk(X, rule, [4], standardised=False)
    assert 0 <= amount <= 1


def test_unknown_shrinkage():
    text = (
        "shrinkage='ledoit' is not known. Expected one of 'ledoit_wolf', 'oas'; got 'ledoit'. "
        "Did you mean 'ledoit_wolf'?"
    )
    with pytest.raises(ValueError, match="^" + re.escape(text) + "$"):
        shrinkage_of("ledoit", np.eye(3), Moments.of(skewed(9, 3)), np.ones(3))
