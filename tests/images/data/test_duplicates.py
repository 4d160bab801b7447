"""Test images that are in the training set too, exactly or nearly."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter

from pitfalls.images import ImageDataset, load_dataset
from pitfalls.images.data import Duplicates, Reading, duplicates
from pitfalls.images.data.duplicates import count_duplicates


def scenes(n, seed, size=32):
    """Random pictures in colour with as much in every band of detail, as photographs have."""
    rng = np.random.default_rng(seed)
    total = np.zeros((n, 3, size, size))
    for width in (1, 2, 4, 8):
        for channels in (3, 1):
            noise = rng.standard_normal((n, channels, size, size))
            noise = gaussian_filter(noise, (0, 0, width, width))
            total += noise / noise.std() * (0.5 if channels == 3 else 1)
    return (128 + 35 * total).clip(0, 255).astype(np.uint8)


def as_jpeg(image):
    stream = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).save(stream, "JPEG", quality=60)
    return np.asarray(Image.open(stream)).transpose(2, 0, 1)


def resized(image):
    picture = Image.fromarray(image.transpose(1, 2, 0)).resize((24, 24), Image.Resampling.BILINEAR)
    return np.asarray(picture.resize((32, 32), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


CHANGES = {
    "mirrored": lambda im: im[..., ::-1],
    "darker": lambda im: im // 2,
    "more contrast": lambda im: (1.4 * (im.astype(float) - 128) + 128).clip(0, 255),
    "other colours": lambda im: im[[2, 0, 1]],
    "grey": lambda im: np.repeat(im.mean(axis=0, keepdims=True), 3, axis=0),
    "shifted": lambda im: np.pad(im, ((0, 0), (1, 1), (1, 1)), "edge")[:, :32, 2:],
    "compressed": as_jpeg,
    "shrunk and enlarged": resized,
    "a corner covered": lambda im: np.where(np.add.outer(np.arange(32), np.arange(32)) < 6, 0, im),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_a_near_duplicate_and_its_partner_is_named(change):
    train, test = scenes(60, 0), scenes(40, 1)
    for at in range(10):
        test[at] = CHANGES[change](train[5 * at])
    found = count_duplicates(train, test)
    assert (found.exact, found.near) == (0, 10)
    assert found.pairs == tuple((at, 5 * at) for at in range(10))


def test_other_scenes_are_no_duplicates():
    assert count_duplicates(scenes(400, 0), scenes(200, 1)) == Duplicates(0, 0, 200)


def test_exact_copies_are_found_at_any_size_and_colour():
    for shape in ((50, 1, 8, 8), (50, 3, 4, 4), (50, 3, 40, 20)):
        train = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        test = np.concatenate([train[[7, 3]], 255 - train[:3]])
        found = count_duplicates(train, test)
        assert found.exact == 2
        assert found.pairs[:2] == ((0, 7), (1, 3))


def test_larger_pictures_are_compared_too():
    train, test = scenes(20, 0, 64), scenes(10, 1, 64)
    test[3] = train[4][..., ::-1] // 2
    assert count_duplicates(train, test).pairs == ((3, 4),)


def test_near_duplicates_are_not_looked_for_where_the_method_does_not_hold(monkeypatch):
    small, grey = scenes(20, 0)[..., ::2, ::2], np.repeat(scenes(20, 0)[:, :1], 3, axis=1)
    for images in (small, grey, grey[:, :1]):
        assert count_duplicates(images, 255 - images).near is None
    monkeypatch.setattr(duplicates, "MOST_PAIRS", 100)
    assert count_duplicates(scenes(20, 0), scenes(20, 1)).near is None


def test_pictures_that_are_alike_by_nature_are_not_counted():
    rng = np.random.default_rng(0)
    one = scenes(1, 0)[0]
    alike = (one + rng.integers(-3, 4, (40, 3, 32, 32))).clip(0, 255).astype(np.uint8)
    assert count_duplicates(alike[:30], alike[30:]).near == 0
    assert count_duplicates(alike[:10], alike[30:]).near == 10


def test_pictures_without_detail_are_like_no_other():
    flat = np.full((5, 3, 32, 32), 100, np.uint8)
    flat[:, 0] = 90
    assert count_duplicates(flat, flat + 1) == Duplicates(0, 0, 5)


def test_bands_and_correlations_equal_a_plain_restatement_in_float64():
    grey = scenes(3, 0)[:, 0].astype(np.float32)
    wide = grey.astype(np.float64)
    for reach in (1, 2, 4):
        due = np.stack([uniform_filter(g, 2 * reach + 1, mode="nearest") for g in wide])
        np.testing.assert_allclose(duplicates._box(grey, reach), due, atol=2e-3)
    larger = scenes(1, 1, 36)[0, 0].astype(np.float32)
    first, second = larger[2:34, 2:34], larger[3:35, 0:32]
    bands = [uniform_filter(g.astype(float), 3, mode="nearest")
             - uniform_filter(g.astype(float), 9, mode="nearest") for g in (first, second)]  # fmt: skip
    middle = bands[0][2:30, 2:30].ravel()
    best = max(
        np.corrcoef(middle, bands[1][dy : dy + 28, dx : dx + 28].ravel())[0, 1]
        for dy in range(5)
        for dx in range(5)
    )
    found = duplicates._fine(first[None], second[None], np.array([0]), np.array([0]))
    assert best > 0.95
    np.testing.assert_allclose(found, best, atol=1e-4)
    means = wide.reshape(3, 8, 4, 8, 4).mean(axis=(2, 4))
    rows = (means - np.stack([uniform_filter(m, 5, mode="nearest") for m in means])).reshape(3, -1)
    rows -= rows.mean(axis=1, keepdims=True)
    due = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(duplicates._coarse(grey), due, atol=1e-4)


def test_results_do_not_depend_on_the_size_of_the_blocks(monkeypatch):
    train, test = scenes(60, 0), scenes(40, 1)
    test[:10] = train[:10, :, :, ::-1]
    whole = count_duplicates(train, test)
    monkeypatch.setattr(duplicates, "BLOCK", 7)
    assert count_duplicates(train, test) == whole


def test_they_are_said_in_a_warning(tmp_path):
    train, test = scenes(20, 0), scenes(10, 1)
    test[0], test[1] = train[0], train[1][..., ::-1]
    labels = np.arange(20) % 2
    np.savez(tmp_path / "a.npz", x_train=train, y_train=labels, x_test=test, y_test=labels[:10])
    data = load_dataset(tmp_path / "a.npz")
    assert data.warnings == (
        "At least 2 of 10 test images are in the training set too (1 exact copies, 1 near-duplicates).",
    )
    assert data.reading.duplicates == Duplicates(1, 1, 10, ((0, 0), (1, 1)))
    assert Duplicates(0, None, 10).words == ""
    arrays = ImageDataset.from_arrays(train, labels, test, labels[:10])
    assert arrays.reading == Reading("arrays")
