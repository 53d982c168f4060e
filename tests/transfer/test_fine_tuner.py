"""Transfer learning: what each strategy trains, and what comes of it."""

import copy
import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

import sknn_tricks
from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks.augment import Augment, Flip
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import MLP, Layered
from sknn_tricks.transfer import FeatureExtractor, FineTuner

STRATEGIES = ("fine_tune", "linear_probe", "pretrained_init", "truncate")


def weights_of(module):
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def body_before(backbone):
    """Return the backbone's weights by the names that they have in the whole."""
    return weights_of(backbone.net_.module_)


def moved(tuner, backbone):
    """Return which weights of the backbone are others in the whole net, and which are not."""
    before, after = body_before(backbone), weights_of(tuner.net_.module_)
    known = {name.removeprefix("body."): tensor for name, tensor in after.items()}
    both = [name for name in before if name in known and not name.startswith("output")]
    changed = {name for name in both if not torch.equal(before[name], known[name])}
    return changed, set(both) - changed


@pytest.mark.parametrize("strategy", ["linear_probe", "truncate"])
def test_frozen_features_stay_as_they_are(tuner, backbone, new, unseen, strategy):
    fitted = tuner(strategy).fit(*new)

    changed, kept = moved(fitted, backbone)

    assert not changed
    assert "conv_0_0.weight" in kept
    assert "norm_0_0.running_mean" in kept
    assert fitted.score(*unseen) > 0.5


@pytest.mark.parametrize("strategy", ["fine_tune", "pretrained_init"])
def test_all_weights_are_trained(tuner, backbone, new, unseen, strategy):
    fitted = tuner(strategy, tuned={"unfreeze_every": 0}).fit(*new)

    changed, kept = moved(fitted, backbone)

    assert not {name for name in kept if "num_batches" not in name}
    assert "conv_0_0.weight" in changed
    assert fitted.score(*unseen) > 0.5


def test_truncated_nets_have_fewer_layers(tuner, new):
    whole = tuner("linear_probe").fit(*new).net_.module_
    cut = tuner("truncate").fit(*new)

    assert "body.conv_1_0.weight" in whole.state_dict()
    assert "body.conv_1_0.weight" not in cut.net_.module_.state_dict()
    assert cut.cut_ == "pool_0"
    assert cut.feature_shape_ == (8, 4, 4)
    assert cut.layer_scores_["pool_0"] > 0.8


@pytest.mark.parametrize(
    ("cut", "last"), [("conv_1_0", "conv_1_0"), (-3, "pool_1"), (2, "conv_0_0"), (None, "flatten")]
)
def test_a_cut_is_a_name_or_a_number_of_parts(tuner, new, cut, last):
    fitted = tuner("linear_probe", tuned={"cut": cut}, max_epochs=1).fit(*new)

    assert fitted.cut_ == last
    assert fitted.predict_proba(new[0]).shape == (200, 5)


def test_layers_are_unfrozen_one_after_the_other(tuner, backbone, new):
    before = body_before(backbone)["conv_1_0.weight"]

    def unfrozen(n_epochs):
        fitted = tuner("fine_tune", tuned={"unfreeze_every": 2}, max_epochs=n_epochs).fit(*new)
        changed, _ = moved(fitted, backbone)
        return {name for name in changed if name.startswith("conv")}

    assert before.ndim == 4
    assert unfrozen(2) == set()
    assert unfrozen(4) == {"conv_1_0.weight"}
    assert unfrozen(5) == {"conv_1_0.weight", "conv_0_0.weight"}


def test_frozen_batch_norm_keeps_its_averages_until_its_layer_learns(tuner, backbone, new):
    fitted = tuner("fine_tune", tuned={"unfreeze_every": 3}, max_epochs=4).fit(*new)

    changed, kept = moved(fitted, backbone)

    assert "norm_1_0.running_mean" in changed
    assert {"norm_0_0.running_mean", "norm_0_0.weight"} <= kept


def test_nothing_is_left_frozen_but_the_scale(tuner, new):
    module = tuner("fine_tune", max_epochs=1).fit(*new).net_.module_

    assert all(parameter.requires_grad for parameter in module.parameters())
    assert not list(module.scale.parameters())


def test_rates_fall_from_layer_to_layer(tuner, new):
    fitted = tuner("fine_tune", tuned={"lr_decay": 0.5, "unfreeze_every": 0}).fit(*new)
    module, optimizer = fitted.net_.module_, fitted.net_.optimizer_

    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}

    named = {name: rates[id(p)] for name, p in module.named_parameters()}
    assert named["head.output.weight"] == 0.01
    assert named["conv_1_0.weight"] == named["norm_1_0.bias"] == 0.005
    assert named["conv_0_0.weight"] == 0.0025


def test_a_schedule_multiplies_all_rates():
    net = Layered({"a": nn.Linear(3, 4), "b": nn.Linear(4, 2)}, (0.1, 1.0), (0, 0))
    seen = []

    class Watch(torch.optim.SGD):
        def step(self, *args, **kwargs):
            seen.append(sorted({group["lr"] for group in self.param_groups}))
            return super().step(*args, **kwargs)

    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    settings = {"max_epochs": 2, "batch_size": 20, "lr": 1.0, "weight_decay": 0.0}
    NetClassifier(net, optimizer=Watch, lr_schedule="linear", **settings).fit(X, y)

    np.testing.assert_allclose(seen[0], [0.1 * seen[0][1], seen[0][1]])
    assert seen[1][1] < seen[0][1]
    np.testing.assert_allclose(seen[1], [0.1 * seen[1][1], seen[1][1]])


def test_slow_layers_learn_what_their_rate_says():
    """A step of plain gradient descent is as much smaller as the rate."""
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    start = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    settings = {"optimizer": "sgd", "max_epochs": 1, "batch_size": 20, "weight_decay": 0.0}

    def step(factors):
        layers = dict(copy.deepcopy(start).named_children())
        net = NetClassifier(Layered(layers, factors, (0, 0)), lr=0.1, random_state=0, **settings)
        after = net.fit(X, y).net_.module_
        return [(new.weight - old.weight).detach() for new, old in zip(after, start, strict=True)]

    whole, slow = step((1.0, 1.0)), step((0.25, 1.0))

    torch.testing.assert_close(slow[0], 0.25 * whole[0])
    torch.testing.assert_close(slow[1], whole[1])


def test_cached_features_train_the_head_that_uncached_ones_do(tuner, new, unseen):
    """An augmentation that changes nothing lets the features be computed in each step."""
    nothing = Augment([Flip(horizontal=False)])
    cached = tuner("linear_probe").fit(*new)
    uncached = tuner("linear_probe", augment=nothing).fit(*new)

    assert isinstance(uncached.net_.module_, Layered)
    assert not isinstance(cached.net_.module_, Layered)
    np.testing.assert_allclose(
        cached.estimator_.history_[-1]["train_loss"],
        uncached.estimator_.history_[-1]["train_loss"],
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        cached.predict_proba(unseen[0]), uncached.predict_proba(unseen[0]), atol=1e-4
    )


def test_augmented_images_leave_frozen_layers_alone(tuner, backbone, new):
    fitted = tuner("linear_probe", augment=Augment([Flip()])).fit(*new)

    changed, kept = moved(fitted, backbone)

    assert not changed
    assert "norm_0_0.running_mean" in kept


def test_features_are_computed_once(tuner, backbone, new):
    n_rows = []
    module = copy.deepcopy(backbone.net_.module_)
    module.conv_0_0.register_forward_hook(lambda layer, x, _: n_rows.append(len(x[0])))
    few, many = (tuner("linear_probe", module, max_epochs=n) for n in (1, 9))

    few.fit(*new)
    of_few = sum(n_rows)
    many.fit(*new)

    assert sum(n_rows) == 2 * of_few


def test_features_beyond_memory_are_the_same(tuner, new, monkeypatch):
    in_memory = tuner("linear_probe").fit(*new)
    monkeypatch.setattr("sknn_tricks.transfer._features.MOST_IN_MEMORY", 100)
    monkeypatch.setattr("sknn_tricks.transfer._features.AT_ONCE", 64 * 30)

    on_disk = tuner("linear_probe").fit(*new)

    np.testing.assert_allclose(
        on_disk.predict_proba(new[0]), in_memory.predict_proba(new[0]), atol=1e-5
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_module_is_the_whole_net(tuner, new, strategy):
    fitted = tuner(strategy).fit(*new)

    with torch.no_grad():
        logits = fitted.net_.module_.eval()(torch.tensor(new[0], dtype=torch.float32))

    np.testing.assert_allclose(
        logits.softmax(dim=1).numpy(), fitted.predict_proba(new[0]), atol=1e-5
    )
    assert logits.shape == (200, 5)
    np.testing.assert_array_equal(fitted.classes_, [5, 6, 7, 8, 9])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_seed_repeats_to_the_bit(tuner, new, strategy):
    first, second = (tuner(strategy).fit(*new).predict_proba(new[0]) for _ in range(2))

    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_saved_tuner_predicts_alike(tuner, new, strategy, tmp_path):
    fitted = tuner(strategy).fit(*new)

    sknn_tricks.save(fitted, tmp_path / "tuner")
    again = sknn_tricks.load(tmp_path / "tuner")

    np.testing.assert_array_equal(again.predict_proba(new[0]), fitted.predict_proba(new[0]))
    assert again.reason_ == fitted.reason_


@pytest.mark.parametrize("strategy", ["linear_probe", "fine_tune"])
def test_ensembles_and_views_work_on_it(tuner, new, strategy):
    fitted = tuner(strategy, n_members=2, tta="flip").fit(*new)
    net = fitted.estimator_
    members = net.predict_proba_members(new[0])

    assert members.shape == (2, 200, 5)
    np.testing.assert_allclose(members.mean(axis=0), fitted.predict_proba(new[0]), rtol=1e-12)
    plain = net.set_params(tta=None).predict_proba(new[0])
    mirrored = net.predict_proba(new[0][:, :, ::-1])
    np.testing.assert_allclose((plain + mirrored) / 2, members.mean(axis=0), rtol=1e-5, atol=1e-8)


def test_snapshots_of_a_head_are_averaged(tuner, new):
    fitted = tuner("linear_probe", averaging="snapshots", max_epochs=10).fit(*new)

    members = fitted.estimator_.predict_proba_members(new[0])

    assert len(members) > 1
    np.testing.assert_allclose(members.mean(axis=0), fitted.predict_proba(new[0]), rtol=1e-12)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_numbers_can_be_learnt(backbone, new, strategy):
    X, y = new[0], 100.0 + new[0].mean(axis=(1, 2)) * 50
    net = NetRegressor(max_epochs=30, lr=0.01, batch_size=32, random_state=0)

    fitted = FineTuner(backbone, net, strategy=strategy).fit(X, y)

    assert fitted.predict(X).shape == (200,)
    assert fitted.score(X, y) > 0.5
    assert not hasattr(fitted, "predict_proba")


def test_labels_of_several_can_be_learnt(tuner, new):
    X, labels = new[0], np.stack([new[1] > 6, new[1] % 2 == 0], axis=1).astype(int)

    fitted = tuner("auto").fit(X, labels)

    assert fitted.predict(X).shape == (200, 2)


def test_validation_rows_and_weights_are_passed_on(tuner, new, unseen):
    weight = np.where(new[1] == 5, 0.0, 1.0)
    unseen = tuple(each[unseen[1] > 5] for each in unseen)
    for strategy in ("linear_probe", "fine_tune"):
        fitted = tuner(strategy, early_stopping=True).fit(*new, weight, validation_data=unseen)
        assert "valid_loss" in fitted.estimator_.history_[-1]
        np.testing.assert_array_equal(fitted.classes_, [6, 7, 8, 9])


def test_a_clone_keeps_the_backbone(tuner, backbone, new):
    made = tuner("linear_probe")

    twin = clone(made)

    assert twin.backbone is backbone
    assert twin.estimator is not made.estimator
    np.testing.assert_array_equal(
        twin.fit(*new).predict_proba(new[0]), made.fit(*new).predict_proba(new[0])
    )
    assert not any(name.startswith("backbone__") for name in made.get_params())


def test_parameters_of_the_backbone_cannot_be_set(tuner, backbone):
    text = (
        "A backbone that is trained already has no parameters to set. Expected parameters of the "
        "new training, such as estimator__lr; got backbone__lr. Search over whole backbones: "
        "backbone=[FrozenEstimator(one), FrozenEstimator(other)]."
    )

    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        tuner().set_params(backbone__lr=1.0)

    assert backbone.lr == 0.01
    assert tuner().set_params(estimator__lr=0.5, cut=-3).estimator.lr == 0.5


def test_a_saved_extractor_gives_the_same_features(backbone, new, tmp_path):
    extractor = FeatureExtractor(backbone, cut="conv_1_0").fit(new[0])

    sknn_tricks.save(extractor, tmp_path / "extractor")
    again = sknn_tricks.load(tmp_path / "extractor")

    np.testing.assert_array_equal(again.transform(new[0]), extractor.transform(new[0]))
    assert again.backbone.predict(new[0]).shape == (200,)


def test_a_search_runs_over_strategies_rates_and_backbones(tuner, backbone, old, new):
    other = NetClassifier(MLP((8,)), max_epochs=1, random_state=0).fit(*old)
    grid = {
        "strategy": ["linear_probe", "fine_tune"],
        "estimator__lr": [1e-3, 1e-2],
        "backbone": [FrozenEstimator(backbone), FrozenEstimator(other)],
    }

    search = GridSearchCV(tuner(max_epochs=2), grid, cv=2).fit(*new)

    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.predict(new[0]).shape == (200,)


def test_heads_of_a_search_train_as_one_stack(tuner, new):
    made, grid = tuner("linear_probe"), {"estimator__lr": [1e-3, 3e-3, 1e-2]}
    alone = GridSearchCV(made, grid, cv=2).fit(*new)

    with fused_training() as fused:
        search = GridSearchCV(made, grid, cv=2).fit(*new)

    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"]
    )
    assert fused.report.n_alone == 0
    assert fused.report.n_stacks < fused.report.n_nets


def test_layered_nets_train_alone_and_the_report_says_why(tuner, new):
    with fused_training() as fused:
        cross_val_score(tuner("fine_tune"), *new, cv=2)

    assert "Layered is no Sequential" in str(fused.report)


def test_it_ends_a_pipeline(tuner, new, unseen):
    pipe = Pipeline([("same", FunctionTransformer()), ("tune", tuner("linear_probe"))])

    assert pipe.fit(*new).score(*unseen) > 0.5


def test_a_tuner_is_a_backbone_again(tuner, new, old):
    first = tuner("fine_tune").fit(*new)

    again = tuner("fine_tune", first, max_epochs=6).fit(*old)

    assert again.score(*old) > 0.8


def test_features_are_those_of_the_net(backbone, new):
    module = copy.deepcopy(backbone.net_.module_).eval()
    x = torch.tensor(new[0], dtype=torch.float32)
    with torch.no_grad():
        expected = nn.Sequential(*list(module.children())[:-1])(x).numpy()

    extractor = FeatureExtractor(backbone).fit(new[0])

    np.testing.assert_allclose(extractor.transform(new[0]), expected, rtol=1e-5, atol=1e-6)
    assert extractor.transform(new[0]).dtype == np.float32
    assert extractor.feature_shape_ == (16,)


def test_what_was_fitted_stays_if_a_later_fit_fails(tuner, new):
    fitted = tuner("linear_probe").fit(*new)
    before = dict(vars(fitted))

    with pytest.raises(ValueError, match="cannot take the rows"):
        fitted.fit(new[0].reshape(-1, 64), new[1])

    assert vars(fitted) == before


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        (
            {"backbone": NetClassifier()},
            ValueError,
            "The backbone, a NetClassifier, is not fitted. Expected an estimator that was trained "
            "on other data; got one without weights. Fit it first; among the values of a search, "
            "wrap it as sklearn.frozen.FrozenEstimator(net), or scikit-learn clones it without its "
            "weights.",
        ),
        (
            {"backbone": 3},
            TypeError,
            "backbone is nothing that holds a pretrained net. Expected a fitted NetClassifier or "
            "NetRegressor, a torch.nn.Module, a file of weights, or a function that makes one of "
            "these modules; got 3. Of a pipeline, give the last step: pipe[-1].",
        ),
        (
            {"estimator": 3},
            ValueError,
            "estimator is no net to be fine-tuned. Expected a NetClassifier or NetRegressor with "
            "the settings of the training, or None; got 3. Try "
            "estimator=NetClassifier(max_epochs=20).",
        ),
        (
            {"cut": "conv_1"},
            ValueError,
            "The backbone has no layer 'conv_1' to cut behind. Expected one of input, conv_0_0, "
            "norm_0_0, activation_0_0, pool_0, conv_1_0, norm_1_0, activation_1_0, pool_1, "
            "global_pool, flatten, output; got cut='conv_1'. Perhaps you mean 'conv_1_0'.",
        ),
        (
            {"cut": -12},
            ValueError,
            "cut leaves nothing of the backbone. Expected a number of its 12 parts to keep, or "
            "below 0 of those to leave out; got cut=-12. Try cut=-1, which leaves out the last "
            "one.",
        ),
        (
            {"strategy": "truncate", "backbone": nn.Sequential(nn.Flatten(), nn.Linear(64, 2))},
            ValueError,
            "The backbone has no layer before its last hidden one to cut behind. Expected a net of "
            "two hidden layers or more; got the layers 0, 1. Use strategy='linear_probe', or say "
            "where with cut.",
        ),
    ],
)
def test_what_is_wrong_is_said(backbone, new, settings, error, text):
    wrong = FineTuner(**{"backbone": backbone, **settings})

    with pytest.raises(error, match=f"^{re.escape(text)}$"):
        wrong.fit(*new)

    assert not hasattr(wrong, "estimator_")


@pytest.mark.parametrize("strategy", ["linear_probe", "fine_tune"])
def test_images_of_bytes_are_what_their_shares_are(old, new, strategy):
    as_bytes = [(255 * images).round().astype(np.uint8) for images in (old[0], new[0])]
    of_bytes = NetClassifier(max_epochs=2, random_state=0).fit(as_bytes[0], old[1])
    net = NetClassifier(max_epochs=2, random_state=0)

    first = FineTuner(of_bytes, net, strategy=strategy).fit(as_bytes[1], new[1])
    shares = as_bytes[1].astype(np.float32) / 255
    second = FineTuner(of_bytes, net, strategy=strategy).fit(shares, new[1])

    np.testing.assert_array_equal(first.predict_proba(as_bytes[1]), second.predict_proba(shares))
    with pytest.raises(ValueError, match="fitted on images of bytes"):
        FineTuner(of_bytes, net, strategy=strategy).fit(as_bytes[1].astype(np.float32), new[1])


@pytest.mark.parametrize("strategy", ["linear_probe", "fine_tune"])
def test_rows_on_the_disk_are_taken(tuner, new, mapped, small_windows, strategy):
    in_memory = tuner(strategy).fit(*new)

    on_disk = tuner(strategy).fit(mapped(new[0]), new[1])

    assert on_disk.score(*new) > in_memory.score(*new) - 0.1
    np.testing.assert_allclose(
        on_disk.predict_proba(mapped(new[0])), on_disk.predict_proba(new[0]), rtol=1e-6
    )


@pytest.mark.parametrize("strategy", ["linear_probe", "truncate"])
def test_rows_that_are_held_out_are_not_seen_before(strategy):
    """A head that had seen them would predict even these targets, which are noise."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 200)).astype(np.float32), rng.integers(0, 2, 120)
    body = nn.Sequential(nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 150), nn.ReLU())
    net = NetClassifier(
        max_epochs=3, early_stopping=True, validation_fraction=0.5, lr=1e-5, random_state=0
    )

    fitted = FineTuner(body.append(nn.Linear(150, 2)), net, strategy=strategy).fit(X, y)

    assert max(fitted.estimator_.validation_scores_) < 0.7


@pytest.mark.parametrize("augment", [None, Augment(Flip(p=0.0))])
def test_the_first_head_minds_weights_and_init(tuner, new, augment):
    """At a rate of almost 0 the head stays where it starts."""
    X, y = new
    settings = {"max_epochs": 1, "lr": 1e-9, "augment": augment}

    def head(weights=None, **others):
        fitted = tuner("linear_probe", **settings, **others).fit(X, y, weights)
        return fitted.net_.module_.state_dict()["head.output.weight"]

    plain, weighted = head(), head(np.where(y == y[0], 10.0, 1.0))
    balanced, drawn = head(class_weight={y[0]: 10.0}), head(init="kaiming_normal")

    assert not torch.allclose(plain, weighted, rtol=0.1)
    torch.testing.assert_close(balanced, weighted, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(plain, drawn, rtol=0.1)
    torch.testing.assert_close(head(init="zeros"), torch.zeros_like(plain), rtol=0, atol=1e-6)
    assert head(init="lsuv").isfinite().all()


def test_parameters_of_the_estimator_that_none_stands_for(backbone):
    tuner = FineTuner(backbone)

    assert tuner.get_params()["estimator__lr"] == NetClassifier().lr
    tuner.set_params(estimator__lr=0.1, estimator__module__hidden=(5,))

    assert tuner.estimator.lr == 0.1
    assert clone(tuner).estimator.module.hidden == (5,)


def test_bytes_are_not_what_a_backbone_of_floats_knows(new):
    X, y = new
    net = NetClassifier(max_epochs=1, random_state=0).fit(X.astype(np.float32) * 16, y)
    images = np.zeros((len(X), 8, 8), np.uint8)
    text = (
        "The backbone was fitted on floats, and the rows are images of bytes. Expected floats of "
        "the scale that it was fitted on; got uint8. Scale them as then, such as "
        "X.astype('float32') / 255, or fit the backbone on bytes."
    )

    for wants in (FineTuner(net), FeatureExtractor(net)):
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            wants.fit(images, y)


def test_features_have_names(backbone, new):
    extractor = FeatureExtractor(backbone).fit(new[0]).set_output(transform="pandas")

    table = extractor.transform(new[0])

    assert list(table.columns) == list(extractor.get_feature_names_out())
    assert table.columns[1] == "featureextractor1"
    np.testing.assert_array_equal(table, extractor.set_output(transform=None).transform(new[0]))
