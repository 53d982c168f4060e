"""Markdown that no value can break."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# What Markdown, as CommonMark, GitHub, MLflow's page and Jupyter read it, takes for markup: among
# it links, mentions, emojis and formulas. Underscores within words are none.
_MARKUP = re.compile(r"[&<>|`*\[\]\\~@$^]|(?<![^\W_])_|_(?![^\W_])|:(?=//|\w+:)|(?<=www)\.")
_LONGEST = 60


def escape(text: str, longest: int = _LONGEST) -> str:
    """Write a text such that it shows as it is, on one line, and cut if it is long.

    Parameters
    ----------
    text : str
    longest : int, default=60
        Characters of what is written.

    Returns
    -------
    str

    Examples
    --------
    >>> escape("kaiming_normal"), escape("</table>"), escape("a|b"), escape("x" * 99, 9)
    ('kaiming_normal', '&lt;/table&gt;', 'a&#124;b', 'xxxxxx...')
    """
    line = "".join(c if c.isprintable() else " " for c in text[: longest + 1])
    written = _MARKUP.sub(_entity, line)
    if len(text) <= longest and len(written) <= longest:
        return written
    while line and len(written) > longest - 3:
        line = line[:-1]
        written = _MARKUP.sub(_entity, line)
    return written + "..."


def _entity(found: re.Match[str]) -> str:
    named = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    return named.get(found[0], f"&#{ord(found[0])};")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    r"""Write a table, line by line.

    Parameters
    ----------
    header : sequence of str
        Names of the columns; those that end in ``:`` are numbers, set to the right.
    rows : iterable of sequence of str
        Cells, escaped.

    Returns
    -------
    list of str

    Examples
    --------
    >>> print(*table(["init", "score:"], [["normal", "0.9"]]), sep="\n")
    | init | score |
    |---|---:|
    | normal | 0.9 |
    """
    names = [name.removesuffix(":") for name in header]
    rules = ["---:" if name.endswith(":") else "---" for name in header]
    lines = [f"| {' | '.join(names)} |", f"|{'|'.join(rules)}|"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def assemble(lines: Iterable[str], longest: int) -> str:
    """Join as many lines as fit.

    Parameters
    ----------
    lines : iterable of str
        What matters most comes first.
    longest : int
        Characters.

    Returns
    -------
    str
    """
    left = longest - len("\n\n...\n")
    page = []
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            page += ["", "..."]
            break
        page.append(line)
    return "\n".join(page) + "\n"
