"""What the sandboxed worker does once its limits are set: transcode, compare, leave the outputs as files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transcoder.media import wire
from transcoder.media.compare import Claim, compare_segment
from transcoder.media.leaf import TranscodedSegment
from transcoder.media.limits import SegmentLimits
from transcoder.media.profile import find_profile
from transcoder.media.transcode import transcode_segment


def run_job(directory: Path, job: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a job as `sandbox` writes it; MediaError or ValueError when its input or ladder is refused."""
    data = (directory / "input.ts").read_bytes()
    limits = SegmentLimits(**job["limits"]["segment"])
    options = wire.options_from_json(job["options"])
    profile = find_profile(options.profile_id)
    key = None if job["key"] is None else bytes.fromhex(job["key"])
    result = transcode_segment(data, options.renditions, profile=profile, key=key, limits=limits)
    claims = [_claim(directory, each) for each in job["claims"]]
    found = compare_segment(data, options.renditions, claims, limits=limits, reference=result) if claims else ()
    return {
        "result": wire.transcoded_to_json(result),
        "files": _write_outputs(directory, result),
        "findings": wire.findings_to_json(found),
    }


def _claim(directory: Path, value: Mapping[str, Any]) -> Claim:
    leaf = None if value["leaf"] is None else wire.leaf_from_json(value["leaf"])
    return Claim(value["name"], leaf, None if value["file"] is None else (directory / value["file"]).read_bytes())


def _write_outputs(directory: Path, result: TranscodedSegment) -> list[str]:
    files = [f"output-{number}.ts" for number in range(len(result.renditions))]
    for file, output in zip(files, result.renditions, strict=True):
        (directory / file).write_bytes(output.data)
    return files
