import numpy as np

from sknn_tricks.diagnostics import search_report


def edge(report):
    return [line for line in report.advice if "widen" in line]


def test_the_edge_of_a_grid(run_search):
    search = run_search({"lr": [0.1, 0.2, 0.3], "init": ["a", "b"]}, lambda p, f: p.lr + f)
    assert edge(search_report(search)) == [
        "The winner's lr = 0.3 is the largest that was tried: widen the search to that side."
    ]
    search = run_search({"lr": [0.1, 0.2, 0.3], "init": ["a", "b"]}, lambda p, f: f - p.lr)
    assert "is the least" in edge(search_report(search))[0]


def test_the_edge_of_a_single_factor(run_search):
    report = search_report(run_search({"lr": [0.1, 0.2, 0.3]}, lambda p, f: p.lr + f))
    assert "lr = 0.3 is the largest" in edge(report)[0]


def test_no_edge(run_search):
    inner = run_search({"lr": [0.1, 0.2, 0.3]}, lambda p, f: f - abs(p.lr - 0.2))
    two_values = run_search({"lr": [0.1, 0.2]}, lambda p, f: f + p.lr)
    zero = run_search({"dropout": [0.0, 0.2, 0.5], "init": ["a", "b"]}, lambda p, f: f - p.dropout)
    names = run_search({"init": ["a", "b", "c"]}, lambda p, f: f + ord(p.init))
    for search in (inner, two_values, zero, names):
        assert edge(search_report(search)) == []


def test_no_edge_of_what_does_not_matter(run_search):
    grid = {"lr": [0.1, 0.2, 0.3], "init": ["a", "b"]}
    search = run_search(grid, lambda p, f: f + (p.init == "a") + (p.lr == 0.3) * 1e-9)
    assert edge(search_report(search)) == []


def test_the_edge_of_many_numbers(run_search):
    lrs = list(np.linspace(0.1, 0.9, 36))
    report = search_report(run_search({"lr": lrs}, lambda p, f: f + p.lr))
    assert "lr = 0.9 is among the largest that were tried" in edge(report)[0]
    report = search_report(run_search({"lr": lrs}, lambda p, f: f - (p.lr - 0.6) ** 2))
    assert edge(report) == []


def test_failures_and_what_they_share(found_search):
    nan = float("nan")
    params = [{"lr": lr, "init": init} for lr in (0.1, 10.0) for init in "ab"]
    report = search_report(found_search(params, [[0.1, 0.2], [0.3, 0.1], [nan, 0.1], [nan, nan]]))
    assert report.advice[0] == (
        "2 of 4 candidates failed in a fold or had no finite score, all with lr = 10. See why "
        "with error_score='raise'."
    )


def test_folds_that_differ_more_than_candidates(found_search):
    report = search_report(found_search([{"lr": 1}, {"lr": 2}], [[0.1, 0.9], [0.2, 0.82]]))
    assert report.advice == (
        "Folds differ more (standard deviation 0.355) than all candidates do (best less worst "
        "0.01): use more rows or RepeatedKFold, or take the simplest candidate.",
    )


def test_a_single_split(found_search):
    report = search_report(found_search([{"lr": 1}, {"lr": 2}], [[0.1], [0.2]]))
    assert any("A single split" in line for line in report.advice)
    assert report.n_within_noise == 0
    assert "single split" in report.to_markdown()


def test_training_that_was_too_short(found_search):
    falling = [{"epoch": i, "valid_loss": 1 / i} for i in range(1, 9)]
    turned = [*falling, {"epoch": 9, "valid_loss": 3.0}]
    search = found_search([{"lr": 1}, {"lr": 2}], [[0.1, 0.4, 0.3], [0.2, 0.5, 0.5]])
    for folds, is_short in ([[falling] * 3, True], [[falling, turned, turned], False]):
        report = search_report(search, curves={0: [turned] * 3, 1: folds})
        assert any("train longer" in line for line in report.advice) == is_short
    report = search_report(search, curves={0: [falling] * 3})
    assert not any("train longer" in line for line in report.advice)
