"""The rubric: what the graders check, with its points, and what a person reads."""

from typing import Final

from pitfalls.course.grading.grade import PARTS
from pitfalls.course.grading.sheet import Sheet

__all__ = ["BY_HAND", "render_rubric"]

BY_HAND: Final = (
    (
        "2a",
        4,
        "Both directions: a product's rank is at most each factor's; layers for any rank that fits.",
    ),
    (
        "2b",
        3,
        "The sum over samples is the Frobenius norm; convex row by row, as a convex quadratic.",
    ),
    (
        "2d",
        4,
        "Every map is reached, as no width is below min(p, d); then the normal equation, both ways.",
    ),
    (
        "2e",
        2,
        "Why a critical point need not be a minimum: the outer factors may lose rank, as at zero.",
    ),
    (
        "2f",
        3,
        "A condition on the weights, and why the outer factors then cancel (all invertible will do).",
    ),
    (
        "3b",
        3,
        "The plot, with axes; what it shows at d = 5, 10, 30, with the mask's number of ones.",
    ),
    (
        "3c",
        6,
        "The steps from gradient to bound; where independence of x and orthogonality are used.",
    ),
    (
        "3d",
        2,
        "Why that factor makes depth a bad idea even at small d; and that no depth informs the gradient.",
    ),
    (
        "4a",
        4,
        "Two plots, ten colours, titles, legends; PCA sees variance, CCA what parts the classes.",
    ),
    (
        "4c",
        2,
        "The diagram: stem, four stages of two blocks with their shortcuts, pooling, 512 to 10.",
    ),
    ("4e", 2, "Which scheme did best, and no more claimed than so few steps show."),
)
"""Part, points, what must be there: for a person to read."""


def render_rubric(sheet: Sheet) -> str:
    """Write the rubric of a sheet as Markdown.

    Examples
    --------
    >>> print(render_rubric(Sheet()).splitlines()[0])
    # Rubric
    """
    widths = ", ".join(map(str, sheet.widths))
    total = sum(part.points for part in PARTS)
    lines = [
        "# Rubric",
        "",
        f"Sizes: d = {sheet.d}, k = {sheet.k}; widths {widths} (L = {len(sheet.widths) - 1}), "
        f"n = {sheet.n_samples}; mask {sheet.example_mask}.",
        "",
        f"## Checked by the grader: {total} points",
        "",
        "A check is a property; what fails is named with its input. Hidden checks show when grades are out.",
        "",
        "| part | check | points | |",
        "|---|---|---|---|",
    ]
    for part in PARTS:
        for check in part.checks:
            hidden = "hidden" if check.hidden else ""
            name = check.name.replace("|", r"\|")
            lines.append(f"| {part.name} {part.title} | {name} | {check.points} | {hidden} |")
    by_hand = sum(points for _, points, _ in BY_HAND)
    lines += ["", f"## Read by a person: {by_hand} points", "", "| part | what | points |"]
    lines += ["|---|---|---|", *(f"| {part} | {what} | {n} |" for part, n, what in BY_HAND)]
    printed = "costs no point" if sheet.accept_printed else "costs the points of that check"
    lines += [
        "",
        "Question 3a as printed fails at one input of one mask (all ones): its last group of units "
        f"has no weights. On this sheet that {printed}.",
        "The curves of 3b are read from losses.json, the numbers of 4b and 4e from answers.json. They are "
        "not run again but held against what such numbers can be: they show what was handed in.",
        "",
        "Why a person reads the rest: it is an argument, a drawing or a comment, and no function or array "
        "that could be asked for other inputs. 4a's embeddings are given code; the answer there is two "
        "pictures and what they show. 2e asks for one bad critical point and for no list of critical values.",
    ]
    return "\n".join(lines) + "\n"
