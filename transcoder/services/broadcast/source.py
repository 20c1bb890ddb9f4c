"""A file at the pace of a live source: each segment when a camera would have had it complete."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from chain.failures import UsageFailure
from transcoder.media.errors import MediaError
from transcoder.media.probe import VideoInfo
from transcoder.media.segmenter import FileSegmenter, MediaSegment
from transcoder.media.timing import TICKS_PER_SECOND


class InputRefused(UsageFailure):
    """The input cannot be broadcast; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """What to take from a file.

    Attributes:
        loop: begin again at its end, with time running on.
        duration_seconds: end with the segment that reaches it; None for no such end.
    """

    path: Path
    segment_seconds: Fraction
    loop: bool = False
    duration_seconds: Fraction | None = None

    def is_reached_by(self, due_seconds: Fraction) -> bool:
        """Whether a segment that is due then is the last one."""
        return self.duration_seconds is not None and due_seconds >= self.duration_seconds

    def fingerprint(self) -> str:
        """Changes when segment n would be another one: another file, or one cut otherwise."""
        found = self.path.stat()
        facts = (self.path.resolve(), found.st_size, found.st_mtime_ns, self.segment_seconds, self.loop)
        return hashlib.sha256(repr(facts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TimedSegment:
    """A segment, and when it was due on the caller's clock."""

    media: MediaSegment
    due_seconds: float


class FileSource:
    """An open file. Cutting happens in a thread of its own.

    Raises:
        InputRefused: it is no video that can be cut.
    """

    def __init__(self, plan: SourcePlan) -> None:
        self.plan = plan
        try:
            self._segmenter = FileSegmenter(plan.path, plan.segment_seconds, loop=plan.loop)
        except (MediaError, OSError, ValueError) as error:
            raise InputRefused(f"{plan.path} cannot be broadcast: {error}") from error
        self._made = self._cuts(0)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="source")

    @property
    def video(self) -> VideoInfo:
        """The input's pictures."""
        return self._segmenter.info.video

    @property
    def frame_rate(self) -> Fraction:
        """The steady rate that the segments have."""
        return self._segmenter.plan.frame_rate

    async def segments(self, first: int, clock: Callable[[], float]) -> AsyncGenerator[TimedSegment]:
        """The segments from index `first` on, each handed out when it is due.

        The first one is due as long after the call as it lasts, or when it is cut, if that takes longer.

        Raises:
            InputRefused: the file turns out to be damaged on the way.
        """
        self._made = self._cuts(first)
        called = clock()
        origin: float | None = None
        while (segment := await self._next()) is not None:
            if origin is None:
                length = Fraction(segment.duration_ticks, TICKS_PER_SECOND)
                origin = max(clock(), called + float(length)) - float(segment.due_seconds)
            due = origin + float(segment.due_seconds)
            await asyncio.sleep(max(0.0, due - clock()))
            yield TimedSegment(segment, due)
            if self.plan.is_reached_by(segment.due_seconds):
                return

    async def close(self) -> None:
        """Let the file go, after the cut that is under way."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _cuts(self, first: int) -> Generator[MediaSegment]:
        yield from self._segmenter.segments(first)

    async def _next(self) -> MediaSegment | None:
        return await asyncio.get_running_loop().run_in_executor(self._thread, _next_of, self._made)

    def _close(self) -> None:
        self._made.close()
        self._segmenter.close()


def _next_of(segments: Generator[MediaSegment]) -> MediaSegment | None:
    try:
        return next(segments, None)
    except MediaError as error:
        raise InputRefused(f"the input cannot be cut any further: {error}") from error
