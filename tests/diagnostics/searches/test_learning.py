import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.diagnostics.searches._learning import (
    check_curves,
    course,
    ends_too_early,
    metrics_of,
)


def epochs(*losses, first=1):
    return [{"epoch": i, "valid_loss": loss} for i, loss in enumerate(losses, start=first)]


def test_mean_over_the_folds_that_still_train():
    found = course([epochs(4.0, 2.0, 1.0), epochs(2.0, 1.0)], "valid_loss")
    np.testing.assert_array_equal(found.epochs, [1, 2, 3])
    np.testing.assert_array_equal(found.mean, [3.0, 1.5, 1.0])
    np.testing.assert_array_equal(found.std, [1.0, 0.5, 0.0])
    np.testing.assert_array_equal(found.n_folds, [2, 2, 1])


def test_epochs_that_go_on_from_others_keep_their_numbers():
    found = course([epochs(4.0, 2.0, first=11)], "valid_loss")
    np.testing.assert_array_equal(found.epochs, [11, 12])


def test_numbers_that_are_not_finite_are_left_out():
    found = course([epochs(float("nan"), 2.0), epochs(1.0, float("inf")), [], None], "valid_loss")
    np.testing.assert_array_equal(found.mean, [1.0, 2.0])
    assert course([epochs(1.0)], "train_loss") is None


@given(st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=6), min_size=1, max_size=5))
def test_mean_is_numpys(losses):
    found = course([epochs(*fold) for fold in losses], "valid_loss")
    for i, epoch in enumerate(found.epochs):
        there = [fold[epoch - 1] for fold in losses if len(fold) >= epoch]
        assert found.mean[i] == pytest.approx(np.mean(there))
        assert found.std[i] == pytest.approx(np.std(there), abs=1e-12)
        assert found.n_folds[i] == len(there)


def test_kinds_of_metrics():
    row = {"epoch": 1, "dur": 0.1, "valid_score": 1, "train_loss": 1, "valid_loss": 1, "lr": 1}
    assert metrics_of({0: [[], [row]], 3: [[{"valid_acc": 1.0}]]}) == {
        "loss": ["train_loss", "valid_loss"],
        "acc": ["valid_acc"],
        "score": ["valid_score"],
    }


def test_a_monitored_score_is_better_if_it_is_more():
    rising = [{"monitor": i, "valid_loss": i} for i in range(5)]
    assert ends_too_early([rising])
    assert not ends_too_early([rising[::-1]])
    assert not ends_too_early([])
    assert not ends_too_early([epochs(1.0)])
    assert not ends_too_early([[{"train_loss": 2.0}, {"train_loss": 1.0}]])


def test_curves_of_another_search():
    text = (
        r"^The curves are not of this search\. Expected rows of cv_results_ as keys, 0 to 3; got "
        r"'a'\. Give {row: \[epochs of fold 0, epochs of fold 1, \.\.\.\]}\.$"
    )
    with pytest.raises(ValueError, match=text):
        check_curves({0: [epochs(1.0)], "a": []}, 4)
    assert check_curves({0: [epochs(1.0)], 1: [[], None], 2: []}, 4) == {0: [epochs(1.0)]}
    assert check_curves(None, 4) == {}
