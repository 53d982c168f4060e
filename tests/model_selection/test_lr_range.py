import re
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.model_selection import FusedGridSearchCV, LRRangeTest, lr_range_test
from sknn_tricks.nets import MLP


@pytest.fixture
def digits():
    X, y = load_digits(return_X_y=True)
    return StandardScaler().fit_transform(X)[:600], y[:600]


def result(*losses):
    valid = np.array(losses, dtype=float)[:, None]
    return LRRangeTest(np.geomspace(1e-3, 1.0, len(losses)), valid, valid)


# --- the suggestion -------------------------------------------------------------------------


def test_the_best_rate_is_that_of_the_best_neighbourhood():
    assert result(3, 2, 1, 2, 3).suggestion == pytest.approx(1e-3**0.5)
    assert result(2, 1.1, 1.1, 1.1, 0.5, 9).suggestion == pytest.approx(10**-1.2)


def test_of_rates_that_are_about_as_good_the_middle_is_suggested():
    losses = [3, 3, 1.03, 1.02, 1.01, 1.0, 1.0, 9, 9]
    assert result(*losses).suggestion == pytest.approx(10 ** (-3 + 3 * 4 / 8))


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_a_rate_beside_one_that_diverges_is_not_suggested(broken):
    assert result(3, 2, 1, 0.5, broken, broken).suggestion == pytest.approx(10**-1.8)


def test_where_almost_all_diverge_the_best_of_the_others_is_suggested():
    assert result(np.nan, 1.0, np.nan).suggestion == pytest.approx(10**-1.5)


@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
def test_the_suggestion_is_a_good_rate(digits, optimizer):
    X, y = digits
    net = NetClassifier(MLP(hidden=(32,)), optimizer=optimizer, random_state=0)
    test = lr_range_test(net, X, y)
    rates = {"lr": [test.suggestion, *np.geomspace(1e-4, 1.0, 9)]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of them diverge
        search = FusedGridSearchCV(net.set_params(max_epochs=20), rates, cv=3, refit=False)
        scores = search.fit(X, y).cv_results_["mean_test_score"]
    assert scores[0] > np.nanmax(scores) - 0.02


# --- what it trains -------------------------------------------------------------------------


def test_all_rates_train_in_one_stack(digits, batches):
    X, y = digits
    test = lr_range_test(NetClassifier(random_state=0), X, y, n_epochs=2, n_jobs=1)
    assert batches == [32]
    assert test.lrs[[0, -1]] == pytest.approx([1e-5, 1.0])
    assert test.train_loss.shape == test.valid_loss.shape == (32, 2)


def test_each_rate_has_the_losses_of_a_fit(digits):
    X, y = digits
    net = NetClassifier(random_state=3, lr_schedule="cosine", warmup=0.5, n_members=3)
    test = lr_range_test(net, X, y, lrs=[0.1, 0.001], n_epochs=2)
    assert test.lrs.tolist() == [0.001, 0.1]
    seed = np.random.RandomState(3).randint(2**31 - 1)
    fixed = {"early_stopping": True, "validation_fraction": 0.2, "random_state": int(seed)}
    one = NetClassifier(lr=0.1, max_epochs=2, **fixed).fit(X, y)
    assert test.train_loss[1].tolist() == one.loss_curve_
    assert test.valid_loss[1].tolist() == [row["valid_loss"] for row in one.history_]


@pytest.mark.parametrize(("batch_size", "n_epochs"), [(600, 100), (48, 10), (4, 5)])
def test_trainings_are_long_enough_to_tell_rates_apart(digits, batch_size, n_epochs):
    net = NetClassifier(MLP(hidden=(4,)), batch_size=batch_size, random_state=0)
    assert lr_range_test(net, *digits, lrs=[0.01]).valid_loss.shape == (1, n_epochs)


def test_rates_that_diverge_are_part_of_the_test():
    X, y = load_diabetes(return_X_y=True)
    test = lr_range_test(NetRegressor(optimizer="sgd"), X, y, lrs=[0.001, 1e20], n_epochs=2)
    assert np.isfinite(test.valid_loss).all(axis=1).tolist() == [True, False]
    assert test.suggestion == 0.001


def test_the_net_stays_as_it_is(digits):
    X, y = digits
    net = NetClassifier(random_state=0)
    before = net.get_params()
    lr_range_test(net, X, y, lrs=[0.01], n_epochs=1)
    assert net.get_params() == before
    assert not hasattr(net, "net_")


def test_it_is_the_same_each_time(digits):
    X, y = digits
    first, second = (
        lr_range_test(NetClassifier(random_state=0), X, y, lrs=[0.01, 0.1], n_epochs=1)
        for _ in range(2)
    )
    assert first.valid_loss.tolist() == second.valid_loss.tolist()


def test_steps_of_a_pipeline_come_first():
    X, y = load_diabetes(return_X_y=True)
    pipe = make_pipeline(StandardScaler(), NetRegressor(random_state=0))
    settings = {"lrs": [0.01, 0.1], "n_epochs": 1}
    test = lr_range_test(pipe, X, y, **settings)
    scaled = StandardScaler().fit_transform(X)
    plain = lr_range_test(NetRegressor(random_state=0), scaled, y, **settings)
    assert test.valid_loss.tolist() == plain.valid_loss.tolist()
    alone = lr_range_test(Pipeline([("net", pipe[-1])]), scaled, y, **settings)
    assert alone.valid_loss.tolist() == plain.valid_loss.tolist()


# --- what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "net", [LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())]
)
def test_there_must_be_a_net(net):
    text = "There is no net to test. Expected a NetClassifier or NetRegressor, or a Pipeline"
    with pytest.raises(TypeError, match=text):
        lr_range_test(net, [[0.0]], [0])


@pytest.mark.parametrize("lrs", [[], 0.1])
def test_there_must_be_rates(digits, lrs):
    text = (
        f"There are no learning rates to test. Expected a sequence of rates above 0; got "
        f"lrs={lrs!r}. Leave lrs out for 32 rates from 1e-5 to 1."
    )
    with pytest.raises(ValueError, match=re.escape(text)):
        lr_range_test(NetClassifier(), *digits, lrs=lrs)


def test_a_rate_of_0_is_refused_by_the_net(digits):
    with pytest.raises(ValueError, match="The 'lr' parameter of NetClassifier must be"):
        lr_range_test(NetClassifier(), *digits, lrs=[0.0, 0.1])


# --- the plot -------------------------------------------------------------------------------


def test_the_plot_shows_the_losses_and_the_suggestion(digits):
    test = lr_range_test(NetClassifier(random_state=0), *digits, n_epochs=3)
    figure = test.plot()
    assert isinstance(figure, Figure)
    [axes] = figure.axes
    *curves, line = axes.lines
    assert [curve.get_label() for curve in curves] == ["epoch 1", "epoch 2", "epoch 3"]
    np.testing.assert_array_equal(curves[-1].get_ydata(), test.valid_loss[:, -1])
    assert set(line.get_xdata()) == {test.suggestion}
    assert axes.get_xscale() == "log"


def test_the_plot_survives_rates_that_diverge():
    assert result(1.0, 2.0, np.nan, np.nan).plot().axes
    assert result(np.nan, np.nan).plot().axes


def test_where_all_diverge_nothing_is_suggested():
    assert np.isnan(result(np.nan, np.inf).suggestion)
