"""Splits, subsets, digits, class folders and .npz files."""

import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits

from pitfalls.errors import DataError, InputError
from pitfalls.images import DataConfig, ImageDataset, load_dataset, read_picture
from pitfalls.images.data import read_arrays
from pitfalls.images.data.splits import channel_statistics
from tests.images.data.makers import class_folders


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    monkeypatch.delenv("PITFALLS_DATA", raising=False)
    monkeypatch.setenv("PITFALLS_CACHE", str(tmp_path / "cache"))


def picture(path, size=(8, 8), mode="RGB", value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(value)
    shape = size[::-1] if mode in ("L", "I;16") else (*size[::-1], len(mode))
    dtype = np.uint16 if mode == "I;16" else np.uint8
    Image.fromarray(rng.integers(0, 256, shape).astype(dtype)).save(path)


def tree(root, parts=("train", "test"), n=3, classes=("cat", "dog"), **options):
    for part in parts:
        for name in classes:
            for i in range(n):
                picture(root / part / name / f"{i}.png", value=i, **options)
    return root


# ---- splits and subsets ---------------------------------------------------------------------


def test_digits_are_real_and_their_test_set_is_fixed():
    first, second = (
        load_dataset(DataConfig("digits", seed=1)),
        load_dataset(DataConfig("digits", seed=2)),
    )
    assert first.train_images.shape == (1438, 1, 8, 8)
    assert first.test_images.shape == (359, 1, 8, 8)
    assert first.train_images.max() == 255
    np.testing.assert_array_equal(first.test_images, second.test_images)
    assert first.fingerprint == second.fingerprint


def test_digits_are_scikit_learns_wherever_it_keeps_their_file(monkeypatch):
    bunch = load_digits()
    near = load_dataset("digits")
    images = np.concatenate([near.train_images, near.test_images])
    np.testing.assert_array_equal(images[:, 0], np.round(bunch.images * (255 / 16)))
    labels = np.concatenate([near.train_labels, near.test_labels])
    np.testing.assert_array_equal(labels, bunch.target)
    monkeypatch.setattr("pitfalls.images.data.digits.find_spec", lambda name: None)
    far = load_dataset("digits")
    assert far.fingerprint == near.fingerprint


def test_subsets_are_drawn_by_seed_and_nested():
    full = load_dataset("digits")
    small = load_dataset(DataConfig("digits", subset_train=50, subset_val=20, seed=7))
    large = load_dataset(DataConfig("digits", subset_train=200, subset_val=20, seed=7))
    other = load_dataset(DataConfig("digits", subset_train=50, subset_val=20, seed=8))
    assert set(small.train_indices) <= set(large.train_indices)
    assert set(small.train_indices) != set(other.train_indices)
    np.testing.assert_array_equal(small.train_images, full.train_images[small.train_indices])
    np.testing.assert_array_equal(small.train_labels, full.train_labels[small.train_indices])
    np.testing.assert_array_equal(small.test_images, full.test_images[small.test_indices])
    assert (np.diff(small.train_indices) > 0).all()
    assert len(small.test_labels) == 20


def test_subset_val_draws_from_the_test_set_and_leaves_the_training_set_alone():
    data = load_dataset(DataConfig("digits", subset_val=100))
    assert len(data.train_labels) == 1438
    assert len(data.test_labels) == 100


@settings(max_examples=30, deadline=None)
@given(validation=st.one_of(st.floats(0.01, 0.9), st.integers(1, 1000)), seed=st.integers(0, 50))
def test_validation_set_is_a_stratified_part_of_the_training_set(validation, seed):
    data = load_dataset(DataConfig("digits", validation=validation, seed=seed))
    whole = load_dataset("digits")
    count = validation if validation >= 1 else max(round(validation * 1438), 1)
    assert len(data.validation_labels) == count
    together = np.concatenate([data.train_indices, data.validation_indices])
    np.testing.assert_array_equal(np.sort(together), np.arange(1438))
    np.testing.assert_array_equal(
        data.validation_labels, whole.train_labels[data.validation_indices]
    )
    expected = count * np.bincount(whole.train_labels) / 1438
    assert np.abs(np.bincount(data.validation_labels, minlength=10) - expected).max() <= 1
    np.testing.assert_array_equal(data.test_images, whole.test_images)


def test_validation_is_taken_from_the_subset():
    data = load_dataset(DataConfig("digits", subset_train=100, validation=0.2))
    assert (len(data.train_labels), len(data.validation_labels)) == (80, 20)


def test_fingerprint_changes_with_one_pixel_and_with_the_normalisation():
    images = np.zeros((4, 1, 2, 2), dtype=np.uint8)
    images[0, 0, 0, 0] = 9
    first = ImageDataset.from_arrays(images, [0, 1, 0, 1], images, [0, 1, 0, 1])
    changed = images.copy()
    changed[3, 0, 1, 1] = 1
    second = ImageDataset.from_arrays(images, [0, 1, 0, 1], changed, [0, 1, 0, 1])
    third = ImageDataset.from_arrays(changed, [0, 1, 0, 1], images, [0, 1, 0, 1])
    assert len({first.fingerprint, second.fingerprint, third.fingerprint}) == 3


def test_normalized_is_pixel_over_255_minus_mean_over_std():
    data = load_dataset(DataConfig("digits", channels=3, size=16, subset_train=60))
    expected = data.train_images / 255
    for channel in range(3):
        expected[:, channel] = (expected[:, channel] - data.mean[channel]) / data.std[channel]
    np.testing.assert_allclose(data.normalized("train"), expected, atol=2e-6)
    np.testing.assert_allclose(data.normalized("train", 5, 9), expected[5:9], atol=2e-6)
    rows = np.concatenate([x for x, _ in data.flat_batches("train", size=7)])
    np.testing.assert_allclose(rows, expected.reshape(60, -1), atol=2e-6)
    np.testing.assert_allclose(data.normalized("train").mean(), 0, atol=1e-5)
    np.testing.assert_allclose(data.normalized("train").std(), 1, atol=1e-5)


def test_constant_images_are_normalised_without_dividing_by_zero():
    images = np.full((4, 1, 2, 2), 7, dtype=np.uint8)
    data = ImageDataset.from_arrays(images, [0, 1, 0, 1], images, [0, 1, 0, 1])
    np.testing.assert_allclose(data.normalized("train"), 0, atol=1e-6)


@pytest.mark.parametrize("n", [3, 7, 20, 49, 131])
def test_a_constant_channel_has_no_deviation_whatever_its_value_and_the_rounding_of_its_mean(n):
    rng = np.random.default_rng(0)
    for value in range(256):
        images = rng.integers(0, 256, (n, 3, 7, 7)).astype(np.uint8)
        images[:, 1] = value
        mean, std = channel_statistics(images)
        assert std[1] == 1.0
        assert mean[1] == pytest.approx(value / 255)
        for channel in (0, 2):
            assert std[channel] == pytest.approx(float(images[:, channel].std()) / 255)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"subset_train": 0}, "at least 1"),
        ({"subset_train": 5000}, "only 1,438"),
        ({"subset_val": 5000}, "only 359"),
        ({"validation": -1}, "fraction below 1"),
        ({"validation": 1.5}, "fraction below 1"),
        ({"seed": -1}, "not be negative"),
        ({"size": 0}, "at least 1 pixel"),
        ({"channels": 2}, "1 or 3"),
    ],
)
def test_wrong_argument_is_refused_in_one_line(arguments, message):
    with pytest.raises(InputError, match=message):
        load_dataset(DataConfig("digits", **arguments))


def test_validation_that_does_not_fit_is_refused():
    with pytest.raises(DataError, match="does not fit"):
        load_dataset(DataConfig("digits", subset_train=20, validation=19))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (([[0.5]], [0], [[0.5]], [0]), "uint8"),
        ((np.zeros((2, 2, 4, 4), np.uint8), [0, 1], np.zeros((2, 3, 4, 4), np.uint8), [0, 1]),
         "1 or 3 channels"),
        ((np.zeros((2, 3, 4, 4), np.uint8), [0, 1, 1], np.zeros((2, 3, 4, 4), np.uint8), [0, 1]),
         "2 images but labels"),
        ((np.zeros((2, 3, 4, 4), np.uint8), [0, -1], np.zeros((2, 3, 4, 4), np.uint8), [0, 1]),
         "label -1 at index 1"),
        ((np.zeros((2, 3, 4, 4), np.uint8), [0, 1], np.zeros((2, 3, 5, 4), np.uint8), [0, 1]),
         "test set: images are"),
        ((np.zeros((2, 3, 4, 4), np.uint8), [0, 0], np.zeros((2, 3, 4, 4), np.uint8), [0, 0]),
         "at least two"),
        ((np.zeros((0, 3, 4, 4), np.uint8), [], np.zeros((2, 3, 4, 4), np.uint8), [0, 1]),
         "no image"),
    ],
)  # fmt: skip
def test_arrays_that_are_no_data_set_are_refused(arrays, message):
    with pytest.raises(DataError, match=message):
        ImageDataset.from_arrays(np.asarray(arrays[0]), arrays[1], np.asarray(arrays[2]), arrays[3])


# ---- class folders --------------------------------------------------------------------------


@pytest.mark.parametrize("held", ["test", "val", "validation"])
def test_class_folders_with_train_and_test(tmp_path, held):
    data = load_dataset(tree(tmp_path / "pets", ("train", held)))
    assert data.name == "pets"
    assert data.class_names == ("cat", "dog")
    assert data.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    expected = np.asarray(Image.open(tmp_path / "pets/train/dog/1.png")).transpose(2, 0, 1)
    np.testing.assert_array_equal(data.train_images[4], expected)
    assert len(data.test_labels) == 6


def test_class_folders_with_val_and_test_keep_both(tmp_path):
    data = load_dataset(tree(tmp_path / "pets", ("train", "val", "test")))
    assert len(data.validation_labels) == 6
    assert len(data.test_labels) == 6


def test_single_tree_is_split_by_seed_with_a_warning(tmp_path):
    root = tree(tmp_path / "pets", ("",), n=10)
    first, again, other = (load_dataset(DataConfig(str(root), seed=s)) for s in (1, 1, 2))
    assert np.bincount(first.test_labels).tolist() == [2, 2]
    assert np.bincount(first.train_labels).tolist() == [8, 8]
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert any("no test set" in warning for warning in first.warnings)


def test_order_of_files_does_not_depend_on_the_file_system(tmp_path):
    for name in ("b.png", "a.png", "c.PNG"):
        picture(tmp_path / "t/x" / name, value=ord(name[0]))
        picture(tmp_path / "t/y" / name, value=ord(name[0]))
    data = load_dataset(tmp_path / "t")
    order = np.argsort(np.concatenate([data.train_indices, data.test_indices * 1000]))
    assert len(order) == 6


def test_jpeg_grey_palette_alpha_and_16_bit_pictures_are_read(tmp_path):
    root = tmp_path / "t"
    picture(root / "a/1.jpg")
    picture(root / "a/2.png", mode="L")
    picture(root / "a/3.png", mode="RGBA")
    picture(root / "b/4.png", mode="I;16")
    picture(root / "b/5.jpeg", mode="L")
    Image.open(root / "a/1.jpg").convert("P").save(root / "b/6.png")
    data = load_dataset(root)
    assert data.shape == (3, 8, 8)
    assert len(data.train_labels) + len(data.test_labels) == 6


def test_grey_pictures_stay_grey_unless_asked(tmp_path):
    root = tree(tmp_path / "t", mode="L")
    assert load_dataset(root).shape == (1, 8, 8)
    coloured = load_dataset(DataConfig(str(root), channels=3))
    assert coloured.shape == (3, 8, 8)
    np.testing.assert_array_equal(coloured.train_images[:, 0], coloured.train_images[:, 2])


def test_16_bit_pictures_keep_their_upper_byte(tmp_path):
    wide = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    Image.fromarray(wide).save(tmp_path / "w.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "w.png")[0], wide >> 8)


def test_mixed_sizes_are_refused_or_brought_to_one(tmp_path):
    root = tree(tmp_path / "t")
    picture(root / "train/cat/9.png", size=(10, 6))
    with pytest.raises(DataError, match=r"cat/9\.png is 6×10 pixels .* --size"):
        load_dataset(root)
    assert load_dataset(DataConfig(str(root), size=8)).shape == (3, 8, 8)


def test_resized_picture_keeps_its_middle(tmp_path):
    wide = np.zeros((4, 12, 3), dtype=np.uint8)
    wide[:, 4:8] = 200
    Image.fromarray(wide).save(tmp_path / "w.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "w.png", size=4), np.full((3, 4, 4), 200))


def damaged_tree(root, fault):
    tree(root)
    train = root / "train"
    if fault == "bad picture":
        (train / "cat/1.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    elif fault == "text as picture":
        (train / "cat/1.png").write_text("hello")
    elif fault == "truncated":
        raw = (train / "cat/1.png").read_bytes()
        (train / "cat/1.png").write_bytes(raw[:-60])
    elif fault == "empty picture":
        (train / "cat/1.png").write_bytes(b"")
    elif fault == "empty class":
        (train / "empty").mkdir()
    elif fault == "unknown class":
        picture(root / "test/horse/1.png")
    elif fault == "one class":
        for part in ("train", "test"):
            for i in range(3):
                (root / part / "dog" / f"{i}.png").unlink()
            (root / part / "dog").rmdir()
    return root


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("bad picture", r"cat/1\.png"),
        ("text as picture", r"cat/1\.png"),
        ("truncated", r"cat/1\.png"),
        ("empty picture", r"cat/1\.png"),
        ("empty class", r"empty holds no PNG or JPEG"),
        ("unknown class", r"horse is a class that"),
        ("one class", r"at least two"),
    ],
)
def test_damaged_tree_is_one_line_that_names_the_place(tmp_path, fault, message):
    root = damaged_tree(tmp_path / "pets", fault)
    with pytest.raises(DataError, match=message) as raised:
        load_dataset(root)
    assert "\n" not in str(raised.value)


def test_class_missing_from_the_test_set_is_a_warning(tmp_path):
    root = tree(tmp_path / "pets")
    for i in range(3):
        (root / "test/dog" / f"{i}.png").unlink()
    (root / "test/dog").rmdir()
    assert any("dog" in warning for warning in load_dataset(root).warnings)


def test_one_image_in_all_or_one_a_class_is_refused(tmp_path):
    picture(tmp_path / "t/a/1.png")
    with pytest.raises(DataError, match="has 1 class"):
        load_dataset(tmp_path / "t")
    picture(tmp_path / "t/b/1.png")
    with pytest.raises(DataError, match="too few"):
        load_dataset(tmp_path / "t")


@pytest.mark.parametrize("kind", ["missing", "empty folder", "text file"])
def test_path_that_is_no_data_set_is_one_line(tmp_path, kind):
    path = tmp_path / "thing"
    if kind == "empty folder":
        path.mkdir()
    elif kind == "text file":
        path.write_text("hello")
    with pytest.raises(DataError, match="thing") as raised:
        load_dataset(path)
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("name", ["thing", "thing.npz", "thing.tar.gz", "thing.zip"])
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(tmp_path, name):
    path = tmp_path / name
    os.mkfifo(path)
    for read in (load_dataset, read_arrays, read_picture):
        with pytest.raises(DataError, match="it is a pipe or a device, not a file"):
            read(path)
    class_folders(tmp_path / "t", n=12)
    os.mkfifo(tmp_path / "t/cat/pipe.png")
    assert "1 devices or pipes" in " ".join(load_dataset(tmp_path / "t").warnings)


@pytest.mark.parametrize("form", ["digits", "none", "folders", "npz", "cifar10"])
def test_labels_cannot_be_chosen_where_there_is_no_choice(tmp_path, monkeypatch, form):
    monkeypatch.delenv("PITFALLS_DATA", raising=False)
    source = {"digits": "digits", "none": None}.get(form, str(tmp_path / form))
    if form == "npz":
        source = str(tmp_path / "a.npz")
        np.savez(source, images=np.zeros((20, 6, 6), np.uint8), labels=np.arange(20) % 2)
    elif form == "folders":
        class_folders(tmp_path / form)
    elif form == "cifar10":
        (tmp_path / form).mkdir()
        for name in ("data_batch_1.bin", "test_batch.bin"):
            (tmp_path / form / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"labels \(--labels\) must .* Got 'fine'") as raised:
        load_dataset(DataConfig(source, labels="fine"))
    assert "\n" not in str(raised.value)


# ---- .npz -----------------------------------------------------------------------------------


def images_and_labels(n=20, channels_last=True):
    rng = np.random.default_rng(0)
    shape = (n, 6, 7, 3) if channels_last else (n, 3, 6, 7)
    return rng.integers(0, 256, shape).astype(np.uint8), np.arange(n) % 4


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
def test_npz_layouts_that_people_have(tmp_path, keys):
    images, labels = images_and_labels()
    arrays = (images, labels[:, None], 255 - images, labels[:, None])
    np.savez(tmp_path / "mine.npz", **dict(zip(keys, arrays, strict=True)))
    data = load_dataset(tmp_path / "mine.npz")
    np.testing.assert_array_equal(data.train_images, images.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(data.test_labels, labels)
    assert data.warnings == ()


def test_npz_channels_first_floats_one_hot_and_class_names(tmp_path):
    images, labels = images_and_labels(channels_last=False)
    np.savez_compressed(
        tmp_path / "mine.npz",
        images=images / 255,
        labels=np.eye(4)[labels],
        class_names=["a", "b", "c", "d"],
    )
    data = load_dataset(tmp_path / "mine.npz")
    assert data.class_names == ("a", "b", "c", "d")
    together = np.concatenate([data.train_images, data.test_images])
    assert sorted(map(bytes, together)) == sorted(map(bytes, images))
    assert any("rounded" in warning for warning in data.warnings)


def test_npz_grey_images_without_a_channel_axis(tmp_path):
    images, labels = images_and_labels()
    np.savez(tmp_path / "mine.npz", images=images[..., 0], labels=labels)
    assert load_dataset(tmp_path / "mine.npz").shape == (1, 6, 7)


@pytest.mark.parametrize(
    ("shape", "taken"),
    [
        ((4, 4, 3), (3, 4, 4)),
        ((4, 7, 1), (1, 4, 7)),
        ((3, 6, 5), (3, 6, 5)),
        ((1, 5, 5), (1, 5, 5)),
        ((3, 3), (1, 3, 3)),
        ((1, 1, 1), (1, 1, 1)),
        *(((a, b, c), None) for a, b, c in [(3, 4, 4), (1, 3, 3), (3, 3, 3), (3, 9, 4), (1, 9, 4)]),
        *(((a, b, c), None) for a, b, c in [(4, 4, 4), (1, 6, 1), (3, 6, 1), (1, 1, 3)]),
    ],
)
def test_npz_images_that_two_layouts_fit_are_refused_and_lose_no_pixel(tmp_path, shape, taken):
    images = np.random.default_rng(0).integers(0, 256, (20, *shape)).astype(np.uint8)
    np.savez(tmp_path / "a.npz", x_train=images, y_train=np.arange(20) % 4)
    if taken is None:
        with pytest.raises(DataError, match="both the second and the last axis") as raised:
            load_dataset(tmp_path / "a.npz")
        assert "\n" not in str(raised.value)
        return
    data = load_dataset(tmp_path / "a.npz")
    assert data.shape == taken
    assert data.train_images.size + data.test_images.size == images.size
    assert not any("transparency" in text for text in data.warnings)


def npz_faults():
    images, labels = images_and_labels()
    return {
        "objects": ({"images": np.array([{}], dtype=object), "labels": [0]}, "npz"),
        "other names": ({"a": images, "b": labels}, "holds a, b"),
        "shape": ({"images": images[:, :, 0, 0], "labels": labels}, "images must be of shape"),
        "negative": ({"images": images.astype(int) - 300, "labels": labels}, "from 0 to 255"),
        "nan": ({"images": images * np.nan, "labels": labels}, "from 0 to 255"),
        "float labels": ({"images": images, "labels": labels + 0.5}, "labels must be integers"),
        "not one-hot": ({"images": images, "labels": np.ones((20, 4))}, "not one-hot"),
        "label": ({"images": images, "labels": labels - 1}, "label -1"),
        "counts": ({"images": images[:-1], "labels": labels}, "19 images"),
        "huge label": ({"images": images, "labels": labels * 10**9}, "count from 0"),
    }


@pytest.mark.parametrize("fault", npz_faults())
def test_faulty_npz_is_one_line_that_names_it(tmp_path, fault):
    arrays, message = npz_faults()[fault]
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(DataError, match=message) as raised:
        load_dataset(tmp_path / "mine.npz")
    assert "\n" not in str(raised.value)
    assert "mine.npz" in str(raised.value)


def test_npz_with_members_that_are_no_arrays_is_one_line(tmp_path):
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(DataError, match=r"notes.txt in it is no array"):
        load_dataset(tmp_path / "mine.npz")
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        header = b"{'descr': '|u1', (("
        size = len(header).to_bytes(2, "little")
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + size + header)
    with pytest.raises(DataError, match=r"cannot be read as \.npz") as raised:
        load_dataset(tmp_path / "mine.npz")
    assert "\n" not in str(raised.value)


def test_paths_that_cannot_be_looked_up_are_one_line(tmp_path):
    for path in ("~nobody-of-this-name/x", str(tmp_path / ("x" * 300))):
        with pytest.raises(DataError, match=r"cannot be looked up|does not exist"):
            load_dataset(path)


def test_a_validation_share_must_be_a_number():
    for share in (float("inf"), float("nan")):
        with pytest.raises(InputError, match="validation must be"):
            load_dataset(DataConfig("digits", validation=share))


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_damaged_npz_is_one_line(tmp_path, damage):
    images, labels = images_and_labels()
    path = tmp_path / "mine.npz"
    np.savez(path, images=images, labels=labels)
    raw = path.read_bytes()
    path.write_bytes({"cut": raw[: len(raw) // 2], "text": b"hello", "empty": b""}[damage])
    with pytest.raises(DataError, match=r"mine\.npz") as raised:
        load_dataset(path)
    assert "\n" not in str(raised.value)
    assert "unsafe" not in str(raised.value), "advice to unpickle"
