"""Which images go where: subsets, stratified splits, and the statistics of what is left."""

import numpy as np
import numpy.typing as npt

from pitfalls.errors import InputError

__all__ = ["channel_statistics", "draw_stratified", "draw_subset"]


def draw_subset(
    n: int, count: int | None, flag: str, stream: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Draw ``count`` of ``n`` indices, sorted."""
    if count is None or count == n:
        return np.arange(n)
    if count > n:
        raise InputError(f"subset_{flag} is {count:,} but there are only {n:,} images.")
    return np.sort(np.random.default_rng(stream).permutation(n)[:count])


def draw_stratified(
    labels: npt.NDArray[np.int64], count: int, n_classes: int, stream: tuple[int, int]
) -> npt.NDArray[np.int64]:
    """Draw up to ``count`` indices, each class its share, and leave one of each class."""
    rng = np.random.default_rng(stream)
    sizes = np.bincount(labels, minlength=n_classes)
    most = np.maximum(sizes - 1, 0)
    exact = count * sizes / len(labels)
    share = np.minimum(exact.astype(np.int64), most)
    while share.sum() < min(count, most.sum()):  # the largest remainder gets the next
        share[np.where(share < most, exact - share, -np.inf).argmax()] += 1
    chosen = [
        rng.permutation(np.flatnonzero(labels == label))[: share[label]]
        for label in range(n_classes)
    ]
    return np.sort(np.concatenate(chosen))


def channel_statistics(
    images: npt.NDArray[np.uint8],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel on the scale 0..1 (1 where it is constant)."""
    means, deviations = [], []
    for channel in range(images.shape[1]):
        counts = np.bincount(images[:, channel].ravel(), minlength=256)
        values = np.arange(256) / 255
        mean = float(counts @ values / counts.sum())
        means.append(mean)
        deviation = float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum()))
        deviations.append(deviation if deviation > 0 else 1.0)
    return tuple(means), tuple(deviations)
