import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sknn_tricks.fused import Rows
from sknn_tricks.fused._balance import NO_BALANCE, Orders
from sknn_tricks.fused._rows import ShuffledBatches, batch_sizes
from sknn_tricks.fused.stacks import _batches
from sknn_tricks.fused.stacks._batches import Pool, StackBatches, epoch_parts, flat


def numbered(n_rows, start=0):
    """Rows that hold their own number, as targets and weights do."""
    number = torch.arange(start, start + n_rows)
    return Rows(torch.stack([number, -number], dim=1).float(), number, number / 2)


def orders(rows):
    return [
        Orders(each, NO_BALANCE, torch.Generator().manual_seed(k)) for k, each in enumerate(rows)
    ]


def numbers(x, n_features=2):
    assert x.shape[2] == 32
    assert not x[..., n_features:].any()
    return x[..., 0].long()


# --- the steps of an epoch ------------------------------------------------------------------

ROW_NUMBERS = st.lists(st.integers(1, 40), min_size=1, max_size=6)


def in_order(n_rows, batch_size):
    """Return numbers of rows as a stack has them: by full batches, then by rows."""
    return sorted(n_rows, key=lambda n: (batch_sizes(n, batch_size).count(batch_size), n))[::-1]


@given(n_rows=ROW_NUMBERS, batch_size=st.integers(1, 12))
def test_each_member_finds_its_own_batches_in_their_order(n_rows, batch_size):
    n_rows = in_order(n_rows, batch_size)
    parts = epoch_parts(n_rows, batch_size)
    for k, n in enumerate(n_rows):
        mine = [part for part in parts if part.members.start <= k < part.members.stop]
        assert [part.size for part in mine for _ in range(part.n_steps)] == batch_sizes(
            n, batch_size
        )
        starts = [part.start + i * part.size for part in mine for i in range(part.n_steps)]
        assert starts == [sum(batch_sizes(n, batch_size)[:i]) for i in range(len(starts))]


@given(n_rows=ROW_NUMBERS, batch_size=st.integers(1, 12))
def test_equal_batches_are_shared(n_rows, batch_size):
    n_rows = in_order(n_rows, batch_size)
    parts = epoch_parts(n_rows, batch_size)
    places = [(part.size, part.start) for part in parts]
    # Last batches of one size may begin at different rows only if other batches are before them.
    assert len(set(places)) == len(places)


# --- flat rows ------------------------------------------------------------------------------


def test_rows_are_flattened_and_padded_with_their_targets():
    x, target = torch.randn(4, 5, 7), torch.randn(4, 3)
    rows = flat(Rows(x, target, torch.ones(4)))
    assert rows.x.shape == (4, 64)
    assert torch.equal(rows.x[:, :35], x.reshape(4, 35))
    assert torch.equal(rows.target[:, :3], target)
    assert not rows.x[:, 35:].any()
    assert not rows.target[:, 3:].any()
    assert torch.equal(rows.weight, torch.ones(4))


def test_numbers_of_classes_stay():
    target = torch.tensor([0, 2, 1])
    assert torch.equal(flat(Rows(torch.randn(3, 2), target)).target, target)


# --- taking rows ----------------------------------------------------------------------------


@pytest.fixture(params=["put together", "apart"], autouse=True)
def pooled_bytes(request, monkeypatch):
    if request.param == "apart":
        monkeypatch.setattr(_batches, "POOLED_BYTES", 0)


def test_each_member_takes_rows_of_its_own_data():
    shared = numbered(10)
    pool = Pool([shared, shared, numbered(8, start=100), numbered(8, start=200)])
    index = torch.tensor([[0, 3], [9, 1], [2, 2], [7, 0]])
    taken = pool.take(slice(0, 4), index)
    wanted = torch.tensor([[0, 3], [9, 1], [102, 102], [207, 200]])
    assert torch.equal(numbers(taken.x), wanted)
    assert torch.equal(taken.target, wanted)
    assert torch.equal(taken.weight, wanted / 2)


def test_some_members_take_rows():
    pool = Pool([numbered(10), numbered(8, start=100), numbered(8, start=200)])
    taken = pool.take(slice(1, 3), torch.tensor([[1], [2]]))
    assert numbers(taken.x).tolist() == [[101], [202]]
    taken = pool.take(slice(0, 2), torch.tensor([[1], [2]]))
    assert numbers(taken.x).tolist() == [[1], [102]]


def test_one_data_set_may_lie_between_others():
    first, second = numbered(5), numbered(5, start=100)
    taken = Pool([first, second, first]).take(slice(0, 3), torch.tensor([[1], [2], [3]]))
    assert numbers(taken.x).tolist() == [[1], [102], [3]]


def test_without_weights_there_are_none():
    rows = numbered(5)
    rows.weight = None
    assert Pool([rows]).take(slice(0, 1), torch.tensor([[0, 1]])).weight is None


def test_beside_those_with_weights_a_row_without_has_the_weight_1():
    plain = numbered(5)
    plain.weight = None
    taken = Pool([numbered(5), plain]).take(slice(0, 2), torch.tensor([[2, 4], [2, 4]]))
    assert taken.weight.tolist() == [[1, 2], [1, 1]]


# --- epochs ---------------------------------------------------------------------------------


def epoch(batches, n_members):
    """Return the numbers of each member's rows in the order of an epoch, by batches."""
    seen = [[] for _ in range(n_members)]
    for part, steps in batches:
        for batch in steps:
            assert batch.members == part.members
            for k, row in zip(range(n_members)[part.members], batch.target.tolist(), strict=True):
                seen[k].append(row)
    return seen


def test_members_have_the_orders_that_they_have_alone():
    rows = [numbered(n) for n in (11, 10, 10, 8, 9, 7)]  # 9 are 4 + 5
    batches = StackBatches(rows, 4, orders(rows))
    alone = [
        ShuffledBatches(each, 4, order) for each, order in zip(rows, orders(rows), strict=True)
    ]
    for i in range(3):
        plain = [[target.tolist() for _, target in each] for each in alone]
        assert epoch(batches.epoch(i), 6) == plain


def test_an_order_goes_on_when_others_leave():
    rows = [numbered(10) for _ in range(3)]
    all_along = StackBatches(rows, 4, orders(rows))
    epoch(all_along.epoch(0), 3)
    second = epoch(all_along.epoch(1), 3)
    streams = orders(rows)
    epoch(StackBatches(rows, 4, streams).epoch(0), 3)
    rest = epoch(StackBatches([rows[2], rows[0]], 4, [streams[2], streams[0]]).epoch(1), 2)
    assert rest == [second[2], second[0]]


def test_batches_say_where_in_the_epoch_they_are():
    rows = [numbered(10), numbered(9)]
    batches = StackBatches(rows, 4, orders(rows)).epoch(0)
    places = [(part.members.stop, b.start, b.x.shape[1]) for part, bs in batches for b in bs]
    assert places == [(2, 0, 4), (1, 4, 4), (1, 8, 2), (2, 4, 5)]
