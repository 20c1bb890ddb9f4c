"""The verified profile: equal bytes whatever the machine does, and outputs that are what the ladder asks for."""

import json
import random
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.videos import SMALL_LADDER, draw_video, segments_of
from transcoder.media.demux import demux_segment
from transcoder.media.errors import MediaError, MediaReason
from transcoder.media.ladder import Rendition
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.limits import SegmentLimits
from transcoder.media.probe import probe
from transcoder.media.transcode import transcode_segment

pytestmark = pytest.mark.media
INSTRUCTION_SETS = {"none": (0, "0"), "mmx": (0x1, "mmx"), "sse2": (0x1F, "sse2"), "ssse3": (0xFF, "ssse3")}
"""FFmpeg's flags (libavutil/cpu.h, cumulative) and x264's name for each."""
REPOSITORY = Path(__file__).resolve().parents[2]


def hashes(result: TranscodedSegment) -> list[str]:
    return [output.sha256.hex() for output in result.renditions]


def test_repeated_runs_give_equal_bytes(segment: bytes, transcoded: TranscodedSegment) -> None:
    for _ in range(3):
        assert transcode_segment(segment, SMALL_LADDER, key=b"verifier") == transcoded


@pytest.mark.parametrize("queued_pictures", [1, 2, 64])
def test_the_schedule_of_threads_does_not_show(
    segment: bytes, transcoded: TranscodedSegment, queued_pictures: int
) -> None:
    interval = sys.getswitchinterval()
    is_done = threading.Event()
    busy = threading.Thread(target=lambda: [None for _ in iter(is_done.is_set, True)])
    busy.start()
    try:
        sys.setswitchinterval(1e-5 * queued_pictures)
        found = transcode_segment(segment, SMALL_LADDER, key=b"verifier", queued_pictures=queued_pictures)
    finally:
        sys.setswitchinterval(interval)
        is_done.set()
        busy.join()
    assert found == transcoded


def hashes_elsewhere(instructions: str, files: list[Path], cpu_independent: str = "1") -> dict[str, list[str]]:
    flags, x264_name = INSTRUCTION_SETS[instructions]
    command = [sys.executable, "-m", "tests.support.transcode_on", str(flags), x264_name, cpu_independent]
    done = subprocess.run(
        [*command, *map(str, files)], check=True, capture_output=True, text=True, cwd=REPOSITORY, timeout=120
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def varied_segments(tmp_path_factory: pytest.TempPathFactory, segment: bytes) -> list[Path]:
    """8-bit, 10-bit, full-range and 4:4:4 pictures."""
    folder = tmp_path_factory.mktemp("varied")
    (folder / "plain.ts").write_bytes(segment)
    wanted = {
        "ten-bit": ["-pix_fmt", "yuv420p10le"],
        "full-range": ["-pix_fmt", "yuvj420p"],
        "4:4:4": ["-pix_fmt", "yuv444p"],
    }
    for name, options in wanted.items():
        draw_video(folder / f"{name}.ts", *options, "-g", "100", "-f", "mpegts", size="320x180", seconds=1)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("instructions", list(INSTRUCTION_SETS))
def test_lower_instruction_sets_give_equal_bytes(varied_segments: list[Path], instructions: str) -> None:
    here = {file.name: hashes(transcode_segment(file.read_bytes(), SMALL_LADDER)) for file in varied_segments}
    assert hashes_elsewhere(instructions, varied_segments) == here


def test_without_cpu_independence_old_processors_differ(varied_segments: list[Path]) -> None:
    plain = [file for file in varied_segments if file.name == "plain.ts"]
    found = {str(hashes_elsewhere(each, plain, cpu_independent="0")) for each in ("none", "sse2", "ssse3")}
    assert len(found) > 1, "forcing instruction sets has no effect, so the test above proves nothing"


def test_outputs_have_the_sizes_and_times_the_ladder_asks_for(segment: bytes, transcoded: TranscodedSegment) -> None:
    source = demux_segment(segment)
    for rendition, output in zip(SMALL_LADDER, transcoded.renditions, strict=True):
        info = probe(output.data)
        assert (info.video.width, info.video.height) == (rendition.width, rendition.height)
        copy = demux_segment(output.data)
        assert copy.presentation_times == source.presentation_times
        assert copy.audio == source.audio
        assert output.frames == len(source.video) == 50


def test_a_lower_frame_rate_leaves_out_every_second_picture(segment: bytes, transcoded: TranscodedSegment) -> None:
    half = Rendition("half", 256, 144, 25, 2, 30)
    result = transcode_segment(segment, [*SMALL_LADDER, half])
    times = demux_segment(segment).presentation_times
    assert demux_segment(result.rendition("half").data).presentation_times == times[::2]
    assert result.renditions[:2] == transcoded.renditions


def test_a_rendition_is_the_same_whichever_others_surround_it_on_its_level(segment: bytes) -> None:
    both = transcode_segment(segment, SMALL_LADDER)
    largest_alone = transcode_segment(segment, SMALL_LADDER[:1])
    assert largest_alone.renditions[0] == both.renditions[0]


def test_the_keyed_digest_depends_on_key_and_pictures(segment: bytes, transcoded: TranscodedSegment) -> None:
    other_key = transcode_segment(segment, SMALL_LADDER, key=b"another verifier")
    assert other_key.renditions == transcoded.renditions
    fewer = transcode_segment(segment, SMALL_LADDER[:1], key=b"verifier")
    assert len({transcoded.keyed_digest, other_key.keyed_digest, fewer.keyed_digest}) == 3
    assert transcode_segment(segment, SMALL_LADDER[:1]).keyed_digest is None


def test_a_segment_larger_than_a_limit_is_refused(segment: bytes) -> None:
    for limits in (
        SegmentLimits(input_bytes=1000),
        SegmentLimits(pictures=49),
        SegmentLimits(picture_pixels=640 * 359),
        SegmentLimits(duration_seconds=1),
    ):
        with pytest.raises(MediaError) as refusal:
            transcode_segment(segment, SMALL_LADDER, limits=limits)
        assert refusal.value.reason is MediaReason.TOO_LARGE


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_segment_cut_short_is_refused(segment: bytes, share: float) -> None:
    whole_packets = int(len(segment) * share) // 188 * 188
    with pytest.raises(MediaError):
        transcode_segment(segment[:whole_packets], SMALL_LADDER)
    with pytest.raises(MediaError, match="188-byte packets"):
        transcode_segment(segment[: whole_packets + 100], SMALL_LADDER)


def test_what_is_no_segment_is_refused_with_the_reason(video: Path, tmp_path: Path) -> None:
    audio = draw_video(tmp_path / "audio.ts", "-vn", "-f", "mpegts", seconds=1)
    mpeg2 = draw_video(tmp_path / "mpeg2.ts", "-c:v", "mpeg2video", "-f", "mpegts", keep_codec=True, seconds=1)
    hevc = draw_video(
        tmp_path / "hevc.ts", "-c:v", "libx265", "-x265-params", "log-level=none", "-f", "mpegts", seconds=1
    )
    mp3 = draw_video(tmp_path / "mp3.ts", "-c:a", "libmp3lame", "-f", "mpegts", seconds=1)
    cases = {
        b"": (MediaReason.EMPTY, "no bytes"),
        video.read_bytes(): (MediaReason.NOT_MEDIA, "sync byte"),
        b"\x47" + bytes(187): (MediaReason.NOT_MEDIA, "not an MPEG-TS segment"),
        audio.read_bytes(): (MediaReason.NO_VIDEO, "only audio"),
        mpeg2.read_bytes(): (MediaReason.UNSUPPORTED, "mpeg2video"),
        hevc.read_bytes(): (MediaReason.UNSUPPORTED, "video is hevc"),
        mp3.read_bytes(): (MediaReason.UNSUPPORTED, "audio is mp3"),
    }
    for data, (reason, text) in cases.items():
        with pytest.raises(MediaError, match=text) as refusal:
            transcode_segment(data, SMALL_LADDER)
        assert refusal.value.reason is reason


def test_damage_is_refused_or_harmless_but_never_anything_else(video: Path) -> None:
    """Flipped bytes: a clear refusal, or a result that a second run repeats."""
    data = segments_of(video, 1, seconds=Fraction(2, 5))[0].data
    chance = random.Random(1)
    refused = 0
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 3, 30))):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        try:
            result = transcode_segment(bytes(damaged), SMALL_LADDER[1:])
        except MediaError:
            refused += 1
            continue
        assert transcode_segment(bytes(damaged), SMALL_LADDER[1:]) == result
    assert refused > 10, "the damage is too light to show anything"


def test_an_error_in_one_encoder_ends_all_threads(segment: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from transcoder.media import transcode

    class Failing(transcode.SegmentEncoder):
        count = 0

        def encode(self, picture):  # type: ignore[no-untyped-def]
            Failing.count += 1
            if Failing.count == 7:
                raise RuntimeError("a broken encoder")
            return super().encode(picture)

    monkeypatch.setattr(transcode, "SegmentEncoder", Failing)
    before = threading.active_count()
    with pytest.raises(RuntimeError, match="a broken encoder"):
        transcode_segment(segment, SMALL_LADDER, queued_pictures=1)
    assert threading.active_count() == before


def test_ten_bit_and_odd_shapes_come_out_as_eight_bit(varied_segments: list[Path]) -> None:
    for file in varied_segments:
        output = transcode_segment(file.read_bytes(), SMALL_LADDER).renditions[0]
        assert probe(output.data).video.pixel_format == "yuv420p", file.name
