"""Playing a finished or running HLS stream as a strict player would: every picture of every rendition is decoded."""

import itertools
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from transcoder.media.adts import SAMPLES_PER_FRAME
from transcoder.media.coded import AudioTrack
from transcoder.media.demux import DemuxedSegment, demux_segment
from transcoder.media.errors import MediaError
from transcoder.media.hls import segment_codecs
from transcoder.media.limits import SegmentLimits
from transcoder.media.pictures import PictureDecoder
from transcoder.media.timing import TICKS_PER_SECOND, mean_frame_ticks, wrapped_difference

CHECK_LIMITS = SegmentLimits(input_bytes=1 << 30, pictures=100_000)
MAX_PICTURE_GAP = Fraction(5, 2)
"""In mean picture distances; a frame-rate ceiling may leave out one picture in between."""
MAX_SOUND_GAP = Fraction(3, 2)
PROBLEMS_REPORTED = 20
ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^,]*)')


@dataclass(frozen=True, slots=True)
class RenditionReport:
    """What was found in one rendition; no problems means every picture decoded and time ran on without a gap."""

    uri: str
    width: int
    height: int
    segments: int
    pictures: int
    duration_seconds: Fraction
    starts: tuple[int, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlaylistReport:
    """What was found in a stream; `problems` are those of the master playlist itself."""

    renditions: tuple[RenditionReport, ...]
    is_ended: bool
    problems: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        """Whether everything is as it should be."""
        return bool(self.renditions) and not self.problems and not any(each.problems for each in self.renditions)

    def describe(self) -> str:
        """One line per rendition, and every problem on a line of its own."""
        lines = [f"master playlist: {problem}" for problem in self.problems]
        for each in self.renditions:
            lines.append(
                f"{each.uri}: {each.width}x{each.height}, {each.segments} segments, {each.pictures} pictures, "
                f"{float(each.duration_seconds):.2f} s, {'ok' if not each.problems else 'NOT ok'}"
            )
            lines += [f"  {problem}" for problem in each.problems]
        return "\n".join(lines)


@dataclass(slots=True)
class _Entry:
    uri: str
    seconds: Fraction
    is_discontinuous: bool


@dataclass(slots=True)
class _Media:
    entries: list[_Entry] = field(default_factory=list)
    target_seconds: int = 0
    is_ended: bool = False


@dataclass(frozen=True, slots=True)
class _Variant:
    uri: str
    attributes: dict[str, str]


def check_playlist(master: Path, threads: int = 2) -> PlaylistReport:
    """Check a master playlist and all it leads to on disk; a directory stands for its `master.m3u8`."""
    path = master / "master.m3u8" if master.is_dir() else master
    try:
        variants = _parse_master(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return PlaylistReport((), False, (str(error),))
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(lambda variant: _check_variant(path.parent, variant), variants))
    reports = tuple(report for report, _ in found)
    return PlaylistReport(reports, all(is_ended for _, is_ended in found), tuple(_misalignments(reports)))


def _parse_master(text: str) -> list[_Variant]:
    variants, attributes = [], None
    for line in _lines(text):
        if line.startswith("#EXT-X-STREAM-INF:"):
            attributes = {name: value.strip('"') for name, value in ATTRIBUTE.findall(line.split(":", 1)[1])}
        elif not line.startswith("#") and attributes is not None:
            variants.append(_Variant(line, attributes))
            attributes = None
    if not variants:
        raise ValueError("the master playlist names no rendition")
    return variants


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != "#EXTM3U":
        raise ValueError("a playlist begins with #EXTM3U")
    return lines


def _parse_media(text: str) -> _Media:
    media = _Media()
    seconds, is_discontinuous = Fraction(0), False
    for line in _lines(text):
        name, _, value = line.partition(":")
        if name == "#EXT-X-TARGETDURATION":
            media.target_seconds = int(value)
        elif name == "#EXTINF":
            seconds = Fraction(value.split(",")[0])
        elif name == "#EXT-X-DISCONTINUITY":
            is_discontinuous = True
        elif name == "#EXT-X-ENDLIST":
            media.is_ended = True
        elif not line.startswith("#"):
            media.entries.append(_Entry(line, seconds, is_discontinuous))
            is_discontinuous = False
    return media


def _local(directory: Path, uri: str) -> Path:
    """The file a relative address means; ValueError when it leads elsewhere."""
    parts = urlsplit(uri)
    path = PurePosixPath(unquote(parts.path))
    if parts.scheme or parts.netloc or path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{uri} does not lie beside the playlist")
    return directory / path


def _check_variant(directory: Path, variant: _Variant) -> tuple[RenditionReport, bool]:
    walk = _Walk(variant)
    is_ended = False
    try:
        path = _local(directory, variant.uri)
        media = _parse_media(path.read_text(encoding="utf-8"))
        is_ended = media.is_ended
        walk.run(path.parent, media)
    except (OSError, ValueError) as error:
        walk.problem(str(error))
    return walk.report(), is_ended


class _Walk:
    """One rendition from its first to its last picture."""

    def __init__(self, variant: _Variant) -> None:
        self._variant = variant
        self._problems: list[str] = []
        self._last_picture: tuple[int, int] | None = None
        self._last_sound: int | None = None
        self._size = (0, 0)
        self._segments = 0
        self._pictures = 0
        self._seconds = Fraction(0)
        self._starts: list[int] = []

    def problem(self, text: str) -> None:
        """Note a problem; beyond the first ones they are only a nuisance."""
        if len(self._problems) < PROBLEMS_REPORTED:
            self._problems.append(text)

    def report(self) -> RenditionReport:
        """What was seen."""
        return RenditionReport(
            self._variant.uri,
            *self._size,
            self._segments,
            self._pictures,
            self._seconds,
            tuple(self._starts),
            tuple(self._problems),
        )

    def run(self, directory: Path, media: _Media) -> None:
        """Take every segment in turn."""
        if not media.entries:
            self.problem("the playlist holds no segment")
        for entry in media.entries:
            if entry.is_discontinuous:
                self._last_picture = self._last_sound = None
            if round(entry.seconds) > media.target_seconds:
                self.problem(f"{entry.uri} lasts longer than the target duration")
            data = _local(directory, entry.uri).read_bytes()
            try:
                self._check_segment(entry, data, media.target_seconds)
            except MediaError as error:
                self.problem(f"{entry.uri}: {error}")

    def _check_segment(self, entry: _Entry, data: bytes, target_seconds: int) -> None:
        segment = demux_segment(data, CHECK_LIMITS)
        times = self._decode(entry, segment)
        self._check_times(entry, times)
        if segment.audio is not None:
            self._check_sound(entry, segment.audio)
        self._check_promises(entry, data, target_seconds)
        self._segments += 1
        self._starts.append(times[0])

    def _decode(self, entry: _Entry, segment: DemuxedSegment) -> list[int]:
        times = []
        for picture in PictureDecoder(segment.codec, CHECK_LIMITS).pictures(segment.video):
            assert picture.pts is not None
            times.append(picture.pts)
            self._size = (picture.width, picture.height)
        self._pictures += len(times)
        promised = self._variant.attributes.get("RESOLUTION", "")
        if promised != f"{self._size[0]}x{self._size[1]}":
            self.problem(f"{entry.uri} is {self._size[0]}x{self._size[1]}, the master playlist says {promised}")
        return times

    def _check_times(self, entry: _Entry, times: Sequence[int]) -> None:
        distance = mean_frame_ticks(times)
        if self._last_picture is not None:
            times_before = self._last_picture[0]
            self._check_gap(entry, wrapped_difference(times[0], times_before), self._last_picture[1])
        for earlier, later in itertools.pairwise(times):
            self._check_gap(entry, later - earlier, distance)
        self._last_picture = (times[-1], distance)
        measured = Fraction(times[-1] - times[0] + distance, TICKS_PER_SECOND)
        self._seconds += measured
        if abs(measured - entry.seconds) > Fraction(distance, TICKS_PER_SECOND):
            self.problem(f"{entry.uri} lasts {float(measured):.3f} s, its EXTINF says {float(entry.seconds):.3f}")

    def _check_gap(self, entry: _Entry, gap: int, distance: int) -> None:
        if not 0 < gap <= distance * MAX_PICTURE_GAP:
            self.problem(f"{entry.uri}: the picture time jumps by {gap} ticks, {distance} were expected")

    def _check_sound(self, entry: _Entry, audio: AudioTrack) -> None:
        frame = Fraction(SAMPLES_PER_FRAME * TICKS_PER_SECOND, audio.sample_rate)
        for time in (each.pts for each in audio.frames):
            gap = frame if self._last_sound is None else wrapped_difference(time, self._last_sound)
            if not frame / 2 <= gap <= frame * MAX_SOUND_GAP:
                self.problem(f"{entry.uri}: the sound's time jumps by {gap} ticks, {round(frame)} were expected")
            self._last_sound = time

    def _check_promises(self, entry: _Entry, data: bytes, target_seconds: int) -> None:
        attributes = self._variant.attributes
        bandwidth = int(attributes.get("BANDWIDTH", "0"))
        if 2 * entry.seconds >= target_seconds and 8 * len(data) > bandwidth * entry.seconds:
            self.problem(
                f"{entry.uri} takes {8 * len(data) / float(entry.seconds):.0f} bit/s, BANDWIDTH is {bandwidth}"
            )
        codecs = segment_codecs(data)
        if attributes.get("CODECS") != codecs:
            self.problem(f"{entry.uri} is {codecs}, CODECS says {attributes.get('CODECS')}")


def _misalignments(reports: Sequence[RenditionReport]) -> Iterator[str]:
    """Renditions have to cut at the same times, or a player cannot switch."""
    for report in reports[1:]:
        if report.starts != reports[0].starts:
            yield f"{report.uri} is not cut at the same times as {reports[0].uri}"
