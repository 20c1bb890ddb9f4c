"""The broadcaster at work: a source becomes signed segments, these become a stream that players can follow.

Order of a broadcast: the chain draws a transcoder for the job; the source starts; each segment is written to disk,
journalled, and sent; when the source has ended and every segment has its receipt or was dropped, the playlists are
finished and the job is ended. Whatever kills the process, the next start goes on where this one was.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from app.messages.options import TranscodingOptions
from app.messages.segment import Segment, sign_segment
from app.primitives.address import to_checksum
from app.primitives.hashing import sha256
from chain.failures import Failure
from chain.keys.keyring import Signer
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.records import SegmentRecord, SegmentState
from transcoder.net.health import Health
from transcoder.net.shell import ServiceShell
from transcoder.roles.broadcaster import Finished, GiveUp
from transcoder.roles.send_queue import SendPolicy
from transcoder.services.broadcast.delivery import Courier
from transcoder.services.broadcast.ladders import cap_frame_rates
from transcoder.services.broadcast.metrics import BroadcastMetrics
from transcoder.services.broadcast.office import BroadcastEnded, JobNews, Office
from transcoder.services.broadcast.payloads import PayloadFolder
from transcoder.services.broadcast.reports import Happening, Report, Watcher
from transcoder.services.broadcast.session import Session, segments_of
from transcoder.services.broadcast.source import FileSource, TimedSegment
from transcoder.services.broadcast.stream_server import stream_routes
from transcoder.services.broadcast.stream_writer import StoredSegment, StreamWriter
from transcoder.services.broadcast.transmission import Transmission, Workplace

log = logging.getLogger(__name__)

_UNANSWERED = (SegmentState.SIGNED, SegmentState.DELIVERED)


@dataclass(frozen=True, slots=True)
class BroadcastPlan:
    """How to broadcast.

    Attributes:
        window_entries: how many segments the playlists show; None for all of them.
        policy: the bounds of what is under way.
        keeps_job_on_stop: a signal leaves the job and the playlists open, for the next start to continue.
    """

    window_entries: int | None = None
    policy: SendPolicy = SendPolicy()
    keeps_job_on_stop: bool = False


class BroadcasterService:
    """One broadcast of one stream.

    Attributes:
        office: its papers on the chain; have its `beat` called once per block.
        failure: why it ended before its end, once `run` has asked the shell to stop.
    """

    def __init__(
        self,
        signer: Signer,
        journal: BroadcasterJournal,
        source: FileSource,
        courier: Courier,
        shell: ServiceShell,
        home: Path,
        plan: BroadcastPlan,
        watch: Watcher,
    ) -> None:
        self._signer = signer
        self._journal = journal
        self._source = source
        self._courier = courier
        self._shell = shell
        self._home = home
        self._plan = plan
        self._watch = watch
        self._metrics = BroadcastMetrics(shell.registry)
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._drawn = asyncio.Event()
        self._give_up = ""
        self._news: JobNews | None = None
        self._transmission: Transmission | None = None
        self._writer: StreamWriter | None = None
        self.office: Office
        self.failure: Failure | None = None
        shell.app.add_routes(stream_routes(home / "hls"))
        shell.add_health_check("broadcast", self.health)
        shell.on_first_signal(self.finish)

    @property
    def session(self) -> Session:
        """The broadcast as the journal has it."""
        return self.office.session

    @property
    def name(self) -> str:
        """The stream's name, as in its address."""
        return stream_name(self.session.stream_id)

    def hear(self, news: JobNews | Finished | GiveUp) -> None:
        """What the office tells."""
        match news:
            case JobNews():
                self._hear_job(news)
            case Finished():
                self._ended.set()
            case GiveUp(text):
                self._give_up = text
                self._ended.set()

    def finish(self) -> None:
        """Take no more from the source; end when what was taken has its receipt or was dropped."""
        log.info("finishing: the source is left, what was signed is brought to its end")
        self._stopping.set()

    def health(self) -> Health:
        """Where the broadcast is."""
        if self._transmission is not None:
            return self._transmission.health()
        return Health(True, {"waiting_for": "a transcoder" if self._news else "the job"})

    async def run(self) -> None:
        """Broadcast, then stop the shell; a failure is left in `failure`."""
        try:
            await self._broadcast()
        except Failure as failure:
            self.failure = failure
        except OSError as error:
            self.failure = Failure(f"the broadcast cannot be kept on disk: {error}")
        if self.failure is not None:
            log.error("the broadcast failed", extra={"problem": str(self.failure)})
        self._shell.stop()
        await asyncio.Event().wait()  # the shell ends its tasks itself

    def _hear_job(self, news: JobNews) -> None:
        is_new = self._news is None or self._news.destination != news.destination
        self._news = news
        if is_new:
            self._tell_job(news)
        if self._transmission is not None:
            self._transmission.direct(news.destination)
        if news.destination is not None:
            self._drawn.set()

    def _tell_job(self, news: JobNews) -> None:
        job = news.job.job
        facts = {
            "job": news.job.job_id,
            "status": job.status.name.lower(),
            "transcoder": None if news.destination is None else to_checksum(news.destination.transcoder),
            "service_uri": None if news.destination is None else news.destination.service_uri,
        }
        log.info("job", extra=facts)
        self._watch(Report(Happening.JOB, facts=facts))

    async def _broadcast(self) -> None:
        await self._until(self._drawn, self._stopping)
        if self._drawn.is_set() and self._news is not None:
            await self._transmit(self._news)
        if self._stays_open:
            self._tell_finished("stopped; the job stays open for the next start")
            return
        self.office.is_over = True
        await self._until(self._ended)
        self._tell_finished("finished")
        self._check_result()

    def _check_result(self) -> None:
        transmission = self._transmission
        if transmission is not None and transmission.dropped and self._writer is not None and self._writer.is_empty:
            raise BroadcastEnded(
                f"all {transmission.dropped} segments were dropped; the last problem: {transmission.last_problem}"
            )

    async def _until(self, *events: asyncio.Event) -> None:
        """Wait for one of these events.

        Raises:
            BroadcastEnded: the office gives up before.
        """
        waits = [asyncio.create_task(event.wait()) for event in {*events, self._ended}]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancelled(*waits)
        if self._give_up:
            raise BroadcastEnded(self._give_up)

    # --- from the draw to the last receipt

    async def _transmit(self, news: JobNews) -> None:
        options = news.job.job.options
        self._writer = self._make_writer(options)
        segments = await self._journal.call(
            segments_of, self._journal, self.session.stream_id, self.session.first_number
        )
        await self._restore(self._writer, segments, news.job.job_id)
        payloads = PayloadFolder(self._home / "segments" / self.name)
        place = Workplace(self._journal, payloads, self._writer, self._courier, self._metrics, self._watch)
        self._transmission = Transmission(news.job.job_id, options, place, self._plan.policy)
        try:
            await self._carry(self._transmission, payloads, segments)
        except BroadcastEnded:
            await asyncio.to_thread(self._writer.finish)
            raise
        if not self._stays_open:
            await asyncio.to_thread(self._writer.finish)

    @property
    def _stays_open(self) -> bool:
        """Whether the next start is to go on with this broadcast."""
        return self._stopping.is_set() and self._plan.keeps_job_on_stop

    async def _carry(self, transmission: Transmission, payloads: PayloadFolder, segments: list[SegmentRecord]) -> None:
        carrying = asyncio.create_task(transmission.run(), name="transmission")
        feeding = asyncio.create_task(self._feed(transmission, payloads, segments), name="source")
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait([carrying, feeding, ended], return_when=asyncio.FIRST_COMPLETED)
            for work in (carrying, feeding):
                if work.done():
                    work.result()
            if self._give_up:
                raise BroadcastEnded(self._give_up)
        finally:
            await _cancelled(feeding, carrying, ended)

    async def _feed(self, transmission: Transmission, payloads: PayloadFolder, segments: list[SegmentRecord]) -> None:
        """Send what an earlier run has left, then what the source gives, and wait until all has come to its end."""
        pending = [segment for segment in segments if segment.state in _UNANSWERED]
        await asyncio.to_thread(payloads.keep_only, {segment.sequence_number for segment in pending})
        assert self._news is not None, "a transcoder was drawn"
        transmission.direct(self._news.destination)
        for segment in _from_first_unanswered(segments):
            if segment.state is SegmentState.RECEIPTED:
                transmission.take_stored(segment, await self._stored(segment, self._news.job.job_id))
            elif segment.state in _UNANSWERED:
                transmission.take(segment, time.monotonic())
        if not self._is_reached(segments):
            await self._take_all(transmission, payloads)
        await transmission.drain()

    def _is_reached(self, segments: list[SegmentRecord]) -> bool:
        """Whether an earlier run has taken all that the plan wants of this source."""
        ours = [segment for segment in segments if segment.sequence_number >= self.session.source_number]
        return bool(ours) and self._source.plan.is_reached_by(Fraction(ours[-1].meta["due"]))

    async def _take_all(self, transmission: Transmission, payloads: PayloadFolder) -> None:
        following = await self._journal.call(self._journal.next_sequence_number, self.session.stream_id)
        made = self._source.segments(following - self.session.source_number, time.monotonic)
        async with contextlib.aclosing(made):
            async for timed in self._until_stopped(made):
                record = await self._keep(timed, payloads)
                transmission.take(record, timed.due_seconds)

    async def _until_stopped(self, made: AsyncGenerator[TimedSegment]) -> AsyncIterator[TimedSegment]:
        stopping = asyncio.create_task(self._stopping.wait())
        following: asyncio.Future[TimedSegment | None] | None = None
        try:
            while True:
                following = asyncio.ensure_future(anext(made, None))
                await asyncio.wait([following, stopping], return_when=asyncio.FIRST_COMPLETED)
                if not following.done() or (timed := following.result()) is None:
                    return
                yield timed
        finally:
            await _cancelled(stopping, following)

    async def _keep(self, timed: TimedSegment, payloads: PayloadFolder) -> SegmentRecord:
        """Sign a segment, and have it on disk and in the journal before anyone sees it."""
        session, media = self.session, timed.media
        number = session.source_number + media.sequence
        await asyncio.to_thread(payloads.put, number, media.data)
        segment = Segment(session.stream_id, number, sha256(media.data))
        meta = {
            "duration_ticks": media.duration_ticks,
            "frames": media.frames,
            "due": str(media.due_seconds),
            "break": media.sequence == 0 and number != session.first_number,
        }
        signature = sign_segment(segment, self._signer.private_key)
        record = SegmentRecord(session.stream_id, number, segment.data_hash, signature, meta)
        await self._journal.call(self._journal.add_segment, record)
        self._metrics.segments.labels("signed").inc()
        return record

    # --- the stream on disk

    def _make_writer(self, options: TranscodingOptions) -> StreamWriter:
        return StreamWriter(
            self._home / "hls" / self.name,
            options.renditions,
            cap_frame_rates(options, self._source.frame_rate),
            self._source.plan.segment_seconds,
            self._plan.window_entries,
        )

    async def _restore(self, writer: StreamWriter, segments: list[SegmentRecord], job_id: int) -> None:
        published = segments[: len(segments) - len(_from_first_unanswered(segments))]
        done = [segment for segment in published if segment.state is SegmentState.RECEIPTED]
        stored = [await self._stored(segment, job_id) for segment in done]
        if any(segment.state is SegmentState.RECEIPTED for segment in segments):
            await asyncio.to_thread(writer.restore, stored)
        else:
            await asyncio.to_thread(writer.begin)

    async def _stored(self, segment: SegmentRecord, job_id: int) -> StoredSegment:
        receipt = await self._journal.call(self._journal.receipt, job_id, segment.sequence_number)
        if receipt is None:
            raise Failure(f"the journal has no receipt of segment {segment.sequence_number} of job {job_id}")
        sizes, codecs = tuple(receipt.meta["sizes"]), tuple(receipt.meta["codecs"])
        return StoredSegment(
            segment.sequence_number, segment.meta["duration_ticks"], segment.meta["break"], sizes, codecs
        )

    def _tell_finished(self, how: str) -> None:
        transmission = self._transmission
        facts = {
            "how": how,
            "published": 0 if transmission is None else transmission.published,
            "dropped": 0 if transmission is None else transmission.dropped,
            "job": self.session.job_id,
        }
        log.info("broadcast %s", how, extra=facts)
        self._watch(Report(Happening.FINISHED, facts=facts))


def _from_first_unanswered(segments: list[SegmentRecord]) -> list[SegmentRecord]:
    """What was not published yet: publication is in the order of the numbers."""
    found = (index for index, segment in enumerate(segments) if segment.state in _UNANSWERED)
    return segments[next(found, len(segments)) :]


def stream_name(stream_id: str) -> str:
    """The name in a stream id, without its origin."""
    return stream_id.partition("-")[2]


async def _cancelled(*tasks: asyncio.Future[Any] | None) -> None:
    """End tasks, and wait until they have."""
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
