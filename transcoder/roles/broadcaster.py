"""What a broadcaster does about its job (whitepaper, *Broadcast + Transcoding Job*, steps 1, 2 and *End Job*).

`decide_job` compares what the chain says with what the journal's outbox holds: deposit, order, who transcodes, end.
Every transaction has a name, so that doing it twice is doing it once. What becomes of the segments is `send_queue`'s.
"""

from dataclasses import dataclass

from app.messages import bodies
from app.messages.options import TranscodingOptions
from app.messages.records import JobStatus
from app.primitives.address import Address
from app.primitives.amounts import Wei, format_wei
from transcoder.journal.records import OutboxEntry, OutboxState
from transcoder.roles.views import JobView

_PASSING_PROBLEMS = ("ROUND_NOT_INITIALIZED",)
"""Refusals that time cures."""
_ON_ITS_WAY = (OutboxState.PENDING, OutboxState.SENT)


@dataclass(frozen=True, slots=True)
class Order:
    """What a broadcaster wants: the message `Job`, and a deposit of at least `deposit_wei` before it is sent."""

    message: bodies.Job
    deposit_wei: int

    @property
    def options(self) -> TranscodingOptions:
        """Profile and renditions."""
        return self.message.options


@dataclass(frozen=True, slots=True)
class Papers:
    """The outbox entries of one broadcast, where they have been written."""

    deposit: OutboxEntry | None = None
    order: OutboxEntry | None = None
    end: OutboxEntry | None = None


@dataclass(frozen=True, slots=True)
class JobSituation:
    """Everything that a decision about the job depends on.

    Attributes:
        key: the name of this broadcast, which makes the names of its transactions.
        order: what to order; None where the job was ordered elsewhere.
        job: as the chain has it, once its id is known.
        deposit_wei: what the broadcaster has deposited.
        is_over: nothing will be sent any more, and everything that was has its receipt or was dropped.
    """

    key: str
    order: Order | None
    job: JobView | None
    deposit_wei: int
    papers: Papers
    is_over: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Have the chain do something, once under this name."""

    key: str
    message: bodies.Body


@dataclass(frozen=True, slots=True)
class SendAgain:
    """Have the chain try again what it refused for a reason that passes."""

    key: str


@dataclass(frozen=True, slots=True)
class FindJob:
    """The order is in the block of this height: find the id that the chain gave it."""

    height: int


@dataclass(frozen=True, slots=True)
class UseTranscoder:
    """This transcoder was drawn; send to where its registration says."""

    address: Address


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to do."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The broadcast cannot go on; the text says why and what to do."""

    text: str


JobAction = Send | SendAgain | FindJob | UseTranscoder | Finished | GiveUp


def decide_job(now: JobSituation) -> list[JobAction]:
    """What the situation asks for."""
    if now.job is None:
        return [Finished()] if now.is_over and now.papers.order is None else _order(now)
    status = now.job.job.status
    if status in (JobStatus.ENDED, JobStatus.CLOSED):
        return [Finished() if now.is_over else GiveUp(_why_ended(now.job))]
    if now.is_over:
        return _end(now, now.job.job_id)
    return [UseTranscoder(now.job.job.transcoder)] if status is JobStatus.ASSIGNED else []


def _order(now: JobSituation) -> list[JobAction]:
    deposit, order = now.papers.deposit, now.papers.order
    assert now.order is not None, "a job that was ordered elsewhere is known"
    if order is not None:
        return _follow(order, "the job was refused")
    if deposit is not None and deposit.state is not OutboxState.INCLUDED:
        return _follow(deposit, "the deposit was refused")
    missing = now.order.deposit_wei - now.deposit_wei
    if missing > 0 and deposit is None:
        return [Send(f"deposit/{now.key}", bodies.Deposit(Wei(missing)))]
    return [Send(f"job/{now.key}", now.order.message)]


def _follow(entry: OutboxEntry, what: str) -> list[JobAction]:
    if entry.state in _ON_ITS_WAY:
        return []
    if entry.state is OutboxState.INCLUDED:
        assert entry.height is not None, "what is included has a height"
        return [FindJob(entry.height)]
    problem = entry.problem or "no reason given"
    if problem.startswith(_PASSING_PROBLEMS):
        return [SendAgain(entry.key)]
    return [GiveUp(f"{what} by the chain: {problem}")]


def _end(now: JobSituation, job_id: int) -> list[JobAction]:
    entry = now.papers.end
    if entry is None:
        return [Send(f"end/{job_id}", bodies.EndJob(job_id))]
    if entry.state is OutboxState.FAILED:
        return _follow(entry, f"the end of job {job_id} was refused")
    return []  # once it is included, the job's status says so


def _why_ended(view: JobView) -> str:
    job = view.job
    if any(job.transcoder):
        return (
            f"job {view.job_id} was ended at height {job.ended_height}, before the broadcast was over; "
            "start again to order a new one"
        )
    return (
        f"job {view.job_id} ended at height {job.ended_height} without a transcoder: no active one with a free slot "
        f"asks {format_wei(job.price_per_segment)} per unit of work or less. See who asks what with `headwater query "
        "transcoders`, raise --price, or try again when transcoders are there"
    )
