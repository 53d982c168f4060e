"""A fit that fails leaves everything as it was before."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback

from sknn_tricks.exceptions import DivergenceError
from sknn_tricks.nets import MLP

DIVERGES = {"optimizer": "sgd", "lr": 1e30}


class CtrlC(Callback):
    """The user presses Ctrl-C at the end of the second epoch."""

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) % 2 == 0:
            press_ctrl_c()


def press_ctrl_c():
    # Not in the callback itself: that would be its way of stopping early.
    raise KeyboardInterrupt


class Breaks:
    """A scikit-learn callback that fails when the fit has ended."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "fit":
            raise RuntimeError("no space left on device")


FAILURES = {
    "unknown init": ({"init": "kaiming"}, ValueError),
    "unknown activation": ({"module__activation": "rlu"}, ValueError),
    "unknown optimizer": ({"optimizer": "adams"}, ValueError),
    "width of 0": ({"module__hidden": 0}, ValueError),
    "parameter out of range": ({"lr": -1.0}, ValueError),
    "divergence": (DIVERGES, DivergenceError),
    "Ctrl-C": ({"callbacks": [CtrlC()]}, KeyboardInterrupt),
}


def fitted_attributes(estimator):
    return {name for name in vars(estimator) if name.endswith("_")}


@pytest.mark.parametrize(("params", "error"), FAILURES.values(), ids=FAILURES)
def test_a_first_fit_that_fails_leaves_nothing_fitted(params, error, class_data, classifier):
    net = classifier().set_params(**params)
    before = set(vars(net))
    with pytest.raises(error):
        net.fit(*class_data)
    with pytest.raises(NotFittedError):
        check_is_fitted(net)
    assert fitted_attributes(net) == set()
    assert set(vars(net)) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda X, y: (X[:, :0], y),
        lambda X, y: (np.full_like(X, np.nan), y),
        lambda X, y: (X, y[:-1]),
        lambda X, y: (X, np.zeros_like(y)),
        lambda X, y: (X, y + 0.5),
    ],
)
def test_a_first_fit_on_wrong_data_leaves_nothing_fitted(change, class_data, classifier):
    net = classifier()
    with pytest.raises(ValueError, match=r".+"):
        net.fit(*change(*class_data))
    with pytest.raises(NotFittedError):
        check_is_fitted(net)
    assert fitted_attributes(net) == set()


@pytest.mark.parametrize(("params", "error"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("other_data", [False, True])
def test_a_second_fit_that_fails_leaves_the_first(
    params, error, other_data, class_data, number_data, classifier
):
    X, y = class_data
    net = classifier().fit(X, y)
    before = net.predict_proba(X), list(net.history_), fitted_attributes(net)
    net.set_params(**params)
    with pytest.raises(error):
        net.fit(*((number_data[0], number_data[1] > 0) if other_data else (X, y)))
    np.testing.assert_array_equal(net.predict_proba(X), before[0])
    assert (net.history_, fitted_attributes(net)) == before[1:]


def test_a_second_fit_that_fails_leaves_the_kind_of_targets(class_data, classifier):
    X, y = class_data
    net = classifier().fit(X, y)
    before = net.predict(X)
    with pytest.raises(DivergenceError):
        net.set_params(**DIVERGES).fit(X, np.c_[y == 0, y < 2].astype(int))
    np.testing.assert_array_equal(net.predict(X), before)


def test_a_second_fit_that_fails_leaves_the_shape_of_targets(number_data, regressor):
    X, y = number_data
    net = regressor().fit(X, y)
    before = net.predict(X)
    with pytest.raises(DivergenceError):
        net.set_params(**DIVERGES).fit(X, y[:, None])
    np.testing.assert_array_equal(net.predict(X), before)


def everything(net):
    """Return copies of all that a net is."""
    state = net.net_.optimizer_.state_dict()["state"]
    return {
        "weights": {k: v.numpy().copy() for k, v in net.net_.module_.state_dict().items()},
        "moments": {i: {k: v.numpy().copy() for k, v in s.items()} for i, s in state.items()},
        "history": [list(net.history_), list(net.loss_curve_), net.net_.history[:, "train_loss"]],
        "callbacks": [name for name, _ in net.net_.callbacks_],
        "numbers": [net.n_iter_, net.best_epoch_, net.classes_.tolist()],
    }


FAILURES_LATE = {
    "divergence": (lambda net: net.set_params(lr=1e30), DivergenceError),
    "divergence under early stopping": (
        lambda net: net.set_params(lr=1e30, early_stopping=True),
        DivergenceError,
    ),
    "a callback at the end": (lambda net: net.set_callbacks(Breaks()), RuntimeError),
    "a warning made an error": (
        lambda net: net.set_params(lr=1e4, max_epochs=1),
        ConvergenceWarning,
    ),
}


@pytest.mark.parametrize(("change", "error"), FAILURES_LATE.values(), ids=FAILURES_LATE)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_training_that_goes_on_and_fails_leaves_net_history_and_optimizer(
    method, change, error, class_data, classifier
):
    X, y = class_data
    module = MLP((8,), batch_norm=error is not ConvergenceWarning)
    net = classifier(module, warm_start=True, optimizer="momentum").fit(X, y)
    before = everything(net)
    change(net)
    with pytest.raises(error):
        getattr(net, method)(X, y)
    np.testing.assert_equal(everything(net), before)


def test_ctrl_c_while_training_goes_on_leaves_the_net(class_data, classifier):
    X, y = class_data
    net = classifier(warm_start=True, max_epochs=1, callbacks=[CtrlC()]).fit(X, y)
    before = everything(net)
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, y)
    np.testing.assert_equal(everything(net), before)


def test_training_goes_on_after_a_failure_as_if_it_had_not_been(class_data, classifier, weights):
    X, y = class_data
    smooth, bumpy = (classifier(warm_start=True).fit(X, y) for _ in range(2))
    with pytest.raises(DivergenceError):
        bumpy.set_params(lr=1e38).fit(X, y)
    bumpy.set_params(lr=0.02).fit(X, y)
    np.testing.assert_array_equal(weights(bumpy), weights(smooth.fit(X, y)))


def test_a_candidate_that_fails_is_nan_and_the_others_are_scored(class_data, classifier):
    grid = {"lr": [0.02, 1e30], "optimizer": ["sgd"]}
    search = GridSearchCV(classifier(max_epochs=20), grid, cv=3, error_score=np.nan)
    with (
        pytest.warns(FitFailedWarning, match="DivergenceError: Training diverged in epoch 1"),
        pytest.warns(UserWarning, match="One or more of the test scores are non-finite"),
    ):
        search.fit(*class_data)
    good, bad = search.cv_results_["mean_test_score"]
    assert good > 0.7
    assert np.isnan(bad)
    assert search.best_params_["lr"] == 0.02


def test_a_fit_that_fails_is_raised_by_a_search_that_wants_it(class_data, classifier):
    search = GridSearchCV(classifier(**DIVERGES), {"l1": [0.0]}, error_score="raise")
    with pytest.raises(DivergenceError):
        search.fit(*class_data)
