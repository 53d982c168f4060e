import base64
import json
import random
import re
import string
import zlib

import pytest
from sklearn.model_selection import GridSearchCV

from sknn_tricks._param_names import clean
from sknn_tricks.tracking.views import SearchShape, write_views

VIEW = "mlflow.sharedViewState."


@pytest.fixture
def search(stub_net, callback, data, logged):
    """Log a search, and return what there is to draw of it and a client."""

    def run(grid, **net):
        GridSearchCV(stub_net(**net), grid, cv=2).set_callbacks(callback).fit(*data)
        factors = {name: list(map(str, values)) for name, values in grid.items()}
        shape = SearchShape(callback.run_id_, "cv_score", factors)
        return logged(callback).client, callback.experiment_id_, shape

    return run


def tags_of(client, experiment_id):
    return client.get_experiment(experiment_id).tags


def state_of(tag):
    packed = json.loads(tag)["state"].removeprefix("deflate;")
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def test_all_that_a_view_names_is_in_the_runs_that_it_finds(search):
    client, experiment_id, shape = search({"lr": [0.1, 0.2], "max_epochs": [2, 3]})
    write_views(client, experiment_id, shape)
    views = {k: v for k, v in tags_of(client, experiment_id).items() if k.startswith(VIEW)}
    assert len(views) == 5
    for tag in views.values():
        state = state_of(tag)
        order = f"{state['orderByKey']} {'ASC' if state['orderByAsc'] else 'DESC'}"
        runs = client.search_runs([experiment_id], state["searchFilter"], order_by=[order])
        assert [run.data.tags["kind"] for run in runs] == ["candidate"] * 4
        scores = [run.data.metrics["cv_score"] for run in runs]
        assert scores == sorted(scores, reverse=True)
        columns = re.findall(r"(\w+)\.`([^`]*)`", " ".join(state["selectedColumns"]))
        assert ("metrics", "cv_score") in columns
        assert ("params", "lr") in columns
        for kind, name in columns:
            assert all(name in getattr(run.data, kind) for run in runs)


def test_the_links_come_by_name_and_lead_to_the_views(search):
    client, experiment_id, shape = search({"lr": [0.1, 0.2]})
    links = write_views(client, experiment_id, shape)
    assert list(links) == ["Leaderboard", "Grid dashboard", "Ten best", "Effect of lr"]
    page = f"http://127.0.0.1:5000/#/experiments/{experiment_id}/runs?workflowType=machine_learning"
    assert links["Leaderboard"] == (f"{page}&compareRunsMode=TABLE&viewStateShareKey=leaderboard")
    assert links["Effect of lr"] == (f"{page}&compareRunsMode=CHART&viewStateShareKey=effect-of-lr")
    assert {link.rpartition("=")[2] for link in links.values()} == {
        key.removeprefix(VIEW) for key in tags_of(client, experiment_id) if key.startswith(VIEW)
    }


def test_the_menu_lists_the_most_important_first(search):
    client, experiment_id, shape = search({"lr": [0.1, 0.2]})
    links = write_views(client, experiment_id, shape)
    tags = tags_of(client, experiment_id)
    saved = [json.loads(text) for key, text in tags.items() if key.startswith(VIEW)]
    saved.sort(key=lambda view: -view["createdAt"])  # as MLflow's page does
    assert [view["name"] for view in saved] == list(links)


def test_the_next_search_takes_over_and_views_of_users_stay(search):
    client, experiment_id, first = search({"lr": [0.1, 0.2]})
    write_views(client, experiment_id, first)
    client.set_experiment_tag(experiment_id, VIEW + "0f1e", "a user's")
    _, _, second = search({"max_epochs": [2, 3]})
    write_views(client, experiment_id, second)
    tags = tags_of(client, experiment_id)
    ids = {key.removeprefix(VIEW) for key in tags if key.startswith(VIEW)}
    assert ids == {"leaderboard", "dashboard", "ten-best", "effect-of-max_epochs", "0f1e"}
    assert second.run_id in state_of(tags[VIEW + "leaderboard"])["searchFilter"]
    assert "Effect of lr" not in tags["mlflow.note.content"]
    assert "Effect of max_epochs" in tags["mlflow.note.content"]


def test_the_experiment_opens_on_its_runs_and_its_description_links_the_views(search):
    client, experiment_id, shape = search({"lr": [0.1, 0.2]})
    write_views(client, experiment_id, shape)
    tags = tags_of(client, experiment_id)
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    page = f"#/experiments/{experiment_id}/runs?workflowType=machine_learning"
    assert tags["mlflow.note.content"].startswith(
        "**The latest search:** "
        f"[Report]({page.replace('?', f'/{shape.run_id}?')}) · "
        f"[Leaderboard]({page}&compareRunsMode=TABLE&viewStateShareKey=leaderboard) · "
        f"[Grid dashboard]({page}&compareRunsMode=CHART&viewStateShareKey=dashboard) · "
    )


def test_what_a_user_said_of_the_experiment_stays(search):
    client, experiment_id, shape = search({"lr": [0.1, 0.2]})
    said = {"mlflow.note.content": "My notes.", "mlflow.experimentKind": "genai_development"}
    for key, text in said.items():
        client.set_experiment_tag(experiment_id, key, text)
    write_views(client, experiment_id, shape)
    assert said.items() <= tags_of(client, experiment_id).items()


def test_a_search_without_candidates_has_views_all_the_same(search):
    client, experiment_id, _ = search({"lr": [0.1]})
    shape = SearchShape("0" * 32, "cv_score")
    assert list(write_views(client, experiment_id, shape)) == [
        "Leaderboard",
        "Grid dashboard",
        "Ten best",
    ]


def test_a_great_many_long_names_still_fit(search):
    client, experiment_id, shape = search({"lr": [0.1, 0.2]})
    letters = random.Random(0)
    names = ["".join(letters.choices(string.printable, k=400)) for _ in range(60)]
    factors = {name: [name[:50], name[50:]] for name in names}
    wide = SearchShape(shape.run_id, "cv_score", factors)
    links = write_views(client, experiment_id, wide)
    assert list(links)[:3] == ["Leaderboard", "Grid dashboard", "Ten best"]
    for tag in tags_of(client, experiment_id).values():
        assert len(tag) <= 20_000


def test_crafted_names_stay_text(search):
    client, experiment_id, shape = search({"lr": [0.1, 0.2]})
    name = 'a"b</script>](javascript:alert(1))`; --'
    crafted = SearchShape(
        shape.run_id, "cv_score", {name: ["<img src=x onerror=hacked()>", "`'\""]}
    )
    links = write_views(client, experiment_id, crafted)
    assert list(links)[-1] == f"Effect of {clean(name)}"
    tags = tags_of(client, experiment_id)
    assert not set('"<>`;') & set(tags["mlflow.note.content"])
    assert tags["mlflow.note.content"].count("](") == len(links) + 1
