"""What a report says of the state: how concentrated the stake is, and what every group has."""

from collections.abc import Sequence

from app.messages.economy import ROUNDS_PER_YEAR
from app.primitives.fractions import ONE, Fraction, mul_floor


def compute_gini(stakes: Sequence[int]) -> Fraction:
    """The Gini coefficient in parts per billion: 0 where all are equal, towards 1 where one has everything."""
    ordered, total, count = sorted(stakes), sum(stakes), len(stakes)
    if total == 0:
        return Fraction(0)
    weighted = sum(place * stake for place, stake in enumerate(ordered, 1))
    return Fraction((2 * weighted - (count + 1) * total) * ONE // (count * total))


def compute_nakamoto(stakes: Sequence[int]) -> int:
    """The fewest that together hold more than a third, and so can stop consensus."""
    reached, total = 0, sum(stakes)
    for count, stake in enumerate(sorted(stakes, reverse=True), 1):
        reached += stake
        if 3 * reached > total:
            return count
    return 0


def compute_top_share(stakes: Sequence[int]) -> Fraction:
    """The share of the largest, in parts per billion."""
    return Fraction(mul_floor(max(stakes, default=0), ONE, max(1, sum(stakes))))


def compute_yield_of_year(minted: int, active_stake: int) -> int:
    """What a year of such rounds would mint for each unit of active stake, in parts per billion."""
    return mul_floor(minted * ROUNDS_PER_YEAR, ONE, max(1, active_stake))
