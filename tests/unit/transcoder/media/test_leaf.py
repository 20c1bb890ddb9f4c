"""Leaves, stage roots, and their way to the sandbox and back."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from transcoder.media.compare import Finding, Verdict
from transcoder.media.ladder import Rendition, TranscodingOptions
from transcoder.media.leaf import MediaLeaf, RenditionOutput, StageDigests, TranscodedSegment
from transcoder.media.profile import VERIFIED_PROFILE
from transcoder.media.wire import (
    findings_from_json,
    findings_to_json,
    leaf_from_json,
    leaf_to_json,
    options_from_json,
    options_to_json,
    transcoded_from_json,
    transcoded_to_json,
)

STAGES = StageDigests(*(bytes([number]) * 32 for number in range(4)))
OUTPUT = RenditionOutput("240p", b"bytes", sha256(b"bytes").digest(), 50, 426, 240, STAGES)
SEGMENT = TranscodedSegment(bytes(32), 126_000, 180_000, (OUTPUT,), b"k" * 32)


def test_the_stage_root_is_over_the_four_digests_in_order() -> None:
    assert STAGES.root() == sha256(b"".join(bytes([number]) * 32 for number in range(4))).digest()
    assert OUTPUT.leaf == MediaLeaf(sha256(b"bytes").digest(), 50, STAGES.root())


def test_a_rendition_is_found_by_its_name() -> None:
    assert SEGMENT.rendition("240p") is OUTPUT
    with pytest.raises(KeyError):
        SEGMENT.rendition("720p")


def through_json(value: object) -> object:
    return json.loads(json.dumps(value))


def test_results_survive_json() -> None:
    for segment in (SEGMENT, replace(SEGMENT, keyed_digest=None)):
        assert transcoded_from_json(through_json(transcoded_to_json(segment)), [b"bytes"]) == segment  # type: ignore[arg-type]
    assert leaf_from_json(through_json(leaf_to_json(OUTPUT.leaf))) == OUTPUT.leaf  # type: ignore[arg-type]
    findings = (Finding("240p", Verdict.WRONG_SIZE, "too small"),)
    assert findings_from_json(through_json(findings_to_json(findings))) == findings  # type: ignore[arg-type]
    options = TranscodingOptions("h264-verified-1", (Rendition("240p", 426, 240, 25, 2, 30),))
    assert options_from_json(through_json(options_to_json(options))) == options  # type: ignore[arg-type]


def test_outputs_that_do_not_match_the_answer_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        transcoded_from_json(transcoded_to_json(SEGMENT), [])


def test_every_parameter_of_a_profile_shows_in_its_canonical_line() -> None:
    line = VERIFIED_PROFILE.canonical()
    changes = {
        "profile_id": "other",
        "codec": "libx265",
        "encoder_options": (("preset", "slow"),),
        "x264_parameters": (("threads", "2"),),
        "scaler_flags": "bilinear",
        "muxer": "mp4",
        "muxer_options": (),
        "audio_rule": "none",
    }
    lines = {replace(VERIFIED_PROFILE, **{name: value}).canonical() for name, value in changes.items()}  # type: ignore[arg-type]
    assert len(lines | {line}) == len(changes) + 1
    assert "\n" not in line
