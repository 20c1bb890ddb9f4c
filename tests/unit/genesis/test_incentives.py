"""What kinds of conduct gain and cost: the arithmetic, and where each begins to pay."""

from dataclasses import replace
from fractions import Fraction as Exact

import pytest

from app.messages.bodies import Reward
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import ONE, Fraction
from genesis.incentives import (
    Incentive,
    Market,
    compute_faking,
    compute_faking_a_little,
    compute_fee,
    compute_hidden_segments,
    compute_hiding,
    compute_laziness,
    compute_splitting,
    find_incentives,
    find_limit,
)
from genesis.presets.registry import get_preset

LPT, ETH, GWEI = 10**18, 10**18, 10**9
MARKET = Market(wei_per_lpt=Wei(10**15), fee_per_segment=Wei(3700 * GWEI))
PARAMS = replace(get_preset("whitepaper"), min_self_bond=Lpt(100 * LPT))


def test_a_faked_segment_gains_its_fee_and_costs_a_slash_one_time_in_verification_rate():
    assert compute_faking(PARAMS, MARKET) == Incentive("faking segments", 3700 * GWEI, 5 * 10**15 // 500)


@pytest.mark.parametrize(("rate", "is_safe"), [(1351, True), (1352, False)])
def test_faking_begins_to_pay_where_the_slash_is_too_seldom(rate, is_safe):
    assert compute_faking(replace(PARAMS, verification_rate=rate), MARKET).is_safe is is_safe


@pytest.mark.parametrize("size", [1, 2, 10, 100, 300, 500, 700, 1000])
def test_a_larger_claim_that_is_faked_whole_is_further_from_paying_than_one_segment(size):
    # Exactly: not caught it gains its fees, and caught, once or more often, it is lost and slashed once.
    escapes = Exact(499, 500) ** size
    gain = escapes * size * MARKET.fee_per_segment
    loss = (1 - escapes) * 5 * 10**15
    alone = compute_faking(PARAMS, MARKET)
    assert gain < loss
    assert gain / loss <= Exact(alone.gain, alone.loss)


def test_faking_within_the_threshold_costs_lost_claims_or_fees_of_small_ones():
    found = compute_faking_a_little(PARAMS, MARKET)
    assert found.gain == MARKET.fee_per_segment < found.loss
    free = replace(PARAMS, base_fee_wei=Wei(0), fee_per_byte_wei=Wei(0), fee_per_weight_wei=Wei(0))
    assert compute_faking_a_little(free, MARKET).loss == MARKET.fee_per_segment // 500
    assert compute_faking_a_little(replace(free, verification_failure_threshold=Fraction(0)), MARKET).is_safe


def test_a_miss_must_cost_more_than_the_failure_that_it_hides():
    assert compute_hiding(PARAMS, MARKET) == Incentive("hiding a failure as a miss", 5 * 10**15, 10**16)
    even = replace(PARAMS, missed_verification_slash_amount=PARAMS.failed_verification_slash_amount)
    assert not compute_hiding(even, MARKET).is_safe


def test_a_reward_not_called_saves_a_fee_and_costs_what_the_stake_would_have_grown():
    assert compute_laziness(PARAMS, MARKET) == Incentive(
        "not calling Reward", compute_fee(Reward(), PARAMS), 4 * 10**13
    )
    assert not compute_laziness(replace(PARAMS, inflation_rate=Fraction(0)), MARKET).is_safe


def test_a_chain_that_calls_reward_itself_needs_not_deter_who_does_not():
    conducts = [each.conduct for each in find_incentives(replace(PARAMS, auto_reward=True), MARKET)]
    assert "not calling Reward" not in conducts
    assert len(conducts) == 4


def test_dividing_a_stake_costs_a_fee_more_and_gains_no_reward():
    found = compute_splitting(PARAMS, MARKET)
    assert found.loss - found.gain >= compute_fee(Reward(), PARAMS)


@pytest.mark.parametrize(
    ("rate", "tries", "hidden"), [(1, 10**5, 0), (2, 1, 0), (2, 1024, 10), (2, 1023, 9), (500, 10**5, 1000)]
)
def test_what_a_grinding_proposer_hides_follows_from_its_tries(rate, tries, hidden):
    assert compute_hidden_segments(replace(PARAMS, verification_rate=rate), tries) == hidden


def test_each_incentive_says_where_it_begins_to_pay():
    limits = {each.conduct: each.limit for each in find_incentives(PARAMS, MARKET)}
    assert limits == {
        "faking segments": "rate > 1351",
        "faking within the threshold": "threshold > 1.5891891%",
        "hiding a failure as a miss": "miss slash < 5.0000001%",
        "not calling Reward": "inflation < 0.0039801%",
        "splitting a stake": "never",
    }
    poor = Market(Wei(1), MARKET.fee_per_segment)
    assert find_incentives(PARAMS, poor)[0].limit == "at any rate"


def test_a_limit_is_the_last_value_that_holds_in_either_direction():
    assert find_limit(lambda value: value <= 7, 0, ONE) == 7
    assert find_limit(lambda value: value >= 7, ONE, 0) == 7
    assert find_limit(lambda value: True, 0, 9) == 9
    assert find_limit(lambda value: False, 0, 9) is None
