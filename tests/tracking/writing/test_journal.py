import pytest

from sknn_tricks.tracking.stores._store import Store
from sknn_tricks.tracking.writing._journal import Journal
from sknn_tricks.tracking.writing._options import Options
from sknn_tricks.tracking.writing._runs import Runs


@pytest.fixture
def journal(uri):
    client, experiment_id = Store(uri).open("demo")
    runs = Runs(client, experiment_id, {})
    return Journal(runs, runs.create("search", 1.0, {}), 1.0, Options())


def _round(**changes):
    usual = {
        "what": "round",
        "is_one": False,
        "owner": (0,),
        "path": (0, 0),
        "n_splits": 2,
        "n_fits": 2,
        "n_before": 0,
        "params": {},
        "names": ["net__lr"],
    }
    return usual | changes


def _fold(task, losses):
    at = {"place": {"part": "fold", "round": [0, 0], "task": task}}
    rows = [{"epoch": n, "train_loss": loss} for n, loss in enumerate(losses, start=1)]
    facts = {"step": "net", "rows": rows, "best_epoch": None, "n_parameters": 3}
    return [
        {"what": "begin", "time": 10.0, "params": {"net__lr": "0.1"}, **at},
        {"what": "curve", "time": 19.0, **facts, **at},
        {"what": "end", "time": 20.0, "idle": 7.0, **at},
    ]


def test_findings_see_all_that_came_before(journal):
    seen = []
    for message in [_round(), *_fold(0, [2.0, 1.0]), *_fold(1, [3.0])]:
        journal.take(message)
    journal.take({"what": "findings", "write": lambda *args: seen.extend(args)})
    runs, run_id, (candidate,) = seen
    assert runs.client.get_run(run_id).info.run_name == "search"
    assert candidate.params == {"lr": "0.1"}
    expected = [
        [{"epoch": 1, "train_loss": 2.0}, {"epoch": 2, "train_loss": 1.0}],
        [{"epoch": 1, "train_loss": 3.0}],
    ]
    assert candidate.curves == expected
    assert journal.curves == {0: expected}
    run = runs.client.get_run(candidate.run_id)
    assert run.data.metrics["curve/train_loss"] == 1.0
    assert (run.info.start_time, run.info.end_time) == (17_000, 20_000)  # it waited for 7 s


def test_what_findings_raise_reaches_the_thread(journal):
    def fail(*_args):
        raise KeyError("figure")

    with pytest.raises(KeyError, match="figure"):
        journal.take({"what": "findings", "write": fail})


def test_folds_of_a_search_beside_the_first_are_left_out(journal):
    journal.take(_round())
    journal.take(_round(owner=(1,), path=(1, 0)))
    place = {"part": "fold", "round": [1, 0], "task": 0}
    journal.take({"what": "begin", "place": place, "time": 1.0, "params": {}})
    journal.take({"what": "end", "place": place, "time": 1.0, "idle": 0.0})
    assert journal.curves == {0: []}
