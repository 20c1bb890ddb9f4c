"""Pools of shares: who holds what, from when on, and to the last unit."""

from dataclasses import replace

import pytest

from app.messages.records import CommonPool, DelegationPool, RoundState, Totals
from app.messages.rejections import Reason, Rejection
from app.primitives.amounts import UNITS_PER_TOKEN
from app.primitives.fractions import ONE, Fraction
from app.protocol import stake
from app.protocol.stake import SHARE_SCALE
from app.state.tables import COMMON_POOL, DELEGATORS, JOINED, POOLS, ROUND, TOTALS
from tests.support.environments import any_block
from tests.support.memory_state import MemoryState

CANDIDATE, OTHER = b"\xcc" * 20, b"\xdd" * 20
A, B, C = (bytes([number]) * 20 for number in (1, 2, 3))


class Pools:
    """Pools at a round that tests move on."""

    def __init__(self, **bonds):
        self.state = MemoryState()
        TOTALS.put(self.state, Totals(0, 0, 1, 1))
        COMMON_POOL.put(self.state, CommonPool(0, 0))
        self.round(5)

    def round(self, number):
        ROUND.put(self.state, RoundState(number, 1, 10, True, Fraction(0), 0, 0, 0, 0, 0, 0, None))

    def bonded(self, *amounts, candidate=CANDIDATE):
        """Delegators with these bonds, which all earn already."""
        for who, amount in zip((A, B, C), amounts, strict=False):
            stake.add_to_pool(self.state, any_block(), who, candidate, amount)
        return self

    def stakes(self, *who):
        return [stake.get_stake(self.state, address) for address in who or (A, B, C)]

    def fees(self, *who):
        return [stake.get_pending_fees(self.state, address) for address in who or (A, B, C)]

    def pool(self, candidate=CANDIDATE):
        return POOLS.read(self.state, candidate)


def test_who_is_not_bonded_has_neither_stake_nor_fees_nor_a_candidate():
    state = Pools().state
    assert (stake.get_stake(state, A), stake.get_pending_fees(state, A), stake.get_candidate(state, A)) == (0, 0, None)
    assert stake.settle_delegator(state, any_block(), A) is None
    assert stake.get_total_stake(state, A) == 0


def test_a_reward_reaches_everybody_in_proportion_and_at_once():
    pools = Pools().bonded(100, 300)
    stake.reward_pool(pools.state, CANDIDATE, 40)
    assert pools.stakes(A, B) == [110, 330]
    assert TOTALS.read(pools.state).bonded == 440


def test_rounding_keeps_less_than_a_unit_from_each_and_gives_nobody_more():
    pools = Pools().bonded(1, 1, 1)
    stake.reward_pool(pools.state, CANDIDATE, 2)
    assert pools.stakes() == [1, 1, 1]
    stake.reward_pool(pools.state, CANDIDATE, 1)
    assert pools.stakes() == [2, 2, 2]


def test_a_bond_earns_from_the_next_round_on():
    pools = Pools().bonded(100)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 100)
    stake.reward_pool(pools.state, CANDIDATE, 50)
    assert pools.stakes(A, B) == [150, 100]
    pools.round(6)
    stake.reward_pool(pools.state, CANDIDATE, 50)
    assert pools.stakes(A, B) == [150 + 30, 100 + 19]  # 250 to 100, of 50: 30 and 20, less than a unit short


def test_a_bond_collects_fees_from_the_next_round_on():
    pools = Pools().bonded(100)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 100)
    stake.credit_pool_fees(pools.state, CANDIDATE, 1000)
    pools.round(6)
    stake.credit_pool_fees(pools.state, CANDIDATE, 1000)
    assert pools.fees(A, B) == [1500, 500]


def test_a_pool_that_nobody_touches_for_rounds_is_seen_as_if_it_had_been_settled():
    pools = Pools().bonded(100)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 33)
    pools.round(9)
    seen = pools.stakes(A, B)
    stake.settle_pool(pools.state, CANDIDATE)
    assert pools.stakes(A, B) == seen == [100, 33]


def test_buckets_of_many_rounds_wait_until_their_owners_come():
    pools = Pools().bonded(100)
    for number, who in enumerate((B, C), 6):
        pools.round(number)
        stake.join_pool(pools.state, any_block(), who, CANDIDATE, 100)
        stake.reward_pool(pools.state, CANDIDATE, 100)
    pools.round(10)
    stake.settle_pool(pools.state, CANDIDATE)
    assert [key[1] for key, _ in JOINED.items(pools.state)] == [6, 7]
    expected = pools.stakes()
    for who in (C, B):
        stake.settle_delegator(pools.state, any_block(), who)
    assert list(JOINED.items(pools.state)) == []
    assert pools.stakes() == expected == [266, 133, 100]  # B joined at 200 and shared the second reward


def test_a_second_bond_in_the_same_round_joins_the_first():
    pools = Pools().bonded(100)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 30)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 20)
    stake.join_pool(pools.state, any_block(), C, CANDIDATE, 50)
    assert pools.stakes() == [100, 50, 50]
    assert (pools.pool().joining_stake, pools.pool().joining_shares) == (100, 100)


def test_a_bond_in_a_later_round_first_turns_the_earlier_one_into_shares():
    pools = Pools().bonded(100)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 30)
    pools.round(6)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 20)
    delegator = DELEGATORS.read(pools.state, B)
    assert (delegator.shares, delegator.joining_shares, delegator.joining_round) == (30 * SHARE_SCALE, 20, 6)
    assert list(JOINED.items(pools.state)) == []
    assert pools.stakes(B) == [50]


def test_who_leaves_takes_shares_and_joining_bond_with_it():
    pools = Pools().bonded(100, 50)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 20)
    assert stake.leave_pool(pools.state, any_block(), B) == 70
    assert pools.stakes(A, B) == [100, 0]
    assert (pools.pool().stake, pools.pool().joining_stake, TOTALS.read(pools.state).bonded) == (100, 0, 100)


def test_a_move_in_the_round_of_the_bond_takes_the_whole_bond():
    pools = Pools().bonded(100)
    stake.add_to_pool(pools.state, any_block(), C, OTHER, 100)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 30)
    assert stake.leave_pool(pools.state, any_block(), B) == 30
    stake.redirect(pools.state, any_block(), B, OTHER)
    stake.join_pool(pools.state, any_block(), B, OTHER, 30)
    assert pools.stakes(B) == [30]
    assert stake.get_candidate(pools.state, B) == OTHER
    assert pools.pool().joining_shares == 0


def test_moving_back_to_a_candidate_with_a_bucket_of_an_earlier_round_takes_nothing_out_of_it():
    pools = Pools().bonded(100)
    stake.add_to_pool(pools.state, any_block(), C, OTHER, 100)
    stake.join_pool(pools.state, any_block(), A, CANDIDATE, 60)  # stays in the bucket of round 5
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 40)
    pools.round(6)
    stake.leave_pool(pools.state, any_block(), B)
    stake.redirect(pools.state, any_block(), B, OTHER)
    stake.join_pool(pools.state, any_block(), B, OTHER, 40)
    pools.round(7)
    stake.leave_pool(pools.state, any_block(), B)
    stake.redirect(pools.state, any_block(), B, CANDIDATE)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, 40)
    pools.round(8)
    assert pools.stakes() == [160, 40, 100]
    assert JOINED.read(pools.state, CANDIDATE, 5).unclaimed == 60
    stake.settle_delegator(pools.state, any_block(), A)
    stake.settle_delegator(pools.state, any_block(), B)
    assert list(JOINED.items(pools.state)) == []


def test_fees_that_were_collected_go_along_when_their_owner_moves():
    pools = Pools().bonded(100, 100)
    stake.credit_pool_fees(pools.state, CANDIDATE, 1000)
    stake.leave_pool(pools.state, any_block(), B)
    stake.redirect(pools.state, any_block(), B, OTHER)
    stake.join_pool(pools.state, any_block(), B, OTHER, 100)
    stake.credit_pool_fees(pools.state, CANDIDATE, 1000)
    assert pools.fees(A, B) == [1500, 500]
    assert DELEGATORS.read(pools.state, B).fees == 500


def test_the_last_to_leave_takes_all_and_the_pool_starts_anew():
    pools = Pools().bonded(1, 1, 1)
    stake.reward_pool(pools.state, CANDIDATE, 2)
    stake.credit_pool_fees(pools.state, CANDIDATE, 2)
    assert [stake.leave_pool(pools.state, any_block(), who) for who in (A, B, C)] == [1, 2, 2]
    assert pools.pool() == DelegationPool(0, 0, pools.pool().fee_factor, 0, 0, 0, 0)
    assert COMMON_POOL.read(pools.state).wei == 2 - sum(pools.fees())
    stake.add_to_pool(pools.state, any_block(), A, CANDIDATE, 7)
    assert pools.pool().shares == 7 * SHARE_SCALE
    assert pools.stakes(A) == [7]


def test_old_fees_are_not_paid_to_shares_of_a_refilled_pool():
    pools = Pools().bonded(100)
    stake.credit_pool_fees(pools.state, CANDIDATE, 1000)
    stake.leave_pool(pools.state, any_block(), A)
    stake.add_to_pool(pools.state, any_block(), B, CANDIDATE, 100)
    assert pools.fees(A, B) == [1000, 0]


def test_a_bucket_turns_into_a_whole_number_of_shares_for_each_of_its_own():
    pool = DelegationPool(1001, 1000 * SHARE_SCALE, 0, 0, 5, 7, 7)
    settled, bucket = stake.compute_settled(pool)
    assert settled.shares - pool.shares == bucket.shares
    assert bucket.shares % bucket.joining_shares == 0
    assert 7 - bucket.shares * pool.stake / pool.shares < 1e-9


def test_who_joins_a_pool_of_a_unit_that_has_been_rewarded_with_all_lpt_there_is_loses_less_than_a_unit():
    pools, everything = Pools().bonded(1), 10**9 * UNITS_PER_TOKEN
    stake.reward_pool(pools.state, CANDIDATE, everything)
    stake.join_pool(pools.state, any_block(), B, CANDIDATE, everything)
    stake.join_pool(pools.state, any_block(), C, CANDIDATE, 1)
    stake.slash_pool(pools.state, CANDIDATE, Fraction(ONE - 1))  # as much as leaves an era its shares
    stake.join_pool(pools.state, any_block(), C, CANDIDATE, everything)
    before = pools.stakes()
    pools.round(6)
    assert all(0 <= was - now <= 1 for was, now in zip(before, pools.stakes(), strict=True))


def test_fees_of_shares_that_slashes_have_made_cheap_are_paid_to_the_last_wei():
    pools = Pools().bonded(1000 * UNITS_PER_TOKEN)
    stake.slash_pool(pools.state, CANDIDATE, Fraction(ONE - 1))
    stake.add_to_pool(pools.state, any_block(), B, CANDIDATE, 10**6 * UNITS_PER_TOKEN)
    for _ in range(1000):
        stake.credit_pool_fees(pools.state, CANDIDATE, 10**9 + 7)
    whole = 1000 * (10**9 + 7)
    assert whole - 2 <= sum(pools.fees(A, B)) <= whole


def test_fees_of_what_earned_and_of_what_has_joined_are_rounded_once():
    pools = Pools().bonded(1, 1)
    stake.join_pool(pools.state, any_block(), A, CANDIDATE, 1)
    pools.round(6)
    stake.credit_pool_fees(pools.state, CANDIDATE, 2)  # two thirds of a wei for each of three units
    assert pools.fees(A, B) == [1, 0]


def test_an_amount_of_nothing_buys_no_shares():
    pools = Pools().bonded(100)
    stake.add_to_pool(pools.state, any_block(), B, CANDIDATE, 0)
    assert (pools.pool().shares, DELEGATORS.read(pools.state, B).shares) == (100 * SHARE_SCALE, 0)


def test_taking_fees_collects_first_and_refuses_more_than_there_are():
    pools = Pools().bonded(100, 100)
    stake.credit_pool_fees(pools.state, CANDIDATE, 1000)
    before = dict(pools.state.pairs)
    with pytest.raises(Rejection) as caught:
        stake.take_fees(pools.state, any_block(), A, 501)
    assert (caught.value.reason, caught.value.text) == (
        Reason.INSUFFICIENT_FEES,
        "500wei of fees are there, 501wei are wanted",
    )
    assert pools.state.pairs == before
    stake.take_fees(pools.state, any_block(), A, 200)
    assert pools.fees(A, B) == [300, 500]
    assert pools.pool().fees == 500


@pytest.mark.parametrize(
    "mistake",
    [
        lambda state: stake.join_pool(state, any_block(), A, OTHER, 1),
        lambda state: stake.add_to_pool(state, any_block(), A, OTHER, 1),
        lambda state: stake.redirect(state, any_block(), A, OTHER),
        lambda state: stake.leave_pool(state, any_block(), C),
        lambda state: stake.reward_pool(state, OTHER, 1),
        lambda state: stake.credit_pool_fees(state, OTHER, 1),
    ],
    ids=["join another", "add to another", "redirect with stake", "leave unbonded", "reward nobody", "pay nobody"],
)
def test_a_mistake_of_our_own_stops_the_application(mistake):
    with pytest.raises(AssertionError):
        mistake(Pools().bonded(100).state)


def test_shares_without_stake_are_a_mistake_of_our_own():
    with pytest.raises(AssertionError, match="ends the era"):
        stake.compute_shares(replace(Pools().bonded(100).pool(), stake=0), 5)
