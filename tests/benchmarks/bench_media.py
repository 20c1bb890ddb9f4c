"""The verified profile against FFmpeg's command line: 1080p into 720, 480, 360 and 240 lines, wall time and ratio.

`python -m tests.benchmarks.bench_media` prints a table. The command line runs at its default threading with
otherwise the same settings, once per round beside us, in turns, so that a noisy machine is unfair to both alike.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
from rich.console import Console
from rich.table import Table

from transcoder.media.clip import CACHE, ensure_clip
from transcoder.media.ladder import Rendition
from transcoder.media.profile import VERIFIED_PROFILE
from transcoder.media.segmenter import FileSegmenter
from transcoder.media.transcode import transcode_segment

TARGET_RATIO = 1.05
SEGMENT_SECONDS = Fraction(2)
SEGMENTS_AT_ONCE = 3
CRF = 23
LADDER = tuple(
    Rendition(f"{height}p", width, height, 0, 1, CRF)
    for width, height in ((1280, 720), (854, 480), (640, 360), (426, 240))
)


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall clock and of processor time."""

    wall: float
    processor: float


def make_input(seconds: int) -> Path:
    """The clip, looped and scaled up to 1080p30 with a closed group of pictures every 2 s; kept in the cache."""
    target = CACHE.parent / "bench" / f"1080p30-{seconds}s.ts"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_suffix(".part.ts")
    options = ["-vf", "scale=1920:1080:flags=lanczos", "-r", "30", "-t", str(seconds), "-c:v", "libx264"]
    options += ["-preset", "veryfast", "-crf", "18", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0"]
    options += ["-flags", "+cgop", "-c:a", "copy", "-f", "mpegts"]
    run_ffmpeg(["-stream_loop", "-1", "-i", str(ensure_clip()), *options, str(draft)])
    draft.replace(target)
    return target


def run_ffmpeg(arguments: list[str]) -> None:
    """The command line, quietly."""
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments], check=True)


def command_line(source: Path) -> None:
    """All renditions from one decode, as an operator would write it."""
    gop = int(30 * SEGMENT_SECONDS)
    arguments = ["-i", str(source)]
    for rendition in LADDER:
        arguments += ["-map", "0:v", "-map", "0:a", "-s", f"{rendition.width}x{rendition.height}"]
        arguments += ["-sws_flags", VERIFIED_PROFILE.scaler_flags, "-c:v", "libx264", "-crf", str(rendition.crf)]
        arguments += [part for name, value in VERIFIED_PROFILE.encoder_options for part in (f"-{name}:v", value)]
        arguments += ["-g", str(gop), "-x264-params", "scenecut=0", "-c:a", "copy"]
        arguments += ["-f", "mpegts", str(source.with_name(f"command-line-{rendition.name}.ts"))]
    run_ffmpeg(arguments)


def ours(segments: list[bytes], folder: Path) -> None:
    """Every segment through the verified profile, with all digests, as `transcoder start --parallel 3` works."""
    with ThreadPoolExecutor(SEGMENTS_AT_ONCE) as pool:
        results = list(pool.map(lambda data: transcode_segment(data, LADDER), segments))
    for number, result in enumerate(results):
        for output in result.renditions:
            (folder / f"ours-{number % 8}-{output.name}.ts").write_bytes(output.data)


def measure(work: Callable[[], None]) -> Cost:
    """What one run costs, children counted."""
    before = _processor_seconds()
    start = time.perf_counter()
    work()
    return Cost(time.perf_counter() - start, _processor_seconds() - before)


def _processor_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def median(costs: list[Cost]) -> Cost:
    """The medians of wall clock and processor time."""
    return Cost(statistics.median(each.wall for each in costs), statistics.median(each.processor for each in costs))


def compare(seconds: int, rounds: int) -> tuple[Cost, Cost]:
    """Medians of both over the rounds: ours, the command line's."""
    source = make_input(seconds)
    with FileSegmenter(source, SEGMENT_SECONDS) as segmenter:
        segments = [segment.data for segment in segmenter.segments()]
    mine, theirs = [], []
    for _ in range(rounds):
        theirs.append(measure(lambda: command_line(source)))
        mine.append(measure(lambda: ours(segments, source.parent)))
    return median(mine), median(theirs)


def main() -> int:
    """Print the table; the exit code says nothing about speed, because machines differ."""
    parser = argparse.ArgumentParser(description="The verified profile against FFmpeg's command line.")
    parser.add_argument("--seconds", type=int, default=20, help="length of the 1080p30 input (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, medians are shown (%(default)s)")
    options = parser.parse_args()
    mine, theirs = compare(options.seconds, options.rounds)
    table = Table(title=f"1080p30 → 720/480/360/240p, {options.seconds} s, median of {options.rounds}")
    for heading in ("", "wall", "processor", "of real time"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, cost in (("FFmpeg command line", theirs), ("verified profile", mine)):
        speed = f"{options.seconds / cost.wall:.2f}x"
        table.add_row(name, f"{cost.wall:.2f} s", f"{cost.processor:.2f} s", speed)
    ratio = mine.wall / theirs.wall
    verdict = "reached" if ratio <= TARGET_RATIO else f"missed by {ratio / TARGET_RATIO - 1:.0%}"
    table.add_row(
        "ratio", f"{ratio:.3f}", f"{mine.processor / theirs.processor:.3f}", f"target <= {TARGET_RATIO} {verdict}"
    )
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
