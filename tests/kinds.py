"""What a test knows of a thing, asserted: its kind, or that it is there."""

from typing import TypeVar

T = TypeVar("T")


def of_kind(kind: type[T], thing: object) -> T:
    """Return the thing, which is of the kind."""
    assert isinstance(thing, kind), f"expected {kind.__name__}, got {thing!r}"
    return thing


def there(thing: T | None) -> T:
    """Return the thing, which is not None."""
    assert thing is not None
    return thing
