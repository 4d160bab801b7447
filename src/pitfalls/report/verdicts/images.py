"""Classes of pictures with linear maps and networks: represented, and found?"""

from collections.abc import Sequence

from pitfalls.experiments import Pictures, called, interval
from pitfalls.experiments.image_compare import CompareResult
from pitfalls.experiments.image_embed import EmbedResult
from pitfalls.experiments.image_regress import RegressResult, Separation
from pitfalls.experiments.image_train import TrainRunResult
from pitfalls.prose import Markup, counted, percent, say
from pitfalls.report.verdicts.networks import network_rows
from pitfalls.report.verdicts.records import Answer, ChapterVerdict, VerdictRow

__all__ = ["images_verdict", "planes_and_space"]


def images_verdict(
    regress: RegressResult | None, compare: CompareResult | None, train: TrainRunResult | None
) -> ChapterVerdict | None:
    """Return the rows of the experiments that ran; None where none did."""
    quoted = {"images-regress": regress, "images-compare": compare, "images-train": train}
    found = {name: result for name, result in quoted.items() if result is not None}
    if not found:
        return None
    linear = () if regress is None else (_linear_maps(regress),)
    rows = (*linear, *network_rows(compare, train))
    return ChapterVerdict(
        _title([result.pictures for result in found.values()]), rows, tuple(found)
    )


def _title(asked: Sequence[Pictures]) -> str:
    """Name the pictures of the rows; those of another name are named too."""
    names = [f"{counted(p.n_classes, 'class', 'classes')} of pictures, {p.name}" for p in asked]
    return "; ".join(dict.fromkeys(names))


def _linear_maps(result: RegressResult) -> VerdictRow:
    told = say("Least squares is solved, not searched for.")
    if result.unseen is not None:
        told += say(
            " It gets {share} of the {words} images right.",
            share=interval(result.unseen.confusion.right), words=called(result.unseen.part),
        )  # fmt: skip
    return VerdictRow(
        say("Linear maps of the pixels"), _separated(result), Answer("yes", "in closed form", told)
    )


def _separated(result: RegressResult) -> Answer:
    """Answer for the training images, by the separation that was measured or by least squares itself."""
    n = counted(result.pictures.n("train"), "training image")
    found: Separation | None = result.separation
    if found is not None and found.verdict == "separable":
        return Answer("yes", "yes", say("One was found that classifies the {n} rightly.", n=n))
    if found is not None and found.verdict == "not separable":
        return Answer("no", "no", say("No linear map classifies the {n} rightly: proved.", n=n))
    if result.all_right:
        return Answer("yes", "yes", say("Least squares itself classifies the {n} rightly.", n=n))
    if found is not None:
        return Answer("open", "undecided", say("{reason}.", reason=found.reason.rstrip(".")))
    return Answer(
        "open",
        "not measured",
        say(
            "Least squares gets {share} of the {n} right; another map may do better.",
            share=percent(result.train.confusion.right.value), n=n,
        ),
    )  # fmt: skip


def planes_and_space(embed: EmbedResult | None, regress: RegressResult | None) -> Markup:
    """Compare two dimensions with all of them; needs both on the same pictures, with unseen images."""
    if embed is None or regress is None or embed.unseen is None or regress.unseen is None:
        return ()
    if embed.pictures.fingerprint != regress.pictures.fingerprint:
        return ()
    return say(
        "Of the same {words} images the nearest centre in CCA's plane gets {plane} right, least squares "
        "in all dimensions {space}. ",
        words=called(regress.unseen.part), plane=percent(embed.unseen.cca.value),
        space=percent(regress.unseen.confusion.right.value),
    )  # fmt: skip
