"""A network's Hessian as products with vectors, which cost about three gradients each.

References
----------
B. A. Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6 (1994).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from pitfalls.diagnosis.slopes import precise_risk
from pitfalls.diagnosis.subject import Subject, dense

__all__ = ["Hessian"]

Floats = NDArray[np.float64]


class Hessian:
    """Hessian of the mean loss over a batch in all trainable parameters, as an operator.

    Evaluation mode, float64 where the model runs in it. Names and shapes order the flat vector.

    Parameters
    ----------
    subject : Subject
    rows : array of int
        The batch.
    precise : bool
        Whether to try float64 first; products of large networks are several times dearer in it.
    """

    def __init__(self, subject: Subject, rows: NDArray[np.int64], *, precise: bool = True) -> None:
        self._subject, self.rows = subject, rows
        self._risk, everything, self.dtype = precise_risk(subject, rows, precise=precise)
        self.names = tuple(subject.trainable())
        self._fixed = {n: p for n, p in everything.items() if n not in self.names}
        self.at = {n: everything[n].clone().requires_grad_(True) for n in self.names}
        self.size = sum(p.numel() for p in self.at.values())
        self.products = 0
        self.curved: set[str] = set()  # parameters in which any product was not zero
        self._graph: tuple[Tensor | None, ...] | None = None

    def value(self, shift: Floats | None = None) -> float:
        """Loss at the present point, or shifted by a vector of shape (P,)."""
        with torch.no_grad(), self._mode():
            parts = self.split(shift) if shift is not None else None
            moved = {n: p.detach() + (0 if parts is None else parts[n]) for n, p in self.at.items()}
            return float(self._risk({**moved, **self._fixed}))

    def gradient(self) -> Floats:
        """Gradient, of shape (P,)."""
        return self._flat(self._slopes())

    def times(self, vector: Floats) -> Floats:
        """Product with a vector of shape (P,)."""
        direction = self.split(np.asarray(vector, dtype=np.float64).reshape(-1))
        with torch.enable_grad(), self._mode(), self._subject.users_code("the Hessian product"):
            slopes = {
                name: slope
                for name, slope in zip(self.at, self._slopes(), strict=True)
                if slope is not None and slope.requires_grad
            }
            if not slopes:
                return np.zeros(self.size)
            second = torch.autograd.grad(
                list(slopes.values()),
                list(self.at.values()),
                [direction[name] for name in slopes],
                retain_graph=True,
                allow_unused=True,
            )
        self.products += 1
        self.curved |= {
            n for n, t in zip(self.at, second, strict=True) if t is not None and t.any()
        }
        self._subject.count(products=1, examples=len(self.rows))
        return self._flat(second)

    def _slopes(self) -> tuple[Tensor | None, ...]:
        """Gradients as functions of the point: one graph serves all products, each its second half."""
        if self._graph is None:
            with torch.enable_grad(), self._mode():
                value = self._risk({**self.at, **self._fixed})
                at = list(self.at.values())
                self._graph = (None,) * len(at)
                if value.requires_grad:
                    with self._subject.users_code("the backward pass"):
                        self._graph = torch.autograd.grad(
                            value, at, create_graph=True, allow_unused=True
                        )
            self._subject.count(gradients=1, examples=len(self.rows))
        return self._graph

    def split(self, vector: Floats) -> dict[str, Tensor]:
        """Cut a flat vector into parameters by name."""
        parts, at = {}, 0
        for name, parameter in self.at.items():
            part = torch.from_numpy(vector[at : at + parameter.numel()].copy())
            parts[name] = part.reshape(parameter.shape).to(parameter)
            at += parameter.numel()
        return parts

    def _flat(self, parts: tuple[Tensor | None, ...]) -> Floats:
        flat = [
            (torch.zeros_like(p) if g is None else dense(g)).detach().double().flatten().cpu()
            for p, g in zip(self.at.values(), parts, strict=True)
        ]
        found: Floats = torch.cat(flat).numpy()
        return found

    @contextmanager
    def _mode(self) -> Iterator[None]:
        # fused attention and cuDNN's recurrent kernels have no second derivative
        with (
            self._subject.mode("eval"),
            sdpa_kernel(SDPBackend.MATH),
            torch.backends.cudnn.flags(enabled=False),
        ):
            yield
