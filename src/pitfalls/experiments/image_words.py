"""Words that several experiments with images share."""

from collections.abc import Mapping

from pitfalls.experiments.image_confusion import Confusion
from pitfalls.experiments.image_shares import Share
from pitfalls.experiments.image_source import Pictures, called
from pitfalls.prose import Markup, counted, listed, percent, plain, say

__all__ = [
    "banner",
    "commonest_mistake",
    "extreme_classes",
    "get_beyond_guessing",
    "interval",
    "mistake_title",
    "spread_title",
    "told",
]

NAMED = 3
"""Classes, or kinds of mistakes, that are named where they tie; beyond, they are counted."""


def interval(share: Share, decimals: int = 1) -> str:
    """Write a share with its interval of 95 %.

    Examples
    --------
    >>> interval(Share(90, 100))
    '90.0 % (82.4–95.1)'
    """
    low, high = share.interval
    return f"{percent(share.value, decimals)} ({100 * low:.{decimals}f}–{100 * high:.{decimals}f})"


def told(pictures: Pictures) -> str:
    """Say in one line which pictures, how many and of how many classes.

    Examples
    --------
    >>> from pitfalls.experiments.image_source import PartSize
    >>> sizes = (PartSize("train", 1, 1), PartSize("test", 2000, 900))
    >>> told(Pictures("photos", "", ("cat", "dog"), (3, 8, 8), sizes))
    'photos: 1 training image, 2,000 test images, 2 classes'
    """
    sizes = [counted(size.n, f"{called(size.part)} image") for size in pictures.parts]
    return f"{pictures.name}: {', '.join(sizes)}, {counted(pictures.n_classes, 'class', 'classes')}"


def banner(shown: Mapping[str, Pictures]) -> Markup:
    """Say which pictures a report is about, and what they are not; needs the pictures of one experiment.

    Parameters
    ----------
    shown : mapping of str to Pictures
        By the experiment's name, first the one whose numbers of images stand for all of that name.
    """
    by_name: dict[str, list[str]] = {}
    for experiment, pictures in shown.items():
        by_name.setdefault(pictures.name, []).append(experiment)
    if len(by_name) > 1:
        parts = [f"{told(shown[names[0]])} ({', '.join(names)})" for names in by_name.values()]
        return say(
            "Not everything in question 4 is about the same pictures. {parts}. ",
            parts="; ".join(parts),
        )
    pictures = next(iter(shown.values()))
    said = say("Pictures: {told}. ", told=told(pictures))
    if pictures.name != "digits":
        return said
    return said + say(
        "These are scikit-learn's digits, 8 × 8 grey pixels, in place of CIFAR-10: what is said of "
        "question 4 is said of them. "
    )


def get_beyond_guessing(constant: float) -> Markup:
    """Say what a network does not do that `guesses`: the end of a sentence, after "does not"."""
    return say(
        "get beyond naming one class for every image ({share}), within three standard errors. ",
        share=percent(constant),
    )


def extreme_classes(confusion: Confusion, names: tuple[str, ...]) -> Markup:
    """Name the classes that are right most and least often; needs a difference beyond chance."""
    found = confusion.extremes
    if found is None or not found.differ:
        return ()
    return say(
        "Right most often: {best} ({most}); least often: {worst} ({least}); they differ by more than "
        "chance, all pairs of classes taken together (95 %). ",
        best=_named(found.best, names), most=percent(_value(confusion, found.best)),
        worst=_named(found.worst, names), least=percent(_value(confusion, found.worst)),
    )  # fmt: skip


def commonest_mistake(confusion: Confusion, names: tuple[str, ...]) -> Markup:
    """Name the kind of mistake that occurred most often; needs one that occurred twice."""
    found = confusion.commonest
    if not found or found[0].n < 2:
        return ()
    n = counted(found[0].n, "image")
    if len(found) > NAMED:
        return say(
            "The most frequent kinds of mistakes, {kinds} that tie, occurred on {n} each. ",
            kinds=len(found), n=n,
        )  # fmt: skip
    pairs = [
        say("{true} was taken for {predicted}", true=names[m.true], predicted=names[m.predicted])
        for m in found
    ]
    return say(
        "Most often {pairs} ({n}{each}). ",
        pairs=listed(pairs), n=n, each=" each" if len(found) > 1 else "",
    )  # fmt: skip


def mistake_title(confusion: Confusion, names: tuple[str, ...]) -> str:
    """Say in a figure's title which mistake is the most frequent."""
    found = confusion.commonest
    if not found:
        return "No mistakes"
    if found[0].n < 2:
        return "No kind of mistake occurred twice"
    if len(found) > 1:
        return f"{len(found)} kinds of mistakes tie, {counted(found[0].n, 'image')} each"
    (one,) = found
    return f"{counted(one.n, 'image')} of {names[one.true]} taken for {names[one.predicted]}"


def spread_title(confusion: Confusion, names: tuple[str, ...]) -> str:
    """Say in a figure's title how far the classes lie apart."""
    known = [share.value for share in confusion.classes if share is not None]
    found = confusion.extremes
    if found is None or min(known) == max(known):
        return f"Every class: {percent(max(known), 0)}"
    return (
        f"From {plain(_named(found.worst, names))}, {percent(min(known), 0)}, to "
        f"{plain(_named(found.best, names))}, {percent(max(known), 0)}"
    )


def _named(classes: tuple[int, ...], names: tuple[str, ...]) -> Markup:
    if len(classes) > NAMED:
        return say("{n} classes that tie", n=len(classes))
    return listed([names[i] for i in classes])


def _value(confusion: Confusion, classes: tuple[int, ...]) -> float:
    share = confusion.classes[classes[0]]
    assert share is not None
    return share.value
