"""Whitepaper, *Token Generation* and *Token Distribution*: one test for each thing that they say."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Reward
from app.messages.events import RewardMissed, RewardWithheld
from app.messages.rejections import Reason
from app.primitives.fractions import ONE
from app.state.tables import ACTIVE, ALLOCATIONS, ROUND, SUPPLY, TRANSCODERS
from genesis.presets.test import TEST
from genesis.presets.whitepaper import WHITEPAPER
from tests.support.allocations import allot, with_allocations
from tests.support.chain_driver import (
    ALICE,
    BOB,
    LPT,
    VERA,
    VIKTOR,
    Chain,
    events_of,
    force,
    make_genesis,
    rates_of,
    register,
    start,
)

MANUAL = replace(TEST, auto_reward=False)


def test_only_an_active_transcoder_calls_reward():
    chain = start(MANUAL)
    register(chain, ALICE)
    chain.refused(ALICE, Reward(), reason=Reason.NOT_ACTIVE)


def test_reward_is_called_once_per_round():
    chain = start(MANUAL)
    chain.must(VERA, Reward())
    chain.refused(VERA, Reward(), reason=Reason.REWARD_ALREADY_CALLED)
    chain.next_round()
    chain.must(VERA, Reward())


def test_the_number_of_tokens_to_mint_is_based_upon_the_inflation_rate():
    chain = start(MANUAL)
    supply = SUPPLY.read(chain.state).lpt
    chain.must(VERA, Reward())
    minted = SUPPLY.read(chain.state).lpt - supply
    assert minted == supply * TEST.inflation_rate // ONE


def test_the_cut_is_distributed_into_the_transcoders_bonded_stake():
    chain = start(MANUAL, cut=ONE)
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    amount = chain.must(VERA, Reward()).events[-1].amount
    assert chain.stake(VERA) == pytest.approx(1000 * LPT + amount, abs=1)
    assert chain.stake(ALICE) in (1000 * LPT - 1, 1000 * LPT)


def test_the_remainder_is_distributed_into_the_delegators_reward_pool():
    chain = start(MANUAL, cut=0)
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    amount = chain.must(VERA, Reward()).events[-1].amount
    assert chain.stake(ALICE) == pytest.approx(1000 * LPT + amount // 2, abs=1)


def test_the_bonded_amount_to_this_transcoder_is_updated():
    chain = start(MANUAL)
    before = chain.total_stake(VERA)
    amount = chain.must(VERA, Reward()).events[-1].amount
    assert chain.total_stake(VERA) == before + amount


def test_failing_to_invoke_reward_loses_it_and_shows_up_as_a_ding_on_the_reputation():
    chain = start(MANUAL)
    supply = SUPPLY.read(chain.state).lpt
    (missed,) = events_of(chain.next_round(), RewardMissed)
    assert (missed.transcoder, missed.in_a_row) == (VERA.address, 1)
    assert SUPPLY.read(chain.state).lpt == supply
    assert TRANSCODERS.read(chain.state, VERA.address).missed_rewards == 1


def test_who_does_not_perform_a_proportional_share_of_the_work_is_not_rewarded():
    chain = start(MANUAL, [VERA, VIKTOR])
    chain.next_round()

    def all_by_viktor(state):
        ROUND.put(state, replace(ROUND.read(state), previous_work=1000))
        ACTIVE.put(state, replace(ACTIVE.read(state, VIKTOR.address), previous_work=1000), VIKTOR.address)

    force(chain, all_by_viktor)
    assert isinstance(chain.must(VERA, Reward()).events[-1], RewardWithheld)


def test_within_the_competitiveness_tolerance_a_small_share_is_enough():
    # "With 100 transcoders and 100,000 segments, this means I am ok if I only did 100 segments"
    chain = start(MANUAL, [VERA, VIKTOR])
    chain.next_round()
    assert TEST.competitiveness_tolerance == WHITEPAPER.competitiveness_tolerance == 9 * 10**8

    def nearly_all_by_viktor(state):
        ROUND.put(state, replace(ROUND.read(state), previous_work=1000))
        for party, work in ((VERA, 50), (VIKTOR, 950)):
            ACTIVE.put(state, replace(ACTIVE.read(state, party.address), previous_work=work), party.address)

    force(chain, nearly_all_by_viktor)
    assert not isinstance(chain.must(VERA, Reward()).events[-1], RewardWithheld)


def test_inflation_is_relative_to_the_outstanding_float():
    chain = start(replace(MANUAL, inflation_change=0), cut=0)
    minted = []
    for _ in range(3):
        supply = SUPPLY.read(chain.state).lpt
        chain.must(VERA, Reward())
        minted.append(SUPPLY.read(chain.state).lpt - supply)
        assert minted[-1] == chain.round.mintable
        chain.next_round()
    assert minted == sorted(minted)
    assert minted[0] < minted[2]


def test_bonded_participants_are_protected_from_inflation_and_inactive_ones_are_diluted():
    chain = start(MANUAL, cut=0)
    chain.must(ALICE, Bond(5000 * LPT, VERA.address))
    chain.next_round()
    supply, stake, balance = SUPPLY.read(chain.state).lpt, chain.stake(ALICE), chain.account(BOB).lpt
    chain.must(VERA, Reward())
    grown = SUPPLY.read(chain.state).lpt
    assert chain.stake(ALICE) * supply > stake * grown
    assert chain.account(BOB).lpt * supply < balance * grown


def test_the_rate_moves_each_round_towards_the_participation_target():
    below = start(MANUAL)
    below.next_round()
    assert below.round.inflation_rate == TEST.inflation_rate + TEST.inflation_change
    above = start(replace(MANUAL, participation_rate=1))
    above.next_round()
    assert above.round.inflation_rate == TEST.inflation_rate - TEST.inflation_change


def test_the_initial_allocation_is_distributed_at_genesis_and_can_be_staked():
    chain = start(TEST)
    assert chain.account(ALICE).lpt == 10_000 * LPT
    chain.must(ALICE, Bond(10_000 * LPT, ALICE.address))


def test_an_initial_allocation_is_distributed_at_genesis_and_recipients_stake_it_into_a_role():
    allotment = allot(ALICE, BOB)
    chain = Chain(with_allocations(make_genesis(TEST, [ALICE, BOB], [VERA]), allotment))
    chain.block()
    assert ALLOCATIONS.read(chain.state).unclaimed == 3 * LPT
    chain.must(ALICE, allotment.claim(0), Bond(LPT, ALICE.address), rates_of(ALICE))
    chain.must(BOB, allotment.claim(1), Bond(2 * LPT, ALICE.address))
    chain.next_round()
    assert ACTIVE.read(chain.state, ALICE.address).stake == 3 * LPT


def test_all_that_is_allocated_is_in_the_supply_that_inflation_is_relative_to():
    genesis = make_genesis(TEST, [ALICE], [VERA])
    chains = Chain(genesis), Chain(with_allocations(genesis, allot(ALICE)))
    for chain in chains:
        chain.block()
    without, with_one = (SUPPLY.read(chain.state).lpt for chain in chains)
    assert with_one - without == LPT
    assert chains[1].round.mintable - chains[0].round.mintable == LPT * TEST.inflation_rate // ONE
