"""A transmission without a chain: two transcoders, a journal, a folder."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from fractions import Fraction

import pytest
from prometheus_client import CollectorRegistry

from app.messages.receipt import Receipt, recover_transcoder
from app.messages.record import decode
from app.messages.segment import Segment, make_stream_id, sign_segment
from app.primitives.hashing import sha256
from tests.support.broadcast_world import OPTIONS
from tests.support.chain_driver import Party
from tests.support.transcoder_stand_in import Fault, TranscoderStandIn
from tests.support.videos import draw_video, segments_of
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.records import SegmentRecord, SegmentState
from transcoder.media.playlist_check import check_playlist
from transcoder.net.http import HttpPolicy, open_session
from transcoder.roles.send_queue import Destination, SendPolicy
from transcoder.services.broadcast.delivery import Courier
from transcoder.services.broadcast.metrics import BroadcastMetrics
from transcoder.services.broadcast.payloads import PayloadFolder
from transcoder.services.broadcast.stream_writer import StreamWriter
from transcoder.services.broadcast.transmission import Transmission, Workplace

pytestmark = pytest.mark.media

BOB = Party("bob")
STREAM = make_stream_id(BOB.address, "s")


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    clip = draw_video(tmp_path_factory.mktemp("clip") / "clip.mp4", size="320x180", seconds=2)
    return segments_of(clip, 4, seconds=Fraction(1, 2))


@pytest.fixture
def workers():
    made = [TranscoderStandIn(Party(name), BOB.address, OPTIONS) for name in ("first", "second")]
    yield made
    for worker in made:
        worker.close()


def destination(worker):
    return Destination(worker.party.address, worker.url)


@dataclass
class Bench:
    transmission: Transmission
    place: Workplace

    def take(self, media):
        self.place.payloads.put(media.sequence, media.data)
        segment = Segment(STREAM, media.sequence, sha256(media.data))
        meta = {"duration_ticks": media.duration_ticks, "break": False}
        record = SegmentRecord(STREAM, media.sequence, segment.data_hash, sign_segment(segment, BOB.key), meta)
        self.place.journal.add_segment(record)
        self.transmission.take(record, time.monotonic())


def run(tmp_path, use, policy=None):
    """Call `use(bench)` while a transmission runs; the bench, whose journal is still open."""

    async def main():
        async with open_session() as session:
            writer = StreamWriter(tmp_path / "hls", OPTIONS.renditions, [Fraction(25)] * 2, Fraction(1, 2))
            writer.begin()
            courier = Courier(session, HttpPolicy(attempts=1))
            place = Workplace(
                journal,
                PayloadFolder(tmp_path / "segments"),
                writer,
                courier,
                BroadcastMetrics(CollectorRegistry()),
                reports.append,
            )
            transmission = Transmission(1, OPTIONS, place, policy)
            running = asyncio.create_task(transmission.run())
            try:
                await use(Bench(transmission, place))
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    reports = []
    with contextlib.closing(BroadcasterJournal(tmp_path / "journal.sqlite", "bob")) as journal:
        asyncio.run(main())
        states = [segment.state for segment in journal.segments(STREAM)]
        receipts = [decode(Receipt, record.receipt) for record in journal.receipts(1)]
    return reports, states, receipts


async def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


def test_when_the_transcoder_changes_what_is_under_way_goes_to_the_new_one_and_only_its_receipts_count(
    tmp_path, segments, workers
):
    first, second = workers
    first.fault = lambda request: Fault.HANG if request.number else Fault.NONE

    async def use(bench):
        bench.transmission.direct(destination(first))
        for media in segments:
            bench.take(media)
        await until(lambda: bench.transmission.published == 1 and len(first.requests) == 4)
        bench.transmission.direct(destination(second))
        await bench.transmission.drain()

    reports, states, receipts = run(tmp_path, use)
    assert [report.number for report in reports] == [0, 1, 2, 3]
    assert states == [SegmentState.RECEIPTED] * 4
    assert [recover_transcoder(receipt) for receipt in receipts] == [first.party.address] + [second.party.address] * 3
    report = check_playlist(tmp_path / "hls" / "index.m3u8")
    assert report.is_ok, report.describe()


def test_what_is_published_leaves_no_payload_behind(tmp_path, segments, workers):
    async def use(bench):
        bench.transmission.direct(destination(workers[0]))
        bench.take(segments[0])
        await bench.transmission.drain()

    run(tmp_path, use)
    assert list((tmp_path / "segments").iterdir()) == []


def test_a_payload_that_is_gone_is_dropped_and_said(tmp_path, segments, workers):
    async def use(bench):
        bench.take(segments[0])
        bench.place.payloads.remove(0)
        bench.transmission.direct(destination(workers[0]))
        await bench.transmission.drain()

    reports, states, _ = run(tmp_path, use)
    assert states == [SegmentState.DROPPED]
    assert "gone from the disk" in reports[-1].facts["problem"]
    assert workers[0].requests == []


def test_health_suffers_when_nothing_comes_back_and_recovers(tmp_path, segments, workers):
    health = []

    async def use(bench):
        health.append(bench.transmission.health().ok)
        bench.take(segments[0])
        await until(lambda: not bench.transmission.health().ok)
        health.append(bench.transmission.health().details["waiting"])
        bench.transmission.direct(destination(workers[0]))
        await bench.transmission.drain()
        health.append(bench.transmission.health().ok)

    run(tmp_path, use, SendPolicy(deadline_seconds=4))
    assert health == [True, 1, True]


def test_a_disk_that_cannot_hold_the_renditions_ends_the_transmission(tmp_path, segments, workers):
    async def use(bench):
        for folder in (tmp_path / "hls").iterdir():
            folder.rmdir()
        running = asyncio.create_task(bench.transmission.run())
        bench.transmission.direct(destination(workers[0]))
        bench.take(segments[0])
        with pytest.raises(FileNotFoundError):
            await running

    _, states, _ = run(tmp_path, use)
    assert states == [SegmentState.SIGNED]
