"""The broadcaster's papers on the chain: its deposit, its job, who was drawn for it, and its end.

`beat` is called once per block; it asks the role what the situation needs and does that. What the rest of the
broadcaster wants to know is told through `tell`: who gets the segments, that all is done, or that it cannot go on.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.messages import records
from app.messages.options import compute_fee_per_segment
from app.messages.transaction import encode_message
from app.primitives.address import Address, to_checksum
from chain.failures import Failure, UsageFailure
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.records import Intent, OutboxEntry
from transcoder.roles import broadcaster as role
from transcoder.roles.send_queue import Destination
from transcoder.roles.views import JobView
from transcoder.services.broadcast.session import Session, save_session
from transcoder.services.chain_reader import ChainReader, pick
from transcoder.services.outbox import OutboxSender

log = logging.getLogger(__name__)


class BroadcastEnded(Failure):
    """The chain will not have this broadcast, or not any more; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class JobNews:
    """The job as a block shows it, and where its segments go; nobody while it waits to be drawn."""

    job: JobView
    destination: Destination | None


@dataclass
class Office:
    """Follows one broadcast on the chain.

    Attributes:
        order: what to order where the session has no job yet.
        tell: called with what has changed: `JobNews`, `role.Finished` or `role.GiveUp`.
        is_over: set by the broadcaster when nothing will be sent any more; then the job is ended.
    """

    address: Address
    journal: BroadcasterJournal
    reader: ChainReader
    sender: OutboxSender
    session: Session
    order: role.Order | None
    tell: Callable[[JobNews | role.Finished | role.GiveUp], None]
    is_over: bool = False

    async def beat(self, height: int) -> None:
        """Do what this block asks for."""
        situation = await self._look()
        for action in role.decide_job(situation):
            await self._do(action, situation)
        await self.sender.step()

    async def _look(self) -> role.JobSituation:
        job_id = self.session.job_id
        job = None if job_id is None else await self.reader.job(job_id)
        deposit = await self.reader.ask(f"/deposit/{to_checksum(self.address)}")
        papers = role.Papers(
            deposit=await self._entry(f"deposit/{self.session.key}"),
            order=await self._entry(f"job/{self.session.key}"),
            end=await self._entry(f"end/{job_id}"),
        )
        if job is not None and job.job.status is records.JobStatus.WAITING:
            self.tell(JobNews(job, None))
        return role.JobSituation(self.session.key, self.order, job, int(deposit["amount"]), papers, self.is_over)

    async def _entry(self, key: str) -> OutboxEntry | None:
        return await self.journal.call(self.journal.outbox.get, key)

    async def _do(self, action: role.JobAction, situation: role.JobSituation) -> None:
        match action:
            case role.Send(key, message):
                await self.journal.call(self.journal.outbox.enqueue, Intent(key, encode_message(message)))
            case role.SendAgain(key):
                await self.journal.call(self.journal.outbox.retry, key)
            case role.FindJob(height):
                await self._find_job(height)
            case role.UseTranscoder(address):
                await self._use(address, situation)
            case role.Finished() | role.GiveUp():
                await self._close()
                self.tell(action)

    async def _find_job(self, height: int) -> None:
        found = await jobs_of(self.reader, self.address, self.session.stream_id)
        ids = [view.job_id for view in found if view.job.created_height == height]
        if not ids:
            raise BroadcastEnded(f"the order was included at height {height}, but the node shows no job of then")
        self.session = replace(self.session, job_id=max(ids))
        await self.journal.call(save_session, self.journal, self.session)
        log.info("job ordered", extra={"job": self.session.job_id, "height": height})

    async def _use(self, address: Address, situation: role.JobSituation) -> None:
        assert situation.job is not None, "a transcoder is drawn for a job"
        found = await self.reader.find(records.Transcoder, f"/transcoder/{to_checksum(address)}")
        destination = None if found is None else Destination(address, found.service_uri)
        self.tell(JobNews(situation.job, destination))

    async def _close(self) -> None:
        self.session = replace(self.session, is_over=True)
        await self.journal.call(save_session, self.journal, self.session)


async def jobs_of(reader: ChainReader, broadcaster: Address, stream_id: str) -> list[JobView]:
    """The jobs that a broadcaster ordered for a stream."""
    items = await reader.items("/jobs", broadcaster=to_checksum(broadcaster))
    views = [JobView(item["job_id"], pick(records.Job, item)) for item in items]
    return [view for view in views if view.job.stream_id == stream_id]


async def load_own_job(reader: ChainReader, job_id: int, broadcaster: Address) -> JobView:
    """A job that this broadcaster ordered and that can still be worked on.

    Raises:
        UsageFailure: there is none of this id, it is another's, or it has ended.
    """
    view = await reader.job(job_id)
    if view is None:
        raise UsageFailure(f"there is no job {job_id} on this chain")
    if view.job.broadcaster != broadcaster:
        raise UsageFailure(f"job {job_id} belongs to {to_checksum(view.job.broadcaster)}, not to this key")
    if is_ended(view):
        raise UsageFailure(f"job {job_id} ended at height {view.job.ended_height}; leave --job out to order a new one")
    return view


def is_ended(view: JobView) -> bool:
    """Whether a job takes no more segments."""
    return view.job.status in (records.JobStatus.ENDED, records.JobStatus.CLOSED)


async def compute_escrow(reader: ChainReader, order: role.Order) -> int:
    """What the chain will take from the deposit for an order, in wei.

    Raises:
        UsageFailure: the chain does not know the profile, or takes no new jobs for it.
    """
    message = order.message
    profile = await reader.find(records.Profile, f"/profile/{message.options.profile_id}")
    if profile is None or profile.frozen:
        raise UsageFailure(f"this chain takes no jobs of profile {message.options.profile_id!r}")
    fee = compute_fee_per_segment(message.price_per_segment, message.options, profile.codec_weight)
    return fee * message.escrow_segments
