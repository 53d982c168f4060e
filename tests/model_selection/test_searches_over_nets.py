"""One search over each family of what nets are made of: all of its nets train fused."""

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.fused import fused_training
from sknn_tricks.init import SCHEMES, normal, register
from sknn_tricks.nets import ACTIVATIONS, MLP, NORMS, BatchNorm, ResMLP, RReLU

# Some names are two names of one thing, which trains in one stack.
FAMILIES = {
    "init": (MLP((16, 8)), {"init": ["auto", *SCHEMES]}, 1),
    "bias": (MLP((16, 8)), {"init": ["auto", "lsuv"], "bias_init": [0.0, 0.01]}, 1),
    "activation": (MLP((16, 8)), {"module__activation": sorted(ACTIVATIONS)}, len(ACTIVATIONS) - 1),
    "norm": (MLP((16, 8)), {"module__norm": [None, *NORMS]}, 4),
    "settings of a norm": (
        MLP((16, 8), norm=BatchNorm()),
        {"module__norm__momentum": [0.1, 0.01], "module__norm__eps": [1e-5, 1e-2]},
        1,
    ),
    "what is dropped": (
        MLP((16, 8)),
        {"module__input_dropout": [0.1, 0.2], "module__drop_connect": [0.1, 0.5]},
        1,
    ),
    "residual": (
        ResMLP(16),
        {"module__drop_path": [0.1, 0.5], "init": ["auto", "lsuv"], "module__dropout": [0.1, 0.3]},
        1,
    ),
    "bounds of slopes": (
        MLP((16, 8)),
        {"module__activation": [RReLU(), RReLU(0.0, 0.5), RReLU(0.3, 0.3)]},
        1,
    ),
}


# Two epochs from weights that are far too large do not get far.
@pytest.mark.filterwarnings("ignore:Training went astray")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("net_class", [NetClassifier, NetRegressor])
def test_a_search_over_a_family_is_fused(data, family, net_class):
    X, y = data
    module, grid, n_stacks = FAMILIES[family]
    net = net_class(module, max_epochs=2, random_state=0)
    search = GridSearchCV(net, grid, cv=2, refit=False)
    with fused_training(n_jobs=1) as fused:
        search.fit(X, y)
    n_candidates = len(search.cv_results_["params"])
    assert all(batch.alone is None for batch in fused.report.batches)
    assert fused.report.n_nets == 2 * n_candidates
    assert len(fused.report.batches) == n_stacks


def test_an_init_with_a_name_of_ones_own_can_be_searched(data, monkeypatch):
    monkeypatch.setitem(SCHEMES, "mine", None)
    register("mine", normal(0.2))
    scaled = make_pipeline(StandardScaler(), NetClassifier(max_epochs=2, random_state=0))
    grid = {"netclassifier__init": ["mine", normal(0.2)]}
    search = GridSearchCV(scaled, grid, cv=2).fit(*data)
    first, second = search.cv_results_["mean_test_score"]
    assert first == second
