"""Ladders: what a rendition may be, and the order of the cascade."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcoder.media.ladder import Rendition, check_ladder, plan_cascade


def rendition(
    name: str = "r", width: int = 640, height: int = 360, crf: int = 23, rate: tuple[int, int] = (0, 1)
) -> Rendition:
    return Rendition(name, width, height, *rate, crf)


def test_a_rendition_that_cannot_be_encoded_is_refused() -> None:
    wrong = (
        ({"name": "../720p"}, "use 1 to 32"),
        ({"name": ""}, "use 1 to 32"),
        ({"width": 641}, "must be even"),
        ({"height": 14}, "16 to 8192"),
        ({"width": 8194}, "16 to 8192"),
        ({"crf": 0}, "1 to 51"),
        ({"crf": 52}, "1 to 51"),
        ({"rate": (25, 0)}, "frame rate"),
        ({"rate": (-1, 1)}, "frame rate"),
    )
    for change, text in wrong:
        with pytest.raises(ValueError, match=text):
            rendition(**change)  # type: ignore[arg-type]


def test_a_ladder_is_not_empty_not_endless_and_names_differ() -> None:
    with pytest.raises(ValueError, match="has 0"):
        check_ladder([])
    with pytest.raises(ValueError, match="has 17"):
        check_ladder([rendition(f"r{number}") for number in range(17)])
    with pytest.raises(ValueError, match="names must differ"):
        check_ladder([rendition("a"), rendition("a", 320, 180)])


def test_each_rendition_is_scaled_from_the_next_larger_one() -> None:
    ladder = [rendition("240p", 426, 240), rendition("720p", 1280, 720), rendition("480p", 854, 480)]
    assert plan_cascade(1920, 1080, ladder) == (2, None, 1)


def test_a_rendition_larger_than_the_source_feeds_nobody() -> None:
    ladder = [rendition("1080p", 1920, 1080), rendition("360p", 640, 360), rendition("240p", 426, 240)]
    assert plan_cascade(1280, 720, ladder) == (None, None, 1)


def test_a_taller_but_narrower_picture_is_no_parent() -> None:
    ladder = [rendition("portrait", 360, 640), rendition("landscape", 640, 360)]
    assert plan_cascade(1920, 1080, ladder) == (None, None)


def test_equal_sizes_follow_the_order_of_the_ladder() -> None:
    ladder = [rendition("fine", crf=18), rendition("coarse", crf=30)]
    assert plan_cascade(1920, 1080, ladder) == (None, 0)
    assert plan_cascade(640, 360, ladder) == (None, None)


sides = st.integers(8, 40).map(lambda half: 2 * half)


@settings(deadline=None)
@given(sides, sides, st.lists(st.tuples(sides, sides), min_size=1, max_size=8))
def test_every_cascade_ends_at_the_source(width: int, height: int, sizes: list[tuple[int, int]]) -> None:
    ladder = [rendition(f"r{number}", *size) for number, size in enumerate(sizes)]
    parents = plan_cascade(width, height, ladder)
    for index, own in enumerate(ladder):
        steps = 0
        at: int | None = index
        while at is not None:
            steps += 1
            assert steps <= len(ladder), "a circle"
            parent = parents[at]
            if parent is not None:
                assert ladder[parent].width >= ladder[at].width
                assert ladder[parent].height >= ladder[at].height
            at = parent
        assert own.width > 0
