"""What the report says of the schemes: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_compare.records import CompareResult
from pitfalls.experiments.image_compared import basis_of, share_words, span, starts_words
from pitfalls.experiments.image_curves import loss_label, mean_of
from pitfalls.experiments.image_source import called
from pitfalls.experiments.image_words import get_beyond_guessing
from pitfalls.named import is_named
from pitfalls.plots import CYCLE
from pitfalls.prose import (
    Basis,
    Block,
    Chart,
    Markup,
    Paragraph,
    Part,
    Picture,
    Span,
    counted,
    listed,
    number,
    percent,
    say,
    series,
    table,
)

__all__ = [
    "account",
    "annealing",
    "augmentation",
    "basis",
    "charts",
    "guessing",
    "lost",
    "ranking",
    "rising",
    "same_start",
]


def account(result: CompareResult) -> tuple[Block, ...]:
    """Return how images were augmented, the table, what it shows, and the curves."""
    curves = (Picture("schemes"),)
    return (
        Part("augmentation", (Paragraph(augmentation(result)),)),
        table(
            ("Scheme", "n", "Training accuracy", f"{called(result.part).capitalize()} accuracy",
             "Training loss", "Epochs", "Steps", "First rate", "Highest", "Last"),
            _rows(result),
            say(
                "{network} on {data}, {n} of {size} pixels, {precision}. Training values are "
                "means over the last epoch while the weights changed. {spread}{validation}",
                network=result.network.title, data=result.pictures.name,
                size=result.pictures.size,
                n=counted(result.pictures.n("train"), "training image"),
                precision=_precision(result), spread=_spread_words(result),
                validation=_part_words(result),
            ),
        ),
        Paragraph(same_start(result) + ranking(result) + guessing(result) + lost(result)),
        Paragraph(annealing(result) + rising(result)),
        Chart("training-curves", "Training curves of the schemes, to zoom into", curves),
    )  # fmt: skip


def augmentation(result: CompareResult) -> Markup:
    """Say what was done to the training images, and what was not."""
    border, flip = result.training.crop_padding or 0, result.training.flip
    crop = (
        say("cropped at random after a border of {n} was added", n=counted(border, "pixel"))
        if border
        else say("not cropped")
    )
    mirrored = {
        "random": say("mirrored at random, half of them each time"),
        "alternating": say("mirrored at random once and then in every other epoch"),
    }.get(flip, say("not mirrored"))
    why = say(": {why}", why=result.mirror) if result.mirror else say("")
    joint = "but" if border and flip == "none" else "and"
    own = [_code(name) for name in result.training.transforms if is_named(name)]
    return say(
        "In the runs below the training images are {crop} {joint} {mirrored}{why}{own}. ",
        crop=crop, joint=joint, mirrored=mirrored, why=why,
        own=say("; they pass through {names} as well", names=listed(own)) if own else say(""),
    )  # fmt: skip


def same_start(result: CompareResult) -> Markup:
    """Say what the schemes share; needs two of them."""
    if len(result.rows) < 2:
        return ()
    return say(
        "With the same seed all schemes start from the same weights and see the same images in the "
        "same order: the scheme alone differs. "
    )


def ranking(result: CompareResult) -> Markup:
    """Name the best scheme, or those that it is not told apart from; needs two schemes."""
    if len(result.rows) < 2:
        return ()
    best, tied = result.best, result.tied
    images = counted(result.n_held_out, f"{called(result.part)} image")
    chance = say(
        "than chance explains on {images} (95 %){starts}",
        images=images, starts=starts_words(result),
    )  # fmt: skip
    if tied:
        return say(
            "The {best} scheme has the highest accuracy, {share}, but {tied} {verb} no further "
            "away {chance}: this comparison does not decide between them. ",
            best=_code(best.scheme), share=percent(best.held_out),
            tied=listed([_code(row.scheme) for row in tied]),
            verb="lies" if len(tied) == 1 else "lie", chance=chance,
        )  # fmt: skip
    second = max((row for row in result.rows if row is not best), key=lambda row: row.held_out)
    return say(
        "The {best} scheme ends first with {share}, before {second} with {next}: further away "
        "{chance}. ",
        best=_code(best.scheme), share=percent(best.held_out), second=_code(second.scheme),
        next=percent(second.held_out), chance=chance,
    )  # fmt: skip


def guessing(result: CompareResult) -> Markup:
    """Name the schemes whose network is not told to do better than an answer that ignores the image."""
    rows = result.guessing
    if not rows:
        return ()
    return say(
        "With the {names} {scheme} the network does not {beyond}",
        names=listed([_code(row.scheme) for row in rows]),
        scheme="scheme" if len(rows) == 1 else "schemes",
        beyond=get_beyond_guessing(result.constant),
    )  # fmt: skip


def lost(result: CompareResult) -> Markup:
    """Name the trainings that left the finite numbers."""
    names = [scheme for scheme in result.schemes if result.n_diverged(scheme)]
    if not names:
        return ()
    told = [
        say(
            "{n} of {asked} with the {scheme} scheme",
            n=result.n_diverged(scheme), asked=counted(len(result.seeds), "training"),
            scheme=_code(scheme),
        )
        for scheme in names
    ]  # fmt: skip
    return say("Diverged: {told}. ", told=listed(told))


def annealing(result: CompareResult) -> Markup:
    """Say what the annealed scheme does to its rate; needs it, and two steps."""
    for row in result.rows:
        if row.factor is not None:
            return say(
                "The {name} scheme multiplies its rate by {factor} at every step: the last of "
                "{steps} has {share} of the first one's. ",
                name=_code(row.scheme), factor=number(row.factor), steps=counted(row.n_steps, "step"),
                share=number(row.last_rate / row.first_rate, 2),
            )  # fmt: skip
    return ()


def rising(result: CompareResult) -> Markup:
    """Name the schemes whose rate still rises at the run's last step, having never fallen."""
    rows = [row for row in result.rows if row.only_rises and row.factor is None]
    if not rows:
        return ()
    return say(
        "Within {epochs} the rate of {names} only rises. ",
        epochs=counted(rows[0].n_epochs, "epoch"), names=listed([_code(row.scheme) for row in rows]),
    )  # fmt: skip


def basis(result: CompareResult) -> Basis:
    """Say how many starts a scheme has."""
    return basis_of(result, "scheme")


def charts(result: CompareResult) -> Mapping[str, Any]:
    """Return loss, accuracy and rate of every training by step, to zoom into."""
    several = len(result.seeds) > 1
    trainings = [
        (f"{training.scheme}, seed {training.seed}" if several else training.scheme, training)
        for training in result.trainings
    ]
    what = mean_of(result.trainings[0].n_steps)
    # as in the static figure a colour is a scheme
    colours = {row.scheme: CYCLE[at % len(CYCLE)] for at, row in enumerate(result.rows)}
    panels = [
        {
            "title": title,
            "x": "steps",
            "y": label,
            "log": name == "rate",
            "series": [
                series(told, t.steps, getattr(t, name), colour=colours[t.scheme])
                for told, t in trainings
            ],
        }
        for title, label, name in (
            ("loss", f"{loss_label(result.training, '(nats)')}, {what}", "smooth_loss"),
            ("accuracy", f"accuracy, {what}", "smooth_accuracy"),
            ("learning rate", "learning rate", "rate"),
        )
    ]
    label = "Training loss, accuracy and learning rate by step"
    return {"training-curves": {"label": label, "panels": panels}}


def _rows(result: CompareResult) -> list[tuple[Any, ...]]:
    rows = {row.scheme: row for row in result.rows}
    shown: list[tuple[Any, ...]] = []
    for scheme in result.schemes:
        row = rows.get(scheme)
        if row is None:
            shown.append((_code(scheme), "diverged", *(None,) * 8))
            continue
        shown.append(
            (
                _code(scheme),
                row.n if row.n == row.n_asked else f"{row.n} of {row.n_asked}",
                percent(row.train), share_words(row), number(row.train_loss),
                span(t.n_epochs for t in result.of(scheme)), span(t.n_steps for t in result.of(scheme)),
                number(row.first_rate, 2), number(row.highest_rate, 2), number(row.last_rate, 2),
            )
        )  # fmt: skip
    return shown


def _spread_words(result: CompareResult) -> Markup:
    one = say(
        "After ± the standard error of counting; one start says nothing of the spread over starts. "
    )
    several = say("Means over the starts, in brackets the smallest and the largest. ")
    return (one if any(row.n == 1 for row in result.rows) else ()) + (
        several if any(row.n > 1 for row in result.rows) else ()
    )


def _part_words(result: CompareResult) -> Markup:
    n = counted(result.n_held_out, f"{called(result.part)} image")
    if result.part == "validation":
        return say("The {n} were held out of the training set.", n=n)
    return say("The {n} are what the homework calls its validation set.", n=n)


def _precision(result: CompareResult) -> str:
    if result.training.precision == "bfloat16":
        return "products in bfloat16, weights and sums in float32"
    return "in float32"


def _code(name: str) -> Markup:
    return (Span("code", name),)  # no template: a name comes from a run
