"""Cutting files: continuous time over segments and loops, and every odd input a broadcaster may bring."""

import os
import random
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.videos import SMALL_LADDER, draw_video, ffmpeg, segments_of
from transcoder.media.cut import nal_types
from transcoder.media.demux import demux_segment
from transcoder.media.errors import MediaError, MediaReason
from transcoder.media.probe import probe
from transcoder.media.segmenter import START_TICKS, FileSegmenter, MediaSegment
from transcoder.media.timing import TICK_WRAP, TICKS_PER_SECOND, wrapped_difference
from transcoder.media.transcode import transcode_segment

pytestmark = pytest.mark.media
IDR = 5


def assert_continuous(segments: list[MediaSegment], frame_ticks: int, sound_ticks: float = 1920) -> None:
    """Pictures, decoding times and sound run on over every boundary; each segment begins with an IDR picture."""
    pictures, decoding, sound = [], [], []
    for segment in segments:
        parts = demux_segment(segment.data)
        assert IDR in nal_types(parts.video[0].data)
        assert parts.presentation_times[0] % TICK_WRAP == segment.start_ticks % TICK_WRAP
        assert len(parts.video) == segment.frames
        pictures += parts.presentation_times
        decoding += [frame.dts for frame in parts.video]
        sound += [frame.pts for frame in parts.audio.frames] if parts.audio else []
    assert all(abs(wrapped_difference(b, a) - frame_ticks) <= 1 for a, b in pairwise(pictures))
    assert all(wrapped_difference(b, a) > 0 for a, b in pairwise(decoding))
    assert all(abs(wrapped_difference(b, a) - sound_ticks) <= 2 for a, b in pairwise(sound))


def test_a_looped_file_has_continuous_time(tmp_path: Path) -> None:
    # 3.4 s: neither the segments of 2 s nor the sound's frames of 21.3 ms divide it.
    path = draw_video(tmp_path / "odd-length.mp4", seconds=3.4)
    segments = segments_of(path, 12, loop=True)
    assert_continuous(segments, 3600)
    assert [segment.frames for segment in segments[:4]] == [50, 35, 50, 35]
    assert [segment.sequence for segment in segments] == list(range(12))


def test_sound_stays_with_the_pictures_over_many_loops(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "short.mp4", seconds=1.28, size="160x90")
    with FileSegmenter(path, Fraction(2), loop=True) as segmenter:
        segment = next(segmenter.segments(5000))
    parts = demux_segment(segment.data)
    assert parts.audio is not None
    assert 0 <= wrapped_difference(parts.audio.frames[0].pts, parts.presentation_times[0]) < 1920


def test_due_times_are_those_of_a_live_source(video: Path) -> None:
    segments = segments_of(video, 3, loop=True)
    assert [segment.due_seconds for segment in segments] == [2, 4, 6]
    assert [segment.start_ticks - START_TICKS for segment in segments] == [0, 180_000, 360_000]
    assert {segment.duration_ticks for segment in segments} == {2 * TICKS_PER_SECOND}


@pytest.mark.parametrize("loop", [True, False])
def test_a_restart_in_the_middle_gives_the_same_bytes(video: Path, loop: bool) -> None:
    segments = segments_of(video, 4, seconds=Fraction(1), loop=loop)
    for first in (1, 3):
        with FileSegmenter(video, Fraction(1), loop=loop) as segmenter:
            assert next(segmenter.segments(first)) == segments[first]


def test_a_file_that_is_not_looped_ends(video: Path) -> None:
    segments = segments_of(video, 100, seconds=Fraction(3, 2))
    assert [segment.frames for segment in segments] == [38, 37, 25]
    assert_continuous(segments, 3600)
    with FileSegmenter(video, Fraction(3, 2)) as segmenter:
        assert list(segmenter.segments(3)) == []


def test_time_runs_on_over_the_33_bit_wrap(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "tiny.mp4", seconds=2, size="160x90")
    wrap = (TICK_WRAP - START_TICKS) // (2 * TICKS_PER_SECOND)
    with FileSegmenter(path, Fraction(2), loop=True) as segmenter:
        segments = [segment for segment, _ in zip(segmenter.segments(wrap - 1), range(4), strict=False)]
    assert segments[0].start_ticks < TICK_WRAP < segments[-1].start_ticks
    assert_continuous(segments, 3600)
    outputs = [transcode_segment(segment.data, SMALL_LADDER[1:]).renditions[0] for segment in segments]
    for segment, output in zip(segments, outputs, strict=True):
        assert demux_segment(output.data).presentation_times == demux_segment(segment.data).presentation_times


def test_fitting_key_frames_are_copied_and_others_encoded_once(tmp_path: Path, video: Path) -> None:
    fitting = draw_video(tmp_path / "fitting.mp4", "-g", "50", "-preset", "veryfast", "-sc_threshold", "0")
    with FileSegmenter(fitting, Fraction(2), loop=True) as segmenter:
        assert segmenter.plan.reencoded_because is None
        segments = [segment for segment, _ in zip(segmenter.segments(), range(6), strict=False)]
    assert_continuous(segments, 3600)
    sizes = [len(frame.data) for frame in demux_segment(segments[0].data).video]
    assert sum(sizes) < len(segments[0].data)
    with FileSegmenter(video, Fraction(2)) as segmenter:
        assert "key frames" in (segmenter.plan.reencoded_because or "")


def test_open_groups_of_pictures_are_not_copied(tmp_path: Path) -> None:
    options = ["-g", "25", "-preset", "veryfast", "-sc_threshold", "0", "-x264-params", "open-gop=1:bframes=3"]
    path = draw_video(tmp_path / "open.mp4", *options)
    with FileSegmenter(path, Fraction(1)) as segmenter:
        assert segmenter.plan.reencoded_because is not None
        assert_continuous(list(segmenter.segments()), 3600)


def test_copied_pictures_decode_to_the_same_as_the_file(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "copied.mp4", "-g", "25", "-sc_threshold", "0", seconds=2, has_sound=False)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(segment.data for segment in segments_of(path, 9, seconds=Fraction(1))))
    sums = []
    for file in (path, joined):
        ffmpeg("-i", file, "-f", "framehash", "-hash", "md5", tmp_path / "sums.txt")
        lines = (tmp_path / "sums.txt").read_text().splitlines()
        sums.append([line.split(",")[-1] for line in lines if not line.startswith("#")])
    assert len(sums[0]) == 50
    assert sums[0] == sums[1]


ODD_INPUTS = {
    "ten-bit": (["-pix_fmt", "yuv420p10le"], {}, (640, 360)),
    "odd-sized": (["-pix_fmt", "yuv444p"], {"size": "321x181"}, (320, 180)),
    "full-range": (["-pix_fmt", "yuvj420p"], {}, (640, 360)),
    "hevc": (["-c:v", "libx265", "-x265-params", "log-level=none", "-preset", "ultrafast"], {}, (640, 360)),
    "no-sound": ([], {"has_sound": False}, (640, 360)),
    "mp3-sound": (["-c:a", "libmp3lame"], {}, (640, 360)),
    "44-kHz": (["-ar", "44100"], {}, (640, 360)),
    "ntsc": ([], {"rate": "30000/1001"}, (640, 360)),
    "interlaced": (["-flags", "+ildct+ilme", "-x264-params", "tff=1"], {}, (640, 360)),
}


@pytest.mark.parametrize("name", list(ODD_INPUTS))
def test_odd_inputs_become_plain_segments(tmp_path: Path, name: str) -> None:
    options, drawing, size = ODD_INPUTS[name]
    path = draw_video(tmp_path / "odd.mkv", *options, seconds=2.4, **drawing)
    segments = segments_of(path, 9, seconds=Fraction(1))
    frame_ticks = 3003 if name == "ntsc" else 3600
    assert_continuous(segments, frame_ticks, 1024 * 90_000 / 44_100 if name == "44-kHz" else 1920)
    info = probe(segments[0].data)
    assert (info.video.width, info.video.height, info.video.pixel_format) == (*size, "yuv420p")
    assert (info.audio is None) == (name == "no-sound")
    assert sum(segment.duration_ticks for segment in segments) == pytest.approx(2.4 * 90_000, abs=frame_ticks)
    for segment in segments[:1]:
        assert len(transcode_segment(segment.data, SMALL_LADDER).renditions) == 2


def test_variable_frame_rate_becomes_steady(tmp_path: Path) -> None:
    path = tmp_path / "variable.mp4"
    uneven = ["-vf", "select='lt(n,25)+not(mod(n,3))'", "-fps_mode", "vfr"]
    draw_video(path, *uneven, seconds=4)
    with FileSegmenter(path, Fraction(2)) as segmenter:
        assert segmenter.plan.reencoded_because is not None
        rate = segmenter.plan.frame_rate
        segments = list(segmenter.segments())
    assert_continuous(segments, round(TICKS_PER_SECOND / rate))
    assert sum(segment.duration_ticks for segment in segments) == pytest.approx(4 * 90_000, abs=9000)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_rotated_video_is_turned_upright(tmp_path: Path, degrees: int) -> None:
    """The frame's left edge is painted; where it ends up shows which way the picture was turned."""
    flat = draw_video(tmp_path / "flat.mp4", "-vf", "drawbox=x=0:y=0:w=40:h=ih:color=white:t=fill", seconds=1)
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", str(degrees), "-i", flat, "-c", "copy", turned)
    assert probe(turned).video.rotation == degrees
    (tmp_path / "ours.ts").write_bytes(segments_of(turned, 1)[0].data)
    # FFmpeg's own command line turns by the same matrix: both must show the same picture.
    for source, name in ((turned, "theirs"), (tmp_path / "ours.ts", "ours")):
        ffmpeg("-i", source, "-frames:v", "1", "-vf", "scale=16:16,format=gray", "-f", "rawvideo", tmp_path / name)
    theirs, ours = (tmp_path / "theirs").read_bytes(), (tmp_path / "ours").read_bytes()
    assert max(abs(a - b) for a, b in zip(theirs, ours, strict=True)) < 24
    info = probe((tmp_path / "ours.ts").read_bytes()).video
    assert (info.width, info.height) == ((640, 360) if degrees == 180 else (360, 640))


def test_a_file_cut_short_plays_up_to_the_cut(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "whole.mp4", "-movflags", "+faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    segments = segments_of(path, 99, seconds=Fraction(1))
    assert 20 <= sum(segment.frames for segment in segments) <= 100
    assert_continuous(segments, 3600)


def refusal_of(path: Path) -> MediaError:
    with pytest.raises(MediaError) as refusal:
        segments_of(path, 1)
    return refusal.value


def test_what_is_no_video_is_refused_with_the_reason(tmp_path: Path) -> None:
    whole = draw_video(tmp_path / "whole.mp4").read_bytes()
    audio = draw_video(tmp_path / "audio.mp4", "-vn")
    cases = {
        "empty.mp4": (b"", MediaReason.EMPTY, "no bytes"),
        "text.mp4": (b"not a video at all\n" * 500, MediaReason.NOT_MEDIA, "no video container"),
        "playlist.m3u8": (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", MediaReason.NOT_MEDIA, "no video container"),
        "short.mp4": (whole[: len(whole) // 2], MediaReason.TRUNCATED, "moov"),
        "audio.mp4": (audio.read_bytes(), MediaReason.NO_VIDEO, "only audio"),
    }
    for name, (content, reason, text) in cases.items():
        (tmp_path / name).write_bytes(content)
        refusal = refusal_of(tmp_path / name)
        assert refusal.reason is reason, name
        assert text in str(refusal), name
    assert "no such file" in str(refusal_of(tmp_path / "missing.mp4"))
    assert "not a regular file" in str(refusal_of(tmp_path))
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "not a regular file" in str(refusal_of(tmp_path / "pipe.mp4"))


def test_time_stamps_that_jump_are_refused_and_not_filled_up(tmp_path: Path) -> None:
    path = draw_video(
        tmp_path / "jump.mkv", "-vf", "setpts='PTS+gt(N,20)*500/TB'", "-fps_mode", "passthrough", seconds=2
    )
    assert "jump by" in str(refusal_of(path))


def test_a_segment_length_without_sense_is_refused(video: Path) -> None:
    for seconds in (Fraction(0), Fraction(-1), Fraction(31)):
        with pytest.raises(ValueError, match="a segment lasts"):
            FileSegmenter(video, seconds)


MEMORY_SCRIPT = """
import resource, sys
from fractions import Fraction
from pathlib import Path
from transcoder.media.segmenter import FileSegmenter
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with FileSegmenter(Path(sys.argv[1]), Fraction(1), loop=True) as segmenter:
    for segment in segmenter.segments():
        if segment.sequence == 40:
            early = peak()
        if segment.sequence == 600:
            break
print(peak() - early)
"""


def test_memory_does_not_grow_with_the_number_of_segments(tmp_path: Path) -> None:
    path = draw_video(tmp_path / "video.mp4", size="320x180")
    command = [sys.executable, "-c", MEMORY_SCRIPT, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert int(done.stdout) < 8 * 1024, "kibibytes more after 560 segments"


def test_a_change_of_picture_size_within_the_file_is_evened_out(tmp_path: Path) -> None:
    large = draw_video(tmp_path / "large.ts", "-f", "mpegts", seconds=1)
    small = draw_video(tmp_path / "small.ts", "-f", "mpegts", "-output_ts_offset", "1", size="320x180", seconds=1)
    both = tmp_path / "both.ts"
    both.write_bytes(large.read_bytes() + small.read_bytes())
    segments = segments_of(both, 9, seconds=Fraction(1, 2))
    assert_continuous(segments, 3600)
    assert [probe(segment.data).video.width for segment in segments] == [640] * 4


def test_damaged_files_are_refused_or_cut_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(2)
    sources = [
        draw_video(tmp_path / f"whole.{kind}", *options, size="160x90", seconds=1)
        for kind, options in (("mp4", []), ("mkv", []), ("flv", []), ("ts", ["-f", "mpegts"]))
    ]
    outcomes = {"refused": 0, "cut": 0}
    for number in range(80):
        source = sources[number % 4]
        data = bytearray(source.read_bytes())
        for _ in range(chance.choice((1, 10, 200))):
            # The ends hold the headers and indexes, where damage is most interesting.
            place = chance.choice((chance.randrange(3000), -1 - chance.randrange(3000), chance.randrange(len(data))))
            data[place % len(data)] = chance.randrange(256)
        damaged = tmp_path / f"damaged{source.suffix}"
        damaged.write_bytes(data)
        try:
            with FileSegmenter(damaged, Fraction(1)) as segmenter:
                outcomes["cut"] += len(list(segmenter.segments())) > 0
        except MediaError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 5, outcomes
