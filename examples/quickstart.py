"""Which init, and how much regularisation? The main job from end to end, on two data sets.

    python examples/quickstart.py

For each data set: a Pipeline of scaler, whitener and net; a grid of 36 candidates over init,
dropout, BatchNorm and weight decay, each cross-validated in 5 folds; who won, how sure that is and
what mattered; the winner on held-out rows against two of scikit-learn's own; every candidate and
every fold's curve in MLflow, with a dashboard.
"""

import pandas as pd
from sklearn.callback import ProgressBar
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.diagnostics import search_report
from sknn_tricks.model_selection import FusedGridSearchCV
from sknn_tricks.nets import MLP
from sknn_tricks.preprocessing import Whitener
from sknn_tricks.tracking import MLflowCallback

FACTORS = {
    "net__init": ["normal", "xavier_normal", "kaiming_normal"],
    "net__module__dropout": [0.0, 0.3],
    "net__module__batch_norm": [False, True],
    "net__weight_decay": [0.0, 0.1, 1.0],
}


def make_search() -> FusedGridSearchCV:
    """Return the search: a Pipeline and a grid over its net."""
    net = NetClassifier(MLP(hidden=(64, 64)), max_epochs=20, random_state=0)
    pipe = Pipeline(
        [("scale", StandardScaler()), ("white", Whitener("zca", n_components=0.95)), ("net", net)]
    )
    return FusedGridSearchCV(pipe, FACTORS, cv=5, n_jobs=2)


def held_out_scores(search, X_train, y_train, X_test, y_test) -> pd.Series:
    """Return the accuracy of the winner and of scikit-learn's own on rows none has seen."""
    others = {
        "MLPClassifier": MLPClassifier(max_iter=500, random_state=0),
        "LogisticRegression": LogisticRegression(max_iter=1000),
    }
    scores = {"winner": search.score(X_test, y_test)}
    for name, estimator in others.items():
        pipe = make_pipeline(StandardScaler(), estimator).fit(X_train, y_train)
        scores[name] = pipe.score(X_test, y_test)
    return pd.Series(scores)


def main() -> None:
    """Run the searches and show what they found."""
    data_sets = {"breast-cancer": load_breast_cancer, "digits": load_digits}
    for name, load in data_sets.items():
        X, y = load(return_X_y=True)
        X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
        print(f"\n=== {name}: {len(X_train)} rows, {X.shape[1]} features")
        search = make_search()
        search.set_callbacks(
            MLflowCallback(f"quickstart-{name}"), ProgressBar(max_propagation_depth=0)
        )
        search.fit(X_train, y_train)
        report = search_report(search)
        print(f"\n{report}")
        print(f"\nLeaderboard\n{report.leaderboard.head().round(4).to_string(index=False)}")
        print(f"\nEffects\n{report.effects.round(4).to_string(index=False)}")
        scores = held_out_scores(search, X_train, y_train, X_test, y_test)
        print(f"\nAccuracy on {len(X_test)} held-out rows\n{scores.round(4).to_string()}")
    print("\nAll runs are in MLflow. Look at them with `make ui`.")


if __name__ == "__main__":
    main()
