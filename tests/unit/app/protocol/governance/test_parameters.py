"""Adopted changes of parameters: when they take effect, in which order, and when they do not."""

from dataclasses import fields, replace

import pytest

from app.messages.bodies import InitializeRound, Transfer, Vote
from app.messages.events import ParameterChanged, ProposalDropped, RoundInitialized, StakeSlashed, TranscoderLeft
from app.messages.records import LeaveReason, ProposalStatus
from app.messages.rejections import Reason
from app.params import Params
from app.primitives.fractions import ONE
from app.protocol.governance import parameters
from app.protocol.transcoders import consensus_address
from app.state.tables import ACTIVE, ADOPTED_CHANGES, PARAMS, TRANSCODERS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, CAROL, LPT, VERA, VIKTOR, events_of, register, start
from tests.support.governing import YES, adopt, cast, changes, decide, proposal_of, proposed

PATIENT = replace(TEST, missed_reward_threshold=100)
BY_HAND = replace(PATIENT, auto_initialize_round=False)


def two(params=PATIENT):
    return start(params, [VERA, VIKTOR])


def in_force(chain):
    return PARAMS.read(chain.state)


def adopt_together(chain, *contents):
    """Adopt several in one block, in this order; all votings end in the same block."""
    chain.block(chain.sign(CAROL, *contents))
    for party in (VERA, VIKTOR):
        chain.block(chain.sign(party, *[Vote(number + 1, YES) for number in range(len(contents))]))
    decide(chain)


def test_an_adopted_change_waits_for_the_rounds_start_and_holds_from_then_on():
    chain = two()
    adopt(chain, CAROL, changes(quorum=ONE // 5, n=3), VERA, VIKTOR)
    assert in_force(chain) == PATIENT
    assert (proposal_of(chain).status, len(list(ADOPTED_CHANGES.keys(chain.state)))) == (ProposalStatus.ADOPTED, 1)
    chain.until(chain.round.start_height + chain.round.length)
    assert in_force(chain) == PATIENT
    block = chain.block()
    assert in_force(chain) == replace(PATIENT, quorum=ONE // 5, n=3)
    assert events_of(block, ParameterChanged) == [
        ParameterChanged(1, "quorum", PATIENT.quorum, ONE // 5),
        ParameterChanged(1, "n", 4, 3),
    ]
    assert (proposal_of(chain).status, list(ADOPTED_CHANGES.keys(chain.state))) == (ProposalStatus.EXECUTED, [])


def test_the_round_that_begins_is_computed_by_the_new_parameters():
    chain = two()
    adopt(chain, CAROL, changes(n=1, round_length=12), VERA, VIKTOR)
    block = chain.next_round()
    (begun,) = events_of(block, RoundInitialized)
    assert (begun.active_transcoders, chain.round.length) == (2, 12)  # one elected, one drawn
    assert sorted(active.from_waitlist for _, active in ACTIVE.items(chain.state)) == [False, True]


def test_fees_and_messages_of_the_block_that_begins_the_round_are_under_the_new_ones():
    chain = two()
    adopt(chain, CAROL, changes(base_fee_wei=10**16 + 1), VERA, VIKTOR)
    chain.until(chain.round.start_height + chain.round.length)
    (result,) = chain.block(chain.sign(ALICE, Transfer(BOB.address, 1, 1))).tx_results
    assert result.code == Reason.FEE_TOO_LOW


def test_the_mempool_knows_the_new_parameters_after_the_commit():
    chain = two()
    adopt(chain, CAROL, changes(base_fee_wei=10**16 + 1), VERA, VIKTOR)
    raw = chain.sign(ALICE, Transfer(BOB.address, 1, 1))
    assert chain.engine.check_tx(raw).code == 0
    chain.next_round()
    assert chain.engine.check_tx(raw).code == Reason.FEE_TOO_LOW


def test_what_no_longer_holds_with_the_others_is_dropped_whole_and_told_why():
    chain = two()
    adopt_together(chain, changes(verifier_committee_size=2), changes(verifier_quorum=3, n=3))
    block = chain.next_round()
    why = "verifier_quorum, 3, is more than verifier_committee_size, 2"
    assert events_of(block, ProposalDropped) == [ProposalDropped(2, why)]
    assert (proposal_of(chain, 2).status, proposal_of(chain, 2).outcome) == (ProposalStatus.DROPPED, why)
    assert in_force(chain) == replace(PATIENT, verifier_committee_size=2)
    assert proposal_of(chain, 1).status is ProposalStatus.EXECUTED


def test_of_two_for_one_parameter_the_later_one_wins():
    chain = two()
    adopt_together(chain, changes(n=3), changes(n=2))
    block = chain.next_round()
    assert [(e.proposal_id, e.before, e.after) for e in events_of(block, ParameterChanged)] == [(1, 4, 3), (2, 3, 2)]
    assert in_force(chain).n == 2


def test_the_order_is_that_of_the_ends_of_voting_before_that_of_the_numbers():
    chain = two(replace(PATIENT, voting_period=14))
    proposed(chain, CAROL, changes(n=3))
    cast(chain, 1, yes=(VERA, VIKTOR))
    chain.block()
    proposed(chain, CAROL, changes(n=2))
    cast(chain, 2, yes=(VERA, VIKTOR))
    decide(chain, 2)
    assert [key[1] for key in ADOPTED_CHANGES.keys(chain.state)] == [1, 2]
    chain.next_round()
    assert in_force(chain).n == 2


def test_rounds_that_passed_uninitialised_do_not_apply_anything_before_they_are_initialised():
    chain = two(replace(BY_HAND, voting_period=5))
    adopt(chain, CAROL, changes(n=3), VERA, VIKTOR)
    chain.until(27)
    assert in_force(chain) == chain.params
    chain.must(ALICE, InitializeRound())
    assert in_force(chain).n == 3


def test_an_initialisation_that_is_taken_back_leaves_the_old_parameters_in_force_for_the_block():
    chain = two(replace(BY_HAND, voting_period=5))
    adopt(chain, CAROL, changes(base_fee_wei=10**16 + 1), VERA, VIKTOR)
    chain.until(11)
    taken_back = chain.sign(ALICE, InitializeRound(), Transfer(BOB.address, 1, 10**30))
    results = chain.block(taken_back, chain.sign(BOB, Transfer(ALICE.address, 1, 1))).tx_results
    assert [result.code for result in results] == [Reason.INSUFFICIENT_FUNDS, 0]
    assert in_force(chain) == chain.params
    results = chain.block(
        chain.sign(ALICE, InitializeRound()), chain.sign(BOB, Transfer(ALICE.address, 1, 1))
    ).tx_results
    assert [result.code for result in results] == [0, Reason.FEE_TOO_LOW]


def test_a_higher_min_self_bond_lets_those_go_who_have_less():
    chain = two()
    register(chain, ALICE, 10 * LPT)
    adopt(chain, CAROL, changes(min_self_bond=11 * LPT), VERA, VIKTOR)
    assert events_of(chain.next_round(), TranscoderLeft) == [
        TranscoderLeft(ALICE.address, LeaveReason.SELF_BOND_TOO_LOW)
    ]


def test_a_higher_min_self_bond_reaches_the_jailed_as_well():
    chain = two()
    register(chain, ALICE, 10 * LPT)
    chain.next_round()
    while not TRANSCODERS.read(chain.state, ALICE.address).jailed_until:
        chain.block(absent=[consensus_address(ALICE.consensus_key)])
    adopt(chain, CAROL, changes(min_self_bond=11 * LPT), VERA, VIKTOR)
    (left,) = events_of(chain.next_round(), TranscoderLeft)
    assert left.transcoder == ALICE.address


def test_a_smaller_threshold_of_missed_rewards_reaches_who_has_missed_more_already():
    chain = two(replace(PATIENT, auto_reward=False))
    for _ in range(3):
        chain.next_round()
    adopt(chain, CAROL, changes(missed_reward_threshold=2), VERA, VIKTOR)
    chain.next_round()
    assert TRANSCODERS.read(chain.state, VERA.address).missed_rewards > 2
    assert {event.transcoder for event in events_of(chain.next_round(), StakeSlashed)} == {VERA.address, VIKTOR.address}
    assert TRANSCODERS.read(chain.state, VERA.address).missed_rewards == 0


def test_an_adopted_inflation_rate_is_what_the_rate_moves_on_from():
    chain = two()
    adopt(chain, CAROL, changes(inflation_rate=10**6, inflation_change=7), VERA, VIKTOR)
    chain.next_round()
    assert chain.round.inflation_rate == 10**6 + 7
    chain.next_round()
    assert chain.round.inflation_rate == 10**6 + 14


def test_no_more_proposals_take_effect_at_once_than_a_block_can_do(monkeypatch):
    monkeypatch.setattr(parameters, "MAX_APPLIED_AT_ONCE", 1)
    chain = two()
    adopt_together(chain, changes(n=3), changes(n=2))
    chain.next_round()
    assert in_force(chain).n == 3
    chain.next_round()
    assert in_force(chain).n == 2


@pytest.mark.parametrize("name", [field.name for field in fields(Params)])
def test_every_parameter_can_be_changed(name):
    value = getattr(PATIENT, name)
    other = 1 - value if isinstance(value, bool) else value + 1
    others = {"unbonding_period": 21} if name == "evidence_max_age" else {}
    chain = two()
    adopt(chain, CAROL, changes(**{name: other}, **others), VERA, VIKTOR)
    chain.next_round()
    found = getattr(in_force(chain), name)
    assert found == other
    assert type(found) is type(value)
    chain.next_round()
