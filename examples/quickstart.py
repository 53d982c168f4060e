"""Which init, and how much regularisation? The main job from end to end, on two data sets.

    python examples/quickstart.py

For each data set: a Pipeline of scaler, whitener and net; a grid of 36 candidates over init,
dropout, BatchNorm and weight decay, each cross-validated in 5 folds; a leaderboard, the effect of
each factor, the winner on held-out rows against two of scikit-learn's own; every candidate and
every fold's curve in MLflow; a figure.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.callback import ProgressBar
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from sknn_tricks import NetClassifier
from sknn_tricks.nets import MLP
from sknn_tricks.preprocessing import Whitener
from sknn_tricks.tracking import MLflowCallback

FACTORS = {
    "net__init": ["normal", "xavier_normal", "kaiming_normal"],
    "net__module__dropout": [0.0, 0.3],
    "net__module__batch_norm": [False, True],
    "net__weight_decay": [0.0, 0.1, 1.0],
}
FIGURE = Path("mlruns/quickstart.png")


def make_search() -> GridSearchCV:
    """Return the search: a Pipeline and a grid over its net."""
    net = NetClassifier(MLP(hidden=(64, 64)), max_epochs=20, random_state=0)
    pipe = Pipeline(
        [("scale", StandardScaler()), ("white", Whitener("zca", n_components=0.95)), ("net", net)]
    )
    return GridSearchCV(pipe, FACTORS, cv=5, n_jobs=2)


def leaderboard(search: GridSearchCV) -> pd.DataFrame:
    """Return a row per candidate, best first: its parameters, mean and spread over folds."""
    table = pd.DataFrame(search.cv_results_["params"]).rename(columns=short)
    table["mean"] = search.cv_results_["mean_test_score"]
    table["std"] = search.cv_results_["std_test_score"]
    return table.sort_values("mean", ascending=False, ignore_index=True)


def effects(board: pd.DataFrame) -> pd.Series:
    """Return the mean score at each value of each factor, over all the others."""
    factors = map(short, FACTORS)
    return pd.concat({name: board.groupby(board[name].map(str))["mean"].mean() for name in factors})


def short(name: str) -> str:
    """Return the last part of a nested parameter's name."""
    return name.rpartition("__")[2]


def held_out_scores(search: GridSearchCV, X_train, y_train, X_test, y_test) -> pd.Series:
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


def draw(axes, title: str, board: pd.DataFrame) -> None:
    """Draw each candidate as a dot, and the mean of each value of each factor as a bar."""
    ticks: list[str] = []
    for name in map(short, FACTORS):
        for value, group in board.groupby(name):
            x = len(ticks)
            axes.plot([x] * len(group), group["mean"], ".", color="tab:blue", alpha=0.35)
            axes.plot([x - 0.3, x + 0.3], [group["mean"].mean()] * 2, color="tab:orange", lw=3)
            ticks.append(f"{name} = {value}")
        axes.axvline(len(ticks) - 0.5, color="0.8", lw=0.8)
    axes.set_xticks(range(len(ticks)), ticks, rotation=60, ha="right")
    axes.set_xlim(-0.5, len(ticks) - 0.5)
    axes.set(title=title, ylabel="accuracy, mean of 5 folds")


def main() -> None:
    """Run the searches and show what they found."""
    figure, all_axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    callbacks = []
    data_sets = {"breast-cancer": load_breast_cancer, "digits": load_digits}
    for axes, (name, load) in zip(all_axes, data_sets.items(), strict=True):
        X, y = load(return_X_y=True)
        X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
        callbacks.append(MLflowCallback(f"quickstart-{name}"))
        search = make_search()
        search.set_callbacks(callbacks[-1], ProgressBar(max_propagation_depth=0))
        print(f"\n=== {name}: {len(X_train)} rows, {X.shape[1]} features")
        search.fit(X_train, y_train)
        board = leaderboard(search)
        print(f"\nLeaderboard (accuracy in 5 folds)\n{board.head().round(4).to_string()}")
        print(f"\nMean accuracy by factor\n{effects(board).round(4).to_string()}")
        scores = held_out_scores(search, X_train, y_train, X_test, y_test)
        print(f"\nAccuracy on {len(X_test)} held-out rows\n{scores.round(4).to_string()}")
        draw(axes, name, board)
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=120)
    print(f"\nFigure: {FIGURE}")
    print("All runs are in MLflow. Look at them with `make ui`, or")
    print(f"  {callbacks[0].ui_command}")
    for callback in callbacks:
        print(f"  {callback.url}")


if __name__ == "__main__":
    main()
