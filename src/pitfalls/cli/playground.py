"""``pitfalls playground``: the page in which the homework's networks train live."""

from pathlib import Path

from pitfalls.frame import say


def playground(*, out: Path = Path("playground.html")) -> int:
    """Write the page in which the homework's networks train live; it needs no network.

    Parameters
    ----------
    out
        File to write.
    """
    from pitfalls.report.playground import build_playground

    say(str(build_playground(out)))
    return 0
