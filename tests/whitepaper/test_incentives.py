"""*Verification of Work*: it must be more profitable to stake towards honest work than to cheat and be slashed.

Every preset is held to that, by the arithmetic of `genesis.incentives` and by playing it with the protocol's own code.
"""

from dataclasses import replace

import pytest

from app.messages.economy import EconomyOrder, Scenario, TranscoderGroup
from app.primitives.amounts import Lpt, Wei
from app.primitives.fractions import ONE, Fraction
from app.protocol.sortition import is_challenged
from app.simulation.run import Economy
from chain.economy.cheating import SECURITY
from genesis.incentives import DEAREST_UNITS, Market, compute_hidden_segments, find_incentives
from genesis.presets.registry import PRESETS, get_preset

# The test preset counts fees in wei where the others have gwei, and so do those who use it: 1,000 wei a unit of work.
MARKETS = {"whitepaper": Market(), "localnet": Market(), "test": Market(fee_per_segment=Wei(DEAREST_UNITS * 1000))}
ROUNDS = 20


def play(name, *groups, **traits):
    """What each group of one transcoder with the least self-bond has at the end, in wei, fees and balance included."""
    params = replace(get_preset(name), n=len(groups) + 1)
    security = TranscoderGroup("security", 1, SECURITY, slots=0)
    scenario = Scenario("incentives", SECURITY, (security, *groups), **traits)
    economy = Economy(EconomyOrder(params, scenario, ROUNDS, seed=1))
    last = list(economy.play())[-1]
    price = MARKETS[name].wei_per_lpt
    return {
        group.name: group.stake * price // 10**18 + group.fees - group.spent
        for group in last.groups
    }, last  # fmt: skip


@pytest.mark.parametrize("name", PRESETS)
def test_honest_conduct_pays_more_than_any_other_under_every_preset(name):
    found = find_incentives(get_preset(name), MARKETS[name])
    assert [each for each in found if not each.is_safe] == []
    assert len(found) == 5


@pytest.mark.parametrize("name", PRESETS)
def test_who_fakes_all_of_its_work_ends_with_less_than_who_has_none(name):
    params = get_preset(name)
    stake = params.min_self_bond
    price = MARKETS[name].fee_per_segment // DEAREST_UNITS
    worth, last = play(
        name,
        TranscoderGroup("faking", 1, stake, fakes=ONE, slots=1),
        TranscoderGroup("idle", 1, stake, slots=0),
        streams=1,
        segments=params.max_segments_per_claim,
        work_every=1,
        price_per_segment=Wei(price),
    )
    assert worth["faking"] < worth["idle"]
    assert {group.name: group.caught > 0 for group in last.groups}["faking"]


@pytest.mark.parametrize("name", PRESETS)
def test_who_does_not_call_reward_ends_with_less_than_who_does(name):
    stake = get_preset(name).min_self_bond
    worth, _ = play(
        name,
        TranscoderGroup("lazy", 1, stake, misses=Fraction(ONE // 3)),
        TranscoderGroup("calling", 1, stake),
    )
    assert worth["lazy"] < worth["calling"]


@pytest.mark.parametrize("name", PRESETS)
def test_who_divides_its_stake_ends_with_no_more_than_who_does_not(name):
    stake = Lpt(4 * get_preset(name).min_self_bond)
    worth, _ = play(name, TranscoderGroup("splitting", 1, stake, parts=4), TranscoderGroup("whole", 1, stake))
    assert worth["splitting"] < worth["whole"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_proposer_that_tries_hashes_hides_as_many_faked_segments_as_the_bound_says_and_hardly_more(name):
    params, tries = get_preset(name), 200
    bound = compute_hidden_segments(params, tries)
    world = Economy(EconomyOrder(params, Scenario("one", SECURITY, (TranscoderGroup("one", 1, SECURITY),)), 1, 1)).world

    def challenges(height, attempt, count):
        randomness = world.randomness(height + 1, attempt)
        return any(is_challenged(height, randomness, segment, params.verification_rate) for segment in range(count))

    def hides(count, height):
        return not all(challenges(height, attempt, count) for attempt in range(tries))

    heights = range(1, 11)
    assert sum(hides(bound // 2, height) for height in heights) == len(heights)
    if bound < params.max_segments_per_claim:
        assert sum(hides(3 * bound + 3, height) for height in heights) == 0
