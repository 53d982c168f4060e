import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.fused import Rows
from sknn_tricks.fused._balance import NO_BALANCE, Orders
from sknn_tricks.fused._rows import Batch, OrderedBatches, ShuffledBatches, batch_sizes


def numbered(n_rows):
    """Rows that hold their own number, as targets and weights do."""
    number = torch.arange(n_rows)
    return Rows(torch.stack([number, -number], dim=1).float(), number, number / 2)


def shuffled(n_rows, batch_size, seed=0):
    rows = numbered(n_rows)
    orders = Orders(rows, NO_BALANCE, torch.Generator().manual_seed(seed))
    return ShuffledBatches(rows, batch_size, orders)


def order(batches):
    """Return the numbers of the rows of one epoch, in their order."""
    return torch.cat([target for _, target in batches]).tolist()


# --- sizes ----------------------------------------------------------------------------------


@given(n_rows=st.integers(1, 500), batch_size=st.integers(1, 100))
def test_sizes_sum_to_the_rows_and_only_the_last_is_special(n_rows, batch_size):
    sizes = batch_sizes(n_rows, batch_size)
    assert sum(sizes) == n_rows
    assert all(size == batch_size for size in sizes[:-1])
    assert 1 <= sizes[-1] <= batch_size + 1


@given(n_rows=st.integers(2, 500), batch_size=st.integers(2, 100))
def test_no_last_batch_is_a_single_row(n_rows, batch_size):
    assert batch_sizes(n_rows, batch_size)[-1] > 1


@given(batch_size=st.integers(1, 100))
def test_a_single_row_is_a_batch(batch_size):
    assert batch_sizes(1, batch_size) == [1]


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "sizes"),
    [
        (8, 4, [4, 4]),
        (9, 4, [4, 5]),
        (10, 4, [4, 4, 2]),
        (3, 4, [3]),
        (4, 4, [4]),
        (5, 4, [5]),
        (3, 2, [3]),
        (0, 4, []),
    ],
)
def test_sizes_of_an_epoch(n_rows, batch_size, sizes):
    assert batch_sizes(n_rows, batch_size) == sizes


# --- rows and batches -----------------------------------------------------------------------


def test_a_batch_is_the_pair_that_skorch_expects_with_the_weights_riding_along():
    x, target, weight = torch.ones(2, 3), torch.ones(2), torch.zeros(2)
    batch = Batch(x, target, weight)
    assert isinstance(batch, tuple)
    assert len(batch) == 2
    first, second = batch
    assert first is x
    assert second is target
    assert batch.weight is weight


@pytest.mark.parametrize("index", [torch.tensor([3, 1]), slice(1, 4, 2)])
def test_rows_are_taken_with_their_targets_and_weights(index):
    batch = numbered(5).take(index)
    assert sorted(batch[1].tolist()) == [1, 3]
    torch.testing.assert_close(batch[0][:, 0], batch[1].float())
    torch.testing.assert_close(batch.weight, batch[1] / 2)


@pytest.mark.parametrize("index", [torch.tensor([2, 0]), slice(0, 2)])
def test_rows_without_targets_and_weights_have_none_in_a_batch(index):
    batch = Rows(torch.ones(4, 2)).take(index)
    assert batch[0].shape == (2, 2)
    assert batch[1] is None
    assert batch.weight is None


def test_rows_know_their_number():
    assert len(numbered(7)) == 7


# --- epochs ---------------------------------------------------------------------------------


@given(n_rows=st.integers(1, 60), batch_size=st.integers(1, 20), seed=st.integers(0, 99))
def test_an_epoch_has_each_row_exactly_once(n_rows, batch_size, seed):
    batches = shuffled(n_rows, batch_size, seed)
    for _ in range(2):
        assert sorted(order(batches)) == list(range(n_rows))


def test_batches_have_the_sizes_that_were_announced():
    batches = shuffled(9, 4)
    assert batches.sizes == [4, 5]
    assert [len(x) for x, _ in batches] == [4, 5]


def test_rows_keep_their_targets_and_weights_when_shuffled():
    for batch in shuffled(20, 6):
        torch.testing.assert_close(batch[0][:, 0], batch[1].float())
        torch.testing.assert_close(batch.weight, batch[1] / 2)


def test_each_epoch_has_another_order():
    batches = shuffled(30, 8)
    orders = [order(batches) for _ in range(4)]
    assert len({tuple(numbers) for numbers in orders}) == 4
    assert list(range(30)) not in orders


def test_the_same_generator_gives_the_same_orders_and_another_others():
    first, second, other = shuffled(30, 8, seed=1), shuffled(30, 8, seed=1), shuffled(30, 8, seed=2)
    assert [order(first), order(first)] == [order(second), order(second)]
    assert order(shuffled(30, 8, seed=1)) != order(other)


def test_the_order_does_not_depend_on_the_batch_size():
    assert order(shuffled(30, 8)) == order(shuffled(30, 11))


def test_the_first_place_goes_to_each_row_alike():
    batches = shuffled(5, 5)
    firsts = torch.tensor([order(batches)[0] for _ in range(2000)]).bincount()
    assert (firsts - 400).abs().max() < 5 * (2000 * 0.2 * 0.8) ** 0.5


@given(n_rows=st.integers(1, 60), batch_size=st.integers(1, 20))
def test_ordered_batches_keep_the_order(n_rows, batch_size):
    batches = OrderedBatches(numbered(n_rows), batch_size)
    assert order(batches) == list(range(n_rows))
    assert all(len(x) == batch_size for x, _ in list(batches)[:-1])


def test_ordered_batches_share_the_memory_of_the_rows():
    rows = numbered(6)
    for x, _ in OrderedBatches(rows, 4):
        x.zero_()
    assert not rows.x.any()
