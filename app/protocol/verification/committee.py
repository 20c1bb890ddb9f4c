"""The committee: draw and commit (media.md, section 3, steps 1 and 3).

The randomness of the block after `Verify` draws `verifier_committee_size` verifiers by their bonds, without the
transcoder, the broadcaster and those bonded towards either. Where fewer than `verifier_quorum` can be drawn, no verdict
could count, and the segment is disputed at once.

Commitments come before any reveal, so that no verifier can copy another's work; one that is copied as it is opens to
nothing, because it names its verifier. Once all have committed, nobody waits for the deadline.
"""

from dataclasses import replace

from app.messages.bodies import CommitVerdict
from app.messages.events import CommitteeDrawn, VerdictCommitted
from app.messages.records import Challenge, ChallengeStatus, DisputeReason, Seat
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address
from app.primitives.amounts import Height
from app.protocol.clock import DueKind, cancel, schedule
from app.protocol.environment import BlockEnv, Env, TxEnv
from app.protocol.sortition import draw_in_order
from app.protocol.verification.registry import count_drawn, get_judges
from app.protocol.verification.verdicts import Place, find_seat, judge, load_challenge, open_dispute, with_seat
from app.state.tables import CHALLENGES, CLAIMS, JOBS, ReadState, State

# --- accessors


def draw_verifiers(state: ReadState, env: BlockEnv, place: Place) -> list[Address]:
    """The committee for a challenge, in the order of the draw; fewer where fewer can be drawn."""
    job_id, claim_id, _ = place
    parties = (CLAIMS.read(state, job_id, claim_id).transcoder, JOBS.read(state, job_id).broadcaster)
    judges = get_judges(state, parties, env.params.min_verifier_bond)
    bonds = [bond for _, bond in judges]
    drawn = draw_in_order(env.randomness, b"committee", place, bonds, env.params.verifier_committee_size)
    return [judges[index][0] for index in drawn]


# --- mutators


def draw_committee(state: State, env: BlockEnv, job_id: int, claim_id: int, segment: int) -> None:
    """Draw the committee of a challenge; due in the block after its receipt was shown."""
    place = (job_id, claim_id, segment)
    challenge = CHALLENGES.read(state, *place)
    assert challenge.status is ChallengeStatus.AWAITING_COMMITTEE, f"{place} is {challenge.status.name.lower()}"
    drawn = draw_verifiers(state, env, place)
    if len(drawn) < env.params.verifier_quorum:
        open_dispute(state, env, place, challenge, DisputeReason.NO_COMMITTEE)
        return
    deadline = Height(env.height + env.params.commit_period)
    committee = tuple([Seat(verifier) for verifier in drawn])
    committing = replace(challenge, status=ChallengeStatus.COMMITTING, deadline=deadline, committee=committee)
    CHALLENGES.put(state, committing, *place)
    schedule(state, deadline + 1, DueKind.CLOSE_COMMITS, *place)
    for verifier in drawn:
        count_drawn(state, verifier)
        env.emit(CommitteeDrawn(*place, verifier))


def close_commits(state: State, env: BlockEnv, job_id: int, claim_id: int, segment: int) -> None:
    """Go on without those who have not committed; due one block after the deadline."""
    place = (job_id, claim_id, segment)
    challenge = CHALLENGES.read(state, *place)
    assert challenge.status is ChallengeStatus.COMMITTING, f"{place} is {challenge.status.name.lower()}"
    if any(seat.commitment is not None for seat in challenge.committee):
        _begin_reveals(state, env, place, challenge, challenge.deadline)
    else:
        judge(state, env, place, challenge)


def _begin_reveals(state: State, env: Env, place: Place, challenge: Challenge, last_commit: int) -> None:
    deadline = Height(last_commit + env.params.reveal_period)
    CHALLENGES.put(state, replace(challenge, status=ChallengeStatus.REVEALING, deadline=deadline), *place)
    schedule(state, deadline + 1, DueKind.CLOSE_REVEALS, *place)


# --- transactions


def process_commit_verdict(state: State, env: TxEnv, message: CommitVerdict) -> None:
    """CommitVerdict: a drawn verifier commits to its verdict.

    Raises:
        Rejection: NOT_CHALLENGED, NOT_DRAWN, ALREADY_COMMITTED or DEADLINE_PASSED.
    """
    place = (message.job_id, message.claim_id, message.segment)
    challenge = load_challenge(state, place)
    index = find_seat(challenge, env.sender)
    seat = challenge.committee[index]
    if seat.commitment is not None:
        raise Rejection(Reason.ALREADY_COMMITTED, f"to {seat.commitment.hex()}")
    if challenge.status is not ChallengeStatus.COMMITTING:
        raise Rejection(Reason.DEADLINE_PASSED, f"the segment is {challenge.status.name.lower()} by now")
    committed = with_seat(challenge, index, replace(seat, commitment=message.commitment))
    CHALLENGES.put(state, committed, *place)
    env.emit(VerdictCommitted(*place, env.sender))
    if all(each.commitment is not None for each in committed.committee):
        cancel(state, challenge.deadline + 1, DueKind.CLOSE_COMMITS, *place)
        _begin_reveals(state, env, place, committed, env.height)
