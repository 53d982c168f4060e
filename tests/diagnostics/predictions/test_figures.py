"""What the figures of predictions show."""

import io
import re
import sys
import time

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn import metrics

from sknn_tricks.diagnostics import prediction_report
from sknn_tricks.diagnostics.predictions._draw_calibration import wilson


def predictions(n, n_classes, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, n_classes, n)
    logits = rng.normal(size=(n, n_classes)) + 2 * np.eye(n_classes)[true]
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return true, proba.argmax(axis=1), proba


def report_of(n, n_classes, **given):
    true, predicted, proba = predictions(n, n_classes)
    return prediction_report(true, predicted, proba=proba, classes=range(n_classes), **given)


def drawn(figure):
    """Return the size in pixels; fails if matplotlib warns of what does not fit."""
    figure.savefig(file := io.BytesIO(), format="png")
    assert len(file.getvalue()) > 5000
    return figure.get_size_inches() * figure.dpi


def texts(axes):
    return [text.get_text() for text in axes.texts]


def legend(figure):
    found = figure.axes[0].get_legend()
    return [found.get_title().get_text(), *(text.get_text() for text in found.get_texts())]


def all_texts(figure):
    return {text.get_text() for text in figure.findobj(matplotlib.text.Text)}


@pytest.mark.parametrize("n_classes", [2, 10, 21, 100])
def test_confusion(n_classes):
    report = report_of(1500, n_classes)
    figure = report.plot_confusion()
    width, height = drawn(figure)
    assert 300 < height < width < 1100
    counts = report.confusion.to_numpy()
    axes, scale = figure.axes
    np.testing.assert_allclose(
        axes.images[0].get_array(), counts / counts.sum(axis=1, keepdims=True)
    )
    shown = sorted(map(str, counts[counts > 0])) if n_classes <= 20 else []
    assert sorted(texts(axes)) == shown
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert len(names) <= 40
    assert names[-1] == str(n_classes - 1) if n_classes < 40 else names[:2] == ["0", "3"]
    assert scale.get_ylabel() == "share of the true class"
    assert axes.get_title() == f"1,500 rows, {100 * report.scores['accuracy']:.3g} % right"


def test_names_have_room():
    names = [f"a long name of class {i}" for i in range(3)]
    true, predicted, _ = predictions(60, 3)
    report = prediction_report(np.array(names)[true], np.array(names)[predicted])
    figure = report.plot_confusion()
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    axes = figure.axes[0]
    for label in [
        *axes.get_xticklabels(),
        *axes.get_yticklabels(),
        axes.xaxis.label,
        axes.yaxis.label,
    ]:
        box = label.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= width
        assert 0 <= box.y0 < box.y1 <= height


def test_roc_of_two_classes_shows_the_folds():
    fold = np.arange(300) % 3
    report = report_of(300, 2, fold=fold)
    figure = report.plot_roc()
    drawn(figure)
    assert legend(figure) == ["AUC", "each of 3 folds", f"{report.scores['roc_auc']:.3f}  all rows"]
    assert figure.axes[0].get_title() == "ROC of class 1"
    main = figure.axes[0].lines[-1].get_xydata()
    true, _, proba = predictions(300, 2)
    fpr, tpr, _ = metrics.roc_curve(true, proba[:, 1])
    for point in zip(fpr, tpr, strict=True):  # each corner is there
        assert np.abs(main - point).sum(axis=1).min() < 1e-12


def test_curves_of_some_classes_are_all_named():
    report = report_of(400, 4)
    for figure, area in (
        (report.plot_roc(), "roc_auc"),
        (report.plot_precision_recall(), "average_precision"),
    ):
        drawn(figure)
        named = [f"{value:.3f}  {k}" for k, value in report.per_class[area].items()]
        assert legend(figure)[1:5] == named
        assert legend(figure)[5] == f"{report.scores[area]:.3f}  macro average"
        assert legend(figure)[6].endswith("  micro average")


def test_averages_are_those_of_scikit_learn():
    true, predicted, proba = predictions(400, 4)
    report = prediction_report(true, predicted, proba=proba)
    micro = metrics.roc_auc_score(true, proba, multi_class="ovr", average="micro")
    assert f"{micro:.3f}  micro average" in legend(report.plot_roc())
    one_hot = true[:, None] == np.arange(4)
    micro = metrics.average_precision_score(one_hot, proba, average="micro")
    figure = report.plot_precision_recall()
    assert f"{micro:.3f}  micro average" in legend(figure)
    macro = next(line for line in figure.axes[0].lines if "macro" in line.get_label())
    recall, precision = macro.get_data()
    # the area under the mean is the mean of the areas
    assert np.trapezoid(precision, recall) == pytest.approx(
        report.scores["average_precision"], abs=0.005
    )


def test_of_many_classes_only_the_worst_are_named():
    report = report_of(800, 12)
    figure = report.plot_roc()
    drawn(figure)
    worst = report.per_class["roc_auc"].sort_values().index[:5]
    assert legend(figure)[0] == "AUC, the worst 5"
    assert [text.split()[-1] for text in legend(figure)[1:6]] == [str(k) for k in worst]
    assert len(figure.axes[0].lines) == 1 + 12 + 2


def test_curves_of_many_rows_are_thinned():
    figure = report_of(30_000, 2).plot_roc()
    assert len(figure.axes[0].lines[-1].get_xdata()) < 1100
    assert figure.axes[0].lines[-1].get_xydata()[-1].tolist() == [1, 1]


def test_precision_and_recall_of_two_classes_show_the_share_of_the_class():
    true, predicted, proba = predictions(300, 2)
    figure = prediction_report(true, predicted, proba=proba).plot_precision_recall()
    drawn(figure)
    assert figure.axes[0].lines[0].get_ydata()[0] == pytest.approx(true.mean())


def test_calibration():
    report = report_of(2000, 3)
    figure = report.plot_calibration()
    drawn(figure)
    top, below = figure.axes
    assert top.get_title() == f"Expected calibration error {report.scores['ece']:.3f}"
    np.testing.assert_array_equal(
        top.lines[1].get_xydata(), report.calibration[["confidence", "accuracy"]]
    )
    heights = [bar.get_height() for bar in below.patches]
    np.testing.assert_allclose(heights, 100 * report.calibration["share"])
    assert sum(heights) == pytest.approx(100)
    mean = np.average(report.calibration["confidence"], weights=report.calibration["share"])
    assert f"mean confidence {mean:.3f}" in legend(figure)


def test_intervals_hold_the_share_as_often_as_they_say():
    rng = np.random.default_rng(0)
    for share, n in ((0.5, 20), (0.9, 50), (0.02, 400)):
        seen = rng.binomial(n, share, 4000) / n
        low, high = wilson(seen, np.full(4000, n))
        assert 0.92 < np.mean((low <= share) & (share <= high)) < 0.98


@pytest.mark.parametrize("n", [2, 300, 6000])
def test_residuals(n):
    rng = np.random.default_rng(0)
    true = rng.normal(size=n)
    report = prediction_report(true, true + rng.normal(size=n))
    figure = report.plot_residuals()
    drawn(figure)
    left, middle, right = figure.axes[:3]
    if n > 5000:  # hexagons, and a scale for each
        assert len(figure.axes) == 5
        assert left.collections[0].get_array().sum() == n
    else:
        np.testing.assert_array_equal(middle.collections[0].get_offsets()[:, 1], report.residuals)
    assert sum(bar.get_height() for bar in right.patches) == n
    assert figure.get_suptitle().startswith(f"{n:,} rows: R2 ")


@pytest.mark.parametrize(("value", "n"), [(0.0, 10), (1e6, 6000)])
def test_residuals_of_a_constant(value, n):
    constant = np.full(n, value)
    drawn(prediction_report(constant, constant, task="regression").plot_residuals())


@pytest.mark.parametrize(("n_targets", "n_panels"), [(2, 2), (4, 4), (8, 6)])
def test_a_panel_for_each_of_several_targets(n_targets, n_panels):
    rng = np.random.default_rng(0)
    true = rng.normal(size=(50, n_targets))
    report = prediction_report(true, true + rng.normal(size=true.shape) * np.arange(n_targets))
    figure = report.plot_residuals()
    drawn(figure)
    assert len(figure.axes) == n_panels
    assert ("worst" in figure.get_suptitle()) == (n_targets > 6)
    if n_targets > 6:
        worst = report.per_target["r2"].sort_values().index[:6]
        assert [axes.get_title().split(":")[0] for axes in figure.axes] == list(worst)


NAMES = np.array(["$\\frac{", "_hidden", "日本\x00", "x" * 200, "</td><script>", "two\nlines"])


def test_any_name_can_be_drawn():
    true, predicted, proba = predictions(200, len(NAMES))
    report = prediction_report(NAMES[true], NAMES[predicted], proba=proba, classes=list(NAMES))
    figures = report.figures()
    for figure in figures.values():
        drawn(figure)
    shown = all_texts(figures["roc"])
    assert any(text.endswith("  _hidden") for text in shown)
    assert any("xxx..." in text for text in shown)
    true, predicted = np.random.default_rng(0).normal(size=(2, 20, 2))
    import pandas as pd

    drawn(prediction_report(pd.DataFrame(true, columns=NAMES[:2]), predicted).plot_residuals())


def test_all_figures():
    report = report_of(100, 3)
    figures = report.figures()
    assert list(figures) == ["confusion", "roc", "precision_recall", "calibration"]
    assert all(isinstance(figure, Figure) for figure in figures.values())


def settings_of_matplotlib():
    params = matplotlib.rcParams  # "backend" imports pyplot to find one
    return {name: params[name] for name in params if name != "backend"}


def test_nothing_global_is_touched(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # an import of it fails
    before = settings_of_matplotlib()
    for figure in report_of(50, 3).figures().values():
        drawn(figure)
    drawn(prediction_report([0.5, 1.5], [0.6, 1.2]).plot_residuals())
    assert settings_of_matplotlib() == before


def test_figures_are_quick():
    report_of(200, 10).figures()
    started = time.process_time()
    for figure in report_of(1800, 10).figures().values():
        figure.savefig(io.BytesIO(), format="png")
    # 0.6 s is what a report may take; a busy machine gets its time
    assert time.process_time() - started < 2.5


def test_a_title_tells_the_rows():
    assert re.match(
        r"60 rows, [\d.]+ % right", report_of(60, 2).plot_confusion().axes[0].get_title()
    )


def test_weights_count_in_the_averages_too():
    true, predicted, proba = predictions(200, 3)
    weight = np.random.default_rng(1).exponential(size=200)
    report = prediction_report(true, predicted, proba=proba, sample_weight=weight)
    one_hot = true[:, None] == np.arange(3)
    given = {"average": "micro", "sample_weight": weight}
    for figure, score in (
        (report.plot_roc(), metrics.roc_auc_score),
        (report.plot_precision_recall(), metrics.average_precision_score),
    ):
        assert f"{score(one_hot, proba, **given):.3f}  micro average" in legend(figure)


def test_the_mean_precision_is_that_of_the_highest_thresholds_that_reach_a_recall():
    true, predicted, proba = predictions(40, 3)
    figure = prediction_report(true, predicted, proba=proba).plot_precision_recall()
    macro = next(line for line in figure.axes[0].lines if "macro" in line.get_label())
    for recall, precision in macro.get_xydata()[::25]:
        expected = []
        for k in range(3):
            found = [
                ((true == k) & (proba[:, k] >= t), proba[:, k] >= t) for t in np.sort(proba[:, k])
            ]
            reached = [
                right.sum() / given.sum()
                for right, given in found
                if right.sum() / (true == k).sum() >= recall
            ]
            expected.append(reached[-1] if recall > 0 else 1)
        assert precision == pytest.approx(np.mean(expected))
