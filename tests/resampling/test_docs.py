"""The examples of docs/resampling.md are run as they stand."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs" / "resampling.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), flags=re.DOTALL)


def scores(lines):
    return [[float(number) for number in re.findall(r"0\.\d+", line)] for line in lines]


def test_the_examples_print_what_they_are_said_to(capsys):
    names = {}
    leak, search = blocks("python")
    exec(compile(leak, DOCS.name, "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    expected = blocks("text")[0].splitlines()
    assert [line.split()[0] for line in printed] == [line.split()[0] for line in expected]
    for (wrong, honest), told in zip(scores(printed), scores(expected), strict=True):
        assert [round(wrong - told[0], 1), round(honest - told[1], 1)] == [0, 0]
        assert wrong > honest + 0.3
    exec(compile(search, DOCS.name, "exec"), names)
    assert "19 nets" in capsys.readouterr().out
