"""Jobs: ordering work, and drawing who does it (whitepaper, *The Job*, steps 2 and 3; *End Job*).

`Job` escrows the fee of its first `escrow_segments` segments. The next block's randomness draws one transcoder among
the active ones that have a free slot and ask no more than the offer, weighted by the stake locked in for the round,
and `backup_transcoders` more behind it, in order.

Differences from the whitepaper:

- Its price is per segment; here it is per unit of work, and a segment's fee counts all renditions (its own note on
  price announces that).
- It draws once. Here a job without a candidate waits and is drawn again in each block, up to `job_assignment_timeout`.
  A block draws at most `MAX_DRAWS_PER_BLOCK` jobs; where more wait they take turns, so that offers which nobody takes
  cannot hold up the others.
- Broadcasters end a job by no longer sending; here either side also says so with `EndJob`. Segments signed before can
  be claimed for `claim_period` blocks more, then the rest of the escrow returns to the deposit.

An assigned job holds one of its transcoder's slots and gives it back at its end, unless the transcoder has withdrawn
its offer in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from app.messages.bodies import EndJob
from app.messages.bodies import Job as JobMessage
from app.messages.events import JobAssigned, JobClosed, JobCreated, JobEnded
from app.messages.options import TranscodingOptions, check_options, compute_fee_per_segment
from app.messages.records import Empty, Job, JobStatus, Profile
from app.messages.rejections import Reason, Rejection, require
from app.messages.segment import check_stream_id
from app.primitives.address import Address
from app.primitives.amounts import Height, Lpt, Wei
from app.protocol.clock import DueKind, require_initialized, schedule
from app.protocol.deposits import credit_deposit, debit_deposit, require_deposit
from app.protocol.environment import NOBODY, BlockEnv, Env, TxEnv
from app.protocol.sortition import draw_in_order
from app.state.tables import (
    ACTIVE,
    FORMER_TRANSCODERS,
    JOBS,
    OPEN_JOBS,
    PROFILES,
    ROUND,
    TOTALS,
    TRANSCODERS,
    WAITING_JOBS,
    ReadState,
    State,
    end_of_prefix,
)

MAX_DRAWS_PER_BLOCK = 256
"""How many waiting jobs one block looks at; with 145 candidates each draw costs some tens of microseconds."""

FIRST_CLAIM_ID = 1


@dataclass(slots=True)
class Candidate:
    """A transcoder that can take jobs in this block, and how many more."""

    address: Address
    price: Wei
    stake: Lpt
    slots: int


# --- predicates


def is_claimable(job: Job, height: Height, claim_period: int) -> bool:
    """Whether work of a job that has a transcoder can be claimed at a height."""
    if job.status is JobStatus.ENDED:
        return height <= job.ended_height + claim_period
    return job.status is JobStatus.ASSIGNED


def is_suited(candidate: Candidate, job: Job) -> bool:
    """Whether a transcoder has a slot free and asks no more than a job offers."""
    return candidate.slots > 0 and candidate.price <= job.price_per_segment


# --- accessors


def get_waiting_since(job: Job) -> int:
    """Since when a job that waits has no transcoder."""
    return max(job.created_height, job.assigned_height)


def load_job(state: ReadState, job_id: int) -> Job:
    """The job.

    Raises:
        Rejection: UNKNOWN_JOB.
    """
    job = JOBS.get(state, job_id)
    if job is None:
        raise Rejection(Reason.UNKNOWN_JOB, f"there is no job {job_id}")
    return job


def get_candidates(state: ReadState) -> list[Candidate]:
    """All who can take a job now, in the order of their addresses; nobody while the round waits to be initialised."""
    if not ROUND.read(state).initialized:
        return []
    found = []
    for (address,), active in ACTIVE.items(state):
        transcoder = TRANSCODERS.read(state, address)
        if transcoder.slots and not active.left:
            found.append(Candidate(address, active.rates.price_per_segment, active.stake, transcoder.slots))
    return found


# --- mutators: the draw


def draw_waiting_jobs(state: State, env: BlockEnv) -> None:
    """Draw transcoders for the jobs of earlier blocks; called once, before the block's transactions."""
    waiting = _take_turn(state)
    if not waiting:
        return
    candidates = get_candidates(state)
    for job_id in waiting:
        job = JOBS.read(state, job_id)
        drawn = _draw(state, env, job_id, job, candidates)
        if drawn:
            WAITING_JOBS.drop(state, job_id)
            assign(state, env, job_id, job, drawn[0], [each.address for each in drawn[1:]])
        elif env.height >= get_waiting_since(job) + env.params.job_assignment_timeout:
            _end_waiting(state, env, job_id, job, NOBODY)


def _take_turn(state: State) -> list[int]:
    """The waiting jobs that this block looks at, in the order of their ids."""
    totals, layout = TOTALS.read(state), WAITING_JOBS.layout
    split = layout.key(totals.draw_cursor)
    from_cursor = state.iterate(split, end_of_prefix(layout.prefix))
    before_it = state.iterate(layout.prefix, split)
    turn = [layout.split(key)[0] for key, _ in islice(chain(from_cursor, before_it), MAX_DRAWS_PER_BLOCK + 1)]
    if len(turn) > MAX_DRAWS_PER_BLOCK:
        TOTALS.put(state, replace(totals, draw_cursor=turn.pop()))
    return sorted(turn)


def _draw(state: ReadState, env: BlockEnv, job_id: int, job: Job, candidates: list[Candidate]) -> list[Candidate]:
    assert get_waiting_since(job) < env.height, "the randomness of its own block must not decide a job"
    former = [address for _, address in FORMER_TRANSCODERS.keys(state, job_id)]
    suited = [each for each in candidates if is_suited(each, job) and each.address not in former]
    stakes = [each.stake for each in suited]
    drawn = draw_in_order(env.randomness, b"job", (job_id,), stakes, 1 + env.params.backup_transcoders)
    return [suited[index] for index in drawn]


def assign(state: State, env: Env, job_id: int, job: Job, candidate: Candidate, backups: Sequence[Address]) -> None:
    """Give a job to a transcoder, which holds one of its slots from now on."""
    candidate.slots -= 1
    transcoder = TRANSCODERS.read(state, candidate.address)
    accepted = replace(transcoder, slots=candidate.slots, jobs_accepted=transcoder.jobs_accepted + 1)
    TRANSCODERS.put(state, accepted, candidate.address)
    assigned = replace(
        job,
        status=JobStatus.ASSIGNED,
        transcoder=candidate.address,
        backups=tuple(backups),
        assigned_height=env.height,
    )
    JOBS.put(state, assigned, job_id)
    env.emit(JobAssigned(job_id, candidate.address))


# --- mutators: the end


def close_job(state: State, env: BlockEnv, job_id: int, claim_id: int = 0, segment: int = 0) -> None:
    """Return what is left of a job's escrow; due one block after its last claim could be made."""
    job = JOBS.read(state, job_id)
    assert job.status is JobStatus.ENDED, f"job {job_id} is {job.status.name.lower()}"
    _close(state, env, job_id, job)


def _end_waiting(state: State, env: Env, job_id: int, job: Job, by: Address) -> None:
    """End a job that nobody works on; where nobody ever did there is nothing to claim, and it closes as well."""
    WAITING_JOBS.drop(state, job_id)
    ended = _end(state, env, job_id, job, by)
    if job.assigned_height:
        schedule(state, env.height + env.params.claim_period + 1, DueKind.CLOSE_JOB, job_id)
    else:
        _close(state, env, job_id, ended)


def _end_assigned(state: State, env: Env, job_id: int, job: Job, by: Address) -> None:
    release_slot(state, job)
    _end(state, env, job_id, job, by)
    schedule(state, env.height + env.params.claim_period + 1, DueKind.CLOSE_JOB, job_id)


def _end(state: State, env: Env, job_id: int, job: Job, by: Address) -> Job:
    ended = replace(job, status=JobStatus.ENDED, ended_height=env.height)
    JOBS.put(state, ended, job_id)
    OPEN_JOBS.drop(state, job.broadcaster, job_id)
    env.emit(JobEnded(job_id, by))
    return ended


def _close(state: State, env: Env, job_id: int, job: Job) -> None:
    JOBS.put(state, replace(job, status=JobStatus.CLOSED, escrow=Wei(0)), job_id)
    credit_deposit(state, job.broadcaster, job.escrow)
    env.emit(JobClosed(job_id, job.escrow))


def release_slot(state: State, job: Job) -> None:
    """Give a transcoder the slot of its job back, unless it has withdrawn its offer since."""
    transcoder = TRANSCODERS.get(state, job.transcoder)
    if transcoder is not None and job.assigned_height > transcoder.withdrawn_height:
        TRANSCODERS.put(state, replace(transcoder, slots=transcoder.slots + 1), job.transcoder)


# --- transactions


def process_job(state: State, env: TxEnv, message: JobMessage) -> None:
    """Job: order the transcoding of a stream; the escrow moves from the deposit to the job.

    Raises:
        Rejection: ROUND_NOT_INITIALIZED, STREAM_ID_INVALID, INVALID_FIELD, UNKNOWN_PROFILE, PROFILE_FROZEN,
            TOO_MANY_JOBS or INSUFFICIENT_DEPOSIT.
    """
    _check_order(message, env.sender)
    require_initialized(state)
    profile = _load_profile(state, message.options)
    _check_open_jobs(state, env)
    fee = compute_fee_per_segment(message.price_per_segment, message.options, profile.codec_weight)
    escrow = Wei(message.escrow_segments * fee)
    require_deposit(state, env.sender, escrow, f"the escrow for {message.escrow_segments} segments is")
    debit_deposit(state, env.sender, escrow)
    job_id = _next_job_id(state)
    job = Job(
        broadcaster=env.sender,
        stream_id=message.stream_id,
        options=message.options,
        price_per_segment=message.price_per_segment,
        fee_per_segment=Wei(fee),
        escrow=escrow,
        status=JobStatus.WAITING,
        transcoder=NOBODY,
        backups=(),
        created_height=env.height,
        assigned_height=Height(0),
        ended_height=Height(0),
        next_claim_id=FIRST_CLAIM_ID,
        segments_claimed=0,
        segments_paid=0,
    )
    JOBS.put(state, job, job_id)
    WAITING_JOBS.put(state, Empty(), job_id)
    OPEN_JOBS.put(state, Empty(), env.sender, job_id)
    env.emit(JobCreated(job_id, env.sender, job.stream_id, job.fee_per_segment, escrow))


def process_end_job(state: State, env: TxEnv, message: EndJob) -> None:
    """EndJob: from the broadcaster at any time, from the transcoder once it is drawn.

    Raises:
        Rejection: UNKNOWN_JOB, NOT_A_PARTY or JOB_ENDED.
    """
    job = load_job(state, message.job_id)
    if env.sender not in (job.broadcaster, job.transcoder):
        raise Rejection(
            Reason.NOT_A_PARTY, f"job {message.job_id} can be ended by its broadcaster and by its transcoder"
        )
    if job.status in (JobStatus.ENDED, JobStatus.CLOSED):
        raise Rejection(Reason.JOB_ENDED, f"job {message.job_id} ended at height {job.ended_height}")
    end = _end_waiting if job.status is JobStatus.WAITING else _end_assigned
    end(state, env, message.job_id, job, env.sender)


# --- checks


def _check_order(message: JobMessage, sender: Address) -> None:
    check_stream_id(message.stream_id, sender)
    check_options(message.options)
    require(message.price_per_segment > 0, Reason.INVALID_FIELD, "price_per_segment is 0; at least 1 wei")
    require(message.escrow_segments > 0, Reason.INVALID_FIELD, "escrow_segments is 0; at least 1")


def _load_profile(state: ReadState, options: TranscodingOptions) -> Profile:
    profile = PROFILES.get(state, options.profile_id)
    if profile is None:
        known = ", ".join(name for (name,) in PROFILES.keys(state))
        raise Rejection(Reason.UNKNOWN_PROFILE, f"{options.profile_id!r} is no profile; there are: {known}")
    if profile.frozen:
        raise Rejection(Reason.PROFILE_FROZEN, f"{options.profile_id} takes no new jobs until governance looks at it")
    return profile


def _check_open_jobs(state: ReadState, env: TxEnv) -> None:
    limit = env.params.max_open_jobs
    if len(list(islice(OPEN_JOBS.keys(state, env.sender), limit))) >= limit:
        raise Rejection(Reason.TOO_MANY_JOBS, f"{limit} jobs are open; end one first (max_open_jobs)")


def _next_job_id(state: State) -> int:
    totals = TOTALS.read(state)
    TOTALS.put(state, replace(totals, next_job_id=totals.next_job_id + 1))
    return totals.next_job_id
