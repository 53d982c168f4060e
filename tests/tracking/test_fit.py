import pickle
import re
import warnings

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.writing import _runs as runs_module


def test_a_single_fit_has_its_changed_parameters_and_curves(stub_net, callback, logged, data):
    stub_net(lr=0.5, max_epochs=2).set_callbacks(callback).fit(*data)
    seen = logged(callback)
    assert seen.run.info.status == "FINISHED"
    assert seen.run.info.run_name == "_StubNet"
    assert seen.run.data.tags["kind"] == "fit"
    assert seen.run.data.params == {"estimator": "_StubNet", "lr": "0.5", "max_epochs": "2"}
    assert seen.curve("train_loss") == {1: 0.5, 2: 0.25}
    assert seen.curve("valid_loss") == {1: 2.0, 2: 4.0}
    assert seen.candidates == []


def test_a_pipeline(stub_net, callback, logged, data):
    pipe = Pipeline([("scale", StandardScaler(with_std=False)), ("net", stub_net())])
    pipe.set_callbacks(callback).fit(*data)
    seen = logged(callback)
    assert seen.run.data.params == {
        "estimator": "StandardScaler > _StubNet",
        "with_std": "False",
    }
    assert seen.curve("train_loss") == {1: 0.1, 2: 0.05, 3: 0.1 / 3}


@pytest.mark.parametrize(
    ("accident", "error", "status"),
    [("error", ValueError, "FAILED"), ("interrupt", KeyboardInterrupt, "KILLED")],
)
def test_a_fit_that_ends_early(accident, error, status, stub_net, callback, logged, data):
    with pytest.raises(error):
        stub_net(accident=accident).set_callbacks(callback).fit(*data)
    assert logged(callback).run.info.status == status


def test_a_fit_within_an_except_block_is_not_failed(stub_net, callback, logged, data):
    try:
        raise OSError
    except OSError:
        stub_net().set_callbacks(callback).fit(*data)
    assert logged(callback).run.info.status == "FINISHED"


def test_long_curves_take_several_batches(stub_net, callback, logged, data):
    stub_net(max_epochs=1200).set_callbacks(callback).fit(*data)
    assert len(logged(callback).curve("valid_loss")) == 1200


def test_name_tags_and_description(stub_net, uri, logged, data):
    callback = MLflowCallback("demo", tracking_uri=uri, run_name="first", tags={"who": "me"})
    stub_net(lr=0.5).set_callbacks(callback).fit(*data)
    run = logged(callback).run
    assert run.info.run_name == "first"
    assert run.data.tags["who"] == "me"
    assert run.data.tags["mlflow.note.content"] == "```python\n_StubNet(lr=0.5)\n```"


def test_a_pickled_callback_works_on(stub_net, callback, logged, data):
    stub_net().set_callbacks(callback).fit(*data)
    copy = pickle.loads(pickle.dumps(callback))
    assert copy.url == callback.url
    stub_net().set_callbacks(copy).fit(*data)
    assert copy.run_id_ != callback.run_id_
    assert logged(copy).run.info.status == "FINISHED"


def test_mlflow_keeps_its_own_state(stub_net, callback, data):
    import mlflow

    before = mlflow.get_tracking_uri()
    stub_net().set_callbacks(callback).fit(*data)
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None


def test_a_store_that_fails_later_does_not_stop_the_fit(
    stub_net, callback, logged, data, monkeypatch
):
    def fail(*_args, **_kwargs):
        raise OSError("disk full\nand more")

    monkeypatch.setattr(runs_module.Runs, "log", fail)
    net = stub_net().set_callbacks(callback)
    with pytest.warns(RuntimeWarning) as caught:
        net.fit(*data)
    assert net.history_
    assert logged(callback).run.info.status == "FINISHED"
    before, _, after = str(caught[0].message).partition("; got ")
    assert before == (
        "Not all of this fit could be written to MLflow; the fit itself is unharmed. Expected a "
        "store that can be written to all the time"
    )
    assert re.fullmatch(
        r"OSError: disk full; \d+ of \d+ messages were lost\. Look for a full disk, a store that "
        r"was moved or a server that is down\.",
        after,
    )


def test_links_before_a_fit(callback):
    with pytest.raises(NotFittedError, match="No fit has been logged yet"):
        callback.url  # noqa: B018


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"experiment": 3}, TypeError),
        ({"experiment": " "}, ValueError),
        ({"experiment": "demo", "tracking_uri": 3}, TypeError),
        ({"experiment": "demo", "run_name": 3}, TypeError),
        ({"experiment": "demo", "tags": "me"}, TypeError),
    ],
)
def test_wrong_parameters_are_told_when_the_fit_begins(params, error, stub_net, data):
    callback = MLflowCallback(**params)
    with pytest.raises(
        error, match=r"cannot be used\. Expected .*; got .* Call MLflowCallback with"
    ):
        stub_net().set_callbacks(callback).fit(*data)


def test_what_is_logged_may_be_numpy(callback, logged, stub_net, data):
    stub_net(lr=np.float64(0.5)).set_callbacks(callback).fit(*data)
    assert logged(callback).run.data.params["lr"] == "0.5"


def test_no_warning_filter_stays_after_a_failed_setup(stub_net, data, tmp_path):
    (tmp_path / "file").touch()
    callback = MLflowCallback("demo", tracking_uri=f"sqlite:///{tmp_path}/file/x.db")
    before = list(warnings.filters)
    with pytest.raises(RuntimeError, match="cannot be opened"):
        stub_net().set_callbacks(callback).fit(*data)
    assert warnings.filters == before


@pytest.mark.parametrize("name", ["", " ", "a/b", "models:/a"])
def test_a_model_is_not_registered_under_any_name(stub_net, data, uri, name):
    callback = MLflowCallback("demo", tracking_uri=uri, registered_model_name=name)
    with pytest.raises(ValueError, match=re.escape(f"registered_model_name={name!r} cannot be")):
        stub_net().set_callbacks(callback).fit(*data)
