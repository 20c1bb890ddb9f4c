"""Jobs: escrow, the draw, slots, and the ends that a job can come to."""

from dataclasses import replace

import pytest

from app.messages.bodies import EndJob, Job, TranscodeAvailability
from app.messages.events import JobAssigned, JobClosed, JobCreated, JobEnded
from app.messages.options import TranscodingOptions
from app.messages.records import JobStatus, Profile
from app.messages.rejections import Reason
from app.messages.segment import make_stream_id
from app.primitives.amounts import Wei
from app.protocol import jobs
from app.protocol.environment import NOBODY
from app.state.tables import ACTIVE, OPEN_JOBS, PROFILES, WAITING_JOBS
from genesis.presets.test import TEST
from tests.support.work_world import ETH, LPT, PROFILE_ID, World, events_of, ladder, make_work


def order(party, **changes):
    message = Job(make_stream_id(party.address, "s"), ladder(), Wei(1000), 10)
    return replace(message, **changes)


def test_a_job_takes_its_escrow_from_the_deposit_and_waits():
    world = World()
    broadcaster = world.broadcaster(deposit=12_345)
    events = world.send(broadcaster, order(broadcaster))
    job = world.job(1)
    assert (world.deposit(broadcaster), job.escrow, job.fee_per_segment) == (2_345, 10_000, 1000)
    assert (job.status, job.transcoder, job.created_height) == (JobStatus.WAITING, NOBODY, 1)
    assert events == [JobCreated(1, broadcaster.address, job.stream_id, Wei(1000), Wei(10_000))]


def test_the_fee_of_a_segment_counts_all_renditions_and_the_codec():
    world = World()
    PROFILES.put(world.state, Profile("hevc", 2000, "parameters", False), "hevc-1")
    broadcaster = world.broadcaster()
    two = replace(ladder((852, 480), (426, 240)), profile_id="hevc-1")
    world.send(broadcaster, order(broadcaster, options=two))
    assert world.job(1).fee_per_segment == 2 * (4 + 1) * 1000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"stream_id": "s"}, Reason.STREAM_ID_INVALID),
        ({"options": TranscodingOptions(PROFILE_ID, ())}, Reason.INVALID_FIELD),
        ({"options": replace(ladder(), profile_id="vp9")}, Reason.UNKNOWN_PROFILE),
        ({"price_per_segment": Wei(0)}, Reason.INVALID_FIELD),
        ({"escrow_segments": 0}, Reason.INVALID_FIELD),
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(changes, reason):
    world = World()
    broadcaster = world.broadcaster()
    world.refused(broadcaster, order(broadcaster, **changes), reason)


def test_an_unknown_profile_is_refused_with_those_there_are():
    world = World()
    broadcaster = world.broadcaster()
    options = replace(ladder(), profile_id="vp9")
    assert PROFILE_ID in world.refused(broadcaster, order(broadcaster, options=options), Reason.UNKNOWN_PROFILE)


def test_somebody_elses_stream_is_refused():
    world = World()
    alice, bob = world.broadcaster("alice"), world.broadcaster("bob")
    world.refused(bob, order(alice), Reason.STREAM_ID_INVALID)


def test_a_frozen_profile_takes_no_new_jobs():
    world = World()
    broadcaster = world.broadcaster()
    PROFILES.put(world.state, Profile("h264", 1000, "parameters", True), PROFILE_ID)
    world.refused(broadcaster, order(broadcaster), Reason.PROFILE_FROZEN)


def test_a_job_waits_for_the_round_to_be_initialised():
    world = World()
    broadcaster = world.broadcaster()
    world.set_round(initialized=False)
    world.refused(broadcaster, order(broadcaster), Reason.ROUND_NOT_INITIALIZED)


def test_a_deposit_below_the_escrow_is_refused_with_what_is_missing():
    world = World()
    broadcaster = world.broadcaster(deposit=9_999)
    text = world.refused(broadcaster, order(broadcaster), Reason.INSUFFICIENT_DEPOSIT)
    assert "9999wei" in text and "10000wei" in text and "1 wei" in text


def test_open_jobs_of_one_broadcaster_are_limited_and_an_ended_one_makes_room():
    world = World()
    broadcaster = world.broadcaster()
    for _ in range(TEST.max_open_jobs):
        world.open_job(broadcaster)
    assert "4" in world.refused(broadcaster, order(broadcaster), Reason.TOO_MANY_JOBS)
    world.send(broadcaster, EndJob(2))
    world.open_job(broadcaster)


# --- the draw


def test_the_next_block_draws_a_transcoder_and_its_backups():
    world = World()
    drawable = {world.transcoder(name).address for name in ("a", "b", "c", "d", "e")}
    job_id = world.open_job(world.broadcaster())
    assert world.job(job_id).status is JobStatus.WAITING
    events = world.next_block()
    job = world.job(job_id)
    assert (job.status, job.assigned_height) == (JobStatus.ASSIGNED, 2)
    assert len({job.transcoder, *job.backups}) == 1 + TEST.backup_transcoders
    assert {job.transcoder, *job.backups} <= drawable
    assert events == [JobAssigned(job_id, job.transcoder)]
    assert not WAITING_JOBS.has(world.state, job_id)


def test_the_draw_follows_the_randomness_of_the_block():
    drawn = set()
    for seed in range(20):
        world = World()
        for name in ("a", "b", "c"):
            world.transcoder(name)
        world.randomness_seed = bytes([seed])
        drawn.add(world.job(world.assigned_job(world.broadcaster())).transcoder)
    assert len(drawn) == 3


def test_the_draw_is_weighted_by_the_locked_stake():
    world = World(replace(TEST, max_open_jobs=1000))
    world.transcoder("small", locked=LPT, slots=1000)
    large = world.transcoder("large", locked=9 * LPT, slots=1000)
    broadcaster = world.broadcaster()
    for _ in range(200):
        world.open_job(broadcaster)
    world.next_block()
    won = world.record(large).jobs_accepted
    assert 160 <= won <= 199, f"{won} of 200 with 90 % of the stake"


def test_a_transcoder_that_asks_more_than_the_offer_is_not_drawn():
    world = World()
    world.transcoder("dear", price=1001)
    cheap = world.transcoder("cheap", price=1000)
    job = world.job(world.assigned_job(world.broadcaster()))
    assert (job.transcoder, job.backups) == (cheap.address, ())


def test_a_transcoder_without_a_free_slot_is_not_drawn():
    world = World()
    world.transcoder("full", slots=0)
    free = world.transcoder("free", slots=1)
    broadcaster = world.broadcaster()
    assert world.job(world.assigned_job(broadcaster)).transcoder == free.address
    waiting = world.open_job(broadcaster)
    world.next_block()
    assert world.job(waiting).status is JobStatus.WAITING


def test_one_slot_takes_one_of_two_jobs_in_the_same_block():
    world = World()
    transcoder, broadcaster = world.transcoder(slots=1), world.broadcaster()
    first, second = world.open_job(broadcaster), world.open_job(broadcaster)
    world.next_block()
    assert (world.job(first).status, world.job(second).status) == (JobStatus.ASSIGNED, JobStatus.WAITING)
    assert world.record(transcoder).slots == 0


def test_who_has_left_the_active_set_in_its_round_is_not_drawn():
    world = World()
    gone = world.transcoder("gone")
    ACTIVE.put(world.state, replace(ACTIVE.read(world.state, gone.address), left=True), gone.address)
    job_id = world.open_job(world.broadcaster())
    world.next_block()
    assert world.job(job_id).status is JobStatus.WAITING


def test_who_is_not_active_is_not_drawn():
    world = World()
    outside = world.transcoder()
    ACTIVE.drop(world.state, outside.address)
    job_id = world.open_job(world.broadcaster())
    world.next_block()
    assert world.job(job_id).status is JobStatus.WAITING


def test_nobody_is_drawn_while_the_round_waits_to_be_initialised():
    world = World()
    world.transcoder()
    job_id = world.open_job(world.broadcaster())
    world.set_round(initialized=False)
    world.next_block()
    assert world.job(job_id).status is JobStatus.WAITING
    world.set_round(initialized=True)
    world.next_block()
    assert world.job(job_id).status is JobStatus.ASSIGNED


def test_a_waiting_job_is_drawn_in_a_later_block_when_somebody_offers():
    world = World()
    job_id = world.open_job(world.broadcaster())
    world.advance(TEST.job_assignment_timeout - 1)
    late = world.transcoder()
    world.next_block()
    assert world.job(job_id).transcoder == late.address


def test_a_job_without_a_candidate_ends_at_its_timeout_and_returns_its_escrow():
    world = World()
    broadcaster = world.broadcaster()
    job_id = world.open_job(broadcaster)
    assert world.advance(TEST.job_assignment_timeout - 1) == []
    assert world.next_block() == [JobEnded(job_id, NOBODY), JobClosed(job_id, Wei(10_000))]
    assert (world.job(job_id).status, world.job(job_id).escrow) == (JobStatus.CLOSED, 0)
    assert world.deposit(broadcaster) == ETH
    assert not WAITING_JOBS.has(world.state, job_id)
    assert not OPEN_JOBS.has(world.state, broadcaster.address, job_id)


def test_offers_that_nobody_takes_cannot_hold_up_the_jobs_behind_them(monkeypatch):
    monkeypatch.setattr(jobs, "MAX_DRAWS_PER_BLOCK", 3)
    world = World(replace(TEST, max_open_jobs=100, job_assignment_timeout=100))
    world.transcoder(price=1000)
    broadcaster = world.broadcaster()
    unwanted = [world.open_job(broadcaster, price=1) for _ in range(7)]
    wanted = world.open_job(broadcaster)
    world.advance(3)
    assert world.job(wanted).status is JobStatus.ASSIGNED
    assert {world.job(job_id).status for job_id in unwanted} == {JobStatus.WAITING}


# --- the end


def test_either_side_can_end_a_job():
    for by_transcoder in (False, True):
        world = World()
        transcoder, broadcaster = world.transcoder(), world.broadcaster()
        job_id = world.assigned_job(broadcaster)
        party = transcoder if by_transcoder else broadcaster
        assert world.send(party, EndJob(job_id)) == [JobEnded(job_id, party.address)]
        assert (world.job(job_id).status, world.job(job_id).ended_height) == (JobStatus.ENDED, 2)


def test_nobody_else_can_end_a_job():
    world = World()
    world.transcoder()
    job_id = world.assigned_job(world.broadcaster())
    world.refused(world.account("mallory"), EndJob(job_id), Reason.NOT_A_PARTY)


def test_an_unknown_job_cannot_be_ended():
    world = World()
    assert "7" in world.refused(world.account("alice"), EndJob(7), Reason.UNKNOWN_JOB)


def test_a_job_ends_once():
    world = World()
    world.transcoder()
    broadcaster = world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    world.send(broadcaster, EndJob(job_id))
    assert "height 2" in world.refused(broadcaster, EndJob(job_id), Reason.JOB_ENDED)
    world.advance(TEST.claim_period + 1)
    world.refused(broadcaster, EndJob(job_id), Reason.JOB_ENDED)


def test_a_waiting_job_that_its_broadcaster_ends_returns_its_escrow_at_once():
    world = World()
    broadcaster = world.broadcaster()
    job_id = world.open_job(broadcaster)
    events = world.send(broadcaster, EndJob(job_id))
    assert events == [JobEnded(job_id, broadcaster.address), JobClosed(job_id, Wei(10_000))]
    assert world.deposit(broadcaster) == ETH
    world.transcoder()
    world.advance(20)
    assert world.job(job_id).status is JobStatus.CLOSED


def test_the_escrow_returns_only_when_nothing_can_be_claimed_any_more():
    world = World()
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    world.send(broadcaster, EndJob(job_id))
    world.advance(TEST.claim_period)
    assert world.job(job_id).status is JobStatus.ENDED
    world.send(transcoder, make_work(job_id, broadcaster, transcoder, (0, 1)).claim)
    assert events_of(world.next_block(), JobClosed) == [JobClosed(job_id, Wei(8_000))]
    assert world.deposit(broadcaster) == ETH - 2_000
    world.refused(transcoder, make_work(job_id, broadcaster, transcoder, (2, 3)).claim, Reason.CLAIM_PERIOD_OVER)


def test_a_finished_job_gives_its_slot_back():
    world = World()
    transcoder, broadcaster = world.transcoder(slots=1), world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    assert world.record(transcoder).slots == 0
    world.send(broadcaster, EndJob(job_id))
    assert world.record(transcoder).slots == 1


def test_a_job_from_before_a_withdrawn_offer_gives_no_slot_back():
    world = World()
    transcoder, broadcaster = world.transcoder(slots=2), world.broadcaster()
    old = world.assigned_job(broadcaster)
    world.send(transcoder, TranscodeAvailability(0))
    world.next_block()
    world.send(transcoder, TranscodeAvailability(1))
    new = world.assigned_job(broadcaster)
    assert world.record(transcoder).slots == 0
    world.send(broadcaster, EndJob(old))
    assert world.record(transcoder).slots == 0
    world.send(broadcaster, EndJob(new))
    assert world.record(transcoder).slots == 1
