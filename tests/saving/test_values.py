"""Values of all kinds that a file may hold."""

import datetime
import functools
import zoneinfo
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from sknn_tricks.losses import focal
from sknn_tricks.saving import _registry as registry
from sknn_tricks.saving._format import FORMS, KINDS
from sknn_tricks.saving._reader import Reader
from sknn_tricks.saving._writer import Place, Writer


def through(value):
    writer = Writer(FORMS)
    node = writer.write(value, Place("", "a value"))
    return Reader(KINDS, writer.arrays, writer.parts).read(node)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.booleans(), inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3).map(OrderedDict)
        | st.frozensets(st.integers() | st.text(), max_size=3)
        | st.builds(slice, st.none() | st.integers(), st.none() | st.integers())
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(PLAIN)
def test_plain_values(value):
    # repr tells NaN from NaN, 1 from 1.0 and True, and the order of dicts; sets have none.
    again = through(value)
    assert again == value or repr(again) == repr(value)
    assert type(again) is type(value)


DTYPES = (
    arrays.boolean_dtypes()
    | arrays.integer_dtypes(endianness="=")
    | arrays.unsigned_integer_dtypes(endianness="=")
    | arrays.floating_dtypes(endianness="=", sizes=(16, 32, 64))
    | arrays.unicode_string_dtypes(endianness="=", max_len=3)
    | arrays.datetime64_dtypes(endianness="=")
    | arrays.timedelta64_dtypes(endianness="=")
)


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, min_side=0)), st.booleans())
def test_arrays(array, turned):
    array = np.asfortranarray(array) if turned else array
    again = through(array)
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.flags.writeable
    if array.dtype.kind not in "UMm":
        assert again.flags.f_contiguous == array.flags.f_contiguous
        assert again.flags.c_contiguous == array.flags.c_contiguous


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_scalars(data):
    scalar = data.draw(arrays.arrays(DTYPES, ()))[()]
    again = through(scalar)
    assert type(again) is type(scalar)
    assert again.dtype == scalar.dtype
    np.testing.assert_array_equal(again, scalar)


def test_arrays_of_objects():
    array = np.empty((2, 2), object)
    array[:] = [[None, [1, [2]]], ["a", np.float32(0.1)]]
    again = through(array)
    assert again.tolist() == array.tolist()
    assert type(again[1, 1]) is np.float32


def test_masked_arrays():
    array = np.ma.MaskedArray([0.1, 2.0, 3.0], [False, True, False], fill_value=-1.0)
    again = through(array)
    assert again.tolist() == [0.1, None, 3.0]
    assert again.fill_value == -1.0


def test_tensors_are_on_the_cpu_and_aligned_as_torch_does():
    tensor = through(torch.nn.Parameter(torch.randn(3, 5).T, requires_grad=False))
    assert tensor.shape == (5, 3)
    assert tensor.data_ptr() % 64 == 0
    assert isinstance(tensor, torch.nn.Parameter)
    assert not tensor.requires_grad


OTHERS = [
    Bunch(a=1),
    {1, "a"},
    range(3),
    Path("a/b"),
    np.dtype("float32"),
    np.float64,
    float,
    np.log1p,
    focal,
    functools.partial(torch.optim.Adam, eps=1e-6),
    torch.device("cuda:1"),
    datetime.UTC,
    datetime.timezone(datetime.timedelta(hours=-3)),
    zoneinfo.ZoneInfo("Asia/Tokyo"),
    pd.Timestamp("2024-03-31 01:30:00.123456789"),
    pd.Timestamp("2024-10-27 00:30", tz="UTC").tz_convert("Europe/Berlin"),
    pd.Timestamp("2024-10-27 01:30", tz="UTC").tz_convert("Europe/Berlin"),
    pd.Timestamp("1700-01-01").as_unit("s"),
]


# Not by their repr: that of a set has an order of its own in each process.
@pytest.mark.parametrize("value", OTHERS, ids=map(str, range(len(OTHERS))))
def test_other_values(value):
    again = through(value)
    assert again == value or repr(again) == repr(value)
    assert type(again) is type(value)


def test_no_time_stays_none():
    assert through(pd.NaT) is pd.NaT


REFUSED = [
    b"bytes",
    1 + 2j,
    np.zeros(2, complex),
    np.zeros(2, "V3"),
    np.zeros(2, [("a", int)]),
    np.zeros(2, np.longdouble),
    np.longdouble(1),
    print,
    eval,
    torch.load,
    object(),
    functools.partial(print),
    torch.zeros(2, dtype=torch.bfloat16),
    torch.zeros(2, dtype=torch.complex64),
]


@pytest.mark.parametrize("value", REFUSED, ids=lambda each: repr(each).partition(" at 0x")[0])
def test_what_has_no_form_is_refused(value):
    with pytest.raises(ValueError, match=r"^a value (holds what|is a function|is an array)"):
        through(value)


NAMES = [
    f"{module}.{name}"
    for table in (registry.OBJECTS, registry.MODULES, registry.FUNCTIONS)
    for module, names in table.items()
    for name in names
]


@pytest.mark.parametrize("name", NAMES)
def test_all_names_are_there_and_found_by_what_they_stand_for(name):
    assert registry.name_of(registry.known(name)) == name


def test_all_estimators_of_ours_are_known():
    import sknn_tricks
    from sknn_tricks import model_selection, nets, preprocessing, resampling

    classes = [
        getattr(package, name)
        for package in (sknn_tricks, model_selection, nets, preprocessing, resampling)
        for name in package.__all__
    ]
    unknown = {
        cls.__name__
        for cls in classes
        if isinstance(cls, type) and issubclass(cls, BaseEstimator) and not registry.is_object(cls)
    }
    assert unknown == {"FusedOptunaSearchCV"}  # its study is optuna's
