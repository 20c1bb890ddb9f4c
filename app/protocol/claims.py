"""Claims: work that is said to be done, and which of it must be shown (whitepaper, *End Job*, steps 10 and 11).

`ClaimWork` commits to the receipts of its segments by their Merkle root and puts their fee in escrow. The next block's
randomness chooses the segments that must be verified; the chosen set is stored, because it must not depend on a hash
that is later pruned. A claim is paid when each of them is verified.

Differences from the whitepaper:

- A claim names several ranges instead of one, which is its own second defence against griefing: gaps in a stream cost
  bytes and not transactions.
- The hash of the block *after* the claim chooses; its formula has the claim's own block, whose proposer could try
  claims until none of their segments is chosen (`sortition.is_challenged`).
- The fee comes from the job's escrow first and then from the broadcaster's deposit.
- A claim that misses or fails a verification is lost as a whole, and its fee returns to the broadcaster once nothing
  of the claim is being judged any more. A disputed claim keeps its fee in escrow until the court has decided.

A claim of n segments costs the next block n hashes, 0.6 µs each; `max_segments_per_claim` bounds it.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.messages.bodies import ClaimWork, SegmentRange
from app.messages.events import ChallengesChosen, ClaimRefunded, ClaimVerified, WorkClaimed
from app.messages.options import compute_pixel_rate
from app.messages.records import Challenge, ChallengeStatus, Claim, ClaimStatus, Job, JobStatus, RangeEnd
from app.messages.rejections import Reason, Rejection, require
from app.params import Params
from app.primitives.address import Address, to_checksum
from app.primitives.amounts import Height, Wei
from app.primitives.fractions import fraction_of
from app.protocol.clock import DueKind, require_initialized, schedule
from app.protocol.deposits import credit_deposit, debit_deposit, require_deposit
from app.protocol.environment import BlockEnv, Env, TxEnv
from app.protocol.jobs import is_claimable, load_job
from app.protocol.rounds import add_work
from app.protocol.sortition import is_challenged
from app.state.tables import CHALLENGES, CLAIMED_RANGES, CLAIMS, FORMER_TRANSCODERS, JOBS, TRANSCODERS, ReadState, State

MAX_SEQUENCE_NUMBER = 2**63 - 1
"""Of a segment that can be claimed: keys hold 64 bits, and what lies behind a range needs one as well."""

# --- predicates and accessors


def count_segments(ranges: Sequence[SegmentRange]) -> int:
    """How many segments the ranges hold."""
    return sum(each.last - each.first + 1 for each in ranges)


def get_leaf_index(ranges: Sequence[SegmentRange], segment: int) -> int | None:
    """The place of a segment's receipt among the leaves of its claim, or none where the ranges do not hold it."""
    before = 0
    for each in ranges:
        if each.first <= segment <= each.last:
            return before + segment - each.first
        before += each.last - each.first + 1
    return None


def is_lost(claim: Claim) -> bool:
    """Whether a claim's fee returns, or has returned, to the broadcaster."""
    return claim.status in (ClaimStatus.MISSED, ClaimStatus.FAILED)


def load_claim(state: ReadState, job_id: int, claim_id: int) -> Claim:
    """The claim.

    Raises:
        Rejection: UNKNOWN_CLAIM.
    """
    claim = CLAIMS.get(state, job_id, claim_id)
    if claim is None:
        raise Rejection(Reason.UNKNOWN_CLAIM, f"there is no claim {claim_id} of job {job_id}")
    return claim


def get_overlap(state: ReadState, job_id: int, wanted: SegmentRange) -> tuple[int, RangeEnd] | None:
    """The last range of the job claimed before that shares a segment with this one: its first segment, and the rest."""
    found = CLAIMED_RANGES.last_before(state, job_id, wanted.last + 1)
    if found is None or found[1].last < wanted.first:
        return None
    return found[0][1], found[1]


def get_claim_of(state: ReadState, job_id: int, segment: int) -> Claim | None:
    """The claim that holds a segment of a job, or none."""
    if segment > MAX_SEQUENCE_NUMBER:
        return None
    found = get_overlap(state, job_id, SegmentRange(segment, segment))
    return None if found is None else CLAIMS.read(state, job_id, found[1].claim_id)


# --- mutators


def count_segments_of(
    state: State,
    transcoder: Address,
    claimed: int = 0,
    verified: int = 0,
    disputed: int = 0,
    missed: int = 0,
    failed: int = 0,
    paid: int = 0,
) -> None:
    """Keep a transcoder's public record; one that is not registered any more has none."""
    before = TRANSCODERS.get(state, transcoder)
    if before is None:
        return
    after = replace(
        before,
        segments_claimed=before.segments_claimed + claimed,
        segments_verified=before.segments_verified + verified,
        segments_disputed=before.segments_disputed + disputed,
        segments_missed=before.segments_missed + missed,
        segments_failed=before.segments_failed + failed,
        segments_paid=before.segments_paid + paid,
    )
    TRANSCODERS.put(state, after, transcoder)


def choose_challenges(state: State, env: BlockEnv, job_id: int, claim_id: int, segment: int = 0) -> None:
    """Choose the segments of a claim that must be verified; due in the block after it."""
    claim = CLAIMS.read(state, job_id, claim_id)
    assert claim.status is ClaimStatus.PENDING and claim.height < env.height, "chosen once, in a later block"
    chosen = _choose(env, claim)
    for each in chosen:
        CHALLENGES.put(
            state, Challenge(ChallengeStatus.AWAITING_RECEIPT, claim.verify_deadline), job_id, claim_id, each
        )
        schedule(state, claim.verify_deadline + 1, DueKind.MISS_RECEIPT, job_id, claim_id, each)
    challenged = replace(
        claim,
        status=ClaimStatus.CHALLENGED if chosen else ClaimStatus.VERIFIED,
        challenged=chosen,
        open_challenges=len(chosen),
        challenge_fee=Wei(claim.verification_fee // len(chosen) if chosen else 0),
    )
    CLAIMS.put(state, challenged, job_id, claim_id)
    env.emit(ChallengesChosen(job_id, claim_id, len(chosen)))
    if not chosen:
        env.emit(ClaimVerified(job_id, claim_id, env.height))


def dispute_challenge(state: State, job_id: int, claim_id: int, anew: bool = False) -> None:
    """Count that a challenge of a claim goes to the court, where it stays open; `anew` one that was not open before."""
    before = CLAIMS.read(state, job_id, claim_id)
    challenges, disputes = before.open_challenges + anew, before.open_disputes + 1
    status = _status_of(before.status, challenges, disputes)
    disputed = replace(before, status=status, open_challenges=challenges, open_disputes=disputes)
    CLAIMS.put(state, disputed, job_id, claim_id)
    count_segments_of(state, before.transcoder, disputed=1)


def close_challenge(
    state: State,
    env: Env,
    job_id: int,
    claim_id: int,
    outcome: ChallengeStatus,
    paid: int = 0,
    by_court: bool = False,
) -> None:
    """Count the outcome of a claim's challenge, of which `paid` wei have gone to verifiers.

    A failure or a miss decides the claim whatever else comes, and verified it is when the last challenge is. Where the
    claim is lost, the fee returns to the broadcaster with the last challenge.
    """
    before = CLAIMS.read(state, job_id, claim_id)
    still_open, disputes = before.open_challenges - 1, before.open_disputes - by_court
    claim = replace(
        before,
        status=_status_of(_LOST_BY.get(outcome, before.status), still_open, disputes),
        open_challenges=still_open,
        open_disputes=disputes,
        verification_fee=Wei(before.verification_fee - paid),
    )
    CLAIMS.put(state, claim, job_id, claim_id)
    _count_outcome(state, claim.transcoder, outcome)
    if claim.status is ClaimStatus.VERIFIED:
        env.emit(ClaimVerified(job_id, claim_id, Height(max(env.height, claim.slashing_end + 1))))
    elif is_lost(claim) and still_open == 0:
        _refund(state, env, job_id, claim_id, claim)


def _choose(env: BlockEnv, claim: Claim) -> tuple[int, ...]:
    height, randomness, rate = claim.height, env.randomness, env.params.verification_rate
    return tuple(
        [
            segment
            for each in claim.ranges
            for segment in range(each.first, each.last + 1)
            if is_challenged(height, randomness, segment, rate)
        ]
    )


_LOST_BY = {
    ChallengeStatus.MISSED: ClaimStatus.MISSED,
    ChallengeStatus.FAILED: ClaimStatus.FAILED,
    ChallengeStatus.UNPROVEN: ClaimStatus.FAILED,
}


def _status_of(status: ClaimStatus, open_challenges: int, open_disputes: int) -> ClaimStatus:
    if status in (ClaimStatus.MISSED, ClaimStatus.FAILED, ClaimStatus.PAID):
        return status
    if not open_challenges:
        return ClaimStatus.VERIFIED
    return ClaimStatus.DISPUTED if open_disputes else ClaimStatus.CHALLENGED


def _count_outcome(state: State, transcoder: Address, outcome: ChallengeStatus) -> None:
    count_segments_of(
        state,
        transcoder,
        verified=outcome is ChallengeStatus.VERIFIED,
        missed=outcome is ChallengeStatus.MISSED,
        failed=outcome is ChallengeStatus.FAILED,
    )


def _refund(state: State, env: Env, job_id: int, claim_id: int, claim: Claim) -> None:
    broadcaster, amount = JOBS.read(state, job_id).broadcaster, Wei(claim.fee + claim.verification_fee)
    if not amount:
        return  # it was paid before, and what was paid stays so
    CLAIMS.put(state, replace(claim, fee=Wei(0), verification_fee=Wei(0)), job_id, claim_id)
    credit_deposit(state, broadcaster, amount)
    env.emit(ClaimRefunded(job_id, claim_id, broadcaster, amount))


# --- transactions


def process_claim_work(state: State, env: TxEnv, message: ClaimWork) -> None:
    """ClaimWork: claim the work on ranges of segments; their fee goes into the claim's escrow.

    Raises:
        Rejection: UNKNOWN_JOB, JOB_NOT_ASSIGNED, NOT_A_PARTY, CLAIM_PERIOD_OVER, LIMIT_EXCEEDED, RANGES_INVALID,
            ROUND_NOT_INITIALIZED, SEGMENTS_ALREADY_CLAIMED or INSUFFICIENT_DEPOSIT.
    """
    job = load_job(state, message.job_id)
    _check_claimant(state, job, env, message.job_id)
    segments = check_ranges(message.ranges, env.params)
    require_initialized(state)
    _check_unclaimed(state, message)
    fee = segments * job.fee_per_segment
    from_escrow = min(job.escrow, fee)
    require_deposit(state, job.broadcaster, fee - from_escrow, f"{segments} segments cost beyond the job's escrow")
    debit_deposit(state, job.broadcaster, fee - from_escrow)
    claim_id = _write_claim(state, env, message, job, segments, from_escrow)
    count_segments_of(state, env.sender, claimed=segments)
    add_work(state, env.sender, segments * compute_pixel_rate(job.options))
    env.emit(
        WorkClaimed(message.job_id, claim_id, env.sender, segments, Wei(fee), Wei(from_escrow), Wei(fee - from_escrow))
    )


def check_ranges(ranges: Sequence[SegmentRange], params: Params) -> int:
    """Refuse ranges that are not sorted and disjoint or hold too much; returns how many segments they hold.

    Raises:
        Rejection: RANGES_INVALID or LIMIT_EXCEEDED.
    """
    require(bool(ranges), Reason.RANGES_INVALID, "a claim names at least one range")
    if len(ranges) > params.max_ranges_per_claim:
        raise Rejection(
            Reason.LIMIT_EXCEEDED, f"{len(ranges)} ranges; at most {params.max_ranges_per_claim} in one claim"
        )
    end = -1
    for each in ranges:
        if not end < each.first <= each.last <= MAX_SEQUENCE_NUMBER:
            raise Rejection(
                Reason.RANGES_INVALID,
                f"{each.first} to {each.last} after {end}: ranges go up, do not overlap and end by 2^63 - 1",
            )
        end = each.last
    segments = count_segments(ranges)
    if segments > params.max_segments_per_claim:
        raise Rejection(
            Reason.LIMIT_EXCEEDED, f"{segments} segments; at most {params.max_segments_per_claim} in one claim"
        )
    return segments


def _check_claimant(state: ReadState, job: Job, env: TxEnv, job_id: int) -> None:
    former = FORMER_TRANSCODERS.get(state, job_id, env.sender)
    if env.sender != job.transcoder and former is not None:
        if env.height > former.until_height + env.params.claim_period:
            raise Rejection(
                Reason.CLAIM_PERIOD_OVER,
                f"job {job_id} was passed on from you at height {former.until_height} and could be claimed for "
                f"{env.params.claim_period} blocks; this is height {env.height}",
            )
        require(job.status is not JobStatus.CLOSED, Reason.CLAIM_PERIOD_OVER, f"job {job_id} is closed")
        return
    if job.status is JobStatus.WAITING:
        raise Rejection(Reason.JOB_NOT_ASSIGNED, f"job {job_id} waits for a transcoder since {job.created_height}")
    if env.sender != job.transcoder:
        raise Rejection(Reason.NOT_A_PARTY, f"the transcoder of job {job_id} is {to_checksum(job.transcoder)}")
    if not is_claimable(job, env.height, env.params.claim_period):
        raise Rejection(
            Reason.CLAIM_PERIOD_OVER,
            f"job {job_id} ended at height {job.ended_height} and could be claimed for {env.params.claim_period} "
            f"blocks; this is height {env.height}",
        )


def _check_unclaimed(state: ReadState, message: ClaimWork) -> None:
    for each in message.ranges:
        found = get_overlap(state, message.job_id, each)
        if found is not None:
            first, end = found
            raise Rejection(
                Reason.SEGMENTS_ALREADY_CLAIMED,
                f"{each.first} to {each.last}: claim {end.claim_id} has {first} to {end.last}",
            )


def _write_claim(state: State, env: TxEnv, message: ClaimWork, job: Job, segments: int, from_escrow: int) -> int:
    job_id, claim_id, fee = message.job_id, job.next_claim_id, segments * job.fee_per_segment
    verification_fee = fraction_of(fee, env.params.verification_fee)
    deadline = env.height + env.params.verification_period
    claim = Claim(
        transcoder=env.sender,
        height=env.height,
        ranges=message.ranges,
        merkle_root=message.merkle_root,
        segments=segments,
        fee=Wei(fee - verification_fee),
        verification_fee=Wei(verification_fee),
        status=ClaimStatus.PENDING,
        challenged=(),
        open_challenges=0,
        challenge_fee=Wei(0),
        verify_deadline=Height(deadline),
        slashing_end=Height(deadline + env.params.slashing_period),
    )
    CLAIMS.put(state, claim, job_id, claim_id)
    for each in message.ranges:
        CLAIMED_RANGES.put(state, RangeEnd(each.last, claim_id), job_id, each.first)
    claimed = replace(
        job,
        escrow=Wei(job.escrow - from_escrow),
        next_claim_id=claim_id + 1,
        segments_claimed=job.segments_claimed + segments,
    )
    JOBS.put(state, claimed, job_id)
    schedule(state, env.height + 1, DueKind.CHOOSE_CHALLENGES, job_id, claim_id)
    return claim_id
