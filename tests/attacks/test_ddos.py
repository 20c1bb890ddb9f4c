"""Whitepaper, *DDoS*: jobs that are accepted and not done, jobs that are ordered and not fed."""

from app.messages.bodies import EndJob
from app.messages.records import JobStatus
from app.messages.rejections import Reason
from genesis.presets.test import TEST
from tests.support.work_world import ETH, World, make_work


def test_a_transcoder_that_drops_its_job_earns_nothing_and_the_broadcaster_gets_its_escrow_back():
    world = World()
    idle, broadcaster = world.transcoder("idle"), world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    world.send(broadcaster, EndJob(job_id))
    world.advance(TEST.claim_period + 1)
    assert world.deposit(broadcaster) == ETH
    assert world.fees(idle) == 0


def test_the_broadcaster_just_submits_the_job_again_and_can_be_assigned_another():
    world = World()
    world.transcoder("idle", slots=1)
    broadcaster = world.broadcaster()
    first = world.assigned_job(broadcaster)
    other = world.transcoder("other")
    second = world.assigned_job(broadcaster)
    assert world.job(second).transcoder == other.address != world.job(first).transcoder


def test_transcoders_are_identified_in_priority_order_and_not_just_one():
    world = World()
    for name in ("a", "b", "c", "d"):
        world.transcoder(name)
    job = world.job(world.assigned_job(world.broadcaster()))
    assert len({job.transcoder, *job.backups}) == 3


def test_accepted_jobs_and_segments_done_are_public_for_delegators_to_see():
    world = World()
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    idle = world.assigned_job(broadcaster)
    busy = world.assigned_job(broadcaster)
    world.send(transcoder, make_work(busy, broadcaster, transcoder, (0, 19)).claim)
    record = world.record(transcoder)
    assert (record.jobs_accepted, record.segments_claimed) == (2, 20)
    assert world.job(idle).segments_claimed == 0


def test_a_broadcaster_that_sends_no_segments_only_costs_a_slot_until_the_job_is_ended():
    world = World()
    transcoder, mallory = world.transcoder(slots=1), world.broadcaster("mallory")
    job_id = world.assigned_job(mallory)
    assert world.record(transcoder).slots == 0
    world.send(transcoder, EndJob(job_id))
    assert world.record(transcoder).slots == 1
    honest = world.assigned_job(world.broadcaster("honest"))
    assert world.job(honest).status is JobStatus.ASSIGNED


def test_a_stranger_can_neither_end_nor_claim_somebody_elses_job():
    world = World()
    transcoder, broadcaster, mallory = world.transcoder(), world.broadcaster(), world.account("mallory")
    job_id = world.assigned_job(broadcaster)
    world.refused(mallory, EndJob(job_id), Reason.NOT_A_PARTY)
    world.refused(mallory, make_work(job_id, broadcaster, transcoder, (0, 1)).claim, Reason.NOT_A_PARTY)
