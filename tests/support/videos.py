"""Inputs for media tests, drawn by FFmpeg's command line so that the code under test does not make its own exam."""

import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg

from transcoder.media.ladder import Rendition
from transcoder.media.segmenter import FileSegmenter, MediaSegment

PICTURES = "testsrc2=size={size}:rate={rate}:duration={seconds}"
TONE = "sine=frequency=440:sample_rate=48000:duration={seconds}"
SMALL_LADDER = (
    Rendition("240p", 426, 240, 0, 1, 30),
    Rendition("144p", 256, 144, 0, 1, 30),
)


def ffmpeg(*arguments: str | Path) -> None:
    """Run FFmpeg's command line, quietly and without questions."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=120)


def draw_video(
    path: Path,
    *options: str,
    size: str = "640x360",
    rate: str = "25",
    seconds: float = 4,
    has_sound: bool = True,
    keep_codec: bool = False,
) -> Path:
    """A test picture with a tone; H.264 with a key frame every 0.6 s unless the options say otherwise."""
    sources = ["-f", "lavfi", "-i", PICTURES.format(size=size, rate=rate, seconds=seconds)]
    if has_sound:
        sources += ["-f", "lavfi", "-i", TONE.format(seconds=seconds), "-c:a", "aac", "-ac", "2"]
    codec = [] if keep_codec else ["-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-pix_fmt", "yuv420p"]
    ffmpeg(*sources, *codec, *options, path)
    return path


def segments_of(path: Path, count: int, *, seconds: Fraction = Fraction(2), loop: bool = False) -> list[MediaSegment]:
    """The first segments of a file."""
    with FileSegmenter(path, seconds, loop=loop) as segmenter:
        found: Iterator[MediaSegment] = segmenter.segments()
        return [segment for segment, _ in zip(found, range(count), strict=False)]
