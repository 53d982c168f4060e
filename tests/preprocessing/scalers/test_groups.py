import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sknn_tricks.preprocessing.scalers._groups import LONG, Aligned, Groups

shapes = st.lists(st.integers(1, 5), min_size=1, max_size=4).flatmap(
    lambda row: st.tuples(st.just(tuple(row)), st.tuples(*(st.sampled_from([1, n]) for n in row)))
)


@settings(max_examples=100, deadline=None)
@given(shapes=shapes)
def test_totals_and_columns(shapes):
    groups = Groups(*shapes)
    block = np.random.default_rng(0).integers(0, 100, (6, *groups.row_shape))
    total = groups.total(block.reshape(6, -1).sum(axis=0))
    expected = block.sum(axis=(0, *(i + 1 for i in groups.shared)), keepdims=True)[0]
    np.testing.assert_array_equal(total, expected)
    assert total.shape == groups.shape
    for at_once in (1, 20, 10**6):
        columns = np.concatenate(list(groups.columns(block, at_once)))
        assert columns.shape == (groups.n_groups, 6 * groups.size)
        np.testing.assert_array_equal(columns.sum(axis=1), expected.ravel())
    lowest = groups.reduce(np.minimum, block[0])
    np.testing.assert_array_equal(lowest, block[0].min(axis=groups.shared, keepdims=True))
    np.testing.assert_array_equal(
        groups.wide(expected).reshape(groups.row_shape) - expected, np.zeros(groups.row_shape)
    )


def test_columns_keep_the_order_of_rows_first():
    block = np.arange(2 * 2 * 3).reshape(2, 2, 3)
    [columns] = Groups((2, 3), (2, 1)).columns(block, 100)
    np.testing.assert_array_equal(columns, [[0, 1, 2, 6, 7, 8], [3, 4, 5, 9, 10, 11]])


@settings(max_examples=100, deadline=None)
@given(shapes=shapes, n=st.integers(1, 600))
def test_aligned_views_combine_each_number_with_its_statistic(shapes, n):
    row_shape, shape = shapes
    x = np.random.default_rng(0).normal(size=(n, *row_shape))
    statistics = np.random.default_rng(1).normal(size=(2, *shape))
    expected = x * statistics[0] + statistics[1]
    for view, (factor, shift) in Aligned(statistics, row_shape).views(x):
        assert np.shares_memory(view, x)
        view *= factor
        view += shift
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize(
    ("row_shape", "shape"),
    [((32, 32, 3), (1, 1, 3)), ((3,), (3,)), ((3, 32, 32), (3, 1, 1)), ((500,), (500,))],
)
def test_aligned_views_have_long_rows(row_shape, shape):
    x = np.zeros((1000, *row_shape))
    view, [statistics] = next(Aligned([np.zeros(shape)], row_shape).views(x))
    along = max(i for i, n in enumerate(statistics.shape) if n > 1)
    same = np.prod(view.shape[view.ndim - (statistics.ndim - along - 1) :])
    assert max(same, statistics.size) >= LONG - 3
