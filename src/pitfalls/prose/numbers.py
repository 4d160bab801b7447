"""One style of numbers, in plain text: what has no markup can still raise a power."""

import math

__all__ = ["counted", "number", "percent", "power"]

_RAISED = str.maketrans("0123456789-d", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵈ")


def power(base: int, exponent: int | str) -> str:
    """Write a power with a raised exponent, a whole number or ``d``.

    Examples
    --------
    >>> power(2, 12), power(10, -16), power(2, "-d")
    ('2¹²', '10⁻¹⁶', '2⁻ᵈ')
    """
    return f"{base}{str(exponent).translate(_RAISED)}"


def number(value: float, digits: int = 3) -> str:
    """Round to significant digits; a power of ten stands only where zeros would be counted.

    Examples
    --------
    >>> number(4.9e-16, 2), number(2902.7, 2), number(0.025, 2), number(-3)
    ('4.9 × 10⁻¹⁶', '2,900', '0.025', '−3')
    """
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "−∞"
    sign = "−" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value):.{digits - 1}e}".partition("e")
    place = int(exponent)
    if -4 <= place < 6:
        text = f"{float(f'{mantissa}e{exponent}'):,.{max(digits - 1 - place, 0)}f}"
        return sign + (text.rstrip("0").rstrip(".") if "." in text else text)
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return sign + ("" if mantissa == "1" else f"{mantissa} × ") + power(10, place)


def percent(share: float, decimals: int = 1) -> str:
    """Write a share as percent, with a fixed number of decimals.

    Examples
    --------
    >>> percent(0.12345), percent(1.0, 0), percent(-0.0001)
    ('12.3 %', '100 %', '0.0 %')
    """
    if not math.isfinite(share):
        return number(share)
    # z: what rounds to zero has no sign
    return f"{100 * share:z.{decimals}f} %".replace("-", "−")


def counted(n: int, noun: str, plural: str = "") -> str:
    """Write how many there are, with the noun in the right number.

    Examples
    --------
    >>> counted(1, "epoch"), counted(2_000, "epoch"), counted(0, "class", "classes")
    ('1 epoch', '2,000 epochs', '0 classes')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
