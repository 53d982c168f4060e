"""Test-time augmentation."""

import math
import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from torch import nn

import sknn_tricks
from sknn_tricks import NetClassifier, NetRegressor
from sknn_tricks._image_layout import image_layout
from sknn_tricks.augment import Albumentation, Augment, Flip, Noise, as_augment
from sknn_tricks.augment._one_by_one import Worker
from sknn_tricks.estimators import TTA
from sknn_tricks.estimators._tta import log_mean_of_views, mean_of_views, views_of
from sknn_tricks.nets import MLP, ConvNet

DIGITS = load_digits()
X, Y = DIGITS.images[:300] / 16, DIGITS.target[:300]


def net(**params):
    return NetClassifier(MLP((16,)), **{"max_epochs": 3, "random_state": 0, "lr": 0.02, **params})


def moved(images, down, right):
    """Move images (N, H, W), by the definition."""
    height, width = images.shape[1:]
    result = np.empty_like(images)
    for i in range(height):
        for j in range(width):
            from_row = min(max(i - down, 0), height - 1)
            from_column = min(max(j - right, 0), width - 1)
            result[:, i, j] = images[:, from_row, from_column]
    return result


def five(images, step):
    corners = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
    return [images, *(moved(images, step * y, step * x) for y, x in corners)]


VIEWS = {
    "flip": [X, X[:, :, ::-1]],
    "five_crop": five(X, 1),
    "ten_crop": [view[:, :, ::d] for d in (1, -1) for view in five(X, 1)],
}


@pytest.fixture(scope="module")
def fitted():
    return net().fit(X, Y)


@pytest.mark.parametrize("tta", sorted(VIEWS))
def test_probabilities_are_the_mean_over_the_views(fitted, tta):
    expected = np.mean([fitted.predict_proba(view) for view in VIEWS[tta]], axis=0)
    seen = clone(fitted).set_params(tta=tta).fit(X, Y)

    np.testing.assert_allclose(seen.predict_proba(X), expected, rtol=1e-12)
    np.testing.assert_allclose(seen.predict_log_proba(X), np.log(expected), rtol=1e-10)
    np.testing.assert_array_equal(seen.predict(X), expected.argmax(axis=1))


def test_five_crops_move_by_the_margin(fitted):
    fitted = sknn_tricks.NetClassifier(MLP((16,)), max_epochs=1, random_state=0).fit(X, Y)
    expected = np.mean([fitted.predict_proba(view) for view in five(X, 2)], axis=0)

    fitted.set_params(tta=TTA("five_crop", margin=0.25))

    np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-12)


def test_it_is_set_on_a_fitted_net_and_taken_off_again():
    fitted = net().fit(X, Y)
    before = fitted.predict_proba(X)

    assert not np.array_equal(fitted.set_params(tta="flip").predict_proba(X), before)
    np.testing.assert_array_equal(fitted.set_params(tta=None).predict_proba(X), before)


def test_training_does_not_see_it(fitted, weights):
    np.testing.assert_array_equal(weights(net(tta="ten_crop").fit(X, Y)), weights(fitted))


def test_the_monitor_does_not_see_it():
    watched = {"early_stopping": True, "monitor": "accuracy", "patience": 2}

    plain, seen = (net(tta=tta, **watched).fit(X, Y) for tta in (None, "five_crop"))

    assert [e["monitor"] for e in plain.history_] == [e["monitor"] for e in seen.history_]


@pytest.mark.parametrize("more", [{}, {"n_members": 3}, {"averaging": "snapshots"}])
def test_views_that_are_the_image_change_nothing_to_the_bit(more):
    plain = net(max_epochs=10, **more).fit(X, Y)
    before = [getattr(plain, "predict_" + name)(X) for name in ("proba", "log_proba")]
    members = plain.predict_proba_members(X)

    plain.set_params(tta=TTA(Augment(), n_draws=9))

    np.testing.assert_array_equal(plain.predict_proba(X), before[0])
    np.testing.assert_array_equal(plain.predict_log_proba(X), before[1])
    np.testing.assert_array_equal(plain.predict_proba_members(X), members)


def test_each_member_sees_each_view():
    ensemble = net(n_members=3).fit(X, Y)
    expected = [
        np.mean([member.predict_proba(view) for view in VIEWS["flip"]], axis=0)
        for member in ensemble.members_
    ]

    ensemble.set_params(tta="flip")

    np.testing.assert_allclose(ensemble.predict_proba_members(X), expected, rtol=1e-12)
    np.testing.assert_allclose(ensemble.predict_proba(X), np.mean(expected, axis=0), rtol=1e-12)


def test_labels_of_several_are_decided_by_the_mean():
    labels = np.stack([Y > 4, Y % 2 == 0], axis=1).astype(int)
    several = net().fit(X, labels)
    expected = np.mean([several.predict_proba(view) for view in VIEWS["flip"]], axis=0)

    several.set_params(tta="flip")

    np.testing.assert_allclose(several.predict_proba(X), expected, rtol=1e-12)
    np.testing.assert_array_equal(several.predict(X), expected > 0.5)


def test_corrected_probabilities_are_averaged():
    corrected = net(class_weight="balanced", prior_correction=True).fit(X, Y)
    expected = np.mean([corrected.predict_proba(view) for view in VIEWS["flip"]], axis=0)

    corrected.set_params(tta="flip")

    np.testing.assert_allclose(corrected.predict_proba(X), expected, rtol=1e-12)
    np.testing.assert_allclose(np.exp(corrected.predict_log_proba(X)), expected, rtol=1e-10)


@pytest.mark.parametrize("targets", [Y * 10.0, np.stack([Y, -3.0 * Y], axis=1)])
def test_numbers_are_means_over_the_views(targets):
    fitted = NetRegressor(MLP((16,)), n_members=2, max_epochs=3, random_state=0).fit(X, targets)
    expected = np.mean([fitted.predict(view) for view in VIEWS["flip"]], axis=0)
    members = [np.mean([m.predict(v) for v in VIEWS["flip"]], axis=0) for m in fitted.members_]

    fitted.set_params(tta="flip")

    np.testing.assert_allclose(fitted.predict(X), expected, rtol=1e-9)
    np.testing.assert_allclose(fitted.predict_std(X), np.std(members, axis=0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (3, 5, 7), (1, 5, 7), (5, 7, 1)])
def test_views_keep_the_axes_of_the_rows(shape):
    x = torch.rand(4, *shape)
    layout = image_layout(shape)

    views = views_of("ten_crop", shape)

    assert len(views) == 10
    assert views[0] is None
    for view in views[1:]:
        assert view(x).shape == x.shape
    np.testing.assert_array_equal(
        layout.to_nchw(views[1](x)).numpy(), layout.to_nchw(x).flip(3).numpy()
    )


@pytest.mark.parametrize(
    "views",
    [
        Augment([Flip(), Noise(0.3)]),
        [Flip(), Noise(0.3)],
        Noise(0.3),
        Albumentation("Rotate", limit=60, p=1.0),
    ],
    ids=str,
)
def test_draws_are_of_the_seed_and_the_same_for_all_images(fitted, views):
    rows = np.zeros(len(X), int)
    augment = as_augment(views)
    drawn = [augment.apply(torch.from_numpy(X), 5, i, rows).numpy() for i in range(3)]
    expected = np.mean([fitted.predict_proba(view) for view in [X, *drawn]], axis=0)
    seen = net().fit(X, Y).set_params(tta=TTA(views, n_draws=3, random_state=5))

    some, all_of_them = seen.predict_proba(X[7:9]), seen.predict_proba(X)

    np.testing.assert_allclose(all_of_them, expected, rtol=1e-9)
    np.testing.assert_allclose(some, all_of_them[7:9], rtol=1e-12)
    np.testing.assert_array_equal(seen.predict_proba(X), all_of_them)
    other = seen.set_params(tta__random_state=6).predict_proba(X)
    assert not np.allclose(other, all_of_them)
    seen.set_params(tta=views)
    assert not np.array_equal(seen.predict_proba(X), fitted.predict_proba(X))


def test_transforms_are_made_once_for_a_prediction_and_get_bytes(monkeypatch):
    images = (X * 255).round().astype(np.uint8)
    bytes_net = net().fit(images, Y).set_params(tta=TTA(Albumentation("InvertImg", p=1.0)))
    made, kinds = [], set()
    make, change = Albumentation.make, Worker.__call__

    def counted(self):
        made.append(self.name)
        return make(self)

    def watched(self, image, words):
        kinds.add(image.dtype.name)
        return change(self, image, words)

    monkeypatch.setattr(Albumentation, "make", counted)
    monkeypatch.setattr(Worker, "__call__", watched)
    monkeypatch.setattr("sknn_tricks.estimators._forward.predict_batch", lambda shape: 50)
    seen = bytes_net.predict_proba(images)

    assert len(made) < 5
    assert kinds == {"uint8"}
    plain = [bytes_net.set_params(tta=None).predict_proba(x) for x in (images, 255 - images)]
    np.testing.assert_allclose(seen, (plain[0] + 7 * plain[1]) / 8, rtol=1e-6)


@pytest.mark.parametrize("tta", ["flip", TTA("ten_crop"), [Flip()], TTA(Flip(), channels="last")])
@pytest.mark.parametrize("said_by", ["module", "augment"])
def test_channels_are_those_of_the_net(tta, said_by):
    images = np.random.default_rng(0).random((12, 8, 9, 8), np.float32)
    said = {
        "module": {"module": ConvNet((4,), channels_axis="last")},
        "augment": {"module": MLP((4,)), "augment": Augment(channels="last")},
    }[said_by]
    fitted = NetClassifier(max_epochs=1, random_state=0, **said).fit(images, Y[:12] > 4)
    expected = [fitted.predict_proba(x) for x in (images, images[:, :, ::-1])]

    seen = clone(fitted).set_params(tta=tta).fit(images, Y[:12] > 4)

    if tta == "flip":
        np.testing.assert_allclose(seen.predict_proba(images), np.mean(expected, 0), rtol=1e-5)
    assert seen.predict_proba(images).shape == (12, 2)


def test_views_may_say_where_channels_are():
    shape = (8, 9, 8)
    x = torch.rand(2, *shape)
    for tta in (
        TTA(Flip(p=1.0), channels="last"),
        TTA(Augment(Flip(p=1.0), channels="last"), channels="first"),
    ):
        assert torch.equal(views_of(tta, shape)[1](x), x.flip(2))
    with pytest.raises(ValueError, match=r'Say it with channels="first" or channels="last"'):
        views_of("flip", shape)
    with pytest.raises(ValueError, match=r'Say it with channels_axis="first" or channels_axis='):
        views_of("flip", shape, spec=ConvNet())


@pytest.mark.parametrize("tta", [None, "five_crop", TTA("five_crop")])
def test_settings_are_set_in_views_of_the_net_s_own(tta):
    estimator = net(tta=tta).set_params(tta__margin=0.2)

    if tta is None:  # settings of nothing
        assert estimator.tta is None
        estimator.set_params(tta__views__strength=0.5)
        with pytest.raises(ValueError, match="Invalid parameter 'margn' for estimator TTA"):
            estimator.set_params(tta__margn=0.2)
    else:
        assert (estimator.tta.views, estimator.tta.margin) == ("five_crop", 0.2)
    assert not isinstance(tta, TTA) or tta.margin == 1 / 14  # it may be another's too
    both = net().set_params(tta="ten_crop", tta__margin=0.3)
    assert (both.tta.views, both.tta.margin) == ("ten_crop", 0.3)
    inner = net(tta=TTA(Augment(Noise()))).set_params(tta__views__strength=0.5)
    assert inner.tta.views.strength == 0.5


class InPlace(nn.Module):
    """A user's own module that works on its input in place."""

    def __init__(self, n_outputs):
        super().__init__()
        self.layer = nn.Linear(64, n_outputs)

    def forward(self, x):
        return self.layer(x.sub_(0.5).flatten(1))


def test_a_module_of_the_user_s_own_may_work_in_place():
    mine = NetClassifier(InPlace, max_epochs=2, random_state=0).fit(X, Y)
    expected = np.mean([mine.predict_proba(view) for view in VIEWS["flip"]], axis=0)
    before = X.copy()

    np.testing.assert_allclose(mine.set_params(tta="flip").predict_proba(X), expected, rtol=1e-5)
    np.testing.assert_array_equal(X, before)


def test_a_search_chooses_the_views():
    grid = {"tta": [None, "flip", TTA("five_crop", margin=0.2)]}

    search = GridSearchCV(net(max_epochs=1), grid, cv=2).fit(X, Y)

    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_saved_net_has_its_views(fitted, tmp_path):
    seen = clone(fitted).set_params(tta=TTA("five_crop", margin=0.2)).fit(X, Y)

    sknn_tricks.save(seen, tmp_path / "net")
    again = sknn_tricks.load(tmp_path / "net")

    np.testing.assert_array_equal(again.predict_proba(X), seen.predict_proba(X))


def test_rows_on_the_disk_are_seen_alike(fitted, mapped, small_windows):
    seen = clone(fitted).set_params(tta="five_crop").fit(X, Y)

    expected = seen.predict_proba(X)

    np.testing.assert_allclose(seen.predict_proba(mapped(X)), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("tta", "text"),
    [
        (
            "flipp",
            "tta='flipp' is not known. Expected one of 'five_crop', 'flip', 'ten_crop'; got "
            "'flipp'. Did you mean 'flip'?",
        ),
        (
            TTA("five_crop", margin=0),
            "margin is no share of an image. Expected a number above 0 and below 1; got margin=0. "
            "Try margin=1/14, 2 pixels of 28.",
        ),
        (
            TTA(Flip(), n_draws=0),
            "n_draws is no number of views. Expected a whole number from 1 up; got n_draws=0. "
            "Try n_draws=7.",
        ),
        *(
            (
                TTA(Flip(), random_state=state),
                "random_state is no seed of views. Expected a whole number from 0 to 2**64 - 1: "
                f"each prediction sees the same views; got random_state={state!r}. "
                "Try random_state=0.",
            )
            for state in (None, -1, 2**64, True, np.random.RandomState(0))
        ),
    ],
)
def test_what_is_wrong_is_said_before_training(tta, text):
    wrong = net(tta=tta, max_epochs=10**6)

    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        wrong.fit(X, Y)

    assert not hasattr(wrong, "net_")


@pytest.mark.parametrize(
    ("tta", "got"),
    [(["flip", "five_crop"], "'flip'"), (3, "3"), (Flip, "the class Flip")],
)
def test_what_is_no_view_is_said_of_tta(tta, got):
    text = (
        "tta has something that is no transform. Expected transforms of sknn_tricks.augment or of "
        f'albumentations; got {got}. Write one name, such as tta="five_crop", or transforms, such '
        "as tta=[Flip(), Noise()]."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        net(tta=tta).fit(X, Y)


def test_rows_that_are_no_images_are_refused():
    with pytest.raises(ValueError, match=r"^These rows are no images\. Expected rows of shape"):
        net(tta="flip").fit(X.reshape(-1, 64), Y)


def test_means_of_equal_views_are_exact_and_others_right():
    values = torch.rand(6, 4, 3, dtype=torch.float64)

    torch.testing.assert_close(mean_of_views(values), values.mean(dim=0), rtol=1e-14, atol=0)
    logs = log_mean_of_views(values.log() - 2000)
    torch.testing.assert_close(logs, values.mean(dim=0).log() - 2000, rtol=1e-14, atol=0)
    same = values[:1].expand(7, -1, -1)
    assert torch.equal(mean_of_views(same), values[0])
    assert torch.equal(log_mean_of_views(same.log()), values[0].log())
    assert log_mean_of_views(torch.tensor([[-math.inf], [0.0]])).item() == pytest.approx(
        -math.log(2)
    )
