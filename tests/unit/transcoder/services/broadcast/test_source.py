import asyncio
import os
import time
from contextlib import aclosing
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from tests.support.videos import draw_video
from transcoder.services.broadcast.source import FileSource, InputRefused, SourcePlan

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    clip = draw_video(tmp_path_factory.mktemp("clip") / "clip.mp4", size="160x90", seconds=1)
    return SourcePlan(clip, Fraction(1, 4))


def take(plan, first=0, count=100):
    """Segments with the time at which each was handed out, after the call."""

    async def run():
        source, found = FileSource(plan), []
        try:
            called = time.monotonic()
            async with aclosing(source.segments(first, time.monotonic)) as made:
                async for timed in made:
                    found.append((timed, time.monotonic() - called))
                    if len(found) == count:
                        break
        finally:
            await source.close()
        return found

    return asyncio.run(run())


def test_no_segment_comes_before_a_camera_would_have_had_it(plan):
    found = take(plan)
    assert [timed.media.sequence for timed, _ in found] == [0, 1, 2, 3]
    for timed, at in found:
        assert at >= float(timed.media.due_seconds)
    for (earlier, _), (later, _) in pairwise(found):
        gap = later.media.due_seconds - earlier.media.due_seconds
        assert later.due_seconds - earlier.due_seconds == pytest.approx(float(gap))


def test_a_restart_gives_the_same_bytes_at_once_and_not_after_all_the_time_before(plan):
    looped = replace(plan, loop=True)
    whole = take(looped, count=7)
    ((again, at),) = take(looped, first=6, count=1)
    assert again.media == whole[6][0].media
    assert at < float(again.media.due_seconds)


def test_a_duration_ends_with_the_segment_that_reaches_it(plan):
    ended = take(replace(plan, loop=True, duration_seconds=Fraction(5, 4)))
    assert ended[-1][0].media.due_seconds >= Fraction(5, 4) > ended[-2][0].media.due_seconds


def test_the_fingerprint_is_of_the_file_and_of_how_it_is_cut(plan, tmp_path):
    other = tmp_path / "clip.mp4"
    other.write_bytes(plan.path.read_bytes())
    plans = [plan, replace(plan, loop=True), replace(plan, segment_seconds=Fraction(1)), replace(plan, path=other)]
    prints = [each.fingerprint() for each in plans]
    os.utime(other, ns=(0, 0))
    prints.append(plans[3].fingerprint())
    assert len(set(prints)) == 5
    assert replace(plan, duration_seconds=Fraction(9)).fingerprint() == plan.fingerprint()


@pytest.mark.parametrize("content", [b"", b"words"])
def test_what_is_no_video_is_refused_with_its_name(plan, tmp_path, content):
    path = tmp_path / "words.mp4"
    path.write_bytes(content)
    with pytest.raises(InputRefused, match=r"words\.mp4 cannot be broadcast"):
        FileSource(replace(plan, path=path))
