import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sknn_tricks.preprocessing import Whitener

METHODS = ["pca", "zca", "zca_cor"]
methods = pytest.mark.parametrize("method", METHODS)
# Those that see the features as they are, not standardised.
both = pytest.mark.parametrize("method", ["pca", "zca"])


@parametrize_with_checks(
    [Whitener(method) for method in METHODS]
    + [Whitener(method, shrinkage=rule) for method in METHODS for rule in ("oas", "ledoit_wolf")]
    + [Whitener(shrinkage=0.1)]
)
def test_sklearn(estimator, check):
    check(estimator)


def correlated(n_samples=300, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    mix = np.eye(n_features) + 0.3 * rng.normal(size=(n_features, n_features))
    return rng.normal(size=(n_samples, n_features)) @ mix


def covariance_error(Z):
    """Largest entry of |cov(Z) - I|."""
    covariance = np.atleast_2d(np.cov(Z.astype(np.float64), rowvar=False))
    return np.abs(covariance - np.eye(len(covariance))).max()


# --- white ----------------------------------------------------------------------------------


@methods
@settings(max_examples=60, deadline=None)
@given(
    n_features=st.integers(1, 12),
    extra_rows=st.integers(2, 700),
    offset=st.floats(-20, 20),
    log_scale=st.integers(-30, 30),
    seed=st.integers(0, 1000),
)
def test_output_is_white(method, n_features, extra_rows, offset, log_scale, seed):
    rng = np.random.default_rng(seed)
    X = correlated(n_features + extra_rows, n_features, seed)
    X = (X + offset) * 10.0**log_scale * rng.uniform(0.3, 3, size=n_features)
    whitener = Whitener(method).fit(X)
    Z = whitener.transform(X)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-9)
    # an unlucky draw may have a direction below the cut-off
    if whitener.n_components_ == n_features:
        assert covariance_error(Z) < 1e-6
        np.testing.assert_allclose(
            whitener.inverse_transform(Z), X, rtol=1e-8, atol=1e-8 * np.abs(X).max()
        )
    else:
        X = X / X.std(axis=0) if method == "zca_cor" else X
        eigenvalues = np.linalg.eigvalsh(np.atleast_2d(np.cov(X, rowvar=False)))
        assert eigenvalues[0] < 2e-8 * eigenvalues[-1]


@methods
@pytest.mark.parametrize("offset", [5, 20])
def test_float32_far_from_zero_is_white(method, offset):
    X = correlated(2000, 8)
    X32 = (X + offset * X.std(axis=0)).astype(np.float32)
    Z = Whitener(method).fit_transform(X32)
    assert Z.dtype == np.float32
    assert covariance_error(Z) < 1e-5


@methods
def test_float64_very_far_from_zero_is_white(method):
    Z = Whitener(method).fit_transform(correlated() + 1e7)
    assert covariance_error(Z) < 1e-6


@methods
def test_rows_sorted_by_value_are_white(method):
    X = correlated(5000, 3)
    X = X[np.argsort(X[:, 0])] + 1000
    assert covariance_error(Whitener(method).fit_transform(X)) < 1e-9


def test_pca_agrees_with_sklearn_where_sklearn_is_right():
    X = correlated()
    ours, theirs = Whitener().fit(X), PCA(whiten=True).fit(X)
    np.testing.assert_allclose(ours.mean_, theirs.mean_, atol=1e-12)
    np.testing.assert_allclose(ours.explained_variance_, theirs.explained_variance_)
    np.testing.assert_allclose(ours.explained_variance_ratio_, theirs.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(ours.transform(X)), np.abs(theirs.transform(X)), atol=1e-9)


def test_learned_matrices_are_what_the_docstring_says():
    X = correlated()
    for method in ("pca", "zca"):
        whitener = Whitener(method, n_components=3).fit(X)
        Z = whitener.transform(X)
        np.testing.assert_allclose(Z, (X - whitener.mean_) @ whitener.whitening_, atol=1e-12)
        np.testing.assert_allclose(
            whitener.dewhitening_, np.linalg.pinv(whitener.whitening_, rcond=1e-10), atol=1e-10
        )
        assert whitener.components_.shape == (3, 5)
        assert (
            whitener.explained_variance_.shape == whitener.explained_variance_ratio_.shape == (3,)
        )


# --- zca ------------------------------------------------------------------------------------


def test_zca_matrix_is_symmetric():
    whitening = Whitener("zca").fit(correlated(seed=3)).whitening_
    assert (whitening == whitening.T).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_zca_is_the_white_output_closest_to_the_input(seed):
    X = StandardScaler().fit_transform(correlated(seed=seed))
    Z = Whitener("zca").fit_transform(X)
    distance = np.square(Z - X).mean()
    rotated = Z @ ortho_group.rvs(X.shape[1], random_state=seed)
    assert covariance_error(rotated) < 1e-6
    assert distance < np.square(rotated - X).mean()
    assert distance < np.square(Whitener("pca").fit_transform(X) - X).mean()


def test_zca_of_white_data_is_the_data():
    X = Whitener("pca").fit_transform(correlated())
    np.testing.assert_allclose(Whitener("zca").fit_transform(X), X, atol=1e-8)


def test_zca_n_components_keeps_width_and_drops_directions_to_zero():
    X = correlated()
    Z = Whitener("zca", n_components=2).fit_transform(X)
    directions = Whitener("pca").fit(X).components_
    assert Z.shape == X.shape
    np.testing.assert_allclose(np.var(Z @ directions.T, axis=0, ddof=1), [1, 1, 0, 0, 0], atol=1e-9)


# --- rank-deficient data --------------------------------------------------------------------


def deficient(kind):
    X = correlated(100, 4)
    if kind == "copied column":
        return X[:, [0, 1, 2, 3, 3]], 4
    if kind == "sum of columns":
        return np.column_stack([X, X.sum(axis=1)]), 4
    if kind == "constant column":
        return np.column_stack([X, np.full(100, 0.1)]), 4
    if kind == "one-hot":
        return np.eye(5)[np.arange(100) % 5], 4
    return correlated(4, 10), 3  # fewer rows than features


deficiencies = pytest.mark.parametrize(
    "kind", ["copied column", "sum of columns", "constant column", "one-hot", "few rows"]
)


@methods
@deficiencies
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rank_deficient_data_do_not_blow_noise_up(method, kind, dtype):
    X, rank = deficient(kind)
    X = (X + 5).astype(dtype)
    noise = 1e-6 * np.random.default_rng(1).normal(size=X.shape)
    whitener = Whitener(method).fit(X)
    clean, noisy = whitener.transform(X), whitener.transform((X + noise).astype(dtype))
    assert whitener.n_components_ == rank
    assert clean.shape[1] == (rank if method == "pca" else X.shape[1])
    assert np.abs(clean - noisy).max() < 1e-4
    # white within the data's own subspace, exactly zero outside
    eigenvalues = np.sort(np.linalg.eigvalsh(np.cov(clean.astype(np.float64), rowvar=False)))
    np.testing.assert_allclose(eigenvalues[-rank:], 1, atol=1e-4)
    np.testing.assert_allclose(eigenvalues[:-rank], 0, atol=1e-6)


@methods
@deficiencies
def test_inverse_of_rank_deficient_data_is_exact_on_the_data(method, kind):
    X, _ = deficient(kind)
    whitener = Whitener(method)
    np.testing.assert_allclose(whitener.inverse_transform(whitener.fit_transform(X)), X, atol=1e-9)


@methods
def test_copy_rounded_in_float32_is_a_copy(method):
    X = correlated(500, 3).astype(np.float32)
    X = np.column_stack([X, (X[:, 0] * np.float32(1 / 3)) * np.float32(3)])
    assert Whitener(method).fit(X).n_components_ == 3


def test_constant_column_stays_zero_in_zca_and_comes_back():
    X = np.column_stack([correlated(50, 2), np.full(50, 1e8 / 3)])
    whitener = Whitener("zca").fit(X)
    assert (whitener.transform(X + 1)[:, 2] == 0).all()
    np.testing.assert_array_equal(whitener.inverse_transform(whitener.transform(X))[:, 2], X[:, 2])


@pytest.mark.parametrize(("eps", "rank"), [(None, 2), (1e-3, 1), (1e-9, 2), (0.0, 2)])
def test_eps_decides_what_is_dropped(eps, rank):
    X = np.random.default_rng(0).normal(size=(100, 2)) * [1, 1e-3]
    X = np.column_stack([X, X[:, 0] - X[:, 1]])
    assert Whitener(eps=eps).fit(X).n_components_ == rank


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_eps_zero_keeps_no_direction_made_of_rounding(seed):
    X = correlated(50, 4, seed)
    assert Whitener(eps=0).fit(X[:, [0, 1, 2, 3, 0, 1, 2, 3]]).n_components_ == 4


@settings(max_examples=60, deadline=None)
@given(value=st.floats(-1e9, 1e9), n_samples=st.integers(2, 5000))
def test_any_constant_is_seen_as_constant(value, n_samples):
    X = np.full((n_samples, 2), value)
    with pytest.raises(ValueError, match="X does not vary"):
        Whitener().fit(X)
    X[:, 0] = np.arange(n_samples) * 1e-12
    whitener = Whitener("zca", eps=0).fit(X)
    assert whitener.n_components_ == 1
    assert (whitener.transform(X + 1)[:, 1] == 0).all()


def test_a_difference_of_rounding_is_no_variation():
    X = np.tile([[0.3], [0.1 + 0.2]], (50, 1))
    assert np.ptp(X) > 0
    with pytest.raises(ValueError, match="X does not vary"):
        Whitener().fit(X)


def test_float32_is_cut_earlier_than_float64():
    X = np.random.default_rng(0).normal(size=(1000, 2))
    X = StandardScaler().fit_transform(X)
    X[:, 1] = X[:, 0] + 4e-4 * X[:, 1]  # second eigenvalue about 4e-8 of the first
    assert Whitener().fit(X).n_components_ == 2
    assert Whitener().fit(X.astype(np.float32)).n_components_ == 1


# --- n_components ---------------------------------------------------------------------------


@pytest.mark.parametrize(("n_components", "expected"), [(1, 1), (3, 3), (5, 5), (None, 5)])
def test_pca_int_n_components(n_components, expected):
    X = correlated()
    Z = Whitener(n_components=n_components).fit_transform(X)
    assert Z.shape == (300, expected)
    assert covariance_error(Z) < 1e-9


@methods
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999999])
def test_float_n_components_is_the_smallest_number_with_that_share(method, share):
    whitener = Whitener(method, n_components=share).fit(correlated())
    reached = whitener.explained_variance_ratio_.sum()
    assert reached >= share
    assert reached - whitener.explained_variance_ratio_[-1] < share
    assert whitener.n_components_ == len(whitener.components_)


@pytest.mark.parametrize("n_components", [5, 1 - 1e-16 * 4])
def test_n_components_never_exceeds_the_rank(n_components):
    X, rank = deficient("copied column")
    assert Whitener(n_components=n_components).fit_transform(X).shape[1] == rank


@both
def test_inverse_is_the_projection_on_the_kept_directions(method):
    X = correlated()
    whitener = Whitener(method, n_components=2)
    back = whitener.inverse_transform(whitener.fit_transform(X))
    pca = PCA(n_components=2)
    np.testing.assert_allclose(back, pca.inverse_transform(pca.fit_transform(X)), atol=1e-9)


# --- zca_cor --------------------------------------------------------------------------------


def test_zca_cor_is_zca_of_standardised_features():
    X = correlated(seed=4) * [1, 1e-6, 1e6, 3, 1] + 5
    Z = Whitener("zca_cor").fit_transform(X)
    assert covariance_error(Z) < 1e-9
    standardised = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(Z, Whitener("zca").fit_transform(standardised), atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_zca_cor_is_the_white_output_most_correlated_with_the_input(seed):
    X = correlated(seed=seed) * np.random.default_rng(seed).uniform(0.1, 10, size=5)

    def correlation(Z):
        return np.trace(np.corrcoef(Z.T, X.T)[:5, 5:])

    best = correlation(Whitener("zca_cor").fit_transform(X))
    Z = Whitener("zca").fit_transform(X)
    assert best > correlation(Z)
    assert best > correlation(Z @ ortho_group.rvs(5, random_state=seed))


def test_zca_cor_does_not_depend_on_units():
    X = correlated()
    units = 10.0 ** np.arange(-60, 65, 25)
    Z = Whitener("zca_cor").fit_transform(X)
    np.testing.assert_allclose(Whitener("zca_cor").fit_transform(X * units), Z, atol=1e-9)


def test_zca_cor_components_are_those_of_the_correlation_matrix():
    X = correlated()
    whitener = Whitener("zca_cor", n_components=3).fit(X)
    pca = PCA(n_components=3).fit(X / X.std(axis=0, ddof=1))
    np.testing.assert_allclose(whitener.explained_variance_, pca.explained_variance_)
    np.testing.assert_allclose(whitener.explained_variance_ratio_, pca.explained_variance_ratio_)
    np.testing.assert_allclose(np.abs(whitener.components_), np.abs(pca.components_), atol=1e-9)
    root = np.diag(X.std(axis=0, ddof=1))
    correlation = pca.components_.T @ np.diag(pca.explained_variance_**-0.5) @ pca.components_
    np.testing.assert_allclose(whitener.whitening_, np.linalg.inv(root) @ correlation, atol=1e-9)
    back = whitener.inverse_transform(whitener.transform(X))
    standardised = (X - X.mean(axis=0)) @ np.linalg.inv(root)
    kept = standardised @ pca.components_.T @ pca.components_
    np.testing.assert_allclose(back, kept @ root + X.mean(axis=0), atol=1e-9)


def test_constant_column_stays_zero_in_zca_cor_and_comes_back():
    X = np.column_stack([correlated(50, 2), np.full(50, 1e8 / 3)])
    whitener = Whitener("zca_cor").fit(X)
    assert whitener.n_components_ == 2
    assert (whitener.transform(X + 1)[:, 2] == 0).all()
    np.testing.assert_allclose(whitener.inverse_transform(whitener.transform(X)), X, rtol=1e-12)


# --- signs, types, names --------------------------------------------------------------------


def test_signs_do_not_depend_on_rounding():
    X = correlated(seed=2)
    whitener = Whitener().fit(X)
    largest = np.abs(whitener.components_).argmax(axis=1)
    assert (whitener.components_[np.arange(5), largest] > 0).all()
    Z = whitener.transform(X)
    np.testing.assert_allclose(Whitener().fit(X[::-1] + 3).transform(X + 3), Z, atol=1e-7)


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_signs_of_two_equal_entries_take_the_first(order):
    X = StandardScaler().fit_transform(correlated(200, 2, seed=5))[:, order]
    assert (Whitener().fit(X).components_[:, 0] > 0).all()


@methods
@pytest.mark.parametrize(
    ("dtype", "out"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.float16, np.float32),
        (np.uint8, np.float32),
        (np.int16, np.float32),
        (np.int32, np.float64),
    ],
)
def test_dtypes(method, dtype, out):
    X = (10 * correlated() + 100).astype(dtype)
    whitener = Whitener(method).fit(X)
    Z = whitener.transform(X)
    assert Z.dtype == out
    assert whitener.inverse_transform(Z).dtype == out
    assert covariance_error(Z) < 1e-5
    assert whitener.whitening_.dtype == whitener.mean_.dtype == np.float64


def test_tags_say_which_types_are_preserved():
    assert get_tags(Whitener()).transformer_tags.preserves_dtype == ["float64", "float32"]


@methods
def test_input_is_left_alone(method):
    X = correlated()
    before = X.copy()
    whitener = Whitener(method).fit(X)
    whitener.inverse_transform(whitener.transform(X))
    np.testing.assert_array_equal(X, before)


def table():
    return pd.DataFrame(correlated(50, 3), columns=["a", "b", "c"], index=np.arange(50) + 7)


@pytest.mark.parametrize(
    ("method", "names"),
    [
        ("pca", ["whitener0", "whitener1", "whitener2"]),
        ("zca", ["a", "b", "c"]),
        ("zca_cor", ["a", "b", "c"]),
    ],
)
def test_table_in_table_out(method, names):
    X = table()
    whitener = Whitener(method).set_output(transform="pandas")
    Z = whitener.fit_transform(X)
    assert isinstance(Z, pd.DataFrame)
    assert list(Z.columns) == list(whitener.get_feature_names_out()) == names
    assert list(Z.index) == list(X.index)
    assert list(whitener.feature_names_in_) == ["a", "b", "c"]
    assert whitener.n_features_in_ == 3
    np.testing.assert_allclose(whitener.inverse_transform(Z), X)


def test_names_without_a_table():
    X = correlated(50, 3)
    pca = Whitener(n_components=2).fit(X)
    assert list(pca.get_feature_names_out()) == ["whitener0", "whitener1"]
    zca = Whitener("zca", n_components=2).fit(X)
    assert list(zca.get_feature_names_out()) == ["x0", "x1", "x2"]
    assert list(zca.get_feature_names_out(["u", "v", "w"])) == ["u", "v", "w"]


@methods
def test_in_a_pipeline(method):
    X = correlated()
    y = X[:, 0] > 0
    pipe = Pipeline(
        [("scale", StandardScaler()), ("white", Whitener()), ("model", LogisticRegression())]
    )
    pipe.set_params(white__method=method)
    fitted = clone(pipe).fit(X, y)
    assert fitted.score(X, y) > 0.95
    assert fitted[:-1].get_feature_names_out().shape == (5,)
    loaded = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(loaded.predict_proba(X), fitted.predict_proba(X))


def test_clone_keeps_parameters():
    params = {"method": "zca", "n_components": 0.9, "eps": 1e-4, "shrinkage": "oas"}
    assert clone(Whitener(**params)).get_params() == params


# --- what is said when something is wrong ---------------------------------------------------


def exactly(text):
    return "^" + re.escape(text) + "$"


def test_unknown_method():
    with pytest.raises(
        ValueError,
        match=exactly(
            "method='zcaa' is not known. Expected one of 'pca', 'zca', 'zca_cor'; got "
            "'zcaa'. "
            "Did you mean 'zca'?"
        ),
    ):
        Whitener("zcaa").fit(correlated())


@methods
def test_constant_data(method):
    with pytest.raises(
        ValueError,
        match=exactly(
            "X does not vary. Expected at least one feature that is not constant; got none "
            "among 3. Check the data, or leave the Whitener out."
        ),
    ):
        Whitener(method).fit(np.tile([0.1, 0.0, 1e9 / 3], (1000, 1)))


def test_more_components_than_features():
    with pytest.raises(
        ValueError,
        match=exactly(
            "n_components=6 is more than X has features. Expected at most 5; got 6. "
            "Lower it, or use n_components=None to keep every direction."
        ),
    ):
        Whitener(n_components=6).fit(correlated())


@pytest.mark.parametrize(
    "params",
    [
        {"n_components": 0},
        {"n_components": 1.0},
        {"n_components": "mle"},
        {"eps": -1e-9},
        {"eps": 1.0},
        {"method": None},
        {"shrinkage": -0.1},
        {"shrinkage": 1.1},
        {"shrinkage": []},
    ],
)
def test_parameters_out_of_range(params):
    (name,) = params
    with pytest.raises(ValueError, match=f"The '{name}' parameter of Whitener must be"):
        Whitener(**params).fit(correlated())


def test_too_large_for_float64():
    with pytest.raises(
        ValueError,
        match=exactly(
            "The covariance of X is too large for float64. Expected values up to about 1e150; "
            "got larger ones. Scale X first, for instance with a StandardScaler."
        ),
    ):
        Whitener().fit(correlated() * 1e200)


def test_inverse_of_another_width():
    whitener = Whitener(n_components=2).fit(correlated())
    with pytest.raises(
        ValueError,
        match=exactly(
            "X is not an output of this Whitener. Expected rows of shape (2,); got (5,). "
            "Pass what transform gave."
        ),
    ):
        whitener.inverse_transform(correlated())


@pytest.mark.parametrize("use", ["transform", "inverse_transform"])
def test_not_fitted(use):
    with pytest.raises(NotFittedError):
        getattr(Whitener(), use)(correlated())


def test_small_features_are_not_lost_silently():
    X = table() * [1, 1e-5, 1]
    with pytest.warns(
        UserWarning,
        match=exactly(
            "Some features are lost, because others vary far more. Expected features of similar "
            "size; got almost no variance in b. Put a StandardScaler before the Whitener, or "
            "set eps."
        ),
    ) as caught:
        whitener = Whitener("zca").fit(X)
    assert caught[0].filename == __file__
    assert whitener.n_components_ == 2
    assert Whitener("zca", eps=1e-8).fit(X).n_components_ == 2
    assert covariance_error(Whitener("zca", eps=0.0).fit_transform(X)) < 1e-4
    assert covariance_error(Whitener("zca").fit_transform(StandardScaler().fit_transform(X))) < 1e-9
