"""Reward: each active transcoder's share of the round's new LPT, once, and only for its part of the work."""

from dataclasses import replace

import pytest

from app.messages.bodies import Bond, Reward
from app.messages.events import RewardPaid, RewardWithheld
from app.messages.records import ActiveTranscoder, Rates, RoundState
from app.messages.rejections import Reason
from app.primitives.fractions import ONE, Fraction
from app.protocol.rewards import compute_expected_work, compute_reward
from app.state.tables import ACTIVE, ROUND, SUPPLY, TRANSCODERS
from genesis.presets.test import TEST
from tests.support.chain_driver import ALICE, BOB, LPT, VERA, VIKTOR, events_of, force, register, start

MANUAL = replace(TEST, auto_reward=False)


def test_the_share_is_that_of_the_locked_stakes():
    chain = start(MANUAL, [VERA, VIKTOR], cut=0)
    chain.must(ALICE, Bond(2000 * LPT, VERA.address))
    chain.next_round()
    chain.must(BOB, Bond(9000 * LPT, VIKTOR.address))  # too late for this round
    now, supply = chain.round, SUPPLY.read(chain.state)
    vera, viktor = (chain.must(party, Reward()).events[-1] for party in (VERA, VIKTOR))
    assert vera == RewardPaid(VERA.address, 1, now.mintable * 3 // 4, 0)
    assert viktor == RewardPaid(VIKTOR.address, 1, now.mintable // 4, 0)
    after = SUPPLY.read(chain.state)
    assert after.lpt - supply.lpt == after.minted == vera.amount + viktor.amount
    assert chain.round.minted == vera.amount + viktor.amount <= now.mintable


def test_the_cut_goes_into_the_transcoders_own_stake_and_the_rest_to_all_in_proportion():
    chain = start(MANUAL, cut=10**8)  # 10 %
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    paid = chain.must(VERA, Reward()).events[-1]
    assert paid.transcoder_cut == paid.amount // 10
    rest = paid.amount - paid.transcoder_cut
    assert chain.stake(ALICE) == pytest.approx(1000 * LPT + rest // 2, abs=1)
    assert chain.stake(VERA) == pytest.approx(1000 * LPT + rest // 2 + paid.transcoder_cut, abs=1)
    assert chain.total_stake(VERA) == 2000 * LPT + paid.amount


@pytest.mark.parametrize(("cut", "own"), [(0, 0), (ONE, 1)])
def test_a_cut_may_be_nothing_or_everything(cut, own):
    chain = start(MANUAL, cut=cut)
    chain.must(ALICE, Bond(1000 * LPT, VERA.address))
    chain.next_round()
    paid = chain.must(VERA, Reward()).events[-1]
    assert paid.transcoder_cut == own * paid.amount
    assert (chain.stake(ALICE) > 1000 * LPT) == (own == 0)


def test_a_reward_is_called_once_per_round():
    chain = start(MANUAL)
    chain.must(VERA, Reward())
    assert chain.refused(VERA, Reward(), reason=Reason.REWARD_ALREADY_CALLED) == "in round 0"
    chain.next_round()
    chain.must(VERA, Reward())


def test_two_rewards_in_one_transaction_are_none():
    chain = start(MANUAL)
    chain.refused(VERA, Reward(), Reward(), reason=Reason.REWARD_ALREADY_CALLED)
    chain.must(VERA, Reward())


def test_only_the_active_set_is_rewarded():
    chain = start(MANUAL)
    text = chain.refused(ALICE, Reward(), reason=Reason.NOT_ACTIVE)
    assert text == "only a transcoder of this round's active set is rewarded"
    register(chain, ALICE)
    chain.refused(ALICE, Reward(), reason=Reason.NOT_ACTIVE)
    chain.next_round()
    chain.must(ALICE, Reward())


def test_no_reward_is_paid_while_the_round_waits_to_be_initialised():
    chain = start(replace(MANUAL, auto_initialize_round=False))
    chain.until(11)
    chain.refused(VERA, Reward(), reason=Reason.ROUND_NOT_INITIALIZED)


def test_a_reward_ends_a_series_of_missed_ones():
    chain = start(replace(MANUAL, missed_reward_threshold=3))
    chain.next_round()
    chain.next_round()
    assert TRANSCODERS.read(chain.state, VERA.address).missed_rewards == 2
    chain.must(VERA, Reward())
    assert TRANSCODERS.read(chain.state, VERA.address).missed_rewards == 0


# --- the share of the work


def active(stake=10, previous_stake=0, previous_work=0):
    return ActiveTranscoder(stake, Rates(0, Fraction(0), Fraction(0)), False, False, 0, previous_stake, previous_work)


def round_state(previous_work=0, previous_active_stake=0, mintable=0, active_stake=1):
    return RoundState(
        2, 21, 10, True, Fraction(0), mintable, 0, active_stake, previous_active_stake, 0, previous_work, None
    )


def test_a_share_of_the_mintable_is_rounded_down():
    assert compute_reward(round_state(mintable=100, active_stake=3), active(stake=1)) == 33
    assert compute_reward(round_state(mintable=2, active_stake=3), active(stake=1)) == 0


@pytest.mark.parametrize(
    ("work", "expected"),
    [(1000, 10), (0, 0), (999, 10), (1, 1)],
    ids=["ten percent", "no work", "rounded", "any work at all"],
)
def test_the_expected_work_is_what_the_tolerance_leaves_of_the_share_of_stake(work, expected):
    # 10 of 100 staked, 90 % tolerated: 10 % of 10 % of the work, rounded up once.
    assert compute_expected_work(round_state(work, 100), active(previous_stake=10), 9 * 10**8) == expected


def test_who_was_not_active_in_the_last_round_owes_no_work():
    assert compute_expected_work(round_state(1000, 100), active(previous_stake=0), 0) == 0


def test_who_tolerates_everything_expects_nothing():
    assert compute_expected_work(round_state(1000, 100), active(previous_stake=10), ONE) == 0


def with_last_rounds_work(chain, idle, busy, work):
    """The chain as if, in the last round, one had done all the work and another none."""

    def change(overlay):
        ROUND.put(overlay, replace(ROUND.read(overlay), previous_work=work))
        for party, done in ((idle, 0), (busy, work)):
            ACTIVE.put(overlay, replace(ACTIVE.read(overlay, party.address), previous_work=done), party.address)

    force(chain, change)


def test_a_transcoder_that_left_its_part_of_the_work_undone_is_not_rewarded():
    chain = start(MANUAL, [VERA, VIKTOR])
    chain.next_round()
    with_last_rounds_work(chain, idle=VERA, busy=VIKTOR, work=10**6)
    stake, supply = chain.stake(VERA), SUPPLY.read(chain.state)
    event = chain.must(VERA, Reward()).events[-1]
    assert event == RewardWithheld(VERA.address, 1, chain.round.mintable // 2, 0, 50_000)
    assert (chain.stake(VERA), SUPPLY.read(chain.state)) == (stake, supply)
    chain.refused(VERA, Reward(), reason=Reason.REWARD_ALREADY_CALLED)
    assert isinstance(chain.must(VIKTOR, Reward()).events[-1], RewardPaid)


def test_without_any_work_everybody_is_rewarded():
    chain = start(MANUAL, [VERA, VIKTOR])
    chain.next_round()
    assert [isinstance(chain.must(party, Reward()).events[-1], RewardPaid) for party in (VERA, VIKTOR)] == [True, True]


def test_the_chain_pays_those_who_have_not_called_as_the_round_ends():
    chain = start(replace(TEST, auto_reward=True), [VERA, VIKTOR])
    chain.must(VERA, Reward())
    paid = events_of(chain.next_round(), RewardPaid)
    assert [(event.transcoder, event.round) for event in paid] == [(VIKTOR.address, 0)]
