"""Where a module can be changed a little, and its functions' code after one such change."""

import ast
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType

COMPARED: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
SWAPPED = {
    "min": "max", "max": "min", "any": "all", "all": "any", "minimum": "maximum",
    "maximum": "minimum", "argmin": "argmax", "argmax": "argmin", "floor": "ceil", "ceil": "floor",
    "zeros": "ones", "ones": "zeros", "tril": "triu", "triu": "tril", "cos": "sin", "sum": "max",
    "hypot": "maximum", "sorted": "list", "flatnonzero": "argsort", "abs": "float",
}  # fmt: skip


@dataclass(frozen=True)
class Site:
    """One change: the node's number in the module's tree, and which of its changes it is."""

    module: str
    function: str
    lines: tuple[int, int]
    node: int
    change: int
    what: str

    @property
    def name(self) -> str:
        """A name that the lines before and after the function do not alter."""
        return f"{self.module}:{self.function}: {self.what}"

    @property
    def order(self) -> str:
        """Its place in the draw."""
        return hashlib.sha256(self.name.encode()).hexdigest()


def changes(node: ast.AST) -> list[tuple[str, Callable[[], ast.AST | None]]]:
    """Return what can be done to a node: in words, and the node that stands in its place."""
    found: list[tuple[str, Callable[[], ast.AST | None]]] = []

    def put(text: str, other: ast.AST | None) -> None:
        before = " ".join(ast.unparse(node).split())
        after = text or (" ".join(ast.unparse(other).split()) if other is not None else "pass")
        found.append((f"{before[:90]} → {after[:90]}", lambda: other))

    match node:
        case ast.Compare(left, [operator], [right]):
            put("", ast.Compare(left, [COMPARED[type(operator)]()], [right]))
            if type(operator) in (ast.Lt, ast.LtE, ast.Gt, ast.GtE):
                turned = ast.Gt() if isinstance(operator, ast.Lt | ast.LtE) else ast.Lt()
                put("", ast.Compare(left, [turned], [right]))
        case ast.BinOp(left, operator, right) if type(operator) in COMPUTED:
            put("", ast.BinOp(left, COMPUTED[type(operator)](), right))
        case ast.BinOp(left, ast.MatMult(), right):
            put("", left)
        case ast.BoolOp(operator, values):
            other = ast.Or() if isinstance(operator, ast.And) else ast.And()
            put("", ast.BoolOp(other, values))
            put("", values[0])
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            put("", operand)
        case ast.Constant(bool() as value):
            put("", ast.Constant(not value))
        case ast.Constant(int() as value):
            put("", ast.Constant(value + 1))
        case ast.Constant(float() as value):
            put("", ast.Constant(2 * value if value else 1.0))
        case ast.AugAssign(target, operator, value) if type(operator) in COMPUTED:
            put("", ast.AugAssign(target, COMPUTED[type(operator)](), value))
        case ast.If(test, body, orelse):
            cut = f"if {ast.unparse(test)}"
            put(f"{cut}: never", ast.If(ast.Constant(False), body, orelse))
            put(f"{cut}: always", ast.If(ast.Constant(True), body, orelse))
        case ast.IfExp(test, body, orelse):
            put("", body)
            put("", orelse)
        case ast.Expr(ast.Call()):
            put("left out", ast.Pass())
        case ast.Break():
            put("", ast.Continue())
        case ast.Call(ast.Name(name), arguments, keywords) if name in SWAPPED:
            put("", ast.Call(ast.Name(SWAPPED[name], ast.Load()), arguments, keywords))
        case ast.Call(ast.Attribute(value, name), arguments, keywords) if name in SWAPPED:
            renamed = ast.Attribute(value, SWAPPED[name], ast.Load())
            put("", ast.Call(renamed, arguments, keywords))
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            rest = [other for other in node.keywords if other is not keyword]
            put(f"without {ast.unparse(keyword)}", ast.Call(node.func, node.args, rest))
    return found


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield the functions and methods of a module: name as Python has it, and node."""
    stack: list[tuple[str, ast.AST]] = [("", tree)]
    while stack:
        prefix, node = stack.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                stack.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, ast.FunctionDef):
                yield prefix + child.name, child


def inside(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a body whose value counts: no docstring, annotation, decorator or message."""
    stack: list[ast.AST] = list(reversed(getattr(function, "body", [])))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        yield node
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.AnnAssign):
            children = [child for child in children if child is not node.annotation]
        if isinstance(node, ast.FunctionDef):
            children = list(node.body)
        stack.extend(reversed(children))


def sites(path: Path, module: str) -> list[Site]:
    """List all changes of a module's functions, in order; equal ones of a function are numbered."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    numbers = {id(node): i for i, node in enumerate(ast.walk(tree))}
    found, seen = [], {}
    for function, body in functions(tree):
        for node in inside(body):
            spot = node.test if isinstance(node, ast.If) else node
            lines = (getattr(spot, "lineno", 0), getattr(spot, "end_lineno", 0))
            for k, (what, _) in enumerate(changes(node)):
                key = (function, what)
                seen[key] = seen.get(key, 0) + 1
                text = what if seen[key] == 1 else f"{what} ({seen[key]})"
                found.append(Site(module, function, lines, numbers[id(node)], k, text))
    return found


def code_of(path: Path, site: Site | None, function: str) -> CodeType:
    """Compile a function of a module as it is, or after a change."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if site is not None:
        target = list(ast.walk(tree))[site.node]
        other = changes(target)[site.change][1]()
        tree = ast.fix_missing_locations(_Replaced(target, other).visit(tree))
    whole = compile(tree, str(path), "exec", dont_inherit=True)
    stack = [whole]
    while stack:
        code = stack.pop()
        if code.co_qualname == function:
            return code
        stack += [const for const in code.co_consts if isinstance(const, CodeType)]
    raise LookupError(f"{path} has no function {function}")


class _Replaced(ast.NodeTransformer):
    def __init__(self, target: ast.AST, other: ast.AST | None) -> None:
        self.target, self.other = target, other

    def visit(self, node: ast.AST) -> ast.AST | None:
        if node is self.target:
            return ast.copy_location(self.other, node) if self.other is not None else None
        return self.generic_visit(node)
