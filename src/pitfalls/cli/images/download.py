"""``pitfalls images download``."""

from typing import Annotated

from cyclopts import Parameter

from pitfalls.frame import say

__all__ = ["download"]


def download(
    *,
    mirror: Annotated[list[str] | None, Parameter(consume_multiple=True, negative="")] = None,
) -> None:
    """Fetch CIFAR-10 into the cache, going on where an earlier try stopped.

    Parameters
    ----------
    mirror
        http(s) addresses of cifar-10-python.tar.gz, or of a folder that has it, tried before the
        official host; the official checksum decides whether what they send is used.
    """
    from pitfalls.downloads import fetch_cifar10
    from pitfalls.frame import TerminalProgress

    with TerminalProgress()("CIFAR-10", unit="bytes") as advance:
        path = fetch_cifar10(mirrors=tuple(mirror or ()), on_progress=advance)
    say(f"CIFAR-10 is in {path}, its checksum is the official one")
