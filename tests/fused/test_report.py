"""What a report says."""

import logging
import pickle

import pytest

from sknn_tricks.fused import Report
from sknn_tricks.fused._report import Batch


@pytest.mark.parametrize(
    ("batches", "text"),
    [
        ([], "0 nets in 0 stacks, 0 alone; 0.0 s"),
        ([Batch(4, 1.0)], "4 nets in 1 stack of 4, 0 alone; 1.0 s"),
        ([Batch(4, 1.0), Batch(4, 1.0)], "8 nets in 2 stacks of 4, 0 alone; 2.0 s"),
        (
            [Batch(2, 1), Batch(9, 2.06), *[Batch(1, 0, alone="b")] * 2, Batch(1, 0, alone="a")],
            "11 nets in 2 stacks of 2 to 9, 3 alone; 3.1 s\n2 alone: b\n1 alone: a",
        ),
        ([Batch(1, 0.5, alone="a")], "0 nets in 0 stacks, 1 alone; 0.5 s\n1 alone: a"),
    ],
)
def test_text(batches, text):
    report = Report()
    for batch in batches:
        report.add(batch)
    assert repr(report) == str(report) == text


def test_numbers():
    report = Report()
    for batch in (Batch(2, 1.0), Batch(9, 2.0), Batch(1, 0.5, alone="a")):
        report.add(batch)
    assert (report.n_nets, report.n_stacks, report.n_alone, report.seconds) == (12, 2, 1, 3.5)


def test_batches_are_logged(caplog):
    with caplog.at_level(logging.INFO, "sknn_tricks.fused"):
        Report().add(Batch(20, 1.25))
        Report().add(Batch(1, 1.0, alone="warm_start"))
    assert caplog.messages == ["stack of 20; 1.2 s", "1 net alone (warm_start); 1.0 s"]


def test_nothing_is_printed(capfd):
    Report().add(Batch(20, 1.25))
    assert capfd.readouterr() == ("", "")


def test_a_report_can_be_pickled():
    report = Report()
    report.add(Batch(2, 1.0))
    assert pickle.loads(pickle.dumps(report)).n_nets == 2
