"""Many segments through one profile: the next begins while the last pictures of the one before are being encoded.

A live source brings one segment at a time and gains nothing. For a backlog or a recording it keeps all processors
busy where a single segment's start and end would leave some idle.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from transcoder.media.ladder import Rendition
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.limits import DEFAULT_LIMITS, SegmentLimits
from transcoder.media.profile import VERIFIED_PROFILE, Profile
from transcoder.media.transcode import transcode_segment

SEGMENTS_AT_ONCE = 3


def transcode_backlog(
    segments: Iterable[bytes],
    renditions: Sequence[Rendition],
    *,
    profile: Profile = VERIFIED_PROFILE,
    limits: SegmentLimits = DEFAULT_LIMITS,
    at_once: int = SEGMENTS_AT_ONCE,
) -> Iterator[TranscodedSegment]:
    """Results in the order of the segments, at most `at_once` in the making; MediaError in the place of a bad one."""
    running: deque[Future[TranscodedSegment]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for data in segments:
                running.append(pool.submit(transcode_segment, data, renditions, profile=profile, limits=limits))
                if len(running) >= at_once:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for future in running:
                future.cancel()
