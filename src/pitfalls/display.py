"""How a result shows itself: a line in the terminal, a table in a notebook, a data frame."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pitfalls.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Displayed", "brief"]

FEW = 4
"""So many values of an array or a sequence are written out."""

LONGEST = 60
"""Characters of a text that are shown."""


class Displayed:
    """A frozen dataclass that shows its numbers, and of its arrays the shapes.

    For ``@dataclass(repr=False)``: the default would print every array.
    """

    TABLE: ClassVar[str | tuple[str, ...]] = ()
    """What :meth:`table` shows: a field of records, a record of arrays, or the names of arrays; by
    default the result's own numbers, one row."""

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in _shown(self))
        return f"{type(self).__name__}({shown})"

    def _repr_html_(self) -> str:
        """Return a table of the fields, for notebooks."""
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(name)}</th>"
            f"<td style='text-align:left'>{escape(value)}</td></tr>"
            for name, value in _shown(self)
        )
        return (
            f"<table><caption>{escape(type(self).__name__)}</caption><tbody>{rows}</tbody></table>"
        )

    def table(self, field: str | None = None) -> dict[str, list[Any]]:
        """Return the columns of a table of this result.

        Parameters
        ----------
        field : str, optional
            A field that holds a sequence of records (a row each; numbers of nested records by dotted
            names), an array (a column, or those of a matrix), a record of arrays (a column each) or of
            a matrix, or one of numbers (one row); a field within a field by a dotted name,
            ``as_trained.calibration``. The default is the result's main table.

        Returns
        -------
        dict of lists
            Of one length: columns of fewer values end in None.

        Raises
        ------
        InputError
            If the field is none of these, or empty; the message names those that have a table.
        """
        chosen = self.TABLE if field is None else field
        if isinstance(chosen, tuple):
            arrays = {name: getattr(self, name) for name in chosen}
            return _columns(arrays) if arrays else _rows([self])
        if found := _table_of(self, chosen):
            return found
        tables = [one.name for one in fields(cast(Any, self)) if _table_of(self, one.name)]
        those = f"; those are {', '.join(tables)}" if tables else ", of which it has none"
        raise InputError(
            f"{type(self).__name__}.table: expected a field of records or arrays. Got {chosen!r}{those}."
        )

    def to_frame(self, field: str | None = None) -> "pd.DataFrame":
        """Return :meth:`table` as a pandas data frame.

        Raises
        ------
        InputError
            If pandas is not installed, or the field has no table.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise InputError(
                "to_frame: pandas is not installed. Run: pip install pandas"
            ) from error
        return pd.DataFrame(self.table(field))


def _table_of(record: Any, field: str) -> dict[str, list[Any]]:
    """Return the columns of a field, or of one within it by a dotted name; empty if it has none."""
    value = record
    for name in field.split("."):
        value = getattr(value, name, None) if is_dataclass(value) else None
    if isinstance(value, tuple) and all(map(is_dataclass, value)):
        return _rows(value)
    if getattr(value, "ndim", 0) in (1, 2):
        return _columns({field.rpartition(".")[2]: value})
    if not is_dataclass(value) or isinstance(value, type):
        return {}
    held = {one.name: getattr(value, one.name) for one in fields(value)}
    arrays = {k: v for k, v in held.items() if getattr(v, "ndim", 0) == 1}
    matrices = {k: v for k, v in held.items() if getattr(v, "ndim", 0) == 2}
    return _columns(arrays or matrices) or _rows([value])


def _rows(records: Sequence[Any]) -> dict[str, list[Any]]:
    """Return rows as columns, in the order in which names first occur; what a row lacks is None."""
    rows = [_cells(record) for record in records]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _cells(record: Any, prefix: str = "") -> dict[str, Any]:
    """Return the scalars of a record by name, those of nested records by dotted names."""
    found: dict[str, Any] = {}
    derived = [name for name, kind in vars(type(record)).items() if isinstance(kind, property)]
    for name in [*(field.name for field in fields(record)), *derived]:
        value, called = getattr(record, name), prefix + name
        if is_dataclass(value):
            found |= _cells(value, f"{called}.")
        elif value is None or isinstance(value, bool | int | float | str):
            found[called] = value
        elif isinstance(value, tuple) and all(isinstance(v, int | float | str) for v in value):
            found[called] = " ".join(map(str, value))
    return found


def _columns(arrays: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return arrays as columns, a matrix by its columns; shorter ones end in None."""
    found: dict[str, list[Any]] = {}
    for name, array in arrays.items():
        if array is None:
            continue
        columns = {name: array} if array.ndim == 1 else _columns_of(name, array)
        found |= {called: cast(list[Any], column.tolist()) for called, column in columns.items()}
    length = max(map(len, found.values()), default=0)
    return {name: values + [None] * (length - len(values)) for name, values in found.items()}


def _columns_of(name: str, matrix: Any) -> dict[str, Any]:
    return {f"{name}_{k + 1}": matrix[:, k] for k in range(matrix.shape[1])}


def _shown(record: Any) -> list[tuple[str, str]]:
    return [
        (field.name, brief(getattr(record, field.name))) for field in fields(record) if field.repr
    ]


def brief(value: Any) -> str:
    """Return a value in a few words: numbers to six digits, arrays by type and shape.

    Examples
    --------
    >>> import numpy as np
    >>> print(brief(1 / 3), brief((2, 4, 6)), brief(np.zeros((3, 4))))
    0.333333 (2, 4, 6) <float64 array, 3 × 4>
    """
    if value is None or isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return repr(value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…")
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _array(value)
    if isinstance(value, Mapping):
        return f"<{len(value)} by name: {_few([str(key) for key in value])}>"
    if isinstance(value, Sequence):
        return _sequence(value)
    if is_dataclass(value) or len(repr(value)) > LONGEST:
        return f"<{type(value).__name__}>"
    return repr(value)


def _array(value: Any) -> str:
    shape, kind = tuple(value.shape), str(value.dtype).removeprefix("torch.")
    if not shape:
        return brief(value.item())
    if len(shape) == 1 and shape[0] <= FEW:
        return f"[{', '.join(brief(one) for one in value.tolist())}]"
    # NumPy arrays and tensors say what they are by the class' name: ndarray, Tensor
    word = "array" if type(value).__name__.endswith("ndarray") else type(value).__name__.lower()
    return f"<{kind} {word}, {' × '.join(map(str, shape))}>"


def _sequence(value: Sequence[Any]) -> str:
    plain = all(one is None or isinstance(one, bool | int | float | str) for one in value)
    if len(value) <= FEW and plain:
        inner = ", ".join(map(brief, value))
        return f"({inner}{',' if len(value) == 1 else ''})"
    kinds = sorted({type(one).__name__ for one in value})
    return f"<{len(value)} × {' | '.join(kinds)}>"


def _few(names: list[str]) -> str:
    return ", ".join(names[:FEW]) + (", …" if len(names) > FEW else "")
