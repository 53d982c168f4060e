"""scikit-learn's own checks; a backbone without weights takes rows of any width."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.transfer import FeatureExtractor, FineTuner

# Some checks train on unscaled data, where a net may say that training went astray.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

SETTINGS = {"dtype": "float64", "random_state": 0, "lr": 0.02}
TUNERS = [
    FineTuner(nn.Flatten(), NetClassifier(max_epochs=10, **SETTINGS), strategy="linear_probe"),
    FineTuner(nn.Flatten(), NetRegressor(max_epochs=60, **SETTINGS), strategy="fine_tune"),
]
# The check asks a weight of 2 to be the same as a repeated row, to 1e-7.
WEIGHTS_CHECK = "check_sample_weight_equivalence_on_dense_data"
REASON = "features are standardised, and a head starts, by rows whatever their weights"


def expected_failures(estimator):
    return {} if isinstance(estimator, FeatureExtractor) else {WEIGHTS_CHECK: REASON}


@parametrize_with_checks(
    [*TUNERS, FeatureExtractor(nn.Flatten())],
    expected_failed_checks=expected_failures,
    xfail_strict=True,
)
def test_it_passes_check(estimator, check):
    check(estimator)
