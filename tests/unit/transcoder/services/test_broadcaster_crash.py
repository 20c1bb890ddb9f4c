"""A broadcaster, its node or its transcoder dies at a bad moment: no segment is lost, doubled or signed twice."""

import contextlib
import itertools

import pytest

from app.messages.records import JobStatus
from app.primitives.address import to_checksum
from tests.support.broadcast_world import Broadcaster, broadcast_world
from tests.support.processes import eventually
from tests.support.transcoder_stand_in import Fault
from tests.support.videos import draw_video
from transcoder.journal.broadcaster import BroadcasterJournal
from transcoder.journal.records import SegmentState
from transcoder.media.playlist_check import check_playlist

pytestmark = pytest.mark.media

SEGMENTS = 8


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_video(tmp_path_factory.mktemp("clip") / "clip.mp4", size="320x180", seconds=4)


@pytest.fixture
def world(tmp_path, clip):
    with broadcast_world(tmp_path, clip) as made:
        yield made


def assert_whole(world):
    """One job, each number once and with one payload, all renditions from first to last without a gap."""
    report = check_playlist(world.playlist)
    assert report.is_ok, report.describe()
    assert report.is_ended
    assert [each.segments for each in report.renditions] == [SEGMENTS, SEGMENTS]
    assert "DISCONTINUITY" not in (world.playlist.parent / "144p" / "index.m3u8").read_text()
    assert sorted(world.transcoder.hashes) == list(range(SEGMENTS))
    assert all(len(payloads) == 1 for payloads in world.transcoder.hashes.values())
    assert len(world.jobs()) == 1
    assert list((world.home / "segments" / "s").iterdir()) == []


def states(world):
    """The states in the journal of a broadcaster that is not running."""
    stream_id = f"0x{world.broadcaster.address.hex()}-s"
    with contextlib.closing(
        BroadcasterJournal(world.home / "journal.sqlite", to_checksum(world.broadcaster.address))
    ) as journal:
        return [segment.state for segment in journal.segments(stream_id)]


def test_killed_before_during_and_after_anything_the_stream_is_whole(world):
    """Killed right after its start, while ordering, with segments in flight, between two, and near the end."""
    world.transcoder.delay_seconds = 0.3
    for moment in ("started", "job", "published", "published"):
        with Broadcaster(world) as broadcaster:
            broadcaster.wait_for(moment, 2 if moment == "published" else 1)
            broadcaster.kill()
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert_whole(world)
    assert set(states(world)) == {SegmentState.RECEIPTED}


def test_what_was_in_flight_when_it_was_killed_is_sent_again_as_it_was(world):
    gate = {"fault": Fault.HANG}
    world.transcoder.fault = lambda request: gate["fault"] if request.number in (2, 3) else Fault.NONE
    with Broadcaster(world) as broadcaster:
        eventually(lambda: {2, 3} <= set(world.transcoder.hashes), "segments 2 and 3 in flight")
        broadcaster.kill()
    assert states(world)[2:4] == [SegmentState.SIGNED, SegmentState.SIGNED]
    gate["fault"] = Fault.NONE
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert broadcaster.of_kind("published")[0]["segment"] <= 2
    assert_whole(world)


def test_a_receipt_that_was_stored_but_not_published_is_published_after_the_restart(world):
    """Segment 1 has its receipt while 0 hangs; after the restart it must not be asked for again."""
    world.transcoder.fault = lambda request: Fault.HANG if request.number == 0 and hanging else Fault.NONE
    hanging = True
    with Broadcaster(world) as broadcaster:
        eventually(lambda: 2 in world.transcoder.answered, "segments 1 and 2 answered")
        eventually(lambda: (world.playlist.parent / "72p" / "2.ts").exists(), "segment 2 stored")
        broadcaster.kill()
    kept = states(world)
    hanging = False
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert_whole(world)
    again = [request.number for request in world.transcoder.requests]
    for number, state in enumerate(kept):
        if state is SegmentState.RECEIPTED:
            assert again.count(number) == 1


def test_a_node_that_is_away_for_a_while_does_not_stop_the_stream(world):
    with Broadcaster(world) as broadcaster:
        broadcaster.wait_for("published", 2)
        world.chain.is_reachable = False
        broadcaster.wait_for("published", SEGMENTS)
        world.chain.is_reachable = True
        assert broadcaster.end() == 0, broadcaster.errors
    assert_whole(world)
    assert world.jobs()[0].status in (JobStatus.ENDED, JobStatus.CLOSED)


def test_a_transcoder_that_is_away_for_a_while_gets_everything_later(world):
    away = itertools.count()
    world.transcoder.fault = lambda request: Fault.CRASH if request.number >= 3 and next(away) < 8 else Fault.NONE
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert_whole(world)
    assert len(broadcaster.of_kind("failed")) == 8


def test_two_broadcasters_in_one_home_are_refused(world):
    with Broadcaster(world) as first:
        first.wait_for("published")
        with Broadcaster(world) as second:
            assert second.end() == 2
            assert "journal.sqlite" in second.errors


def test_another_input_after_a_restart_goes_on_with_a_break_in_time(world, tmp_path):
    with Broadcaster(world) as broadcaster:
        broadcaster.wait_for("published", 2)
        broadcaster.kill()
    signed = len(states(world))
    world.clip = draw_video(tmp_path / "other.mp4", size="320x180", seconds=1)
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    report = check_playlist(world.playlist)
    assert report.is_ok, report.describe()
    assert report.renditions[0].segments == signed + 2
    text = (world.playlist.parent / "144p" / "index.m3u8").read_text()
    assert text.split("#EXT-X-DISCONTINUITY\n")[1].splitlines()[1] == f"{signed}.ts"
