"""Signed segments on their way: what the send queue decides is done here, from the HTTP request to the playlist.

Payloads are read from disk for each attempt, so that memory holds those of the segments in flight and no more.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import random

from app.messages.options import TranscodingOptions
from app.messages.record import encode
from app.messages.segment import Segment
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.records import ReceiptRecord, SegmentRecord, SegmentState
from transcoder.net.health import Health
from transcoder.roles import send_queue as role
from transcoder.services.broadcast.answers import Question
from transcoder.services.broadcast.delivery import Courier, Delivery, DeliveryFailed
from transcoder.services.broadcast.metrics import BroadcastMetrics
from transcoder.services.broadcast.payloads import PayloadFolder
from transcoder.services.broadcast.reports import Happening, Report, Watcher
from transcoder.services.broadcast.stream_writer import StoredSegment, StreamWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a transmission works with."""

    journal: BroadcasterJournal
    payloads: PayloadFolder
    writer: StreamWriter
    courier: Courier
    metrics: BroadcastMetrics
    watch: Watcher
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Carried:
    """A segment on its way."""

    record: SegmentRecord
    due_seconds: float
    stored: StoredSegment | None = None


class Transmission:
    """Carries the segments of one job.

    Attributes:
        published, dropped: how many, since this object was made.
        last_problem: the latest failed attempt's.
    """

    def __init__(
        self, job_id: int, options: TranscodingOptions, place: Workplace, policy: role.SendPolicy | None = None
    ) -> None:
        self._job_id = job_id
        self._options = options
        self._place = place
        self._policy = policy or role.SendPolicy()
        self._queue = role.SendQueue(self._policy, random)
        self._carried: dict[int, _Carried] = {}
        self._attempts: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: asyncio.Queue[role.Publish | role.Drop] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.published = 0
        self.dropped = 0
        self.last_problem = ""
        self._good_seconds = place.clock()

    def take(self, record: SegmentRecord, due_seconds: float) -> None:
        """Carry a segment that is in the journal, and whose payload is on disk."""
        self._carried[record.sequence_number] = _Carried(record, due_seconds)
        self._handle(role.SegmentSigned(record.sequence_number, due_seconds))

    def take_stored(self, record: SegmentRecord, stored: StoredSegment) -> None:
        """Take up a segment that an earlier run has stored, and could not publish before one of a lower number."""
        self._carried[record.sequence_number] = _Carried(record, self._place.clock(), stored)
        self._handle(role.StoredBefore(record.sequence_number))

    def direct(self, destination: role.Destination | None) -> None:
        """Send to this transcoder from now on."""
        self._handle(role.TranscoderKnown(destination))

    async def run(self) -> None:
        """Bring what is decided to journal and playlists, in order, until cancelled; then nothing is under way.

        Raises:
            OSError, Failure: the disk or the journal cannot hold what came back.
        """
        publishing = asyncio.create_task(self._publish_all(), name="publish")
        try:
            await asyncio.wait([publishing, self._broken], return_when=asyncio.FIRST_COMPLETED)
            for ended in (each for each in (publishing, self._broken) if each.done()):
                ended.result()
        finally:
            await self._end(publishing)

    async def drain(self) -> None:
        """Wait until every segment has been published or dropped."""
        await self._idle.wait()
        await self._outcomes.join()

    def health(self) -> Health:
        """How it goes; not well where nothing has come back for half the time that a segment is given."""
        facts = {"waiting": self._queue.waiting, "sending": self._queue.sending}
        facts |= {"published": self.published, "dropped": self.dropped}
        silent_seconds = 0.0 if self._queue.is_empty else self._place.clock() - self._good_seconds
        is_well = silent_seconds < self._policy.deadline_seconds / 2
        return Health(is_well, {**facts, "last_problem": self.last_problem})

    def _handle(self, event: role.Event) -> None:
        now = self._place.clock()
        for action in self._queue.handle(event, now):
            self._do(action)
        if self._queue.is_empty:
            self._idle.set()
            self._good_seconds = now
        else:
            self._idle.clear()
        self._place.metrics.queued.labels("waiting").set(self._queue.waiting)
        self._place.metrics.queued.labels("sending").set(self._queue.sending)
        self._set_timer(now)

    def _do(self, action: role.SendAction) -> None:
        match action:
            case role.SendSegment(number, destination):
                attempt = asyncio.create_task(self._attempt(number, destination), name=f"segment {number}")
                attempt.add_done_callback(self._note_end)
                self._tasks.add(attempt)
                self._attempts[number] = attempt
            case role.Abandon(number):
                self._attempts.pop(number).cancel()
            case role.Publish() | role.Drop():
                self._outcomes.put_nowait(action)

    def _set_timer(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        moment = self._queue.next_seconds(now)
        self._timer = None
        if moment is not None:
            delay = max(0.0, moment - now)
            self._timer = asyncio.get_running_loop().call_later(delay, self._handle, role.TimePassed())

    def _note_end(self, attempt: "asyncio.Task[None]") -> None:
        self._tasks.discard(attempt)
        if not attempt.cancelled() and attempt.exception() is not None and not self._broken.done():
            error = attempt.exception()
            assert error is not None, "asked for above"
            self._broken.set_exception(error)

    async def _attempt(self, number: int, destination: role.Destination) -> None:
        try:
            delivery = await self._deliver(number, destination)
        except DeliveryFailed as failure:
            self._attempts.pop(number, None)
            self._tell_failure(number, failure)
            self._handle(role.AttemptFailed(number, str(failure), failure.is_final, failure.pause_seconds))
            return
        self._attempts.pop(number, None)
        self.last_problem, self._good_seconds = "", self._place.clock()
        self._handle(role.AnswerAccepted(number))
        await self._store(number, delivery)
        self._handle(role.Stored(number))

    async def _deliver(self, number: int, destination: role.Destination) -> Delivery:
        data = await asyncio.to_thread(self._place.payloads.get, number)
        if data is None:
            raise DeliveryFailed("its payload is gone from the disk", is_final=True)
        self._place.metrics.segments.labels("sent").inc()
        self._place.metrics.bytes.labels("sent").inc(len(data))
        record = self._carried[number].record
        segment = Segment(record.stream_id, number, record.data_hash)
        question = Question(self._job_id, self._options, segment, record.signature, destination.transcoder)
        return await self._place.courier.deliver(question, data, destination.service_uri)

    def _tell_failure(self, number: int, failure: DeliveryFailed) -> None:
        self.last_problem = str(failure)
        kind = Happening.REFUSED if failure.is_lie else Happening.FAILED
        self._place.metrics.segments.labels(kind.value).inc()
        log.warning("attempt %s", kind.value, extra={"number": number, "problem": str(failure)})
        self._place.watch(Report(kind, number, {"problem": str(failure)}))

    async def _store(self, number: int, delivery: Delivery) -> None:
        carried, journal = self._carried[number], self._place.journal
        meta = carried.record.meta
        stored = await asyncio.to_thread(
            self._place.writer.store, number, meta["duration_ticks"], meta["break"], delivery.outputs
        )
        kept = {"sizes": stored.sizes_bytes, "codecs": stored.codecs}
        receipt = ReceiptRecord(self._job_id, number, encode(delivery.answer.receipt), kept)
        await journal.call(journal.add_receipt, carried.record.stream_id, receipt)
        self._place.metrics.segments.labels("receipted").inc()
        self._place.metrics.bytes.labels("received").inc(sum(stored.sizes_bytes))
        carried.stored = stored

    async def _publish_all(self) -> None:
        while True:
            outcome = await self._outcomes.get()
            carried = self._carried.pop(outcome.number)
            if isinstance(outcome, role.Publish):
                await self._publish(carried)
            else:
                await self._drop(carried, outcome.problem)
            await asyncio.to_thread(self._place.payloads.remove, outcome.number)
            self._outcomes.task_done()

    async def _publish(self, carried: _Carried) -> None:
        assert carried.stored is not None, "only what is stored is published"
        await asyncio.to_thread(self._place.writer.publish, carried.stored)
        latency = self._place.clock() - carried.due_seconds
        self.published += 1
        self._place.metrics.latency_seconds.observe(latency)
        number, sizes = carried.stored.number, carried.stored.sizes_bytes
        log.info("published", extra={"number": number, "latency_seconds": round(latency, 3)})
        self._place.watch(
            Report(Happening.PUBLISHED, number, {"latency_seconds": round(latency, 3), "sizes_bytes": list(sizes)})
        )

    async def _drop(self, carried: _Carried, problem: str) -> None:
        record, journal = carried.record, self._place.journal
        await journal.call(journal.move_segment, record.stream_id, record.sequence_number, SegmentState.DROPPED)
        self.dropped += 1
        self._place.metrics.segments.labels("dropped").inc()
        log.warning("segment dropped", extra={"number": record.sequence_number, "problem": problem})
        self._place.watch(Report(Happening.DROPPED, record.sequence_number, {"problem": problem}))

    async def _end(self, publishing: "asyncio.Task[None]") -> None:
        if self._timer is not None:
            self._timer.cancel()
        under_way = [publishing, *self._tasks]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        self._broken.cancel()
