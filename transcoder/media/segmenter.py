"""A file as an endless or finite row of MPEG-TS segments of T seconds with continuous time stamps.

Every segment can be decoded on its own (closed groups, fresh encoder), so a broadcaster that restarts continues at
any sequence number with the same bytes. The pace is the caller's: each segment says when a live source would have
it complete.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from transcoder.media.adts import SAMPLE_RATES, SAMPLES_PER_FRAME
from transcoder.media.coded import AudioTrack, CodedFrame
from transcoder.media.cut import INGEST_PROFILE, CutPlan, VideoCut, cut_video, plan_cut
from transcoder.media.demux import demux_segment
from transcoder.media.limits import SegmentLimits
from transcoder.media.mux import mux_segment
from transcoder.media.probe import MediaInfo
from transcoder.media.sound import SoundReader
from transcoder.media.timing import TICKS_PER_SECOND, ticks

START_TICKS = 126_000
"""The first picture's time: 1.4 s, as FFmpeg's own muxer has it, so that decoding times stay positive."""
MAX_SEGMENT_SECONDS = 30
ADTS_FRAME_TICKS_AT_MOST = SAMPLES_PER_FRAME * TICKS_PER_SECOND // min(SAMPLE_RATES) + 1
CUT_LIMITS = SegmentLimits(input_bytes=1 << 30, pictures=100_000)
"""For our own cut file, whose size the broadcaster chose."""


@dataclass(frozen=True, slots=True)
class MediaSegment:
    """One segment of a stream: bytes ready to be signed and sent.

    `start_ticks` counts on beyond the 33 bits of MPEG-TS; `due_seconds` is when a live source started together with
    sequence number 0 would have completed it.
    """

    sequence: int
    data: bytes
    frames: int
    start_ticks: int
    duration_ticks: int
    due_seconds: Fraction


class FileSegmenter:
    """Segments of one file, once or looped. Use as a context manager: looping keeps the cut file on disk meanwhile."""

    def __init__(self, path: Path, segment_seconds: Fraction, *, loop: bool = False) -> None:
        if not 0 < segment_seconds <= MAX_SEGMENT_SECONDS:
            raise ValueError(f"a segment lasts more than 0 and at most {MAX_SEGMENT_SECONDS} s, not {segment_seconds}")
        self._path = path
        self._loop = loop
        self.plan: CutPlan = plan_cut(path, segment_seconds)
        self._directory = TemporaryDirectory(prefix="headwater-cut-")
        self._store = _CutStore(Path(self._directory.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the cut file's temporary copy."""
        self._directory.cleanup()

    @property
    def info(self) -> MediaInfo:
        """What the file holds."""
        return self.plan.info

    def segments(self, first_sequence: int = 0) -> Iterator[MediaSegment]:
        """Segments from `first_sequence` on, for ever when looped. One generator at a time."""
        count = 0
        for cut in self._first_pass(0 if self._loop else first_sequence):
            if count >= first_sequence:
                yield _segment(count, cut, self._store.offset(0) if self._loop and cut.video.is_last else NO_OFFSET)
            count += 1
        if self._loop:
            yield from self._repeat(max(first_sequence, count))

    def _first_pass(self, skip: int) -> Iterator["_Cut"]:
        sound = SoundReader(self._path, self.plan.origin_seconds)
        self._store.clear()
        try:
            for video in cut_video(self._path, self.plan, skip):
                cut = _with_sound(video, sound)
                if self._loop:
                    self._store.add(cut)
                yield cut
        finally:
            sound.close()

    def _repeat(self, sequence: int) -> Iterator[MediaSegment]:
        while True:
            turn, index = divmod(sequence, self._store.count)
            yield _segment(sequence, self._store.load(index), self._store.offset(turn))
            sequence += 1


@dataclass(frozen=True, slots=True)
class _Cut:
    """A cut with the sound that begins in it; the last one has a frame more, for loops that need it."""

    video: VideoCut
    audio: AudioTrack | None


def _with_sound(video: VideoCut, sound: SoundReader) -> _Cut:
    overhang = ADTS_FRAME_TICKS_AT_MOST if video.is_last else 0
    frames = sound.until(ticks(video.end) + overhang)
    return _Cut(video, AudioTrack(sound.sample_rate, tuple(frames)) if frames else None)


@dataclass(frozen=True, slots=True)
class _Offset:
    """Where one turn of a loop lies: ticks added to pictures and sound, and where the turn's sound ends.

    Sound stays on its own grid of 1,024 samples over all turns, so that it neither gaps nor drifts: a turn holds as
    many frames as begin in it, and sound is never more than one frame behind the pictures.
    """

    seconds: Fraction
    audio_ticks: int
    audio_end: int | None


NO_OFFSET = _Offset(Fraction(0), 0, None)


def _segment(sequence: int, cut: _Cut, offset: _Offset) -> MediaSegment:
    begin = START_TICKS + ticks(offset.seconds)
    start = START_TICKS + ticks(offset.seconds + cut.video.start)
    end_seconds = offset.seconds + cut.video.end
    return MediaSegment(
        sequence,
        mux_segment(_moved(cut.video.frames, begin), _moved_sound(cut.audio, offset), INGEST_PROFILE),
        len(cut.video.frames),
        start,
        START_TICKS + ticks(end_seconds) - start,
        end_seconds,
    )


def _moved(frames: tuple[CodedFrame, ...], offset: int) -> tuple[CodedFrame, ...]:
    return tuple(frame.moved(offset) for frame in frames)


def _moved_sound(audio: AudioTrack | None, offset: _Offset) -> AudioTrack | None:
    if audio is None:
        return None
    frames = tuple(frame for frame in audio.frames if offset.audio_end is None or frame.pts < offset.audio_end)
    return AudioTrack(audio.sample_rate, _moved(frames, START_TICKS + offset.audio_ticks)) if frames else None


class _CutStore:
    """The cuts of one turn on disk, each as an MPEG-TS file, so that memory does not grow with the file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._videos: list[VideoCut] = []
        self._sample_rate = 0
        self._sound_phase = 0

    @property
    def count(self) -> int:
        """Cuts in one turn."""
        return len(self._videos)

    def clear(self) -> None:
        """Forget everything; files are overwritten."""
        self._videos = []
        self._sample_rate = 0

    def add(self, cut: _Cut) -> None:
        """Keep the next cut of the turn."""
        if cut.audio is not None and self._sample_rate == 0:
            self._sample_rate = cut.audio.sample_rate
            self._sound_phase = cut.audio.frames[0].pts
        data = mux_segment(_moved(cut.video.frames, START_TICKS), _moved_sound(cut.audio, NO_OFFSET), INGEST_PROFILE)
        self._file(self.count).write_bytes(data)
        self._videos.append(replace(cut.video, frames=()))

    def load(self, index: int) -> _Cut:
        """The cut with its frames."""
        segment = demux_segment(self._file(index).read_bytes(), CUT_LIMITS)
        audio = segment.audio
        if audio is not None:
            audio = AudioTrack(audio.sample_rate, _moved(audio.frames, -START_TICKS))
        return _Cut(replace(self._videos[index], frames=_moved(segment.video, -START_TICKS)), audio)

    def offset(self, turn: int) -> _Offset:
        """Where turn number `turn` lies; only once the whole first turn has been added."""
        length = self._videos[-1].end
        if self._sample_rate == 0:
            return _Offset(turn * length, 0, None)
        sound_frame = Fraction(SAMPLES_PER_FRAME, self._sample_rate)
        first, following = ceil(turn * length / sound_frame), ceil((turn + 1) * length / sound_frame)
        end = self._sound_phase + ticks((following - first - Fraction(1, 2)) * sound_frame)
        return _Offset(turn * length, ticks(first * sound_frame), end)

    def _file(self, index: int) -> Path:
        return self._directory / f"{index}.ts"
