"""Options that an encoder could follow, and how much work they are."""

from dataclasses import replace

import pytest

from app.messages.options import (
    MAX_SIDE,
    Rendition,
    TranscodingOptions,
    check_options,
    compute_fee_per_segment,
    compute_pixel_rate,
)
from app.messages.rejections import Rejection

SMALL = Rendition("240p", 426, 240, 30, 1, 23)
LARGE = Rendition("720p", 1280, 720, 30, 1, 23)
OPTIONS = TranscodingOptions("h264-verified-1", (LARGE, SMALL))


def with_rendition(**changes):
    return replace(OPTIONS, renditions=(replace(SMALL, **changes),))


def test_a_ladder_from_large_to_small_is_accepted():
    check_options(OPTIONS)
    check_options(replace(OPTIONS, renditions=(SMALL, replace(SMALL, name="again"))))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (replace(OPTIONS, profile_id=""), "profile_id is ''"),
        (replace(OPTIONS, renditions=()), "at least one rendition"),
        (replace(OPTIONS, renditions=(SMALL, LARGE)), "from the largest to the smallest"),
        (replace(OPTIONS, renditions=(SMALL, SMALL)), "two renditions have one name"),
        (with_rendition(name=""), "rendition name is ''"),
        (with_rendition(width=427), "a side of 427 pixels"),
        (with_rendition(height=14), "a side of 14 pixels"),
        (with_rendition(width=MAX_SIDE + 2), f"a side of {MAX_SIDE + 2} pixels"),
        (with_rendition(frame_rate_denominator=0), "30/0 frames per second"),
        (with_rendition(frame_rate_numerator=0), "0/1 frames per second"),
        (with_rendition(frame_rate_numerator=121), "121/1 frames per second"),
        (with_rendition(frame_rate_numerator=2**32, frame_rate_denominator=2**31), "frames per second"),
        (with_rendition(constant_rate_factor=0), "a CRF of 0"),
        (with_rendition(constant_rate_factor=52), "a CRF of 52"),
    ],
)
def test_options_that_no_encoder_could_follow_are_refused(options, says):
    with pytest.raises(Rejection) as caught:
        check_options(options)
    assert caught.value.reason.name == "INVALID_FIELD"
    assert says in caught.value.text


def test_one_unit_of_work_is_240p_at_30_frames_in_h264():
    one = TranscodingOptions("p", (SMALL,))
    assert compute_pixel_rate(one) == 426 * 240 * 30
    assert compute_fee_per_segment(7, one, 1000) == 7


def test_work_counts_pixels_frames_renditions_and_codec_weight():
    rate = 1280 * 720 * 30 + 426 * 240 * 30
    assert compute_pixel_rate(OPTIONS) == rate
    assert compute_fee_per_segment(10**9, OPTIONS, 2500) == -(-(10**9 * 2500 * rate) // (426 * 240 * 30 * 1000))


def test_a_part_of_a_frame_and_a_part_of_a_wei_are_rounded_up():
    assert compute_pixel_rate(with_rendition(frame_rate_numerator=30_000, frame_rate_denominator=1001)) == -(
        -426 * 240 * 30_000 // 1001
    )
    assert compute_fee_per_segment(1, with_rendition(width=16, height=16), 1000) == 1
    assert compute_fee_per_segment(0, OPTIONS, 1000) == 0
