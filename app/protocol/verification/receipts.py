"""Verify: showing the receipt of a challenged segment (whitepaper, *The Job*, steps 12 to 14).

The chain checks what it can: that the receipt is the one the claim committed to, that it is about the challenged
segment, and that broadcaster and transcoder have signed it. What fails is a rejection and no slash; until the deadline
the right one can follow. The input's content address is its hash in the receipt; whether both payloads can be fetched
is for the committee to find out.

Without a receipt by the deadline the challenge is missed, and the claim is lost.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.messages.bodies import Verify
from app.messages.events import ReceiptShown, VerificationMissed
from app.messages.receipt import Receipt, receipt_segment, recover_transcoder
from app.messages.record import encode
from app.messages.records import Challenge, ChallengeStatus, Claim, Job
from app.messages.rejections import Reason, Rejection
from app.messages.segment import recover_broadcaster
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Height
from app.primitives.hashing import Hash32
from app.primitives.merkle import verify_merkle_path
from app.primitives.secp256k1 import InvalidSignature
from app.protocol.claims import close_challenge, get_leaf_index, load_claim
from app.protocol.clock import DueKind, cancel, schedule
from app.protocol.environment import BlockEnv, TxEnv
from app.protocol.verification.verdicts import Place, load_challenge
from app.state.tables import CHALLENGES, JOBS, State

# --- mutators


def miss_receipt(state: State, env: BlockEnv, job_id: int, claim_id: int, segment: int) -> None:
    """Give up a challenge whose receipt was not shown; due one block after the deadline."""
    challenge = CHALLENGES.read(state, job_id, claim_id, segment)
    assert challenge.status is ChallengeStatus.AWAITING_RECEIPT, f"segment {segment} has its receipt"
    CHALLENGES.put(state, replace(challenge, status=ChallengeStatus.MISSED), job_id, claim_id, segment)
    env.emit(VerificationMissed(job_id, claim_id, segment))
    close_challenge(state, env, job_id, claim_id, ChallengeStatus.MISSED)


# --- transactions


def process_verify(state: State, env: TxEnv, message: Verify) -> None:
    """Verify: show the receipt of a challenged segment; the next block draws its committee.

    Raises:
        Rejection: UNKNOWN_CLAIM, NOT_A_PARTY, NOT_CHALLENGED, ALREADY_SUBMITTED, DEADLINE_PASSED, RECEIPT_MISMATCH,
            PROOF_INVALID or RECEIPT_SIGNATURE_INVALID.
    """
    claim = load_claim(state, message.job_id, message.claim_id)
    if env.sender != claim.transcoder:
        raise Rejection(Reason.NOT_A_PARTY, f"the claim is {to_checksum(claim.transcoder)}'s")
    place = (message.job_id, message.claim_id, message.segment)
    challenge = load_challenge(state, place)
    _check_open(challenge, env.height)
    job = JOBS.read(state, message.job_id)
    check_receipt(message.receipt, job, place, message.input_cid)
    check_proof(message.receipt, message.proof, claim, message.segment)
    check_signatures(message.receipt, job.broadcaster, claim.transcoder)
    shown = replace(
        challenge,
        status=ChallengeStatus.AWAITING_COMMITTEE,
        deadline=Height(env.height + 1),
        data_hash=message.receipt.data_hash,
        transcoded_hash=message.receipt.transcoded_hash,
        input_cid=message.input_cid,
        output_cid=message.output_cid,
        toolchain=message.receipt.toolchain,
    )
    CHALLENGES.put(state, shown, *place)
    cancel(state, claim.verify_deadline + 1, DueKind.MISS_RECEIPT, *place)
    schedule(state, env.height + 1, DueKind.DRAW_COMMITTEE, *place)
    env.emit(ReceiptShown(*place, message.input_cid, message.output_cid))


# --- checks


def _check_open(challenge: Challenge, height: Height) -> None:
    if challenge.status not in (ChallengeStatus.AWAITING_RECEIPT, ChallengeStatus.MISSED):
        raise Rejection(Reason.ALREADY_SUBMITTED, f"the segment is {challenge.status.name.lower()}")
    if challenge.status is ChallengeStatus.MISSED or height > challenge.deadline:
        raise Rejection(
            Reason.DEADLINE_PASSED, f"its deadline was height {challenge.deadline}; this is height {height}"
        )


def check_receipt(receipt: Receipt, job: Job, place: Place, input_cid: Hash32) -> None:
    """Refuse a receipt that is about something else.

    Raises:
        Rejection: RECEIPT_MISMATCH.
    """
    job_id, _, segment = place
    expected = (
        ("job_id", receipt.job_id, job_id),
        ("stream_id", receipt.stream_id, job.stream_id),
        ("sequence_number", receipt.sequence_number, segment),
        ("data_hash", receipt.data_hash.hex(), input_cid.hex()),
    )
    for name, found, wanted in expected:
        if found != wanted:
            raise Rejection(Reason.RECEIPT_MISMATCH, f"{name} of the receipt is {found}; {wanted} is expected")


def check_proof(receipt: Receipt, proof: Sequence[Hash32], claim: Claim, segment: int) -> None:
    """Refuse a receipt that is not the one that its claim has committed to; the claim holds the segment.

    Raises:
        Rejection: PROOF_INVALID.
    """
    index = get_leaf_index(claim.ranges, segment)
    assert index is not None, "only a segment of the claim can be shown"
    if not verify_merkle_path(claim.merkle_root, encode(receipt), index, claim.segments, proof):
        raise Rejection(
            Reason.PROOF_INVALID,
            f"the path of {len(proof)} hashes does not lead from leaf {index} of {claim.segments} to "
            f"{claim.merkle_root.hex()}",
        )


def check_signatures(receipt: Receipt, broadcaster: Address, transcoder: Address) -> None:
    """Refuse a receipt that broadcaster and transcoder have not both signed.

    Raises:
        Rejection: RECEIPT_SIGNATURE_INVALID.
    """
    try:
        signers = (
            ("broadcaster", recover_broadcaster(receipt_segment(receipt), receipt.broadcaster_signature), broadcaster),
            ("transcoder", recover_transcoder(receipt), transcoder),
        )
    except InvalidSignature as error:
        raise Rejection(Reason.RECEIPT_SIGNATURE_INVALID, str(error)) from None
    for role, found, wanted in signers:
        if found != wanted:
            raise Rejection(
                Reason.RECEIPT_SIGNATURE_INVALID,
                f"{to_checksum(found)} signed as the {role}, who is {to_checksum(wanted)}",
            )
