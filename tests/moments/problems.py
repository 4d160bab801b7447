"""Data with columns of every kind, in any units."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def problems(draw):
    """Draw independent, constant, zero, repeated columns and sums of others, in any units."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.sampled_from([2, 5, 40]))
    columns = [rng.standard_normal(n) for _ in range(draw(st.integers(1, 4)))]
    for kind in draw(st.lists(st.sampled_from(["one", "zero", "twice", "sum"]), max_size=3)):
        columns.append(
            {
                "one": np.full(n, 0.1),
                "zero": np.zeros(n),
                "twice": columns[0],
                "sum": np.sum(columns, axis=0),
            }[kind]
        )
    x = np.stack(columns, axis=1) + draw(st.sampled_from([0.0, 3.0]))
    powers = draw(st.lists(st.integers(-6, 6), min_size=len(columns), max_size=len(columns)))
    x = x[:, rng.permutation(len(columns))] * 10.0 ** np.array(powers)
    return x, draw(st.booleans())
