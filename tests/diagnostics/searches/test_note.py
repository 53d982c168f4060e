import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from sknn_tricks.diagnostics import search_report
from sknn_tricks.diagnostics._markdown import assemble, escape

CRAFTED = [
    "</table><script>alert(1)</script>",
    "a|b`c`|",
    "![x](http://evil.example/x.png)",
    "**bold** _it_ ~~gone~~ [link](javascript:x)",
    "@someone :smile: www.evil.example $x^2$ &lt; \\| \\",
    "line\nbreak\r\n# title\t|",
]


def html(page):
    return MarkdownIt("gfm-like", {"linkify": False}).render(page)


def test_what_it_says(additive_search):
    page = search_report(additive_search).to_markdown()
    assert page.startswith("## score 0.91 ± 0.0082, the best of 9 candidates\n")
    assert "**Winner:** init = **kaiming**, dropout = **0** (0.9 to 0.92 over 3 folds)" in page
    assert "**Runner-up:** 0.89 with dropout=0.2. A gap of 0.02, the same in each fold" in page
    assert "| init | 98.6 % | 25 % | kaiming | 0.8867 | normal | 0.4867 |" in page
    assert "### Leaderboard" in page
    assert "| 9 | normal | 0.5 | 0.46 | 0.008165 | 0.45 | 0.47 |" in page
    assert "0 of the 8 others are within one standard error" in page


def test_only_the_best_ten_are_shown(run_search):
    search = run_search({"lr": list(np.arange(1, 31) / 100)}, lambda p, f: p.lr + f)
    page = search_report(search).to_markdown()
    assert "### The best 10" in page
    assert len(re.findall(r"^\| \d+ \|", page, re.MULTILINE)) == 10


@pytest.mark.parametrize("value", CRAFTED)
def test_values_show_as_they_are(found_search, value):
    params = [{"net__init": value, value: 1}, {"net__init": "normal", value: 2}]
    page = search_report(found_search(params, [[0.9, 0.8], [0.1, 0.3]])).to_markdown()
    shown = html(page)
    for tag in ("<script", "<img", "<a ", "<s>", "<em>", "<code>"):
        assert tag not in shown
    # each row of a table has its cells, no more and no less
    for table in shown.split("<table>")[1:]:
        rows = [row.count("<t") for row in table.split("<tr>")[1:]]
        assert len(rows) >= 3
        assert {row.count("</td>") + row.count("</th>") for row in table.split("<tr>")[1:]} in (
            {7},
            {8},
        )


@example("__0__")
@given(st.text(max_size=50))
def test_escaped_text_reads_the_same(text):
    plain = "".join(c if c.isprintable() else " " for c in text)
    paragraph = html(f"x {escape(text, 1000)} x")
    read = re.sub("<[^>]*>", "", paragraph).removesuffix("\n")
    for entity, c in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        read = read.replace(entity, c)
    assert paragraph.count("<") == 2  # of the paragraph itself
    assert read.split() == f"x {plain} x".split()


@given(st.text(), st.integers(10, 80))
def test_escaped_text_is_as_short_as_it_was_to_be(text, longest):
    assert len(escape(text, longest)) <= longest


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_page_is_short_and_whole(found_search, data):
    n, n_params = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 30))
    value = data.draw(st.sampled_from(["<" * 9999, "|" * 50, "normal", "\n"]))
    name = data.draw(st.sampled_from(["net__" + "<" * 300, "x" * 50, "a"]))
    params = [{f"{name}{j}": f"{value}{i % (j + 2)}" for j in range(n_params)} for i in range(n)]
    scores = np.random.default_rng(0).normal(size=(n, 3)) * 1e9
    page = search_report(found_search(params, scores)).to_markdown()
    assert len(page) < 8000
    assert page.startswith("## score")
    assert "**Winner:**" in page
    assert not [line for line in page.split("\n") if line.startswith("|") != line.endswith("|")]


def test_what_does_not_fit_is_left_out_by_lines():
    assert assemble(["one", "two", "three"], 100) == "one\ntwo\nthree\n"
    cut = assemble(["one", "two", "three" * 9], 20)
    assert cut == "one\ntwo\n\n...\n"
    assert len(cut) <= 20


def test_line_of_text(additive_search):
    assert repr(search_report(additive_search)) == (
        "9 candidates, 3 folds each, by score\n"
        "  Winner:  0.91 ± 0.0082, init=kaiming, dropout=0\n"
        "  Next:    0.89. A gap of 0.02, the same in each fold (3 of 3 folds won): no spread to "
        "test by.\n"
        "  Close:   0 of the others within one standard error\n"
        "  Effects: init 98.6 % (25 %), dropout 1.4 % (25 %) of the variance (by chance)"
    )
