"""The installed libraries that the work imports: brought in before anyone watches what the work does.

While they are imported, libraries look for folders and fonts, write caches and start programs. None of
that is the work's doing.
"""

import ast
import contextlib
import importlib
import os
from collections.abc import Iterator, Sequence

__all__ = ["import_libraries", "lend_folder"]


def lend_folder(folder: str) -> None:
    """Let what is temporary, and what libraries keep between runs, lie in the work's own folder."""
    os.environ.update(dict.fromkeys(("TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME"), folder))


def import_libraries(folder: str, module: str) -> None:
    """Import the libraries that a file of the work imports while it is itself imported.

    The folder must not be on Python's path yet, so that nothing of the work's own is run.

    Parameters
    ----------
    folder : str
        The work's.
    module : str
        The name of its file, without ``.py``; its imports of other files there are followed.
    """
    for name, parts in _imported(folder, module, set()):
        # what cannot be imported fails again where the work asks for it, and is told there
        with contextlib.suppress(BaseException):
            library = importlib.import_module(name)
            for part in parts:
                if not hasattr(library, part):
                    with contextlib.suppress(ImportError):
                        importlib.import_module(f"{name}.{part}")


def _imported(folder: str, module: str, seen: set[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the libraries' modules, and what is taken from each, in the order of the text."""
    seen.add(module)
    try:
        with open(os.path.join(folder, f"{module}.py"), "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, ValueError, SyntaxError, MemoryError, RecursionError):
        return
    for name, parts in _statements(tree):
        root = name.split(".")[0]
        if os.path.exists(os.path.join(folder, f"{root}.py")):
            if root not in seen:
                yield from _imported(folder, root, seen)
        elif root != "pitfalls":  # no library: the grader itself, where this project is installed
            yield name, parts


def _statements(tree: ast.AST) -> Iterator[tuple[str, Sequence[str]]]:
    """Find the imports that are run with the file: not those inside functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, [alias.name for alias in node.names if alias.name != "*"]
        elif isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef | ast.ExceptHandler):
            yield from _statements(node)
