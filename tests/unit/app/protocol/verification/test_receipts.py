"""Verify: what the chain checks of a receipt, and what happens without it."""

from dataclasses import replace

import pytest

from app.messages.bodies import EndJob, SegmentRange
from app.messages.events import ReceiptShown, VerificationMissed
from app.messages.receipt import sign_receipt
from app.messages.records import ChallengeStatus, ClaimStatus
from app.messages.rejections import Reason
from app.messages.segment import make_stream_id
from app.primitives.amounts import Height
from app.primitives.hashing import ZERO_HASH
from app.primitives.merkle import merkle_path
from genesis.presets.test import TEST
from tests.support.judging import Case
from tests.support.work_world import NO_SEGMENT, Party, Work, World, input_of, make_receipt, make_work, output_of


def claimed_with(case: Case, receipt) -> Work:
    """Claim segment 5 of the case's job with this receipt, whatever it says; all later checks are on it alone."""
    work = Work(1, (SegmentRange(5, 5),), (receipt,))
    assert case.world.claim_work(case.transcoder, work) == 2
    return work


def verify(case: Case, work: Work):
    receipt = work.receipts[0]
    return replace(work.verify(2, receipt.sequence_number), segment=5, input_cid=receipt.data_hash)


def test_a_shown_receipt_waits_for_the_committee_of_the_next_block():
    case = Case(segments=5)
    events = case.world.send(case.transcoder, case.work.verify(1, 3))
    assert events == [ReceiptShown(1, 1, 3, input_of(3), output_of(3))]
    challenge = case.challenge(3)
    assert (challenge.status, challenge.deadline) == (ChallengeStatus.AWAITING_COMMITTEE, case.world.height + 1)
    assert (challenge.data_hash, challenge.transcoded_hash) == (input_of(3), output_of(3))
    assert (challenge.input_cid, challenge.output_cid) == (input_of(3), output_of(3))
    assert challenge.toolchain == "x264 build"
    case.world.next_block()
    assert case.challenge(3).status is ChallengeStatus.COMMITTING


def test_every_leaf_of_a_claim_with_gaps_can_be_shown():
    case = Case()
    work = make_work(1, case.broadcaster, case.transcoder, (3, 5), (9, 9), (20, 22))
    claim_id = case.world.claim_work(case.transcoder, work)
    for receipt in work.receipts:
        case.world.send(case.transcoder, work.verify(claim_id, receipt.sequence_number))


def test_only_the_claims_transcoder_shows_its_receipts():
    case = Case()
    case.world.refused(case.broadcaster, case.work.verify(1, 0), Reason.NOT_A_PARTY)


def test_an_unknown_claim_has_no_receipts():
    case = Case()
    case.world.refused(case.transcoder, case.work.verify(2, 0), Reason.UNKNOWN_CLAIM)


def test_a_segment_that_was_not_challenged_is_refused():
    world = World(NO_SEGMENT)
    transcoder, broadcaster = world.transcoder(), world.broadcaster()
    work = make_work(world.assigned_job(broadcaster), broadcaster, transcoder, (0, 0))
    claim_id = world.claim_work(transcoder, work)
    world.refused(transcoder, work.verify(claim_id, 0), Reason.NOT_CHALLENGED)


def test_a_receipt_is_shown_once():
    case = Case()
    case.world.send(case.transcoder, case.work.verify(1, 0))
    case.world.refused(case.transcoder, case.work.verify(1, 0), Reason.ALREADY_SUBMITTED)


def test_the_deadline_is_the_last_block_for_a_receipt():
    case = Case()
    case.world.advance_to(case.challenge().deadline)
    case.world.send(case.transcoder, case.work.verify(1, 0))
    assert case.world.next_block() != []
    assert case.challenge().status is ChallengeStatus.COMMITTING


def test_after_the_deadline_the_challenge_is_missed():
    case = Case()
    deadline = case.challenge().deadline
    assert deadline == case.world.claim(1).height + TEST.verification_period
    case.world.advance_to(deadline)
    assert VerificationMissed(1, 1, 0) in case.world.next_block()
    assert case.challenge().status is ChallengeStatus.MISSED
    assert case.world.claim(1).status is ClaimStatus.MISSED
    text = case.world.refused(case.transcoder, case.work.verify(1, 0), Reason.DEADLINE_PASSED)
    assert f"height {deadline}" in text


def test_a_late_receipt_is_refused_even_where_the_block_has_not_begun_yet():
    """As when somebody asks what would become of a transaction."""
    case = Case()
    case.world.height = Height(case.challenge().deadline + 1)
    case.world.refused(case.transcoder, case.work.verify(1, 0), Reason.DEADLINE_PASSED)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"job_id": 2}, "job_id"),
        ({"stream_id": make_stream_id(Party("other").address, "s")}, "stream_id"),
        ({"sequence_number": 6}, "sequence_number"),
    ],
)
def test_a_receipt_for_something_else_is_refused_although_it_was_claimed(change, name):
    case = Case()
    receipt = replace(make_receipt(1, case.broadcaster, case.transcoder, 5), **change)
    work = claimed_with(case, sign_receipt(receipt, case.transcoder.key))
    assert case.world.refused(case.transcoder, verify(case, work), Reason.RECEIPT_MISMATCH).startswith(name)


def test_an_input_at_another_address_than_its_hash_is_refused():
    case = Case()
    message = replace(case.work.verify(1, 0), input_cid=ZERO_HASH)
    assert case.world.refused(case.transcoder, message, Reason.RECEIPT_MISMATCH).startswith("data_hash")


def test_a_receipt_that_was_not_committed_to_is_refused():
    case = Case()
    better = sign_receipt(replace(case.work.receipts[0], transcoded_hash=ZERO_HASH), case.transcoder.key)
    message = replace(case.work.verify(1, 0), receipt=better)
    case.world.refused(case.transcoder, message, Reason.PROOF_INVALID)


def test_a_path_from_another_leaf_is_refused():
    case = Case(segments=4)
    message = replace(case.work.verify(1, 0), proof=merkle_path(case.work.leaves, 1))
    case.world.refused(case.transcoder, message, Reason.PROOF_INVALID)


def test_a_segment_that_the_broadcaster_did_not_sign_is_refused():
    case = Case()
    forged = make_receipt(1, case.broadcaster, case.transcoder, 5)
    own = make_receipt(1, case.transcoder, case.transcoder, 5)
    forged = sign_receipt(replace(forged, broadcaster_signature=own.broadcaster_signature), case.transcoder.key)
    work = claimed_with(case, forged)
    assert "broadcaster" in case.world.refused(case.transcoder, verify(case, work), Reason.RECEIPT_SIGNATURE_INVALID)


def test_a_receipt_that_the_transcoder_did_not_sign_is_refused():
    case = Case()
    work = claimed_with(case, make_receipt(1, case.broadcaster, case.broadcaster, 5))
    assert "transcoder" in case.world.refused(case.transcoder, verify(case, work), Reason.RECEIPT_SIGNATURE_INVALID)


@pytest.mark.parametrize("signature", [b"", b"\x01" * 64, b"\xff" * 65])
def test_what_is_no_signature_is_refused(signature):
    case = Case()
    receipt = replace(make_receipt(1, case.broadcaster, case.transcoder, 5), transcoder_signature=signature)
    work = claimed_with(case, receipt)
    case.world.refused(case.transcoder, verify(case, work), Reason.RECEIPT_SIGNATURE_INVALID)


def test_a_refused_receipt_can_be_followed_by_the_right_one():
    case = Case()
    case.world.refused(case.transcoder, replace(case.work.verify(1, 0), proof=(ZERO_HASH,)), Reason.PROOF_INVALID)
    case.world.send(case.transcoder, case.work.verify(1, 0))


def test_a_receipt_can_be_shown_while_the_round_waits_and_after_the_job_has_ended():
    case = Case()
    case.world.send(case.broadcaster, EndJob(1))
    case.world.set_round(initialized=False)
    case.world.send(case.transcoder, case.work.verify(1, 0))
