"""Unbond, Rebond and Withdraw: stake on its way out, and what still reaches it there."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Rebond, ResignAsTranscoder, Unbond, UpdateDelegatorStake, Withdraw
from app.messages.events import LockWithdrawn, Rebonded, StakeUpdated, Unbonded
from app.messages.limits import MAX_LOCKS
from app.messages.records import Lock, LockBatch, SlashReason
from app.messages.rejections import Reason
from app.primitives.address import to_checksum
from app.primitives.fractions import ONE, Fraction
from app.protocol.locks import get_lock_value
from app.protocol.slashing import slash
from app.protocol.stake import get_candidate
from app.state.tables import DELEGATORS, LOCK_BATCHES, LOCKS, TOTALS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, VIKTOR, enact, register, start

PERIOD = TEST.unbonding_period
PATIENT = replace(TEST, missed_reward_threshold=100)


def bonded(amount=5 * LPT, validators=(VERA, VIKTOR)):
    chain = start(PATIENT, list(validators))
    chain.must(ALICE, Bond(amount, VERA.address))
    return chain


def lock_of(chain, party, lock_id=1):
    return LOCKS.read(chain.state, party.address, lock_id)


def slash_at(chain, height, fraction=ONE // 2, party=VERA):
    enact(chain, lambda state, env: slash(state, env, party.address, fraction, SlashReason.DOUBLE_SIGN, height))


# --- Unbond


def test_a_part_of_a_stake_goes_under_a_numbered_lock():
    chain = bonded()
    result = chain.must(ALICE, Unbond(2 * LPT))
    height = chain.engine.height
    assert (chain.stake(ALICE), chain.total_stake(VERA), chain.account(ALICE).lpt) == (3 * LPT, 1003 * LPT, 9_995 * LPT)
    assert result.events[1:] == [Unbonded(ALICE.address, VERA.address, 1, 2 * LPT, height + PERIOD, 12, 0)]
    assert lock_of(chain, ALICE) == Lock(VERA.address, 12, 0, 2 * LPT, height + PERIOD)
    assert TOTALS.read(chain.state).unbonding == 2 * LPT


def test_all_of_it_leaves_the_account_bonded_to_nobody():
    chain = bonded()
    chain.next_round()
    chain.must(ALICE, Unbond(5 * LPT))
    assert (chain.stake(ALICE), get_candidate(chain.state, ALICE.address)) == (0, None)
    chain.refused(ALICE, Unbond(1), reason=Reason.NOT_BONDED)


def test_what_does_not_earn_yet_is_taken_first():
    chain = bonded()
    chain.next_round()
    chain.must(ALICE, Bond(3 * LPT, VERA.address))
    shares = DELEGATORS.read(chain.state, ALICE.address).shares
    chain.must(ALICE, Unbond(3 * LPT))
    delegator = DELEGATORS.read(chain.state, ALICE.address)
    assert (delegator.shares, delegator.joining_shares) == (shares, 0)
    chain.must(ALICE, Unbond(LPT))
    assert DELEGATORS.read(chain.state, ALICE.address).shares < shares


@pytest.mark.parametrize(
    ("amount", "reason", "text"),
    [
        (0, Reason.ZERO_AMOUNT, "nothing is to be unbonded"),
        (5 * LPT + 1, Reason.INSUFFICIENT_STAKE, "your stake is 5LPT and 5.000000000000000001LPT are to be unbonded"),
    ],
)
def test_no_more_and_no_less_than_there_is_can_be_unbonded(amount, reason, text):
    assert bonded().refused(ALICE, Unbond(amount), reason=reason) == text


def test_who_was_never_bonded_has_nothing_to_unbond():
    assert bonded().refused(BOB, Unbond(1), reason=Reason.NOT_BONDED) == "you have no stake to unbond"


def test_nothing_is_unbonded_while_the_round_waits_to_be_initialised():
    chain = start(replace(PATIENT, auto_initialize_round=False))
    chain.must(ALICE, Bond(LPT, VERA.address))
    chain.until(12)
    chain.refused(ALICE, Unbond(1), reason=Reason.ROUND_NOT_INITIALIZED)


def test_an_account_has_a_hundred_locks_and_no_more():
    chain = bonded()
    for _ in range(MAX_LOCKS // 10):
        chain.must(ALICE, *[Unbond(1)] * 10)
    text = chain.refused(ALICE, Unbond(1), reason=Reason.TOO_MANY_LOCKS)
    assert text == "100 locks are open; withdraw or rebond one first"
    chain.must(ALICE, Rebond(7, VERA.address), Unbond(1))
    assert DELEGATORS.read(chain.state, ALICE.address).next_lock_id == MAX_LOCKS + 2
    chain.blocks(PERIOD)
    lock_ids = tuple(number for number in range(1, MAX_LOCKS + 2) if number != 7)
    chain.must(ALICE, Withdraw(0, 0, lock_ids))
    assert chain.account(ALICE).lpt == 9_995 * LPT + MAX_LOCKS
    assert list(LOCK_BATCHES.items(chain.state)) == []


def test_a_hundred_locks_can_be_named_at_once_and_no_more():
    chain = bonded()
    raw = chain.sign(ALICE, Withdraw(0, 0, tuple(range(1, MAX_LOCKS + 2))))
    chain.ignored(raw, Reason.LIMIT_EXCEEDED)


def test_a_transcoder_that_keeps_enough_of_its_own_stays_one():
    chain = bonded()
    chain.must(VERA, Unbond(999 * LPT))
    assert chain.round.active_stake == 2000 * LPT
    chain.refused(VERA, Bond(0, VIKTOR.address), reason=Reason.TRANSCODER_CANNOT_DELEGATE)


# --- Withdraw


def test_a_lock_is_paid_out_when_the_unbonding_period_is_over_and_not_before():
    chain = bonded()
    chain.must(ALICE, Unbond(2 * LPT))
    release = lock_of(chain, ALICE).release_height
    chain.until(release - 1)
    text = chain.refused(ALICE, Withdraw(0, 0, (1,)), reason=Reason.LOCK_NOT_RELEASED)
    assert text == f"lock 1 is released at height {release}; this is height {release - 1}"
    result = chain.must(ALICE, Withdraw(0, 0, (1,)))
    assert result.events[1:] == [LockWithdrawn(ALICE.address, 1, 2 * LPT)]
    assert chain.account(ALICE).lpt == 9_997 * LPT
    assert TOTALS.read(chain.state).unbonding == 0
    text = chain.refused(ALICE, Withdraw(0, 0, (1,)), reason=Reason.UNKNOWN_LOCK)
    assert text == "you have no lock 1; it may be withdrawn or rebonded already"


def test_a_lock_named_twice_is_not_paid_twice():
    chain = bonded()
    chain.must(ALICE, Unbond(2 * LPT))
    chain.blocks(PERIOD)
    assert chain.refused(ALICE, Withdraw(0, 0, (1, 1)), reason=Reason.INVALID_FIELD) == "lock 1 is named twice"


def test_nobody_withdraws_or_rebonds_anothers_lock():
    chain = bonded()
    chain.must(ALICE, Unbond(2 * LPT))
    chain.blocks(PERIOD)
    chain.refused(BOB, Withdraw(0, 0, (1,)), reason=Reason.UNKNOWN_LOCK)
    chain.refused(BOB, Rebond(1, VERA.address), reason=Reason.UNKNOWN_LOCK)


def test_one_lock_that_is_not_released_keeps_all_that_were_asked_for():
    chain = bonded()
    chain.must(ALICE, Unbond(LPT))
    chain.blocks(PERIOD)
    chain.must(ALICE, Unbond(LPT))
    chain.refused(ALICE, Withdraw(0, 0, (1, 2)), reason=Reason.LOCK_NOT_RELEASED)
    assert chain.account(ALICE).lpt == 9_995 * LPT


# --- Rebond


def test_a_lock_can_be_bonded_again_and_earns_from_the_next_round_on():
    chain = bonded()
    chain.next_round()
    chain.must(ALICE, Unbond(2 * LPT))
    result = chain.must(ALICE, Rebond(1, VERA.address))
    assert result.events[1:] == [Rebonded(ALICE.address, VERA.address, 1, 2 * LPT)]
    assert chain.stake(ALICE) == 5 * LPT
    assert DELEGATORS.read(chain.state, ALICE.address).joining_shares == 2 * LPT
    chain.refused(ALICE, Rebond(1, VERA.address), reason=Reason.UNKNOWN_LOCK)


def test_who_is_bonded_rebonds_there():
    chain = bonded()
    chain.must(ALICE, Unbond(2 * LPT))
    text = chain.refused(ALICE, Rebond(1, VIKTOR.address), reason=Reason.ALREADY_BONDED)
    assert text == f"you are bonded to {to_checksum(VERA.address)}; rebond there, or move with Bond first"


def test_who_is_bonded_to_nobody_rebonds_to_any_candidate():
    chain = bonded()
    chain.must(ALICE, Unbond(5 * LPT))
    chain.refused(ALICE, Rebond(1, BOB.address), reason=Reason.NOT_A_CANDIDATE)
    chain.must(ALICE, Rebond(1, VIKTOR.address))
    assert (chain.total_stake(VERA), chain.total_stake(VIKTOR)) == (1000 * LPT, 1005 * LPT)


def test_who_is_bonded_to_nobody_bonds_anew_to_any_candidate():
    chain = bonded()
    chain.must(ALICE, Unbond(5 * LPT))
    chain.must(ALICE, Bond(LPT, VIKTOR.address))
    assert (chain.stake(ALICE), get_candidate(chain.state, ALICE.address)) == (LPT, VIKTOR.address)


def test_a_transcoders_own_stake_does_not_leave_for_another_candidate_by_way_of_a_lock():
    chain = bonded()
    chain.must(VERA, Unbond(1000 * LPT))
    text = chain.refused(VERA, Rebond(1, VIKTOR.address), reason=Reason.TRANSCODER_CANNOT_DELEGATE)
    release = lock_of(chain, VERA).release_height
    assert text == f"stake that was bonded to yourself goes to another candidate from height {release} on"
    chain.until(release)
    chain.must(VERA, Rebond(1, VIKTOR.address))
    assert chain.total_stake(VIKTOR) == 2000 * LPT


# --- slashes


def test_a_lock_answers_for_offences_from_before_it_was_made():
    chain = bonded()
    offence = chain.engine.height
    chain.must(ALICE, Unbond(2 * LPT))
    slash_at(chain, offence)
    assert get_lock_value(chain.state, lock_of(chain, ALICE)) == LPT
    assert chain.stake(ALICE) == LPT + LPT // 2
    chain.blocks(PERIOD)
    chain.must(ALICE, Withdraw(0, 0, (1,)))
    assert chain.account(ALICE).lpt == 9_996 * LPT


def test_a_lock_answers_until_its_round_ends_and_the_set_has_changed_and_not_longer():
    chain = bonded()
    chain.must(ALICE, Unbond(2 * LPT))
    slash_at(chain, 13)  # the round ends with height 10, its validators sign the two blocks behind it
    assert get_lock_value(chain.state, lock_of(chain, ALICE)) == 2 * LPT
    slash_at(chain, 12)
    assert get_lock_value(chain.state, lock_of(chain, ALICE)) == LPT


def test_locks_towards_another_candidate_are_not_touched():
    chain = bonded()
    chain.must(ALICE, Unbond(2 * LPT))
    slash_at(chain, 1, party=VIKTOR)
    assert get_lock_value(chain.state, lock_of(chain, ALICE)) == 2 * LPT


def test_a_lock_made_after_a_slash_in_the_same_round_is_worth_what_was_unbonded():
    chain = bonded()
    chain.must(ALICE, Unbond(2 * LPT))
    slash_at(chain, 1, fraction=Fraction(ONE // 4))
    chain.must(ALICE, Unbond(LPT))
    assert [get_lock_value(chain.state, lock_of(chain, ALICE, i)) for i in (1, 2)] == [LPT + LPT // 2, LPT]
    assert [lock_of(chain, ALICE, i).batch for i in (1, 2)] == [0, 1]


def test_who_takes_the_last_lock_of_a_batch_takes_what_divisions_have_left():
    chain = bonded()
    chain.must(ALICE, Unbond(1), Unbond(1), Unbond(1))
    slash_at(chain, 1)  # one of three units
    assert LOCK_BATCHES.read(chain.state, VERA.address, 12, 0) == LockBatch(3, 2)
    chain.blocks(PERIOD)
    before = chain.account(ALICE).lpt
    values = [chain.must(ALICE, Withdraw(0, 0, (i,))).events[-1].amount for i in (1, 2, 3)]
    assert values == [0, 1, 1]
    assert chain.account(ALICE).lpt == before + 2


def test_a_lock_slashed_to_nothing_cannot_be_rebonded_and_can_be_cleared_away():
    chain = bonded()
    chain.must(ALICE, Unbond(5 * LPT))
    slash_at(chain, 1, fraction=ONE)
    chain.refused(ALICE, Rebond(1, VIKTOR.address), reason=Reason.ZERO_AMOUNT)
    chain.blocks(PERIOD)
    assert chain.must(ALICE, Withdraw(0, 0, (1,))).events[1:] == [LockWithdrawn(ALICE.address, 1, 0)]
    assert list(LOCKS.items(chain.state)) == []


# --- UpdateDelegatorStake


def test_anybody_brings_a_record_up_to_date_and_it_is_worth_the_same():
    chain = start(replace(TEST, auto_reward=True))
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    chain.next_round()
    chain.next_round()
    stake, record = chain.stake(ALICE), DELEGATORS.read(chain.state, ALICE.address)
    result = chain.must(BOB, UpdateDelegatorStake(ALICE.address))
    assert result.events[1:] == [StakeUpdated(ALICE.address, stake, 0)]
    after = DELEGATORS.read(chain.state, ALICE.address)
    assert (record.joining_shares, after.joining_shares, chain.stake(ALICE)) == (5 * LPT, 0, stake)


def test_there_is_nothing_to_update_for_who_was_never_bonded():
    text = bonded().refused(ALICE, UpdateDelegatorStake(BOB.address), reason=Reason.NOT_BONDED)
    assert text == f"{to_checksum(BOB.address)} has never been bonded"


def test_locks_outlive_the_candidate_they_were_made_towards():
    chain = bonded()
    register(chain, BOB)
    chain.must(ALICE, Unbond(2 * LPT))
    chain.must(VERA, ResignAsTranscoder())
    chain.blocks(PERIOD)
    chain.must(ALICE, Withdraw(0, 0, (1,)))
    assert chain.account(ALICE).lpt == 9_997 * LPT
