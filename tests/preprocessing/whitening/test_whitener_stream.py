"""partial_fit: a stream of chunks gives what all rows at once give."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sknn_tricks.preprocessing import Whitener
from sknn_tricks.preprocessing.whitening import _seen

LEARNED = [
    "mean_",
    "components_",
    "explained_variance_",
    "explained_variance_ratio_",
    "shrinkage_",
    "whitening_",
    "dewhitening_",
]
every_whitener = pytest.mark.parametrize(
    "whitener",
    [
        Whitener(method, shrinkage=shrinkage)
        for method in ("pca", "zca", "zca_cor")
        for shrinkage in (None, "oas", "ledoit_wolf")
    ],
    ids=str,
)


def correlated(n_samples=300, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    mix = np.eye(n_features) + 0.3 * rng.normal(size=(n_features, n_features))
    return rng.exponential(size=(n_samples, n_features)) @ mix + 20


def streamed(whitener, X, cuts):
    whitener = clone(whitener)
    for chunk in np.split(X, cuts):
        assert whitener.partial_fit(chunk) is whitener
    return whitener


def assert_same(whitener, other, rtol=1e-12):
    assert whitener.n_components_ == other.n_components_
    assert whitener.n_samples_seen_ == other.n_samples_seen_
    for name in LEARNED:
        expected = getattr(other, name)
        atol = rtol * np.abs(expected).max()
        np.testing.assert_allclose(getattr(whitener, name), expected, rtol=0, atol=atol)


def exactly(text):
    return "^" + re.escape(text) + "$"


@every_whitener
@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 299), max_size=20, unique=True).map(sorted),
    seed=st.integers(0, 100),
)
def test_chunks_of_any_sizes_give_what_all_rows_give(whitener, cuts, seed):
    X = correlated(seed=seed)
    covariance = np.cov(X, rowvar=False)
    # Directions are only as well defined as their variances are apart.
    variances = np.linalg.eigvalsh(covariance)
    apart = np.diff(variances).min() / variances[-1]
    assert_same(streamed(whitener, X, cuts), clone(whitener).fit(X), rtol=1e-13 / min(apart, 0.1))


@every_whitener
def test_one_row_at_a_time_sorted_and_far_from_zero(whitener):
    X = correlated()
    X = X[np.argsort(X[:, 0])] + 1000
    one_shot = clone(whitener).fit(X)
    assert_same(streamed(whitener, X, range(1, 300)), one_shot, rtol=1e-10)


def test_order_of_rows_changes_nothing():
    X = correlated()
    shuffled = np.random.default_rng(1).permutation(X)
    for method in ("pca", "zca", "zca_cor"):
        whitener = Whitener(method, shrinkage="ledoit_wolf")
        assert_same(clone(whitener).fit(shuffled), clone(whitener).fit(X))


def test_chunks_smaller_than_the_blocks_of_fit_and_larger():
    X = correlated(5000)
    assert_same(streamed(Whitener(), X, [1, 4900]), Whitener().fit(X))


def test_a_stream_decomposes_once_and_only_if_asked(monkeypatch):
    solved = []
    monkeypatch.setattr(
        _seen, "solve", lambda *args, solve=_seen.solve: solved.append(1) or solve(*args)
    )
    X = correlated()
    whitener = streamed(Whitener(), X, range(10, 300, 10))
    assert solved == []
    whitener.transform(X)
    assert whitener.components_.shape == (5, 5)
    whitener.inverse_transform(whitener.transform(X))
    assert solved == [1]
    whitener.partial_fit(X)
    whitener.transform(X)
    assert solved == [1, 1]


def test_fit_forgets_what_was_seen():
    X = correlated()
    whitener = Whitener().partial_fit(correlated(seed=1)).fit(X)
    assert_same(whitener, Whitener().fit(X))
    assert_same(whitener.partial_fit(X), Whitener().fit(np.concatenate([X, X])))


def test_float32_chunks_among_float64_are_cut_as_float32():
    a, b = np.random.default_rng(0).normal(size=(2, 1000))
    X = np.column_stack([a, a + 4e-4 * b])  # second eigenvalue about 4e-8 of the first
    assert Whitener().partial_fit(X).partial_fit(X).n_components_ == 2
    assert Whitener().partial_fit(X).partial_fit(X.astype(np.float32)).n_components_ == 1


def test_pickled_stream_goes_on():
    X = correlated()
    whitener = pickle.loads(pickle.dumps(Whitener("zca").partial_fit(X[:100])))
    assert_same(whitener.partial_fit(X[100:]), Whitener("zca").fit(X))


def test_settings_of_the_last_chunk_count():
    X = correlated()
    whitener = Whitener().partial_fit(X[:100]).set_params(method="zca", shrinkage=0.2)
    whitener.partial_fit(X[100:])
    assert_same(whitener, Whitener("zca", shrinkage=0.2).fit(X))
    whitener.set_params(method="pca")
    assert_same(whitener, Whitener("zca", shrinkage=0.2).fit(X))
    assert list(whitener.get_feature_names_out()) == ["x0", "x1", "x2", "x3", "x4"]


def test_names_of_a_table_are_learned_from_the_first_chunk():
    X = pd.DataFrame(correlated(), columns=list("abcde"))
    whitener = Whitener("zca").partial_fit(X[:100]).partial_fit(X[100:])
    assert list(whitener.get_feature_names_out()) == list("abcde")
    with pytest.raises(ValueError, match="feature names should match"):
        whitener.partial_fit(X.rename(columns={"a": "z"}))


# --- what is said when something is wrong, and what is left then -------------------------------


def test_one_row_is_not_enough():
    whitener = Whitener().partial_fit(correlated(1))
    text = (
        "This Whitener has seen too few rows. Expected at least 2; got 1. "
        "Call partial_fit with more of them."
    )
    with pytest.raises(NotFittedError, match=exactly(text)):
        whitener.transform(correlated())
    with pytest.raises(NotFittedError, match=exactly(text)):
        _ = whitener.components_
    assert whitener.n_samples_seen_ == 1
    whitener.partial_fit(correlated(1, seed=1))
    assert whitener.n_components_ == 1


def test_nothing_varies_yet():
    X = np.ones((10, 3))
    whitener = Whitener().partial_fit(X)
    with pytest.raises(ValueError, match=r"^X does not vary\."):
        whitener.transform(X)
    assert whitener.partial_fit(correlated(50, 3)).n_components_ == 3


def test_attributes_of_an_unfitted_whitener_do_not_exist():
    for name in [*LEARNED, "n_components_", "n_samples_seen_"]:
        assert not hasattr(Whitener(), name)


def nan_in_row_299():
    X = correlated()
    X[299, 0] = np.nan
    return X


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("use", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (nan_in_row_299(), "Input X contains NaN"),
        (correlated() * 1e200, "The covariance of X is too large"),
        (np.empty((0, 5)), "Found array with 0 sample"),
        (np.array([["a"] * 5] * 9, object), "could not convert"),
    ],
    ids=["nan", "huge", "empty", "text"],
)
def test_a_failing_fit_leaves_the_whitener_as_it_was(first, use, bad, text):
    whitener, names = Whitener("zca", shrinkage="ledoit_wolf"), list("abcde")
    if not first:
        whitener.partial_fit(pd.DataFrame(correlated(), columns=names))
    before = dict(vars(whitener))
    with pytest.raises(ValueError, match=text):
        getattr(whitener, use)(pd.DataFrame(bad, columns=names))
    assert vars(whitener) == before


def test_rows_of_another_width():
    whitener = Whitener().partial_fit(correlated())
    with pytest.raises(ValueError, match="X has 4 features, but Whitener is expecting 5"):
        whitener.partial_fit(correlated(n_features=4))
    assert_same(whitener, Whitener().fit(correlated()))


@pytest.mark.parametrize("method", ["zca", "zca_cor"])
def test_ledoit_wolf_from_the_second_chunk_on(method):
    whitener = Whitener().partial_fit(correlated())
    whitener.set_params(method=method, shrinkage="ledoit_wolf")
    text = (
        "The shrinkage 'ledoit_wolf' needs sums of all rows that were not kept. Expected "
        f"method='{method}' and this shrinkage from the first chunk; got method='pca' and "
        "shrinkage=None then. Call fit, or clone the Whitener and stream again."
    )
    with pytest.raises(ValueError, match=exactly(text)):
        whitener.partial_fit(correlated())
    whitener.fit(correlated())


def test_sums_of_fourth_powers_are_too_large_earlier():
    text = (
        "The covariance of X is too large for float64. Expected values up to about 1e75; "
        "got larger ones. Scale X first, for instance with a StandardScaler."
    )
    Whitener().partial_fit(correlated() * 1e100)
    with pytest.raises(ValueError, match=exactly(text)):
        Whitener(shrinkage="ledoit_wolf").partial_fit(correlated() * 1e100)


def test_n_components_is_checked_on_the_first_chunk():
    with pytest.raises(ValueError, match=r"^n_components=6 is more than X has features"):
        Whitener(n_components=6).partial_fit(correlated(1))
