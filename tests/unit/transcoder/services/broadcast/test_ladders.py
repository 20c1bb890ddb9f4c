import json
from fractions import Fraction

import pytest

from app.messages.options import check_options
from transcoder.media.probe import VideoInfo
from transcoder.services.broadcast.ladders import LadderRefused, cap_frame_rates, choose_options

RATE = Fraction(30000, 1001)


def video(width, height, rotation=0):
    return VideoInfo("h264", width, height, "yuv420p", 8, RATE, rotation, False, Fraction(1))


def sizes(text, width, height, rotation=0):
    options = choose_options(text, video(width, height, rotation), RATE)
    check_options(options)
    return {each.name: (each.width, each.height) for each in options.renditions}


def test_presets_take_the_inputs_shape_from_the_largest_to_the_smallest():
    assert sizes("240p,480p,360p", 1280, 720) == {"480p": (854, 480), "360p": (640, 360), "240p": (426, 240)}


def test_the_default_suits_the_input():
    assert list(sizes(None, 1920, 1080)) == ["720p", "480p", "360p", "240p"]
    assert list(sizes(None, 1280, 720)) == ["480p", "360p", "240p"]
    assert sizes(None, 640, 360) == {"240p": (426, 240)}


def test_an_input_below_all_presets_keeps_its_size():
    assert sizes(None, 321, 181) == {"181p": (320, 180)}


def test_an_upright_picture_stays_upright():
    assert sizes("480p", 720, 1280) == {"480p": (480, 854)}
    assert sizes("480p", 1280, 720, rotation=90) == {"480p": (480, 854)}


def test_renditions_have_the_inputs_frame_rate():
    options = choose_options("240p", video(1280, 720), RATE)
    assert Fraction(options.renditions[0].frame_rate_numerator, options.renditions[0].frame_rate_denominator) == RATE
    assert cap_frame_rates(options, Fraction(25)) == (Fraction(25),)
    assert cap_frame_rates(options, Fraction(60)) == (RATE,)


@pytest.mark.parametrize(
    ("text", "said"), [("2160p", "choose from"), ("720p", "larger than the input"), (",", "at least")]
)
def test_what_cannot_be_ordered_is_refused(text, said):
    with pytest.raises(LadderRefused, match=said):
        sizes(text, 640, 360)


@pytest.mark.parametrize("text", ["240p,240p"])
def test_a_name_stands_once(text):
    with pytest.raises(LadderRefused, match="one name"):
        sizes(text, 640, 360)


RENDITION = {
    "name": "own", "width": 320, "height": 180, "frame_rate_numerator": 25, "frame_rate_denominator": 1,
    "constant_rate_factor": 30,
}  # fmt: skip


def test_a_file_lists_renditions_or_a_profile_with_renditions(tmp_path):
    path = tmp_path / "ladder.json"
    path.write_text(json.dumps([RENDITION]))
    assert sizes(str(path), 640, 360) == {"own": (320, 180)}
    path.write_text(json.dumps({"profile_id": "other", "renditions": [RENDITION]}))
    assert choose_options(str(path), video(640, 360), RATE).profile_id == "other"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not a ladder"),
        ("[]", "at least one rendition"),
        (json.dumps([{"name": "own"}]), "width: missing"),
        (json.dumps([RENDITION | {"width": 321}]), "even numbers"),
        (json.dumps([RENDITION | {"name": "../x"}]), "rendition name"),
        (json.dumps([RENDITION | {"width": 1280, "height": 720}]), "larger than the input"),
    ],
)
def test_a_file_that_is_no_ladder_is_refused(tmp_path, content, said):
    path = tmp_path / "ladder.json"
    path.write_text(content)
    with pytest.raises(LadderRefused, match=said):
        sizes(str(path), 640, 360)


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(LadderRefused, match="is not a ladder"):
        sizes(str(tmp_path / "none.json"), 640, 360)
