"""ReassignJob: passing a job on (whitepaper, *Unavailable Transcoder*; protocol.md, section 7).

A broadcaster whose transcoder is silent, slow, refuses or returns rubbish passes the job to its next backup that has a
slot and asks no more than the offer. Where none has, the job waits and is drawn afresh in the next block, without those
who had it. The first one gets its slot back, and a drop in its public record; what it did before it can still claim for
`claim_period`, segment by segment: whoever claims a segment first has it.

A drop costs no stake: nobody but the broadcaster knows why it happened, and a broadcaster that only wants to harm pays
a transaction for each.
"""

from dataclasses import replace

from app.messages.bodies import ReassignJob
from app.messages.events import JobReassigned
from app.messages.records import Empty, FormerTranscoder, Job, JobStatus
from app.messages.rejections import Reason, Rejection
from app.primitives.address import Address, to_checksum
from app.protocol.environment import NOBODY, TxEnv
from app.protocol.jobs import Candidate, assign, get_candidates, is_suited, load_job, release_slot
from app.state.tables import FORMER_TRANSCODERS, JOBS, TRANSCODERS, WAITING_JOBS, ReadState, State

# --- accessors


def get_next_backup(state: ReadState, job: Job) -> tuple[Candidate | None, tuple[Address, ...]]:
    """The first of a job's backups that can take it now, and those behind it; none and nobody where none can."""
    candidates = {each.address: each for each in get_candidates(state)}
    for place, address in enumerate(job.backups):
        candidate = candidates.get(address)
        if candidate is not None and is_suited(candidate, job):
            return candidate, job.backups[place + 1 :]
    return None, ()


# --- mutators


def _drop(state: State, env: TxEnv, job_id: int, job: Job) -> None:
    release_slot(state, job)
    FORMER_TRANSCODERS.put(state, FormerTranscoder(env.height), job_id, job.transcoder)
    record = TRANSCODERS.read(state, job.transcoder)
    TRANSCODERS.put(state, replace(record, jobs_dropped=record.jobs_dropped + 1), job.transcoder)


def _wait(state: State, env: TxEnv, job_id: int, job: Job) -> None:
    waiting = replace(job, status=JobStatus.WAITING, transcoder=NOBODY, backups=(), assigned_height=env.height)
    JOBS.put(state, waiting, job_id)
    WAITING_JOBS.put(state, Empty(), job_id)


# --- transactions


def process_reassign_job(state: State, env: TxEnv, message: ReassignJob) -> None:
    """ReassignJob: pass a job on to its next backup, or let it be drawn afresh.

    Raises:
        Rejection: UNKNOWN_JOB, NOT_A_PARTY, JOB_ENDED or JOB_NOT_ASSIGNED.
    """
    job = load_job(state, message.job_id)
    _check_owner(job, env, message.job_id)
    _drop(state, env, message.job_id, job)
    candidate, behind = get_next_backup(state, job)
    to = NOBODY if candidate is None else candidate.address
    env.emit(JobReassigned(message.job_id, job.transcoder, to, message.reason))
    if candidate is None:
        _wait(state, env, message.job_id, job)
    else:
        assign(state, env, message.job_id, job, candidate, behind)


def _check_owner(job: Job, env: TxEnv, job_id: int) -> None:
    if env.sender != job.broadcaster:
        raise Rejection(Reason.NOT_A_PARTY, f"only {to_checksum(job.broadcaster)} can pass job {job_id} on")
    if job.status in (JobStatus.ENDED, JobStatus.CLOSED):
        raise Rejection(Reason.JOB_ENDED, f"job {job_id} ended at height {job.ended_height}")
    if job.status is JobStatus.WAITING:
        raise Rejection(Reason.JOB_NOT_ASSIGNED, f"job {job_id} waits for a transcoder already")
