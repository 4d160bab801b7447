"""A command's options, made from the config dataclasses that it takes."""

import dataclasses
import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Annotated, Any, Final, Generic, TypeVar, get_args, get_origin

from cyclopts import Parameter, Token

from pitfalls.errors import InputError
from pitfalls.frame.session import resolve_device, settings

__all__ = [
    "HIDDEN",
    "Located",
    "Option",
    "Whole",
    "Without",
    "list_form",
    "options",
    "options_of",
]

O = TypeVar("O")  # noqa: E741 (options)
T = TypeVar("T")

HIDDEN: Final = "hidden"
"""Annotates a config field that is no option: ``Annotated[str, HIDDEN]``; its default holds."""


def _whole(kind: type, tokens: Sequence[Token]) -> int:
    """Read a whole number: the parser's own reading would take 1.5 for 2."""
    text = tokens[0].value
    with suppress(ArithmeticError):
        value = Decimal(text)
        # the size first: 1e999999999 is a whole number, too
        small = value.is_finite() and value.adjusted() < 19
        if small and value == int(value) and abs(value) < LARGEST:
            return int(value)
    raise ValueError(f"expected a whole number, above -2^63 and below 2^63, got {text[:80]!r}")


LARGEST = 2**63
Whole = Annotated[int, Parameter(converter=_whole)]
"""A whole number on the command line."""

FROM_SESSION: Mapping[str, Callable[[], Any]] = {
    "seed": lambda: settings().seed,
    "device": lambda: resolve_device(),
}
"""Fields of these names, at any depth, are what the options for every command say."""


@dataclasses.dataclass(frozen=True)
class Located(Generic[O, T]):
    """Annotates a config field that is looked up from options of its own: data, say.

    Attributes
    ----------
    options : type
        A config dataclass whose fields become the options.
    find : callable
        ``(options) -> value of the field``.
    """

    options: type[O]
    find: Callable[[O], T]


@dataclasses.dataclass(frozen=True, init=False)
class Without:
    """Annotates a nested config some of whose fields are no options: the holder decides them."""

    names: frozenset[str]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", frozenset(names))


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of a command.

    Attributes
    ----------
    path : tuple of str
        The parameter of the command, then the fields that lead to the value.
    name : str
        As a keyword; on the command line with hyphens.
    annotation : object
    default : object
    help : str
    """

    path: tuple[str, ...]
    name: str
    annotation: Any
    default: Any
    help: str


def options(command: Callable[..., T]) -> Callable[..., T]:
    """Decorate a command: each parameter that is a config dataclass becomes one option a field.

    Names, types, defaults and help are the dataclass's own: its fields and its numpydoc. A nested
    config is flattened, its defaults those of the config that holds it, so that no option moves the
    default of another. A list is given as ``--widths 64 128``. Other parameters stay as they are.

    Raises
    ------
    InputError
        If two fields make the same option, or a field has no help.
    """
    found = options_of(command)
    hints = typing.get_type_hints(command, include_extras=True)

    @functools.wraps(command)
    def call(*placed: Any, **given: Any) -> T:
        if not rest:
            given.update(zip((parameter.name for parameter in kept), placed, strict=False))
        values = {option.path: given.pop(option.name, option.default) for option in found}
        for name, hint in hints.items():
            if name != "return" and _is_config(hint):
                try:
                    given[name] = _build(hint, (name,), values, None)
                except InputError as error:
                    raise InputError(f"{error}{_text_lists(found, values, str(error))}") from None
        return command(*placed, **given) if rest else command(**given)

    kept = [
        parameter
        for name, parameter in inspect.signature(command).parameters.items()
        if not _is_config(hints[name])
    ]
    # a command may take words of any number, such as names, before its options
    rest = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in kept)
    made = [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=option.annotation,
        )
        for option in found
    ]
    call.__signature__ = inspect.Signature([*kept, *made])  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in [*kept, *made]}
    for parameter in kept:
        call.__annotations__[parameter.name] = hints[parameter.name]
    return call


def list_form(name: str, text: str) -> str:
    """Return the sentence that says how the option ``name`` takes the list ``text``, given with commas.

    Examples
    --------
    >>> list_form("--widths", "8,6,4")
    ' A list is written with spaces: --widths 8 6 4.'
    """
    pieces = [piece.strip() for piece in text.split(",")]
    return f" A list is written with spaces: {name} {' '.join(filter(None, pieces))}."


def _text_lists(found: Iterable[Option], values: Mapping[Any, Any], error: str) -> str:
    """Do so for lists of texts, which a comma does not make wrong as such."""
    for option in found:
        value = values[option.path]
        is_one = isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], str)
        if is_one and "," in value[0] and f"{option.name} must be" in error:
            return list_form(f"--{option.name.replace('_', '-')}", value[0])
    return ""


def options_of(command: Callable[..., object]) -> tuple[Option, ...]:
    """Return the options that the config parameters of a command give it."""
    command = inspect.unwrap(command)
    found: list[Option] = []
    for name, hint in typing.get_type_hints(command, include_extras=True).items():
        if name != "return" and _is_config(hint):
            found += _fields(hint, (name,), None)
    names = [option.name for option in found]
    for name in names:
        if names.count(name) > 1:
            paths = [".".join(option.path) for option in found if option.name == name]
            raise InputError(f"options: {' and '.join(paths)} make the same option {name!r}.")
    return tuple(found)


def _fields(config: Any, path: tuple[str, ...], holder: Any) -> Iterator[Option]:
    """Yield the options of a config class; ``holder`` is the instance whose values are defaults."""
    helps = _helps(config)
    hints = typing.get_type_hints(config, include_extras=True)
    for field in dataclasses.fields(config):
        hint, here = hints[field.name], (*path, field.name)
        if field.name in FROM_SESSION or HIDDEN in _extras(hint):
            continue
        located = next((extra for extra in _extras(hint) if isinstance(extra, Located)), None)
        if located is not None:
            yield from _fields(located.options, here, None)
            continue
        default = _default(field) if holder is None else getattr(holder, field.name)
        if _is_config(hint):
            left_out = {
                n for extra in _extras(hint) if isinstance(extra, Without) for n in extra.names
            }
            for option in _fields(_bare(hint), here, default):
                if option.path[len(here)] not in left_out:
                    yield option
            continue
        if field.name not in helps:
            raise InputError(
                f"options: {config.__name__}.{field.name} has no help in its docstring."
            )
        if default is dataclasses.MISSING:
            default = inspect.Parameter.empty
        yield Option(
            here, field.name, _annotate(hint, helps[field.name]), default, helps[field.name]
        )


def _build(
    config: Any, path: tuple[str, ...], values: Mapping[tuple[str, ...], Any], holder: Any
) -> Any:
    config = _bare(config)
    hints = typing.get_type_hints(config, include_extras=True)
    given: dict[str, Any] = {}
    for field in dataclasses.fields(config):
        hint, here = hints[field.name], (*path, field.name)
        located = next((extra for extra in _extras(hint) if isinstance(extra, Located)), None)
        default = _default(field) if holder is None else getattr(holder, field.name)
        if field.name in FROM_SESSION:
            given[field.name] = FROM_SESSION[field.name]()
        elif located is not None:
            given[field.name] = located.find(_build(located.options, here, values, None))
        elif here in values:
            given[field.name] = values[here]
        elif _is_config(hint) and HIDDEN not in _extras(hint):
            given[field.name] = _build(hint, here, values, default)
        elif default is not dataclasses.MISSING:
            given[field.name] = default
    return config(**given)


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _extras(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _is_config(hint: Any) -> bool:
    hint = _bare(hint)
    return isinstance(hint, type) and dataclasses.is_dataclass(hint)


def _annotate(hint: Any, text: str) -> Any:
    kinds = (
        get_args(_bare(hint))
        if get_origin(_bare(hint)) in (types.UnionType, typing.Union)
        else (_bare(hint),)
    )
    is_list = any(get_origin(kind) is tuple for kind in kinds)
    negative = None if bool in kinds else ""
    parameter = Parameter(help=text, consume_multiple=is_list or None, negative=negative)
    return Annotated[_with_whole(hint), parameter]


def _with_whole(hint: Any) -> Any:
    """Return a type in which every int is read as `Whole`."""
    if hint is int:
        return Whole
    inner = get_args(hint)
    if get_origin(hint) in (types.UnionType, typing.Union):
        return typing.Union[tuple(map(_with_whole, inner))]  # noqa: UP007 (of types that are made here)
    if get_origin(hint) is Annotated:
        return Annotated[(_with_whole(inner[0]), *inner[1:])]
    if get_origin(hint) is tuple:
        return tuple[tuple(map(_with_whole, inner))]  # type: ignore[misc]
    return hint


@functools.cache
def _helps(config: type) -> dict[str, str]:
    """Return what the numpydoc of a config says of each field."""
    from docstring_parser import parse

    helps: dict[str, str] = {}
    for kind in reversed(config.__mro__):
        for item in parse(kind.__doc__ or "").params:
            for name in item.arg_name.split(","):
                helps[name.strip()] = " ".join((item.description or "").split())
    return helps
