"""A user's own part by name: ``file.py:name`` or ``package.module:name``, imported and fingerprinted.

Naming a part runs its code, as starting a script does. So a name is taken from what the user types or
writes in a program of theirs, never from a run folder or a data set.
"""

import ast
import hashlib
import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from pitfalls.errors import DataError, InputError, PitfallsError
from pitfalls.escaping import first_line

__all__ = [
    "build_named",
    "is_named",
    "load_named",
    "named_digest",
    "own_code",
    "read_arguments",
    "require_unchanged",
    "told_apart",
]

MODULE = "_part_of_the_user"


def is_named(name: str) -> bool:
    """Whether a name is a user's own: built-in ones have no colon."""
    return ":" in name


def told_apart(names: Iterable[str]) -> dict[str, str]:
    """Return what to call parts: by their last names, or by all where two would be called alike.

    A whole name has hyphens in place of slashes and colons: files and series are called by it.

    Examples
    --------
    >>> told_apart(["mlp", "net.py:Net"])
    {'mlp': 'mlp', 'net.py:Net': 'Net'}
    >>> list(told_apart(["a/net.py:Net", "b/net.py:Net"]).values())
    ['a-net.py-Net', 'b-net.py-Net']
    """
    last = {name: name.rpartition(":")[2] for name in names}
    taken = list(last.values())
    return {
        name: short if short == name or taken.count(short) == 1 else re.sub(r"[/\\:]+", "-", name)
        for name, short in last.items()
    }


def load_named(what: str, name: str) -> Any:
    """Import what a name stands for, which runs its module as the user's own code.

    Parameters
    ----------
    what : str
        What it is to be ("optimizer"): the first word of an error.
    name : str
        ``file.py:name`` or ``package.module:name``. Imports at the top of the file find what lies
        beside it, or in the current folder for a module.

    Raises
    ------
    InputError
        If there is no such thing, or its module fails; in one line.

    Examples
    --------
    >>> load_named("scale", "math:sqrt")(9.0)
    3.0
    """
    with _in_one_line(what, name, "found"), _imports_from(_folder(name)):
        return _look_up(name)


def build_named(what: str, name: str, arguments: Sequence[str] = (), **offered: Any) -> Any:
    """Call what a name stands for.

    Parameters
    ----------
    what, name
        As of `load_named`.
    arguments : sequence of str
        Keyword arguments as ``key=value``.
    **offered
        Given where the callable has a parameter of that name and ``arguments`` do not.

    Raises
    ------
    InputError
        If it cannot be found or its call fails; in one line.
    """
    given = read_arguments(what, arguments)
    with _in_one_line(what, name, "built"), _imports_from(_folder(name)):
        built = _look_up(name)
        known = _parameters(built)
        return built(**{k: v for k, v in offered.items() if k in known} | given)


@contextmanager
def own_code(what: str, name: str | None) -> Iterator[None]:
    """Say of what goes wrong in a call of a named part whose it is, in one line.

    Without a name, as for a function that a program of the user's gave, errors are the program's.
    """
    try:
        yield
    except PitfallsError:
        raise
    except (Exception, SystemExit) as error:
        # what the machine lacks is told by who knows what would need less
        if name is None or isinstance(error, MemoryError) or "memory" in str(error):
            raise
        reason = f"{type(error).__name__}: {_reason(error)}"
        raise InputError(f"{what} {name!r} failed when it was called: {reason}") from error


def read_arguments(what: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs: values are Python's literals, or else text.

    Examples
    --------
    >>> read_arguments("model", ("depth=2", "widths=(3, 4)", "norm=batch"))
    {'depth': 2, 'widths': (3, 4), 'norm': 'batch'}
    """
    read: dict[str, Any] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not (equals and key.isidentifier()) or key in read:
            raise InputError(
                f"{what}: arguments must be key=value, each key once. Got {argument!r} instead."
            )
        try:
            read[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            read[key] = value
    return read


def named_digest(*names: str) -> str:
    """Return a fingerprint of the source that names lead to; "" where none is a user's own.

    It covers the file of each and every file that it imports, directly or through others, from beside
    it or from wherever Python looks; of an installed package the named module's file alone. Nothing is
    run.

    Raises
    ------
    InputError
        If a name leads to no file.
    """
    own = sorted({name for name in names if is_named(name)})
    if not own:
        return ""
    digest = hashlib.sha256()
    for name in own:
        where, _, part = _split(name)
        folder = _folder(name)
        start = _named_files(where, folder)
        if not start:
            raise InputError(
                f"{name}: there is no such {'file' if where.endswith('.py') else 'module'}. Name "
                "your part as file.py:name or package.module:name."
            )
        sources = {
            (called, hashlib.sha256(file.read_bytes()).hexdigest())
            for file, called in _sources(start, folder).items()
        }
        digest.update(repr((part, sorted(sources))).encode())
    return digest.hexdigest()[:12]


def require_unchanged(code: str, *names: str) -> None:
    """Raise DataError unless names still lead to the source whose fingerprint is ``code``.

    What a run is named by is looked up before it begins; what it runs is read when its turn comes.
    """
    if named_digest(*names) != code:
        own = ", ".join(name for name in names if is_named(name))
        raise DataError(
            f"{own}: the code was edited since this run was asked for. Give the command again, which makes "
            "another run of it, or put the code back, and the command goes on."
        )


# -- from a name to an object ---------------------------------------------------------------------


def _split(name: str) -> tuple[str, str, str]:
    where, colon, part = name.rpartition(":")
    if not (where and colon and part):
        raise InputError(f"{name!r} is no name of a part: it must be file.py:name or module:name.")
    return where, colon, part


def _folder(name: str) -> Path:
    """Return where imports of the user's code look first."""
    where, _, _ = _split(name)
    return Path(where).parent if where.endswith(".py") else Path()


def _look_up(name: str) -> Any:
    where, _, part = _split(name)
    found: Any = _run_file(where) if where.endswith(".py") else importlib.import_module(where)
    for attribute in part.split("."):
        found = getattr(found, attribute)
    return found


@contextmanager
def _in_one_line(what: str, name: str, done: str) -> Iterator[None]:
    try:
        yield
    except (Exception, SystemExit) as error:
        raise InputError(f"{what} {name!r} could not be {done}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "it ends the program"
    return first_line(error)


def _parameters(function: Any) -> set[str]:
    import inspect

    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


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
    spec = importlib.util.spec_from_file_location(MODULE, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # dataclasses look their module up while they are made
    spec.loader.exec_module(module)
    return module


# -- from a name to its source --------------------------------------------------------------------

Source: TypeAlias = tuple[Path, Path]
"""A file, and the folder that the name it is imported by begins in."""


def _named_files(where: str, folder: Path) -> list[Source]:
    """Return the file of a named part, after those of the packages that it lies in; none if there is none."""
    if where.endswith(".py"):
        file = Path(where)
        return [(file, file.parent)] if file.is_file() else []
    for root in _roots(where, folder):
        if (found := _file_in(root, where)) is not None:
            around = _files_in(root, where) if _is_own(found) else [found]
            return [(one, root) for one in around]
    return []


def _roots(module: str, folder: Path) -> Iterator[Path]:
    """Yield the folders that an import may begin in: beside the user's code, else wherever Python looks."""
    yield folder
    top = module.partition(".")[0]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return
    if spec is not None:
        for place in spec.submodule_search_locations or ():
            yield Path(place).parent
        if spec.origin is not None and not spec.submodule_search_locations:
            yield Path(spec.origin).parent


def _file_in(folder: Path, module: str) -> Path | None:
    path = folder.joinpath(*module.split("."))
    for file in (path / "__init__.py", path.with_name(f"{path.name}.py")):
        if file.is_file():
            return file
    return None


def _files_in(folder: Path, module: str) -> list[Path]:
    """Return a module's file and those of the packages that it lies in: importing it runs them all."""
    names = module.split(".")
    above = (".".join(names[:n]) for n in range(1, len(names) + 1))
    return [file for name in above if name and (file := _file_in(folder, name)) is not None]


def _is_own(file: Path) -> bool:
    """Whether a file is neither installed nor part of Python or of this package."""
    parts = file.resolve().parts
    inside = {Path(os.__file__).resolve().parent, Path(__file__).resolve().parent}
    return not {"site-packages", "dist-packages"} & set(parts) and not inside & set(
        file.resolve().parents
    )


def _sources(start: Iterable[Source], folder: Path) -> dict[Path, str]:
    """Return files and all of the user's own that they import, each with the path it is imported by."""
    found: dict[Path, str] = {}
    left = list(start)
    while left:
        file, root = left.pop()
        place = Path(os.path.abspath(file))
        if place in found:
            continue
        found[place] = file.relative_to(root).as_posix()
        if file.suffix != ".py" or not _is_own(file):
            continue
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue  # its own error is said when it is run
        for module, level in _imports(tree):
            left += _imported(module, level, file, root, folder)
    return found


def _imported(module: str, level: int, file: Path, root: Path, folder: Path) -> list[Source]:
    """Return the user's files that an import in a file runs; ``level`` is the number of dots before it."""
    if level > len(file.parents):
        return []
    if level:
        above = file.parents[level - 1]
        inside = root if above.is_relative_to(root) else above
        return [(one, inside) for one in _files_in(above, module)]
    for base in _roots(module, folder):
        if files := [one for one in _files_in(base, module) if _is_own(one)]:
            return [(one, base) for one in files]
    return []


def _imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield what is imported, by name and number of dots; by ``import_module`` too, where it is named."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                yield node.module, node.level
            for alias in node.names:
                yield ".".join(filter(None, (node.module, alias.name))), node.level
        elif isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            called = called.id if isinstance(called, ast.Name) else called
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if called in ("import_module", "__import__") and isinstance(name, str):
                yield name.lstrip("."), len(name) - len(name.lstrip("."))
