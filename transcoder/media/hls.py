"""HLS playlists (RFC 8216) over MPEG-TS segments: one media playlist per rendition and a master playlist."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from transcoder.media.adts import has_header, read_header
from transcoder.media.cut import NAL_SPS
from transcoder.media.demux import demux_segment
from transcoder.media.errors import MediaError, MediaReason

VERSION = 6
"""EXT-X-INDEPENDENT-SEGMENTS came with it; decimal durations need 3."""


@dataclass(frozen=True, slots=True)
class PlaylistEntry:
    """One segment. `is_discontinuous` says that its time stamps do not follow from the one before."""

    uri: str
    duration_seconds: Fraction
    is_discontinuous: bool = False


class MediaPlaylist:
    """The playlist of one rendition, growing at its end.

    With a window of n entries the oldest ones leave (a live playlist); without, everything stays (EVENT).
    """

    def __init__(self, target_seconds: Fraction, window_entries: int | None = None) -> None:
        if window_entries is not None and window_entries < 3:
            raise ValueError("a live window holds at least 3 segments (RFC 8216, 6.2.2)")
        self.target_seconds = ceil(target_seconds)
        self._window_entries = window_entries
        self._entries: deque[PlaylistEntry] = deque()
        self._removed = 0
        self._discontinuities_removed = 0
        self._is_finished = False

    def append(self, entry: PlaylistEntry) -> None:
        """Add the next segment; ValueError when it is longer than the target or the playlist has ended."""
        if self._is_finished:
            raise ValueError("the playlist has ended")
        if "\n" in entry.uri or not entry.uri:
            raise ValueError(f"{entry.uri!r} is no playlist address")
        if round(entry.duration_seconds) > self.target_seconds:
            raise ValueError(f"{float(entry.duration_seconds)} s exceed the target of {self.target_seconds} s")
        self._entries.append(entry)
        if self._window_entries is not None and len(self._entries) > self._window_entries:
            self._removed += 1
            self._discontinuities_removed += self._entries.popleft().is_discontinuous

    def finish(self) -> None:
        """The stream has ended; nothing can be added."""
        self._is_finished = True

    def render(self) -> str:
        """The playlist's text."""
        lines = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{VERSION}",
            f"#EXT-X-TARGETDURATION:{self.target_seconds}",
            f"#EXT-X-MEDIA-SEQUENCE:{self._removed}",
            *([f"#EXT-X-DISCONTINUITY-SEQUENCE:{self._discontinuities_removed}"] if self._window_entries else []),
            *([] if self._window_entries else ["#EXT-X-PLAYLIST-TYPE:EVENT"]),
            "#EXT-X-INDEPENDENT-SEGMENTS",
        ]
        for entry in self._entries:
            lines += ["#EXT-X-DISCONTINUITY"] if entry.is_discontinuous else []
            lines += [f"#EXTINF:{decimal(entry.duration_seconds, 6)},", entry.uri]
        lines += ["#EXT-X-ENDLIST"] if self._is_finished else []
        return "\n".join(lines) + "\n"


def decimal(number: Fraction, places: int) -> str:
    """A positive number as decimal text, rounded."""
    scaled = round(number * 10**places)
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


class BandwidthMeter:
    """Peak and average bit rate of a rendition as RFC 8216 (4.3.4.2) defines them.

    The peak is over every run of segments that lasts half to one and a half target durations.
    """

    def __init__(self, target_seconds: Fraction) -> None:
        self._target = target_seconds
        self._recent: deque[tuple[int, Fraction]] = deque()
        self._peak = Fraction(0)
        self._bits = 0
        self._seconds = Fraction(0)

    def add(self, size_bytes: int, duration_seconds: Fraction) -> None:
        """Count the next segment."""
        self._bits += 8 * size_bytes
        self._seconds += duration_seconds
        self._recent.append((8 * size_bytes, duration_seconds))
        bits, seconds = 0, Fraction(0)
        for index, (more_bits, more_seconds) in enumerate(reversed(self._recent)):
            bits, seconds = bits + more_bits, seconds + more_seconds
            if seconds > self._target * 3 / 2:
                self._forget(index)
                break
            if seconds >= self._target / 2:
                self._peak = max(self._peak, bits / seconds)

    def _forget(self, kept: int) -> None:
        while len(self._recent) > kept + 1:
            self._recent.popleft()

    @property
    def peak(self) -> int:
        """BANDWIDTH in bits per second; 0 before the first segment."""
        return max(ceil(self._peak), self.average)

    @property
    def average(self) -> int:
        """AVERAGE-BANDWIDTH in bits per second."""
        return ceil(self._bits / self._seconds) if self._seconds else 0


@dataclass(frozen=True, slots=True)
class Variant:
    """One rendition in the master playlist; bandwidths in bits per second, sizes in pixels."""

    uri: str
    bandwidth: int
    average_bandwidth: int
    width: int
    height: int
    codecs: str
    frame_rate: Fraction


def render_master(variants: Sequence[Variant]) -> str:
    """The master playlist's text, variants in the given order."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for variant in variants:
        lines.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={variant.bandwidth},AVERAGE-BANDWIDTH={variant.average_bandwidth}"
            f",RESOLUTION={variant.width}x{variant.height},FRAME-RATE={decimal(variant.frame_rate, 3)}"
            f',CODECS="{variant.codecs}"'
        )
        lines.append(variant.uri)
    return "\n".join(lines) + "\n"


def segment_codecs(data: bytes) -> str:
    """The CODECS attribute (RFC 6381) of an H.264/AAC segment, such as `avc1.64001f,mp4a.40.2`."""
    segment = demux_segment(data)
    names = ["avc1." + sequence_parameters(segment.video[0].data)[1:4].hex()]
    if segment.audio is not None and has_header(segment.audio.frames[0].data):
        names.append(f"mp4a.40.{read_header(segment.audio.frames[0].data).object_type}")
    return ",".join(names)


def sequence_parameters(access_unit: bytes) -> bytes:
    """The first sequence parameter set of an H.264 access unit in Annex B form, with its NAL header."""
    for unit in access_unit.split(b"\0\0\1"):
        if unit and unit[0] & 0x1F == NAL_SPS and len(unit) >= 4:
            return unit
    raise MediaError(MediaReason.UNSUPPORTED, "the segment does not begin with H.264 parameters")
