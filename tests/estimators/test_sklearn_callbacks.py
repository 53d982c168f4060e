"""scikit-learn's callbacks on nets."""

import numpy as np
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from sknn_tricks.nets import MLP, TorchModule


class Record:
    """Notes every hook; may want to stop after some epoch."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.hooks = []
        self.data = []

    def setup(self, estimator, context):
        self.hooks.append("setup")

    def teardown(self, estimator, context):
        self.hooks.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.hooks.append(f"{context.task_name} {context.task_id} begins")
        self.data.append((X, y, metadata))

    def on_fit_task_end(self, estimator, context):
        self.hooks.append(f"{context.task_name} {context.task_id} ends")
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


class Predict(Record):
    """Predicts the training data after each epoch and at the end."""

    def __init__(self):
        super().__init__()
        self.predictions = []

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.predictions.append(fitted_estimator.predict(X))


class OwnModule(MLP):
    """Stands for a module of the user's own."""

    foreign = True


def test_hooks_come_in_order(class_data, classifier):
    record = Record()
    classifier(max_epochs=2).set_callbacks(record).fit(*class_data)
    assert record.hooks == [
        "setup",
        "fit 0 begins",
        "epoch 0 begins",
        "epoch 0 ends",
        "epoch 1 begins",
        "epoch 1 ends",
        "fit 0 ends",
        "teardown",
    ]


def test_an_epoch_begins_before_its_first_batch(class_data, classifier):
    record = Record()

    class Noting(nn.Linear):
        def forward(self, x):
            if self.training:
                record.hooks.append("batch")
            return super().forward(x)

    net = classifier(TorchModule(Noting), max_epochs=2, batch_size=150).set_callbacks(record)
    net.fit(*class_data)
    assert record.hooks[2:5] == ["epoch 0 begins", "batch", "epoch 0 ends"]


def test_returning_true_after_an_epoch_stops_the_fit(class_data, classifier):
    net = classifier(max_epochs=50).set_callbacks(Record(stop_after=3)).fit(*class_data)
    assert net.n_iter_ == net.best_epoch_ == len(net.loss_curve_) == 3


def test_a_fit_that_was_stopped_keeps_the_best_weights_under_early_stopping(class_data, classifier):
    net = classifier(early_stopping=True, max_epochs=50, lr=0.5)
    net.set_callbacks(Record(stop_after=4)).fit(*class_data)
    losses = [epoch["valid_loss"] for epoch in net.history_]
    assert net.n_iter_ == 4
    assert net.best_epoch_ == int(np.argmin(losses)) + 1


@pytest.mark.parametrize("module", [MLP((8,), batch_norm=True), OwnModule((8,))])
def test_callbacks_get_a_net_to_predict_with_after_each_epoch(module, class_data, classifier):
    X, y = class_data
    predict = Predict()
    net = classifier(module, max_epochs=3).set_callbacks(predict).fit(X, y)
    assert len(predict.predictions) == 4
    np.testing.assert_array_equal(predict.predictions[-1], net.predict(X))
    first = classifier(module, max_epochs=1).fit(X, y)
    np.testing.assert_array_equal(predict.predictions[0], first.predict(X))


def test_callbacks_get_numbers_in_the_users_units(number_data, regressor):
    X, y = number_data
    predict = Predict()
    net = regressor(max_epochs=2).set_callbacks(predict).fit(X, y[:, None] * 1e6)
    np.testing.assert_allclose(predict.predictions[-1], net.predict(X), rtol=1e-3)


def test_a_net_of_another_kind_predicts_in_callbacks_too(class_data, classifier):
    X, y = class_data
    predict = Predict()
    net = classifier(OwnModule((8,)), max_epochs=1).fit(X, y)
    net.set_params(module=MLP((8,))).set_callbacks(predict).fit(X, y)
    np.testing.assert_array_equal(predict.predictions[0], net.predict(X))


def test_callbacks_get_the_data_and_the_weights(class_data, classifier):
    X, y = class_data
    record = Record()
    sample_weight = np.linspace(1, 2, 150)
    classifier(max_epochs=1).set_callbacks(record).fit(X, y, sample_weight=sample_weight)
    for given_X, given_y, metadata in record.data:
        np.testing.assert_allclose(given_X, X, rtol=1e-6)
        np.testing.assert_array_equal(given_y, y)
        np.testing.assert_array_equal(metadata["sample_weight"], sample_weight)


def test_callbacks_get_the_history_when_the_fit_ends(class_data, classifier):
    seen = []

    class Look(Record):
        def on_fit_task_end(self, estimator, context):
            if context.task_name == "fit":
                seen.extend(estimator.history_)

    net = classifier().set_callbacks(Look()).fit(*class_data)
    assert seen == net.history_


@pytest.mark.parametrize("callback", [Record, Predict])
def test_callbacks_do_not_change_the_net(callback, class_data, classifier, weights):
    module = MLP((8,), batch_norm=True, dropout=0.2)
    plain = classifier(module, early_stopping=True).fit(*class_data)
    watched = classifier(module, early_stopping=True).set_callbacks(callback())
    np.testing.assert_array_equal(weights(watched.fit(*class_data)), weights(plain))


def test_callbacks_see_every_fit(class_data, classifier):
    record = Record()
    net = classifier(max_epochs=1).set_callbacks(record).fit(*class_data)
    once = list(record.hooks)
    net.partial_fit(*class_data)
    assert record.hooks == once * 2


def test_a_fit_that_fails_is_torn_down(class_data, classifier):
    record = Record()
    net = classifier(optimizer="sgd", lr=1e30).set_callbacks(record)
    with pytest.raises(ValueError, match="diverged"):
        net.fit(*class_data)
    assert (record.hooks[0], record.hooks[-1]) == ("setup", "teardown")
    assert "fit 0 ends" not in record.hooks


@pytest.mark.parametrize("module", [MLP((8,)), OwnModule((8,))])
def test_scoring_monitor_gives_a_score_per_epoch(module, class_data, classifier):
    monitor = ScoringMonitor(scoring="accuracy")
    net = classifier(module).set_callbacks(monitor).fit(*class_data)
    table = monitor.get_logs().data_as_pandas
    epochs = table[table["task_name"] == "epoch"]
    assert epochs["task_id"].tolist() == [0, 1, 2, 3, 4]
    assert epochs["accuracy"].iloc[-1] == net.score(*class_data)
    assert epochs["accuracy"].nunique() > 1


def test_progress_bar_shows_the_epochs_of_a_net(class_data, classifier, capsys):
    classifier().set_callbacks(ProgressBar()).fit(*class_data)
    printed = capsys.readouterr().out
    assert "NetClassifier - fit" in printed
    assert "100%" in printed


def test_progress_bar_shows_a_net_in_a_pipeline(class_data, classifier, capsys):
    pipe = make_pipeline(StandardScaler(), classifier()).set_callbacks(ProgressBar())
    pipe.fit(*class_data)
    assert "NetClassifier" in capsys.readouterr().out


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_progress_bar_shows_a_search(n_jobs, class_data, classifier, capsys):
    search = GridSearchCV(classifier(), {"lr": [0.01, 0.02]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar()).fit(*class_data)
    assert "GridSearchCV - fit" in capsys.readouterr().out
    assert set(search.best_params_) == {"lr"}
