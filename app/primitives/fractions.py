"""Fractions over one divisor, and multiplication with one named rounding.

Every fraction of the protocol is an integer number of parts per billion. Two divisors side by side were a High finding
in a public audit of the Livepeer contracts (Code4rena 2023, H-01), so there is no second one.
"""

from typing import NewType

Fraction = NewType("Fraction", int)
"""Parts per billion: 10^9 is the whole."""

ONE = Fraction(10**9)


def mul_floor(amount: int, numerator: int, denominator: int) -> int:
    """`amount × numerator ÷ denominator`, rounded down, with one division."""
    return amount * numerator // denominator


def mul_ceil(amount: int, numerator: int, denominator: int) -> int:
    """`amount × numerator ÷ denominator`, rounded up, with one division."""
    return -(-amount * numerator // denominator)


def fraction_of(amount: int, fraction: Fraction) -> int:
    """The part of an amount that a fraction names, rounded down; the remainder stays with the giver."""
    return amount * fraction // ONE


def parse_fraction(text: str) -> Fraction:
    """Read `5%`, `0.04%` or `0.05`.

    Raises:
        ValueError: not a decimal number, finer than a part per billion, or outside 0..1.
    """
    digits, percent = text.strip(), text.strip().endswith("%")
    whole, _, part = digits.rstrip("% ").partition(".")
    decimals = 7 if percent else 9
    if not (whole.isascii() and whole.isdigit()) or (part and not part.isdigit()) or len(part) > decimals:
        raise ValueError(f"{text!r} is not a fraction; write 5% or 0.05, with at most {decimals} decimals")
    parts = int(whole) * 10**decimals + int(part.ljust(decimals, "0"))
    if parts > ONE:
        raise ValueError(f"{text!r} is more than the whole")
    return Fraction(parts)


def format_fraction(fraction: int) -> str:
    """Show parts per billion as a percentage with all digits that matter, as in `0.04%`."""
    whole, part = divmod(fraction, 10**7)
    digits = str(part).rjust(7, "0").rstrip("0")
    return f"{whole}.{digits}%" if digits else f"{whole}%"
