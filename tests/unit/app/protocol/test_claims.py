"""Claims: which ranges they may name, whose money they hold, and which segments are challenged."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages.bodies import ClaimWork, EndJob, SegmentRange
from app.messages.events import ChallengesChosen, ClaimRefunded, ClaimVerified, VerificationMissed, WorkClaimed
from app.messages.options import compute_pixel_rate
from app.messages.records import ChallengeStatus, ClaimStatus
from app.messages.rejections import Reason, Rejection
from app.primitives.amounts import Wei
from app.primitives.hashing import ZERO_HASH
from app.protocol.claims import MAX_SEQUENCE_NUMBER, check_ranges, count_segments, get_leaf_index
from app.protocol.sortition import is_challenged
from app.state.tables import ACTIVE, ROUND, TRANSCODERS
from genesis.presets.test import TEST
from tests.support.work_world import EVERY_SEGMENT, NO_SEGMENT, World, events_of, make_work


def claim(job_id, *ranges):
    return ClaimWork(job_id, tuple(SegmentRange(first, last) for first, last in ranges), ZERO_HASH)


def working(params=TEST, **job):
    """A world with one transcoder that has drawn job 1 of one broadcaster."""
    world = World(params)
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    world.assigned_job(broadcaster, **job)
    return world, transcoder, broadcaster


# --- ranges


@pytest.mark.parametrize(
    "ranges",
    [
        [],
        [(3, 2)],
        [(0, 5), (5, 9)],
        [(7, 9), (0, 2)],
        [(0, MAX_SEQUENCE_NUMBER + 1)],
        [(MAX_SEQUENCE_NUMBER + 1, MAX_SEQUENCE_NUMBER + 1)],
    ],
)
def test_ranges_that_are_empty_unsorted_overlapping_or_endless_are_refused(ranges):
    world, transcoder, _ = working()
    world.refused(transcoder, claim(1, *ranges), Reason.RANGES_INVALID)


def test_a_claim_holds_at_most_so_many_ranges():
    world, transcoder, _ = working()
    gaps = [(2 * n, 2 * n) for n in range(TEST.max_ranges_per_claim + 1)]
    assert "9 ranges; at most 8" in world.refused(transcoder, claim(1, *gaps), Reason.LIMIT_EXCEEDED)
    world.send(transcoder, claim(1, *gaps[:-1]))


def test_a_claim_holds_at_most_so_many_segments():
    world, transcoder, _ = working()
    most = TEST.max_segments_per_claim
    world.refused(transcoder, claim(1, (0, 49), (60, 60 + most - 50)), Reason.LIMIT_EXCEEDED)
    world.send(transcoder, claim(1, (0, 49), (60, 59 + most - 50)))


def test_the_largest_range_that_numbers_allow_is_refused_for_its_size_and_not_by_accident():
    world, transcoder, _ = working()
    world.refused(transcoder, claim(1, (0, MAX_SEQUENCE_NUMBER)), Reason.LIMIT_EXCEEDED)


def test_the_last_sequence_number_can_be_claimed():
    world, transcoder, _ = working()
    world.send(transcoder, claim(1, (MAX_SEQUENCE_NUMBER, MAX_SEQUENCE_NUMBER)))
    world.refused(transcoder, claim(1, (MAX_SEQUENCE_NUMBER, MAX_SEQUENCE_NUMBER)), Reason.SEGMENTS_ALREADY_CLAIMED)


@pytest.mark.parametrize("again", [(10, 10), (19, 19), (5, 10), (19, 30), (5, 30), (12, 14), (0, 40)])
def test_a_segment_is_claimed_once(again):
    world, transcoder, _ = working()
    world.send(transcoder, claim(1, (10, 19), (50, 59)))
    text = world.refused(transcoder, claim(1, again), Reason.SEGMENTS_ALREADY_CLAIMED)
    assert "claim 1 has 10 to 19" in text


def test_the_gaps_of_a_claim_can_be_claimed_later():
    world, transcoder, _ = working()
    world.send(transcoder, claim(1, (10, 19), (30, 39)))
    world.send(transcoder, claim(1, (0, 9), (20, 29), (40, 49)))
    assert world.job(1).segments_claimed == 50


def test_segments_of_another_job_do_not_collide():
    world, transcoder, broadcaster = working()
    other = world.assigned_job(broadcaster)
    world.send(transcoder, claim(1, (0, 9)))
    world.send(transcoder, claim(other, (0, 9)))


RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=6)


@given(RANGES)
def test_accepted_ranges_hold_each_segment_once_and_leaf_indices_number_them(pairs):
    ranges = [SegmentRange(first, last) for first, last in pairs]
    held = [number for each in ranges for number in range(each.first, each.last + 1)]
    try:
        assert check_ranges(ranges, TEST) == len(held) == count_segments(ranges)
    except Rejection:
        return
    assert held == sorted(set(held))
    assert [get_leaf_index(ranges, number) for number in held] == list(range(len(held)))
    assert get_leaf_index(ranges, 61) is None


# --- who and when


def test_only_the_drawn_transcoder_can_claim():
    world, _, broadcaster = working()
    world.refused(broadcaster, claim(1, (0, 0)), Reason.NOT_A_PARTY)


def test_a_job_without_a_transcoder_cannot_be_claimed():
    world = World()
    job_id = world.open_job(world.broadcaster())
    world.refused(world.account("eager"), claim(job_id, (0, 0)), Reason.JOB_NOT_ASSIGNED)


def test_an_unknown_job_cannot_be_claimed():
    world, transcoder, _ = working()
    world.refused(transcoder, claim(2, (0, 0)), Reason.UNKNOWN_JOB)


def test_a_claim_waits_for_the_round_to_be_initialised():
    world, transcoder, _ = working()
    world.set_round(initialized=False)
    world.refused(transcoder, claim(1, (0, 0)), Reason.ROUND_NOT_INITIALIZED)


def test_an_ended_job_can_be_claimed_for_the_claim_period_and_not_longer():
    world, transcoder, broadcaster = working()
    world.send(broadcaster, EndJob(1))
    end = world.height
    world.advance_to(end + TEST.claim_period)
    world.send(transcoder, claim(1, (0, 0)))
    world.next_block()
    text = world.refused(transcoder, claim(1, (1, 1)), Reason.CLAIM_PERIOD_OVER)
    assert f"ended at height {end}" in text and f"height {end + TEST.claim_period + 1}" in text


# --- money


def test_the_fee_comes_from_the_escrow_first_and_then_from_the_deposit():
    world, transcoder, broadcaster = working(escrow_segments=3)
    deposit = world.deposit(broadcaster)
    world.send(transcoder, claim(1, (0, 1)))
    assert (world.job(1).escrow, world.deposit(broadcaster)) == (1_000, deposit)
    events = world.send(transcoder, claim(1, (2, 4)))
    assert (world.job(1).escrow, world.deposit(broadcaster)) == (0, deposit - 2_000)
    assert events == [WorkClaimed(1, 2, transcoder.address, 3, Wei(3_000), Wei(1_000), Wei(2_000))]


def test_a_claim_beyond_escrow_and_deposit_is_refused_with_what_is_missing():
    world = World()
    transcoder, broadcaster = world.transcoder(), world.broadcaster(deposit=4_500)
    world.assigned_job(broadcaster, escrow_segments=3)
    text = world.refused(transcoder, claim(1, (0, 4)), Reason.INSUFFICIENT_DEPOSIT)
    assert "1500wei" in text and "2000wei" in text and "(500 wei)" in text
    world.send(transcoder, claim(1, (0, 3)))


def test_the_part_for_verifiers_is_kept_apart():
    world, transcoder, _ = working()
    world.send(transcoder, claim(1, (0, 9)))
    assert (world.claim(1).fee, world.claim(1).verification_fee) == (7_000, 3_000)


def test_work_is_counted_for_the_round_and_for_the_transcoder():
    world, transcoder, _ = working()
    world.send(transcoder, claim(1, (0, 9)))
    work = 10 * compute_pixel_rate(world.job(1).options)
    assert ROUND.read(world.state).work == work == 10 * 426 * 240 * 30
    assert ACTIVE.read(world.state, transcoder.address).work == work
    assert world.record(transcoder).segments_claimed == 10


def test_a_transcoder_that_left_can_still_claim_what_it_did():
    world, transcoder, _ = working(NO_SEGMENT)
    TRANSCODERS.drop(world.state, transcoder.address)
    ACTIVE.drop(world.state, transcoder.address)
    world.send(transcoder, claim(1, (0, 9)))
    world.next_block()
    assert world.claim(1).status is ClaimStatus.VERIFIED


# --- challenges


def test_challenges_are_those_that_the_next_blocks_randomness_chooses():
    world, transcoder, _ = working()
    world.send(transcoder, claim(1, (10, 29), (40, 59)))
    assert world.claim(1).status is ClaimStatus.PENDING
    height = world.height
    events = world.next_block()
    chosen = tuple(
        number
        for number in (*range(10, 30), *range(40, 60))
        if is_challenged(height, world.randomness, number, TEST.verification_rate)
    )
    assert 5 < len(chosen) < 35
    assert (world.claim(1).challenged, world.claim(1).open_challenges) == (chosen, len(chosen))
    assert world.claim(1).status is ClaimStatus.CHALLENGED
    assert events == [ChallengesChosen(1, 1, len(chosen))]
    for number in chosen:
        assert world.challenge((1, 1, number)).status is ChallengeStatus.AWAITING_RECEIPT
        assert world.challenge((1, 1, number)).deadline == height + TEST.verification_period


def test_a_claim_without_challenges_is_verified_at_once():
    world, transcoder, _ = working(NO_SEGMENT)
    world.send(transcoder, claim(1, (0, 9)))
    assert world.next_block() == [ChallengesChosen(1, 1, 0), ClaimVerified(1, 1, world.height)]
    assert world.claim(1).status is ClaimStatus.VERIFIED


def test_the_verification_fee_is_divided_by_the_challenged_segments():
    world, transcoder, broadcaster = working(EVERY_SEGMENT)
    world.claim_work(transcoder, make_work(1, broadcaster, transcoder, (0, 6)))
    assert (world.claim(1).verification_fee, world.claim(1).challenge_fee) == (2_100, 300)


def test_a_missed_claim_goes_back_to_the_broadcaster_as_a_whole():
    world, transcoder, broadcaster = working(EVERY_SEGMENT)
    deposit = world.deposit(broadcaster)
    world.send(transcoder, claim(1, (0, 2)))
    deadline = world.height + TEST.verification_period
    assert events_of(world.advance_to(deadline), VerificationMissed) == []
    events = world.next_block()
    assert [event.segment for event in events_of(events, VerificationMissed)] == [0, 1, 2]
    assert events_of(events, ClaimRefunded) == [ClaimRefunded(1, 1, broadcaster.address, Wei(3_000))]
    assert world.deposit(broadcaster) == deposit + 3_000
    claimed = world.claim(1)
    assert (claimed.status, claimed.fee, claimed.verification_fee) == (ClaimStatus.MISSED, 0, 0)
    assert world.record(transcoder).segments_missed == 3


def test_a_missed_segment_does_not_end_the_judging_of_the_others():
    world = World(replace(EVERY_SEGMENT, verification_period=1))
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    verifiers = [world.verifier(name) for name in ("u", "v", "w")]
    job_id = world.assigned_job(broadcaster)
    work = make_work(job_id, broadcaster, transcoder, (0, 1))
    world.claim_work(transcoder, work)
    before = world.deposit(broadcaster)
    world.show_receipt(transcoder, work, 1, 0)
    assert world.claim(job_id).status is ClaimStatus.MISSED
    assert world.deposit(broadcaster) == before, "the committee of segment 0 is still to be paid"
    paid = [world.wei(verifier) for verifier in verifiers]
    world.judge((job_id, 1, 0))
    assert [world.wei(verifier) - had for verifier, had in zip(verifiers, paid, strict=True)] == [100, 100, 100]
    assert world.deposit(broadcaster) == before + 2_000 - 300
    assert (world.claim(job_id).fee, world.claim(job_id).verification_fee) == (0, 0)
