"""What the report says of the constructions."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.parity_exact.records import VARIANTS, ExactResult, Variant
from pitfalls.prose import (
    Basis,
    Block,
    Code,
    Markup,
    Paragraph,
    Picture,
    counted,
    listed,
    number,
    say,
    table,
)

__all__ = [
    "account",
    "basis",
    "charts",
    "headline",
    "outcome",
    "passed_by_sampling",
    "scope",
    "value_at_ones",
    "widths",
]


def account(result: ExactResult) -> tuple[Block, ...]:
    """Return what was proved, the homework's own check, the figure and the code."""
    proved = scope(result)
    for variant in VARIANTS:
        proved += outcome(result, variant)
        proved += value_at_ones(result) if variant == "printed" else ()
    return (
        Paragraph(proved),
        table(
            ("Mask", "Ones", "Construction", f"Wrong of {result.n_inputs:,}"),
            [(row.mask, row.weight, row.variant, row.n_wrong) for row in result.sampled],
            say("The homework's own check, on random inputs at $d = {d}$.", d=result.n_features)
            + widths(result),
            words=(0, 2),
        ),
        Paragraph(passed_by_sampling(result)),
        Picture("exact-networks"),
        *(Code(name) for name in ("network", "network-forward", "triads", "exact-network")),
    )


def headline(result: ExactResult) -> Markup:
    """Say in short what came of the printed construction and of the corrected one."""
    return (
        say("Two networks set by hand were checked. ")
        + outcome(result, "printed")
        + outcome(result, "corrected")
    )


def scope(result: ExactResult) -> Markup:
    """Say for which dimensions and masks the proofs stand."""
    dimensions = sorted({proof.n_features for proof in result.proofs})
    return say(
        "Each construction was checked in rational arithmetic for masks of every weight at "
        "{n} up to $d = {largest}$; a network depends on its mask only by the number of ones, up "
        "to the order of the inputs. ",
        n=counted(len(dimensions), "dimension"), largest=dimensions[-1],
    )  # fmt: skip


def outcome(result: ExactResult, variant: Variant) -> Markup:
    """Say whether one construction is exact, and where it is not."""
    failing, all_of = result.failing(variant), result.of(variant)
    units = result.n_units(variant, result.n_features)
    size = (
        say(", with {units} for {d} ones", units=counted(units, "unit"), d=result.n_features)
        if units is not None and variant != "printed"
        else ()
    )
    if not failing:
        return say("The {variant} one is exact for all of them{size}. ", variant=variant, size=size)
    where = say("{some} of {all}", some=len(failing), all=counted(len(all_of), "dimension"))
    if all(proof.only_at_ones for proof in failing):
        return say(
            "The {variant} one fails at {where}, each time for the mask of all ones at the input of "
            "all ones and nowhere else. ",
            variant=variant, where=where,
        )  # fmt: skip
    return say("The {variant} one fails at {where}. ", variant=variant, where=where)


def value_at_ones(result: ExactResult) -> Markup:
    """Give the printed construction's output where it fails, if it was proved to fail there."""
    at = [
        proof
        for proof in result.failing("printed")
        if proof.n_features == result.n_features and proof.only_at_ones
    ]
    if not at:
        return ()
    return say(
        "At $d = {d}$ it says {output} there where {label} is due. ",
        d=result.n_features, output=number(at[0].output_at_ones),
        label=number(at[0].label_at_ones),
    )  # fmt: skip


def passed_by_sampling(result: ExactResult) -> Markup:
    """Name the masks for which random inputs do not show a fault that there is for some mask.

    Needs a proof at the sampled dimension that the printed construction is false.
    """
    if not any(proof.n_features == result.n_features for proof in result.failing("printed")):
        return ()
    passed = [row for row in result.sampled if row.variant == "printed" and row.n_wrong == 0]
    right = [row for row in passed if row.weight < result.n_features]
    missed = [row for row in passed if row.weight == result.n_features]
    said: Markup = ()
    if right:
        said += say(
            "The printed construction passes for {masks}, for which it is exact: a check of one "
            "mask cannot show a fault at another. ",
            masks=listed([f"the {row.mask} mask" for row in right]),
        )
    if missed:
        said += say(
            "It passes for the mask of all ones as well, for which it is false: none of the {n} "
            "inputs drawn was the input of all ones. ",
            n=counted(result.n_inputs, "random input").split()[0],
        )
    return said


def basis(result: ExactResult) -> Basis:
    """Say how many masks were proved."""
    masks = sum(proof.weights for proof in result.of("corrected"))
    return Basis(
        n=f"{counted(masks, 'mask')} a construction, each standing for all of its weight",
        spread="none, a proof by cases",
    )


def charts(result: ExactResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}


def widths(result: ExactResult) -> Markup:
    """Say what the compact construction saves, at the d of the check; needs both to be proved there."""
    compact, corrected = (
        result.n_units(variant, result.n_features) for variant in ("compact", "corrected")
    )
    if compact is None or corrected is None:
        return ()
    return say(
        " For the mask of all ones the compact construction takes {compact}, the corrected one "
        "{corrected}.",
        compact=counted(compact, "unit"), corrected=corrected,
    )  # fmt: skip
