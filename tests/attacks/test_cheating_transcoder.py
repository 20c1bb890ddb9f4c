"""Whitepaper, *Useless or Self Dealing Transcoder*, and the known tricks with claims and challenges."""

from dataclasses import replace

import pytest

from app.messages.bodies import DistributeFees, EndJob, SlashDoubleClaim, SlashMissedVerification
from app.messages.receipt import sign_receipt
from app.messages.records import ChallengeStatus, ClaimStatus
from app.messages.rejections import Reason
from app.messages.segment import Segment, sign_segment
from app.primitives.fractions import ONE
from app.primitives.hashing import ZERO_HASH, keccak256, sha256
from app.primitives.merkle import hash_leaf, merkle_path, merkle_root
from app.protocol.sortition import is_challenged
from app.protocol.stake import get_stake
from genesis.presets.test import TEST
from tests.support.judging import TRUTH, Case
from tests.support.work_world import EVERY_SEGMENT, Work, World, make_work, output_of, signed_again


def test_the_proposer_cannot_choose_the_challenges_with_the_claims_own_block():
    chosen = []
    for seed in (b"", b"ground by the proposer of the claim's block"):
        world = World()
        transcoder, broadcaster = world.transcoder(), world.broadcaster()
        work = make_work(world.assigned_job(broadcaster), broadcaster, transcoder, (0, 49))
        world.randomness_seed = seed
        world.send(transcoder, work.claim)
        assert world.claim(1).challenged == ()
        world.randomness_seed = b"of the next block"
        world.next_block()
        chosen.append(world.claim(1).challenged)
    assert chosen[0] == chosen[1] != ()


def test_the_challenges_are_not_those_that_the_claims_own_block_would_choose():
    world = World()
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    work = make_work(world.assigned_job(broadcaster), broadcaster, transcoder, (0, 49))
    height, own = world.height, world.randomness
    world.claim_work(transcoder, work)
    by_own_block = tuple(n for n in range(50) if is_challenged(height, own, n, TEST.verification_rate))
    assert world.claim(1).challenged != by_own_block


def test_the_challenges_stay_when_the_hash_that_chose_them_is_long_gone():
    case = Case(replace(EVERY_SEGMENT, verification_period=400, slashing_period=1), segments=3)
    chosen = case.world.claim(1).challenged
    case.world.advance(300)
    assert case.world.claim(1).challenged == chosen == (0, 1, 2)
    case.world.send(case.transcoder, case.work.verify(1, 2))


def test_the_result_cannot_be_changed_after_the_claim():
    case = Case()
    other = sign_receipt(replace(case.work.receipts[0], transcoded_hash=keccak256(b"other")), case.transcoder.key)
    case.world.refused(case.transcoder, replace(case.work.verify(1, 0), receipt=other), Reason.PROOF_INVALID)


def test_an_inner_node_does_not_pass_for_a_receipt():
    case = Case(segments=4)
    leaves = case.work.leaves
    inner = hash_leaf(leaves[0]) + hash_leaf(leaves[1])
    assert merkle_root([inner, leaves[2]]) != case.work.claim.merkle_root
    shorter = replace(case.work.verify(1, 0), proof=merkle_path(leaves, 0)[1:])
    case.world.refused(case.transcoder, shorter, Reason.PROOF_INVALID)


def test_one_receipt_does_not_stand_for_two_segments():
    case = Case()
    world = case.world
    genuine = make_work(1, case.broadcaster, case.transcoder, (10, 11))
    twice = Work(1, genuine.ranges, (genuine.receipts[0], genuine.receipts[0]))
    claim_id = world.claim_work(case.transcoder, twice)
    world.send(case.transcoder, twice.verify(claim_id, 10))
    copied = replace(twice.verify(claim_id, 10), segment=11, proof=merkle_path(twice.leaves, 1))
    world.refused(case.transcoder, copied, Reason.RECEIPT_MISMATCH)


def test_segments_that_were_never_sent_cannot_be_shown():
    case = Case()
    invented = make_work(1, case.transcoder, case.transcoder, (20, 20))
    stream_id = case.work.receipts[0].stream_id
    receipt = sign_receipt(replace(invented.receipts[0], stream_id=stream_id), case.transcoder.key)
    work = Work(1, invented.ranges, (receipt,))
    claim_id = case.world.claim_work(case.transcoder, work)
    case.world.refused(case.transcoder, work.verify(claim_id, 20), Reason.RECEIPT_SIGNATURE_INVALID)


def test_a_segment_cannot_be_paid_twice():
    case = Case()
    again = make_work(1, case.broadcaster, case.transcoder, (0, 3))
    case.world.refused(case.transcoder, again.claim, Reason.SEGMENTS_ALREADY_CLAIMED)


def test_a_segment_of_a_lost_claim_cannot_be_claimed_again():
    case = Case()
    case.world.advance(TEST.verification_period)
    assert case.world.claim(1).status is ClaimStatus.MISSED
    case.world.refused(case.transcoder, case.work.claim, Reason.SEGMENTS_ALREADY_CLAIMED)


def test_a_claim_shortly_before_the_end_of_its_job_is_verified_like_any_other():
    world = World(EVERY_SEGMENT)
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    for name in ("u", "v", "w"):
        world.verifier(name)
    work = make_work(world.assigned_job(broadcaster), broadcaster, transcoder, (0, 0))
    world.send(broadcaster, EndJob(1))
    world.advance(TEST.claim_period)
    world.claim_work(transcoder, work)
    world.show_receipt(transcoder, work, 1, 0)
    world.judge((1, 1, 0))
    assert world.claim(1).status is ClaimStatus.VERIFIED


@pytest.mark.parametrize("agreeing", [0, 1, 2])
def test_wrong_output_is_not_paid_however_many_of_the_committee_are_bribed(agreeing):
    case = Case()
    case.draw()
    honest_view, bribed = [TRUTH] * (3 - agreeing), [output_of(0)] * agreeing
    validators = [case.world.validator(f"validator{number}") for number in range(4)]
    case.world.judge((1, 1, 0), [*bribed, *honest_view])
    for validator in validators[:3]:
        case.world.attest(validator, 1, TRUTH)
    case.world.advance(100)
    assert case.challenge().status is ChallengeStatus.FAILED
    case.world.refused(case.transcoder, DistributeFees(1, 1), Reason.CLAIM_CLOSED)


def test_a_claim_over_nothing_real_is_lost_when_it_is_challenged():
    case = Case()
    hollow = replace(make_work(1, case.broadcaster, case.transcoder, (50, 59)).claim, merkle_root=ZERO_HASH)
    before = case.world.deposit(case.broadcaster)
    claim_id = case.world.send(case.transcoder, hollow)[-1].claim_id
    assert case.world.deposit(case.broadcaster) < before
    case.world.advance(TEST.verification_period + 1)
    assert case.world.claim(1, claim_id).status is ClaimStatus.MISSED
    assert case.world.deposit(case.broadcaster) >= before


def test_a_transcoder_that_reports_itself_still_loses_all_but_the_finders_fee():
    case = Case()
    world = case.world
    world.advance_to(world.claim(1).verify_deadline + 1)
    stake, had = get_stake(world.state, case.transcoder.address), world.lpt(case.transcoder)
    world.send(case.transcoder, SlashMissedVerification(1, 1, 0))
    lost = stake - get_stake(world.state, case.transcoder.address)
    assert world.lpt(case.transcoder) - had == lost * TEST.finder_fee // ONE
    world.refused(world.account("late"), SlashMissedVerification(1, 1, 0), Reason.ALREADY_SLASHED)


def test_a_broadcaster_that_signs_two_inputs_under_one_number_cannot_have_its_transcoder_slashed():
    case = Case()
    first = case.work.receipts[0]
    segment = Segment(first.stream_id, 0, sha256(b"another input"))
    signature = sign_segment(segment, case.broadcaster.key)
    honest = {"data_hash": segment.data_hash, "broadcaster_signature": signature}
    second = signed_again(first, case.transcoder, transcoded_hash=keccak256(b"its output"), **honest)
    case.world.refused(case.broadcaster, SlashDoubleClaim(first, second), Reason.NO_DOUBLE_CLAIM)


def test_receipts_of_two_jobs_do_not_make_a_double_claim():
    case = Case()
    case.world.assigned_job(case.broadcaster, stream="s")
    first = case.work.receipts[0]
    replayed = signed_again(first, case.transcoder, job_id=2, transcoded_hash=keccak256(b"of the other job"))
    case.world.refused(case.broadcaster, SlashDoubleClaim(first, replayed), Reason.NO_DOUBLE_CLAIM)
