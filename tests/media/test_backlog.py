"""A backlog gives what its segments give one by one, in order."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from tests.support.videos import SMALL_LADDER, segments_of
from transcoder.media.backlog import transcode_backlog
from transcoder.media.errors import MediaError
from transcoder.media.transcode import transcode_segment

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def backlog(video: Path) -> list[bytes]:
    return [segment.data for segment in segments_of(video, 5, seconds=Fraction(1, 2))]


def test_the_results_are_those_of_single_segments_in_order(backlog: list[bytes]) -> None:
    alone = [transcode_segment(data, SMALL_LADDER) for data in backlog]
    for at_once in (1, 2, 9):
        assert list(transcode_backlog(backlog, SMALL_LADDER, at_once=at_once)) == alone


def test_segments_are_taken_only_as_they_are_needed(backlog: list[bytes]) -> None:
    taken: list[int] = []

    def source() -> Iterator[bytes]:
        for number, data in enumerate(backlog):
            taken.append(number)
            yield data

    results = transcode_backlog(source(), SMALL_LADDER, at_once=2)
    next(results)
    assert taken == [0, 1]
    results.close()  # type: ignore[attr-defined]


def test_a_bad_segment_is_an_error_in_its_place(backlog: list[bytes]) -> None:
    results = transcode_backlog([backlog[0], b"nonsense", backlog[1]], SMALL_LADDER)
    assert next(results).renditions
    with pytest.raises(MediaError):
        next(results)
