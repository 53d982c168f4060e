import pytest
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.averaging import swa


@pytest.mark.parametrize(
    ("start", "n_epochs", "first"), [(0.75, 80, 61), (0.0, 5, 1), (0.7, 10, 8), (0.99, 1, 1)]
)
def test_the_first_epoch(start, n_epochs, first):
    assert swa(start=start).first_epoch(n_epochs) == first


@given(st.floats(0, 0.999), st.integers(1, 5), st.integers(1, 200))
def test_there_is_always_something_to_average(start, every, n_epochs):
    rule = swa(start=start, every=every)
    taken = [epoch for epoch in range(1, n_epochs + 1) if rule.takes(epoch, n_epochs)]
    assert taken == list(range(rule.first_epoch(n_epochs), n_epochs + 1, every))
    assert taken
