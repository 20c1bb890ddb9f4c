"""Money, heights and rounds as types of their own.

LPT and ETH are both counted in integer base units of 10^-18 (whitepaper, *Livepeer Token*); 10^-18 ETH is one wei.
`NewType` makes mypy refuse a wei amount where LPT is wanted, at no cost at run time.
"""

import re
from typing import NewType

Lpt = NewType("Lpt", int)
"""An amount of LPT in base units of 10^-18 LPT."""

Wei = NewType("Wei", int)
"""An amount of ETH in wei."""

Amount = NewType("Amount", int)
"""Base units of a denomination that stands beside it."""

Height = NewType("Height", int)
"""A block height; the first block has height 1."""

Round = NewType("Round", int)
"""A round number; round 0 starts with the first block."""

UNITS_PER_TOKEN = 10**18
MAX_AMOUNT = 2**128 - 1
"""The largest amount that a message may carry: everything fits in 128 bits."""

_LPT_UNITS = {"lpt": 18, "": 0}
_WEI_UNITS = {"eth": 18, "gwei": 9, "wei": 0, "": 0}
_QUANTITY = re.compile(r"(?P<whole>[0-9]{1,40})(?:\.(?P<part>[0-9]{1,18}))?\s*(?P<unit>[A-Za-z]*)")


def parse_lpt(text: str) -> Lpt:
    """Read `12.5LPT`, or a plain number of base units.

    Raises:
        ValueError: not a quantity, an unknown unit, finer than a base unit, or beyond 128 bits.
    """
    return Lpt(_parse(text, _LPT_UNITS, "12.5LPT or a whole number of base units"))


def parse_wei(text: str) -> Wei:
    """Read `3gwei`, `0.1ETH`, `5wei`, or a plain number of wei.

    Raises:
        ValueError: not a quantity, an unknown unit, finer than a wei, or beyond 128 bits.
    """
    return Wei(_parse(text, _WEI_UNITS, "3gwei, 0.1ETH, 5wei or a whole number of wei"))


def format_lpt(amount: int) -> str:
    """Show base units as LPT with all digits that matter, as in `12.5LPT`."""
    return f"{_decimal(amount, 18)}LPT"


def format_wei(amount: int) -> str:
    """Show wei in the unit that reads best: ETH from 10^15 wei on, gwei from 10^6 on, else wei."""
    if abs(amount) >= 10**15:
        return f"{_decimal(amount, 18)}ETH"
    if abs(amount) >= 10**6:
        return f"{_decimal(amount, 9)}gwei"
    return f"{amount}wei"


def _parse(text: str, units: dict[str, int], expected: str) -> int:
    match = _QUANTITY.fullmatch(text.strip())
    decimals = units.get(match["unit"].lower()) if match else None
    if match is None or decimals is None:
        raise ValueError(f"{text!r} is not an amount; write {expected}")
    part = match["part"] or ""
    if len(part.rstrip("0")) > decimals:
        raise ValueError(f"{text!r} is finer than the smallest unit, 10^-{decimals} {match['unit']}")
    scale: int = 10**decimals
    amount = int(match["whole"]) * scale + int(part.ljust(decimals, "0")[:decimals] or "0")
    if amount > MAX_AMOUNT:
        raise ValueError(f"{text!r} is more than 128 bits can hold")
    return amount


def _decimal(amount: int, decimals: int) -> str:
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), 10**decimals)
    digits = str(part).rjust(decimals, "0").rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
