import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks.model_selection._cross_validation import CrossValidation
from sknn_tricks.tracking.writing._kinds import default_name, described, first_params, kind_of

PIPE = make_pipeline(StandardScaler(), Ridge(alpha=2.0))


@pytest.mark.parametrize(
    ("estimator", "kind", "name", "params"),
    [
        (PIPE, "fit", "StandardScaler > Ridge", {"alpha": "2.0"}),
        (RandomizedSearchCV(PIPE, {}), "search", "RandomizedSearchCV: StandardScaler > Ridge", {}),
        (
            CrossValidation(PIPE, cv=3),
            "cross_validation",
            "cross_validate: StandardScaler > Ridge",
            {"alpha": "2.0"},
        ),
    ],
)
def test_what_a_run_is_of(estimator, kind, name, params):
    assert kind_of(estimator) == kind
    assert default_name(estimator) == name
    if kind != "search":
        params = {"estimator": "StandardScaler > Ridge", **params}
    assert first_params(estimator) == params
    assert described(estimator) is (PIPE if kind != "search" else estimator)


def test_a_parameter_named_like_one_of_the_run_keeps_its_long_name():
    class Scored(Ridge):
        def __init__(self, scoring=None):
            self.scoring = scoring

    pipe = make_pipeline(Scored("r2"))
    assert first_params(pipe)["scored__scoring"] == "r2"
