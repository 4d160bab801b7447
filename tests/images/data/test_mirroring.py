"""Whether a mirrored picture keeps its class: known, measured, or asked."""

import dataclasses

import numpy as np
import pytest

from pitfalls.errors import InputError
from pitfalls.images import ImageDataset, load_dataset
from pitfalls.images.data import judge_mirror, random_flips
from tests.images.data.makers import mnist


def made(images, labels, names=None):
    half = len(images) // 2
    return ImageDataset.from_arrays(
        images[half:], labels[half:], images[:half], labels[:half], names
    )


def pictures(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 120, (n, 3, 16, 16)).astype(np.uint8), rng.integers(0, 3, n)


def by_colour(n=4000):
    images, labels = pictures(n)
    images[np.arange(n), labels] += 30
    return images, labels


def by_side(n=4000):
    images, labels = pictures(n)
    labels = labels % 2
    images[labels == 0, :, :, :8] += 60
    images[labels == 1, :, :, 8:] += 60
    return images, labels


def all_to_the_left(n=4000):
    """Classes by colour, but every object stands on the left: a mirror shows what never occurs."""
    images, labels = pictures(n)
    for label in range(3):
        images[labels == label, label, :, :4] += 60
    return images, labels


def test_digits_are_not_mirrored_whatever_they_are_called():
    digits = load_dataset("digits")
    assert judge_mirror(digits).keeps is False
    assert random_flips(dataclasses.replace(digits, name="photographs")) is False
    assert judge_mirror(dataclasses.replace(digits, mirror=None)).keeps is None


def test_the_name_digits_does_not_forbid_mirrors():
    data = dataclasses.replace(made(*by_colour()), name="digits")
    assert random_flips(data) is True


@pytest.mark.parametrize(
    ("names", "keeps"),
    [
        (("A", "B", "C"), False),
        (("p", "q", "é"), False),
        (("turn_left", "turn-right", "straight"), False),
        (("Zero", "one", "two"), False),
        (("cat", "dog", "cow"), True),
        (("one", "cat", "dog"), True),
    ],
)
def test_names_of_classes_that_are_letters_sides_or_digits_decide(names, keeps):
    images, labels = by_colour()
    assert judge_mirror(made(images, labels, names)).keeps is keeps


def test_pictures_that_look_like_their_mirror_images_may_be_mirrored():
    mirror = judge_mirror(made(*by_colour()))
    assert mirror.keeps is True
    assert "held-out training images right and" in mirror.why


@pytest.mark.parametrize(
    "pictures_of",
    [by_side, all_to_the_left, pictures, lambda: by_colour(1000)],
    ids=["classes by side", "objects on one side", "nothing to learn", "too few"],
)
def test_where_nothing_says_it_the_user_is_asked_in_one_line(pictures_of):
    data = made(*pictures_of())
    assert judge_mirror(data).keeps is None
    with pytest.raises(InputError, match=r"Give --flip random .* --flip none") as raised:
        random_flips(data)
    assert "\n" not in str(raised.value)


def test_one_pair_of_mirrored_classes_among_many_is_noticed():
    images, labels = by_colour(8000)
    labels = labels + 3 * np.random.default_rng(1).integers(0, 2, len(labels))  # six classes
    images = np.clip(images + 20 * (labels > 2)[:, None, None, None], 0, 255).astype(np.uint8)
    of_first = labels == 0
    images[of_first, :, :, :8] += 60
    images[labels == 3, :, :, 8:] += 60  # class 3 is the mirror of class 0
    assert judge_mirror(made(images, labels)).keeps is None


def test_the_test_set_is_not_looked_at():
    data = made(*by_colour())
    other = dataclasses.replace(data, test_images=255 - data.test_images)
    assert judge_mirror(other) == judge_mirror(data)


def test_official_mnist_is_known_by_its_checksum_and_emnist_by_its_form(tmp_path, monkeypatch):
    import hashlib

    from pitfalls.images.data import idx

    mnist(tmp_path / "m")
    raw = (tmp_path / "m/train-images-idx3-ubyte.gz").read_bytes()
    assert load_dataset(tmp_path / "m").mirror is None
    for name, keeps in (("MNIST", False), ("Fashion-MNIST", True)):
        monkeypatch.setattr(idx, "KNOWN", {hashlib.md5(raw).hexdigest(): name})
        data = load_dataset(tmp_path / "m")
        assert (data.name, data.mirror) == (name, keeps)
    assert data.class_names[1] == "trouser"
    mnist(tmp_path / "e", "emnist-letters-", labels=range(1, 27), n=(52, 26))
    assert load_dataset(tmp_path / "e").mirror is False
