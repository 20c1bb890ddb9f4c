"""Whitepaper, *Verification of Work*: each test is one of its statements."""

from dataclasses import replace

from app.messages.bodies import DistributeFees, SlashMissedVerification
from app.messages.events import ClaimRefunded, StakeSlashed, VerificationMissed
from app.messages.records import ChallengeStatus, ClaimStatus
from app.messages.rejections import Reason
from app.primitives.amounts import Wei
from app.primitives.fractions import ONE
from app.primitives.hashing import ZERO_HASH
from genesis.presets.test import TEST
from tests.support.judging import Case
from tests.support.work_world import EVERY_SEGMENT, NO_SEGMENT, World, events_of, make_work


def challenged_of(world, segments=100):
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    work = make_work(world.assigned_job(broadcaster), broadcaster, transcoder, (0, segments - 1))
    world.claim_work(transcoder, work)
    return len(world.claim(1).challenged)


def test_verification_rate_determines_how_frequently_a_segment_is_challenged():
    counts = [challenged_of(World(replace(TEST, verification_rate=rate))) for rate in (1, 2, 10, 10**9)]
    assert counts[0] == 100
    assert 35 <= counts[1] <= 65
    assert 3 <= counts[2] <= 20
    assert counts[3] == 0


def test_which_segments_are_verified_is_not_known_before_the_work_is_committed_to():
    forks = []
    for seed in (b"1", b"2"):
        world = World(replace(TEST, verification_rate=5))
        world.randomness_seed = seed
        challenged_of(world)
        forks.append(world.claim(1).challenged)
    assert forks[0] != forks[1]


def test_only_a_small_percentage_is_verified_and_the_rest_is_paid_with_it():
    world = World(replace(TEST, verification_rate=10, verification_period=30))
    for name in ("u", "v", "w"):
        world.verifier(name)
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    work = make_work(world.assigned_job(broadcaster), broadcaster, transcoder, (0, 59))
    world.claim_work(transcoder, work)
    challenged = world.claim(1).challenged
    assert 1 <= len(challenged) <= 15
    for segment in challenged:
        world.show_receipt(transcoder, work, 1, segment)
        world.judge((1, 1, segment))
    world.advance_to(world.claim(1).slashing_end + 1)
    world.send(transcoder, DistributeFees(1, 1))
    assert world.job(1).segments_paid == 60


def test_the_chain_checks_signatures_and_merkle_proofs_before_anybody_re_executes():
    case = Case(segments=2)
    message = replace(case.work.verify(1, 0), proof=(ZERO_HASH,))
    case.world.refused(case.transcoder, message, Reason.PROOF_INVALID)
    assert case.challenge(0).status is ChallengeStatus.AWAITING_RECEIPT


def test_inputs_and_outputs_are_found_by_content_address():
    case = Case()
    case.draw()
    receipt = case.work.receipts[0]
    assert case.challenge().input_cid == receipt.data_hash
    assert case.challenge().output_cid != receipt.data_hash


def test_a_transcoder_that_does_not_show_what_it_must_loses_the_fee_from_the_broadcaster():
    case = Case()
    before = case.world.deposit(case.broadcaster)
    events = case.world.advance(TEST.verification_period)
    assert events_of(events, VerificationMissed) == [VerificationMissed(1, 1, 0)]
    assert events_of(events, ClaimRefunded) == [ClaimRefunded(1, 1, case.broadcaster.address, Wei(1_000))]
    assert case.world.deposit(case.broadcaster) == before + 1_000
    assert case.world.claim(1).status is ClaimStatus.MISSED


def test_failing_to_invoke_verification_can_be_invoked_by_any_participant_for_finder_fee():
    case = Case()
    anybody = case.world.account("anybody")
    case.world.advance(TEST.verification_period + 1)
    (slashed,) = events_of(case.world.send(anybody, SlashMissedVerification(1, 1, 0)), StakeSlashed)
    assert slashed.fraction == TEST.missed_verification_slash_amount
    assert slashed.finder_fee == slashed.bonded * TEST.finder_fee // ONE
    assert slashed.finder == anybody.address


def test_a_claim_of_which_nothing_is_verified_needs_no_verifier():
    world = World(NO_SEGMENT)
    assert challenged_of(world) == 0
    assert world.claim(1).status is ClaimStatus.VERIFIED


def test_checking_is_paid_and_not_checking_is_not():
    case = Case(replace(EVERY_SEGMENT, commit_period=1, reveal_period=1))
    first, second, lazy = case.draw()
    for verifier in (first, second):
        case.world.send(verifier, case.verdict(verifier).commit)
    case.world.advance(2)
    for verifier in (first, second):
        case.world.send(verifier, case.verdict(verifier).reveal)
    earned = [case.world.verifier_record(party).fees_earned for party in (first, second, lazy)]
    assert earned == [150, 150, 0]
    assert case.world.verifier_record(lazy).bond < case.world.verifier_record(first).bond
