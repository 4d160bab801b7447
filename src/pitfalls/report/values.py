"""What the typesetter and the page read: JSON's own types."""

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["json_values"]


def json_values(value: Any) -> Any:
    """Return ``value`` in JSON's own types; what JSON has no number for becomes text."""
    if isinstance(value, Mapping):
        return {str(key): json_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
