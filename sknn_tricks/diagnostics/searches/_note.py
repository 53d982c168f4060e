"""A report as a page of Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sknn_tricks.diagnostics._markdown import assemble, escape, table
from sknn_tricks.diagnostics._words import count, percent
from sknn_tricks.diagnostics.searches._factors import Factor, in_words

if TYPE_CHECKING:
    from sknn_tricks.diagnostics.searches._report import SearchReport

LONGEST_PAGE = 8000
# What more there is would be read by nobody.
_MOST_FACTORS, _MOST_COLUMNS, _MOST_ROWS, _MOST_ADVICE = 12, 6, 10, 8
_LONGEST_CELL, _LONGEST_ADVICE = 40, 500


def write_note(report: SearchReport) -> str:
    """Write a report as Markdown of less than 8,000 characters.

    Parameters
    ----------
    report : SearchReport

    Returns
    -------
    str
    """
    lines = _about_winner(report)
    if report.advice:
        advice = [f"- {escape(line, _LONGEST_ADVICE)}" for line in report.advice[:_MOST_ADVICE]]
        lines += ["", "### Worth knowing", "", *advice]
    if report.factors and report.winner is not None:
        lines += ["", "### What mattered", "", *_effects(report)]
    if report.winner is not None:
        lines += ["", f"### {_best_of(report)}", "", *_leaderboard(report)]
    return assemble(lines, LONGEST_PAGE - 1)


def _about_winner(report: SearchReport) -> list[str]:
    metric, n = escape(report.metric), count(report.n_candidates, "candidate")
    if report.winner is None:
        return [f"## No candidate has a score of {metric} in each fold ({n})"]
    row = report.leaderboard.loc[report.winner]
    spread = f"{row['min']:.4g} to {row['max']:.4g} over {count(report.n_splits, 'fold')}"
    lines = [
        f"## {metric} {row['mean']:.4g} ± {row['std']:.2g}, the best of {n}",
        "",
        f"**Winner:** {_params(report, report.winner)} ({spread})",
    ]
    compared = report.comparison
    if compared is None:
        return lines
    score = report.trials.mean[compared.second]
    differ = [f for f in report.factors if f.codes[compared.first] != f.codes[compared.second]]
    other = escape(in_words(differ, compared.second), 300) or "the same parameters"
    return [
        *lines,
        "",
        f"**Runner-up:** {score:.4g} with {other}. {compared.verdict}",
        "",
        _within_noise(report),
    ]


def _params(report: SearchReport, row: int) -> str:
    shown = report.factors[:_MOST_FACTORS]
    texts = [f"{escape(f.name)} = **{escape(f.texts[row])}**" for f in shown]
    more = len(report.factors) - len(shown)
    return ", ".join(texts) + (f" and {more} more" if more else "") or "the only candidate"


def _within_noise(report: SearchReport) -> str:
    n = report.n_within_noise
    others = count(report.n_candidates - 1, "other")
    are = "is" if n == 1 else "are"
    return f"{n:,} of the {others} {are} within one standard error of the winner."


def _effects(report: SearchReport) -> list[str]:
    rows = [_effect(report, factor) for factor in report.factors[:_MOST_FACTORS]]
    names = ["factor", "explains:", "by chance:", "best value", "mean:", "worst value", "mean:"]
    return [
        "Share of the variance between candidates that each factor explains, and what a factor",
        "without any effect would; means over all that have the value.",
        "",
        *table(names, rows),
    ]


def _effect(report: SearchReport, factor: Factor) -> list[str]:
    own = report.effects[report.effects["factor"] == factor.name]
    cells = [escape(factor.name, _LONGEST_CELL)]
    cells += [_percent(own[name].iloc[0]) for name in ("share", "by_chance")]
    if own["mean"].isna().all():
        return [*cells, "", "", "", ""]
    for at in (own["mean"].idxmax(), own["mean"].idxmin()):
        cells += [escape(own["value"][at], _LONGEST_CELL), f"{own['mean'][at]:.4g}"]
    return cells


def _percent(share: float) -> str:
    return "" if np.isnan(share) else percent(round(share, 3))


def _best_of(report: SearchReport) -> str:
    n = min(_MOST_ROWS, report.n_candidates)
    return "Leaderboard" if n == report.n_candidates else f"The best {n}"


def _leaderboard(report: SearchReport) -> list[str]:
    factors = report.factors[:_MOST_COLUMNS]
    names = ["rank:", *(escape(f.name, _LONGEST_CELL) + ":" * f.is_numeric for f in factors)]
    names += ["mean:", "std:", "min:", "max:", "fit, s:"]
    rows = []
    for row, line in report.leaderboard.head(_MOST_ROWS).iterrows():
        cells = [f"{line['rank']:.0f}", *(escape(f.texts[row], _LONGEST_CELL) for f in factors)]
        cells += [f"{line[name]:.4g}" for name in ("mean", "std", "min", "max")]
        rows.append([*cells, f"{line['fit_seconds']:.2g}"])
    more = len(report.factors) - len(factors)
    end = ["", f"{count(more, 'factor')} of less effect not shown."] if more else []
    return [*table(names, rows), *end]
