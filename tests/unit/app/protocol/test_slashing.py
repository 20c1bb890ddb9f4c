"""One slash for all reasons: whom it reaches, where it goes, and what is left of who had everything taken."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Rebond, ResignAsTranscoder, Reward, Unbond, UpdateDelegatorStake, Withdraw
from app.messages.events import FinderPaid, LockBatchSlashed, RewardMissed, StakeSlashed, TranscoderLeft
from app.messages.records import LeaveReason, SlashReason
from app.messages.rejections import Reason
from app.primitives.fractions import ONE, Fraction
from app.protocol.earnings import credit_fees
from app.protocol.ledger import debit_wei
from app.protocol.locks import get_lock_value
from app.protocol.slashing import slash
from app.protocol.stake import get_candidate
from app.state.tables import ACTIVE, COMMON_POOL, ENDED_ERAS, LOCKS, POOLS, SUPPLY, TOTALS, TRANSCODERS
from genesis.presets.test import TEST
from tests.support.chain_driver import (
    ALICE,
    BOB,
    CAROL,
    ETH,
    LPT,
    VERA,
    VIKTOR,
    enact,
    events_of,
    rates_of,
    start,
)

QUARTER = Fraction(ONE // 4)
PATIENT = replace(TEST, missed_reward_threshold=100)


def slashed(chain, fraction, height=1, finder=None, party=VERA, reason=SlashReason.DOUBLE_CLAIM):
    who = () if finder is None else (finder.address,)
    return enact(chain, lambda state, env: slash(state, env, party.address, fraction, reason, height, *who))


def chain_of_all_kinds_of_stake():
    """Vera's own 1000 LPT, Alice's 400 from before, Bob's 200 of this round, and 100 of Alice's under a lock."""
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.must(ALICE, Bond(500 * LPT, VERA.address))
    chain.next_round()
    chain.must(BOB, Bond(200 * LPT, VERA.address))
    chain.must(ALICE, Unbond(100 * LPT))
    return chain


def lock_value(chain, party, lock_id=1):
    return get_lock_value(chain.state, LOCKS.read(chain.state, party.address, lock_id))


def test_own_stake_delegators_and_stake_under_locks_lose_the_same_fraction():
    chain = chain_of_all_kinds_of_stake()
    before = chain.stake(VERA), chain.stake(ALICE), chain.stake(BOB), lock_value(chain, ALICE)
    slashed(chain, QUARTER, height=chain.engine.height)
    after = chain.stake(VERA), chain.stake(ALICE), chain.stake(BOB), lock_value(chain, ALICE)
    for was, now in zip(before, after, strict=True):
        assert 0 <= now - was * 3 // 4 <= 1
    assert chain.stake(VIKTOR) == 1000 * LPT


def test_the_finder_gets_its_fee_and_the_common_pool_the_rest():
    chain = chain_of_all_kinds_of_stake()
    supply, pool = SUPPLY.read(chain.state), COMMON_POOL.read(chain.state).lpt
    *batches, event, paid = slashed(chain, QUARTER, height=5, finder=CAROL)
    assert paid == FinderPaid(CAROL.address, event.finder_fee)
    assert sum(each.amount for each in batches) == event.unbonding
    total = 1700 * LPT // 4
    fee = total * TEST.finder_fee // ONE
    assert event == StakeSlashed(
        VERA.address, SlashReason.DOUBLE_CLAIM, 5, QUARTER, 400 * LPT, 25 * LPT, CAROL.address, fee
    )
    assert chain.account(CAROL).lpt == 10_000 * LPT + fee
    assert COMMON_POOL.read(chain.state).lpt - pool == total - fee
    assert SUPPLY.read(chain.state) == supply


def test_without_a_finder_all_of_it_goes_to_the_common_pool():
    chain = start(PATIENT)
    (event,) = slashed(chain, QUARTER)
    assert (event.finder, event.finder_fee) == (bytes(20), 0)
    assert COMMON_POOL.read(chain.state).lpt == 250 * LPT


@pytest.mark.parametrize("stake", [LPT, LPT + 1, LPT + 7])
def test_a_slash_rounds_down_and_never_takes_more_than_there_is(stake):
    chain = start(replace(PATIENT, min_self_bond=1), stake=stake)
    for _ in range(30):
        before = chain.total_stake(VERA)
        (event, *_) = slashed(chain, Fraction(999_999_999))
        assert event.bonded == before * 999_999_999 // ONE or event.bonded == before
        assert chain.total_stake(VERA) == before - event.bonded
    assert TOTALS.read(chain.state).bonded == chain.total_stake(VERA)


def test_nothing_is_taken_from_who_has_nothing():
    chain = start(PATIENT)
    (event,) = slashed(chain, ONE, party=CAROL, finder=BOB)
    assert (event.bonded, event.unbonding, event.finder_fee) == (0, 0, 0)


def test_who_has_resigned_is_slashed_all_the_same():
    chain = start(PATIENT, [VERA, VIKTOR])
    offence = chain.engine.height
    chain.must(VERA, ResignAsTranscoder())
    chain.must(VERA, Unbond(1000 * LPT))
    batch, event = slashed(chain, QUARTER, height=offence)
    assert (event.bonded, event.unbonding) == (0, 250 * LPT)
    assert batch == LockBatchSlashed(VERA.address, 12, 0, 250 * LPT)


def test_a_transcoder_with_too_little_of_its_own_left_is_no_candidate_any_more():
    chain = start(replace(PATIENT, min_self_bond=900 * LPT), [VERA, VIKTOR])
    events = slashed(chain, QUARTER)
    assert TranscoderLeft(VERA.address, LeaveReason.SELF_BOND_TOO_LOW) in events
    chain.refused(VERA, Reward(), reason=Reason.NOT_ACTIVE)
    chain.next_round()
    assert not ACTIVE.has(chain.state, VERA.address)


def test_one_with_enough_left_stays():
    chain = start(replace(PATIENT, min_self_bond=750 * LPT), [VERA, VIKTOR])
    assert len(slashed(chain, QUARTER)) == 1
    chain.next_round()
    assert ACTIVE.read(chain.state, VERA.address).stake == 750 * LPT


# --- slashed to nothing


def test_a_slash_of_everything_leaves_nobody_any_stake_and_everybody_free():
    chain = chain_of_all_kinds_of_stake()
    slashed(chain, ONE, height=chain.engine.height)
    assert [chain.stake(party) for party in (VERA, ALICE, BOB)] == [0, 0, 0]
    assert [get_candidate(chain.state, party.address) for party in (VERA, ALICE, BOB)] == [None] * 3
    assert lock_value(chain, ALICE) == 0
    chain.must(ALICE, Bond(LPT, VIKTOR.address))
    chain.refused(BOB, Unbond(1), reason=Reason.NOT_BONDED)
    chain.refused(BOB, Bond(1, VERA.address), reason=Reason.NOT_A_CANDIDATE)


def test_fees_from_before_are_still_their_owners():
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.must(CAROL, Bond(7, VERA.address))
    chain.next_round()
    chain.must(BOB, Bond(1000 * LPT, VERA.address))

    def pay(state, env):
        debit_wei(state, BOB.address, ETH)
        credit_fees(state, env, VERA.address, ETH)

    enact(chain, pay)
    fees = {party: chain.fees(party) for party in (VERA, ALICE, BOB, CAROL)}
    assert (fees[ALICE], fees[BOB]) == (pytest.approx(ETH // 4, abs=10), 0)
    slashed(chain, ONE)
    assert {party: chain.fees(party) for party in fees} == fees
    assert POOLS.read(chain.state, VERA.address).fees == 0
    chain.must(ALICE, Withdraw(0, fees[ALICE]))
    for party in (VERA, BOB, CAROL):
        chain.must(ALICE, UpdateDelegatorStake(party.address))
    assert list(ENDED_ERAS.items(chain.state)) == []
    assert chain.fees(VERA) == fees[VERA]


def test_who_bonds_afterwards_shares_with_none_of_the_shares_of_before():
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    slashed(chain, ONE)
    chain.must(VERA, Bond(10 * LPT, VERA.address), rates_of(VERA))
    chain.must(BOB, Bond(30 * LPT, VERA.address))
    assert (chain.stake(VERA), chain.stake(ALICE), chain.stake(BOB)) == (10 * LPT, 0, 30 * LPT)
    chain.next_round()
    assert (chain.stake(VERA), chain.stake(ALICE), chain.stake(BOB)) == (10 * LPT, 0, 30 * LPT)
    chain.must(ALICE, Bond(LPT, VERA.address))
    assert chain.stake(ALICE) == LPT


def test_a_bond_of_the_round_of_the_slash_is_void_and_one_after_it_in_the_same_round_is_not():
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    slashed(chain, ONE)
    chain.must(VERA, Bond(10 * LPT, VERA.address), rates_of(VERA))
    chain.must(BOB, Bond(3 * LPT, VERA.address))
    chain.next_round()
    assert [chain.stake(party) for party in (VERA, ALICE, BOB)] == [10 * LPT, 0, 3 * LPT]
    chain.must(CAROL, UpdateDelegatorStake(ALICE.address), UpdateDelegatorStake(BOB.address))
    assert [chain.stake(party) for party in (VERA, ALICE, BOB)] == [10 * LPT, 0, 3 * LPT]


def test_what_is_worn_down_to_a_billionth_is_taken_as_well():
    chain = start(replace(PATIENT, min_self_bond=1), [VERA, VIKTOR])
    while chain.total_stake(VERA):
        slashed(chain, Fraction(ONE // 100 * 99))
    assert POOLS.read(chain.state, VERA.address).era == 1
    assert COMMON_POOL.read(chain.state).lpt == 1000 * LPT


def test_a_lock_from_before_the_slash_of_everything_can_be_rebonded_when_it_was_not_reached():
    chain = start(PATIENT, [VERA, VIKTOR])
    chain.must(ALICE, Bond(5 * LPT, VERA.address))
    chain.must(ALICE, Unbond(2 * LPT))
    slashed(chain, ONE, height=500)
    chain.must(ALICE, Rebond(1, VIKTOR.address))
    assert chain.stake(ALICE) == 2 * LPT


# --- missed rewards


def test_missing_so_many_rewards_in_a_row_is_slashed_as_the_round_closes():
    chain = start(replace(TEST, auto_reward=False, missed_reward_threshold=2), [VERA, VIKTOR])
    chain.must(VIKTOR, Reward())
    assert events_of(chain.next_round(), StakeSlashed) == []
    chain.must(VIKTOR, Reward())
    before = chain.stake(VERA)
    result = chain.next_round()
    (event,) = events_of(result, StakeSlashed)
    penalty = before * TEST.missed_reward_slash_amount // ONE
    assert (event.transcoder, event.reason, event.offence_height) == (VERA.address, SlashReason.MISSED_REWARD, 20)
    assert (event.bonded, event.finder_fee) == (penalty, 0)
    assert [e.in_a_row for e in events_of(result, RewardMissed)] == [2]
    assert TRANSCODERS.read(chain.state, VERA.address).missed_rewards == 0
    assert ACTIVE.read(chain.state, VERA.address).stake == before - penalty


def test_after_a_slash_the_count_begins_anew():
    chain = start(replace(TEST, auto_reward=False, missed_reward_threshold=2))
    slashes = [len(events_of(chain.next_round(), StakeSlashed)) for _ in range(6)]
    assert slashes == [0, 1, 0, 1, 0, 1]


def test_a_missed_reward_reaches_stake_that_unbonded_in_its_round():
    chain = start(replace(TEST, auto_reward=False, missed_reward_threshold=1), [VERA, VIKTOR])
    chain.must(VIKTOR, Reward())
    chain.must(VERA, Unbond(100 * LPT))
    (event,) = events_of(chain.next_round(), StakeSlashed)
    assert event.unbonding == 100 * LPT * TEST.missed_reward_slash_amount // ONE


def test_who_has_left_the_set_owes_no_reward():
    chain = start(replace(TEST, auto_reward=False, missed_reward_threshold=1), [VERA, VIKTOR])
    chain.must(VIKTOR, Reward())
    chain.must(VERA, ResignAsTranscoder())
    result = chain.next_round()
    assert events_of(result, RewardMissed) == events_of(result, StakeSlashed) == []
