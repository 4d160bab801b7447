"""What used to be lost or guessed without a word is read rightly, refused, or counted and said."""

import json
import os
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pitfalls.errors import DataError
from pitfalls.images import DataConfig, ImageDataset, load_dataset, read_picture
from tests.images.data.makers import class_folders, idx, parts, picture, pixels, png16


def said(data, *words):
    """Return whether one warning holds all the words."""
    return any(all(word in text for word in words) for text in data.warnings)


def everything(data):
    return np.concatenate([data.train_images, data.validation_images, data.test_images])


# ---- folders for the parts ------------------------------------------------------------------

NAMES = [
    ("train", "test"),
    ("training", "testing"),
    ("Train", "Test"),
    ("TRAIN", "TEST"),
    ("seg_train", "seg_test"),
    ("train_set", "test_set"),
    ("Training Set", "Test Set"),
    ("trainset", "testset"),
    ("train_images", "val_images"),
    ("train2017", "val2017"),
    ("images-train", "images-eval"),
    ("train", "valid"),
    ("train", "dev"),
    ("trainData", "testData"),
    ("traindir", "testdir"),
    ("trainfolder", "testfolders"),
    ("trainimages", "testimages"),
    ("train_val", "test"),
    ("trainval", "test"),
    ("development", "training"),
]


@pytest.mark.parametrize("names", NAMES)
def test_folders_for_the_parts_are_no_classes_whatever_their_usual_name(tmp_path, names):
    data = load_dataset(parts(tmp_path / "pets", names))
    assert data.class_names == ("cat", "dog")
    assert (len(data.train_labels), len(data.test_labels)) == (8, 8)


def test_folders_that_may_be_parts_under_other_names_are_said_to_be_taken_as_classes(tmp_path):
    data = load_dataset(parts(tmp_path / "fotos", ("entrenamiento", "prueba")))
    assert data.class_names == ("entrenamiento", "prueba")
    assert said(data, "entrenamiento, prueba are taken as classes", "cat, dog (16 pictures in all)")
    # a folder that all classes have is no sign of it
    for name in ("cat", "dog"):
        class_folders(tmp_path / "own" / name, classes=("images",))
    assert not said(load_dataset(tmp_path / "own"), "are taken as classes")


@pytest.mark.parametrize("inside", ["", "test/"])
def test_pictures_to_hand_in_answers_for_are_left_aside_and_counted(tmp_path, inside):
    root = class_folders(tmp_path / "leaves/train", n=10).parent
    for i in range(3):
        picture(root / f"test/{inside}{i}.png", seed=900 + i)
    data = load_dataset(root)
    assert (len(data.train_labels), len(data.test_labels)) == (16, 4)
    assert said(data, "3 files skipped: 3 .png in test")
    class_folders(root / "valid", seed=700)
    assert len(load_dataset(root).test_labels) == 8


def test_parts_within_doubled_folders_are_found(tmp_path):
    root = tmp_path / "intel"
    for part in ("seg_train", "seg_test"):
        class_folders(root / part / part, seed=hash(part) % 1000)
    class_folders(root / "seg_pred", classes=("seg_pred",), n=3)
    data = load_dataset(root)
    assert data.class_names == ("cat", "dog")
    assert said(data, "3 files skipped", "3 .png in seg_pred")


def test_parts_below_the_classes_are_parts(tmp_path):
    for at, part in enumerate(("train", "test")):
        for c, name in enumerate(("cat", "dog")):
            for i in range(3):
                picture(tmp_path / "t" / name / part / f"{i}.png", seed=100 * at + 10 * c + i)
    data = load_dataset(tmp_path / "t")
    assert data.class_names == ("cat", "dog")
    assert (len(data.train_labels), len(data.test_labels)) == (6, 6)
    assert data.warnings == ()


def test_a_class_may_be_called_train(tmp_path):
    data = load_dataset(class_folders(tmp_path / "t", classes=("bus", "car", "train")))
    assert data.class_names == ("bus", "car", "train")


def test_two_folders_for_one_part_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"'train' and 'training' look like its train set"):
        load_dataset(parts(tmp_path / "t", ("train", "training", "test")))


@pytest.mark.parametrize("names", [("test",), ("test", "val"), ("cat", "test")])
def test_a_part_to_test_on_without_one_to_train_on_is_refused(tmp_path, names):
    with pytest.raises(DataError, match="none to train on"):
        load_dataset(parts(tmp_path / "t", names))


def test_train_alone_has_a_fifth_set_aside(tmp_path):
    root = parts(tmp_path / "t", ("train",), n=10)
    class_folders(root / "docs", classes=("figures",), n=2)
    data = load_dataset(root)
    assert (len(data.train_labels), len(data.test_labels)) == (16, 4)
    assert said(data, "no test set")
    assert said(data, "2 .png in docs")


def test_a_validation_set_taken_as_test_set_is_said(tmp_path):
    data = load_dataset(parts(tmp_path / "t", ("train", "val")))
    assert said(data, "validation set is taken as the test set")


def test_a_validation_set_that_is_replaced_is_said(tmp_path):
    root = parts(tmp_path / "t", ("train", "val", "test"))
    data = load_dataset(DataConfig(str(root), validation=2))
    assert len(data.validation_labels) == 2
    assert said(data, "validation set of its own of 8 images", "left aside")


# ---- files that are no pictures, or hidden, or links ----------------------------------------


def test_hidden_folders_are_not_read(tmp_path):
    root = parts(tmp_path / "t", ("train", "test"))
    class_folders(root / "train/cat/.ipynb_checkpoints", classes=("",), n=3)
    picture(root / "train/dog/._0.png")
    (root / "train/dog/.DS_Store").write_text("")
    data = load_dataset(root)
    assert len(data.train_labels) == 8
    assert data.warnings == ("1 file skipped: 1 hidden.",)


def test_files_of_other_kinds_are_counted_by_ending(tmp_path):
    root = parts(tmp_path / "t", ("train", "test"))
    for i in range(3):
        (root / f"train/cat/{i}.heic").write_bytes(b"x")
    (root / "train/cat/notes.txt").write_text("x")
    (root / "README").write_text("x")
    data = load_dataset(root)
    assert data.warnings == ("5 files skipped: 3 .heic, 1 .txt, 1 without ending.",)
    assert data.reading.files == ((".png", 16),)


def test_links_are_followed_but_not_in_circles_and_broken_ones_are_counted(tmp_path):
    root = parts(tmp_path / "t", ("train", "test"))
    class_folders(tmp_path / "elsewhere", classes=("more",), n=2, seed=777)
    os.symlink(tmp_path / "elsewhere/more", root / "train/cat/more")
    os.symlink(tmp_path / "elsewhere/more/0.png", root / "train/dog/linked.png")
    os.symlink(root / "train", root / "train/cat/circle")
    os.symlink(tmp_path / "nowhere.png", root / "train/cat/broken.png")
    data = load_dataset(root)
    assert len(data.train_labels) == 8 + 2 + 1
    assert said(data, "2 broken or circular links")


# ---- values ---------------------------------------------------------------------------------


def saved(path, images, labels=None, **more):
    labels = np.arange(len(images)) % 4 if labels is None else labels
    np.savez(path, images=images, labels=labels, **more)
    return path


def small(shape=(20, 6, 7, 3)):
    return pixels(0, shape)


ARRAYS = {
    # name: (stored from uint8 images, the pixels that are due, words said)
    "uint8": (lambda u: u, lambda u: u, None),
    "bool": (lambda u: u > 127, lambda u: (u > 127) * 255, "only 0 and 1"),
    "uint8 of 0 and 1": (lambda u: (u > 127) * 1, lambda u: (u > 127) * 255, "only 0 and 1"),
    "int64": (lambda u: u.astype(np.int64), lambda u: u, None),
    "uint16 of 16 bits": (lambda u: u * np.uint16(257), lambda u: u, "16 bits"),
    "uint16 of 12 bits": (lambda u: u * np.uint16(16), lambda u: u, "12 bits"),
    "uint16 of 10 bits": (lambda u: u * np.uint16(4), lambda u: u, "10 bits"),
    "uint16 of 8 bits": (lambda u: u.astype(np.uint16), lambda u: u, None),
    "float 0..1": (lambda u: u / 255, lambda u: u, "0 to 1"),
    "float just above 1": (lambda u: u / 255 * (1 + 1e-7), lambda u: u, "0 to 1"),
    "float16 0..1": (lambda u: (u / 255).astype(np.float16), lambda u: u, "0 to 1"),
    "float -1..1": (lambda u: u / 127.5 - 1, lambda u: u, "-1 to 1"),
    "float 0..255 whole": (lambda u: u.astype(np.float32), lambda u: u, "all whole"),
    "float 0..255": (lambda u: np.clip(u + 0.25, 0, 255), lambda u: u, "0 to 255"),
    "standardised": (lambda u: (u - u.mean()) / u.std(), lambda u: u, "standardised"),
    "RGBA": (lambda u: np.concatenate([u, u[..., :1]], axis=-1), lambda u: u, "fourth channel"),
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_every_usual_range_of_an_array_becomes_the_same_pixels(tmp_path, kind):
    store, due, words = ARRAYS[kind]
    images = small()
    images.flat[:2] = 0, 255  # so that a standardised array's ends are black and white
    data = load_dataset(saved(tmp_path / "a.npz", store(images)))
    found = sorted(map(bytes, everything(data)))
    assert found == sorted(map(bytes, due(images).astype(np.uint8).transpose(0, 3, 1, 2)))
    notes = [text for text in data.warnings if "no test set" not in text]
    assert (notes == []) if words is None else any(words in text for text in notes)


ASKED = {
    "0..1.2": lambda u: u / 255 * 1.2,
    "0..16 with fractions": lambda u: u / 16,
    "centred": lambda u: u / 255 - 0.5,
    "barely negative": lambda u: u / 255 - 0.02,
    "nearly black": lambda u: u / 255 / 255,
    "0..1000 with fractions": lambda u: u * 4.001,
    "int8": lambda u: (u.astype(int) - 128).astype(np.int8),
    "17 bits": lambda u: u.astype(int) * 512,
}


@pytest.mark.parametrize("kind", ASKED)
def test_a_range_that_cannot_be_told_is_asked_for_and_the_answer_is_taken(tmp_path, kind):
    images = small()
    images.flat[:2] = 0, 255
    stored = ASKED[kind](images)
    path = saved(tmp_path / "a.npz", stored)
    with pytest.raises(DataError, match="value_range") as raised:
        load_dataset(path)
    assert "\n" not in str(raised.value)
    answer = (float(stored.min()), float(stored.max()))
    data = load_dataset(DataConfig(str(path), value_range=answer))
    found = sorted(map(bytes, everything(data)))
    assert found == sorted(map(bytes, images.transpose(0, 3, 1, 2)))
    assert said(data, "as asked")
    with pytest.raises(DataError, match="outside the value_range"):
        load_dataset(DataConfig(str(path), value_range=(answer[0], answer[0] + 1e-3)))


def test_parts_on_different_scales_are_refused(tmp_path):
    images = small() / 255
    labels = np.arange(20) % 4
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, x_test=images * 255, y_test=labels)
    with pytest.raises(DataError, match="x_train reaches 1 but x_test reaches 255"):
        load_dataset(tmp_path / "a.npz")


@pytest.mark.parametrize(("one", "other"), [("u2", "i4"), ("i4", "u2"), ("f4", "u2"), ("f8", "f4")])
def test_the_same_whole_numbers_become_the_same_pixels_whatever_type_stores_them(
    tmp_path, one, other
):
    images = small((20, 6, 7)).astype(int) * 16  # of 12 bits
    dark = images // 4
    labels = np.arange(20) % 4
    np.savez(
        tmp_path / "a.npz",
        x_train=images.astype(one), y_train=labels, x_test=dark.astype(other), y_test=labels,
    )  # fmt: skip
    data = load_dataset(tmp_path / "a.npz")
    np.testing.assert_array_equal(data.train_images[:, 0], images >> 4)
    np.testing.assert_array_equal(data.test_images[:, 0], dark >> 4)
    assert data.reading.scale.ends == (0, 4095)


def test_idx_files_of_two_types_share_one_scale(tmp_path):
    images = small((20, 6, 7)).astype(np.int32) * 16
    for part, array in (("train", images), ("t10k", (images // 4).astype(np.int16))):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx(array))
        labels = (np.arange(20) % 4).astype(np.uint8)
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    data = load_dataset(tmp_path)
    np.testing.assert_array_equal(data.test_images[:, 0], (images // 4) >> 4)


def test_bytes_beside_numbers_of_more_bits_are_refused(tmp_path):
    images, labels = small((20, 6, 7)), np.arange(20) % 4
    np.savez(
        tmp_path / "a.npz",
        x_train=images, y_train=labels, x_test=images * np.uint16(16), y_test=labels,
    )  # fmt: skip
    with pytest.raises(
        DataError, match=r"x_train is stored as bytes but another reaches 4,\d+; bring"
    ):
        load_dataset(tmp_path / "a.npz")


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", ["png", "tif"])
def test_grey_pictures_of_16_bits_are_read_by_their_real_range(tmp_path, bits, form):
    arrays = [pixels(i, (6, 6)).astype(np.uint16) << (bits - 8) for i in range(8)]
    arrays[0].flat[0] = 255 << (bits - 8)
    for i, array in enumerate(arrays):
        path = tmp_path / "t" / ("a" if i % 2 else "b") / f"{i}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(array).save(path)
    data = load_dataset(tmp_path / "t")
    due = sorted(bytes((a >> (bits - 8)).astype(np.uint8)) for a in arrays)
    assert sorted(map(bytes, everything(data))) == due
    assert (bits == 8) != said(data, "8 grey pictures", f"{bits} bits")


@pytest.mark.parametrize(
    ("kind", "store"),
    [
        ("float 0..1", lambda u: (u / 255).astype(np.float32)),
        ("float 0..255", lambda u: u.astype(np.float32)),
        ("int32", lambda u: u.astype(np.int32)),
    ],
)
def test_tiffs_of_floats_and_of_32_bits_are_no_zeros(tmp_path, kind, store):
    arrays = [pixels(i, (6, 6)) for i in range(8)]
    arrays[0].flat[0] = 255
    for i, array in enumerate(arrays):
        picture(tmp_path / "t" / ("a" if i % 2 else "b") / f"{i}.tiff", store(array))
    data = load_dataset(tmp_path / "t")
    assert sorted(map(bytes, everything(data))) == sorted(map(bytes, arrays))


def test_colour_of_16_bits_keeps_its_upper_8_or_is_refused_when_they_are_empty(tmp_path):
    arrays = [pixels(i, (6, 6, 3)).astype(np.uint16) for i in range(8)]
    for i, array in enumerate(arrays):
        png16(tmp_path / "full" / ("a" if i % 2 else "b") / f"{i}.png", array << 8)
        png16(tmp_path / "twelve" / ("a" if i % 2 else "b") / f"{i}.png", array << 4)
    data = load_dataset(tmp_path / "full")
    due = sorted(bytes(a.astype(np.uint8).transpose(2, 0, 1).tobytes()) for a in arrays)
    assert sorted(map(bytes, everything(data))) == due
    assert said(data, "8 pictures of 16 bits a channel")
    with pytest.raises(DataError, match="save them with 8 bits"):
        load_dataset(tmp_path / "twelve")


def test_one_picture_of_12_bits_is_read_by_its_own_range(tmp_path):
    wide = np.arange(64, dtype=np.uint16).reshape(8, 8) * 64
    Image.fromarray(wide).save(tmp_path / "w.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "w.png")[0], wide >> 4)


def test_one_colour_picture_of_12_bits_within_16_is_refused_and_not_read_as_black(tmp_path):
    wide = pixels(0, (6, 6, 3)).astype(np.uint16)
    np.testing.assert_array_equal(
        read_picture(png16(tmp_path / "full.png", wide << 8)), wide.transpose(2, 0, 1)
    )
    with pytest.raises(DataError, match=r"at most 12 of them.*save it with 8 bits"):
        read_picture(png16(tmp_path / "twelve.png", wide << 4))


def test_transparency_and_further_frames_are_said(tmp_path):
    root = class_folders(tmp_path / "t", n=3, ending=".gif")
    frames = [Image.fromarray(pixels(i, (8, 8))) for i in range(3)]
    frames[0].save(root / "cat/moving.gif", save_all=True, append_images=frames[1:])
    see_through = np.dstack([pixels(5), np.full((8, 8), 100, np.uint8)])
    picture(root / "dog/ghost.png", see_through)
    data = load_dataset(root)
    assert said(data, "1 moving pictures", "first frame")
    assert said(data, "1 pictures that are transparent")


# ---- labels ---------------------------------------------------------------------------------

LABELS: dict[str, tuple[Any, ...]] = {
    # name: (labels, class names that are due, labels that are due, words said)
    "from 1": ([1, 2, 3, 4] * 5, "1234", [0, 1, 2, 3] * 5, "from 0 on do not occur"),
    "0 and 5000": ([0, 5000] * 10, ("0", "5000"), [0, 1] * 10, "the 2 that do"),
    "strings": (["ape", "bee"] * 10, ("ape", "bee"), [0, 1] * 10, None),
    "bytes": ([b"ape", b"bee"] * 10, ("ape", "bee"), [0, 1] * 10, None),
    "whole floats": ([0.0, 1.0] * 10, "01", [0, 1] * 10, None),
    "booleans": ([False, True] * 10, "01", [0, 1] * 10, None),
    "one-hot": (np.eye(4)[[0, 1, 2, 3] * 5], "0123", [0, 1, 2, 3] * 5, None),
    "a column": ([[0], [1]] * 10, "01", [0, 1] * 10, None),
}


@pytest.mark.parametrize("kind", LABELS)
def test_the_labels_that_occur_are_the_classes(tmp_path, kind):
    labels, names, due, words = LABELS[kind]
    images = small()
    path = saved(tmp_path / "a.npz", images, labels)
    for data in (load_dataset(path), ImageDataset.from_arrays(
        np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels,
        np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels)):  # fmt: skip
        assert data.class_names == tuple(names)
        of_image = {
            bytes(i): label for i, label in zip(images.transpose(0, 3, 1, 2), due, strict=True)
        }
        for part in ("train", "test"):
            found = zip(data.images(part), data.labels(part), strict=True)
            assert all(of_image[bytes(image)] == label for image, label in found)
        assert words is None or said(data, words)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.5, 1] * 10, "must be integers or text"),
        ([0, np.nan] * 10, "must be integers or text"),
        ([0, -1] * 10, "label -1 at index 1"),
        ([0, 10**6] * 10, "count from 0, or be text"),
        (np.ones((20, 4)), "not one-hot"),
    ],
)
def test_labels_that_would_be_cut_are_refused(tmp_path, labels, message):
    images = np.ascontiguousarray(small().transpose(0, 3, 1, 2))
    with pytest.raises(DataError, match=message):
        load_dataset(saved(tmp_path / "a.npz", images, np.asarray(labels)))
    with pytest.raises(DataError, match=message):
        ImageDataset.from_arrays(images, labels, images, labels)


# ---- splits ---------------------------------------------------------------------------------


def unbalanced(root, counts):
    for name, n in zip("abc", counts, strict=True):
        class_folders(root, classes=(name,), n=n, seed=ord(name) * 1000)
    return root


def test_a_drawn_test_set_of_one_class_is_refused(tmp_path):
    with pytest.raises(DataError, match="of all classes but one there is a single image"):
        load_dataset(unbalanced(tmp_path / "t", (50, 1, 1)))


def test_a_class_that_a_drawn_test_set_lacks_is_named(tmp_path):
    data = load_dataset(unbalanced(tmp_path / "t", (50, 2, 1)))
    assert np.bincount(data.test_labels, minlength=3).tolist() == [10, 1, 0]
    assert said(data, "1 of 3 classes have no image in the test set: c")


def test_small_classes_give_one_image_to_a_drawn_test_set(tmp_path):
    data = load_dataset(unbalanced(tmp_path / "t", (40, 2, 2)))
    assert np.bincount(data.test_labels).tolist() == [7, 1, 1]


def test_indices_say_where_each_image_stood_in_the_source(tmp_path):
    images = small()
    data = load_dataset(saved(tmp_path / "a.npz", images))
    source = images.transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(data.train_images, source[data.train_indices])
    np.testing.assert_array_equal(data.test_images, source[data.test_indices])


def test_a_range_that_pictures_of_8_bits_do_not_take_is_said_not_to_be_used(tmp_path):
    class_folders(tmp_path / "t", n=12)
    asked = DataConfig(str(tmp_path / "t"), value_range=(0, 85))
    assert load_dataset(asked).fingerprint == load_dataset(tmp_path / "t").fingerprint
    assert said(load_dataset(asked), "the value_range was not used")
    assert said(load_dataset(DataConfig("digits", value_range=(0, 16))), "was not used")
    images = (np.arange(20 * 36) % 86).astype(np.uint8).reshape(20, 6, 6)
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(20) % 2)
    used = load_dataset(DataConfig(str(tmp_path / "a.npz"), value_range=(0, 85)))
    assert everything(used).max() == 255
    assert not said(used, "was not used")


def test_arrays_of_an_npz_that_are_not_read_are_named(tmp_path):
    images, labels = np.zeros((20, 6, 6), np.uint8), np.arange(20) % 2
    np.savez(tmp_path / "a.npz", x_train=images, y_train=labels, x_test=images, t_test=labels,
             classes=np.array(["a", "b"]))  # fmt: skip
    assert said(load_dataset(tmp_path / "a.npz"), "not read: t_test, x_test.")
    np.savez(tmp_path / "b.npz", images=images, labels=labels, classes=np.array(["cat", "dog"]),
             label_names=np.array(["dog", "cat"]))  # fmt: skip
    two = load_dataset(tmp_path / "b.npz")
    assert two.class_names == ("dog", "cat")
    assert said(two, "not read: classes.")


def test_class_names_that_are_the_same_are_refused_and_no_class_is_lost(tmp_path):
    labels, names = np.array(["a", "b"])[np.arange(20) % 2], np.array(["a", "b", "a"])
    images = np.zeros((20, 6, 6), np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=labels, class_names=names)
    with pytest.raises(DataError, match="class names must differ, got a, b, a"):
        load_dataset(tmp_path / "a.npz")


def test_a_label_that_a_comma_splits_is_refused_and_an_empty_cell_at_the_end_is_none(tmp_path):
    for i in range(8):
        picture(tmp_path / f"{i}.png", seed=i)
    table = tmp_path / "labels.csv"
    lines = [f"{i}.png,{'cat, black' if i % 2 else 'dog'}" for i in range(8)]
    table.write_text("\n".join(["file,label", *lines]))
    with pytest.raises(DataError, match=r"labels\.csv: line 3 has more cells than the first line"):
        load_dataset(tmp_path)
    table.write_text("\n".join(["file,label", *(line.replace(", black", ",") for line in lines)]))
    assert load_dataset(tmp_path).class_names == ("cat", "dog")


@pytest.mark.parametrize("mark", ["\u2028", "\x85"])
def test_a_line_of_json_ends_where_its_file_says_so(tmp_path, mark):
    lines = []
    for i in range(8):
        picture(tmp_path / f"{i}.png", seed=i)
        record = {"file_name": f"{i}.png", "label": "ab"[i % 2], "text": f"one{mark}two"}
        lines.append(json.dumps(record, ensure_ascii=False))
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert load_dataset(tmp_path).class_names == ("a", "b")


def test_a_table_of_something_else_may_have_rows_of_any_length(tmp_path):
    for i in range(8):
        picture(tmp_path / f"{i}.png", seed=i)
    rows = "\n".join(f"{i}.png,{'ab'[i % 2]}" for i in range(8))
    (tmp_path / "labels.csv").write_text(f"file,label\n{rows}\n")
    (tmp_path / "notes.csv").write_text("exported by hand\n1,2,3\n4,5\n")
    assert load_dataset(tmp_path).class_names == ("a", "b")


def test_labels_of_bytes_are_utf_8_or_refused(tmp_path):
    names = ("café", "cafè")
    for code in ("utf-8", "latin-1"):
        labels = np.array([names[i % 2].encode(code) for i in range(20)])
        np.savez(tmp_path / f"{code}.npz", images=small((20, 6, 7, 3)), labels=labels)
    assert load_dataset(tmp_path / "utf-8.npz").class_names == tuple(sorted(names))
    with pytest.raises(DataError, match="labels has labels that are no UTF-8; store them as text"):
        load_dataset(tmp_path / "latin-1.npz")


def white_is_zero(path):
    """Let a TIFF count from white: its entry 262 becomes 0."""
    raw = bytearray(path.read_bytes())
    (entries,) = struct.unpack_from("<I", raw, 4)
    for at in range(entries + 2, entries + 2 + 12 * raw[entries], 12):
        if struct.unpack_from("<H", raw, at)[0] == 262:
            struct.pack_into("<H", raw, at + 8, 0)
    path.write_bytes(raw)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_tiffs_that_count_from_white_are_no_negatives(tmp_path, kind):
    bright = np.arange(64).reshape(8, 8) * 4 + 3
    stored = 255 - bright
    high = {np.uint8: stored, np.uint16: (stored << 8) + 255, np.float32: stored / 255}[kind]
    Image.fromarray(high.astype(kind)).save(tmp_path / "a.tif")
    white_is_zero(tmp_path / "a.tif")
    found = read_picture(tmp_path / "a.tif", value_range=(0, 1) if kind is np.float32 else None)
    np.testing.assert_array_equal(found[0], bright)


@pytest.mark.parametrize("skip", [True, False])
def test_a_name_of_two_pictures_is_not_said_to_be_of_none(tmp_path, skip):
    for i in range(8):
        picture(tmp_path / f"{i}.png", seed=i)
    picture(tmp_path / "3.jpg", seed=9)
    rows = "\n".join(f"{i},{'ab'[i % 2]}" for i in range(8))
    (tmp_path / "labels.csv").write_text(f"file,label\n{rows}\n")
    with pytest.raises(DataError, match=r"labels\.csv: '3' names several pictures; write its end"):
        load_dataset(DataConfig(str(tmp_path), skip_damaged=skip))
