"""Linear maps with a deep linear network: represented, and found?"""

from pitfalls.experiments import held
from pitfalls.experiments.linear_descend import DescendResult
from pitfalls.experiments.linear_landscape import LandscapeResult
from pitfalls.experiments.linear_ranks import RanksResult
from pitfalls.prose import counted, number, say
from pitfalls.report.verdicts.records import Answer, ChapterVerdict, VerdictRow

__all__ = ["linear_verdict"]


def linear_verdict(
    descent: DescendResult | None, ranks: RanksResult | None, landscape: LandscapeResult | None
) -> ChapterVerdict | None:
    """Return a row for each of the experiments that ran; None where none did."""
    rows = []
    if descent is not None:
        rows.append(_descent(descent))
    if ranks is not None and ranks.rows:
        rows.append(_ranks(ranks))
    if landscape is not None:
        rows.append(_saddle(landscape))
    if not rows:
        return None
    quoted = {
        "linear-descend": descent, "linear-ranks": ranks, "linear-landscape": landscape
    }  # fmt: skip
    return ChapterVerdict(
        "Linear maps with a deep linear network",
        tuple(rows),
        tuple(name for name, result in quoted.items() if result is not None),
    )


def _descent(result: DescendResult) -> VerdictRow:
    rank, room = len(result.modes), result.capacity
    units = counted(room, "unit")
    represented = (
        Answer("yes", "yes", say("Claim 2a: the narrowest layer has {units}.", units=units))
        if rank <= room
        else Answer(
            "no",
            "no",
            say(
                "Claim 2a: the narrowest layer has {units}. Descent is judged by the best map of that "
                "rank.",
                units=units,
            ),
        )
    )
    starts = {
        "saddle": "off a saddle",
        "aligned": "from a small start along the modes",
        "random": "from a small random start",
    }
    told = say(
        "{what} {start} ended at {end}, {excess} above the least risk.",
        what="The flow" if result.method == "flow" else "Descent", start=starts[result.start],
        end=result.end.named, excess=number(max(result.end.excess, 0.0), 2),
    )  # fmt: skip
    found = (
        Answer("yes", "yes", told)
        if result.end.verdict == "global minimum"
        else Answer("no", "not in this time", told)
    )
    name = say(
        "The best linear map on {data}, of rank {rank}, through widths {widths}",
        data=result.data, rank=rank, widths="-".join(map(str, result.widths)),
    )  # fmt: skip
    return VerdictRow(name, represented, found)


def _ranks(result: RanksResult) -> VerdictRow:
    first, last = result.rows[0].rank, result.rows[-1].rank
    ranks = str(first) if first == last else f"{first} to {last}"
    n, tried = result.n_found, len(result.rows)
    told = say(
        "{n} of {tried} ended at a global minimum, by the verdict on the point reached.",
        n=n, tried=counted(tried, "descent"),
    )  # fmt: skip
    found = (
        Answer("yes", "yes", told)
        if n == tried
        else Answer("no", "not in this time", told)
        if n == 0
        else Answer("partly", "in part", told)
    )
    return VerdictRow(
        say("The best maps of rank {ranks} on {data}", ranks=ranks, data=result.data),
        Answer("yes", "yes", say("Claim 2a: the narrowest width is the rank that is asked for.")),
        found,
    )


def _saddle(result: LandscapeResult) -> VerdictRow:
    saddle = result.saddle
    return VerdictRow(
        say("The best map that holds {held} alone", held=held(saddle)),
        Answer(
            "yes",
            "yes",
            say("A critical point with risk {risk}.", risk=number(saddle.risk)),
        ),
        Answer(
            "no",
            "it can leave",
            say(
                "{point}: along one direction the risk curves down, by {curvature}.",
                point=saddle.named[0].upper() + saddle.named[1:], curvature=number(result.curvature),
            ),
        ),
    )  # fmt: skip
