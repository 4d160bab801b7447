"""Test images that are in the training set too: the same pixels, or nearly the same picture.

Exact copies are found by a digest of the pixels. A near-duplicate is a picture of the same scene
after other processing: other colours or contrast, a shift of a few pixels, a mirror. Its brightness
is compared in a band of detail (what stays of 3×3 means after 9×9 means are taken away), which no
change of colour or light touches much: two pictures are near-duplicates if the bands of their middles
correlate by at least 0.9 at some shift of at most two pixels (of 32). Pairs worth that look are found
by the correlation of a coarse band of 8×8 values, from which a shift of more than a pixel may hide: the
count is a lower bound.

A test image with more than 20 such neighbours is alike by nature (a handwritten 1) and not counted.
On CIFAR-10 the pairs found were looked at: see ``benchmarks/results/images-duplicates.json``.

References
----------
Barz, Denzler. Do we train on test data? Purging CIFAR of near-duplicates. J. Imaging 6(6), 2020.
"""

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

from pitfalls.images.data.reading import Duplicates

__all__ = ["count_duplicates"]

SIDE = 32  # pixels that pictures are compared at
COARSE = 8
SMALLEST = 24  # pixels: smaller pictures have no detail to tell one scene from another
LOOK = 0.8  # correlation of the coarse bands that makes a pair worth a look
# Correlation of the fine bands of near-duplicates. On CIFAR-10 0.85 finds two fifths more, of which
# one in six are ships or aeroplanes before an even sky and no duplicates.
ALIKE = 0.9
SHIFT = 2
WORTH = 0.2  # correlation without a shift, below which none brings two pictures to ALIKE
MOST_NEIGHBOURS = 20
MOST_PAIRS = 2_000_000_000  # comparisons that are made without being asked: CIFAR-10 takes 1e9
BLOCK = 512  # test images that are compared together

Floats = npt.NDArray[np.float32]


def count_duplicates(
    train: npt.NDArray[np.uint8], test: npt.NDArray[np.uint8], *, near: bool = True
) -> Duplicates:
    """Count the test images that are in the training set too.

    Parameters
    ----------
    train, test : ndarray of shape (n, C, H, W), uint8
    near : bool, default=True
        Look for near-duplicates too, where the pictures are of at least 24 pixels a side and in
        colour, and the sets small enough: two seconds for CIFAR-10 on two cores.

    Returns
    -------
    Duplicates

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train = rng.integers(0, 256, (50, 3, 32, 32)).astype(np.uint8)
    >>> test = np.concatenate([train[7:8], train[9:10, :, :, ::-1] // 2, 255 - train[:1] // 3])
    >>> found = count_duplicates(train, test)
    >>> found.exact, found.near, found.pairs
    (1, 1, ((0, 7), (1, 9)))
    """
    place = {digest: at for at, digest in enumerate(_digests(train))}
    exact = {at: place[digest] for at, digest in enumerate(_digests(test)) if digest in place}
    pairs = list(exact.items())
    n_near: int | None = None
    _, channels, height, width = train.shape
    coloured = channels == 3 and not np.array_equal(train[:, 0], train[:, 1])
    fits = coloured and min(height, width) >= SMALLEST
    if near and fits and 2 * len(train) * len(test) <= MOST_PAIRS:
        rest = np.setdiff1d(np.arange(len(test)), list(exact))
        found = _near(_brightness(train), _brightness(test[rest]))
        pairs += [(int(rest[at]), other) for at, other in found]
        n_near = len(found)
    return Duplicates(len(exact), n_near, len(test), tuple(pairs))


def _digests(images: npt.NDArray[np.uint8]) -> Iterator[bytes]:
    for image in images:
        yield hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()


def _brightness(images: npt.NDArray[np.uint8]) -> Floats:
    """Return the mean over the channels, of shape (n, 32, 32)."""
    grey = np.empty((len(images), SIDE, SIDE), dtype=np.float32)
    same = images.shape[2:] == (SIDE, SIDE)
    for at in range(0, len(images), BLOCK):
        mean = images[at : at + BLOCK].sum(axis=1, dtype=np.float32)
        mean /= images.shape[1]
        if same:
            grey[at : at + BLOCK] = mean
            continue
        for i, picture in enumerate(mean):
            shrunk = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BOX)
            grey[at + i] = np.asarray(shrunk)
    return grey


def _near(train: Floats, test: Floats) -> list[tuple[int, int]]:
    """Return (test, train) of the best partner of each test image that has a near-duplicate."""
    coarse = _coarse(train)
    best: dict[int, tuple[float, int]] = {}
    neighbours = np.zeros(len(test), dtype=np.int64)
    for mirrored in (False, True):
        seen = np.ascontiguousarray(test[..., ::-1]) if mirrored else test
        for start in range(0, len(test), BLOCK):
            block = seen[start : start + BLOCK]
            alike = _coarse(block) @ coarse.T
            some = np.flatnonzero(alike.max(axis=1) >= LOOK)
            rows, columns = np.nonzero(alike[some] >= LOOK)
            rows = some[rows]
            found = _fine(block, train, rows, columns)
            for row, column, value in zip(rows, columns, found, strict=True):
                if value < ALIKE:
                    continue
                neighbours[start + row] += 1
                if value > best.get(start + int(row), (0.0, 0))[0]:
                    best[start + int(row)] = (float(value), int(column))
    return [(at, best[at][1]) for at in sorted(best) if neighbours[at] <= MOST_NEIGHBOURS]


def _coarse(grey: Floats) -> Floats:
    """Return the band of 8×8 means less their surroundings, as unit vectors of shape (n, 64)."""
    step = SIDE // COARSE
    means = grey.reshape(len(grey), COARSE, step, COARSE, step).mean(axis=(2, 4))
    return _unit((means - _box(means, 2)).reshape(len(grey), -1))


def _box(grey: Floats, reach: int) -> Floats:
    """Return the mean over a square of side 2·reach + 1, the edges repeated outwards."""
    for axis in (1, 2):
        pad = [(0, 0)] * 3
        pad[axis] = (reach + 1, reach)
        total = np.cumsum(np.pad(grey, pad, mode="edge"), axis=axis, dtype=np.float32)
        n = grey.shape[axis]
        side = 2 * reach + 1
        upper = np.take(total, range(side, side + n), axis=axis)
        grey = (upper - np.take(total, range(n), axis=axis)) / np.float32(side)
    return grey


def _unit(rows: Floats) -> Floats:
    rows = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    # a picture without detail is like no other
    return np.where(norm > 1e-3, rows / np.maximum(norm, 1e-3), 0).astype(np.float32)


def _fine(
    test: Floats, train: Floats, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]
) -> Floats:
    """Return the best correlation of the bands of each pair over all shifts."""
    best = np.zeros(len(rows), dtype=np.float32)
    size = SIDE - 2 * SHIFT
    middle = slice(SHIFT, SHIFT + size)
    for start in range(0, len(rows), BLOCK):
        at = np.arange(start, min(start + BLOCK, len(rows)))
        a = _unit(_band(test[rows[at]])[:, middle, middle].reshape(len(at), size * size))
        b = _band(train[columns[at]])
        unmoved = np.einsum(
            "ij,ij->i", a, _unit(b[:, middle, middle].reshape(len(at), size * size))
        )
        worth = unmoved >= WORTH
        at, a, b = at[worth], a[worth], b[worth]
        for dy in range(2 * SHIFT + 1):
            for dx in range(2 * SHIFT + 1):
                window = b[:, dy : dy + size, dx : dx + size].reshape(len(at), size * size)
                best[at] = np.maximum(best[at], np.einsum("ij,ij->i", a, _unit(window)))
    return best


def _band(grey: Floats) -> Floats:
    return _box(grey, 1) - _box(grey, 4)
