"""Whitepaper, *Parameter Reference*: for each of its rows a test of what it says, and the example value it gives.

A row's test begins with the parameter's name as it stands in code, so that `test_every_row_has_its_test` can see that
none is left out. What a row does in all its detail is tested where its chapter is.
"""

import sys
from dataclasses import fields, replace

import pytest

from app.messages.bodies import Bond, InitializeRound, Reward, SlashMissedVerification, Unbond, Withdraw
from app.messages.events import RewardPaid, RewardWithheld, StakeSlashed
from app.messages.records import ClaimStatus
from app.messages.rejections import Reason
from app.params import Params, compute_lock_length
from app.primitives.fractions import ONE, Fraction
from app.protocol.rounds import add_work
from app.protocol.stake import get_stake
from app.protocol.verification.court import is_slashable
from app.state.tables import ACTIVE, SUPPLY
from genesis.presets.test import TEST
from genesis.presets.whitepaper import WHITEPAPER
from tests.support.chain_driver import ALICE, BOB, CAROL, LPT, VERA, VIKTOR, enact, events_of, rates_of, register, start
from tests.support.judging import TRUTH, Case
from tests.support.work_world import World, make_work

SECOND = 1000
DAY = 24 * 60 * 60 * SECOND
PERCENT = ONE // 100
ROWS = {field.name: field.metadata["row"] for field in fields(Params) if field.metadata["row"]}
EXAMPLES = {
    "t": 2 * SECOND,
    "n": 144,
    "inflation_rate": 4 * PERCENT // 100,
    "participation_rate": 50 * PERCENT,
    "round_lock_amount": 10 * PERCENT,
    "verification_rate": 500,
    "failed_verification_slash_amount": 5 * PERCENT,
    "missed_reward_slash_amount": 3 * PERCENT,
    "missed_verification_slash_amount": 10 * PERCENT,
    "competitiveness_tolerance": 90 * PERCENT,
    "verification_failure_threshold": 1 * PERCENT,
    "finder_fee": 5 * PERCENT,
}
DURATIONS = {
    "round_length": DAY,
    "unbonding_period": 30 * DAY,
    "verification_period": DAY // 4,
    "slashing_period": DAY // 24,
}
MANUAL = replace(TEST, auto_initialize_round=False, auto_reward=False, missed_reward_threshold=100)


def test_every_row_has_its_test():
    tests = [name for name in vars(sys.modules[__name__]) if name.startswith("test_")]
    assert [name for name in ROWS if not any(test.startswith(f"test_{name}_is_") for test in tests)] == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_whitepapers_preset_has_the_example_value(name):
    assert getattr(WHITEPAPER, name) == EXAMPLES[name]


@pytest.mark.parametrize("name", DURATIONS)
def test_the_whitepapers_preset_lasts_as_long_as_the_example(name):
    assert getattr(WHITEPAPER, name) * WHITEPAPER.block_time == DURATIONS[name]


def test_every_row_has_its_example():
    assert {*EXAMPLES, *DURATIONS} == set(ROWS)


def test_t_is_the_segment_length_that_a_unit_of_work_stands_for():
    # A segment of one rendition of 240p at 30 pictures a second is one unit, however long T is: the price is for T.
    for t in (TEST.t, 2 * TEST.t):
        world = World(replace(TEST, t=t))
        world.transcoder()
        assert world.job(world.assigned_job(world.broadcaster())).fee_per_segment == 1000


def test_n_is_the_number_of_active_transcoders_besides_the_one_drawn():
    chain = start(replace(TEST, n=2), [VERA, VIKTOR])
    for party in (ALICE, BOB):
        register(chain, party)
    chain.next_round()
    seats = [seat.from_waitlist for _, seat in ACTIVE.items(chain.state)]
    assert sorted(seats) == [False, False, True]


def test_round_length_is_the_length_of_time_between_elections():
    chain = start(TEST)
    began = chain.round.start_height
    for number in (1, 2, 3):
        chain.next_round()
        assert (chain.round.number, chain.round.start_height) == (number, began + number * TEST.round_length)


def test_inflation_rate_is_what_of_the_supply_a_round_may_mint():
    chain = start(TEST)
    assert chain.round.mintable == SUPPLY.read(chain.state).lpt * TEST.inflation_rate // ONE


def test_participation_rate_is_the_target_of_bonded_against_liquid():
    for bonded, direction in ((0, 1), (9_990 * LPT, -1)):
        chain = start(replace(TEST, participation_rate=PERCENT * 20))
        if bonded:
            chain.must(ALICE, Bond(bonded, VERA.address))
        chain.next_round()
        assert chain.round.inflation_rate == TEST.inflation_rate + direction * TEST.inflation_change


def test_round_lock_amount_is_the_part_of_a_round_in_which_rates_are_locked():
    chain = start(TEST)
    first = chain.round.start_height + TEST.round_length - compute_lock_length(TEST)
    assert TEST.round_length - (first - chain.round.start_height) == TEST.round_length * TEST.round_lock_amount // ONE
    chain.until(first - 1)
    chain.must(VERA, rates_of(VERA, cut=0))
    chain.refused(VERA, rates_of(VERA, cut=5), reason=Reason.ROUND_LOCKED)


def test_unbonding_period_is_the_time_between_unbonding_and_withdrawing():
    chain = start(MANUAL)
    chain.must(ALICE, Bond(5 * LPT, VERA.address), Unbond(5 * LPT))
    unbonded = chain.engine.height
    chain.until(unbonded + TEST.unbonding_period - 1)
    chain.refused(ALICE, Withdraw(0, 0, (1,)), reason=Reason.LOCK_NOT_RELEASED)
    chain.must(ALICE, Withdraw(0, 0, (1,)))
    assert chain.engine.height == unbonded + TEST.unbonding_period


def test_verification_period_is_the_deadline_for_verifying_a_claim():
    in_time, late = Case(), Case()
    in_time.world.advance_to(in_time.world.claim(1).height + TEST.verification_period)
    in_time.world.send(in_time.transcoder, in_time.work.verify(1, 0))
    late.world.advance_to(late.world.claim(1).height + TEST.verification_period + 1)
    late.world.refused(late.transcoder, late.work.verify(1, 0), Reason.DEADLINE_PASSED)


def test_verification_rate_is_the_part_of_segments_that_is_verified():
    world = World(replace(TEST, verification_rate=10))
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    job_id, challenged = world.assigned_job(broadcaster), 0
    for claim in range(10):
        work = make_work(job_id, broadcaster, transcoder, (100 * claim, 100 * claim + 99))
        challenged += len(world.claim(job_id, world.claim_work(transcoder, work)).challenged)
    assert 60 <= challenged <= 140


def test_failed_verification_slash_amount_is_what_a_failed_verification_costs():
    case = Case()
    case.dispute()
    (slashed,) = [event for event in case.attest(TRUTH, TRUTH, TRUTH) if isinstance(event, StakeSlashed)]
    assert slashed.fraction == TEST.failed_verification_slash_amount
    assert slashed.bonded == 10 * LPT * TEST.failed_verification_slash_amount // ONE


def test_missed_reward_slash_amount_is_what_missing_reward_in_consecutive_rounds_costs():
    chain = start(replace(TEST, auto_reward=False, missed_reward_threshold=2))
    assert events_of(chain.next_round(), StakeSlashed) == []
    (slashed,) = events_of(chain.next_round(), StakeSlashed)
    assert slashed.bonded == 1000 * LPT * TEST.missed_reward_slash_amount // ONE


def test_missed_verification_slash_amount_is_what_not_calling_verification_costs():
    case = Case()
    finder = case.world.account("finder")
    case.world.advance(TEST.verification_period + 1)
    case.world.send(finder, SlashMissedVerification(1, 1, 0))
    assert (
        get_stake(case.world.state, case.transcoder.address)
        == 10 * LPT * (ONE - TEST.missed_verification_slash_amount) // ONE
    )


@pytest.mark.parametrize(("done", "paid"), [(100, True), (99, False)])
def test_competitiveness_tolerance_is_how_far_work_may_stay_behind_stake(done, paid):
    # The whitepaper's example: of 1,000 segments that stake stands for, 10 % are enough.
    chain = start(replace(MANUAL, competitiveness_tolerance=90 * PERCENT), [VERA, VIKTOR])

    def work(state, env):
        add_work(state, VERA.address, done)
        add_work(state, VIKTOR.address, 2000 - done)

    enact(chain, work)
    chain.next_round()
    chain.must(CAROL, InitializeRound())
    event = chain.must(VERA, Reward()).events[-1]
    assert isinstance(event, RewardPaid if paid else RewardWithheld)


def test_verification_failure_threshold_is_the_part_of_verifications_that_may_fail_without_slashing():
    threshold = Fraction(1 * PERCENT)
    assert not is_slashable(failed=1, verified=99, threshold=threshold)
    assert is_slashable(failed=1, verified=98, threshold=threshold)


def test_finder_fee_is_the_part_of_a_slash_that_its_finder_receives():
    case = Case()
    finder = case.world.account("finder", lpt=0)
    case.world.advance(TEST.verification_period + 1)
    case.world.send(finder, SlashMissedVerification(1, 1, 0))
    assert case.world.lpt(finder) == 10 * LPT * TEST.missed_verification_slash_amount // ONE * TEST.finder_fee // ONE


def test_slashing_period_is_the_deadline_for_invoking_a_slash_after_the_verification_period():
    in_time, late = Case(), Case()
    for case, wait, refused in ((in_time, TEST.slashing_period, False), (late, TEST.slashing_period + 1, True)):
        finder = case.world.account("finder")
        case.world.advance_to(case.world.claim(1).height + TEST.verification_period + wait)
        assert case.world.claim(1).status is ClaimStatus.MISSED
        if refused:
            case.world.refused(finder, SlashMissedVerification(1, 1, 0), Reason.SLASHING_PERIOD_OVER)
        else:
            case.world.send(finder, SlashMissedVerification(1, 1, 0))
