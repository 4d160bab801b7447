"""The network under examination: model, loss, examples and optimizer, and every way to run them."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from pitfalls.diagnosis.adapter import call
from pitfalls.diagnosis.cards import Cost
from pitfalls.diagnosis.clock import Stopwatch
from pitfalls.diagnosis.guard import SAME_NUMBERS, StateGuard, same_numbers, seed_all
from pitfalls.diagnosis.nested import Nest, join, leaves, map_leaves, select
from pitfalls.diagnosis.samples import Samples
from pitfalls.errors import InputError
from pitfalls.escaping import first_line

__all__ = ["Mode", "Subject", "SubjectError"]

Mode: TypeAlias = Literal["given", "eval", "steady", "inference", "trained"]
"""``given``: as the user left it; ``eval``: evaluation mode; ``steady``: batch norm as the user left it.

Where evaluation gives outputs of another kind than training, these two leave the user's own modules as
they were. ``inference`` never does, ``trained`` always.
"""

_CHUNK = 256
_ENTROPY = 0x70697466616C6C73  # keeps our streams apart from a user's generator of the same seed


class SubjectError(InputError):
    """The user's own code failed when it was run."""


class Subject:
    """What the questions work on; lives inside a `StateGuard`.

    Parameters
    ----------
    model : Module
    loss : callable
        From (outputs, y) to one number.
    samples : Samples
        On the model's device.
    optimizer : Optimizer or None
    guard : StateGuard
    seconds : float
        Budget of the question at hand.
    seed : int
    who : str
        The function to name in errors.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Any,
        samples: Samples,
        optimizer: Any,
        guard: StateGuard,
        *,
        seconds: float,
        seed: int,
        who: str,
    ) -> None:
        self.model, self.loss, self.samples, self.optimizer = model, loss, samples, optimizer
        self.guard, self.who, self.seed = guard, who, seed
        self.device = next(model.parameters()).device
        self.differentiates = self.evaluates_otherwise = False  # until contact is made
        self.reenters = False
        self._forwards = self._gradients = self._products = self._examples = 0
        self.start("contact", seconds)

    # the question at hand

    def start(self, question: str, seconds: float) -> None:
        """Begin a question: its own generator, clock and counts, and the user's state."""
        self.guard.rewind()
        key = int.from_bytes(question.encode()[:7], "big")
        self.rng = np.random.default_rng(np.random.SeedSequence([_ENTROPY, self.seed, key]))
        self.seed_numbers(int(self.rng.integers(2**31)))
        self._watch = Stopwatch()
        self._seconds = seconds
        self._counts = (self._forwards, self._gradients, self._products, self._examples)

    def left(self) -> float:
        """Seconds left of the question's budget, negative when it is spent."""
        return self._seconds - self._watch.elapsed()

    def cost(self) -> Cost:
        """Return what the question has taken so far."""
        now = (self._forwards, self._gradients, self._products, self._examples)
        spent = [after - before for after, before in zip(now, self._counts, strict=True)]
        return Cost(self._watch.wall(), *spent)

    # running the user's code

    @property
    def n(self) -> int:
        """Number of examples."""
        return self.samples.n

    def parameters(self) -> dict[str, nn.Parameter]:
        """All parameters by name, each once."""
        return dict(self.model.named_parameters())

    def trainable(self) -> dict[str, nn.Parameter]:
        """Parameters that ask for a gradient, by name."""
        return {name: p for name, p in self.model.named_parameters() if p.requires_grad}

    @contextmanager
    def users_code(self, what: str) -> Iterator[None]:
        """Turn whatever the user's code raises into one line."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            raise SubjectError(
                f"{self.who}: {what} failed with {type(error).__name__}: {first_line(error)[:300]}"
            ) from error

    @contextmanager
    def mode(self, mode: Mode) -> Iterator[None]:
        """Set the training mode of all modules for a while."""
        before = [(m, m.training) for m in self.model.modules()]
        try:
            if mode != "given":
                own = mode == "trained" or (mode != "inference" and self.evaluates_otherwise)
                for module, training in before:
                    keeps = mode == "steady" and isinstance(module, nn.modules.batchnorm._BatchNorm)
                    module.training = training and (keeps or (own and _is_own(module)))
            yield
        finally:
            for module, training in before:
                module.training = training

    @property
    def changes_by_mode(self) -> bool:
        """Whether a module of the user's own class is in training mode, and may ask for it."""
        return any(m.training and _is_own(m) for m in self.model.modules())

    def same_numbers(self, seed: int = SAME_NUMBERS) -> AbstractContextManager[None]:
        """Let the network draw the same numbers each time inside, and go on as before outside."""
        return same_numbers(self.guard.own_generators, seed)

    @contextmanager
    def kept_buffers(self) -> Iterator[None]:
        """Put the model's buffers back at the end: batch norms move their statistics on the way."""
        kept = [(b, b.clone()) for b in self.model.buffers()]
        try:
            yield
        finally:
            for buffer, copied in kept:
                buffer.data.copy_(copied)

    def seed_numbers(self, seed: int) -> None:
        """Seed every generator that the network is known to draw from."""
        seed_all(self.guard.own_generators, seed)

    def batch(self, indices: Tensor | np.ndarray[Any, Any]) -> tuple[Nest, Nest]:
        """Copy examples out: what the model does to them in place stays with the copy."""
        rows = torch.as_tensor(indices, dtype=torch.int64)
        return select(self.samples.x, rows), select(self.samples.y, rows)

    def forward(self, x: Nest) -> Nest:
        """Run the model on a batch."""
        self._forwards += 1
        self._examples += len(next(leaves(x)))
        with self.users_code(f"the model on inputs of {shapes(x)}"):
            out = self.run(lambda: call(self.model, x))
        if not any(True for _ in leaves(out)):
            raise SubjectError(
                f"{self.who}: the model must give a tensor, or a tuple or dict of tensors. Got "
                f"{type(out).__name__}; wrap it in pitfalls.diagnosis.Adapter."
            )
        return out

    def run(self, forward: Callable[[], Nest]) -> Nest:
        """Run a forward pass; one that differentiates has its graph even where gradients are off."""
        if not self.differentiates or torch.is_grad_enabled():
            return forward()
        with torch.enable_grad():
            return map_leaves(Tensor.detach, forward())

    def loss_of(self, outputs: Nest, y: Nest) -> Tensor:
        """Run the loss; exactly one number must come."""
        with self.users_code(f"the loss on outputs of {shapes(outputs)} and labels of {shapes(y)}"):
            value = self.loss(outputs, y)
        if not isinstance(value, Tensor) or value.numel() != 1:
            came = shapes(value) if isinstance(value, Tensor) else type(value).__name__
            raise SubjectError(
                f"{self.who}: the loss must give one number for a batch. Got {came}; take its mean."
            )
        return value.reshape(())

    def risk(self, indices: Tensor | np.ndarray[Any, Any]) -> Tensor:
        """Loss of one batch, with its graph where gradients are on."""
        x, y = self.batch(indices)
        return self.loss_of(self.forward(x), y)

    def backward(self, value: Tensor, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Gradient of a loss in some tensors, zero where it does not reach them."""
        self._gradients += 1
        if not value.requires_grad:
            return [torch.zeros_like(t) for t in inputs]
        with self.users_code("the backward pass"):
            parts = self.slopes([value], inputs)
        return [
            torch.zeros_like(t) if g is None else dense(g)
            for t, g in zip(inputs, parts, strict=True)
        ]

    def slopes(
        self,
        outputs: Sequence[Tensor],
        inputs: Sequence[Tensor],
        flowing: Sequence[Tensor] | None = None,
        *,
        retain: bool = False,
    ) -> Sequence[Tensor | None]:
        """Gradients in leaves, None where they are not reached.

        What runs again on its way back by a backward pass of its own (checkpoints that re-enter) hands
        gradients out by accumulation alone.
        """
        if not self.reenters:
            return torch.autograd.grad(
                outputs, inputs, flowing, retain_graph=retain, allow_unused=True
            )
        every = list({id(t): t for t in (*self.model.parameters(), *inputs)}.values())
        kept = [t.grad for t in every]
        for t in every:
            t.grad = None
        try:
            torch.autograd.backward(outputs, flowing, retain_graph=retain)
            return [t.grad for t in inputs]
        finally:
            for t, gradient in zip(every, kept, strict=True):
                t.grad = gradient

    def count(self, *, gradients: int = 0, products: int = 0, examples: int = 0) -> None:
        """Book work done outside `forward` and `backward`."""
        self._gradients += gradients
        self._products += products
        self._examples += examples

    @torch.no_grad()
    def outputs(self, indices: np.ndarray[Any, Any], mode: Mode = "eval") -> Nest:
        """Compute outputs at many examples, in chunks where the mode leaves samples apart."""
        with self.mode(mode), self.same_numbers():
            if mode != "eval" or len(indices) <= _CHUNK or not self.rows_first:
                return self.forward(self.batch(indices)[0])
            # of equal length: a last one of a single example may come out squeezed
            parts = np.array_split(indices, -(-len(indices) // _CHUNK))
            return join([self.forward(self.batch(part)[0]) for part in parts])

    @property
    def labels_matter(self) -> bool:
        """Whether the loss looks at the labels, as it was at the user's weights."""
        if not hasattr(self, "_labels_matter"):
            from pitfalls.diagnosis.label_use import looks_at_labels  # it needs this class

            self._labels_matter = looks_at_labels(self)
        return self._labels_matter

    @property
    def constant_target(self) -> bool:
        """Whether all labels are one number and this is the task, as it was at the user's weights."""
        if not hasattr(self, "_constant_target"):
            from pitfalls.diagnosis.constant_target import is_constant_target  # it needs this class

            self._constant_target = is_constant_target(self)
        return self._constant_target

    @property
    def rows_first(self) -> bool:
        """Whether the first axis of every output counts the examples, and no other does."""
        if not hasattr(self, "_rows_first"):
            # two sizes: an axis of another meaning may be as long as one batch by chance
            sizes = sorted({min(3, self.n), min(2, self.n)})
            with torch.no_grad(), self.mode("eval"), self.same_numbers():
                seen = [
                    [t.shape for t in leaves(self.forward(self.batch(np.arange(few))[0]))]
                    for few in sizes
                ]
            self._rows_first = len({len(shapes) for shapes in seen}) == 1 and all(
                counting_axes(shapes, sizes) == [0] for shapes in zip(*seen, strict=True)
            )
        return self._rows_first


def counting_axes(shapes: Sequence[torch.Size], sizes: Sequence[int]) -> list[int]:
    """Return the axes that are as long as a batch, whatever its size; more than one for pairs."""
    if len({len(shape) for shape in shapes}) > 1:
        return []
    each = enumerate(zip(*shapes, strict=True))
    found = [axis for axis, lengths in each if list(lengths) == list(sizes)]
    return found[:1] if len(sizes) < 2 else found


def _is_own(module: nn.Module) -> bool:
    """Whether a module is of the user's own class, and no dropout or batch norm derived from torch's."""
    torchs = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)
    return not type(module).__module__.startswith("torch.") and not isinstance(module, torchs)


def dense(gradient: Tensor) -> Tensor:
    """Return a gradient with all its zeros: those of sparse embeddings come without."""
    return gradient.to_dense() if gradient.is_sparse else gradient


def widened(t: Tensor) -> Tensor:
    """Return a tensor's numbers in float64, of complex ones both parts."""
    own = t.detach()
    return (torch.view_as_real(own.resolve_conj()) if own.is_complex() else own).double()


def shapes(nest: Nest) -> str:
    """Describe the tensors of a nest: shape and dtype."""
    found = [f"{tuple(t.shape)} {str(t.dtype).removeprefix('torch.')}" for t in leaves(nest)]
    return " and ".join(found[:4]) if found else type(nest).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings of the user's code to ourselves: it runs many times here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
