from types import SimpleNamespace

import pytest

from sknn_tricks._callback_tasks import Place, is_round, locate, owner, step_name


def task(name, task_id=0, parent=None, source=None, sequential=True):
    return SimpleNamespace(
        task_name=name,
        task_id=task_id,
        parent=parent,
        source_task_name=source,
        sequential_subtasks=sequential,
    )


@pytest.fixture
def search():
    return task("search", 0, task("fit"), sequential=False)


def test_a_fold_and_all_below_it(search):
    fold = task("fit", 5, search, source="candidate-split-evaluation")
    net = task("fit", 1, fold, source="fit-final-estimator")
    epoch = task("epoch", 9, net)
    assert {locate(t) for t in (fold, net, epoch)} == {Place("fold", (0, 0), 5)}


def test_a_fold_of_a_halving_search():
    search = task("search", 0, task("fit"))
    halving = task("halving-iteration", 2, search, sequential=False)
    fold = task("candidate-split-evaluation", 1, halving)
    assert locate(fold) == Place("fold", (0, 0, 2), 1)
    assert is_round(halving)
    assert not is_round(search)
    assert owner(halving) == (0,)


def test_a_refit_and_a_plain_fit(search):
    refit = task("fit", 1, search.parent, source="refit-with-best-params")
    assert locate(task("fit", 0, refit, source="fit-final-estimator")) == Place("refit")
    assert locate(search.parent) == locate(search) == Place("fit")


def test_folds_within_a_fold_are_nowhere(search):
    fold = task("fit", 5, search, source="candidate-split-evaluation")
    inner = task("search", 0, fold, sequential=False)
    assert locate(inner) == locate(fold)
    assert locate(task("fit", 3, inner, source="candidate-split-evaluation")) is None
    inner_refit = task("fit", 1, fold, source="refit-with-best-params")
    assert locate(inner_refit) == locate(fold)


def test_step_name():
    assert step_name(task("fit", source="fit-transform-embed")) == "embed"
    assert step_name(task("fit")) == "fit"
