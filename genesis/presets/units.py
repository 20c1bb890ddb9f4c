"""Durations, percentages and amounts as presets write them, turned into the integers that parameters are."""

from app.primitives.amounts import UNITS_PER_TOKEN, Lpt, Wei
from app.primitives.fractions import Fraction, parse_fraction

SECOND = 1
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
GWEI = Wei(10**9)


def blocks(duration_seconds: int, block_time_ms: int) -> int:
    """How many blocks a duration is; it must be a whole number of them, so that nothing is rounded silently.

    Raises:
        ValueError: the duration is not a multiple of the block time.
    """
    count, rest = divmod(1000 * duration_seconds, block_time_ms)
    if rest:
        raise ValueError(f"{duration_seconds} s is not a whole number of blocks of {block_time_ms} ms")
    return count


def percent(text: str) -> Fraction:
    """A fraction written without its sign: `0.04` is 0.04 %, 400,000 parts per billion."""
    return parse_fraction(f"{text}%")


def lpt(whole: int) -> Lpt:
    """Whole LPT as base units."""
    return Lpt(whole * UNITS_PER_TOKEN)
