"""The code excerpts of the write-up, taken from the library's own source so that they never go stale."""

import ast
import importlib
import inspect
import re
import textwrap
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

__all__ = ["BY_HAND", "EXCERPTS", "Listing", "by_hand", "listing", "listings"]

EXCERPTS = {
    "factorize": "pitfalls.linear:factorize",
    "layer-gradients": "pitfalls.linear:SquaredRisk.layer_gradients",
    "network": "pitfalls.parity:TwoLayerReLU.__init__",
    "network-forward": "pitfalls.parity:TwoLayerReLU.forward",
    "triads": "pitfalls.parity.represent.construction:_triads",
    "exact-network": "pitfalls.parity:exact_network",
    "hinge-loss": "pitfalls.parity.loss:HingeLoss.per_sample",
    "hinge-shapes": "pitfalls.parity.loss:_match",
    "random-crop": "pitfalls.images.training.augmentation:RandomCrop",
    "random-flip": "pitfalls.images.training.augmentation:RandomHorizontalFlip",
    "constant": "pitfalls.images.training.schedules:_constant",
    "annealed": "pitfalls.images.training.schedules:_annealed",
    "special": "pitfalls.images.training.schedules:_special",
}
"""The parts of the homework that ask for code, and what shows it."""

BY_HAND = {
    "student-network": ("pitfalls.py", "Network"),
    "student-weights": ("pitfalls.py", "set_weights_as_printed"),
    "student-correction": ("pitfalls.py", "correct_weights"),
    "student-loss": ("pitfalls.py", "myLoss"),
    "student-loop": ("pitfalls.py", "train"),
    "student-transform": ("cifar10.py", "transform_train"),
    "student-schemes": ("cifar10.py", "constant", "annealed"),
}
"""The same by hand, from the homework's two scripts: what a grader wants to see of a student."""


@dataclass(frozen=True)
class Listing:
    """An excerpt of the library's source.

    Attributes
    ----------
    name : str
        Where it stands: ``pitfalls.parity.hinge_loss``.
    text : str
        The source without docstrings.
    """

    name: str
    text: str


def listing(where: str) -> Listing:
    """Return the source of an object given as ``module:qualified.name``, docstrings left out.

    Examples
    --------
    >>> print(listing("pitfalls.errors:CapacityError").text)
    class CapacityError(InputError):
        ...
    """
    module, _, path = where.partition(":")
    found = attrgetter(path)(importlib.import_module(module))
    return Listing(
        f"{module}.{path}", _without_docstrings(inspect.getsource(inspect.unwrap(found)))
    )


def listings() -> dict[str, Listing]:
    """Return every excerpt by the name that the chapters use."""
    return {name: listing(where) for name, where in EXCERPTS.items()} | {
        name: by_hand(file, *names) for name, (file, *names) in BY_HAND.items()
    }


def by_hand(file: str, *names: str) -> Listing:
    """Return functions, classes and assignments of one of the homework's scripts, docstrings left out.

    Examples
    --------
    >>> print(by_hand("cifar10.py", "annealed").text)
    def annealed(previous_rate, epoch, batch, n_batches):
        return previous_rate * 0.99
    """
    source = (_scripts() / file).read_text(encoding="utf-8")
    nodes: dict[str, ast.stmt] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            nodes[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            nodes[node.targets[0].id] = node
    lines = source.splitlines()
    parts = []
    for name in names:
        node = nodes[name]
        first = min([node, *getattr(node, "decorator_list", [])], key=lambda part: part.lineno)
        text = "\n".join(lines[first.lineno - 1 : node.end_lineno])
        parts.append(re.sub(r"  # noqa.*", "", _without_docstrings(text)))
    return Listing(f"examples/cs189/{file}: {', '.join(names)}", "\n\n".join(parts))


def _scripts() -> Path:
    """Return where the scripts lie: beside this file in an installed package, else in the checkout."""
    packed = Path(__file__).parent / "cs189"
    return packed if packed.is_dir() else Path(__file__).parents[3] / "examples" / "cs189"


def _without_docstrings(source: str) -> str:
    """Cut docstrings out of the text, so that comments and layout stay as they were written."""
    source = textwrap.dedent(source)
    lines: list[str | None] = list(source.splitlines())
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0]
        if not (
            isinstance(first, ast.Expr)
            and isinstance(first.value, ast.Constant)
            and isinstance(first.value.value, str)
        ):
            continue
        end = first.end_lineno or first.lineno
        for i in range(first.lineno - 1, end):
            lines[i] = None
        if len(node.body) == 1:
            lines[first.lineno - 1] = " " * first.col_offset + "..."
        elif end < len(lines) and lines[end] == "":
            lines[end] = None
    return "\n".join(line for line in lines if line is not None)
