"""Critical points in whole numbers, their variants, and an oracle that knows nothing of the theorem.

A critical point of a linear network is, up to the choice of bases, a bundle of strings: a mode that is
held runs from the input to the output; one that is left may be followed from the input up to some node
(`reach`) and is fed to the output from some node on (`source`), and the gradient is zero iff
source >= reach + 2 for all of them; input and output directions without a mode are free, and so are
strings that begin and end inside. Drawn with whole numbers, in whole-numbered bases of determinant 1,
all products are exact and the gradient is zero to the last bit.
"""

import itertools
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch

from pitfalls.linear import SquaredRisk
from pitfalls.linear.derivatives import hessian_product
from pitfalls.moments import SecondMoments

Matrix = np.ndarray
Layers = tuple[Matrix, ...]

ARCHITECTURES = [
    (5, 4), (4, 4, 3), (5, 2, 4), (3, 6, 3), (4, 4, 4, 3), (5, 3, 2, 4), (2, 4, 4, 3), (4, 3, 3, 2),
    (4, 2, 2, 3, 4), (4, 4, 4, 3, 3), (4, 3, 4, 2, 4), (3, 3, 3, 3, 3, 3), (4, 3, 4, 3, 2, 3),
    (3, 2, 3, 3, 2, 3, 3),
]  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A critical point with its problem; canonical until `mix` changes its bases.

    `correlation` is K and `layers` map white inputs; `blind` input directions carry no data.
    """

    layers: Layers
    correlation: Matrix
    truth: str
    blind: int = 0
    basis: Matrix | None = None  # T: the features are x = T u
    output: Matrix | None = None  # Q, Q'Q a multiple of the identity

    @property
    def risk(self) -> SquaredRisk:
        """The risk whose critical point this is."""
        return make_risk(self.correlation, self.blind, self.basis, self.output)


@dataclass(frozen=True)
class Case:
    """What `classify` is asked, and what it must not say.

    `critical` is False where the point was perturbed: then 'not critical' is right as well.
    """

    risk: SquaredRisk
    weights: tuple[np.ndarray, ...]
    truth: str
    critical: bool = True


def make_risk(
    k: Matrix, blind: int = 0, basis: Matrix | None = None, output: Matrix | None = None
) -> SquaredRisk:
    """Return the risk with S_xx = T T', S_yx = Q K T' on the inputs that carry data."""
    p, rank = k.shape
    t = np.eye(rank + blind) if basis is None else basis
    q = np.eye(p) if output is None else output
    moments = SecondMoments(
        n=50,
        mean_x=np.zeros(rank + blind),
        mean_y=np.zeros(p),
        scatter_xx=t[:, :rank] @ t[:, :rank].T,
        scatter_yx=q @ k @ t[:, :rank].T,
        scatter_yy=q @ (k @ k.T + 3 * np.eye(p)) @ q.T,
    )
    return SquaredRisk(moments)


def draw_point(
    rng: np.random.Generator,
    widths: tuple[int, ...],
    values: tuple[float, ...],
    blind: int = 0,
    multipliers: tuple[float, ...] = (1, 1, 2, 3),
) -> Point:
    """Draw strings and lay them down. `values` are the modes, strongest first, zeros at the end."""
    n_layers, d, p = len(widths) - 1, widths[0] - blind, widths[-1]
    values = tuple(values[: min(d, p)])
    modes = [k for k, s in enumerate(values) if s > 0]
    most = min(len(modes), d, *widths)
    rank = most if n_layers == 1 else int(rng.integers(0, most + 1))
    held = sorted(rng.choice(modes, rank, replace=False)) if rng.random() < 0.3 else modes[:rank]
    if n_layers == 1:
        held = modes
    held = [int(k) for k in held]
    room = [0, *(w - len(held) for w in widths[1:-1]), 0]
    strings: list[tuple[int | None, int | None, int, int]] = [(k, k, 0, n_layers) for k in held]
    follow = {k: int(rng.integers(0, n_layers)) if k < d else 0 for k in range(max(d, p))}
    feed = {k: int(rng.integers(1, n_layers + 1)) for k in range(max(d, p))}
    for k in range(max(d, p)):
        if k in held:
            continue
        reach, source = min(follow[k], n_layers - 1), feed[k]
        if k in modes:
            reach = int(rng.integers(0, max(n_layers - 1, 1)))
            source = int(rng.integers(min(reach + 2, n_layers), n_layers + 1))
        if k < d:
            end = 0
            while end < reach and room[end + 1] > 0:
                end += 1
                room[end] -= 1
            strings.append((k, None, 0, end))
        if k < p:
            start = n_layers
            while start > source and room[start - 1] > 0:
                start -= 1
                room[start] -= 1
            strings.append((None, k, start, n_layers))
    for _ in range(4 * n_layers):
        if n_layers < 2:
            break
        a = int(rng.integers(1, n_layers))
        b = int(rng.integers(a, n_layers))
        if all(room[h] > 0 for h in range(a, b + 1)):
            for h in range(a, b + 1):
                room[h] -= 1
            strings.append((None, None, a, b))
    layers = _lay_down(rng, strings, widths, blind, values, multipliers)
    k_matrix = np.zeros((p, d))
    k_matrix[range(len(values)), range(len(values))] = values
    return Point(layers, k_matrix, _by_theorem(strings, values, widths, d), blind)


def _lay_down(rng, strings, widths, blind, values, multipliers) -> Layers:
    """Give every string a slot at every node it passes, and every link a number."""
    n_layers = len(widths) - 1
    used = [0] * (n_layers + 1)
    layers = [np.zeros((b, a)) for a, b in itertools.pairwise(widths)]
    for first, last, start, end in strings:
        slots = []
        for node in range(start, end + 1):
            if node == 0:
                slots.append(first)
            elif node == n_layers:
                slots.append(last)
            else:
                slots.append(used[node])
                used[node] += 1
        through = start == 0 and end == n_layers
        numbers = [float(rng.choice(multipliers)) * float(rng.choice([-1, 1])) for _ in slots[1:]]
        if through:
            numbers = [1.0] * len(numbers)
            numbers[int(rng.integers(len(numbers)))] = values[first]
        for h, number in enumerate(numbers):
            layers[start + h][slots[h + 1], slots[h]] = number
    if blind and n_layers > 1:  # whatever the first layer does there
        layers[0][:, widths[0] - blind :] = rng.integers(-3, 4, (widths[1], blind))
    return tuple(layers)


def _by_theorem(strings, values, widths, d) -> str:
    """Say what the theorem says, by counting strings."""
    n_layers = len(widths) - 1
    held = [a for a, b, start, end in strings if start == 0 and end == n_layers]
    left = [k for k, s in enumerate(values) if s > 0 and k not in held]
    if left and held and max(values[k] for k in left) > min(values[k] for k in held):
        return "strict saddle"
    if not left or len(held) == min(d, *widths):
        return "global minimum"
    reach = {a: end for a, b, start, end in strings if start == 0 and end < n_layers}
    source = {b: start for a, b, start, end in strings if start > 0 and end == n_layers}
    for i in range(n_layers, 1, -1):
        for j in range(i - 1, 0, -1):
            between = any(
                start <= j and end >= i - 1 and not (start == 0 and end == n_layers)
                for _, _, start, end in strings
            )
            if i == j + 1:
                between = widths[j] > len(held)
            around = any(reach[k] >= j - 1 and source[k] <= i for k in left)
            if between and around:
                return "strict saddle"
    return "non-strict saddle"


def unimodular(
    rng: np.random.Generator, size: int, steps: int | None = None
) -> tuple[Matrix, Matrix]:
    """Draw a whole-numbered matrix of determinant ±1, and its inverse, which is whole as well."""
    forth, back = np.eye(size), np.eye(size)
    for _ in range(size if steps is None else steps):
        if size > 1:
            i, j = rng.choice(size, 2, replace=False)
            times = float(rng.choice([-1, 1]))
            forth[i] += times * forth[j]
            back[:, j] -= times * back[:, i]
    order, signs = rng.permutation(size), rng.choice([-1.0, 1.0], size)
    return (signs[:, None] * forth)[order], (back * signs)[:, order]


def rebase(layers: Layers, changes: list[tuple[Matrix, Matrix]]) -> Layers:
    """W_i -> D_i W_i D_{i-1}^{-1}."""
    moved = list(layers)
    for i, (forth, back) in enumerate(changes):
        moved[i] = forth @ moved[i]
        moved[i + 1] = moved[i + 1] @ back
    return tuple(moved)


def mix(point: Point, rng: np.random.Generator) -> Point:
    """Change all bases by whole numbers: hidden nodes, inputs and outputs."""
    layers = rebase(point.layers, [unimodular(rng, len(w)) for w in point.layers[:-1]])
    basis, inverse = unimodular(rng, layers[0].shape[1])
    p = len(layers[-1])
    output = np.eye(p)
    if p > 1 and rng.random() < 0.5:  # a turn by whole numbers, which multiplies lengths by 5
        output = 5 * output
        output[:2, :2] = [[3, 4], [-4, 3]]
    output = output[rng.permutation(p)]
    layers = (*layers[:-1], output @ layers[-1])
    layers = (layers[0] @ inverse, *layers[1:])
    return replace(point, layers=layers, basis=basis, output=output)


# ------------------------------------------------------------------------------------------- oracle


def hessian(risk: SquaredRisk, layers: Layers) -> Matrix:
    """Return the dense Hessian of ½ tr W̄S_xxW̄' − tr W̄S_yx' by automatic differentiation."""
    sxx, syx = torch.from_numpy(risk.moments.sxx), torch.from_numpy(risk.moments.syx)
    sizes = [w.size for w in layers]

    def value(flat: torch.Tensor) -> torch.Tensor:
        product = torch.eye(layers[0].shape[1], dtype=torch.float64)
        for part, w in zip(torch.split(flat, sizes), layers, strict=True):
            product = part.reshape(w.shape) @ product
        return 0.5 * ((product @ sxx - 2 * syx) * product).sum()

    flat = torch.from_numpy(np.concatenate([np.ravel(w) for w in layers]))
    found: torch.Tensor = torch.autograd.functional.hessian(value, flat, vectorize=True)
    return found.numpy()


def is_semidefinite(matrix: Matrix) -> bool:
    """Whether a matrix of whole numbers has no negative eigenvalue: in rational arithmetic."""
    rows = [[Fraction(v) for v in row] for row in matrix.tolist()]
    alive = list(range(len(rows)))
    while alive:
        pivot = max(alive, key=lambda i: rows[i][i])
        top = rows[pivot][pivot]
        if top <= 0:
            # no positive diagonal is left: only the zero matrix has no negative eigenvalue
            return all(rows[i][j] == 0 for i in alive for j in alive)
        alive.remove(pivot)
        for i in alive:
            if rows[i][pivot]:
                factor = rows[i][pivot] / top
                for j in alive:
                    rows[i][j] -= factor * rows[pivot][j]
    return True


def rational_hessian(risk: SquaredRisk, layers: Layers) -> Matrix:
    """Return the dense Hessian in rational arithmetic: for weights that are no whole numbers."""

    def exactly(matrix: Matrix) -> Matrix:
        return np.array([[Fraction(float(v)) for v in row] for row in matrix], dtype=object)

    sxx, syx = exactly(risk.moments.sxx), exactly(risk.moments.syx)
    exact = [exactly(w) for w in layers]
    rows = []
    for layer, w in enumerate(layers):
        for at in np.ndindex(w.shape):
            steps = [np.zeros(v.shape, dtype=object) for v in layers]
            steps[layer][at] = Fraction(1)
            rows.append(
                np.concatenate([h.ravel() for h in hessian_product(exact, steps, sxx, syx)])
            )
    return np.array(rows)


def judge(point: Point, *, exactly: bool = False) -> str:
    """Judge a canonical point by its value and by the spectrum of its Hessian alone."""
    risk = point.risk
    assert all(not g.any() for g in risk.layer_gradients(point.layers)), "not critical"
    product = point.layers[0]
    for layer in point.layers[1:]:
        product = layer @ product
    d = point.correlation.shape[1]
    missing = sorted(np.diag((product[:, :d] - point.correlation) @ np.eye(d, len(product))) ** 2)
    values = sorted(np.diag(point.correlation) ** 2)[::-1]
    capacity = min(d, *(len(w) for w in point.layers))
    if sum(map(Fraction, missing)) == sum(map(Fraction, values[capacity:])):
        return "global minimum"
    whole = hessian(risk, point.layers)
    if not exactly:
        spectrum = np.linalg.eigvalsh(whole)
        share = float(spectrum[0]) / max(float(spectrum[-1]), 1e-300)
        if share < -1e-4 or abs(share) < 1e-12:
            return "strict saddle" if share < -1e-4 else "non-strict saddle"
    return "non-strict saddle" if is_semidefinite(whole) else "strict saddle"
