"""All claims in the homework's order, and how to find one."""

from collections.abc import Sequence

from pitfalls.claims import (
    capacity,
    certificate,
    characters,
    construction,
    depth,
    flow,
    landscape,
    layers,
    local_minima,
    network_gradient,
    optimality,
    pivots,
    risk,
    risk_gradient,
    second_order,
    signal,
    sufficiency,
    width,
)
from pitfalls.claims.claim import Claim
from pitfalls.errors import InputError

__all__ = ["CLAIMS", "find_claim", "select_claims"]

CLAIMS: tuple[Claim, ...] = (
    *capacity.CLAIMS,
    *risk.CLAIMS,
    *optimality.CLAIMS,
    *layers.CLAIMS,
    *flow.CLAIMS,
    *landscape.CLAIMS,
    *second_order.CLAIMS,
    *local_minima.CLAIMS,
    *pivots.CLAIMS,
    *sufficiency.CLAIMS,
    *certificate.CLAIMS,
    *construction.CLAIMS,
    *width.CLAIMS,
    *network_gradient.CLAIMS,
    *risk_gradient.CLAIMS,
    *characters.CLAIMS,
    *signal.CLAIMS,
    *depth.CLAIMS,
)
"""All claims, in the homework's order."""


def find_claim(name: str) -> Claim:
    """Look a claim up by its id.

    Raises
    ------
    InputError
        If there is none; the message lists the ids.
    """
    for claim in CLAIMS:
        if claim.id == name:
            return claim
    raise _unknown(name)


def select_claims(names: Sequence[str] = ()) -> tuple[Claim, ...]:
    """Return the claims of the given ids or homework parts, in the homework's order.

    Parameters
    ----------
    names : sequence of str
        An id (``2a-if``), or the beginning of one up to a dash: a part (``3c``) or a sub-part
        (``3c-iv``). None given: all claims.

    Raises
    ------
    InputError
        If nothing goes by one of the names; the message lists the ids.

    Examples
    --------
    >>> [claim.id for claim in select_claims(["2c", "2a"])]
    ['2a-if', '2a-only-if', '2a-balanced', '2c']
    """
    chosen: set[str] = set()
    for name in names:
        ids = {c.id for c in CLAIMS if name in (c.id, c.part) or c.id.startswith(f"{name}-")}
        if not ids:
            raise _unknown(name)
        chosen |= ids
    return tuple(claim for claim in CLAIMS if not names or claim.id in chosen)


def _unknown(name: str) -> InputError:
    ids = ", ".join(claim.id for claim in CLAIMS)
    return InputError(f"claims: no claim or homework part is called {name!r}. There are: {ids}.")
