"""What is said of one training: each sentence with the condition under which it stands."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.image_curves import Training, loss_label, mean_of
from pitfalls.experiments.image_train.records import TrainRunResult
from pitfalls.experiments.image_words import get_beyond_guessing
from pitfalls.prose import (
    Basis,
    Block,
    Chart,
    Markup,
    Paragraph,
    Picture,
    Span,
    counted,
    number,
    percent,
    say,
    series,
)

__all__ = [
    "account",
    "basis",
    "beside",
    "charts",
    "continued",
    "fit",
    "headline",
    "judged",
    "kept",
    "reached",
    "schedule",
    "short",
]

SHORT = 3
"""Epochs of all of CIFAR-10 from which a training is not called short."""

PROMISED = 0.9
"""What the homework says that several epochs on all of CIFAR-10 pass."""


def account(result: TrainRunResult) -> tuple[Block, ...]:
    """Return how it was trained, what it reached, and its course."""
    return (
        Paragraph(
            continued(result)
            + schedule(result)
            + reached(result)
            + kept(result)
            + short(result)
            + judged(result)
            + fit(result)
            + beside(result)
        ),
        Chart(
            "training-curve", "Curves of this training, to zoom into", (Picture("training-curve"),)
        ),
    )


def headline(result: TrainRunResult) -> Markup:
    """Say in a sentence what the training reached, and on how much."""
    cycle = result.cycle
    more = () if cycle is None else say("; by one cycle {test}", test=percent(cycle.test_accuracy))
    reached = say(
        "{network} gets {share} of {n} right after {epochs} of {images}, {size} pixels",
        network=result.network.title, share=percent(result.trained.test_accuracy),
        n=counted(result.pictures.n("test"), "test image"),
        epochs=_tested_after(result.trained),
        images=counted(result.pictures.n("train"), "training image"),
        size=result.pictures.size,
    )  # fmt: skip
    return reached + more + say(". ")


def continued(result: TrainRunResult) -> Markup:
    """Say how the best scheme of 4e is trained on with; needs a training by it."""
    scheme, n = result.trained.scheme, result.trained.n_epochs
    if not result.from_best or n < 2:
        return ()
    share = percent(_first_share(result), 0) if scheme == "annealed" else ""
    how = {
        "constant": say("The rate is the same, so the first epoch is that of 4e again, but for the "
                        "weight decay. "),
        "annealed": say(
            "At the factor $q$ of one epoch all rates together come to $r q slash (1 - q)$, however many "
            "steps follow, and {share} of that belongs to the first epoch. So the factor is its {root} "
            "root, and the rate falls over {epochs} as far as in one. ",
            share=share, root={2: "square", 3: "cube"}.get(n, f"{n}th"), epochs=counted(n, "epoch"),
        ),
        "special": say("It is stretched over {epochs}, so it begins anew. ",
                       epochs=counted(n, "epoch")),
    }.get(scheme, ())  # fmt: skip
    return (
        say(
            "{scheme} had the highest accuracy in 4e and is trained on with. ",
            scheme=(Span("code", scheme),),
        )
        + how
    )


def short(result: TrainRunResult) -> Markup:
    """Say that the training is short; needs CIFAR-10 and less than three epochs of all its images."""
    seen = result.trained.n_epochs * result.pictures.n("train")
    if result.pictures.name != "CIFAR-10" or seen >= SHORT * 50_000:
        return ()
    return say(
        "This is a short training: {seen} images seen, {share} of one epoch of all of CIFAR-10, at "
        "{side} pixels a side. Its curve says how learning begins, not where it ends. ",
        seen=seen, share=percent(seen / 50_000, 0), side=result.pictures.shape[1],
    )  # fmt: skip


def schedule(result: TrainRunResult) -> Markup:
    """Compare one cycle with the special scheme of as many epochs; needs one cycle, and two steps."""
    trained = result.trained
    if trained.scheme != "one_cycle" or trained.n_steps < 2:
        return ()
    return say(
        "The network starts anew, and the one-cycle scheme takes the rate up to {peak} and down to "
        "{last} at the last step; in as many steps the special scheme would end at {share} of its "
        "peak. ",
        peak=number(float(trained.rate.max()), 2), last=number(float(trained.rate[-1]), 2),
        share=percent(result.special_end, 0),
    )  # fmt: skip


def reached(result: TrainRunResult) -> Markup:
    """State the training and the test accuracy, with what was trained and how."""
    trained, pictures = result.trained, result.pictures
    decay = result.training.weight_decay
    return say(
        "{network} after {epochs} of the {scheme} scheme "
        "({steps} on {images} of {data}, {precision}{decay}): {train} of the training images of "
        "its last epoch, augmented as they were and while it learned, and {test} ± {error} (the standard "
        "error of counting) of {n}. ",
        network=result.network.title, epochs=counted(trained.n_epochs, "epoch"),
        scheme=(Span("code", trained.scheme),), steps=counted(trained.n_steps, "step"),
        images=counted(pictures.n("train"), "image"),
        data=pictures.name, precision="mixed precision" if _mixed(result) else "float32",
        decay=say(", weight decay {rate}", rate=number(decay, 2)) if decay else say(""),
        train=percent(trained.train_accuracy), test=percent(trained.test_accuracy),
        error=percent(result.error), n=counted(pictures.n("test"), "test image"),
    )  # fmt: skip


def kept(result: TrainRunResult) -> Markup:
    """Say which epoch's weights were tested; needs that the best were kept, and several epochs."""
    trained = result.trained
    if trained.kept_epoch is None or trained.n_epochs < 2:
        return ()
    return say(
        "The weights kept and tested are those of epoch {epoch} of {n}, which had the lowest loss on "
        "{images}; the test images had no part in that. ",
        epoch=trained.kept_epoch + 1, n=trained.n_epochs,
        images=counted(result.pictures.n("validation"), "validation image"),
    )  # fmt: skip


def judged(result: TrainRunResult) -> Markup:
    """Hold the test accuracy against guessing and, on all of CIFAR-10, against the promise."""
    if result.is_guessing:
        return say("That does not {beyond}", beyond=get_beyond_guessing(result.constant))
    return _promise(result, result.trained)


def beside(result: TrainRunResult) -> Markup:
    """Hold one cycle against the best scheme of 4e; needs that it was trained."""
    cycle, lead = result.cycle, result.cycle_lead
    if cycle is None:
        return ()
    epochs = counted(cycle.n_epochs, "epoch")
    said = say(
        "Beside it one cycle, from the same start and in as many steps, takes the rate up to {peak} and "
        "down to {last}: {test} ± {error} of the test images. ",
        peak=number(float(cycle.rate.max()), 2), last=number(float(cycle.rate[-1]), 2),
        test=percent(cycle.test_accuracy), error=percent(result.error_of(cycle)),
    )  # fmt: skip
    said += _promise(result, cycle)  # before the lead: "that" is the cycle's share
    if lead is None:
        said += say("Chance explains the difference (95 %). ")
    elif lead > 0:
        said += say(
            "So what is best in one epoch is not best in {epochs}: {lead} points, more than chance "
            "explains (95 %). ",
            epochs=epochs, lead=number(100 * lead, 2),
        )  # fmt: skip
    else:
        said += say(
            "What is best in one epoch is ahead of it in {epochs} too, by {lead} points, more than chance "
            "explains (95 %). ",
            epochs=epochs, lead=number(-100 * lead, 2),
        )  # fmt: skip
    return said


def _promise(result: TrainRunResult, training: Training) -> Markup:
    """Hold a test accuracy against the homework's promise; needs all of CIFAR-10."""
    accuracy, error = training.test_accuracy, result.error_of(training)
    pictures = result.pictures
    if not pictures.is_whole_cifar10:
        return ()
    if accuracy - 2 * error > PROMISED:
        return say("That is over 90 %, as the homework promises. ")
    if accuracy + 2 * error < PROMISED:
        return say("That is below the 90 % that the homework promises for several epochs. ")
    return say("That is the homework's 90 %, within two standard errors. ")


def fit(result: TrainRunResult) -> Markup:
    """Say how training and test accuracy part, and whether the last epoch rose, beyond their errors."""
    said: Markup = ()
    if result.gap is not None:
        said += say(
            "It does {gap} points better on what it trained on, more than chance explains (95 %). ",
            gap=number(100 * result.gap, 2),
        )
    if result.last_rise is not None:
        said += say(
            "The last epoch's training accuracy is {rise} points above the one before, more than "
            "chance explains (95 %). ",
            rise=number(100 * result.last_rise, 2),
        )
    return said


def basis(result: TrainRunResult) -> Basis:
    """Say that it is one training."""
    return Basis(
        n="1 training",
        spread="none, one training; after ± the standard error of counting",
        data=result.pictures.name,
    )


def charts(result: TrainRunResult) -> Mapping[str, Any]:
    """Return loss, accuracy and rate by step, to zoom into."""
    trained = result.trained
    what = mean_of(trained.n_steps)
    panels = [
        {
            "title": title,
            "x": "steps",
            "y": label,
            "log": False,
            "series": [
                series(
                    f"{one.scheme}, {counted(one.n_epochs, 'epoch')}",
                    one.steps,
                    getattr(one, values),
                )
                for one, _ in result.timed
            ],
        }
        for title, label, values in (
            ("loss", f"{loss_label(result.training, '(nats)')}, {what}", "smooth_loss"),
            ("accuracy", f"accuracy, {what}", "smooth_accuracy"),
            ("learning rate", "learning rate", "rate"),
        )
    ]
    label = "Loss, accuracy and learning rate of this training by step"
    return {"training-curve": {"label": label, "panels": panels}}


def _tested_after(training: Training) -> str:
    epochs = counted(training.n_epochs, "epoch")
    return epochs if training.kept_epoch is None else f"{training.kept_epoch + 1} of {epochs}"


def _first_share(result: TrainRunResult) -> float:
    """Return the first epoch's share of all rates, were they annealed as in one epoch; needs two steps."""
    rate, n = result.trained.rate, result.trained.n_epochs
    factor = float(rate[1] / rate[0]) ** n
    return 1.0 - factor ** (len(rate) // n)


def _mixed(result: TrainRunResult) -> bool:
    return result.training.precision == "bfloat16"
