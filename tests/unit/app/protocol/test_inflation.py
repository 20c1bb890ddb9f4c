"""The inflation rate moves towards the target of participation; what a round may mint follows."""

from dataclasses import replace

import pytest

from app.messages.records import Supply
from app.primitives.amounts import MAX_AMOUNT
from app.primitives.fractions import ONE
from app.protocol.inflation import compute_inflation_rate, compute_mintable
from app.state.tables import SUPPLY
from genesis.presets.test import TEST
from tests.support.memory_state import MemoryState

PARAMS = replace(TEST, participation_rate=ONE // 2, inflation_change=3_000)


@pytest.mark.parametrize(
    ("bonded", "supply", "moved"),
    [(49, 100, 403_000), (51, 100, 397_000), (50, 100, 400_000), (0, 100, 403_000), (100, 100, 397_000)],
    ids=["below the target", "above it", "met", "nothing bonded", "all bonded"],
)
def test_the_rate_moves_one_step_towards_the_target(bonded, supply, moved):
    assert compute_inflation_rate(400_000, bonded, supply, PARAMS) == moved


def test_the_target_is_compared_exactly_and_not_as_a_rounded_rate():
    supply = 10**30
    assert compute_inflation_rate(400_000, supply // 2 - 1, supply, PARAMS) == 403_000
    assert compute_inflation_rate(400_000, supply // 2 + 1, supply, PARAMS) == 397_000


def test_the_rate_stays_between_nothing_and_the_whole():
    assert compute_inflation_rate(1_000, 100, 100, PARAMS) == 0
    assert compute_inflation_rate(0, 100, 100, PARAMS) == 0
    assert compute_inflation_rate(ONE - 1, 0, 100, PARAMS) == ONE


def mintable(supply, rate):
    state = MemoryState()
    SUPPLY.put(state, Supply(supply, 0, 0, 0))
    return compute_mintable(state, rate)


def test_a_round_may_mint_the_rate_of_the_whole_supply_rounded_down():
    assert mintable(10**9 * 7 + 1, 400_000) == 2_800_000
    assert mintable(1, 999_999_999) == 0


def test_the_supply_never_passes_what_128_bits_can_count():
    assert mintable(MAX_AMOUNT - 5, 400_000) == 5
    assert mintable(MAX_AMOUNT, ONE) == 0
