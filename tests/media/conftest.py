"""Files and segments that several media tests read, made once per run."""

from pathlib import Path

import pytest

from tests.support.videos import SMALL_LADDER, draw_video, segments_of
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.transcode import transcode_segment


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_video(tmp_path_factory.mktemp("video") / "video.mp4")


@pytest.fixture(scope="session")
def segment(video: Path) -> bytes:
    return segments_of(video, 1)[0].data


@pytest.fixture(scope="session")
def transcoded(segment: bytes) -> TranscodedSegment:
    return transcode_segment(segment, SMALL_LADDER, key=b"verifier")
