"""Transcodes segments as an older processor would: python -m tests.support.transcode_on FLAGS X264 INDEPENDENT FILE...

Prints the output hashes of each file as JSON. FLAGS are FFmpeg's CPU flags, X264 is the value of x264's `asm`.
"""

import ctypes
import json
import sys
from dataclasses import replace
from pathlib import Path

import av

from tests.support.videos import SMALL_LADDER
from transcoder.media.profile import VERIFIED_PROFILE, Profile
from transcoder.media.transcode import transcode_segment


def force_flags(flags: int) -> None:
    """Make the FFmpeg libraries that PyAV has loaded believe in these CPU flags only."""
    beside = Path(av.__file__).parent.parent / "av.libs"
    (library,) = beside.glob("libavutil*")
    util = ctypes.CDLL(str(library))
    util.av_force_cpu_flags(flags)
    assert util.av_get_cpu_flags() == flags


def forced_profile(x264_name: str, cpu_independent: str) -> Profile:
    """The verified profile with x264's own instruction set and independence forced."""
    parameters = {**dict(VERIFIED_PROFILE.x264_parameters), "asm": x264_name, "cpu-independent": cpu_independent}
    return replace(VERIFIED_PROFILE, x264_parameters=tuple(parameters.items()))


def main(arguments: list[str]) -> None:
    flags, x264_name, cpu_independent, *files = arguments
    force_flags(int(flags))
    profile = forced_profile(x264_name, cpu_independent)
    found = {}
    for file in map(Path, files):
        result = transcode_segment(file.read_bytes(), SMALL_LADDER, profile=profile)
        found[file.name] = [output.sha256.hex() for output in result.renditions]
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
