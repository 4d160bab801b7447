"""Question 4: the layers' dimensions, the training transform by its distribution, the rates."""

from typing import Final

import numpy as np

from pitfalls.course.grading.calls import Call
from pitfalls.course.grading.channel import Image
from pitfalls.course.grading.properties import (
    Check,
    Desk,
    Part,
    Trial,
    Wrong,
    arrays,
    compare,
    shapes,
    shown,
)

__all__ = ["IMAGE_PARTS"]

FILE: Final = "cifar10.py"
MEAN: Final = np.array([0.4914, 0.4822, 0.4465])
STD: Final = np.array([0.24705882352941178, 0.24352941176470588, 0.2615686274509804])

DRAWS: Final = 300
"""Pictures drawn: a flip with probability ½ is then within 5 deviations of 150 ± 43."""


STAGES: Final = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (256, 2), (256, 1))
"""Channels and stride of each of the eight blocks."""


def _dimensions(height: int, width: int) -> dict[str, tuple[int, ...]]:
    """Follow a picture through the ResNet18, layer by layer."""
    found: dict[str, tuple[int, ...]] = {"the stem": (64, height, width)}
    for number, (channels, stride) in enumerate(STAGES, 1):
        height, width = -(-height // stride), -(-width // stride)
        found[f"block {number}"] = (channels, height, width)
    return {**found, "the pooled features": (512,), "the outputs": (10,)}


def _layers(desk: Desk) -> None:
    # no multiple of 8: a halving then meets an odd side, and which way it is rounded shows
    rng = desk.rng
    uneven = [
        tuple(int(n) for n in 8 * rng.integers(1, 5, 2) + rng.integers(1, 8, 2)) for _ in range(3)
    ]
    sizes = [(32, 32), (16, 24), *uneven]
    outcomes = desk.ask(*(Call("layer_shapes", size) for size in sizes))

    def verify(which: range) -> str:
        for i in which:
            due = _dimensions(*sizes[i])
            found = shapes(outcomes[i], "layer_shapes")
            at = "at a picture of {} x {}".format(*sizes[i])
            if len(found) != len(due):
                return (
                    f"{at}: {len(found)} shapes come where {len(due)} are due: of the stem, the blocks, "
                    "the pooled features and the outputs"
                )
            for got, (name, shape) in zip(found, due.items(), strict=True):
                if got != shape:
                    return f"{at}: after {name} it says {got} where {shape} is due"
        return ""

    desk.check(0, lambda: verify(range(1)))
    desk.check(1, lambda: verify(range(1, len(sizes))))


def _transform(desk: Desk) -> None:
    picture = np.empty((32, 32, 3), np.uint8)
    picture[..., 0] = 7 * np.arange(32)[:, None] + 1  # a pixel says where it comes from
    picture[..., 1] = 7 * np.arange(32) + 1
    picture[..., 2] = 255
    outcome = desk.ask(Call("transform_train", (Image(picture),), repeat=DRAWS))[0]
    names = range(len(desk.part.checks))
    try:
        drawn = arrays(outcome, (DRAWS, 3, 32, 32), "transform_train")
        if (drawn == drawn[0]).all():
            raise Wrong("every time the same picture comes out: nothing random is in it")
    except Wrong as wrong:
        for i in names:
            desk.judge(i, str(wrong))
        return
    raw = drawn * STD[:, None, None] + MEAN[:, None, None]
    scaled = bool((np.abs(raw[:, 2]) < 0.02).any() or np.isclose(raw[:, 2].max(), 1, atol=0.02))
    scaled = scaled and raw.min() > -0.02 and raw.max() < 1.02
    desk.judge(0, "")
    desk.judge(1, "" if scaled else f"values from {shown(drawn.min())} to {shown(drawn.max())}: "
               "ToTensor, then Normalize with the script's mean and deviation, is due last")  # fmt: skip
    places = [_place(image if scaled else plain) for image, plain in zip(raw, drawn, strict=True)]
    desk.check(2, lambda: _uniform(places))
    desk.check(3, lambda: _flips(places))


def _place(image: np.ndarray) -> tuple[int, int, bool] | None:
    """Read from where a picture was cut, and whether it is mirrored; None where it is no such cut."""
    inside = image[2] > 0.5 * image[2].max()
    if inside.sum() < 100:
        return None
    rows, columns = np.nonzero(inside)
    scale = 255 / image[2].max()
    row = (image[0][inside] * scale - 1) / 7 - rows
    column = (image[1][inside] * scale - 1) / 7
    flipped = bool(np.corrcoef(column, columns)[0, 1] < 0)
    column = column - (31 - columns if flipped else columns)
    if row.std() > 0.2 or column.std() > 0.2:
        return None
    return round(float(row.mean())), round(float(column.mean())), flipped


def _uniform(places: list[tuple[int, int, bool] | None]) -> str:
    found = [place for place in places if place is not None]
    if len(found) < len(places):
        return f"{len(places) - len(found)} of {len(places)} pictures are no crop of the padded picture"
    for axis, name in enumerate(("up or down", "left or right")):
        shifts = np.array([place[axis] for place in found])
        counts = np.bincount(np.clip(shifts, -16, 16) + 16, minlength=33)
        if not counts[np.arange(33) != 16].any():
            return f"no picture is shifted {name}: where is the random crop, and its padding of 4?"
        outside = int(np.abs(shifts).max())
        if outside > 4:
            return f"a picture is shifted {outside} pixels {name}: the padding is 4"
        expected = len(found) / 9
        excess = float(((counts[12:21] - expected) ** 2 / expected).sum())
        if excess > 60:  # 8 degrees of freedom: once in 10^9
            return f"shifts {name} from -4 to 4 come {counts[12:21].tolist()} times: not uniform"
    return ""


def _flips(places: list[tuple[int, int, bool] | None]) -> str:
    found = [place for place in places if place is not None]
    n = sum(place[2] for place in found)
    off = abs(n - len(found) / 2) / max(np.sqrt(len(found)) / 2, 1)
    if found and off < 5.5:
        return ""
    return f"{n} of {len(found)} pictures are mirrored, where about half is due"


# ------------------------------------------------------------------------------- 4e


def _moments(desk: Desk, n: int) -> list[tuple[float, int, int, int]]:
    """Draw previous rates and times of training."""
    rng = desk.rng
    return [
        (
            float(rng.uniform(0.001, 0.2)),
            int(rng.integers(1, 9)),
            int(rng.integers(1, 300)),
            int(rng.integers(300, 500)),
        )
        for _ in range(n)
    ]


def _at(moment: tuple[float, int, int, int]) -> str:
    return "previous rate {:.3g}, epoch {}, batch {} of {}".format(*moment)


def _constant(desk: Desk) -> None:
    moments = _moments(desk, 6)
    rates = [0.001] * 3 + [float(r) for r in desk.rng.uniform(0.01, 1, 3)]

    def trial(moment: tuple[float, int, int, int], rate: float, *, named: bool) -> Trial:
        call = Call("constant_rate", (*moment, rate) if named else moment)
        previous, epoch, batch, n = moment
        faults = {
            "returning the previous rate": previous,
            "a decay with the epoch": rate / (1 + epoch),
            "a decay with the batch": rate / (1 + batch),
            "a decay over the epoch": rate * (1 - batch / n),
            "the previous rate times the rate": previous * rate,
        }
        return Trial(call, rate, f"{_at(moment)}, rate {shown(rate)}", faults)

    plain = [trial(m, 0.001, named=False) for m in moments]
    given = [trial(m, r, named=True) for m, r in zip(moments, rates, strict=True)]
    desk.check(0, lambda: compare(desk, plain, 1e-9))
    desk.check(1, lambda: compare(desk, given, 1e-9))


def _annealed(desk: Desk) -> None:
    moments = _moments(desk, 6)

    def trial(moment: tuple[float, int, int, int], factor: float, *, named: bool) -> Trial:
        previous, epoch, batch, n = moment
        call = Call("annealed_rate", (*moment, factor) if named else moment)
        faults = {
            "returning the previous rate unchanged": previous,
            "a decay once an epoch": previous if batch else previous * factor,
            "the factor to the power of the epoch": previous * factor**epoch,
            "the factor to the power of the batch": previous * factor**batch,
            "dividing by the factor": previous / factor,
            "the starting rate 0.01 in place of the previous one": 0.01 * factor,
            "subtracting instead of multiplying": previous - factor,
            "a decay over the epoch": previous * (1 - batch / n),
        }
        return Trial(call, previous * factor, f"{_at(moment)}, factor {shown(factor)}", faults)

    plain = [trial(m, 0.99, named=False) for m in moments]
    factors = desk.rng.uniform(0.5, 0.95, len(moments))
    given = [trial(m, float(f), named=True) for m, f in zip(moments, factors, strict=True)]
    desk.check(0, lambda: compare(desk, plain, 1e-9))
    desk.check(1, lambda: compare(desk, given, 1e-9))


IMAGE_PARTS: Final = (
    Part(
        "4c", "The dimensions of each layer", FILE, ("layer_shapes",),
        (
            Check("of the stem, eight blocks, pooling and outputs, for 32 x 32", 2),
            Check("for pictures of other sizes", 1, hidden=True),
        ),
        _layers,
    ),
    Part(
        "4d", "Random crops and flips", FILE, ("transform_train",),
        (
            Check("pictures of size 32 come out", 1),
            Check("as tensors, normalised as the script says", 1),
            Check("cut at a place drawn uniformly, padding 4", 3),
            Check("mirrored half of the time", 2),
        ),
        _transform,
    ),
    Part(
        "4e-constant", "The constant rate", FILE, ("constant_rate",),
        (
            Check("0.001 whatever came before", 2),
            Check("another rate, where one is given", 1, hidden=True),
        ),
        _constant,
    ),
    Part(
        "4e-annealed", "The annealed rate", FILE, ("annealed_rate",),
        (
            Check("the previous rate times 0.99", 2),
            Check("another factor, where one is given", 1, hidden=True),
        ),
        _annealed,
    ),
)  # fmt: skip
