import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV

from sknn_tricks.tracking import MLflowCallback
from sknn_tricks.tracking.stores._names import check_names, storable
from sknn_tricks.tracking.stores._store import Store

_CRAFTED = [
    "'; DROP TABLE runs;--",
    '" OR ""="',
    "`metrics`",
    "../../x",
    "/etc/passwd",
    "..\\..\\x",
    "CON",
    "a:b|c*d?",
    "%s %(x)s {0} $HOME",
    "<script>alert(1)</script>",
    "ζ 😀 \u202e",
    "x" * 500,
]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    opened, _ = Store(f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db").open("demo")
    return opened


def _is_refused(*names):
    try:
        check_names(*names)
    except ValueError:
        return True
    return False


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(codec=None), max_size=600))
@example("'; DROP TABLE runs;--")
@example("\x00")
@example("\ud800")
@example("../../x")
def test_a_name_is_kept_as_it_is_or_refused(client, name):
    if _is_refused(name, name[:250], {name[:250]: name}):
        return
    found = client.get_experiment_by_name(name)
    experiment_id = found.experiment_id if found else client.create_experiment(name)
    assert client.get_experiment(experiment_id).name == name
    run_id = client.create_run(
        experiment_id, run_name=name[:250], tags={name[:250]: name}
    ).info.run_id
    run = client.get_run(run_id)
    assert run.info.run_name == name[:250]
    assert run.data.tags[name[:250]] == name


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(codec=None)))
def test_any_text_becomes_one_that_a_database_takes(text):
    kept = storable(text)
    assert "\x00" not in kept
    assert kept.encode("utf-8").decode("utf-8") == kept
    assert storable(kept) == kept
    if "\x00" not in text and text.isprintable():
        assert kept == text


@pytest.mark.parametrize("name", _CRAFTED)
def test_crafted_names_are_names_like_others(name, client, stub_net, uri, logged, data, tmp_path):
    before = {path for path in tmp_path.parent.iterdir() if path != tmp_path}
    callback = MLflowCallback(name, tracking_uri=uri, run_name=name[:250], tags={"what": name})
    stub_net().set_callbacks(callback).fit(*data)
    run = logged(callback).run
    assert run.info.status == "FINISHED"
    assert run.info.run_name == name[:250]
    assert run.data.tags["what"] == name
    assert {path for path in tmp_path.parent.iterdir() if path != tmp_path} == before


def test_crafted_values_of_parameters_are_logged(stub_net, callback, logged, data):
    values = [*_CRAFTED, "nul\x00", "two\nlines", "x" * 10_000]
    search = GridSearchCV(stub_net(), {"accident": values}, cv=2, refit=False)
    search.set_callbacks(callback).fit(*data)
    seen = logged(callback)
    kept = [run.data.params["accident"] for run in seen.candidates]
    assert kept[: len(_CRAFTED)] == _CRAFTED
    assert kept[len(_CRAFTED) : -1] == [r"nul\x00", "two lines"]
    assert kept[-1].startswith("xxx")
    assert all("cv_score" in run.data.metrics for run in seen.candidates)


@pytest.mark.filterwarnings("ignore:Not all of this fit")  # pandas takes no such text for tables
def test_half_a_character_is_written_as_its_number(stub_net, callback, logged, data):
    search = GridSearchCV(stub_net(), {"accident": ["half \ud800", "whole"]}, cv=2, refit=False)
    search.set_callbacks(callback).fit(*data)
    seen = logged(callback)
    assert [run.data.params["accident"] for run in seen.candidates] == [r"half \ud800", "whole"]
    assert all("cv_score" in run.data.metrics for run in seen.candidates)


def test_crafted_names_of_scorers_are_metrics(stub_net, callback, logged, data, tmp_path):
    names = ["../../x", "/etc/passwd", "a//b", ".", "..", "", "a'; DROP TABLE runs;--", "\x00"]
    scoring = dict.fromkeys(names, "accuracy")
    search = GridSearchCV(stub_net(), {"lr": [0.1]}, cv=2, scoring=scoring, refit=False)
    before = set(tmp_path.parent.iterdir())
    search.set_callbacks(callback).fit(*data)
    metrics = logged(callback).candidates[0].data.metrics
    means = [name for name in metrics if name.startswith("cv_") and metrics[name] == 0.5]
    assert len(means) >= len(names)
    assert set(tmp_path.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ("a\nb", None, {}),
            r"experiment='a\nb' cannot be used. Expected at most 500 characters without line "
            r"breaks and control characters; got '\n' at position 1. Choose another experiment.",
        ),
        (("x" * 501, None, {}), "got 501 characters. Choose another experiment."),
        (("demo", "nul\x00", {}), r"got '\x00' at position 3. Choose another run_name."),
        (("demo", "x" * 251, {}), "got 251 characters. Choose another run_name."),
        (("demo", " ", {}), "run_name=' ' cannot be used. Expected a name that is not empty"),
        (("demo", None, {"k\ud800": "v"}), r"got '\ud800' at position 1. Choose other tags."),
        (
            ("demo", None, {"k": "a\x00"}),
            "tags='k' cannot be used. Expected text without NUL and lone surrogates; "
            r"got '\x00' in the value of 'k'. Choose other tags.",
        ),
    ],
)
def test_what_no_store_keeps_is_told(names, told):
    with pytest.raises(ValueError, match="cannot be used") as caught:
        check_names(*names)
    assert told in str(caught.value)


@pytest.mark.parametrize("tags", [{"k": 3}, {3: "v"}])
def test_tags_are_strings(tags):
    with pytest.raises(TypeError, match=r"Expected a dict of strings; got the (key|value) 3"):
        check_names("demo", None, tags)


def test_a_tag_may_have_several_lines():
    check_names("demo", None, {"note": "two\nlines\tand a tab"})
