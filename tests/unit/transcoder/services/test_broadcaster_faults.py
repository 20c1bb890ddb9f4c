"""Transcoders that lie, dawdle or break: nothing wrong is believed, nothing is waited for without end, all is said."""

import pytest

from tests.support.broadcast_world import Broadcaster, broadcast_world
from tests.support.transcoder_stand_in import Fault
from tests.support.videos import draw_video
from transcoder.media.playlist_check import check_playlist

pytestmark = pytest.mark.media

SEGMENTS = 7
LIES = {
    0: (Fault.WRONG_BYTES, "wrong content"),
    1: (Fault.WRONG_KEY, "is signed by"),
    2: (Fault.WRONG_RECEIPT, "the receipt's sequence_number"),
    3: (Fault.WRONG_LEAVES, "do not make the receipt's transcoded hash"),
    4: (Fault.GARBAGE, "cannot be read"),
}
TROUBLES = {5: (Fault.CRASH, "HTTP 500 crash"), 6: (Fault.BUSY, "HTTP 429 busy")}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_video(tmp_path_factory.mktemp("clip") / "clip.mp4", size="320x180", seconds=3.5)


@pytest.fixture
def world(tmp_path, clip):
    with broadcast_world(tmp_path, clip) as made:
        yield made


def entries(world):
    """The playlist's segments in order, and those that come after a discontinuity."""
    lines = (world.playlist.parent / "144p" / "index.m3u8").read_text().splitlines()
    names = [int(line.removesuffix(".ts")) for line in lines if line.endswith(".ts")]
    breaks = [int(lines[at + 2].removesuffix(".ts")) for at, line in enumerate(lines) if line == "#EXT-X-DISCONTINUITY"]
    return names, breaks


def test_every_lie_is_refused_said_and_asked_again(world):
    faults = LIES | TROUBLES
    world.transcoder.fault = lambda request: (
        faults[request.number][0] if request.number in faults and request.attempt == 0 else Fault.NONE
    )
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert check_playlist(world.playlist).is_ok
    assert entries(world) == (list(range(SEGMENTS)), [])
    refused = {event["segment"]: event["problem"] for event in broadcaster.of_kind("refused")}
    failed = {event["segment"]: event["problem"] for event in broadcaster.of_kind("failed")}
    for said, expected in ((refused, LIES), (failed, TROUBLES)):
        assert sorted(said) == sorted(expected)
        for number, (_, text) in expected.items():
            assert text in said[number]


def test_a_segment_that_is_never_answered_rightly_is_dropped_and_the_stream_goes_on(world):
    world.transcoder.fault = lambda request: Fault.WRONG_KEY if request.number == 3 else Fault.NONE
    with Broadcaster(world, "--drop-after", "2") as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    report = check_playlist(world.playlist)
    assert report.is_ok, report.describe()
    assert entries(world) == ([0, 1, 2, 4, 5, 6], [4])
    (dropped,) = broadcaster.of_kind("dropped")
    assert dropped["segment"] == 3
    assert "no receipt within 2 s" in dropped["problem"]
    assert "is signed by" in dropped["problem"]
    assert len(broadcaster.of_kind("refused")) > 1


def test_a_segment_that_cannot_be_transcoded_is_dropped_at_once(world):
    world.transcoder.fault = lambda request: Fault.REFUSE if request.number == 2 else Fault.NONE
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert entries(world) == ([0, 1, 3, 4, 5, 6], [3])
    assert [request.number for request in world.transcoder.requests].count(2) == 1


def test_a_transcoder_that_is_too_slow_loses_whole_segments_and_the_stream_stays_live(world):
    world.transcoder.delay_seconds = 0.8
    with Broadcaster(world, "--in-flight", "1", "--drop-after", "1.2") as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    report = check_playlist(world.playlist)
    assert report.is_ok, report.describe()
    names, breaks = entries(world)
    dropped = [event["segment"] for event in broadcaster.of_kind("dropped")]
    assert len(dropped) >= 2
    assert sorted(names + dropped) == list(range(SEGMENTS))
    assert breaks == [number for number in names[1:] if number - 1 in dropped]
    assert all(event["latency_seconds"] < 2 for event in broadcaster.of_kind("published"))


def test_when_nothing_comes_back_the_job_is_ended_and_the_exit_code_says_so(world):
    world.transcoder.fault = lambda request: Fault.REFUSE
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 1
    assert f"all {SEGMENTS} segments were dropped" in broadcaster.errors
    assert "HTTP 422 cannot-transcode" in broadcaster.errors
    assert broadcaster.of_kind("finished")
    assert not world.playlist.exists()
