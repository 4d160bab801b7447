"""Networks by name: this library's two, or a user's own from a file or a module."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from pitfalls.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["build_model", "describe_model"]


def build_model(model: str, n_classes: int = 10, in_channels: int = 3) -> "nn.Module":
    """Build a network by name: ``resnet18``, ``fastnet``, or a user's own.

    Parameters
    ----------
    model : str
        ``file.py:Name`` or ``package.module:Name`` is imported, which runs it as the user's own code,
        and called without arguments; no such name may come from a run folder or a data set. Its
        imports find what lies beside the file, or in the current folder for a module.
    n_classes, in_channels : int
        For the two networks of this library.

    Raises
    ------
    InputError
        If there is no such network, or it cannot be built.
    """
    from torch import nn

    from pitfalls.images import FastNet, ResNet18

    if model == "resnet18":
        return ResNet18(n_classes=n_classes, in_channels=in_channels)
    if model == "fastnet":
        return FastNet(n_classes=n_classes, in_channels=in_channels)
    where, colon, name = model.rpartition(":")
    if not (where and colon and name):
        raise InputError(
            f"model must be resnet18, fastnet, file.py:Name or package.module:Name, got {model!r}."
        )
    is_file = where.endswith(".py")
    try:
        with _imports_from(Path(where).parent if is_file else Path()):
            module = _run_file(where) if is_file else importlib.import_module(where)
            built = getattr(module, name)()
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"model {model!r} could not be built: {reason}") from error
    if not isinstance(built, nn.Module):
        raise InputError(f"model {model!r} gave a {type(built).__name__}, not a torch nn.Module.")
    return built


def describe_model(
    model: str,
    input_shape: tuple[int, ...] = (3, 32, 32),
    inputs: "tuple[Tensor, ...] | None" = None,
) -> str:
    """Return a digest of what is shown of a user's network, "" for this library's own.

    An edit in any file that it comes from gives another digest if it changes the network.

    Parameters
    ----------
    model : str
        As `build_model` takes it.
    input_shape : tuple of int
        (C, H, W) of one image.
    inputs : tuple of Tensor, optional
        What to call it with instead.

    Raises
    ------
    InputError
        If the network cannot be built, or does not run on such images.
    """
    if ":" not in model:
        return ""
    from pitfalls.diagram import diagram, summary  # torch, which a run made before does not need

    built = build_model(model)
    shown = summary(built, input_shape, inputs=inputs, depth=99)
    shown += diagram(built, input_shape, inputs=inputs)
    return hashlib.sha256(shown.encode()).hexdigest()


@contextmanager
def _imports_from(folder: Path) -> Iterator[None]:
    """Let imports find what lies in the folder, and forget the user's modules afterwards.

    What stayed in ``sys.modules`` would hide an edit, or another project's file of the same name,
    from the next build of this process. Bytecode would hide an edit within the same second.
    """
    entry = str(folder.resolve())
    known, writes_none = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, entry)
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_none
        if entry in sys.path:
            sys.path.remove(entry)
        for name in set(sys.modules) - known:
            # Installed packages stay: many register things with torch, which can be done once only.
            if name.partition(".")[0] not in known and _is_users(name):
                del sys.modules[name]


def _is_users(name: str) -> bool:
    """Whether a module is neither installed nor part of Python."""
    if name.partition(".")[0] in sys.stdlib_module_names:
        return False
    module = sys.modules[name]
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    parts = {part for place in places if place for part in Path(place).parts}
    return bool(parts) and not parts & {"site-packages", "dist-packages"}


def _run_file(file: str) -> ModuleType:
    name = "_network_of_the_user"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up while they are made
    spec.loader.exec_module(module)
    return module
