"""A node proves to itself that its build reproduces the profile, or names the stage that differs."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from transcoder.media import mux, self_check, transcode
from transcoder.media.profile import PROFILES, VERIFIED_PROFILE, find_profile
from transcoder.media.self_check import SelfCheck

pytestmark = pytest.mark.media
REPOSITORY = Path(__file__).resolve().parents[2]


def test_this_build_reproduces_every_profile() -> None:
    for profile in PROFILES.values():
        assert self_check.self_check(profile) == SelfCheck(
            profile.profile_id, None, f"{profile.profile_id}: this build reproduces every golden vector"
        )


def break_draw(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(self_check, "shake_128", lambda _: type("Zeros", (), {"digest": staticmethod(bytes)}))


def break_encode(patch: pytest.MonkeyPatch) -> None:
    text = VERIFIED_PROFILE.x264_text() + ":subme=3"
    patch.setattr(type(VERIFIED_PROFILE), "x264_text", lambda _: text)
    canonical = replace(VERIFIED_PROFILE).canonical().replace(":subme=3", "")
    patch.setattr(type(VERIFIED_PROFILE), "canonical", lambda _: canonical)


def break_mux(patch: pytest.MonkeyPatch) -> None:
    real = mux.mux_segment
    options = (*VERIFIED_PROFILE.muxer_options, ("mpegts_service_id", "7"))
    for module in (self_check, transcode):
        patch.setattr(
            module,
            "mux_segment",
            lambda video, audio, profile: real(video, audio, replace(profile, muxer_options=options)),
        )


def break_decode(patch: pytest.MonkeyPatch) -> None:
    class Dark(transcode.PictureDecoder):
        def pictures(self, frames):  # type: ignore[no-untyped-def]
            for picture in super().pictures(frames):
                picture.planes[1].update(bytes(picture.planes[1].buffer_size))
                yield picture

    patch.setattr(transcode, "PictureDecoder", Dark)


def break_scale(patch: pytest.MonkeyPatch) -> None:
    class Rough(transcode.Scaler):
        def __init__(self, template, width, height, flags):  # type: ignore[no-untyped-def]
            super().__init__(template, width, height, "neighbor")

    patch.setattr(transcode, "Scaler", Rough)


@pytest.mark.parametrize("stage", ["draw", "encode", "mux", "decode", "scale"])
def test_the_stage_that_differs_is_named(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    breakers: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
        "draw": break_draw,
        "encode": break_encode,
        "mux": break_mux,
        "decode": break_decode,
        "scale": break_scale,
    }
    breakers[stage](monkeypatch)
    outcome = self_check.self_check(VERIFIED_PROFILE)
    assert outcome.differing_stage == stage
    assert f"stage '{stage}' differs" in outcome.text
    assert not outcome.is_ok


def test_a_changed_parameter_needs_new_vectors() -> None:
    changed = replace(VERIFIED_PROFILE, scaler_flags="bilinear")
    assert "other parameters" in self_check.self_check(changed).text


def test_the_check_is_a_command() -> None:
    command = [sys.executable, "-m", "transcoder.media.self_check"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "h264-verified-1: this build reproduces every golden vector\n")


def test_an_unknown_profile_is_said_to_be_unknown() -> None:
    with pytest.raises(ValueError, match="knows h264-verified-1"):
        find_profile("av1-9")
