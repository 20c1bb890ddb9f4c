"""What the protocol adds to a segment: everything that broadcaster and transcoder do with it, except transcoding it.

Run with `python -m tests.benchmarks.bench_overhead`. Both services' own parts work here as they do in a broadcast: the
payload goes to disk, is hashed, signed and journalled; over HTTP on the loopback to the transcoder, which checks it,
signs a receipt, keeps input, outputs and manifest in content storage and journals the receipt before it answers; the
renditions come back by their hashes, are checked, stored and published. Only the media function is a stub that returns
ready bytes, and the chain's answers are constants. The baseline is the same bytes over the same HTTP library with
nothing else: one POST and a GET per rendition.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction as Ratio
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import aiohttp
from aiohttp import web
from rich.console import Console
from rich.table import Table

from app.messages.options import Rendition, TranscodingOptions
from app.messages.record import encode
from app.messages.records import Job, JobStatus
from app.messages.segment import Segment, make_stream_id, sign_segment
from app.primitives.address import to_checksum
from app.primitives.amounts import Height, Wei
from app.primitives.hashing import sha256
from chain.keys.keyring import Signer
from genesis.presets.registry import get_preset
from transcoder.content.store import ContentStore
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.records import ReceiptRecord, SegmentRecord
from transcoder.journal.transcoder import TranscoderJournal
from transcoder.media.leaf import RenditionOutput, StageDigests, TranscodedSegment
from transcoder.net.http import open_session
from transcoder.net.shell import ServiceShell
from transcoder.services import workshop
from transcoder.services.broadcast.answers import Question
from transcoder.services.broadcast.delivery import Courier, Delivery
from transcoder.services.broadcast.payloads import PayloadFolder
from transcoder.services.broadcast.stream_writer import StreamWriter
from transcoder.services.transcoder import TranscoderService
from transcoder.services.workshop import Workshop

TARGET_PERCENT = 2
SEGMENT_SECONDS = 2.0
INPUT_BYTES = 1_500_000
"""1080p at 6 Mbit/s."""
LADDER = (
    *(("720p", 1280, 720, 750_000), ("480p", 854, 480, 350_000)),
    *(("360p", 640, 360, 200_000), ("240p", 426, 240, 90_000)),
)
"""Renditions with the bytes of a segment each."""
SEGMENT_TICKS = 180_000
JOB_ID = 1


class ConstantChain:
    """In place of `ChainReader`: one job, assigned, with a deposit that never ends."""

    def __init__(self, job: Job) -> None:
        self._job = job

    async def job(self, job_id: int) -> Any:
        """The job under any id."""
        return SimpleNamespace(job_id=job_id, job=self._job)

    async def moment(self) -> Any:
        """An early height."""
        return SimpleNamespace(height=Height(100), params=get_preset("localnet"))

    async def deposit(self, address: bytes) -> int:
        """More than anything costs."""
        return 10**24


@dataclass
class Clock:
    """Wall and processor seconds of each named step, segment by segment."""

    wall: dict[str, list[float]] = field(default_factory=dict)
    processor: dict[str, list[float]] = field(default_factory=dict)

    async def step(self, name: str, work: Awaitable[Any]) -> Any:
        """Await a step and note what it took."""
        wall, processor = time.perf_counter(), time.process_time()
        result = await work
        self.wall.setdefault(name, []).append(time.perf_counter() - wall)
        self.processor.setdefault(name, []).append(time.process_time() - processor)
        return result


@dataclass(frozen=True, slots=True)
class Material:
    """One segment's bytes: what goes in and what the media engine would have made of it."""

    data: bytes
    outputs: tuple[bytes, ...]


def make_material(number: int) -> Material:
    """Other bytes for every number, as many as real video has."""
    source = random.Random(number)
    return Material(source.randbytes(INPUT_BYTES), tuple(source.randbytes(size) for *_, size in LADDER))


class Stub:
    """In place of `transcode_segment`: ready outputs; their hashes are computed as there."""

    def __init__(self, materials: Sequence[Material]) -> None:
        self._outputs = {sha256(material.data): material.outputs for material in materials}

    def transcode(self, data: bytes, _renditions: object) -> TranscodedSegment:
        """What `data` was said to become."""
        input_hash = sha256(data)
        stages = StageDigests(*[input_hash] * 4)
        outputs = tuple(
            RenditionOutput(name, output, sha256(output), 60, width, height, stages)
            for (name, width, height, _), output in zip(LADDER, self._outputs[input_hash], strict=True)
        )
        return TranscodedSegment(input_hash, 0, SEGMENT_TICKS, outputs, None)


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    """The application on the loopback; its address."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def make_transcoder(folder: Path, signer: Signer, job: Job) -> TranscoderService:
    """The real service over its real journal and content store."""
    journal = TranscoderJournal(folder / "transcoder.sqlite", to_checksum(signer.address))
    bench = Workshop(signer, journal, ContentStore(folder / "content"))
    chain: Any = ConstantChain(job)
    return TranscoderService(bench, chain, mock.Mock(), ServiceShell("transcoder"))


def make_job(broadcaster: Signer, transcoder: Signer) -> Job:
    """An assigned job for the ladder."""
    options = TranscodingOptions("h264-verified-1", tuple(Rendition(n, w, h, 30, 1, 23) for n, w, h, _ in LADDER))
    stream_id = make_stream_id(broadcaster.address, "bench")
    parties = broadcaster.address, stream_id, options, Wei(1), Wei(4), Wei(10**18), JobStatus.ASSIGNED
    heights = Height(1), Height(2), Height(0)
    return Job(*parties, transcoder.address, (), *heights, next_claim_id=0, segments_claimed=0, segments_paid=0)


class Broadcaster:
    """The broadcaster's parts in the order in which `BroadcasterService` and `Transmission` use them."""

    def __init__(self, folder: Path, signer: Signer, job: Job, transcoder: Signer, courier: Courier, url: str) -> None:
        self._signer, self._job, self._transcoder, self._courier, self._url = signer, job, transcoder, courier, url
        self._journal = BroadcasterJournal(folder / "broadcaster.sqlite", to_checksum(signer.address))
        self._payloads = PayloadFolder(folder / "segments")
        rates = [Ratio(30)] * len(LADDER)
        self._writer = StreamWriter(folder / "hls", job.options.renditions, rates, Ratio(2), window_entries=6)
        self._writer.begin()

    async def carry(self, number: int, material: Material, clock: Clock) -> None:
        """One segment from the segmenter to the playlist."""
        record = await clock.step("keep, hash, sign, journal", self._keep(number, material.data))
        delivery = await clock.step("send, receipt, fetch renditions", self._deliver(record, material.data))
        assert delivery.outputs == material.outputs
        await clock.step("store, journal receipt, publish", self._store(record, delivery))

    async def _keep(self, number: int, data: bytes) -> SegmentRecord:
        await asyncio.to_thread(self._payloads.put, number, data)
        segment = Segment(self._job.stream_id, number, sha256(data))
        signature = sign_segment(segment, self._signer.private_key)
        record = SegmentRecord(segment.stream_id, number, segment.data_hash, signature, {"frames": 60})
        await self._journal.call(self._journal.add_segment, record)
        return record

    async def _deliver(self, record: SegmentRecord, data: bytes) -> Delivery:
        segment = Segment(record.stream_id, record.sequence_number, record.data_hash)
        question = Question(JOB_ID, self._job.options, segment, record.signature, self._transcoder.address)
        return await self._courier.deliver(question, data, self._url)

    async def _store(self, record: SegmentRecord, delivery: Delivery) -> None:
        number = record.sequence_number
        stored = await asyncio.to_thread(self._writer.store, number, SEGMENT_TICKS, False, delivery.outputs)
        receipt = ReceiptRecord(JOB_ID, number, encode(delivery.answer.receipt), {"sizes": stored.sizes_bytes})
        await self._journal.call(self._journal.add_receipt, record.stream_id, receipt)
        await asyncio.to_thread(self._writer.publish, stored)
        await asyncio.to_thread(self._payloads.remove, number)

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()


async def measure_protocol(folder: Path, materials: Sequence[Material]) -> Clock:
    """Every segment through both services."""
    broadcaster, transcoder = (Signer.of(bytes(sha256(name))) for name in (b"broadcaster", b"transcoder"))
    job, clock = make_job(broadcaster, transcoder), Clock()
    service = make_transcoder(folder, transcoder, job)
    with mock.patch.object(workshop, "transcode_segment", Stub(materials).transcode):
        async with serving(service.shell.app) as url, open_session() as session:
            sender = Broadcaster(folder, broadcaster, job, transcoder, Courier(session), url)
            for number, material in enumerate(materials):
                await clock.step("everything", sender.carry(number, material, clock))
    sender.close()
    service.journal.close()
    return clock


async def measure_plain(materials: Sequence[Material]) -> Clock:
    """The baseline: the same bytes there and back."""
    clock, outputs = Clock(), dict(enumerate(materials))

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response()

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=outputs[int(request.match_info["n"])].outputs[int(request.match_info["r"])])

    async def carry(session: aiohttp.ClientSession, url: str, number: int, data: bytes) -> None:
        async with session.post(url, data=data) as response:
            await response.read()
        for rendition in range(len(LADDER)):
            async with session.get(f"{url}/{number}/{rendition}") as response:
                await response.read()

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/", take)
    app.router.add_get("/{n}/{r}", give)
    async with serving(app) as url, open_session() as session:
        for number, material in enumerate(materials):
            await clock.step("everything", carry(session, url, number, material.data))
    return clock


def make_table(protocol: Clock, plain: Clock, count: int) -> Table:
    """Medians of each step."""
    title = f"protocol overhead of a segment of T = {SEGMENT_SECONDS:g} s, medians of {count}"
    table = Table(title=title, caption="baseline: one POST and four GETs of the same bytes, nothing else")
    for heading in ("", "wall", "of T", "processor", "of T", "target", "of baseline"):
        table.add_column(heading, justify="right" if heading else "left")
    base = statistics.median(plain.wall["everything"])
    for name in protocol.wall:
        wall, processor = statistics.median(protocol.wall[name]), statistics.median(protocol.processor[name])
        is_sum = name == "everything"
        target, ratio = (f"<= {TARGET_PERCENT} %", f"{wall / base:.1f}x of {1e3 * base:.1f} ms") if is_sum else ("", "")
        table.add_row(name, *_cells(wall), *_cells(processor), target, ratio)
    return table


def _cells(seconds: float) -> tuple[str, str]:
    return f"{1e3 * seconds:.1f} ms", f"{100 * seconds / SEGMENT_SECONDS:.2f} %"


def main() -> int:
    """Print the table; the exit code says nothing about speed."""
    parser = argparse.ArgumentParser(description="What the protocol adds to a segment.")
    parser.add_argument("--segments", type=int, default=40, help="how many are carried (%(default)s)")
    count = parser.parse_args().segments
    materials = [make_material(number) for number in range(count)]
    plain = asyncio.run(measure_plain(materials))
    with tempfile.TemporaryDirectory() as folder:
        protocol = asyncio.run(measure_protocol(Path(folder), materials))
    Console(width=130).print(make_table(protocol, plain, count))
    return 0


if __name__ == "__main__":
    sys.exit(main())
