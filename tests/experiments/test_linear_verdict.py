"""Verdicts in words, at their edges."""

from dataclasses import replace

import pytest

from pitfalls.experiments.linear_verdict import Curved, Judged, held

SADDLE = Judged(
    verdict="strict saddle",
    rank=1,
    modes=(2,),
    risk=2.0,
    excess=1.0,
    n_pivots=0,
    loose_pivots=(),
    decided_by="theorem",
    failing=(),
    doubts=(),
    witness=Curved(-1.0, "swap of modes"),
)


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (SADDLE, "mode 2"),
        (replace(SADDLE, modes=(1, 3)), "modes 1, 3"),
        (replace(SADDLE, modes=()), "no mode"),
        (replace(SADDLE, modes=(), decided_by="curvature"), "modes that are not known"),
        (replace(SADDLE, modes=(), verdict="undecided"), "modes that are not known"),
    ],
)
def test_modes_are_named_only_where_they_are_known(point, words):
    assert held(point) == words
