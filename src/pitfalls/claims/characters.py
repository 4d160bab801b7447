"""Homework 3c(iii): the parities are an orthonormal basis."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.parity import ParityTask, cube, walsh_hadamard_transform

__all__ = ["CLAIMS"]


class CharacterSubject(NamedTuple):
    """The function of a mask on all inputs, and the transform that correlates with all of them."""

    function: Callable[[tuple[int, ...], torch.Tensor], torch.Tensor]
    transform: Callable[[torch.Tensor], torch.Tensor]


def _labels(mask: tuple[int, ...], x: torch.Tensor) -> torch.Tensor:
    return ParityTask(mask).labels(x)


def _transform(values: torch.Tensor) -> torch.Tensor:
    transformed: torch.Tensor = walsh_hadamard_transform(values)
    return transformed


def _attack(subject: CharacterSubject, search: Search) -> None:
    for d in range(1, search.pick(8, 11)):
        x = cube(d)
        masks = [tuple(int(b) for b in row) for row in x.int().tolist()]
        # sums of at most 2^10 signs: exact in float64
        table = torch.stack([subject.function(mask, x).double() for mask in masks])
        gram = (table @ table.T).numpy()
        for products, what in ((gram, "masks"), ((table.T @ table).numpy(), "inputs")):
            wrong = products != len(x) * np.eye(len(x))
            first = np.unravel_index(int(wrong.argmax()), wrong.shape)
            search.cases += products.size - 1
            search.require(
                not wrong.any(),
                f"d = {d}: the {what} number {first[0]} and {first[1]} have the mean product "
                f"{products[first] / len(x)}",
            )
        values = torch.from_numpy(search.random.integers(-9, 10, len(x)).astype(float))
        search.require(
            bool((subject.transform(values) == table @ values).all()),
            f"d = {d}: the transform differs from the sums over all inputs",
        )
    for d in range(search.pick(8, 11), 17):
        _attack_sampled_masks(subject, search, d)
    for d in (31, 64, 100, 1000):  # too many inputs to list: the definition, digit by digit
        mask = tuple(int(b) for b in search.random.integers(0, 2, d))
        rows = search.random.integers(0, 2, (50, d)).tolist()
        ones = [sum(v * bit for v, bit in zip(mask, row, strict=True)) for row in rows]
        found = subject.function(mask, torch.tensor(rows, dtype=torch.float32)).tolist()
        search.require(
            found == [(-1) ** count for count in ones], f"d = {d}, mask {mask}: a label is wrong"
        )


def _attack_sampled_masks(subject: CharacterSubject, search: Search, d: int) -> None:
    """Compare a few masks, and their neighbours in one place, over all inputs."""
    x = cube(d)
    numbers = [int(i) for i in search.random.integers(0, 1 << d, search.pick(4, 10))]
    numbers = sorted({0, (1 << d) - 1, *numbers, *(i ^ 1 << d // 2 for i in numbers)})
    masks = [tuple(int(b) for b in x[i].tolist()) for i in numbers]
    table = torch.stack([subject.function(mask, x).double() for mask in masks])
    gram = (table @ table.T).numpy()
    search.cases += gram.size - 1
    search.require(
        bool((gram == len(x) * np.eye(len(masks))).all()),
        f"d = {d}: the masks {masks} are not orthonormal",
    )
    values = torch.from_numpy(search.random.integers(-9, 10, len(x)).astype(float))
    search.require(
        bool((subject.transform(values)[numbers] == table @ values).all()),
        f"d = {d}: the transform differs from the sums over all inputs",
    )


ORTHONORMAL = Claim(
    id="3c-iii",
    title="The parities of distinct masks are orthonormal, and all of them form a basis",
    part="3c",
    statement=r"""
For $v, w in {0, 1}^d$ and $x$ uniform on ${0, 1}^d$,
$ EE_x [chi_v (x) chi_w (x)] = cases(1 & "if" v = w, 0 & "if" v eq.not w.) $
So the parities of distinct masks are sub-orthonormal. All $2^d$ of them form an orthonormal *basis*
of the real functions on ${0, 1}^d$, so that for every $h: {0, 1}^d -> RR$
$ sum_v (EE_x [chi_v (x) h(x)])^2 = EE_x [h(x)^2]. $
""",
    derivation=r"""
*Orthonormality.* $chi_v (x) chi_w (x) = (-1)^(v^top x + w^top x) = product_(j=1)^d (-1)^((v_j +
w_j) x_j)$. Under the uniform distribution the coordinates of $x$ are independent and each is $0$ or
$1$ with probability $1\/2$, so the mean of the product is the product of the means:
$ EE_x [chi_v chi_w] = product_(j=1)^d (1 + (-1)^(v_j + w_j))/2. $
A factor is $1$ if $v_j = w_j$ (then $v_j + w_j$ is $0$ or $2$) and $0$ if $v_j eq.not w_j$. So the
product is $1$ if $v = w$, and $0$ as soon as the masks differ in one place. In particular
$EE_x [chi_v^2] = 1 <= 1$: both conditions of sub-orthonormality hold for any collection of distinct
masks.

*Completeness.* Orthonormal functions are linearly independent: if $sum_v c_v chi_v = 0$, the mean
of the product with $chi_w$ gives $c_w = 0$. There are $2^d$ of them, and the functions on ${0,
1}^d$ form a space of dimension $2^d$, so they are a basis. Expanding $h = sum_v c_v chi_v$ gives
$c_v = EE_x [chi_v h]$ and
$ EE_x [h^2] = sum_(v, w) c_v c_w EE_x [chi_v chi_w] = sum_v c_v^2. quad square $
The homework uses only that the sum is at most $EE_x [h^2]$, which holds for any part of the basis
(claim 3c-iv-family).
""",
    source="Homework 3(c)(iii), with completeness added.",
    assumptions=(),
    attack=_attack,
    subject=CharacterSubject(_labels, _transform),
    evidence=EvidenceLabel.BOUNDED,
    finding=(
        "All pairs of masks and all pairs of inputs for d up to 7 (thorough: 10), in integers, with "
        "ParityTask.labels, and walsh_hadamard_transform against the sums over all inputs; for d up to "
        "16 the same for some masks, for some d up to 1000 the labels of some inputs."
    ),
)

CLAIMS = (ORTHONORMAL,)
