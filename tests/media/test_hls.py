"""A stream from file to playlist, and the strict player that checks it."""

import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import pytest

from tests.support.videos import SMALL_LADDER, draw_video, segments_of
from transcoder.media.hls import (
    BandwidthMeter,
    MediaPlaylist,
    PlaylistEntry,
    Variant,
    render_master,
    segment_codecs,
)
from transcoder.media.playlist_check import check_playlist
from transcoder.media.tamper import Cheat, tamper
from transcoder.media.timing import TICKS_PER_SECOND
from transcoder.media.transcode import transcode_segment

pytestmark = pytest.mark.media
TARGET = Fraction(2)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five segments of a looped file of 3.4 s in two renditions."""
    folder = tmp_path_factory.mktemp("stream")
    source = draw_video(folder / "source.mp4", seconds=3.4, size="426x240")
    results = [transcode_segment(each.data, SMALL_LADDER) for each in segments_of(source, 5, loop=True)]
    variants = []
    for rendition in SMALL_LADDER:
        playlist, meter = MediaPlaylist(TARGET), BandwidthMeter(TARGET)
        (folder / rendition.name).mkdir()
        for number, result in enumerate(results):
            data, seconds = result.rendition(rendition.name).data, Fraction(result.duration_ticks, TICKS_PER_SECOND)
            (folder / rendition.name / f"{number}.ts").write_bytes(data)
            playlist.append(PlaylistEntry(f"{number}.ts", seconds))
            meter.add(len(data), seconds)
        playlist.finish()
        (folder / rendition.name / "index.m3u8").write_text(playlist.render())
        sizes = (meter.peak, meter.average, rendition.width, rendition.height)
        variants.append(Variant(f"{rendition.name}/index.m3u8", *sizes, segment_codecs(data), Fraction(25)))
    (folder / "master.m3u8").write_text(render_master(variants))
    return folder


@pytest.fixture
def copy(stream: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stream, tmp_path / "copy"))


def test_every_rendition_plays_from_first_to_last_picture(stream: Path) -> None:
    report = check_playlist(stream)
    assert report.is_ok, report.describe()
    assert report.is_ended
    assert [(each.segments, each.pictures) for each in report.renditions] == [(5, 50 + 35 + 50 + 35 + 50)] * 2
    assert {each.duration_seconds for each in report.renditions} == {Fraction(44, 5)}


def test_another_player_reads_the_stream_without_a_warning(stream: Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-nostdin", "-i", str(stream / "master.m3u8")]
    done = subprocess.run([*command, "-map", "0", "-f", "null", "-"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_codecs_attribute_says_what_the_segments_are(stream: Path) -> None:
    codecs = segment_codecs((stream / "240p" / "0.ts").read_bytes())
    video, audio = codecs.split(",")
    assert video.startswith("avc1.6400")
    assert audio == "mp4a.40.2"


def problems(folder: Path) -> str:
    report = check_playlist(folder / "master.m3u8")
    assert not report.is_ok
    return report.describe()


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_a_missing_segment_is_found(copy: Path) -> None:
    (copy / "144p" / "3.ts").unlink()
    assert "3.ts" in problems(copy)


def test_a_left_out_segment_is_a_jump_in_time(copy: Path) -> None:
    edit(copy / "144p" / "index.m3u8", "#EXTINF:1.400000,\n1.ts\n", "")
    found = problems(copy)
    assert "the picture time jumps" in found
    assert "the sound's time jumps" in found
    assert "not cut at the same times" in found


def test_a_damaged_segment_is_found(copy: Path) -> None:
    file = copy / "240p" / "2.ts"
    data = bytearray(file.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 940] = bytes(940)
    file.write_bytes(data)
    assert "2.ts: " in problems(copy)


def test_a_picture_size_other_than_promised_is_found(copy: Path) -> None:
    edit(copy / "master.m3u8", "RESOLUTION=426x240", "RESOLUTION=428x240")
    assert "the master playlist says 428x240" in problems(copy)


def test_a_cheated_size_is_found_in_the_stream(copy: Path, stream: Path) -> None:
    source = segments_of(stream / "source.mp4", 1)[0]
    cheated = tamper(transcode_segment(source.data, SMALL_LADDER), "144p", Cheat.WRONG_SIZE)
    (copy / "144p" / "0.ts").write_bytes(cheated.rendition("144p").data)
    assert "0.ts is 128x72" in problems(copy)


def test_a_wrong_duration_bandwidth_or_codec_is_found(copy: Path) -> None:
    edit(copy / "240p" / "index.m3u8", "#EXTINF:1.400000", "#EXTINF:1.900000")
    edit(copy / "master.m3u8", "BANDWIDTH=", "BANDWIDTH=1,OLD=")
    edit(copy / "master.m3u8", "mp4a.40.2", "mp4a.40.5")
    found = problems(copy)
    for part in ("its EXTINF says 1.900", "BANDWIDTH is 1", "CODECS says"):
        assert part in found


def test_addresses_that_lead_elsewhere_are_not_followed(copy: Path) -> None:
    for address in ("../source.mp4", "/etc/passwd", "http://localhost/0.ts"):
        edit(copy / "240p" / "index.m3u8", "0.ts", address)
        assert "does not lie beside the playlist" in problems(copy)
        edit(copy / "240p" / "index.m3u8", address, "0.ts")


def test_what_is_no_playlist_is_said_to_be_none(tmp_path: Path) -> None:
    assert "No such file" in check_playlist(tmp_path).describe()
    (tmp_path / "master.m3u8").write_text("hello")
    assert "begins with #EXTM3U" in check_playlist(tmp_path).describe()
    (tmp_path / "master.m3u8").write_text("#EXTM3U\n")
    assert "names no rendition" in check_playlist(tmp_path).describe()
    assert not replace(check_playlist(tmp_path), problems=()).is_ok
