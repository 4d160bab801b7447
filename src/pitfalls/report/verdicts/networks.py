"""Networks on pictures: what they were seen to fit, and what descent found."""

from pitfalls.experiments import called
from pitfalls.experiments.image_compare import CompareResult, SchemeRow
from pitfalls.experiments.image_train import TrainRunResult
from pitfalls.prose import Markup, counted, percent, say
from pitfalls.report.verdicts.records import Answer, VerdictRow

__all__ = ["network_rows"]

GOOD = 0.9
"""The share of unseen images from which a network is said to have found the classes."""
FITTED = 0.99


def network_rows(
    compare: CompareResult | None, train: TrainRunResult | None
) -> tuple[VerdictRow, ...]:
    """Return a row for each scheme that was compared, and one for the longer training."""
    rows: tuple[VerdictRow, ...] = ()
    if compare is not None:
        rows += tuple(_scheme(compare, scheme) for scheme in compare.schemes)
    if train is not None:
        rows += (_training(train),)
    return rows


def _scheme(result: CompareResult, scheme: str) -> VerdictRow:
    name = say("{network}, {scheme} scheme", network=result.network.title, scheme=scheme)
    row = next((row for row in result.rows if row.scheme == scheme), None)
    if row is None:
        told = say("Every training diverged.")
        return VerdictRow(name, Answer("open", "not measured"), Answer("no", "no", told))
    return VerdictRow(
        name, _fitted(row.train, result.pictures.constant("train")), _found(result, row)
    )


def _found(result: CompareResult, row: SchemeRow) -> Answer:
    lost = row.n_asked - row.n
    told = say(
        "{share} of the {part} images after {epochs}{starts}{lost}.",
        share=percent(row.held_out), part=called(result.part), epochs=counted(row.n_epochs, "epoch"),
        starts=f", the mean of {row.n} starts" if row.n > 1 else "",
        lost=f"; {lost} of {row.n_asked} trainings diverged" if lost else "",
    )  # fmt: skip
    found = _judged(row.held_out, told, guessing=row in result.guessing)
    return Answer("partly", "in part", told) if lost and found.tone == "yes" else found


def _training(result: TrainRunResult) -> VerdictRow:
    trained = result.trained
    told = say(
        "{share} ± {error} of the test images after {epochs}.",
        share=percent(trained.test_accuracy), error=percent(result.error),
        epochs=counted(trained.n_epochs, "epoch"),
    )  # fmt: skip
    return VerdictRow(
        say(
            "{network}, {scheme} scheme, {epochs}",
            network=result.network.title, scheme=trained.scheme,
            epochs=counted(trained.n_epochs, "epoch"),
        ),
        _fitted(trained.train_accuracy, result.pictures.constant("train")),
        _judged(trained.test_accuracy, told, guessing=result.is_guessing),
    )  # fmt: skip


def _fitted(train: float, constant: float) -> Answer:
    told = say(
        "It got {share} of the training images of its last epoch right, augmented as they were; "
        "naming one class for every image gets {constant}.",
        share=percent(train), constant=percent(constant),
    )  # fmt: skip
    fits = train >= max(FITTED, constant)  # what one class gets more of was not fitted
    return Answer("yes", "yes", told) if fits else Answer("open", "not measured", told)


def _judged(share: float, told: Markup, *, guessing: bool) -> Answer:
    if guessing:
        return Answer("no", "no", told + say(" Naming one class for every image is as good."))
    return Answer("yes", "yes", told) if share >= GOOD else Answer("partly", "in part", told)
