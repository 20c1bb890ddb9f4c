"""What passes between a node and its sandboxed worker, as JSON values; bytes are hexadecimal, pictures are files."""

from collections.abc import Mapping, Sequence
from typing import Any

from transcoder.media.compare import Finding, Verdict
from transcoder.media.ladder import Rendition, TranscodingOptions
from transcoder.media.leaf import MediaLeaf, RenditionOutput, StageDigests, TranscodedSegment

RENDITION_FIELDS = ("name", "width", "height", "frame_rate_numerator", "frame_rate_denominator", "crf")
STAGES = ("decoded", "scaled", "encoded", "muxed")
Json = Mapping[str, Any]


def options_to_json(options: TranscodingOptions) -> dict[str, Any]:
    """Profile id and ladder."""
    ladder = [{name: getattr(each, name) for name in RENDITION_FIELDS} for each in options.renditions]
    return {"profile_id": options.profile_id, "renditions": ladder}


def options_from_json(value: Json) -> TranscodingOptions:
    """The inverse of `options_to_json`; ValueError for a ladder that is not one."""
    return TranscodingOptions(value["profile_id"], tuple(Rendition(**each) for each in value["renditions"]))


def leaf_to_json(leaf: MediaLeaf) -> dict[str, Any]:
    """The three parts of a leaf."""
    return {"output_hash": leaf.output_hash.hex(), "frames": leaf.frames, "stage_root": leaf.stage_root.hex()}


def leaf_from_json(value: Json) -> MediaLeaf:
    """The inverse of `leaf_to_json`."""
    return MediaLeaf(bytes.fromhex(value["output_hash"]), value["frames"], bytes.fromhex(value["stage_root"]))


def transcoded_to_json(segment: TranscodedSegment) -> dict[str, Any]:
    """Everything but the renditions' bytes."""
    return {
        "input_hash": segment.input_hash.hex(),
        "start_ticks": segment.start_ticks,
        "duration_ticks": segment.duration_ticks,
        "keyed_digest": None if segment.keyed_digest is None else segment.keyed_digest.hex(),
        "renditions": [_output_to_json(output) for output in segment.renditions],
    }


def _output_to_json(output: RenditionOutput) -> dict[str, Any]:
    return {
        "name": output.name,
        "sha256": output.sha256.hex(),
        "frames": output.frames,
        "width": output.width,
        "height": output.height,
        "stages": {name: getattr(output.stages, name).hex() for name in STAGES},
    }


def transcoded_from_json(value: Json, outputs: Sequence[bytes]) -> TranscodedSegment:
    """The inverse of `transcoded_to_json`, with the renditions' bytes in the ladder's order."""
    keyed = value["keyed_digest"]
    return TranscodedSegment(
        bytes.fromhex(value["input_hash"]),
        value["start_ticks"],
        value["duration_ticks"],
        tuple(_output_from_json(*pair) for pair in zip(value["renditions"], outputs, strict=True)),
        None if keyed is None else bytes.fromhex(keyed),
    )


def _output_from_json(value: Json, data: bytes) -> RenditionOutput:
    stages = StageDigests(**{name: bytes.fromhex(value["stages"][name]) for name in STAGES})
    digest = bytes.fromhex(value["sha256"])
    return RenditionOutput(value["name"], data, digest, value["frames"], value["width"], value["height"], stages)


def findings_to_json(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Name, verdict and text of each."""
    return [{"name": each.name, "verdict": each.verdict.value, "text": each.text} for each in findings]


def findings_from_json(value: Sequence[Json]) -> tuple[Finding, ...]:
    """The inverse of `findings_to_json`."""
    return tuple(Finding(each["name"], Verdict(each["verdict"]), each["text"]) for each in value)
