"""Reveal and judgement (media.md, section 3, steps 3 and 4).

Verified: all who revealed agree with the receipt, and at least `verifier_quorum` did. They share the challenge's part
of the verification fee; what the division leaves stays in the claim, for the transcoder. Otherwise the segment is
disputed and waits for the court; who revealed is paid when the court has decided, who stayed silent is slashed either
way. Once everyone who committed has revealed, nobody waits for the deadline.
"""

from dataclasses import replace

from app.messages.bodies import RevealVerdict
from app.messages.events import SegmentDisputed, SegmentVerified, VerdictRevealed
from app.messages.records import Challenge, ChallengeStatus, Dispute, DisputeReason, Empty, Seat
from app.messages.rejections import Reason, Rejection
from app.messages.verdict import Finding, verdict_commitment
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Height, Lpt
from app.primitives.hashing import Hash32
from app.protocol.claims import close_challenge, dispute_challenge
from app.protocol.clock import DueKind, cancel, schedule
from app.protocol.environment import BlockEnv, Env, TxEnv
from app.protocol.verification.registry import count_revealed, pay_verifier, slash_silent
from app.state.tables import CHALLENGES, CLAIMS, DISPUTES, JOBS, OPEN_DISPUTES, TOTALS, ReadState, State

Place = tuple[int, int, int]
"""Job id, claim id and segment: where a challenge stands."""

# --- predicates and accessors


def load_challenge(state: ReadState, place: Place) -> Challenge:
    """The challenge.

    Raises:
        Rejection: NOT_CHALLENGED.
    """
    challenge = CHALLENGES.get(state, *place)
    if challenge is None:
        job_id, claim_id, segment = place
        raise Rejection(
            Reason.NOT_CHALLENGED, f"segment {segment} of claim {claim_id} of job {job_id} is not challenged"
        )
    return challenge


def find_seat(challenge: Challenge, sender: Address) -> int:
    """The place of a verifier in the committee.

    Raises:
        Rejection: NOT_DRAWN.
    """
    for index, seat in enumerate(challenge.committee):
        if seat.verifier == sender:
            return index
    raise Rejection(
        Reason.NOT_DRAWN,
        f"{to_checksum(sender)} is none of the {len(challenge.committee)} verifiers of this segment, which is "
        f"{challenge.status.name.lower()}",
    )


def have_all_revealed(challenge: Challenge) -> bool:
    """Whether nobody who committed has still to reveal."""
    return all(seat.result is not None for seat in challenge.committee if seat.commitment is not None)


def compute_dispute_reason(challenge: Challenge, quorum: int) -> DisputeReason | None:
    """Why the reveals do not verify the receipt, or none where they do."""
    results = [seat.result for seat in challenge.committee if seat.result is not None]
    if any(result != challenge.transcoded_hash for result in results):
        return DisputeReason.VERDICTS_DIFFER
    return DisputeReason.TOO_FEW_REVEALS if len(results) < quorum else None


# --- mutators


def close_reveals(state: State, env: BlockEnv, job_id: int, claim_id: int, segment: int) -> None:
    """Judge a challenge for which some verifiers have not revealed; due one block after the deadline."""
    challenge = CHALLENGES.read(state, job_id, claim_id, segment)
    assert challenge.status is ChallengeStatus.REVEALING, f"segment {segment} is {challenge.status.name.lower()}"
    judge(state, env, (job_id, claim_id, segment), challenge)


def judge(state: State, env: Env, place: Place, challenge: Challenge) -> None:
    """Decide a challenge from what its committee has revealed."""
    for seat in challenge.committee:
        if seat.result is None:
            slash_silent(state, env, seat.verifier)
    reason = compute_dispute_reason(challenge, env.params.verifier_quorum)
    if reason is None:
        _verify(state, env, place, challenge)
    else:
        open_dispute(state, env, place, challenge, reason)


def open_dispute(state: State, env: Env, place: Place, challenge: Challenge, reason: DisputeReason) -> None:
    """Leave a challenge to the court, which has `court_window` blocks to decide."""
    dispute_id = open_case(state, env, place, challenge, Dispute(*place, reason, env.height, env.height))
    dispute_challenge(state, *place[:2])
    env.emit(SegmentDisputed(*place, dispute_id, reason))


def open_case(state: State, env: Env, place: Place, challenge: Challenge, dispute: Dispute) -> int:
    """Write a dispute down, with the court's deadline; returns its id."""
    closes = Height(env.height + env.params.court_window)
    CHALLENGES.put(state, replace(challenge, status=ChallengeStatus.DISPUTED, deadline=env.height), *place)
    totals = TOTALS.read(state)
    dispute_id = totals.next_dispute_id
    bonds = Lpt(totals.challenge_bonds + dispute.bond)
    TOTALS.put(state, replace(totals, next_dispute_id=dispute_id + 1, challenge_bonds=bonds))
    DISPUTES.put(state, replace(dispute, closes_height=closes), dispute_id)
    OPEN_DISPUTES.put(state, Empty(), dispute_id)
    schedule(state, closes + 1, DueKind.CLOSE_COURT, dispute_id)
    return dispute_id


def _verify(state: State, env: Env, place: Place, challenge: Challenge) -> None:
    job_id, claim_id, segment = place
    CHALLENGES.put(state, replace(challenge, status=ChallengeStatus.VERIFIED, deadline=env.height), *place)
    env.emit(SegmentVerified(job_id, claim_id, segment))
    paid = _pay_committee(state, env, place, challenge, CLAIMS.read(state, job_id, claim_id).challenge_fee)
    close_challenge(state, env, job_id, claim_id, ChallengeStatus.VERIFIED, paid)


def _pay_committee(state: State, env: Env, place: Place, challenge: Challenge, fee: int) -> int:
    revealed = [seat.verifier for seat in challenge.committee if seat.result is not None]
    share = fee // len(revealed)
    for verifier in revealed:
        pay_verifier(state, env, verifier, share, *place[:2])
    return share * len(revealed)


# --- transactions


def process_reveal_verdict(state: State, env: TxEnv, message: RevealVerdict) -> None:
    """RevealVerdict: open the commitment to a verdict; the last one to do so brings the judgement.

    Raises:
        Rejection: NOT_CHALLENGED, NOT_DRAWN, TOO_EARLY, ALREADY_REVEALED, NOT_COMMITTED, DEADLINE_PASSED,
            INVALID_FIELD or COMMITMENT_MISMATCH.
    """
    place = (message.job_id, message.claim_id, message.segment)
    challenge = load_challenge(state, place)
    index = find_seat(challenge, env.sender)
    seat = challenge.committee[index]
    _check_time(challenge, seat)
    _check_finding(state, message)
    if _recompute(message, env.sender, place) != seat.commitment:
        raise Rejection(Reason.COMMITMENT_MISMATCH, f"these values do not hash to {(seat.commitment or b'').hex()}")
    revealed = with_seat(
        challenge,
        index,
        replace(
            seat,
            result=message.result,
            keyed_digest=message.keyed_digest,
            finding=message.finding,
            rendition=message.rendition,
        ),
    )
    CHALLENGES.put(state, revealed, *place)
    count_revealed(state, env.sender)
    agrees = message.result == challenge.transcoded_hash
    env.emit(VerdictRevealed(*place, env.sender, agrees, message.finding, message.rendition))
    if have_all_revealed(revealed):
        cancel(state, challenge.deadline + 1, DueKind.CLOSE_REVEALS, *place)
        judge(state, env, place, revealed)


def with_seat(challenge: Challenge, index: int, seat: Seat) -> Challenge:
    """The challenge with another seat in one place of its committee."""
    committee = challenge.committee
    return replace(challenge, committee=(*committee[:index], seat, *committee[index + 1 :]))


def _check_time(challenge: Challenge, seat: Seat) -> None:
    if challenge.status is ChallengeStatus.COMMITTING:
        raise Rejection(
            Reason.TOO_EARLY, f"others may commit until height {challenge.deadline}; reveal when all have, or after it"
        )
    if seat.result is not None:
        raise Rejection(Reason.ALREADY_REVEALED, "a verdict is revealed once")
    if challenge.status is not ChallengeStatus.REVEALING:
        raise Rejection(
            Reason.DEADLINE_PASSED, f"the segment is {challenge.status.name.lower()} since height {challenge.deadline}"
        )
    if seat.commitment is None:
        raise Rejection(Reason.NOT_COMMITTED, "there is no commitment to open")


def _check_finding(state: ReadState, message: RevealVerdict) -> None:
    renditions = len(JOBS.read(state, message.job_id).options.renditions)
    if message.finding > max(Finding) or message.rendition >= renditions:
        raise Rejection(
            Reason.INVALID_FIELD,
            f"finding {message.finding} about rendition {message.rendition}; findings are 0 to {max(Finding)}, "
            f"renditions 0 to {renditions - 1}",
        )


def _recompute(message: RevealVerdict, sender: Address, place: Place) -> Hash32:
    finding = (message.finding, message.rendition)
    return verdict_commitment(sender, place, message.result, message.keyed_digest, finding, message.salt)
