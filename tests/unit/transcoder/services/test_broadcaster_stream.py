"""A broadcaster process against the real engine and a transcoder that works: from the file to the playlists."""

import json
import signal
import urllib.request

import pytest

from app.messages.records import JobStatus
from app.primitives.address import to_checksum
from app.state import tables
from chain.cli.main import run
from tests.support.broadcast_world import Broadcaster, broadcast_world
from tests.support.processes import headwater
from tests.support.videos import draw_video
from transcoder.media.playlist_check import check_playlist

pytestmark = pytest.mark.media
OVER = (JobStatus.ENDED, JobStatus.CLOSED)
"""The chain of tests makes blocks as fast as it can: a claim period may pass before anybody looks."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_video(tmp_path_factory.mktemp("clip") / "clip.mp4", size="320x180", seconds=2.4)


@pytest.fixture
def world(tmp_path, clip):
    with broadcast_world(tmp_path, clip) as made:
        yield made


def fetch(url, method="GET", **headers):
    with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=10) as answer:
        return answer.status, answer.headers, answer.read()


def assert_plays(world, segments):
    report = check_playlist(world.playlist)
    assert report.is_ok, report.describe()
    assert report.is_ended
    assert [each.segments for each in report.renditions] == [segments, segments]


def test_a_file_becomes_a_stream_its_job_is_paid_for_ordered_and_ended(world):
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert [event["segment"] for event in broadcaster.of_kind("published")] == [0, 1, 2, 3, 4]
    assert_plays(world, 5)
    (job,) = world.jobs()
    assert job.status in OVER
    assert job.stream_id == f"0x{world.broadcaster.address.hex()}-s"
    deposit = world.chain.do(lambda chain: tables.DEPOSITS.read(chain.state, world.broadcaster.address).amount)
    assert deposit + job.escrow == 10**16
    assert broadcaster.events[-1] == {
        "event": "finished", "how": "finished", "published": 5, "dropped": 0, "job": 1,
    }  # fmt: skip


def test_a_loop_runs_on_with_continuous_time_until_its_duration(world):
    with Broadcaster(world, "--loop", "--duration", "4.6") as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert_plays(world, 10)
    assert "DISCONTINUITY" not in (world.playlist.parent / "144p" / "index.m3u8").read_text()


def test_a_second_broadcast_of_a_stream_has_a_job_of_its_own_and_goes_on_counting(world):
    for first in (0, 5):
        with Broadcaster(world) as broadcaster:
            assert broadcaster.end() == 0, broadcaster.errors
        assert broadcaster.of_kind("published")[0]["segment"] == first
        assert_plays(world, 5)
    assert len(world.jobs()) == 2
    assert [len(payloads) for payloads in world.transcoder.hashes.values()] == [1] * 10


def test_a_running_stream_is_served_with_the_right_types_to_any_page(world):
    with Broadcaster(world, "--loop") as broadcaster:
        broadcaster.wait_for("published", 2)
        url = broadcaster.of_kind("serving")[0]["url"]
        status, headers, body = fetch(url, Origin="http://elsewhere")
        assert status == 200
        assert headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert b"144p/index.m3u8" in body
        base = url.removesuffix("index.m3u8")
        assert b"#EXT-X-ENDLIST" not in fetch(f"{base}144p/index.m3u8")[2]
        status, headers, body = fetch(f"{base}144p/0.ts", Range="bytes=0-187")
        assert (status, len(body), body[0]) == (206, 188, 0x47)
        assert headers["Content-Type"] == "video/mp2t"
        assert "immutable" in headers["Cache-Control"]
        assert fetch(f"{base}144p/0.ts", "OPTIONS")[0] == 204


def test_status_asks_the_running_broadcaster(world):
    with Broadcaster(world, "--loop") as broadcaster:
        broadcaster.wait_for("published", 2)
        answer = headwater("broadcaster", "status", "--home", world.home, "-o", "json")
        assert answer.returncode == 0, answer.stderr
        found = json.loads(answer.stdout)
        assert found["health"]["status"] == "ok"
        assert found["counts"]["segments/receipted"] >= 2
        assert found["playlist"].endswith("/stream/s/index.m3u8")
        text = headwater("broadcaster", "status", "--home", world.home).stdout
        assert "receipted" in text
    answer = headwater("broadcaster", "status", "--home", world.home)
    assert answer.returncode == 3
    assert "no broadcaster answers" in answer.stderr


def test_sigterm_brings_an_endless_stream_to_a_clean_end(world):
    with Broadcaster(world, "--loop") as broadcaster:
        broadcaster.wait_for("published", 3)
        broadcaster.process.send_signal(signal.SIGTERM)
        assert broadcaster.end() == 0, broadcaster.errors
    assert_plays(world, len(broadcaster.of_kind("published")))
    assert world.jobs()[0].status in OVER


def test_a_job_that_is_kept_on_stop_is_continued_by_the_next_start(world):
    with Broadcaster(world, "--loop", "--duration", "4.6", "--keep-job-on-stop") as broadcaster:
        broadcaster.wait_for("published", 3)
        broadcaster.process.send_signal(signal.SIGTERM)
        assert broadcaster.end() == 0, broadcaster.errors
    assert "#EXT-X-ENDLIST" not in (world.playlist.parent / "144p" / "index.m3u8").read_text()
    assert world.jobs()[0].status is JobStatus.ASSIGNED
    with Broadcaster(world, "--loop", "--duration", "4.6") as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    assert_plays(world, 10)
    (job,) = world.jobs()
    assert job.status in OVER


def test_a_window_keeps_playlists_and_disk_small(world):
    with Broadcaster(world, "--loop", "--duration", "5.5", "--window", "3") as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    text = (world.playlist.parent / "144p" / "index.m3u8").read_text()
    assert text.count(".ts") == 3
    published = len(broadcaster.of_kind("published"))
    assert f"#EXT-X-MEDIA-SEQUENCE:{published - 3}\n" in text
    assert len(list((world.playlist.parent / "144p").glob("*.ts"))) == 6
    assert check_playlist(world.playlist).is_ok


def test_without_a_transcoder_that_suits_the_error_says_what_to_do(tmp_path, clip):
    with broadcast_world(tmp_path, clip, slots=0) as world, Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 1
        assert "without a transcoder" in broadcaster.errors
        assert "--price" in broadcaster.errors


def test_a_job_that_was_ordered_elsewhere_can_be_used_by_its_owner_only(world):
    with Broadcaster(world, "--keep-job-on-stop", "--loop") as broadcaster:
        broadcaster.wait_for("published")
        broadcaster.process.send_signal(signal.SIGTERM)
        broadcaster.end()
    with Broadcaster(world, "--job", "7") as broadcaster:
        assert broadcaster.end() == 2
        assert "no job 7" in broadcaster.errors
    with Broadcaster(world, "--job", "1", "--duration", "1") as broadcaster:
        assert broadcaster.end() == 0, broadcaster.errors
    (job,) = world.jobs()
    assert job.status in OVER
    with Broadcaster(world, "--job", "1") as broadcaster:
        assert broadcaster.end() == 2
        assert "ended at height" in broadcaster.errors


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--ladder", "1080p"], "larger than the input"),
        (["--stream", "a/b"], "NAME of letters"),
        (["--stream", ".."], "must not begin with a dot"),
        (["--price", "3LPT"], "not an amount"),
        (["--listen", "nowhere"], "HOST:PORT"),
        (["--from", "nobody"], "there is no key 'nobody'"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_before_anything_is_ordered(world, capsys, arguments, text):
    assert run(world.command(*arguments)[3:]) == 2
    assert text in capsys.readouterr().err
    assert world.jobs() == []


def test_an_input_without_video_is_refused(world, tmp_path):
    world.clip = tmp_path / "words.mp4"
    world.clip.write_text("these are words")
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 2
    assert "cannot be broadcast" in broadcaster.errors


def test_the_job_event_names_the_drawn_transcoder(world):
    with Broadcaster(world) as broadcaster:
        assert broadcaster.end() == 0
    assigned = [event for event in broadcaster.of_kind("job") if event["status"] == "assigned"]
    assert [event["transcoder"] for event in assigned] == [to_checksum(world.transcoder.party.address)]
