"""What takes torchvision's place where it is missing: ``transforms``, and a reason for all the rest.

A name that is not there costs nothing while the work is imported. Called, it says what is missing, so
that only the answer is lost that needs it.
"""

import importlib
import sys
import types
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any, Final

from torch import nn

from pitfalls.course.grading import transforms

__all__ = ["install"]

PLACE: Final = "torchvision"
TRANSFORMS: Final = tuple(f"{PLACE}.transforms{end}" for end in ("", ".v2", ".transforms"))
FUNCTIONS: Final = tuple(f"{PLACE}.transforms{end}.functional" for end in ("", ".v2"))
ALIASES: Final = {
    "center_crop": ("center_crop_image",),
    "hflip": ("horizontal_flip",),
    "pil_to_tensor": ("to_image",),
    "to_dtype": ("to_dtype_image",),
}
"""The v2 functions' further names."""


def install() -> None:
    """Let every import of torchvision, and of what is in it, find something."""
    # before Python's own: an installation that cannot be imported is none
    sys.meta_path.insert(0, _Finder())
    for name in [name for name in sys.modules if name.split(".")[0] == PLACE]:
        del sys.modules[name]


class _Open(type):
    """Lets a class have any attribute: itself."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return cls


class _Finder(MetaPathFinder, Loader):
    """Makes ``torchvision`` and any module of it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.split(".")[0] != PLACE:
            return None
        return ModuleSpec(name, self, is_package=True)

    def exec_module(self, module: types.ModuleType) -> None:
        name = module.__name__
        if name == PLACE:
            vars(module).update(__version__="0.0", disable_beta_transforms_warning=lambda: None)
        if name in (*TRANSFORMS, *FUNCTIONS):
            vars(module).update({n: vars(transforms)[n] for n in transforms.__all__})
        if name in FUNCTIONS:
            for held, others in ALIASES.items():
                vars(module).update(dict.fromkeys(others, vars(transforms)[held]))
        vars(module)["__getattr__"] = _rest(name)


def _rest(module: str) -> Callable[[str], Any]:
    """Return the function that Python asks for the names that a module has not."""

    def find(name: str) -> Any:
        full = f"{module}.{name}"
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if module == PLACE or full in (*TRANSFORMS, *FUNCTIONS):
            return importlib.import_module(full)
        on_pictures = name.islower() and module.startswith(TRANSFORMS[0])
        return _missing_function(full) if on_pictures else _missing_class(full)

    return find


def _reason(name: str) -> str:
    known = ", ".join(n for n in transforms.__all__ if n[0].isupper())
    return f"{name} is not here: the grader runs without {PLACE}, and knows {known}"


def _missing_function(name: str) -> Callable[..., Any]:
    def missing(*_: Any, **__: Any) -> Any:
        raise RuntimeError(_reason(name))

    return missing


def _missing_class(name: str) -> type[nn.Module]:
    """Make a class that takes any arguments, and says what is missing when its objects are called."""

    class Missing(nn.Module, metaclass=_Open):
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__()

        forward = _missing_function(name)

    return Missing
