"""What the report says of question 2 on numbers, part by part."""

from collections.abc import Mapping
from typing import Any

from pitfalls.experiments.linear_homework.records import HomeworkResult
from pitfalls.prose import (
    Basis,
    Block,
    Markup,
    Paragraph,
    Part,
    Table,
    counted,
    listed,
    number,
    say,
    table,
)

__all__ = [
    "account",
    "basis",
    "capacity",
    "certificates",
    "charts",
    "conditions",
    "convexity",
    "derivative",
    "layers",
    "residuals",
    "stuck",
    "weaker",
]

ROUNDING = 1e-9
"""A relative difference below this is called rounding: values of order one, in double precision."""


def account(result: HomeworkResult) -> tuple[Block, ...]:
    """Return one part for each of 2a to 2f."""
    return (
        Part("a", (Paragraph(capacity(result)),)),
        Part("b", (Paragraph(convexity(result)),)),
        Part("c", (Paragraph(derivative(result)),)),
        Part("d", (conditions(result), Paragraph(residuals(result)))),
        Part("e", (Paragraph(layers(result)), _points(result), Paragraph(stuck(result)))),
        Part("f", (certificates(result), Paragraph(weaker(result)))),
    )


def capacity(result: HomeworkResult) -> Markup:
    """Say what became of a map that fits, and of one that does not."""
    a = result.capacity
    said = say(
        "On numbers: a random map of rank {rank} is split into layers of widths {widths}; their "
        "product misses it by {error} of its size, and neighbouring layers are balanced to "
        "{imbalance}. ",
        rank=a.rank, widths="-".join(map(str, a.widths)), error=number(a.relative_error, 2),
        imbalance=number(a.imbalance, 2),
    )  # fmt: skip
    if a.refusal is None:
        return said + say("A map of rank {rank} was *not* refused. ", rank=a.rank_refused)
    return said + say(
        "A map of rank {rank} is refused; the nearest that these widths can represent lies at "
        "distance {distance}, and the norm of the singular values that had to be dropped is "
        "{expected}. ",
        rank=a.rank_refused, distance=number(a.distance_to_nearest),
        expected=number(a.expected_distance),
    )  # fmt: skip


def convexity(result: HomeworkResult) -> Markup:
    """Compare Q with its chords, and the layers' risk with its ends."""
    b = result.convexity
    n = counted(b.n_points, "point")
    said = (
        say(
            "At {n} of segments between random maps $Q$ did not rise above its chord (smallest gap: "
            "{gap} of the chord). ",
            n=n, gap=number(b.smallest_gap, 2),
        )
        if b.smallest_gap >= 0
        else say(
            "At {n} of segments between random maps $Q$ *rose above its chord*, by {gap} of it. ",
            n=n, gap=number(-b.smallest_gap, 2),
        )
    )  # fmt: skip
    if b.risk_halfway <= b.risk_at_ends:
        return said
    return said + say(
        "As a function of two layers the risk is not convex: at the best layers, and at the same "
        "layers with both signs turned, it is {ends}, and halfway between them {halfway}. ",
        ends=number(b.risk_at_ends),
        halfway=number(b.risk_halfway),
    )


def derivative(result: HomeworkResult) -> Markup:
    """Give the difference of the derivative by the product from autograd's."""
    c = result.derivative
    return say(
        "Against automatic differentiation, on widths {widths}, the formula is off by {error}, "
        "relatively{verdict}. ",
        widths="-".join(map(str, c.widths)), error=number(c.end_to_end_error, 2),
        verdict=": rounding" if c.end_to_end_error < ROUNDING else ": *more than rounding*",
    )  # fmt: skip


def conditions(result: HomeworkResult) -> Table:
    """Return the cases of 2d."""
    return table(
        ("Case", "Widths", "$d_*$", "rank $Y^top X$", "Printed condition", "Exact condition",
         "Residual at the minimum"),
        [
            (
                row.case, "-".join(map(str, row.widths)), row.capacity, row.rank_yx,
                _holds(row.printed), _holds(row.exact), number(row.residual, 2),
            )
            for row in result.conditions
        ],
        "The residual of the normal equations at the best map that the widths allow, relative to "
        "$norm(Y^top X)$.",
        words=(0, 4, 5),
    )  # fmt: skip


def residuals(result: HomeworkResult) -> Markup:
    """Say what each condition's failing means; needs a case of each kind, with its residual."""
    broken = [row for row in result.conditions if not row.exact and row.residual > ROUNDING]
    spared = [
        row
        for row in result.conditions
        if row.exact and not row.printed and row.residual < ROUNDING
    ]
    said: Markup = ()
    if broken:
        said += say(
            "With a bottleneck narrower than the rank of $Y^top X$ the best map leaves a residual of "
            "{residual}: no map of allowed rank solves the normal equations. ",
            residual=number(broken[0].residual, 2),
        )
    if spared:
        said += say(
            "The printed condition is sufficient and not necessary: with a bottleneck at the rank "
            "of $Y^top X$ it fails, and the residual at the minimum is {residual}. ",
            residual=number(spared[0].residual, 2),
        )
    return said


def layers(result: HomeworkResult) -> Markup:
    """Give the largest difference of a layer's derivative from autograd's."""
    errors = result.derivative.layer_errors
    return say(
        "The formula was compared with automatic differentiation in {n}; the largest relative "
        "difference is {error}. ",
        n=counted(len(errors), "layer"), error=number(max(errors), 2),
    )  # fmt: skip


def stuck(result: HomeworkResult) -> Markup:
    """Name the points at which the gradient vanishes without their being minima."""
    bad = [point for point in result.points if point.is_stuck]
    if not bad:
        return ()
    said = say(
        "At {n} of these points the gradient vanishes and the risk is not least: "
        "$A_i^top G B_i^top$ can be zero because the layers around it hide the error $G$, not because "
        "$G$ is zero. ",
        n=len(bad),
    )
    empty = [point for point in bad if not point.judged.modes]
    if empty:
        said += say(
            "The plainest case is “{case}”: each layer's gradient contains another layer, and all of "
            "them are zero. ",
            case=empty[0].case,
        )
    return said


def certificates(result: HomeworkResult) -> Table:
    """Return the cases of 2f."""
    return table(
        ("Factors", "All invertible", "Certificate", "Gradient norm", "At least",
         "Above the minimum"),
        [
            (
                row.case, row.all_invertible,
                f"holds, layer {row.layer}" if row.holds else "fails",
                number(row.gradient_norm), number(row.lower_bound), number(row.excess),
            )
            for row in result.certificates
        ],
        "The certificate on square factors: where it holds, the layer's gradient is at least the "
        "number beside it, so a vanishing gradient means a vanishing error.",
        words=(0, 1, 2),
    )  # fmt: skip


def weaker(result: HomeworkResult) -> Markup:
    """Name where the certificate holds without invertible factors, and where it fails."""
    more = [row for row in result.certificates if row.holds and not row.all_invertible]
    fails = [row for row in result.certificates if not row.holds]
    said: Markup = ()
    if more:
        said += say(
            "All factors invertible is more than is needed: the certificate holds as well for "
            "{cases}. ",
            cases=listed([row.case for row in more]),
        )
    if fails:
        said += say("It fails for {cases}. ", cases=listed([row.case for row in fails]))
    return said


def basis(result: HomeworkResult) -> Basis:
    """Say what stands behind the parts."""
    return Basis(
        n=f"one planted problem a part, {counted(result.convexity.n_points, 'point')} for convexity",
        spread="none, exact comparisons on one problem",
        data="planted",
    )


def charts(result: HomeworkResult) -> Mapping[str, Any]:
    """Return no interactive part."""
    return {}


def _points(result: HomeworkResult) -> Table:
    return table(
        ("Point", "Largest layer gradient", "Risk", "Above the minimum", "Modes fitted", "Verdict",
         "Curvature"),
        [
            (
                point.case, number(point.gradient_norm, 2), number(point.judged.risk),
                number(point.judged.excess, 2),
                ", ".join(map(str, point.judged.modes)) or "none"
                if point.judged.holds_modes
                else None,
                point.judged.verdict,
                None if point.judged.curvature is None else number(point.judged.curvature),
            )
            for point in result.points
        ],
        "Points of one planted problem with their verdicts. Curvature: along the direction that "
        "shows a saddle to be strict.",
        words=(0, 4, 5),
    )  # fmt: skip


def _holds(condition: bool) -> str:
    return "holds" if condition else "fails"
