"""skorch's callbacks, and the trained net as a skorch net."""

import numpy as np
import pytest
import torch
from skorch.callbacks import (
    BatchScoring,
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    GradientNormClipping,
    LRScheduler,
    TrainEndCheckpoint,
)

from sknn_tricks.nets import MLP

MODULE = MLP((8,), batch_norm=True, dropout=0.2)


class Count(Callback):
    """Counts epochs and batches in a list that outlives the copy made for the fit."""

    seen: list = []  # noqa: RUF012

    def on_epoch_end(self, net, **kwargs):
        self.seen.append("epoch")

    def on_batch_end(self, net, training=False, **kwargs):
        self.seen.append("batch")


@pytest.fixture
def seen():
    """Return the list that Count fills, empty."""
    Count.seen.clear()
    return Count.seen


def test_callbacks_on_batches_are_called(class_data, classifier, seen):
    classifier(callbacks=[Count()], max_epochs=3).fit(*class_data)
    assert seen == (["batch"] * 5 + ["epoch"]) * 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_callback_on_batches_changes_nothing(dtype, class_data, classifier, weights, seen):
    quiet = classifier(MODULE, dtype=dtype, callbacks=[Callback()])
    quiet.fit(*class_data, validation_data=class_data)
    watched = classifier(MODULE, dtype=dtype, callbacks=[Count()])
    watched.fit(*class_data, validation_data=class_data)
    np.testing.assert_array_equal(weights(watched), weights(quiet))
    np.testing.assert_allclose(watched.loss_curve_, quiet.loss_curve_, rtol=1e-6)
    assert watched.validation_scores_ == quiet.validation_scores_
    assert seen.count("epoch") == 5
    assert "batch" in seen


def test_epoch_scoring_adds_a_score_of_the_training_batches(class_data, classifier):
    scoring = EpochScoring("accuracy", name="train_accuracy", on_train=True)
    net = classifier(callbacks=[scoring], lr=1e-12).fit(*class_data)
    scores = [epoch["train_accuracy"] for epoch in net.history_]
    np.testing.assert_allclose(scores, [net.score(*class_data)] * 5)


def test_epoch_scoring_on_validation_rows_agrees_with_ours(class_data, classifier):
    scoring = EpochScoring("accuracy", name="theirs", lower_is_better=False)
    net = classifier(callbacks=[scoring]).fit(*class_data, validation_data=class_data)
    np.testing.assert_allclose([epoch["theirs"] for epoch in net.history_], net.validation_scores_)


def test_batch_scoring_on_validation_rows_agrees_with_ours(class_data, classifier):
    scoring = BatchScoring("accuracy", name="theirs", lower_is_better=False)
    net = classifier(callbacks=[scoring]).fit(*class_data, validation_data=class_data)
    np.testing.assert_allclose([epoch["theirs"] for epoch in net.history_], net.validation_scores_)


def test_a_score_of_ones_own_may_use_the_net(class_data, classifier):
    X, y = class_data

    def score(net, dataset, _):
        return (net.predict(X.astype(np.float32)) == y).mean()

    scoring = EpochScoring(score, name="theirs", on_train=True, use_caching=False)
    net = classifier(callbacks=[scoring]).fit(X, y)
    assert net.history_[-1]["theirs"] == net.score(X, y)


def test_gradient_clipping_bounds_the_step(number_data, regressor, weights):
    still, moved = (
        regressor(optimizer="sgd", weight_decay=0.0, max_epochs=1, callbacks=callbacks)
        for callbacks in ([GradientNormClipping(1e-9)], None)
    )
    start = weights(regressor(optimizer="sgd", weight_decay=0.0, lr=1e-12).fit(*number_data))
    assert abs(weights(still.fit(*number_data)) - start).max() < 1e-6
    assert abs(weights(moved.fit(*number_data)) - start).max() > 1e-3


def test_a_checkpoint_of_the_best_epoch_has_the_best_weights(
    class_data, classifier, weights, tmp_path
):
    net = classifier(callbacks=[Checkpoint(dirname=tmp_path)], early_stopping=True, lr=0.3)
    net.fit(*class_data)
    other = classifier(random_state=1).fit(*class_data)
    other.net_.load_params(f_params=tmp_path / "params.pt")
    np.testing.assert_array_equal(weights(other), weights(net))


def test_a_checkpoint_is_written_at_the_end(class_data, classifier, weights, tmp_path):
    net = classifier(callbacks=[TrainEndCheckpoint(dirname=tmp_path)]).fit(*class_data)
    other = classifier(random_state=1).fit(*class_data)
    other.net_.load_params(f_params=tmp_path / "train_end_params.pt")
    np.testing.assert_array_equal(weights(other), weights(net))


def test_a_learning_rate_schedule_is_followed(number_data, regressor):
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.1)
    net = regressor(callbacks=[schedule], lr=0.02).fit(*number_data)
    rates = {group["lr"] for group in net.net_.optimizer_.param_groups}
    np.testing.assert_allclose(list(rates), 0.02 * 0.1**5)


def test_skorchs_early_stopping_stops_without_an_error(number_data, regressor):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=1e9, sink=lambda text: None)
    net = regressor(callbacks=[stop]).fit(*number_data)
    assert net.n_iter_ == net.best_epoch_ == 3
    assert net.predict(number_data[0]).shape == (150,)


def test_skorchs_early_stopping_goes_with_ours(class_data, classifier):
    stop = EarlyStopping(monitor="valid_loss", patience=2, threshold=1e9, sink=lambda text: None)
    net = classifier(callbacks=[stop], early_stopping=True).fit(*class_data)
    losses = [epoch["valid_loss"] for epoch in net.history_]
    assert net.n_iter_ == 3
    assert net.best_epoch_ == int(np.argmin(losses)) + 1


def test_callbacks_may_be_named_and_set(class_data, classifier):
    net = classifier(callbacks=[("stop", EarlyStopping(monitor="train_loss"))]).fit(*class_data)
    assert dict(net.net_.callbacks_)["stop"].monitor == "train_loss"


def test_the_history_holds_only_epochs_whatever_is_watched(class_data, classifier, seen):
    plain = classifier().fit(*class_data)
    watched = classifier(callbacks=[Count()]).fit(*class_data)
    assert [set(epoch) for epoch in watched.history_] == [set(epoch) for epoch in plain.history_]


def test_net_predicts_like_the_estimator(class_data, classifier):
    X, y = class_data
    net = classifier(MODULE).fit(X, y)
    inner = net.net_.predict_proba(X.astype(np.float32))
    np.testing.assert_allclose(inner, net.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(net.net_.predict(X.astype(np.float32)), net.predict(X))


def test_net_of_labels_predicts_probabilities(class_data, classifier):
    X, y = class_data
    net = classifier().fit(X, np.c_[y == 0, y > 0].astype(int))
    inner = net.net_.predict_proba(X.astype(np.float32))
    np.testing.assert_allclose(inner, net.predict_proba(X), atol=1e-6)


def test_net_has_skorchs_history(class_data, classifier):
    net = classifier().fit(*class_data, validation_data=class_data)
    assert net.net_.history[:, "train_loss"] == net.loss_curve_
    assert len(net.net_.history[:, ("valid_loss", "valid_score", "dur")]) == 5


def test_net_saves_and_loads_its_parameters(class_data, classifier, weights, tmp_path):
    trained = classifier(MODULE).fit(*class_data)
    other = classifier(MODULE, random_state=1).fit(*class_data)
    files = {f"f_{part}": tmp_path / part for part in ("params", "optimizer", "history")}
    trained.net_.save_params(**files)
    other.net_.load_params(**files)
    np.testing.assert_array_equal(weights(other), weights(trained))
    np.testing.assert_array_equal(
        other.predict_proba(class_data[0]), trained.predict_proba(class_data[0])
    )
    assert other.net_.history[:, "train_loss"] == trained.loss_curve_


def test_net_is_left_in_evaluation_mode(class_data, classifier):
    assert not classifier(MODULE).fit(*class_data).net_.module_.training


def test_net_module_is_a_plain_torch_module(class_data, classifier):
    X, y = class_data
    net = classifier(MODULE).fit(X, y)
    with torch.no_grad():
        logits = net.net_.module_(torch.from_numpy(X).float())
    np.testing.assert_allclose(logits.softmax(1).numpy(), net.predict_proba(X), atol=1e-6)
