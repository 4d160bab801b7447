"""Counts what the house is made of, for docs/architecture.md: ``python -m benchmarks.house``."""

import ast
import io
import tokenize
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

SRC = Path(__file__).parents[1] / "src" / "pitfalls"
PACKAGES = (
    "",
    ".linear",
    ".parity",
    ".images",
    ".diagnosis",
    ".diagram",
    ".claims",
    ".moments",
    ".runs",
)
LONG_FILE, LONG_BODY = 400, 60

COMPILED = ("njit", "jit", "intrinsic", "guvectorize")
"""Decorators of compiled kernels, which are one body because calls in them cost."""


def sources() -> Iterator[tuple[str, str]]:
    """Yield every module's path below the package and its text."""
    for path in sorted(SRC.rglob("*.py")):
        yield str(path.relative_to(SRC)), path.read_text(encoding="utf-8")


def code_lines(text: str) -> int:
    """Count lines that hold code: no blank line, comment or docstring."""
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    alone = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING and alone:
            continue  # a string that begins a statement is a docstring
        if token.type not in skipped and token.type != tokenize.ENDMARKER:
            lines.update(range(token.start[0], token.end[0] + 1))
        alone = token.type in (
            tokenize.NEWLINE,
            tokenize.INDENT,
            tokenize.DEDENT,
            tokenize.NL,
            tokenize.COMMENT,
        )
    return len(lines)


def functions(text: str) -> Iterator[ast.FunctionDef]:
    """Yield every function of a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            yield node


def body_lines(node: ast.FunctionDef) -> int:
    """Count the lines of a function after its signature and docstring."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return node.end_lineno - body[0].lineno + 1 if body and node.end_lineno else 0


def is_compiled(node: ast.FunctionDef) -> bool:
    """Say whether a function is a compiled kernel."""
    return any(word in ast.unparse(d) for d in node.decorator_list for word in COMPILED)


def long_bodies() -> list[str]:
    """Return the functions over the limit that are no compiled kernels."""
    return [
        f"{path}: {node.name}"
        for path, text in sources()
        for node in functions(text)
        if body_lines(node) > LONG_BODY and not is_compiled(node)
    ]


def long_files() -> list[str]:
    """Return the files over the limit."""
    return [path for path, text in sources() if text.count("\n") > LONG_FILE]


def boolean_parameters() -> tuple[int, list[str]]:
    """Count parameters that are true or false; list those of them that may be given by place."""
    every, by_place = 0, []
    for path, text in sources():
        for node in functions(text):
            placed = node.args.posonlyargs + node.args.args
            every += sum(_is_bool(argument) for argument in placed + node.args.kwonlyargs)
            by_place += [f"{path}: {node.name}({a.arg})" for a in placed if _is_bool(a)]
    return every, by_place


def _is_bool(argument: ast.arg) -> bool:
    return argument.annotation is not None and ast.unparse(argument.annotation) == "bool"


def string_keys() -> tuple[int, int]:
    """Count the literal keys by which words, figures, report and commands read what they are given."""
    found: list[str] = []
    for path, text in sources():
        if path.startswith(("report/", "cli/")) or path.endswith(
            ("words.py", "figures.py", "command.py")
        ):
            found += [
                node.slice.value
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Load)
                and isinstance(node.slice, ast.Constant)
                and isinstance(node.slice.value, str)
            ]
    return len(set(found)), len(found)


def public_names() -> int:
    """Count the names that the packages offer."""
    return sum(len(import_module(f"pitfalls{package}").__all__) for package in PACKAGES)


def passed_doors() -> int:
    """Count the imports of modules inside another package, past its ``__init__``."""
    import grimp  # of the checks: what counts the rest needs none of them
    from benchmarks.front_doors import deep_imports

    return len(deep_imports(grimp.build_graph("pitfalls", cache_dir=None), "pitfalls"))


def counts() -> dict[str, str]:
    """Return what is counted, by what it is."""
    code = sum(code_lines(text) for _, text in sources())
    keys, uses = string_keys()
    every, by_place = boolean_parameters()
    return {
        "lines of code in `src`": f"{code:,}",
        "public names": str(public_names()),
        "string keys from experiments to report, words and commands (uses)": f"{keys} ({uses})",
        "boolean parameters (positional)": f"{every} ({len(by_place)})",
        f"bodies over {LONG_BODY} lines, compiled kernels aside": str(len(long_bodies())),
        f"files over {LONG_FILE} lines": str(len(long_files())),
        "imports past a package's `__init__`": str(passed_doors()),
    }


if __name__ == "__main__":
    for what, count in counts().items():
        print(f"{what}: {count}")
    print(*long_bodies(), *long_files(), *boolean_parameters()[1], sep="\n")
