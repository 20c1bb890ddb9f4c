"""A stream on disk as players want it: a folder per rendition, playlists that are replaced in one step.

FOLDER/index.m3u8 is the master playlist, FOLDER/RENDITION/index.m3u8 a rendition's, FOLDER/RENDITION/N.ts a segment.
Files come before the journal's word that they are there, playlists after it: a playlist names nothing that a crash
could take away. Every method blocks on the disk.
"""

import contextlib
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from app.messages.options import Rendition
from chain.files import write_atomically
from transcoder.media.errors import MediaError
from transcoder.media.hls import BandwidthMeter, MediaPlaylist, PlaylistEntry, Variant, render_master, segment_codecs
from transcoder.media.timing import TICKS_PER_SECOND

PLAYLIST = "index.m3u8"
_KEPT_WINDOWS = 2
"""How many windows' worth of files stay on disk: a player may still read what has just left the playlist."""


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment whose renditions are on disk.

    Attributes:
        is_break: its time stamps do not follow from the segment before.
        sizes_bytes: of each rendition, in the job's order.
        codecs: of each rendition in HLS's words; empty where the bytes would not tell.
    """

    number: int
    duration_ticks: int
    is_break: bool
    sizes_bytes: tuple[int, ...]
    codecs: tuple[str, ...]

    @property
    def duration_seconds(self) -> Fraction:
        """Its length."""
        return Fraction(self.duration_ticks, TICKS_PER_SECOND)


@dataclass
class _Track:
    """One rendition: its folder, its playlist, its bit rate."""

    rendition: Rendition
    folder: Path
    playlist: MediaPlaylist
    meter: BandwidthMeter
    codecs: str = ""
    written: int = field(default=0)


class StreamWriter:
    """Writes one broadcast of a stream.

    Args:
        folder: the stream's own.
        renditions: in the job's order, which is that of the master playlist.
        frame_rates: what each rendition's pictures come at, for the master playlist.
        target_seconds: the segment length T.
        window_entries: how many segments the playlists show; None for all of them.
    """

    def __init__(
        self,
        folder: Path,
        renditions: Sequence[Rendition],
        frame_rates: Sequence[Fraction],
        target_seconds: Fraction,
        window_entries: int | None = None,
    ) -> None:
        self.folder = folder
        self._frame_rates = tuple(frame_rates)
        self._window_entries = window_entries
        self._last_number: int | None = None
        self._kept: deque[int] = deque()
        self._tracks = [
            _Track(
                rendition,
                folder / rendition.name,
                MediaPlaylist(target_seconds, window_entries),
                BandwidthMeter(target_seconds),
            )
            for rendition in renditions
        ]

    @property
    def is_empty(self) -> bool:
        """Whether no playlist names a segment."""
        return self._last_number is None

    def begin(self) -> None:
        """Make room for a new broadcast; what an earlier one of this name has left goes."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self._make_folders()

    def restore(self, segments: Sequence[StoredSegment]) -> None:
        """Continue a broadcast whose segments were published before."""
        self._make_folders()
        for segment in segments:
            self._append(segment)
        if segments:
            self._write_playlists()

    def store(self, number: int, duration_ticks: int, is_break: bool, outputs: Sequence[bytes]) -> StoredSegment:
        """Put a segment's renditions on disk; it is not in a playlist yet."""
        for track, data in zip(self._tracks, outputs, strict=True):
            write_atomically(track.folder / f"{number}.ts", data)
        sizes = tuple(len(data) for data in outputs)
        return StoredSegment(number, duration_ticks, is_break, sizes, tuple(_codecs_of(data) for data in outputs))

    def publish(self, segment: StoredSegment) -> None:
        """Add the next segment to all playlists; a number that is missing before it becomes a discontinuity."""
        self._append(segment)
        self._write_playlists()
        self._remove_old()

    def finish(self) -> None:
        """Say in all playlists that the stream has ended."""
        for track in self._tracks:
            track.playlist.finish()
        if self._last_number is not None:
            self._write_playlists()

    def _make_folders(self) -> None:
        for track in self._tracks:
            track.folder.mkdir(parents=True, exist_ok=True)

    def _append(self, segment: StoredSegment) -> None:
        follows = self._last_number is None or segment.number == self._last_number + 1
        is_discontinuous = self._last_number is not None and (segment.is_break or not follows)
        self._last_number = segment.number
        self._kept.append(segment.number)
        entry = PlaylistEntry(f"{segment.number}.ts", segment.duration_seconds, is_discontinuous)
        for track, size, codecs in zip(self._tracks, segment.sizes_bytes, segment.codecs, strict=True):
            track.playlist.append(entry)
            track.meter.add(size, segment.duration_seconds)
            track.codecs = track.codecs or codecs

    def _write_playlists(self) -> None:
        for track in self._tracks:
            write_atomically(track.folder / PLAYLIST, track.playlist.render().encode())
        write_atomically(self.folder / PLAYLIST, self._master().encode())

    def _master(self) -> str:
        known = [(track, rate) for track, rate in zip(self._tracks, self._frame_rates, strict=True) if track.codecs]
        return render_master(
            [
                Variant(
                    f"{track.rendition.name}/{PLAYLIST}",
                    track.meter.peak,
                    track.meter.average,
                    track.rendition.width,
                    track.rendition.height,
                    track.codecs,
                    rate,
                )
                for track, rate in known
            ]
        )

    def _remove_old(self) -> None:
        if self._window_entries is None:
            return
        while len(self._kept) > _KEPT_WINDOWS * self._window_entries:
            number = self._kept.popleft()
            for track in self._tracks:
                with contextlib.suppress(FileNotFoundError):
                    (track.folder / f"{number}.ts").unlink()


def _codecs_of(data: bytes) -> str:
    try:
        return segment_codecs(data)
    except MediaError:
        return ""
