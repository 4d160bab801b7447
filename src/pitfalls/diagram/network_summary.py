"""A network's layers in a table: shapes, parameters, multiplications, each counted once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.utils.prune import BasePruningMethod
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from pitfalls.diagram.example_run import (
    Inputs,
    example_of,
    plain_module,
    run_once,
    tensors_of,
    watched_modules,
)

__all__ = ["LayerRow", "LayerTable", "layer_table", "summary"]

NAMES = ("Layer", "Output shape", "Kernel", "Params", "Mult-adds")


@dataclass(frozen=True)
class LayerRow:
    """One module of a network.

    Attributes
    ----------
    name : str
        Dotted; "" for the network itself.
    kind : str
        Its class.
    level : int
        How deep it lies, from 0.
    shape : tuple of int or None
        Of its first result on the first call, batch axis included; None if it was not called or
        gave no tensor.
    kernel : str
        "3×3"; "" where there is none.
    n_calls : int
    n_parameters : int
        Values of parameters that no row before has: its own, and where it is not opened those of all
        the modules in it.
    n_tied : int
        Values of parameters that a row before has.
    mult_adds : int
        Multiplications of its products and convolutions, all calls together, with those of the
        modules in it.
    """

    name: str
    kind: str
    level: int
    shape: tuple[int, ...] | None
    kernel: str
    n_calls: int
    n_parameters: int
    n_tied: int
    mult_adds: int


@dataclass(frozen=True)
class LayerTable:
    """What a network consists of.

    Attributes
    ----------
    rows : tuple of LayerRow
        Modules before what is in them, in the order in which they were first called.
    n_trainable, n_frozen : int
        Values of parameters, each tensor once.
    n_pruned : int
        How many of them a mask of `torch.nn.utils.prune` holds at zero.
    mult_adds : int
    """

    rows: tuple[LayerRow, ...]
    n_trainable: int
    n_frozen: int
    n_pruned: int
    mult_adds: int

    @property
    def n_parameters(self) -> int:
        """Values of all parameters, each tensor once."""
        return self.n_trainable + self.n_frozen

    def __str__(self) -> str:
        """Lay the table out in columns of plain text."""
        lines = [NAMES, *(_cells(row) for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(NAMES))]
        laid = [
            "  ".join(
                cell.ljust(width) if i < 3 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        rule = "─" * max(map(len, laid))
        totals = [
            f"Total params: {self.n_parameters:,}",
            f"Trainable params: {self.n_trainable:,}",
            f"Frozen params: {self.n_frozen:,}",
        ]
        if self.n_pruned:
            totals.append(f"Pruned to zero: {self.n_pruned:,} of them")
        totals.append(f"Mult-adds: {self.mult_adds:,}")
        return "\n".join([laid[0], rule, *laid[1:], rule, *totals])


def summary(
    model: nn.Module,
    input_shape: Sequence[int] = (3, 32, 32),
    *,
    inputs: Inputs | None = None,
    depth: int = 3,
) -> str:
    """Return a table of the layers of ``model`` as text; `layer_table` has its numbers.

    Parameters
    ----------
    model, input_shape, inputs, depth
        As `layer_table` takes them.

    Raises
    ------
    InputError
        If the network does not run on such inputs.

    Examples
    --------
    >>> print(summary(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (3, 8, 8)))
    Layer        Output shape  Kernel  Params  Mult-adds
    ────────────────────────────────────────────────────
    Sequential   [1, 8, 6, 6]                      7,776
      0: Conv2d  [1, 8, 6, 6]  3×3        224      7,776
      1: ReLU    [1, 8, 6, 6]
    ────────────────────────────────────────────────────
    Total params: 224
    Trainable params: 224
    Frozen params: 0
    Mult-adds: 7,776
    """
    return str(layer_table(model, input_shape, inputs=inputs, depth=depth))


def layer_table(
    model: nn.Module,
    input_shape: Sequence[int] = (3, 32, 32),
    *,
    inputs: Inputs | None = None,
    depth: int = 3,
) -> LayerTable:
    """Run ``model`` once and count what its layers are, have and do.

    Parameters
    ----------
    model : nn.Module
        Any network; its mode, weights and buffers stay as they are. Lazy layers take shape in a copy,
        compiled modules run as they were written, those of TorchScript are one layer each.
    input_shape : sequence of int, default=(3, 32, 32)
        (C, H, W) of one image, or the shape of whatever one example is, in the model's own dtype.
    inputs : Tensor, sequence or mapping, optional
        What to call the network with instead: a batch of tokens, several arguments, or arguments by
        name.
    depth : int, default=3
        How many levels of modules to open.

    Returns
    -------
    LayerTable

    Raises
    ------
    InputError
        If the network does not run on such inputs.

    Examples
    --------
    >>> tied = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    >>> tied[1].weight = tied[0].weight
    >>> table = layer_table(tied, (4,))
    >>> table.n_parameters, [(row.n_parameters, row.n_tied) for row in table.rows[1:]]
    (16, [(16, 0), (0, 16)])
    """
    model = plain_module(model, input_shape, inputs)
    example = example_of(model, input_shape, inputs)
    seen: dict[str, _Seen] = {}
    with _Multiplications() as counter:  # type: ignore[no-untyped-call, unused-ignore]

        def enter(name: str, _: nn.Module) -> None:
            at = seen.setdefault(name, _Seen(order=len(seen)))
            at.n_calls += 1
            at.before.append(counter.total)

        def leave(name: str, _: nn.Module, __: Any, result: Any) -> None:
            at = seen[name]
            at.mult_adds += counter.total - at.before.pop()
            given = tensors_of(result)
            if at.shape is None and given:
                at.shape = tuple(given[0].shape)

        with watched_modules(model, enter, leave):
            run_once(model, example, images=inputs is None)
    counted: set[int] = set()
    rows = tuple(_rows(model, "", 0, depth, seen, counted))
    parameters = {id(p): p for p in model.parameters()}.values()
    return LayerTable(
        rows=rows,
        n_trainable=sum(p.numel() for p in parameters if p.requires_grad),
        n_frozen=sum(p.numel() for p in parameters if not p.requires_grad),
        n_pruned=_pruned(model),
        mult_adds=counter.total,
    )


class _Multiplications(TorchDispatchMode):  # type: ignore[misc, no-untyped-call, unused-ignore]
    """Adds up what torch's own formulas count, without torch's counter, which loads a compiler."""

    total = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to say so would load the compiler too

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=result) // 2
        return result


@dataclass
class _Seen:
    """What was seen of one module."""

    order: int
    n_calls: int = 0
    shape: tuple[int, ...] | None = None
    mult_adds: int = 0
    before: list[int] = field(default_factory=list)


def _rows(
    module: nn.Module,
    name: str,
    level: int,
    depth: int,
    seen: dict[str, _Seen],
    counted: set[int],
) -> Iterator[LayerRow]:
    """Yield a module's row and those of what is in it; ``counted`` holds the parameters so far."""
    inner = {} if isinstance(module, torch.jit.ScriptModule) else dict(module.named_children())
    opened = level < depth and bool(inner)
    own = {id(p): p.numel() for p in module.parameters(recurse=not opened)}
    new = {key: n for key, n in own.items() if key not in counted}
    counted.update(own)
    at = seen.get(name) or _Seen(order=-1)
    yield LayerRow(
        name=name,
        kind=str(getattr(module, "original_name", type(module).__name__)),
        level=level,
        shape=at.shape,
        kernel=_kernel(module),
        n_calls=at.n_calls,
        n_parameters=sum(new.values()),
        n_tied=sum(own.values()) - sum(new.values()),
        mult_adds=at.mult_adds,
    )
    if not opened:
        return
    prefix = f"{name}." if name else ""

    def first_call(child: str) -> int:
        path = prefix + child
        orders = [s.order for key, s in seen.items() if key == path or key.startswith(f"{path}.")]
        return min(orders, default=len(seen))

    for child in sorted(inner, key=first_call):
        yield from _rows(inner[child], prefix + child, level + 1, depth, seen, counted)


def _cells(row: LayerRow) -> tuple[str, ...]:
    indent, last = "  " * row.level, row.name.rpartition(".")[2]
    times = f" ×{row.n_calls}" if row.n_calls > 1 else ""
    shape = str(list(row.shape)) if row.shape is not None else "" if row.n_calls else "not called"
    parameters = f"{row.n_parameters:,}" if row.n_parameters else ""
    if row.n_tied:
        tied = f"({row.n_tied:,} tied)"
        parameters = f"{parameters} {tied}".strip()
    label = f"{indent}{last}: {row.kind}{times}" if last else f"{indent}{row.kind}{times}"
    return (label, shape, row.kernel, parameters, f"{row.mult_adds:,}" if row.mult_adds else "")


def _kernel(module: nn.Module) -> str:
    size = getattr(module, "kernel_size", None)
    if isinstance(size, tuple | list):
        return "×".join(map(str, size))
    return str(int(size)) if isinstance(size, int | torch.Tensor) else ""


def _pruned(model: nn.Module) -> int:
    """How many values masks hold at zero."""
    masks: dict[int, torch.Tensor] = {}
    for module in model.modules():
        for hook in module._forward_pre_hooks.values():
            if isinstance(hook, BasePruningMethod):
                mask = getattr(module, f"{hook._tensor_name}_mask")
                masks[id(getattr(module, f"{hook._tensor_name}_orig"))] = mask
    return sum(int((mask == 0).sum()) for mask in masks.values())
