"""Whitepaper, *Slashing*, and what *Bonding + Delegation* says of unbonding: one test for each thing they say."""

from dataclasses import replace

from app.messages.bodies import Bond, Denom, Reward, Transfer, Unbond, Withdraw
from app.messages.events import StakeSlashed
from app.messages.records import SlashReason
from app.messages.rejections import Reason
from app.primitives.fractions import ONE
from app.protocol.slashing import slash
from app.state.tables import COMMON_POOL, LOCKS, SUPPLY
from genesis.presets.test import TEST
from genesis.presets.whitepaper import WHITEPAPER
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, VIKTOR, enact, events_of, start

PATIENT = replace(TEST, missed_reward_threshold=100)


def punish(chain, fraction, finder=BOB):
    reason = SlashReason.MISSED_VERIFICATION
    return enact(chain, lambda state, env: slash(state, env, VERA.address, fraction, reason, 1, finder.address))[0]


def test_stake_is_tied_up_until_unbond_and_then_for_the_unbonding_period():
    chain = start(PATIENT)
    chain.must(ALICE, Bond(10_000 * LPT, VERA.address))
    chain.must(ALICE, Unbond(10_000 * LPT))
    chain.refused(ALICE, Transfer(BOB.address, Denom.LPT, 1), reason=Reason.INSUFFICIENT_FUNDS)
    chain.blocks(PATIENT.unbonding_period - 3)
    chain.refused(ALICE, Withdraw(0, 0, (1,)), reason=Reason.LOCK_NOT_RELEASED)


def test_upon_completion_of_the_unbonding_period_the_lpt_can_be_withdrawn():
    chain = start(PATIENT)
    chain.must(ALICE, Bond(10_000 * LPT, VERA.address), Unbond(10_000 * LPT))
    assert LOCKS.read(chain.state, ALICE.address, 1).release_height == chain.engine.height + PATIENT.unbonding_period
    chain.blocks(PATIENT.unbonding_period - 1)
    chain.must(ALICE, Withdraw(0, 0, (1,)), Transfer(BOB.address, Denom.LPT, 10_000 * LPT))


def test_bonds_are_reduced_by_a_percentage_if_the_node_they_are_delegated_towards_misbehaves():
    chain = start(PATIENT)
    chain.must(ALICE, Bond(400 * LPT, VERA.address))
    punish(chain, PATIENT.failed_verification_slash_amount)
    left = ONE - PATIENT.failed_verification_slash_amount
    assert (chain.stake(VERA), chain.stake(ALICE)) == (1000 * LPT * left // ONE, 400 * LPT * left // ONE)


def test_not_calling_reward_is_slashed_by_missed_reward_slash_amount():
    chain = start(replace(TEST, auto_reward=False, missed_reward_threshold=1), [VERA, VIKTOR])
    chain.must(VIKTOR, Reward())
    chain.next_round()
    assert chain.stake(VERA) == 1000 * LPT * (ONE - TEST.missed_reward_slash_amount) // ONE


def test_who_calls_reward_each_round_is_never_slashed_for_it():
    chain = start(replace(TEST, auto_reward=False, missed_reward_threshold=1))
    for _ in range(4):
        chain.must(VERA, Reward())
        assert events_of(chain.next_round(), StakeSlashed) == []


def test_the_finder_receives_finder_fee_of_the_slashed_amount():
    chain = start(PATIENT)
    taken = punish(chain, PATIENT.missed_verification_slash_amount).bonded
    assert chain.account(BOB).lpt == 10_000 * LPT + taken * PATIENT.finder_fee // ONE


def test_the_remainder_of_the_slashed_funds_enters_the_common_pool_and_none_is_lost():
    chain = start(PATIENT)
    supply = SUPPLY.read(chain.state)
    event = punish(chain, PATIENT.missed_verification_slash_amount)
    assert COMMON_POOL.read(chain.state).lpt == event.bonded - event.finder_fee
    assert SUPPLY.read(chain.state) == supply


def test_the_amounts_are_those_of_the_parameter_reference():
    percent = ONE // 100
    amounts = (
        WHITEPAPER.failed_verification_slash_amount,
        WHITEPAPER.missed_reward_slash_amount,
        WHITEPAPER.missed_verification_slash_amount,
        WHITEPAPER.finder_fee,
    )
    assert amounts == (5 * percent, 3 * percent, 10 * percent, 5 * percent)
