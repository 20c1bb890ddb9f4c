"""DistributeFees: when a claim is due, and who gets what."""

from dataclasses import replace

from app.messages.bodies import DistributeFees
from app.messages.events import ClaimPaid, FeesCredited
from app.messages.records import ClaimStatus
from app.messages.rejections import Reason
from app.primitives.amounts import Wei
from app.protocol.stake import add_to_pool
from tests.support.environments import any_block
from tests.support.judging import WRONG, Case
from tests.support.work_world import EVERY_SEGMENT, LPT, NO_SEGMENT, World, events_of, make_work


def unchallenged(world):
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    world.claim_work(transcoder, make_work(job_id, broadcaster, transcoder, (0, 9)))
    return transcoder


def test_a_claim_without_challenges_is_paid_at_once_with_its_verification_fee():
    world = World(NO_SEGMENT)
    transcoder = unchallenged(world)
    events = world.send(world.account("anybody"), DistributeFees(1, 1))
    assert events == [
        FeesCredited(transcoder.address, Wei(5_000), Wei(5_000)),
        ClaimPaid(1, 1, transcoder.address, Wei(10_000)),
    ]
    assert world.fees(transcoder) == 10_000
    claim = world.claim(1)
    assert (claim.status, claim.fee, claim.verification_fee) == (ClaimStatus.PAID, 0, 0)
    assert (world.job(1).segments_paid, world.record(transcoder).segments_paid) == (10, 10)


def test_fees_are_shared_with_delegators():
    world = World(NO_SEGMENT)
    transcoder = unchallenged(world)
    delegator = world.account("delegator")
    add_to_pool(world.state, any_block(), delegator.address, transcoder.address, 10 * LPT)
    world.send(delegator, DistributeFees(1, 1))
    assert (world.fees(transcoder), world.fees(delegator)) == (7_500, 2_500)


def test_a_claim_is_paid_once():
    world = World(NO_SEGMENT)
    transcoder = unchallenged(world)
    world.send(transcoder, DistributeFees(1, 1))
    world.refused(transcoder, DistributeFees(1, 1), Reason.CLAIM_CLOSED)


def test_an_unknown_claim_is_refused():
    world = World()
    world.refused(world.account("anybody"), DistributeFees(1, 1), Reason.UNKNOWN_CLAIM)


def test_a_pending_claim_is_not_due():
    world = World(NO_SEGMENT)
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    job_id = world.assigned_job(broadcaster)
    world.send(transcoder, make_work(job_id, broadcaster, transcoder, (0, 9)).claim)
    assert "pending" in world.refused(transcoder, DistributeFees(1, 1), Reason.FEES_NOT_DUE)


def test_fees_wait_for_the_round_to_be_initialised():
    world = World(NO_SEGMENT)
    transcoder = unchallenged(world)
    world.set_round(initialized=False)
    world.refused(transcoder, DistributeFees(1, 1), Reason.ROUND_NOT_INITIALIZED)


def test_a_challenged_claim_is_paid_when_its_slashing_period_is_over():
    case = Case(segments=2)
    for segment in range(2):
        case.draw(segment)
        case.world.judge((1, 1, segment))
    end = case.world.claim(1).slashing_end
    case.world.advance_to(end)
    text = case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.FEES_NOT_DUE)
    assert f"ends with height {end}; this is height {end}" in text
    case.world.next_block()
    case.world.send(case.transcoder, DistributeFees(1, 1))
    assert case.world.fees(case.transcoder) == 1_400


def test_what_verifiers_did_not_take_goes_to_the_transcoder():
    case = Case(replace(EVERY_SEGMENT, verification_fee=10**9 // 10))
    case.draw()
    case.world.judge((1, 1, 0))
    case.world.advance_to(case.world.claim(1).slashing_end + 1)
    events = case.world.send(case.transcoder, DistributeFees(1, 1))
    assert events_of(events, ClaimPaid)[0].amount == 900 + 1


def test_a_claim_that_is_still_judged_is_not_due():
    case = Case(segments=2)
    text = case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.FEES_NOT_DUE)
    assert "2 of 2" in text


def test_a_disputed_claim_is_not_due():
    case = Case()
    case.draw()
    case.world.judge((1, 1, 0), [WRONG] * 3)
    assert "disputed" in case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.FEES_NOT_DUE)


def test_a_missed_claim_has_nothing_to_distribute():
    case = Case()
    case.world.advance(50)
    case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.CLAIM_CLOSED)
