"""The public names with their signatures: a change of them is seen in the change itself.

Written anew by ``python -m tests.public_api``.
"""

import inspect
import sys
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path

PACKAGES = (
    "pitfalls",
    "pitfalls.claims",
    "pitfalls.diagnosis",
    "pitfalls.diagram",
    "pitfalls.images",
    "pitfalls.linear",
    "pitfalls.moments",
    "pitfalls.parity",
    "pitfalls.runs",
)
SNAPSHOT = Path(__file__).with_name("public_api.txt")


def lines() -> list[str]:
    return [line for package in PACKAGES for line in _package(package)]


def _package(package: str) -> list[str]:
    module = import_module(package)
    return [
        line
        for name in module.__all__
        for line in _entry(f"{package}.{name}", getattr(module, name))
    ]


def _entry(name: str, thing: object) -> list[str]:
    if inspect.ismodule(thing):
        return [f"{name}: module"]
    if not isinstance(thing, type):
        return [
            f"{name}{_signature(thing)}" if callable(thing) else f"{name}: {type(thing).__name__}"
        ]
    if is_dataclass(thing):
        own = [f"{name}({', '.join(field.name for field in fields(thing) if field.init)})"]
    else:
        own = [f"{name}{_signature(thing)}"]
    for member, value in sorted(vars(thing).items()):
        if member.startswith("_") or (is_dataclass(thing) and member in thing.__dataclass_fields__):
            continue
        if isinstance(value, classmethod | staticmethod):
            value = value.__func__
        if isinstance(value, property):
            own.append(f"{name}.{member}: property")
        elif inspect.isfunction(value):
            own.append(f"{name}.{member}{_signature(value)}")
    return own


def _signature(thing: object) -> str:
    try:
        signature = inspect.signature(thing)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "(...)"
    shown = [
        parameter.replace(
            annotation=inspect.Parameter.empty,
            default=_Shown(parameter.default)
            if parameter.default is not parameter.empty
            else parameter.empty,
        )
        for parameter in signature.parameters.values()
    ]
    return str(inspect.Signature(shown))


class _Shown:
    """A default as it is shown: without the address of what has no other name."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        plain = self.value is None or isinstance(self.value, bool | int | float | str | tuple)
        return (
            repr(self.value)
            if plain
            else f"<{getattr(self.value, '__name__', type(self.value).__name__)}>"
        )


def written() -> str:
    return "\n".join(lines()) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(written(), encoding="utf-8")
    sys.exit(0)
