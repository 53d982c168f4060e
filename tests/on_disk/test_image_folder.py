"""Images in files as X: found, decoded, indexed, refused."""

import os
import re
import threading

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split

from sknn_tricks import ImageFolder, NetClassifier, OnDisk
from sknn_tricks.fused import fused_training
from sknn_tricks.nets import MLP
from sknn_tricks.preprocessing import StandardScalerND

N_PER_CLASS = 30


def draw(seed, size=(12, 10)):
    """Return random pixels (H, W, 3) whose mean is the class: even seeds are dark."""
    pixels = np.random.default_rng(seed).integers(0, 64, (*size, 3))
    return (pixels + 191 * (seed % 2)).astype("uint8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of two classes, with files in it that are no images."""
    root = tmp_path_factory.mktemp("images")
    for seed in range(2 * N_PER_CLASS):
        place = root / ("dark", "light")[seed % 2] / ("" if seed < 40 else "deeper")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw(seed)).save(place / f"{seed:02}.png")
    (root / "dark" / "notes.txt").write_text("none")
    (root / "dark" / ".hidden.png").write_text("none")
    (root / ".git").mkdir()
    return root


@pytest.fixture
def save(tmp_path):
    """Return a function that saves an image, of pixels or pillow's, and returns its path."""

    def write(image, name="0.png", **settings):
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        image.save(tmp_path / name, **settings)
        return str(tmp_path / name)

    return write


# --- what is found ------------------------------------------------------------------------------


def test_subfolders_are_classes(folder):
    X, y = ImageFolder.from_folder(folder)
    assert X.shape == (60, 12, 10, 3)
    assert (X.dtype, X.ndim, len(X)) == (np.uint8, 4, 60)
    assert y.tolist() == ["dark"] * 30 + ["light"] * 30
    names = [int(os.path.basename(path)[:2]) for path in X.paths]
    assert sorted(names) == list(range(60))
    for i in (0, 29, 30, 59):
        np.testing.assert_array_equal(X[i], draw(names[i]))
    np.testing.assert_array_equal(np.asarray(X), [draw(name) for name in names])


def test_a_folder_a_list_and_a_column_of_paths_are_the_same(folder):
    X = ImageFolder(folder)
    table = pd.DataFrame({"path": X.paths})
    for other in (ImageFolder(X.paths), ImageFolder(table["path"]), ImageFolder(str(folder))):
        assert other.paths == X.paths
        assert other.is_same(X)
        assert other.identity() == X.identity()
    assert not ImageFolder(folder, mode="L").is_same(X)
    assert ImageFolder(folder, size=8).identity() != X.identity()


def test_links_are_followed_once(folder, tmp_path):
    (tmp_path / "linked").symlink_to(folder / "dark")
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "a.png").symlink_to(folder / "light" / "01.png")
    (tmp_path / "file" / "circle").symlink_to(tmp_path / "file")
    X, y = ImageFolder.from_folder(tmp_path)
    assert y.tolist() == ["file"] + ["linked"] * 30
    np.testing.assert_array_equal(X[0], draw(1))


def test_an_index_reads_nothing_and_gives_those_rows(folder, monkeypatch):
    X = ImageFolder(folder)
    everything = np.asarray(X)
    index = np.array([5, 3, 3, -1])
    with monkeypatch.context() as patched:
        patched.setattr(Image, "open", None)
        parts = [X[index], X[10:50:7], X[np.arange(60) % 2 == 0]]
    for part, key in zip(parts, [index, slice(10, 50, 7), slice(0, None, 2)], strict=True):
        assert isinstance(part, ImageFolder)
        np.testing.assert_array_equal(np.asarray(part), everything[key])
        assert part.paths == np.array(X.paths)[key].tolist()
    assert repr(parts[0]) == "ImageFolder(shape=(4, 12, 10, 3), mode='RGB')"


@pytest.mark.parametrize("n_workers", [0, 1, 2, None])
def test_rows_are_the_same_whoever_decodes(folder, n_workers):
    X = ImageFolder(folder, size=(7, 9), n_workers=n_workers)
    np.testing.assert_array_equal(X, ImageFolder(folder, size=(7, 9), n_workers=0))
    assert X.shape == (60, 7, 9, 3)


# --- one image ----------------------------------------------------------------------------------


def test_images_are_resized_as_pillow_does(save):
    path = save(draw(0, (40, 30)))
    expected = Image.open(path).resize((9, 8), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(ImageFolder([path], size=(8, 9))[0], expected)
    # Antialiased: each pixel is a mean of all that it covers.
    stripes = np.zeros((64, 64, 3), "uint8")
    stripes[:, ::2] = 200
    small = ImageFolder([save(stripes, "stripes.png")], size=8)[0]
    assert np.ptp(small[:, 1:-1].astype(int)) <= 10
    assert abs(small.mean() - 100) < 5


def test_a_large_jpeg_is_decoded_at_less_than_its_size_to_nearly_the_same(save):
    ramp = np.linspace(0, 255, 400)[:, None, None].repeat(300, axis=1).repeat(3, axis=2)
    path = save(ramp.astype("uint8"), "0.jpg", quality=95)
    whole = Image.open(path).resize((30, 40), Image.Resampling.BILINEAR)
    found = ImageFolder([path], size=(40, 30))[0].astype(int)
    assert np.abs(found - np.asarray(whole)).max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_stand_upright(save, orientation):
    pixels = np.zeros((16, 24, 3), "uint8")
    pixels[:8, :8] = 255  # so that the file's first pixels are white
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels, -1),
        7: pixels[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(pixels),
    }[orientation]
    X = ImageFolder([save(pixels, "0.png", exif=exif)])
    assert X.shape[1:] == turned.shape
    np.testing.assert_array_equal(X[0], turned)


def test_grey_and_colours(save):
    grey = draw(0)[..., 0]
    path = save(grey)
    np.testing.assert_array_equal(ImageFolder([path], mode="L")[0], grey)
    np.testing.assert_array_equal(ImageFolder([path])[0], grey[..., None].repeat(3, axis=2))
    colours = save(draw(1), "1.png")
    expected = Image.fromarray(draw(1)).convert("L")
    np.testing.assert_array_equal(ImageFolder([colours], mode="L")[0], expected)


def test_kinds_of_pixels_that_pillow_has_others_of(save):
    colours = draw(3)
    alpha = np.dstack([colours, np.full(colours.shape[:2], 9, "uint8")])
    np.testing.assert_array_equal(ImageFolder([save(alpha)])[0], colours)
    palette = Image.fromarray(np.tile(np.arange(4, dtype="uint8"), (4, 1)), "L").convert("P")
    path = save(palette, "p.png", transparency=b"\x00\x80\xff\xff")
    assert ImageFolder([path])[0].tolist() == [[[i] * 3 for i in range(4)]] * 4
    deep = (np.arange(256, dtype="uint16") * 257).reshape(16, 16)
    path = save(deep, "16.png")
    np.testing.assert_array_equal(ImageFolder([path], mode="L")[0].ravel(), np.arange(256))
    floats = save(Image.fromarray(np.ones((4, 4), "float32")), "f.tif")
    assert ImageFolder([floats]).check() == {floats: "its numbers are floats, of an unknown range"}


@pytest.mark.parametrize("numbers", [[-1, 5], [0, 65536]])
def test_numbers_of_more_than_16_bits_are_no_image(save, numbers):
    path = save(Image.fromarray(np.array([numbers], "int32")), "many.tif")
    reason = "its numbers are of more than 16 bits, of an unknown range"
    assert ImageFolder([path]).check() == {path: reason}


def test_a_class_without_images_is_told_of(save, tmp_path):
    for name in ("dark", "light", "others"):
        (tmp_path / name).mkdir()
    save(draw(0), "dark/0.png")
    (tmp_path / "light" / "0.heic").write_text("of another kind")
    with pytest.warns(UserWarning, match="Some folders hold no image") as record:
        X, y = ImageFolder.from_folder(tmp_path)
    assert (len(X), y.tolist()) == (1, ["dark"])
    assert str(record[0].message) == (
        "Some folders hold no image, and are no classes. Expected files that end in .bmp, .gif, "
        ".jpeg, .jpg, .pgm, .png, .ppm, .tif, .tiff, .webp; got none in 'light', 'others'. Take "
        "the folders away, or convert their files."
    )


# --- bad files ----------------------------------------------------------------------------------


@pytest.fixture
def broken(save, tmp_path):
    """Return paths: a good one, one without an image, one cut off, none, of another size."""
    good, cut = save(draw(0)), tmp_path / "cut.jpg"
    save(draw(0, (200, 200)), "cut.jpg")
    cut.write_bytes(cut.read_bytes()[:4000])
    (tmp_path / "text.png").write_text("no image")
    large = save(draw(0, (13, 10)), "large.png")
    return [good, str(tmp_path / "text.png"), str(cut), str(tmp_path / "gone.png"), large]


def test_check_lists_all_bad_files(broken):
    _, text, cut, gone, large = broken
    for n_workers in (0, 2):
        X = ImageFolder(broken, n_workers=n_workers)
        found = X.check()
        assert list(found) == [text, cut, gone, large]
        assert found[text] == "it is no image"
        assert "truncated" in found[cut]
        assert found[gone] == "there is no such file"
        assert found[large] == "its size is 13 x 10, not 12 x 10; give size=(H, W)"
        assert X[[0, 2]].check() == {cut: found[cut]}
    assert list(ImageFolder(broken, size=6).check()) == [text, cut, gone]


@pytest.mark.parametrize("n_workers", [0, 2])
def test_an_error_names_the_file_and_how_many_more(broken, n_workers):
    X = ImageFolder(broken, n_workers=n_workers)
    text = (
        f"The file {broken[1]} gives no row, and 3 more of 5 files that were read. "
        "Expected an image that pillow can read; got it is no image. "
        "ImageFolder.check() lists all such files: mend them, or leave them out."
    )
    with pytest.raises(OSError, match=f"^{re.escape(text)}$"):
        np.asarray(X)
    with pytest.raises(OSError, match=rf"The file {broken[3]} gives no row\. .* no such file"):
        X[3]
    with pytest.raises(OSError, match="3 more"):
        NetClassifier(max_epochs=1).fit(X, [0, 1, 0, 1, 0])


def test_the_size_is_that_of_the_first_good_file(broken):
    assert ImageFolder(broken[1:]).shape == (4, 200, 200, 3)  # the head of the cut one is whole
    with pytest.raises(OSError, match=rf"No file gives an image\. .* got {broken[1]}: it is no"):
        ImageFolder([broken[1], broken[3]])


def test_pillows_bound_on_pixels_holds(save, monkeypatch):
    path = save(draw(0))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    [why] = ImageFolder([path], size=8).check().values()
    assert "decompression bomb" in why


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"mode": "RBG"}, "mode='RBG' is not known. Expected one of 'L', 'RGB'; got 'RBG'"),
        ({"size": 0}, r"size is none of an image. .* got size=0\. Try size=224"),
        ({"size": (3, 4, 5)}, "size is none of an image"),
        ({"size": "8"}, "size is none of an image"),
        ({"size": True}, "size is none of an image"),
        ({"n_workers": -1}, "n_workers is no number of threads"),
        ({"n_workers": 1.5}, "n_workers is no number of threads"),
    ],
)
def test_bad_settings_are_refused(folder, settings, error):
    with pytest.raises(ValueError, match=error):
        ImageFolder(folder, **settings)


def test_what_holds_no_images_is_refused(tmp_path, folder):
    with pytest.raises(OSError, match="There is no folder of that name"):
        ImageFolder(tmp_path / "none")
    with pytest.raises(OSError, match="There is no folder of that name"):
        ImageFolder.from_folder(folder / "dark" / "00.png")
    with pytest.raises(OSError, match="There is no image in"):
        ImageFolder(tmp_path)
    with pytest.raises(OSError, match="There is no subfolder with images in"):
        ImageFolder.from_folder(folder / "light" / "deeper")
    for paths in ([], [1, 2], np.zeros((3, 4))):
        with pytest.raises(TypeError, match="ImageFolder has no paths"):
            ImageFolder(paths)


def net(**settings):
    usual = {"max_epochs": 6, "batch_size": 8, "lr": 0.02, "random_state": 0}
    return NetClassifier(MLP(hidden=(8,)), **{**usual, **settings})


def weights(estimator):
    return [p.detach().numpy() for p in estimator.net_.module_.parameters()]


def assert_same(first, second):
    for mine, theirs in zip(weights(first), weights(second), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert first.loss_curve_ == second.loss_curve_


def test_a_window_of_files_gives_the_bits_of_the_array(folder):
    X, y = ImageFolder.from_folder(folder)
    files, array = net().fit(X, y), net().fit(np.asarray(X), y)
    assert_same(files, array)
    np.testing.assert_array_equal(files.predict_proba(X), array.predict_proba(np.asarray(X)))
    assert files.score(X, y) == 1


@pytest.mark.usefixtures("small_windows")
class TestMoreThanAWindow:
    def test_it_learns_and_repeats_whoever_decodes(self, folder):
        nets = []
        for n_workers in (0, 2):
            X, y = ImageFolder.from_folder(folder, n_workers=n_workers)
            nets.append(net(early_stopping=True).fit(X, y))
        assert_same(*nets)
        everything = np.asarray(X)
        np.testing.assert_array_equal(nets[0].predict_proba(X), nets[0].predict_proba(everything))
        backwards = nets[0].predict_proba(X[::-1])
        np.testing.assert_array_equal(backwards, nets[0].predict_proba(everything[::-1]))
        assert nets[0].score(X, y) > 0.9

    def test_no_thread_stays(self, folder):
        X, y = ImageFolder.from_folder(folder, n_workers=2)
        net().fit(X, y).predict(X)
        assert not [t.name for t in threading.enumerate() if "ahead" in t.name]

    def test_a_bad_file_ends_the_training_with_its_name(self, folder, broken):
        X = ImageFolder([*ImageFolder(folder).paths, broken[2]], size=(12, 10))
        with pytest.raises(OSError, match=r"cut\.jpg gives no row"):
            net().fit(X, np.arange(61) % 2)
        with pytest.raises(OSError, match=r"cut\.jpg gives no row"):
            net().fit(X[:-1], np.arange(60) % 2).predict(X)

    def test_splits_searches_and_scalers_take_it(self, folder):
        X, y = ImageFolder.from_folder(folder)
        train, test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
        assert isinstance(train, ImageFolder)
        assert net(max_epochs=8).fit(train, y_train).score(test, y_test) > 0.8
        folds = StratifiedKFold(2, shuffle=True, random_state=0)
        one_by_one = cross_val_score(net(), X, y, cv=folds)
        with fused_training():
            np.testing.assert_array_equal(cross_val_score(net(), X, y, cv=folds), one_by_one)
        scaled = StandardScalerND().fit_transform(X)
        assert isinstance(scaled, OnDisk)
        np.testing.assert_allclose(np.asarray(scaled).mean(), 0, atol=1e-5)
        assert net(max_epochs=8).fit(scaled, y).score(scaled, y) > 0.9
