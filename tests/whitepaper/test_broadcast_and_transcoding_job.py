"""Whitepaper, *Broadcast + Transcoding Job*: each test is one of its statements."""

from app.messages.bodies import Deposit, DistributeFees, EndJob, TranscodeAvailability
from app.messages.records import ClaimStatus, JobStatus
from app.messages.rejections import Reason
from app.messages.segment import make_stream_id
from app.primitives.amounts import Wei
from app.primitives.merkle import merkle_root
from tests.support.judging import WRONG, Case
from tests.support.work_world import ETH, NO_SEGMENT, World, make_work


def test_transcode_availability_puts_a_transcoder_into_the_pool_for_new_jobs():
    world = World()
    transcoder, broadcaster = world.transcoder(slots=0), world.broadcaster()
    job_id = world.open_job(broadcaster)
    world.next_block()
    assert world.job(job_id).status is JobStatus.WAITING
    world.send(transcoder, TranscodeAvailability(1))
    world.next_block()
    assert world.job(job_id).transcoder == transcoder.address


def test_a_job_has_an_id_of_its_own_and_a_stream_id_that_contains_the_origins_address():
    world = World()
    broadcaster = world.broadcaster()
    first, second = world.open_job(broadcaster), world.open_job(broadcaster)
    assert (first, second) == (1, 2)
    assert broadcaster.address.hex() in world.job(first).stream_id


def test_all_transcoders_with_a_price_lower_than_or_equal_to_the_offer_are_considered():
    world = World()
    prices = {world.transcoder(f"asks {price}", price=price).address: price for price in (1, 999, 1000, 1001)}
    job = world.job(world.assigned_job(world.broadcaster(), price=1000))
    assert sorted(prices[address] for address in (job.transcoder, *job.backups)) == [1, 999, 1000]


def test_the_next_blocks_hash_determines_the_transcoder_and_not_the_jobs_own():
    world = World()
    for name in "abcdefgh":
        world.transcoder(name)
    broadcaster = world.broadcaster()
    pairs = world.state.pairs
    drawn = []
    for own, following in ((b"1", b"3"), (b"2", b"3"), (b"1", b"4")):
        fork = World()
        fork.state = type(world.state)(pairs)
        fork.randomness_seed = own
        job_id = fork.open_job(broadcaster)
        fork.randomness_seed = following
        fork.next_block()
        drawn.append((fork.job(job_id).transcoder, fork.job(job_id).backups))
    assert drawn[0] == drawn[1] != drawn[2]


def test_the_deposit_can_be_refilled_at_any_point_and_work_stops_when_it_runs_out():
    world = World()
    transcoder, broadcaster = world.transcoder(), world.broadcaster(deposit=2_000)
    job_id = world.assigned_job(broadcaster, escrow_segments=2)
    world.send(transcoder, make_work(job_id, broadcaster, transcoder, (0, 1)).claim)
    more = make_work(job_id, broadcaster, transcoder, (2, 2))
    world.refused(transcoder, more.claim, Reason.INSUFFICIENT_DEPOSIT)
    world.send(broadcaster, Deposit(Wei(1_000)))
    world.send(transcoder, more.claim)


def test_a_job_places_eth_in_escrow_to_pay_for_the_work():
    world = World()
    broadcaster = world.broadcaster(deposit=ETH)
    job_id = world.open_job(broadcaster, escrow_segments=7, price=1000)
    assert (world.job(job_id).escrow, world.deposit(broadcaster)) == (7_000, ETH - 7_000)


def test_claim_work_commits_to_the_receipts_of_a_range_with_a_merkle_root():
    world = World()
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    work = make_work(world.assigned_job(broadcaster), broadcaster, transcoder, (10, 12))
    world.send(transcoder, work.claim)
    assert world.claim(1).ranges == work.ranges
    assert world.claim(1).merkle_root == merkle_root(work.leaves)


def test_a_receipt_names_stream_sequence_number_both_hashes_and_both_signatures():
    world = World()
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    receipt = make_work(1, broadcaster, transcoder, (3, 3)).receipts[0]
    assert receipt.stream_id == make_stream_id(broadcaster.address, "s")
    assert receipt.sequence_number == 3
    assert len(receipt.data_hash) == len(receipt.transcoded_hash) == 32
    assert len(receipt.broadcaster_signature) == len(receipt.transcoder_signature) == 65


def test_work_verified_correctly_releases_the_escrowed_fees():
    case = Case()
    case.draw()
    case.world.judge((1, 1, 0))
    case.world.advance_to(case.world.claim(1).slashing_end + 1)
    case.world.send(case.transcoder, DistributeFees(1, 1))
    assert case.world.fees(case.transcoder) == 700
    assert case.world.claim(1).status is ClaimStatus.PAID


def test_work_not_verified_releases_no_fees():
    case = Case()
    case.draw()
    case.world.judge((1, 1, 0), [WRONG] * 3)
    case.world.advance(100)
    case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.CLAIM_CLOSED)
    assert case.world.fees(case.transcoder) == 0


def test_the_broadcaster_can_end_at_any_point_and_work_done_before_is_still_claimed():
    world = World(NO_SEGMENT)
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    world.send(broadcaster, EndJob(job_id))
    world.claim_work(transcoder, make_work(job_id, broadcaster, transcoder, (0, 4)))
    world.send(transcoder, DistributeFees(job_id, 1))
    assert world.fees(transcoder) == 5_000
