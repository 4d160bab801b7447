"""Homework 2f in numbers: what a small derivative of one layer says about the risk."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize

from pitfalls.claims.claim import Claim, EvidenceLabel, Search
from pitfalls.claims.exact import Matrix, solve
from pitfalls.claims.floating import Array
from pitfalls.claims.risk import arrays, data_risk, integer_problem, library_risk, matrix_risk
from pitfalls.claims.sufficiency import one_layer_sees_all
from pitfalls.linear import OptimalityCertificate, optimality_certificate

__all__ = ["CLAIMS"]

Bound = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
Layers = Sequence[Matrix]


class CertificateSubject(NamedTuple):
    """The lower bound on a layer's derivative, and the library's account of a whole point."""

    bound: Bound
    library: Callable[[Layers, Matrix, Matrix], OptimalityCertificate]


def _smallest_product(
    above: torch.Tensor, seen: torch.Tensor, gradient: torch.Tensor
) -> torch.Tensor:
    """Return sigma_min(A_i') sigma_min(B_i V) |G|, V an orthonormal basis of the row space of X."""
    size: torch.Tensor = torch.linalg.norm(gradient)
    for matrix, needed in ((above.T, above.shape[0]), (seen, seen.shape[1])):
        values = torch.linalg.svdvals(matrix)
        size = size * (values[needed - 1] if len(values) >= needed else 0.0)
    return size


def _library_certificate(layers: Layers, x: Matrix, y: Matrix) -> OptimalityCertificate:
    return optimality_certificate(library_risk(x, y), arrays(layers))


class _Adversary:
    """Looks for matrices around a layer whose derivative is small beside the bound."""

    def __init__(self, search: Search, bound: Bound) -> None:
        draw = search.random
        self.bound = bound
        p, d = (int(v) for v in draw.integers(1, 5, 2))
        n, above, below = (int(v) for v in draw.integers(1, 6, 3))
        x_rank = int(draw.integers(1, min(n, d) + 1))
        x = draw.normal(size=(n, x_rank)) @ draw.normal(size=(x_rank, d))
        self.basis = torch.from_numpy(np.linalg.svd(x)[2][:x_rank].T.copy())
        self.shapes = ((p, above), (below, d), (p, x_rank))
        self.scale = float(10.0 ** draw.integers(-3, 4))
        self.start: Array = draw.normal(size=sum(a * b for a, b in self.shapes))

    def ratio(self, values: Array) -> tuple[float, Array]:
        """Return the norm of the derivative over the bound, with its slope."""
        flat = torch.from_numpy(values).requires_grad_()
        blocks = torch.split(flat, [a * b for a, b in self.shapes])
        above, below, inner = (b.reshape(s) for b, s in zip(blocks, self.shapes, strict=True))
        gradient = self.scale * inner @ self.basis.T
        norm = torch.linalg.norm(above.T @ gradient @ below.T)
        limit = self.bound(above, below @ self.basis, gradient)
        if float(limit.detach()) <= 1e-12 * float(norm.detach()):
            return float("inf"), np.zeros_like(values)
        quotient = norm / limit
        (slope,) = torch.autograd.grad(quotient, flat)
        return float(quotient.detach()), slope.numpy()

    def least(self) -> float:
        """Return the smallest ratio found; infinite where the bound is zero."""
        first = self.ratio(self.start)[0]
        if not np.isfinite(first):
            return first
        found = minimize(
            self.ratio, self.start, jac=True, method="L-BFGS-B", options={"maxiter": 60}
        )
        return min(first, float(found.fun))


def _attack(subject: CertificateSubject, search: Search) -> None:
    for _ in range(search.pick(25, 250)):
        adversary = _Adversary(search, subject.bound)
        search.compare(
            max(0.0, 1.0 - adversary.least()),
            1e-9,
            f"A_i, B_i and G = H V' of shapes {adversary.shapes}: a derivative below the bound",
        )
    for _ in range(search.pick(100, 2000)):
        layers, x, y = integer_problem(search)
        found = subject.library(layers, x, y)
        described = f"layers {layers}, X = {x}, Y = {y}"
        search.require(
            found.holds == one_layer_sees_all(layers, x),
            f"{described}: the certificate {'holds' if found.holds else 'fails'}, by exact ranks not",
        )
        for condition in found.conditions:
            floor = condition.constant * found.residual_norm
            search.compare(
                max(0.0, floor - condition.gradient_norm) / max(1.0, floor),
                1e-9,
                f"{described}: layer {condition.layer} is below its bound {floor:.6g}",
            )
        best = solve(x.T @ x, x.T @ y)
        assert best is not None
        excess = float(matrix_risk(layers, x, y) - data_risk(best.T, x, y))
        scale = max(1.0, float(matrix_risk(layers, x, y)))
        search.compare(abs(found.excess - excess) / scale, 1e-9, f"{described}: excess {excess}")
        search.compare(
            max(0.0, excess - found.excess_bound) / scale,
            1e-9,
            f"{described}: the excess {excess:.6g} is above the bound {found.excess_bound:.6g}",
        )


CERTIFICATE = Claim(
    id="2f-certificate",
    title="A small layer derivative certifies a small excess risk",
    part="2f",
    statement=r"""
Let $V$ have an orthonormal basis of the row space of $X$ as columns, and let $sigma_min (A_i^top)$
be the least of the $p$ singular values of $A_i^top$ (zero if $d_i < p$), likewise $sigma_min (B_i
V)$ the least of $rank X$. For every $i$
$ norm((partial R)/(partial W_i))_F >= sigma_min (A_i^top) sigma_min (B_i V) norm(G)_F. $
With $lambda$ the least non-zero eigenvalue of $Sxx$, therefore,
$ R - min R <= norm(G)_F^2/(2 lambda)
  <= norm(partial R \/ partial W_i)_F^2 / (2 lambda sigma_min (A_i^top)^2 sigma_min (B_i V)^2) $
whenever both singular values are positive.
""",
    derivation=r"""
*The first inequality.* For a matrix $A^top$ with $p$ columns, $norm(A^top z) >= sigma_min (A^top)
norm(z)$ for every $z in RR^p$; applied column by column, $norm(A^top Z)_F >= sigma_min (A^top)
norm(Z)_F$. With $Z = G B_i^top$,
$ norm(A_i^top G B_i^top)_F >= sigma_min (A_i^top) norm(G B_i^top)_F. $
The rows of $G = (Wbar X^top - Y^top) X$ lie in the row space of $X$, so $G = H V^top$ with $H = G
V$ and $norm(H)_F = norm(G)_F$. Then $G B_i^top = H (B_i V)^top$, and applying the same bound to the
transpose $(B_i V) H^top$ gives $norm(G B_i^top)_F >= sigma_min (B_i V) norm(G)_F$.

*The second.* Let $hat(W)$ solve $hat(W) Sxx = Syx$ and put $Delta = Wbar - hat(W)$. Then
$G = Delta Sxx$, and the exact expansion of 2c around $hat(W)$, where the derivative is zero,
gives
$ Q(Wbar) - min Q = 1/2 norm(Delta X^top)_F^2 = 1/2 tr(Delta Sxx Delta^top). $
Every eigenvalue $mu$ of $Sxx$ is $0$ or at least $lambda$, so $mu^2 >= lambda mu$, and
$norm(G)_F^2 = tr(Delta Sxx^2 Delta^top) >= lambda tr(Delta Sxx Delta^top)$. So
$Q(Wbar) - min Q <= norm(G)_F^2 \/ (2 lambda)$. Finally $R - min R <= Q(Wbar) - min Q$, because
$min R >= min Q$. $square$

Read backwards, this is the quantitative form of 2f: if both singular values are positive, a
critical point has $G = 0$.
""",
    source="A quantitative form of homework 2(f).",
    assumptions=(r"$X eq.not 0$, so that $lambda$ exists.",),
    attack=_attack,
    subject=CertificateSubject(_smallest_product, _library_certificate),
    evidence=EvidenceLabel.NUMERIC,
    finding=(
        "Gradient-based search for layers and errors that push the derivative below the bound; "
        "optimality_certificate against exact ranks and exact excess risks on integer problems."
    ),
)

CLAIMS = (CERTIFICATE,)
