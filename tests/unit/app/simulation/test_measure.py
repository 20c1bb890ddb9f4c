"""Concentration as the simulation measures it."""

import pytest

from app.primitives.fractions import ONE
from app.simulation.measure import compute_gini, compute_nakamoto, compute_top_share, compute_yield_of_year


@pytest.mark.parametrize(
    ("stakes", "gini"),
    [([5, 5, 5, 5], 0), ([0, 0, 0, 8], 750_000_000), ([1, 3], 250_000_000), ([3, 1], 250_000_000), ([], 0), ([7], 0)],
)
def test_the_gini_coefficient_is_nothing_among_equals_and_grows_with_inequality(stakes, gini):
    assert compute_gini(stakes) == gini


@pytest.mark.parametrize(
    ("stakes", "count"), [([1] * 9, 4), ([5, 1, 1], 1), ([1, 1, 1], 2), ([2, 2, 1, 1], 2), ([], 0)]
)
def test_the_nakamoto_coefficient_counts_those_who_hold_more_than_a_third(stakes, count):
    assert compute_nakamoto(stakes) == count


def test_the_largest_share_is_of_the_sum():
    assert compute_top_share([1, 3]) == 750_000_000
    assert compute_top_share([]) == 0


def test_the_yield_of_a_year_is_365_rounds_of_this_one():
    assert compute_yield_of_year(minted=4, active_stake=10_000) == 4 * 365 * ONE // 10_000
    assert compute_yield_of_year(minted=4, active_stake=0) == 4 * 365 * ONE
