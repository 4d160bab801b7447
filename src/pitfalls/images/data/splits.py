"""Which images go where: subsets, stratified splits, and the statistics of what is left."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pitfalls.errors import DataError, InputError
from pitfalls.images.data.config import DataConfig
from pitfalls.images.data.content import Content, LabelledImages
from pitfalls.images.data.reading import Reading

__all__ = ["Division", "channel_statistics", "divide", "draw_stratified", "draw_subset"]

TEST_FRACTION = 0.2  # of a source that comes without a test set
VALIDATION, TRAIN_SUBSET, TEST_SUBSET, TEST_SPLIT = range(4)  # one random stream each


@dataclass(frozen=True, eq=False)
class Division:
    """The three parts of a data set, and where each of their images stood in the source."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    train_indices: npt.NDArray[np.int64]
    validation_indices: npt.NDArray[np.int64]
    test_indices: npt.NDArray[np.int64]
    reading: Reading


def divide(content: Content, config: DataConfig) -> Division:
    """Split off a test set where the source has none, then draw subsets and validation set."""
    whole, test, seed = content.train, content.test, config.seed
    train_at, reading = np.arange(len(whole)), content.reading
    if test is None:
        train_at, test_at, words = _split_off_test(content, seed)
        test, reading = whole, replace(reading, split=(*reading.split, *words))
    else:
        test_at = np.arange(len(test))
    subset_train, subset_val = config.subset_train, config.subset_val
    train_at = train_at[draw_subset(len(train_at), subset_train, "train", (seed, TRAIN_SUBSET))]
    test_at = test_at[draw_subset(len(test_at), subset_val, "val", (seed, TEST_SUBSET))]
    held_out = content.validation or whole[:0]
    held_at = np.arange(len(held_out))
    if config.validation:
        if len(held_out):
            reading = reading.noting(
                f"{content.source} has a validation set of its own of {len(held_out):,} images; it "
                "is left aside, because another was asked for."
            )
        count = _validation_count(config.validation, len(train_at))
        labels = whole.labels[train_at]
        chosen = draw_stratified(labels, count, len(content.class_names), (seed, VALIDATION))
        if len(chosen) < count:
            raise DataError(
                f"load_dataset: a validation set of {count} does not fit a training set of "
                f"{len(train_at)} images; each class needs one image left to train on."
            )
        held_out, held_at = whole[train_at[chosen]], train_at[chosen]
        train_at = np.delete(train_at, chosen)
    train, tested = whole[train_at], test[test_at]
    reading = reading.noting(*_absent(content, train.labels, tested.labels))
    return Division(train, held_out, tested, train_at, held_at, test_at, reading)


def _split_off_test(
    content: Content, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], tuple[str, ...]]:
    """Set a fifth of each class aside; return the rest, the test set and what to say of it."""
    labels, names = content.train.labels, content.class_names
    count = max(round(TEST_FRACTION * len(labels)), 1)
    chosen = draw_stratified(labels, count, len(names), (seed, TEST_SPLIT))
    if len(np.unique(labels[chosen])) < min(2, count):
        raise DataError(
            f"{content.source} has no test set, and {len(labels)} images of {len(names)} classes "
            "are too few to split one off: of all classes but one there is a single image."
        )
    rest = np.delete(np.arange(len(labels)), chosen)
    return (
        rest,
        chosen,
        (
            f"{content.source} has no test set: {len(chosen):,} of its {len(labels):,} images were "
            f"set aside as one (seed {seed}).",
        ),
    )


def _absent(
    content: Content, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]
) -> list[str]:
    """Name the classes without an image to train on, or to test on."""
    notes = []
    for part, labels in (("training", train), ("test", test)):
        counts = np.bincount(labels, minlength=len(content.class_names))
        absent = [content.class_names[at] for at in np.flatnonzero(counts == 0)]
        if absent:
            listed = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if absent[5:] else "")
            notes.append(
                f"{content.source}: {len(absent):,} of {len(counts):,} classes have no image in "
                f"the {part} set: {listed}."
            )
    return notes


def _validation_count(share: float, n_train: int) -> int:
    return int(share) if share >= 1 else max(round(share * n_train), 1)


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
    """Draw up to ``count`` indices, each class its share, and leave one of each class.

    Where there are enough to draw, a class of two or more gives at least one.
    """
    rng = np.random.default_rng(stream)
    sizes = np.bincount(labels, minlength=n_classes)
    most = np.maximum(sizes - 1, 0)
    exact = count * sizes / len(labels)
    least = (sizes > 1) if count >= n_classes else np.zeros(n_classes, dtype=bool)
    share = np.minimum(np.maximum(exact.astype(np.int64), least), most)
    while share.sum() > count:  # the one that is most above its share gives back
        share[np.where(share > least, share - exact, -np.inf).argmax()] -= 1
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
        # told by the values: rounding of the mean leaves a constant channel a deviation of 1e-17
        deviations.append(deviation if np.count_nonzero(counts) > 1 else 1.0)
    return tuple(means), tuple(deviations)
