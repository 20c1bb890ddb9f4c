"""Whitepaper, *Transcoder Griefing*: segment numbers with gaps, and what else makes honest work dear."""

from dataclasses import replace

from app.messages.bodies import ClaimWork, Deposit, DropReason, EndJob, Job, ReassignJob, SegmentRange, Withdraw
from app.messages.records import JobStatus
from app.messages.rejections import Reason
from app.messages.segment import make_stream_id
from app.messages.transaction import TxBody, encode_body
from app.primitives.amounts import Wei
from app.primitives.hashing import ZERO_HASH
from genesis.presets.test import TEST
from tests.support.work_world import ETH, NO_SEGMENT, World, ladder, make_work


def claim_of(ranges):
    return ClaimWork(1, tuple(SegmentRange(first, last) for first, last in ranges), ZERO_HASH)


def size_of(message):
    return len(encode_body(TxBody("headwater", 0, Wei(0), 0, (message,))))


def test_gaps_cost_bytes_and_not_transactions():
    params = replace(TEST, max_ranges_per_claim=64)
    world = World(params)
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    world.assigned_job(broadcaster)
    scattered = claim_of([(1000 * n, 1000 * n) for n in range(64)])
    world.send(transcoder, scattered)
    assert world.job(1).segments_claimed == 64
    per_gap = (size_of(scattered) - size_of(claim_of([(0, 63)]))) / 63
    assert per_gap <= 12, f"{per_gap} bytes a gap"


def test_a_transcoder_that_is_sent_scattered_segments_can_leave_the_job():
    world = World()
    transcoder, broadcaster = world.transcoder(slots=1), world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    world.send(transcoder, EndJob(job_id))
    assert world.record(transcoder).slots == 1
    assert world.job(job_id).status is JobStatus.ENDED


def test_a_broadcaster_without_a_deposit_cannot_occupy_a_transcoder():
    world = World()
    transcoder, mallory = world.transcoder(), world.broadcaster("mallory", deposit=0)
    order = Job(make_stream_id(mallory.address, "s"), ladder(), Wei(1000), 1)
    world.refused(mallory, order, Reason.INSUFFICIENT_DEPOSIT)
    world.next_block()
    assert world.record(transcoder).slots == 4


def test_a_broadcaster_cannot_withdraw_from_under_work_that_is_escrowed():
    world = World(NO_SEGMENT)
    transcoder, mallory = world.transcoder(), world.broadcaster("mallory", deposit=10_000)
    job_id = world.assigned_job(mallory, escrow_segments=10)
    world.refused(mallory, Withdraw(Wei(1), Wei(0)), Reason.INSUFFICIENT_DEPOSIT)
    world.send(mallory, EndJob(job_id))
    world.advance(TEST.claim_period)
    world.refused(mallory, Withdraw(Wei(1), Wei(0)), Reason.INSUFFICIENT_DEPOSIT)
    world.send(transcoder, make_work(job_id, mallory, transcoder, (0, 9)).claim)
    assert world.claim(job_id).fee + world.claim(job_id).verification_fee == 10_000


def test_a_broadcaster_cannot_fill_the_chain_with_open_jobs():
    world = World()
    mallory = world.broadcaster("mallory", deposit=5 * ETH)
    for _ in range(TEST.max_open_jobs):
        world.open_job(mallory)
    order = Job(make_stream_id(mallory.address, "s"), ladder(), Wei(1000), 1)
    world.refused(mallory, order, Reason.TOO_MANY_JOBS)


def test_a_claim_cannot_be_made_so_large_that_it_holds_up_the_next_block():
    world = World()
    transcoder = world.transcoder()
    world.assigned_job(world.broadcaster())
    world.refused(transcoder, claim_of([(0, 10**9)]), Reason.LIMIT_EXCEEDED)


def test_a_third_partys_deposit_is_never_touched():
    world = World()
    transcoder, victim = world.transcoder(), world.broadcaster("victim")
    mallory = world.broadcaster("mallory", deposit=1_000)
    world.assigned_job(mallory, escrow_segments=1)
    world.refused(transcoder, claim_of([(0, 5)]), Reason.INSUFFICIENT_DEPOSIT)
    world.send(mallory, Deposit(Wei(5_000)))
    world.send(transcoder, claim_of([(0, 5)]))
    assert world.deposit(victim) == ETH


def test_a_broadcaster_that_passes_its_job_on_again_and_again_cannot_take_work_back():
    """What was done before is claimed and paid all the same; only a record is left."""
    world = World(NO_SEGMENT)
    broadcaster, workers = world.broadcaster(), [world.transcoder(f"t{number}", slots=1) for number in range(3)]
    job_id = world.assigned_job(broadcaster)
    for segment in range(3):
        worker = world.parties[world.job(job_id).transcoder]
        work = make_work(job_id, broadcaster, worker, (segment, segment))
        world.send(broadcaster, ReassignJob(job_id, DropReason.SLOW))
        world.send(worker, work.claim)
    assert world.job(job_id).segments_claimed == 3
    assert [world.record(worker).jobs_dropped for worker in workers] == [1, 1, 1]
    world.require_sound()
