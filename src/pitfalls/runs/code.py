"""The fingerprint of the code that computes a run: comments, docstrings and layout do not count.

It covers the module of the experiment's run function and every module of this package that it imports,
directly or through others, inside functions too. Left out is what computes nothing that a run keeps:
the command line, the report, figures and prose, and the run folders themselves (what they write is
read back checked). ``from pitfalls.linear import classify`` leads to the module that holds ``classify``,
because a package's ``__init__`` only lists names. The versions of other libraries stand in the manifest.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from pitfalls.errors import RunError
from pitfalls.runs.atomic import write_json

__all__ = ["code_modules", "drawing_code", "fingerprint"]

PACKAGE = "pitfalls"
SOURCE = Path(__file__).resolve().parents[1]
DRAWS = ("plots", "prose")
COMPUTES_NOTHING = ("cli", "frame", "report", "runs", *DRAWS)

Import = tuple[int, str, str, str]
"""Dots in front, module, name (empty for ``import module``, ``*`` for all of it), name here."""

Summary = tuple[str, list[Import]]
"""Digest of a file's meaning, and what it imports."""


@cache
def fingerprint(entry: str) -> str | None:
    """Return 12 hexadecimal digits of the code behind a run function.

    Parameters
    ----------
    entry : str
        The module that holds the run function.

    Returns
    -------
    str or None
        None if this package has no such module (any more).
    """
    return _fingerprint(entry, COMPUTES_NOTHING)


@cache
def drawing_code(entry: str) -> str | None:
    """Return 12 hexadecimal digits of the code behind figures: what computes them and what draws.

    Parameters
    ----------
    entry : str
        The module that holds the figures.
    """
    return _fingerprint(entry, tuple(name for name in COMPUTES_NOTHING if name not in DRAWS))


def _fingerprint(entry: str, left_out: tuple[str, ...]) -> str | None:
    if not _files(entry):
        return None
    modules = code_modules(entry, left_out)
    _remember()
    text = "\n".join(
        f"{name} {_read(file)[0]}" for name in sorted(modules) for file in _files(name)
    )
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def code_modules(entry: str, left_out: tuple[str, ...] = COMPUTES_NOTHING) -> frozenset[str]:
    """Return the modules that the fingerprint of ``entry`` covers."""
    found: set[str] = set()
    left = [entry]
    while left:
        module = left.pop()
        if module in found or _is_one_of(module, left_out):
            continue
        found.add(module)
        left.extend(_targets(module, _imported(module)))
    return frozenset(found)


def _is_one_of(module: str, names: tuple[str, ...]) -> bool:
    inside = module.removeprefix(f"{PACKAGE}.")
    return any(inside == name or inside.startswith(f"{name}.") for name in names)


# -- from imports to modules ----------------------------------------------------------------------


def _targets(module: str, imports: Iterable[Import]) -> Iterator[str]:
    for dots, named, name, _ in imports:
        source = _absolute(module, dots, named)
        if source == PACKAGE or source.startswith(f"{PACKAGE}."):
            yield from _resolve(source, name)


@cache
def _resolve(source: str, name: str) -> tuple[str, ...]:
    """Return the modules that ``from source import name`` brings in."""
    if not _is_package(source):
        return (source,) if _files(source) else ()
    listed = _listing(source)
    if name in ("", "*"):  # the package as a whole: whatever it lists may be used
        return (source, *(m for target in listed.values() for m in _resolve(*target)))
    if _files(f"{source}.{name}"):
        return _resolve(f"{source}.{name}", "")
    if name in listed:
        return _resolve(*listed[name])
    return (source,)  # the __init__ itself makes it


@cache
def _listing(package: str) -> dict[str, tuple[str, str]]:
    """Return where a package's ``__init__`` takes its names from; a stub beside it says it for lazy ones."""
    sources = (
        (alias, (_absolute(package, dots, named), name))
        for dots, named, name, alias in _imported(package)
    )
    return {alias: source for alias, source in sources if source[0].startswith(f"{PACKAGE}.")}


def _absolute(module: str, dots: int, named: str) -> str:
    if not dots:
        return named
    parts = module.split(".")
    above = parts[: len(parts) - dots + _is_package(module)]
    return ".".join([*above, named] if named else above)


def _path(module: str) -> Path:
    return SOURCE.joinpath(*module.split(".")[1:])


@cache
def _is_package(module: str) -> bool:
    return (_path(module) / "__init__.py").is_file()


def _imported(module: str) -> list[Import]:
    return [found for file in _files(module) for found in _read(file)[1]]


@cache
def _files(module: str) -> tuple[Path, ...]:
    """Return a module's file; of a package the ``__init__`` and the stub that lists lazy names."""
    if module != PACKAGE and not module.startswith(f"{PACKAGE}."):
        return ()
    path = _path(module)
    if _is_package(module):
        return tuple(p for p in (path / "__init__.pyi", path / "__init__.py") if p.is_file())
    file = path.with_suffix(".py")
    return (file,) if file.is_file() else ()


# -- what a module says and imports ---------------------------------------------------------------

_memory: dict[str, Summary] = {}
_new = False


@cache
def _read(file: Path) -> Summary:
    """Return a file's digest and imports; parsed once for each content, then remembered on disk."""
    global _new
    data = file.read_bytes()
    key = hashlib.sha256(data).hexdigest()
    known = _recall()
    if key not in known:
        tree = ast.parse(data)
        imports = sorted(set(_imports(tree)))
        digest = hashlib.sha256("".join(_canonical(tree)).encode(errors="surrogatepass"))
        known[key] = (digest.hexdigest(), imports)
        _new = True
    return known[key]


def _imports(node: ast.AST) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue  # types compute nothing
        if isinstance(child, ast.Import):
            yield from ((0, alias.name, "", "") for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                yield child.level, child.module or "", alias.name, alias.asname or alias.name
        else:
            yield from _imports(child)


def _canonical(node: object) -> Iterator[str]:
    """Write a syntax tree without positions, docstrings and what is empty."""
    if isinstance(node, ast.AST):
        yield f"{type(node).__name__}("
        for name, value in ast.iter_fields(node):
            if value is not None and value != [] and name not in ("ctx", "kind", "type_comment"):
                yield f"{name}="
                yield from _canonical(value)
        yield ")"
    elif isinstance(node, list):
        for item in node:
            if not _is_text_alone(item):
                yield from _canonical(item)
                yield ","
    else:
        yield repr(node)


def _is_text_alone(node: object) -> bool:
    # a docstring, or a text that stands for a comment: neither does anything
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _store() -> Path:
    # syntax trees differ a little between Python's versions
    name = f"code-{sys.version_info[0]}.{sys.version_info[1]}.json"
    return user_cache_path(PACKAGE, appauthor=False) / name


def _recall() -> dict[str, Summary]:
    """Return what is known; a damaged file counts as none."""
    if not _memory:
        try:
            stored = json.loads(_store().read_bytes())
            if stored["sha256"] == _digest(stored["modules"]):
                for key, (digest, imports) in stored["modules"].items():
                    _memory[key] = (digest, [(d, m, n, a) for d, m, n, a in imports])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            _memory.clear()
    return _memory


def _remember() -> None:
    global _new
    if _new:
        _new = False
        most = dict(list(_memory.items())[-2000:])
        try:
            write_json(_store(), {"sha256": _digest(most), "modules": most}, indent=None)
        except RunError:
            return  # a home that may only be read: the next process reads the sources again


def _digest(modules: object) -> str:
    return hashlib.sha256(json.dumps(modules).encode()).hexdigest()
